/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.c - pointsman explain: which rule decides a call, and why
 *
 * The call is laid out in this process's memory, and read and decided on as one of
 * a thread of ours: by the code that a run decides by, which tells its steps.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit_json.h"
#include "call_words.h"
#include "command.h"
#include "explain_call.h"
#include "flight.h"
#include "options.h"
#include "policy.h"
#include "settle.h"
#include "words.h"

void explain_help(FILE *to)
{
	fputs("Usage: pointsman explain [OPTIONS] [--] [POLICY...] CALL [ARGUMENT...]\n"
	      "\n"
	      "Says which rule would decide a call, and why, step by step through the layers,\n"
	      "in the view of the current directory.  Nothing is run.  POLICY is a file, the\n"
	      "first the innermost.\n"
	      "\n"
	      "CALL is a system call and its arguments; descriptors may be left out:\n"
	      "\n"
	      "  open /etc/passwd O_RDWR          execve /bin/ls ls -l\n"
	      "  openat AT_FDCWD motd O_RDONLY    connect 192.0.2.1:80\n"
	      "  rename /a /b                     bind unix:/run/x/socket\n"
	      "\n"
	      "      --policy FILE        the same as POLICY; the short forms of\n"
	      "                           'pointsman run' (--path and others) are taken too\n"
	      "  -a, --all                also name the rules that do not match one by one\n"
	      "  -h, --help               print this and exit\n"
	      "\n"
	      "Exit status: 0 where the call would run, as it is or redirected; 1 where it\n"
	      "would not; 125 where pointsman failed.\n", to);
}

/*
 * An explanation: lives in explain_command().
 */
struct explaining {
	struct run_options options;
	struct policy_watch watch;
	struct pm_layer **layers;
	bool all;
	size_t depth;			/* of the layer that is asked */
	bool named;			/* its name is printed */
	/* What the last line of steps was about. */
	const struct pm_item *item;
	enum pm_class class;
	bool whole;
	/* Rules that do not match, and have not been printed. */
	const char *first, *last, *why;
	size_t skipped;
};

static void print_text(const char *text)
{
	words_text(stdout, text, strlen(text));
}

static void print_layer(struct explaining *explaining)
{
	if (explaining->named)
		return;
	explaining->named = true;
	explaining->item = NULL;
	explaining->whole = false;
	printf("\nlayer %zu of %zu: ", explaining->depth + 1, explaining->options.npolicies);
	print_text(explaining->layers[explaining->depth]->name);
	putchar('\n');
}

static const char *file_kind(mode_t mode)
{
	return S_ISDIR(mode)  ? "a directory" :
	       S_ISLNK(mode)  ? "a symbolic link" :
	       S_ISREG(mode)  ? "a file" :
	       S_ISSOCK(mode) ? "a socket" :
	       S_ISFIFO(mode) ? "a pipe" :
				"a device";
}

static void print_action(enum pm_action action, int err, int64_t value)
{
	switch (action) {
	case PM_ALLOW:
		fputs("allow", stdout);
		break;
	case PM_REDIRECT:
		fputs("redirect", stdout);
		break;
	case PM_DENY:
		printf("deny with %s", strerrorname_np(err) ? strerrorname_np(err) : "an error");
		break;
	case PM_VALUE:
		printf("answer %lld", (long long)value);
		break;
	case PM_KILL:
		fputs("kill", stdout);
		break;
	}
}

/* Rules in a row that do not match are one line. */
static void flush_skipped(struct explaining *explaining)
{
	if (explaining->skipped == 1)
		printf("    no   %s: %s\n", explaining->first, explaining->why);
	else if (explaining->skipped)
		printf("    no   %s to %s: %s\n", explaining->first, explaining->last,
		       explaining->why);
	explaining->skipped = 0;
	explaining->why = NULL;
}

static void skip(struct explaining *explaining, const struct policy_step *step)
{
	if (explaining->skipped && (explaining->all || strcmp(explaining->why, step->why_not)))
		flush_skipped(explaining);
	if (!explaining->skipped++)
		explaining->first = step->rule;
	explaining->last = step->rule;
	explaining->why = step->why_not;
}

