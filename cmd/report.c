/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report.c - pointsman report: an audit as a page
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "options.h"
#include "report_html.h"
#include "report_sum.h"

#define PROGRESS_LINES 65536
#define MAX_TOLD       10	/* bad lines that are named on standard error */

struct reporting {
	const char *file;	/* of the page */
	char **audits;
	size_t naudits;
	bool terminal;		/* standard error is one: say how far it is */
	bool shown;
	struct sum sum;
};

void report_help(FILE *to)
{
	fputs("Usage: pointsman report [OPTIONS] AUDIT...\n"
	      "\n"
	      "Makes of audits, as 'pointsman run --audit' writes them, one page of HTML: what\n"
	      "was refused and redirected, how often, by which rule and program, and the tree\n"
	      "of processes over time.  It loads nothing and needs no JavaScript.  '-' is\n"
	      "standard input.\n"
	      "\n"
	      "  -o, --output FILE        write there, and not to standard output\n"
	      "  -h, --help               print this and exit\n"
	      "\n"
	      "Exit status: 0; 1 where lines could not be read, which are named, and the page\n"
	      "is of the others; 125 where pointsman failed.\n", to);
}

static void show_progress(struct reporting *reporting, const char *audit, size_t lines,
			  size_t bytes, off_t size)
{
	if (!reporting->terminal)
		return;
	reporting->shown = true;
	if (size > 0)
		fprintf(stderr, "\r\033[K%s: %d%%, %zu lines", audit,
			(int)(100.0 * (double)bytes / (double)size), lines);
	else
		fprintf(stderr, "\r\033[K%s: %zu lines", audit, lines);
}

static void hide_progress(struct reporting *reporting)
{
	if (reporting->shown)
		fputs("\r\033[K", stderr);
	reporting->shown = false;
}

static int read_lines(struct reporting *reporting, const char *name, FILE *from)
{
	size_t room = 0, number = 0, bytes = 0;
	char *line = NULL;
	struct stat st;
	off_t size = !fstat(fileno(from), &st) && S_ISREG(st.st_mode) ? st.st_size : 0;
	ssize_t len;
	int err = 0;

	while (!err && (len = getline(&line, &room, from)) >= 0) {
		bytes += (size_t)len;
		if (len && line[len - 1] == '\n')
			len--;
		err = sum_line(&reporting->sum, name, ++number, line, (size_t)len);
		if (number % PROGRESS_LINES == 0)
			show_progress(reporting, name, number, bytes, size);
	}
	if (!err && ferror(from))
		err = -errno;
	hide_progress(reporting);
	free(line);
	return err;
}

static int read_audit(struct reporting *reporting, const char *audit)
{
	bool standard = !strcmp(audit, "-");
	const char *name = standard ? "standard input" : audit;
	FILE *from = standard ? stdin : fopen(audit, "re");
	int err;

	if (!from) {
		complain("%s: cannot be read: %s", audit, strerror(errno));
		return -errno;
	}
	err = read_lines(reporting, name, from);
	if (err)
		complain("%s: cannot be read: %s", name, strerror(-err));
	if (!standard)
		fclose(from);
	return err;
}

/* Bad lines are not passed over in silence. */
static void tell_bad(const struct sum *sum)
{
	for (size_t i = 0; i < sum->nbad && i < MAX_TOLD; i++)
		complain("%s:%zu: not read: %s", sum->bad[i].file, sum->bad[i].number,
			 sum->bad[i].why);
	if (sum->nbad > MAX_TOLD)
		complain("%zu more not read", sum->nbad - MAX_TOLD);
}

static int write_page(struct reporting *reporting)
{
	FILE *to = reporting->file ? fopen(reporting->file, "we") : stdout;
	int err;

	if (!to) {
		complain("--output: cannot open '%s': %s", reporting->file, strerror(errno));
		return -errno;
	}
	err = html_write(to, &reporting->sum, reporting->audits, reporting->naudits);
	if (err)
		complain("%s", strerror(-err));
	if (!reporting->file)
		return finish_output() ? -EIO : err;
	if (fclose(to)) {
		complain("--output: cannot write '%s': %s", reporting->file, strerror(errno));
		err = -EIO;
	}
	return err;
}

/* The page is not written over what it is made of. */
static int check_files(const struct reporting *reporting)
{
	struct stat page, audit;

	if (!reporting->naudits) {
		complain("no audit given; see 'pointsman help report'");
		return -EINVAL;
	}
	if (!reporting->file && isatty(STDOUT_FILENO)) {
		complain("a page of HTML is nothing to read on a terminal, expected '-o FILE'");
		return -EINVAL;
	}
	for (size_t i = 0; reporting->file && i < reporting->naudits; i++) {
		if (stat(reporting->file, &page) || stat(reporting->audits[i], &audit) ||
		    page.st_dev != audit.st_dev || page.st_ino != audit.st_ino)
			continue;
		complain("--output: '%s' is the audit, expected another file", reporting->file);
		return -EINVAL;
	}
	return 0;
}

/*
 * Options may stand behind audits too: what is no option goes to the front of argv.
 * Returns 0, or -EINVAL after a complaint.
 */
static int take_options(struct reporting *reporting, int argc, char **argv, bool *help)
{
	static const char *const known[] = { "--output", "--help", NULL };
	bool options = true;

	reporting->audits = argv;
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (!options || word[0] != '-' || !word[1]) {
			argv[reporting->naudits++] = argv[i];
		} else if (!strcmp(word, "--")) {
			options = false;
		} else if (!strcmp(word, "-h") || !strcmp(word, "--help")) {
			*help = true;
		} else if (!strncmp(word, "--output=", 9)) {
			reporting->file = word + 9;
		} else if (!strcmp(word, "-o") || !strcmp(word, "--output")) {
			if (++i >= argc) {
				complain("option '%s' needs an argument", word);
				return -EINVAL;
			}
			reporting->file = argv[i];
		} else {
			complain_option("report", word, known);
			return -EINVAL;
		}
	}
	return 0;
}

/* Returns the exit status. */
static int report(struct reporting *reporting)
{
	int err = check_files(reporting);

	reporting->terminal = isatty(STDERR_FILENO);
	for (size_t i = 0; i < reporting->naudits && !err; i++)
		err = read_audit(reporting, reporting->audits[i]);
	if (!err) {
		tell_bad(&reporting->sum);
		err = write_page(reporting);
	}
	if (err)
		return EXIT_POINTSMAN;
	return reporting->sum.nbad ? EXIT_FAILURE : EXIT_SUCCESS;
}

int report_command(int argc, char **argv)
{
	struct reporting *reporting = calloc(1, sizeof(*reporting));
	int status = EXIT_POINTSMAN;
	bool help = false;

	if (!reporting) {
		complain("%s", strerror(ENOMEM));
		return EXIT_POINTSMAN;
	}
	if (!take_options(reporting, argc, argv, &help)) {
		if (help) {
			report_help(stdout);
			status = finish_output();
		} else {
			status = report(reporting);
		}
	}
	sum_clear(&reporting->sum);
	free(reporting);
	return status;
}
