/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * doctor.c - pointsman doctor: what works here, and what to do where it does not
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <json-c/json.h>

#include <pointsman/pointsman.h>

#include "backend_table.h"
#include "command.h"
#include "doctor_facts.h"
#include "probe.h"

#define COLUMNS 80

/* What was found out; why is empty where a backend works. */
struct findings {
	struct probe *probe;
	char ptrace[512], notify[512];
};

static const char *const needs[NNEEDS] = {
	[NEED_BOTH] = "Both backends need",
	[NEED_PTRACE] = "ptrace needs",
	[NEED_NOTIFY] = "notify needs, of a listener and the child of another process",
	[NEED_NONE] = "Nothing needs, but it is better to have",
};

void doctor_help(FILE *to)
{
	fputs("Usage: pointsman doctor [--json]\n"
	      "\n"
	      "Tries in child processes what the backends of 'pointsman run' need, and says\n"
	      "what works here, what does not, and what to do about it.\n"
	      "\n"
	      "      --json               print one JSON object instead of text\n"
	      "  -h, --help               print this and exit\n"
	      "\n"
	      "Exit status: 0 where 'pointsman run' will work, with one backend or the other;\n"
	      "1 where it will not; 125 where pointsman failed.\n", to);
}

/* Words, from column at on, in lines that begin with indent blanks. */
static void print_words(const char *text, size_t at, size_t indent)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (at > indent && at + 1 + len > COLUMNS) {
			printf("\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			putchar(' ');
			at++;
		}
		printf("%.*s", (int)len, text);
		at += len;
		text += len + strspn(text + len, " ");
	}
	putchar('\n');
}

static void print_backend(const char *name, const char *why)
{
	char text[600];

	if (*why)
		snprintf(text, sizeof(text), "does not work here: %s", why);
	else
		snprintf(text, sizeof(text), "works here");
	printf("%-7s ", name);
	print_words(text, 8, 8);
}

static void print_fact(const struct probe *probe, const struct fact_row *row)
{
	const char *why = fact_why(probe, row->fact);
	const char *remedy = fact_remedy(probe, row->fact);

	printf("  %-3s %s", why ? probe->fact[row->fact] == PROBE_UNTRIED ? "?" : "no" : "ok", row->what);
	if (why)
		printf(": %s", why);
	else if (row->fact == PROBE_LANDLOCK)
		printf(", version %d", probe->landlock);
	putchar('\n');
	if (remedy) {
		printf("      -> ");
		print_words(remedy, 9, 9);
	}
}

static void print_guarantees(const struct findings *findings)
{
	static const struct backend_row head = { "backend", "ptrace", "notify" },
					line = { "---", "---", "---" };

	backend_print_row(&head);
	backend_print_row(&line);
	for (size_t i = 0; i < nbackend_rows; i++) {
		struct backend_row row = backend_row(findings->probe, i, !*findings->ptrace,
						     !*findings->notify);

		backend_print_row(&row);
	}
}

static void print_around(const struct probe *probe)
{
	printf("\nAround this process:\n");
	if (probe->filters < 0)
		printf("  filters: not said by this kernel\n");
	else
		printf("  filters: %d\n", probe->filters);
	printf("  no_new_privs: %s\n", probe->no_new_privs > 0 ? "set" : "not set");
	if (probe->tracer)
		printf("  traced by: process %d (%s)\n", probe->tracer, probe->tracer_name);
	else
		printf("  traced by: nobody that is seen from here\n");
	printf("  a pointsman: %s\n", probe->guarded ? "yes" : "no");
	if (probe->ptrace_scope < 0)
		printf("  kernel.yama.ptrace_scope: not there\n");
	else
		printf("  kernel.yama.ptrace_scope: %d\n", probe->ptrace_scope);
	if (probe->io_uring_disabled < 0)
		printf("  kernel.io_uring_disabled: not there\n");
	else
		printf("  kernel.io_uring_disabled: %d\n", probe->io_uring_disabled);
}

static void print_text(const struct findings *findings)
{
	struct utsname system;

	uname(&system);
	printf("pointsman %s, %s %s, %s\n\n", PM_VERSION, system.sysname, system.release,
	       system.machine);
	print_backend("ptrace", findings->ptrace);
	print_backend("notify", findings->notify);
	putchar('\n');
	print_guarantees(findings);
	for (int need = 0; need < NNEEDS; need++) {
		printf("\n%s:\n", needs[need]);
		for (size_t i = 0; i < nfact_rows; i++)
			if (fact_rows[i].need == (enum need)need)
				print_fact(findings->probe, &fact_rows[i]);
	}
	print_around(findings->probe);
}

static json_object *text_or_null(const char *text)
{
	return text && *text ? json_object_new_string(text) : NULL;
}

/* -1: the kernel does not say. */
static json_object *number_or_null(int number)
{
	return number < 0 ? NULL : json_object_new_int(number);
}