static void print_facet(struct explaining *explaining, const struct policy_step *step)
{
	struct json json = { 0 };
	json_object *address;

	if (explaining->item == step->item && explaining->class == step->class &&
	    (step->item || explaining->whole))
		return;
	explaining->item = step->item;
	explaining->class = step->class;
	explaining->whole = true;
	if (!step->item) {
		printf("  the call as a whole\n");
		return;
	}
	printf("  %s", pm_class_name(step->class));
	if (step->item->kind == PM_ITEM_PATH) {
		const struct pm_where *where = pm_item_peek(step->item);

		printf(" of ");
		print_text(where && where->name ? where->name : (const char *)step->item->data);
	} else if (step->item->kind == PM_ITEM_SOCKADDR) {
		printf(" to ");
		address = json_object_new_object();
		json_put_address(&json, address, step->item->data, step->item->len);
		words_address(stdout, address);
		json_object_put(address);
	}
	printf(" (%s)\n", step->item->role);
}

static void tell_step(void *data, const struct policy_step *step)
{
	struct explaining *explaining = data;

	print_layer(explaining);
	print_facet(explaining, step);
	if (step->why_not) {
		skip(explaining, step);
		return;
	}
	flush_skipped(explaining);
	printf("    %s %s", step->rule ? "yes " : "else", step->rule ? step->rule : "the default");
	if (step->source) {
		printf(", ");
		print_text(step->source);
	}
	printf(": ");
	print_action(step->action, step->err, step->value);
	if (step->guards)
		printf(", since what it means would get another name");
	putchar('\n');
}

/* What a call names, on a line. */
static void print_call(struct pm_call *call)
{
	struct json json = { 0 };
	json_object *object = json_object_new_object();

	json_put_call(&json, object, call);
	fputs(call->name, stdout);
	words_named(stdout, object, " ");
	putchar('\n');
	json_object_put(object);
}

/* Where its paths lead, and what is there. */
static void print_paths(struct pm_call *call)
{
	for (size_t i = 0; i < call->nitems; i++) {
		const struct pm_where *where = pm_item_where(call, &call->items[i]);

		if (!where || !where->name)
			continue;
		printf("  %s \"", call->items[i].role);
		print_text((const char *)call->items[i].data);
		printf("\" is ");
		print_text(where->name);
		if (where->exists)
			printf(", %s", file_kind(where->st.st_mode));
		else
			printf(": %s", where->err ? strerror(where->err) : "not there yet");
		putchar('\n');
	}
}

static int tell_event(void *data, const struct pm_event *event)
{
	struct explaining *explaining = data;

	if (event->kind == PM_EVENT_CALL) {
		print_call(event->call);
		print_paths(event->call);
	} else if (event->kind == PM_EVENT_VERDICT) {
		print_layer(explaining);
		flush_skipped(explaining);
		printf("  so ");
		if (event->verdict->rule)
			printf("%s: ", event->verdict->rule);
		print_action(event->verdict->action, event->verdict->err, event->verdict->value);
		putchar('\n');
		if (event->verdict->action == PM_REDIRECT) {
			printf("  now ");
			print_call(event->call);
		}
		explaining->depth = event->depth + 1;
		explaining->named = false;
	}
	return 0;
}

static int print_errno(const char *what, int err)
{
	printf("\n%s %s (%s)\n", what, strerrorname_np(err) ? strerrorname_np(err) : "an error",
	       strerror(err));
	return EXIT_FAILURE;
}

/* Returns the exit status. */
static int print_outcome(struct flight *flight)
{
	const struct pm_verdict *verdict = &flight->outcome.verdict;
	struct settle form = { .lonely = true, .openat2 = true };
	int err;

	switch (verdict->action) {
	case PM_DENY:
		if (!flight->outcome.layer)
			printf("\n%s, outside of all layers", verdict->rule);
		return print_errno("the call does not run, and fails with", verdict->err);
	case PM_VALUE:
		printf("\nthe call does not run, and returns %lld\n", (long long)verdict->value);
		return EXIT_FAILURE;
	case PM_KILL:
		printf("\nthe process dies, and the call does not run\n");
		return EXIT_FAILURE;
	default:
		break;
	}
	err = script_apply(&flight->call);
	if (!err)
		err = settle(&flight->call, &form);
	program_clear(&form.program);
	if (err)
		return print_errno("allowed, and yet the kernel answers it with", -err);
	printf("\nthe call runs%s", verdict->action == PM_REDIRECT ? " as " : "\n");
	if (verdict->action == PM_REDIRECT)
		print_call(&flight->call);
	return EXIT_SUCCESS;
}

