/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "report_html.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "call_words.h"

#define MAX_ROWS      1000	/* of a table */
#define MAX_TREE_ROWS 3000	/* of processes */
#define MAX_INDENT    24
#define MAX_TEXT      600	/* characters of a cell */

/* Colors of light and dark, and a page that is as wide as it is shown. */
static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" "
	"content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<title>pointsman report</title>\n"
	"<style>\n"
	":root{color-scheme:light dark;--line:#8884;--deny:#c22;--turn:#a60;--ok:#286}\n"
	"body{font:15px/1.45 system-ui,sans-serif;max-width:75em;margin:2em auto;padding:0 1em}\n"
	"h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}\n"
	"table{border-collapse:collapse;width:100%;font-size:.92em}\n"
	"th{text-align:left;font-weight:600}th,td{padding:.2em .6em .2em 0;vertical-align:top;"
	"border-bottom:1px solid var(--line)}\n"
	"td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
	"code{font:.92em ui-monospace,monospace;overflow-wrap:anywhere}\n"
	".sums{display:flex;flex-wrap:wrap;gap:.8em;padding:0;list-style:none}\n"
	".sums li{border:1px solid var(--line);border-radius:.4em;padding:.4em .9em}\n"
	".sums b{display:block;font-size:1.4em;font-variant-numeric:tabular-nums}\n"
	".deny{color:var(--deny)}.turn{color:var(--turn)}.note{opacity:.75}\n"
	"td:first-child{white-space:nowrap}.time{width:32%}.bar{position:relative;height:.8em;margin-top:.35em;background:var(--line)}\n"
	".bar i{position:absolute;top:0;bottom:0;min-width:2px;background:var(--ok)}\n"
	"</style>\n"
	"</head>\n"
	"<body>\n";

static void put_html(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		case '\'':
			fputs("&#39;", to);
			break;
		default:
			fputc(*text, to);
		}
	}
}

/*
 * A text that is collected first, printable by call_words.c, and then written as
 * HTML: whatever was put there is text.
 */
struct cell {
	FILE *to;
	char *text;
	size_t len;
};

static FILE *cell_open(struct cell *cell)
{
	*cell = (struct cell){ 0 };
	cell->to = open_memstream(&cell->text, &cell->len);
	return cell->to;
}

static void cell_put(struct cell *cell, FILE *to)
{
	if (!cell->to || fclose(cell->to)) {
		free(cell->text);
		return;
	}
	/* The end says more than the middle; no character is cut in two. */
	if (cell->len > MAX_TEXT) {
		size_t cut = MAX_TEXT / 2, rest = cell->len - MAX_TEXT / 2;

		while (cut && ((unsigned char)cell->text[cut] & 0xc0) == 0x80)
			cut--;
		while (((unsigned char)cell->text[rest] & 0xc0) == 0x80)
			rest++;
		cell->text[cut] = '\0';
		put_html(to, cell->text);
		fputs(" … ", to);
		put_html(to, cell->text + rest);
	} else {
		put_html(to, cell->text);
	}
	free(cell->text);
}

static json_object *parse(const char *json, size_t len)
{
	struct json_tokener *tokener = json_tokener_new();
	json_object *object;

	if (!tokener)
		return NULL;
	object = json_tokener_parse_ex(tokener, json, (int)len);
	json_tokener_free(tokener);
	return object;
}

static json_object *parse_piece(const struct kind *kind, const struct piece *piece)
{
	return piece->len ? parse(kind->bytes + piece->at, piece->len) : NULL;
}

/* A string of an audit, JSON, as text; base: what follows its last slash. */
static void put_string(FILE *to, json_object *string, bool base)
{
	struct cell cell;
	size_t len;
	char *bytes = words_bytes(string, &len), *slash;

	if (!bytes)
		return;
	if (!cell_open(&cell)) {
		free(bytes);
		return;
	}
	slash = base ? memrchr(bytes, '/', len) : NULL;
	if (slash)
		words_text(cell.to, slash + 1, len - (size_t)(slash + 1 - bytes));
	else
		words_text(cell.to, bytes, len);
	free(bytes);
	cell_put(&cell, to);
}

static void put_json(FILE *to, const char *json, bool base)
{
	json_object *string = json ? parse(json, strlen(json)) : NULL;

	put_string(to, string, base);
	json_object_put(string);
}

static void put_piece(FILE *to, const struct kind *kind, const struct piece *piece)
{
	json_object *string = parse_piece(kind, piece);

	put_string(to, string, false);
	json_object_put(string);
}

/* What is named by deep, a piece. */
static void put_named(FILE *to, const struct kind *kind, const struct piece *deep)
{
	json_object *named = parse_piece(kind, deep), *object;
	struct cell cell;

	if (!named)
		return;
	object = json_object_new_object();
	json_object_object_add(object, "deep", named);
	if (cell_open(&cell)) {
		words_named(cell.to, object, "");
		cell_put(&cell, to);
	}
	json_object_put(object);
}

