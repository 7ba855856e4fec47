/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * learn.c - pointsman learn: a policy that allows what a command does
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "call_words.h"
#include "command.h"
#include "learn_record.h"
#include "options.h"
#include "policy.h"
#include "tree.h"
#include "watch.h"

/*
 * Lives in learn_command().
 */
struct learning {
	struct run_options options;
	const char *file, *merge;
	char *old;			/* the text of merge, or NULL */
	size_t old_len;
	int indent;			/* of its rules' dashes */
	struct learned learned;
	int err;
};

void learn_help(FILE *to)
{
	fputs("Usage: pointsman learn [OPTIONS] [--] COMMAND [ARGUMENT...]\n"
	      "\n"
	      "Runs COMMAND as it is, and prints a policy that allows what it did and refuses\n"
	      "all else.  Directories of which much was used are trees, names that are others\n"
	      "in the next run are patterns, and comments say how often and by whom.  Read it\n"
	      "before you use it: what COMMAND did once is not always what it should.\n"
	      "\n"
	      "While the policy goes to standard output, that of COMMAND goes to standard\n"
	      "error.\n"
	      "\n"
	      "  -o, --output FILE        write the policy there; COMMAND keeps its output\n"
	      "      --merge FILE         a policy that learn wrote, with what it does not\n"
	      "                           allow yet\n"
	      "      --backend NAME       notify, ptrace, or the first that works: auto\n"
	      "  -h, --help               print this and exit\n"
	      "\n"
	      "Exit status: that of COMMAND; 125 where pointsman failed, 126 where COMMAND\n"
	      "could not be run, 127 where it was not found: then no policy is written.\n", to);
}

static int take(void *data, int option, const char *arg)
{
	struct learning *learning = data;

	if (option == 'o')
		learning->file = arg;
	else
		learning->merge = arg;
	return 0;
}

static bool is_call(json_object *object)
{
	return !strcmp(words_member(object, "type", ""), "call");
}

static int on_line(void *data, const char *text, size_t len, json_object *object)
{
	struct learning *learning = data;
	const char *verdict = words_member(object, "verdict", "allow");

	(void)text;
	(void)len;
	/* What the old policy allows has nothing to add to it. */
	if (!is_call(object) || (learning->merge && (!strcmp(verdict, "allow") ||
						     !strcmp(verdict, "redirect"))))
		return 0;
	learning->err = learned_add(&learning->learned, object);
	return learning->err;
}

/* The blanks before the dash of an entry of a list; -EINVAL where it is not written so. */
static int find_dash(const char *bytes, const struct node *entry)
{
	const char *line = bytes, *at;

	for (size_t i = 1; line && i < entry->line; i++) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line)
		return -EINVAL;
	at = line + strspn(line, " ");
	if (*at != '-' || (size_t)(at - line) + 1 >= entry->column ||
	    at + 1 + strspn(at + 1, " ") != line + entry->column - 1)
		return -EINVAL;
	return (int)(at - line);
}

/* The rules of a policy stand where more can follow them: last, one below the other. */
static int find_rules(struct learning *learning, const struct node *root)
{
	const struct node *rules = root->kind == NODE_MAP ? tree_value(root, "rules") : root;

	if (rules == root || rules->kind != NODE_LIST || !rules->nitems ||
	    root->items[root->nitems - 1] != rules)
		return -EINVAL;
	learning->indent = find_dash(learning->old, rules->items[0]);
	return learning->indent < 0 ? -EINVAL : 0;
}

static int read_old(struct learning *learning)
{
	struct complaint complaint = { 0 };
	struct stat old, out;
	struct node *root = NULL;
	char *error = NULL;
	int err;

	if (!learning->file && !fstat(STDOUT_FILENO, &out) && !stat(learning->merge, &old) &&
	    out.st_dev == old.st_dev && out.st_ino == old.st_ino) {
		complain("--merge: '%s' is the output too, and has been emptied for it; "
			 "expected '-o %s'", learning->merge, learning->merge);
		return -EINVAL;
	}
	if (access(learning->merge, F_OK)) {
		/* The first of many runs. */
		learning->merge = NULL;
		return 0;
	}
	err = run_options_add_policy(&learning->options, learning->merge);
	if (err)
		return err;
	err = policy_read(learning->merge, &learning->old, &learning->old_len, &error);
	if (!err)
		err = tree_read(learning->merge, learning->old, learning->old_len, &root,
				&complaint);
	/* It is no longer than a policy may be, and there is room for more. */
	if (!err)
		learning->old[learning->old_len] = '\0';
	if (!err && find_rules(learning, root)) {
		complain("--merge: '%s' has no list of rules at its end, as learn writes it",
			 learning->merge);
		err = -EINVAL;
	} else if (err) {
		complain("%s", error ? error : complaint.text ? complaint.text : strerror(-err));
	}
	free(complaint.text);
	free(error);
	tree_free(root);
	return err;
}

static void put_command(FILE *to, char *const *command)
{
	for (size_t i = 0; command[i]; i++) {
		fputc(' ', to);
		words_text(to, command[i], strlen(command[i]));
	}
	fputc('\n', to);
}

static void put_date(FILE *to)
{
	time_t now = time(NULL);
	char text[32] = "";
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	fputs(text, to);
}