/* Returns the exit status. */
static int explain(struct explaining *explaining, const struct written_call *written)
{
	const struct pm_observer observer = { .data = explaining, .tell = tell_event };
	const struct pm_options options = {
		.layers = explaining->layers,
		.nlayers = explaining->options.npolicies,
		.observer = &observer,
		.unsafe = run_options_unsafe(&explaining->options),
	};
	const char *name = pm_syscall_name(written->arch, written->nr);
	struct flight *flight;
	int err, status;

	if (!chain_wants(&options, name)) {
		printf("%s: no layer asks to see it, so it is not stopped and runs as it is made%s\n",
		       name, strcmp(name, "ptrace") ? "" :
		       ",\nbut on the ptrace backend, where it fails with EPERM");
		return EXIT_SUCCESS;
	}
	flight = flight_new(&options, getpid(), gettid(), written->arch, written->nr,
			    written->args, 1);
	if (!flight) {
		complain("%s", strerror(ENOMEM));
		return EXIT_POINTSMAN;
	}
	err = flight_read(flight, true);
	if (!err)
		err = flight_decide(&options, flight);
	status = err ? print_errno("no layer is asked, since the kernel would answer", -err) :
		       print_outcome(flight);
	flight_free(flight);
	return status;
}

static int take(void *data, int option, const char *arg)
{
	struct explaining *explaining = data;

	(void)option;
	(void)arg;
	explaining->all = true;
	return 0;
}

/* Words before the call that are files are policies. */
static int take_files(struct run_options *options)
{
	int err = 0;

	while (!err && *options->command && !is_call(*options->command) &&
	       !access(*options->command, F_OK))
		err = run_options_add_policy(options, *options->command++);
	if (!err && !*options->command) {
		complain("no call given; see 'pointsman help explain'");
		err = -EINVAL;
	} else if (!err && !is_call(*options->command)) {
		struct nearest nearest = { .word = *options->command };

		syscall_nearest(&nearest);
		complain("'%s' is no policy file that is there, and no system call of this machine%s",
			 *options->command, nearest_hint(&nearest));
		err = -EINVAL;
	}
	return err;
}

static int prepare(struct explaining *explaining)
{
	int err = take_files(&explaining->options);
	size_t n = explaining->options.npolicies;

	if (err)
		return err;

	explaining->watch = (struct policy_watch){ .data = explaining, .tell = tell_step };
	explaining->layers = calloc(n + 1, sizeof(*explaining->layers));
	if (!explaining->layers) {
		complain("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		explaining->layers[i] = policy_layer(explaining->options.policies[i]);
		policy_watch(explaining->options.policies[i], &explaining->watch);
	}
	if (n)
		return 0;
	complain("no policy given; see 'pointsman help explain'");
	return -EINVAL;
}

int explain_command(int argc, char **argv)
{
	static const struct option own_options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	struct explaining explaining = { 0 };
	const struct own_options own = { own_options, take, &explaining, "call", false };
	struct written_call written;
	int status = EXIT_POINTSMAN;

	if (run_options_parse(&explaining.options, &own, argc, argv)) {
		run_options_clear(&explaining.options);
		return EXIT_POINTSMAN;
	}
	if (explaining.options.help) {
		explain_help(stdout);
		status = finish_output();
	} else if (explaining.options.version) {
		printf("pointsman %s\n", PM_VERSION);
		status = finish_output();
	} else if (!prepare(&explaining) &&
		   !call_from_words(explaining.options.command, &written)) {
		status = explain(&explaining, &written);
		if (finish_output())
			status = EXIT_POINTSMAN;
	}
	free(explaining.layers);
	run_options_clear(&explaining.options);
	return status;
}