static void put_time(FILE *to, int64_t time)
{
	time_t seconds = (time_t)(time / 1000000000);
	char text[32] = "";
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &utc);
	fprintf(to, "%s UTC", text);
}

static void put_duration(FILE *to, int64_t nanoseconds)
{
	if (nanoseconds < 1000000000)
		fprintf(to, "%lld ms", (long long)(nanoseconds / 1000000));
	else if (nanoseconds < 600000000000)
		fprintf(to, "%.1f s", (double)nanoseconds / 1e9);
	else
		fprintf(to, "%lld min", (long long)(nanoseconds / 60000000000));
}

static void put_source(FILE *to, const struct kind *kind)
{
	fputs("<code>", to);
	put_piece(to, kind, &kind->rule);
	fputs("</code>", to);
	if (kind->source.len || kind->layer.len) {
		fputs(", ", to);
		put_piece(to, kind, kind->source.len ? &kind->source : &kind->layer);
	}
}

static void put_programs(FILE *to, const struct kind *kind)
{
	for (size_t i = 0; i < MAX_PROGRAMS && kind->programs[i]; i++) {
		fputs(i ? ", " : "", to);
		put_json(to, kind->programs[i], true);
	}
	fputs(kind->more_programs ? " and others" : "", to);
}

/* An open runs as openat2(2), which says nothing to a reader. */
static bool is_another_call(const struct kind *kind)
{
	const char *ran = kind->bytes + kind->ran_call.at, *call = kind->bytes + kind->call.at;

	if (!kind->ran_call.len || (kind->ran_call.len > 5 && !memcmp(ran, "\"open", 5)))
		return false;
	return kind->ran_call.len != kind->call.len || memcmp(ran, call, kind->call.len);
}

static void put_outcome(FILE *to, const struct kind *kind)
{
	switch (kind->outcome) {
	case WAS_DENIED:
		put_piece(to, kind, &kind->error);
		break;
	case WAS_KILLED:
		fputs("killed", to);
		break;
	case WAS_ANSWERED:
		fprintf(to, "answered %lld",
			(long long)span_number(&(struct span){ kind->bytes + kind->value.at,
							       kind->value.len }, 0));
		break;
	case WAS_REDIRECTED:
		if (is_another_call(kind)) {
			put_piece(to, kind, &kind->ran_call);
			fputc(' ', to);
		}
		put_named(to, kind, &kind->ran);
		break;
	default:
		break;
	}
}

static int compare_kinds(const void *a, const void *b)
{
	const struct kind *one = *(struct kind *const *)a, *other = *(struct kind *const *)b;

	if (one->count != other->count)
		return one->count > other->count ? -1 : 1;
	return one->first < other->first ? -1 : one->first > other->first;
}

/* Those with one of these outcomes, the most frequent first; for the caller to free. */
static struct kind **sorted(struct kind *const *buckets, unsigned int outcomes, size_t most,
			    size_t *n)
{
	struct kind **list = calloc(most + 1, sizeof(struct kind *));

	*n = 0;
	for (size_t i = 0; list && i < BUCKETS; i++)
		for (struct kind *kind = buckets[i]; kind; kind = kind->next)
			if (outcomes & 1u << kind->outcome)
				list[(*n)++] = kind;
	if (list && *n)
		qsort(list, *n, sizeof(*list), compare_kinds);
	return list;
}

static int put_kinds(FILE *to, const struct sum *sum, unsigned int outcomes, const char *title,
		     const char *class, const char *result)
{
	struct kind **list;
	size_t n;

	list = sorted(sum->kinds, outcomes, sum->nkinds, &n);
	if (!list)
		return -ENOMEM;
	fprintf(to, "<h2>%s</h2>\n", title);
	if (!n)
		fputs("<p class=\"note\">Nothing.</p>\n", to);
	else
		fprintf(to, "<table>\n<tr><th class=\"n\">calls</th><th>call</th><th>what</th>"
			"<th>%s</th><th>by rule</th><th>program</th></tr>\n", result);
	for (size_t i = 0; i < n && i < MAX_ROWS; i++) {
		fprintf(to, "<tr><td class=\"n\">%llu</td><td>", list[i]->count);
		put_piece(to, list[i], &list[i]->call);
		fputs("</td><td><code>", to);
		put_named(to, list[i], &list[i]->deep);
		fprintf(to, "</code></td><td class=\"%s\"><code>", class);
		put_outcome(to, list[i]);
		fputs("</code></td><td>", to);
		put_source(to, list[i]);
		fputs("</td><td>", to);
		put_programs(to, list[i]);
		fputs("</td></tr>\n", to);
	}
	if (n)
		fputs("</table>\n", to);
	if (n > MAX_ROWS)
		fprintf(to, "<p class=\"note\">And %zu more, each as often or less.</p>\n",
			n - MAX_ROWS);
	free(list);
	return 0;
}