static json_object *json_backend(const char *why)
{
	json_object *backend = json_object_new_object();

	json_object_object_add(backend, "works", json_object_new_boolean(!*why));
	json_object_object_add(backend, "why", text_or_null(why));
	return backend;
}

static json_object *json_guarantees(const struct findings *findings)
{
	json_object *rows = json_object_new_array();

	for (size_t i = 0; i < nbackend_rows; i++) {
		struct backend_row row = backend_row(findings->probe, i, !*findings->ptrace,
						     !*findings->notify);
		json_object *cells = json_object_new_object();

		json_object_object_add(cells, "what", json_object_new_string(row.what));
		json_object_object_add(cells, "ptrace", json_object_new_string(row.ptrace));
		json_object_object_add(cells, "notify", json_object_new_string(row.notify));
		json_object_array_add(rows, cells);
	}
	return rows;
}

static json_object *json_facts(const struct probe *probe)
{
	static const char *const backends[NNEEDS] = { "both", "ptrace", "notify", NULL };
	json_object *facts = json_object_new_object();

	for (size_t i = 0; i < nfact_rows; i++) {
		const struct fact_row *row = &fact_rows[i];
		json_object *fact = json_object_new_object();
		int value = probe->fact[row->fact];

		json_object_object_add(fact, "what", json_object_new_string(row->what));
		json_object_object_add(fact, "for", text_or_null(backends[row->need]));
		json_object_object_add(fact, "works", value == PROBE_UNTRIED ? NULL :
				       json_object_new_boolean(!value));
		json_object_object_add(fact, "error", text_or_null(value < 0 ?
				       strerrorname_np(-value) : NULL));
		json_object_object_add(fact, "why", text_or_null(fact_why(probe, row->fact)));
		json_object_object_add(fact, "remedy", text_or_null(fact_remedy(probe, row->fact)));
		json_object_object_add(facts, row->name, fact);
	}
	return facts;
}

static json_object *json_around(const struct probe *probe)
{
	json_object *around = json_object_new_object();

	json_object_object_add(around, "filters", number_or_null(probe->filters));
	json_object_object_add(around, "no_new_privs",
			       json_object_new_boolean(probe->no_new_privs > 0));
	json_object_object_add(around, "tracer", probe->tracer ?
			       json_object_new_int(probe->tracer) : NULL);
	json_object_object_add(around, "tracer_name", text_or_null(probe->tracer_name));
	json_object_object_add(around, "pointsman", json_object_new_boolean(probe->guarded));
	json_object_object_add(around, "ptrace_scope", number_or_null(probe->ptrace_scope));
	json_object_object_add(around, "io_uring_disabled",
			       number_or_null(probe->io_uring_disabled));
	return around;
}

static void print_json(const struct findings *findings)
{
	json_object *all = json_object_new_object();
	struct utsname system;

	uname(&system);
	json_object_object_add(all, "version", json_object_new_string(PM_VERSION));
	json_object_object_add(all, "kernel", json_object_new_string(system.release));
	json_object_object_add(all, "machine", json_object_new_string(system.machine));
	json_object_object_add(all, "works", json_object_new_boolean(!*findings->ptrace ||
								     !*findings->notify));
	json_object_object_add(all, "ptrace", json_backend(findings->ptrace));
	json_object_object_add(all, "notify", json_backend(findings->notify));
	json_object_object_add(all, "guarantees", json_guarantees(findings));
	json_object_object_add(all, "facts", json_facts(findings->probe));
	json_object_object_add(all, "landlock", number_or_null(findings->probe->landlock));
	json_object_object_add(all, "around", json_around(findings->probe));
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN |
						 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
}

static int examine(bool json)
{
	struct findings findings = { .probe = probe_new() };
	int err = findings.probe ? probe_all(findings.probe) : -ENOMEM;
	int status = EXIT_POINTSMAN;

	if (err) {
		complain("doctor: nothing can be tried: %s", strerror(-err));
	} else {
		probe_says_ptrace(findings.probe, findings.ptrace, sizeof(findings.ptrace));
		probe_says_notify(findings.probe, findings.notify, sizeof(findings.notify));
		if (json)
			print_json(&findings);
		else
			print_text(&findings);
		status = finish_output();
		if (!status)
			status = *findings.ptrace && *findings.notify;
	}
	probe_free(findings.probe);
	return status;
}

int doctor_command(int argc, char **argv)
{
	bool json = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")) {
			doctor_help(stdout);
			return finish_output();
		}
		if (!strcmp(argv[i], "--json")) {
			json = true;
			continue;
		}
		if (argv[i][0] == '-')
			complain("unknown option '%s'; see 'pointsman help doctor'", argv[i]);
		else
			complain("doctor: takes no argument, not '%s'", argv[i]);
		return EXIT_POINTSMAN;
	}
	return examine(json);
}
