/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check.c - pointsman check: all that is wrong with policy files
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "command.h"
#include "options.h"
#include "policy.h"
#include "words.h"

void check_help(FILE *to)
{
	fputs("Usage: pointsman check [OPTIONS] POLICY...\n"
	      "\n"
	      "Says all that is wrong with policy files, each with its line and column, and\n"
	      "what is doubtful: rules that nothing can match, rules that decide nothing since\n"
	      "earlier ones do, paths that look like patterns.  '-' is standard input.\n"
	      "\n"
	      "      --strict             warnings are errors\n"
	      "  -q, --quiet              print nothing, only answer by the exit status\n"
	      "  -h, --help               print this and exit\n"
	      "\n"
	      "Exit status: 0 where 'pointsman run' would take all of the policies, with or\n"
	      "without warnings; 1 where it would not; 125 where pointsman failed.\n", to);
}

struct checking {
	bool strict, quiet;
	size_t errors, warnings;
};

/* The line that a message is about, and where in it. */
static void print_excerpt(const char *bytes, size_t len, const struct flaw *flaw)
{
	const char *at = bytes, *end = bytes + len, *next;
	size_t line = 1;

	for (; line < flaw->line; line++) {
		next = memchr(at, '\n', (size_t)(end - at));
		if (!next)
			return;
		at = next + 1;
	}
	next = memchr(at, '\n', (size_t)(end - at));
	next = next ? next : end;
	/* What is very long, or no text, is no help. */
	if (!flaw->line || next - at > 200 || at == next)
		return;
	printf("%6zu | ", flaw->line);
	for (const char *c = at; c < next; c++)
		putchar(*c == '\t' ? ' ' : (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
	printf("\n       | ");
	/* Columns are characters, not bytes. */
	printf("%*s^\n", (int)(flaw->column ? flaw->column - 1 : 0), "");
}

/* "NAME:LINE:COLUMN: " and then the kind of flaw, as compilers say it. */
static void print_flaw(const struct checking *checking, const char *name, const struct flaw *flaw)
{
	const char *what = strstr(flaw->text + strlen(name), ": ");
	int place = what ? (int)(what - flaw->text) : 0;

	printf("%.*s: %s: %s\n", place, flaw->text,
	       flaw->error || checking->strict ? "error" : "warning",
	       what ? what + 2 : flaw->text);
}

static void print_count(const char *name, const struct flaws *flaws)
{
	size_t warnings = flaws->n - flaws->nerrors;

	printf("%s: %zu rule%s, %zu%s error%s, %zu warning%s\n", name, flaws->nrules,
	       flaws->nrules == 1 ? "" : "s", flaws->nerrors, flaws->more ? " or more" : "",
	       flaws->nerrors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}

/* Returns 0, or a negative errno where it could not be checked. */
static int check_file(struct checking *checking, const char *file)
{
	const char *name = strcmp(file, "-") ? file : "standard input";
	struct flaws flaws = { 0 };
	char *bytes, *error;
	size_t len;
	int err;

	err = policy_read(strcmp(file, "-") ? file : "/dev/stdin", &bytes, &len, &error);
	if (err == -ENOMEM)
		return err;
	if (err) {
		if (error)
			complain("%s", error);
		free(error);
		checking->errors++;
		return 0;
	}
	err = policy_check(name, bytes, len, &flaws);
	if (!err && !checking->quiet) {
		for (size_t i = 0; i < flaws.n; i++) {
			print_flaw(checking, name, &flaws.v[i]);
			print_excerpt(bytes, len, &flaws.v[i]);
		}
		print_count(name, &flaws);
	}
	checking->errors += flaws.nerrors;
	checking->warnings += flaws.n - flaws.nerrors;
	flaws_clear(&flaws);
	free(bytes);
	return err;
}

/*
 * Options may stand behind files too: what is no option goes to the front of argv.
 * Returns how many files there are, or -1 after a complaint.
 */
static int take_options(struct checking *checking, int argc, char **argv, bool *help)
{
	static const char *const known[] = { "--strict", "--quiet", "--help", NULL };
	bool options = true;
	int n = 0;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (!options || word[0] != '-' || !word[1]) {
			argv[n++] = argv[i];
		} else if (!strcmp(word, "--")) {
			options = false;
		} else if (!strcmp(word, "--strict")) {
			checking->strict = true;
		} else if (!strcmp(word, "-q") || !strcmp(word, "--quiet")) {
			checking->quiet = true;
		} else if (!strcmp(word, "-h") || !strcmp(word, "--help")) {
			*help = true;
		} else {
			complain_option("check", word, known);
			return -1;
		}
	}
	return n;
}

int check_command(int argc, char **argv)
{
	struct checking checking = { 0 };
	bool help = false;
	int n, err = 0;

	n = take_options(&checking, argc, argv, &help);
	if (n < 0)
		return EXIT_POINTSMAN;
	if (help) {
		check_help(stdout);
		return finish_output();
	}
	if (!n) {
		complain("no policy given; see 'pointsman help check'");
		return EXIT_POINTSMAN;
	}
	for (int i = 0; i < n && !err; i++)
		err = check_file(&checking, argv[i]);
	if (err) {
		complain("%s", strerror(-err));
		return EXIT_POINTSMAN;
	}
	if (finish_output())
		return EXIT_POINTSMAN;
	return checking.errors || (checking.strict && checking.warnings) ? EXIT_FAILURE :
									   EXIT_SUCCESS;
}