static int put_rules(FILE *to, const struct sum *sum)
{
	static const char *const names[] = {
		[WAS_ALLOWED] = "allowed", [WAS_REDIRECTED] = "redirected",
		[WAS_DENIED] = "denied",   [WAS_ANSWERED] = "answered",
		[WAS_KILLED] = "killed",
	};
	struct kind **list;
	size_t n;

	list = sorted(sum->rules, ~0u, sum->nrules, &n);
	if (!list)
		return -ENOMEM;
	fputs("<h2>Rules</h2>\n<table>\n<tr><th class=\"n\">calls</th><th>outcome</th>"
	      "<th>rule</th></tr>\n", to);
	for (size_t i = 0; i < n && i < MAX_ROWS; i++) {
		fprintf(to, "<tr><td class=\"n\">%llu</td><td>%s ", list[i]->count,
			names[list[i]->outcome]);
		if (list[i]->outcome == WAS_DENIED)
			put_outcome(to, list[i]);
		fputs("</td><td>", to);
		put_source(to, list[i]);
		fputs("</td></tr>\n", to);
	}
	fputs("</table>\n", to);
	free(list);
	return 0;
}

/* What has happened is seen by its color. */
static void put_count(FILE *to, unsigned long long count, const char *class)
{
	fprintf(to, "<td class=\"n %s\">%llu</td>", count ? class : "note", count);
}

/* What it was, one after the other: "sh → make → … → cc". */
static void put_execs(FILE *to, const struct process *process)
{
	for (size_t i = 0; i < MAX_EXECS && process->programs[i]; i++) {
		if (i)
			fputs(" → ", to);
		if (i == MAX_EXECS - 1 && process->nprograms > MAX_EXECS)
			fputs("… → ", to);
		put_json(to, process->programs[i], true);
	}
}

static void put_process(FILE *to, const struct sum *sum, const struct process *process,
			size_t depth)
{
	double whole = sum->last > sum->first ? (double)(sum->last - sum->first) : 1;
	double from = 100.0 * (double)(process->first - sum->first) / whole;
	double width = 100.0 * (double)(process->last - process->first) / whole;
	unsigned long long refused = process->counts[WAS_DENIED] + process->counts[WAS_ANSWERED] +
				     process->counts[WAS_KILLED];

	fprintf(to, "<tr><td style=\"padding-left:%.1fem\"><code>",
		1.2 * (double)(depth < MAX_INDENT ? depth : MAX_INDENT));
	put_execs(to, process);
	fprintf(to, "</code></td><td class=\"n\">%lld</td><td class=\"n\">%llu</td>",
		(long long)process->pid, process->counts[WAS_ALLOWED]);
	put_count(to, process->counts[WAS_REDIRECTED], "turn");
	put_count(to, refused, "deny");
	fputs("<td class=\"time\">", to);
	if (process->first != INT64_MAX) {
		fprintf(to, "<div class=\"bar\" title=\"");
		put_duration(to, process->first - sum->first);
		fputs(" to ", to);
		put_duration(to, process->last - sum->first);
		fprintf(to, "\"><i style=\"left:%.2f%%;width:%.2f%%\"></i></div>", from, width);
	}
	fputs("</td></tr>\n", to);
}

static void put_processes(FILE *to, const struct sum *sum)
{
	size_t depth = 0, rows = 0, left = 0;

	fputs("<h2>Processes over time</h2>\n<table>\n<tr><th>program</th><th class=\"n\">pid</th>"
	      "<th class=\"n\">allowed</th><th class=\"n\">redirected</th>"
	      "<th class=\"n\">refused</th><th class=\"time\">from the first call to the last</th>"
	      "</tr>\n", to);
	for (struct process *at = sum_tree(sum); at; at = sum_walk(at, &depth)) {
		/* One that begins a run and then makes no call has nothing to show. */
		if (!at->nprograms && !at->children)
			continue;
		if (rows++ < MAX_TREE_ROWS)
			put_process(to, sum, at, depth);
		else
			left++;
	}
	fputs("</table>\n", to);
	if (left)
		fprintf(to, "<p class=\"note\">And %zu more processes.</p>\n", left);
	if (sum->other_processes)
		fprintf(to, "<p class=\"note\">%llu calls were made by further ones.</p>\n",
			sum->other_processes);
}