/* The policy as a text; NULL after a complaint. */
static char *compose(struct learning *learning, size_t *len)
{
	int indent = learning->merge ? learning->indent : 2;
	char *text = NULL, *rules = NULL;
	size_t rules_len;
	FILE *to = open_memstream(&rules, &rules_len);
	int err = to ? learned_write(&learning->learned, to, indent) : -ENOMEM;

	if (to && fclose(to))
		err = -ENOMEM;
	to = err ? NULL : open_memstream(&text, len);
	if (!to) {
		complain("%s", strerror(ENOMEM));
		free(rules);
		return NULL;
	}
	if (learning->merge)
		fwrite(learning->old, 1, learning->old_len, to);
	if (learning->merge && learning->old_len && learning->old[learning->old_len - 1] != '\n')
		fputc('\n', to);
	if (!learning->merge || rules_len) {
		fprintf(to, "%*s# Learned ", learning->merge ? indent : 0, "");
		put_date(to);
		fprintf(to, " from %llu calls of:", learning->learned.calls);
		put_command(to, learning->options.command);
	}
	if (!learning->merge) {
		fputs("# In ", to);
		words_text(to, learning->learned.cwd, strlen(learning->learned.cwd));
		fprintf(to, "; comments count the calls.\nversion: 1\ndefault: deny\nrules:%s\n",
			rules_len ? "" : " []");
	}
	fwrite(rules, 1, rules_len, to);
	free(rules);
	if (fclose(to)) {
		complain("%s", strerror(ENOMEM));
		free(text);
		return NULL;
	}
	return text;
}

/* Nobody has to find out later that it cannot be read. */
static int check(const char *text, size_t len)
{
	struct policy *policy = NULL;
	char *error = NULL;
	int err = policy_parse("learned policy", text, len, &policy, &error);

	if (err)
		complain("%s; report this, with the policy", error ? error : strerror(-err));
	free(error);
	policy_free(policy);
	return err;
}

/* A file is there as a whole, or as it was. */
static int write_file(const char *file, const char *text, size_t len)
{
	struct stat st;
	char *temporary;
	FILE *to;
	int fd, err = 0;

	/* What is no plain file (a terminal, a pipe) is written to as it is. */
	if (!lstat(file, &st) && !S_ISREG(st.st_mode)) {
		to = fopen(file, "we");
		if (!to)
			return -errno;
		fwrite(text, 1, len, to);
		return fclose(to) ? -errno : 0;
	}
	if (asprintf(&temporary, "%s.XXXXXX", file) < 0)
		return -ENOMEM;
	fd = mkstemp(temporary);
	to = fd < 0 ? NULL : fdopen(fd, "w");
	if (!to) {
		err = -errno;
	} else {
		mode_t mask = umask(0);

		umask(mask);
		fchmod(fd, 0666 & ~mask);
		fwrite(text, 1, len, to);
		if (fclose(to) || rename(temporary, file))
			err = -errno;
		if (err)
			unlink(temporary);
	}
	free(temporary);
	return err;
}

static int write_policy(struct learning *learning)
{
	size_t len;
	char *text = compose(learning, &len);
	int err;

	if (!text)
		return -ENOMEM;
	err = check(text, len);
	if (!err && learning->file) {
		err = write_file(learning->file, text, len);
		if (err)
			complain("--output: cannot write '%s': %s", learning->file, strerror(-err));
	} else if (!err) {
		fwrite(text, 1, len, stdout);
		err = finish_output() ? -EIO : 0;
	}
	free(text);
	return err;
}

/* Returns the exit status. */
static int learn(struct learning *learning)
{
	struct watch watch = { .options = &learning->options, .data = learning, .line = on_line,
			       .output_to_error = !learning->file };
	char cwd[PATH_MAX] = "/";
	int status = 0, failed;

	if (learning->options.npolicies) {
		complain("a policy, expected '--merge FILE' for one that learn wrote");
		return EXIT_POINTSMAN;
	}
	if (learning->merge && read_old(learning))
		return EXIT_POINTSMAN;
	if (!getcwd(cwd, sizeof(cwd)) || learned_init(&learning->learned, cwd, getenv("HOME"))) {
		complain("cannot begin: %s", strerror(errno));
		return EXIT_POINTSMAN;
	}
	failed = watch_run(&watch, &status);
	if (learning->err) {
		complain("cannot keep what was used: %s", strerror(-learning->err));
		return EXIT_POINTSMAN;
	}
	if (failed)
		return failed;
	return write_policy(learning) ? EXIT_POINTSMAN : watch_exit(status);
}

int learn_command(int argc, char **argv)
{
	static const struct option own_options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "merge", required_argument, NULL, 1 },
		{ NULL, 0, NULL, 0 },
	};
	struct learning learning = { 0 };
	const struct own_options own = { own_options, take, &learning, "command", true };
	int status = EXIT_POINTSMAN;

	if (!run_options_parse(&learning.options, &own, argc, argv)) {
		if (learning.options.help) {
			learn_help(stdout);
			status = finish_output();
		} else if (learning.options.version) {
			printf("pointsman %s\n", PM_VERSION);
			status = finish_output();
		} else {
			status = learn(&learning);
		}
	}
	learned_clear(&learning.learned);
	free(learning.old);
	run_options_clear(&learning.options);
	return status;
}
