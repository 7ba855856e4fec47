/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trace.c - pointsman trace: what would be mediated, while it happens
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call_words.h"
#include "command.h"
#include "options.h"
#include "trace_lines.h"
#include "watch.h"

enum when { AUTO, ALWAYS, NEVER };

struct tracing {
	struct run_options options;
	bool count_only, count, json;
	const char *file;
	enum when color;
	struct trace_lines lines;
	struct trace_count counts;
	int err;			/* of writing */
};

void trace_help(FILE *to)
{
	fputs("Usage: pointsman trace [OPTIONS] [--] COMMAND [ARGUMENT...]\n"
	      "\n"
	      "Runs COMMAND as it is, and prints on standard error each call that a policy\n"
	      "can decide on: what names a file, an address or a program.  With policies,\n"
	      "those that these ask to see, and what they would do, without doing it.\n"
	      "\n"
	      "      --policy FILE        a policy, as in 'pointsman run'; its short forms\n"
	      "                           (--path and others) are taken too\n"
	      "  -c, --summary-only       only count the calls\n"
	      "  -C, --summary            count them besides\n"
	      "      --json               lines of an audit instead\n"
	      "  -o, --output FILE        write there\n"
	      "      --backend NAME       notify, ptrace, or the first that works: auto\n"
	      "      --color WHEN         always, never, or auto: on a terminal, unless\n"
	      "                           NO_COLOR is set (default)\n"
	      "  -h, --help               print this and exit\n"
	      "\n"
	      "Exit status: that of COMMAND; 125 where pointsman failed, 126 where COMMAND\n"
	      "could not be run, 127 where it was not found.\n", to);
}

enum { TAKE_JSON = 1, TAKE_COLOR };

static int take(void *data, int option, const char *arg)
{
	static const char *const whens[] = {
		[AUTO] = "auto", [ALWAYS] = "always", [NEVER] = "never",
	};
	struct tracing *tracing = data;

	switch (option) {
	case 'c':
		tracing->count_only = true;
		return 0;
	case 'C':
		tracing->count = true;
		return 0;
	case 'o':
		tracing->file = arg;
		return 0;
	case TAKE_JSON:
		tracing->json = true;
		return 0;
	default:
		for (size_t i = 0; i < 3; i++) {
			if (!strcmp(whens[i], arg)) {
				tracing->color = (enum when)i;
				return 0;
			}
		}
		complain("--color: '%s', expected auto, always or never", arg);
		return -EINVAL;
	}
}

static int on_line(void *data, const char *text, size_t len, json_object *object)
{
	struct tracing *tracing = data;
	FILE *to = tracing->lines.to;

	if (tracing->json) {
		fwrite(text, 1, len, to);
		fputc('\n', to);
		if (tracing->lines.terminal)
			fflush(to);
	} else if (!strcmp(words_member(object, "type", ""), "call")) {
		if (!tracing->count_only)
			trace_line(&tracing->lines, object);
		if ((tracing->count || tracing->count_only) &&
		    trace_count_add(&tracing->counts, object)) {
			tracing->err = ENOMEM;
			return -ENOMEM;
		}
	}
	if (ferror(to)) {
		tracing->err = errno;
		return -EIO;
	}
	return 0;
}

static int open_output(struct tracing *tracing)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct trace_lines *lines = &tracing->lines;

	if (tracing->json && (tracing->count || tracing->count_only)) {
		complain("--json and a summary, expected one of them");
		return -EINVAL;
	}
	/* A stream of its own: standard error would write each character by itself. */
	lines->to = tracing->file ? fopen(tracing->file, "we") :
				    fdopen(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3), "w");
	if (!lines->to) {
		complain("--output: cannot open '%s': %s",
			 tracing->file ? tracing->file : "standard error", strerror(errno));
		return -errno;
	}
	/* Where COMMAND writes too, lines are whole. */
	if (!tracing->file)
		setvbuf(lines->to, NULL, _IOLBF, 0);
	lines->terminal = isatty(fileno(lines->to));
	lines->color = tracing->color == ALWAYS ||
		       (tracing->color == AUTO && lines->terminal && !(no_color && *no_color) &&
			!(term && !strcmp(term, "dumb")));
	return 0;
}

/* Returns the exit status. */
static int trace(struct tracing *tracing)
{
	struct watch watch = { .options = &tracing->options, .data = tracing, .line = on_line };
	int status = 0, failed;

	if (open_output(tracing))
		return EXIT_POINTSMAN;
	failed = watch_run(&watch, &status);
	if (!failed && (tracing->count || tracing->count_only))
		trace_count_print(&tracing->counts, tracing->lines.to);
	if (fclose(tracing->lines.to) && !tracing->err)
		tracing->err = errno;
	if (tracing->err) {
		complain("cannot write the trace: %s", strerror(tracing->err));
		return EXIT_POINTSMAN;
	}
	return failed ? failed : watch_exit(status);
}

int trace_command(int argc, char **argv)
{
	static const struct option own_options[] = {
		{ "summary-only", no_argument, NULL, 'c' },
		{ "summary", no_argument, NULL, 'C' },
		{ "json", no_argument, NULL, TAKE_JSON },
		{ "output", required_argument, NULL, 'o' },
		{ "color", required_argument, NULL, TAKE_COLOR },
		{ NULL, 0, NULL, 0 },
	};
	struct tracing tracing = { 0 };
	const struct own_options own = { own_options, take, &tracing, "command", true };
	int status = EXIT_POINTSMAN;

	if (!run_options_parse(&tracing.options, &own, argc, argv)) {
		if (tracing.options.help) {
			trace_help(stdout);
			status = finish_output();
		} else if (tracing.options.version) {
			printf("pointsman %s\n", PM_VERSION);
			status = finish_output();
		} else {
			status = trace(&tracing);
		}
	}
	trace_count_clear(&tracing.counts);
	run_options_clear(&tracing.options);
	return status;
}