static void put_run(FILE *to, const char *line)
{
	json_object *start = parse(line, strlen(line)), *command, *policies, *word;
	char when[64];
	int64_t begun;

	snprintf(when, sizeof(when), "\"%s\"", words_member(start, "time", ""));
	begun = span_time(&(struct span){ when, strlen(when) });
	fputs("<tr><td>", to);
	if (begun >= 0)
		put_time(to, begun);
	fputs("</td><td><code>", to);
	json_object_object_get_ex(start, "command", &command);
	for (size_t i = 0; json_object_is_type(command, json_type_array) &&
			   i < json_object_array_length(command) && i < 20; i++) {
		word = json_object_array_get_idx(command, i);
		fputs(i ? " " : "", to);
		put_string(to, word, false);
	}
	fputs("</code></td><td>", to);
	json_object_object_get_ex(start, "policies", &policies);
	for (size_t i = 0; json_object_is_type(policies, json_type_array) &&
			   i < json_object_array_length(policies); i++) {
		fputs(i ? ", " : "", to);
		put_string(to, json_object_array_get_idx(policies, i), false);
	}
	fputs("</td><td>", to);
	put_html(to, words_member(start, "backend", ""));
	fputs("</td></tr>\n", to);
	json_object_put(start);
}

static void put_runs(FILE *to, const struct sum *sum)
{
	if (!sum->nruns)
		return;
	fputs("<h2>Runs</h2>\n<table>\n<tr><th>begun</th><th>command</th><th>policies</th>"
	      "<th>backend</th></tr>\n", to);
	for (size_t i = 0; i < sum->nruns && i < MAX_RUNS; i++)
		put_run(to, sum->runs[i]);
	fputs("</table>\n", to);
	if (sum->nruns > MAX_RUNS)
		fprintf(to, "<p class=\"note\">And %zu more.</p>\n", sum->nruns - MAX_RUNS);
}

static void put_bad(FILE *to, const struct sum *sum)
{
	if (!sum->nbad)
		return;
	fputs("<h2 class=\"deny\">Lines that could not be read</h2>\n<ul>\n", to);
	for (size_t i = 0; i < sum->nbad && i < MAX_BAD; i++) {
		struct cell cell;

		fputs("<li>", to);
		if (cell_open(&cell)) {
			words_text(cell.to, sum->bad[i].file, strlen(sum->bad[i].file));
			cell_put(&cell, to);
		}
		fprintf(to, ", line %zu: ", sum->bad[i].number);
		put_html(to, sum->bad[i].why);
		fputs("</li>\n", to);
	}
	fputs("</ul>\n", to);
	if (sum->nbad > MAX_BAD)
		fprintf(to, "<p class=\"note\">And %zu more.</p>\n", sum->nbad - MAX_BAD);
}

static void put_sums(FILE *to, const struct sum *sum, char *const *files, size_t nfiles)
{
	const struct {
		const char *name, *class;
		unsigned long long n;
	} sums[] = {
		{ "calls", "", sum->calls },
		{ "allowed", "", sum->counts[WAS_ALLOWED] },
		{ "redirected", "turn", sum->counts[WAS_REDIRECTED] },
		{ "denied", "deny", sum->counts[WAS_DENIED] },
		{ "answered", "deny", sum->counts[WAS_ANSWERED] },
		{ "killed", "deny", sum->counts[WAS_KILLED] },
		{ "processes", "", sum->nprocesses },
	};

	fputs("<h1>What pointsman decided</h1>\n<p>", to);
	for (size_t i = 0; i < nfiles; i++) {
		struct cell cell;

		fputs(i ? ", " : "", to);
		if (!cell_open(&cell))
			continue;
		words_text(cell.to, files[i], strlen(files[i]));
		cell_put(&cell, to);
	}
	if (sum->last) {
		fputs(": ", to);
		put_time(to, sum->first);
		fputs(", ", to);
		put_duration(to, sum->last - sum->first);
	}
	fputs("</p>\n<ul class=\"sums\">\n", to);
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		fprintf(to, "<li><b class=\"%s\">%llu</b>%s</li>\n", sums[i].n ? sums[i].class : "",
			sums[i].n, sums[i].name);
	fputs("</ul>\n", to);
	if (sum->other_kinds)
		fprintf(to, "<p class=\"note\">%llu calls were of too many kinds to be told apart "
			"below.</p>\n", sum->other_kinds);
}

int html_write(FILE *to, struct sum *sum, char *const *files, size_t nfiles)
{
	int err;

	fputs(head, to);
	put_sums(to, sum, files, nfiles);
	put_bad(to, sum);
	put_runs(to, sum);
	err = put_kinds(to, sum, 1u << WAS_DENIED | 1u << WAS_ANSWERED | 1u << WAS_KILLED,
			"Refused", "deny", "outcome");
	if (!err)
		err = put_kinds(to, sum, 1u << WAS_REDIRECTED, "Redirected", "turn", "became");
	if (!err)
		err = put_rules(to, sum);
	put_processes(to, sum);
	fputs("</body>\n</html>\n", to);
	return err;
}
