/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "trace_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "call_words.h"

#define COMM_COLUMNS 12
#define CALL_COLUMNS 14
#define PID_COLUMNS  7
/* A terminal that is narrower than this has no column for the program, and a small one for the call. */
#define NARROW		   60
#define NARROWEST	   40
#define CALL_COLUMNS_LEAST 10
/* What is said of a call is worth more than its end. */
#define LEAST_NAMED  20

#define PLAIN  "\033[0m"
#define BOLD   "\033[1m"
#define DIM    "\033[2m"
#define RED    "\033[31m"
#define YELLOW "\033[33m"
#define CYAN   "\033[36m"

struct counted {
	char *name, *source;
	unsigned long long calls, redirected, refused, failed;
};

/* Characters, not bytes: text is printable UTF-8. */
static size_t columns_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* The place after this many characters. */
static const char *after(const char *text, size_t columns)
{
	while (*text && (columns || ((unsigned char)*text & 0xc0) == 0x80)) {
		if (((unsigned char)*text & 0xc0) != 0x80) {
			if (!columns)
				break;
			columns--;
		}
		text++;
	}
	return text;
}

static size_t terminal_width(const struct trace_lines *lines)
{
	struct winsize size;

	if (!lines->terminal || ioctl(fileno(lines->to), TIOCGWINSZ, &size) || !size.ws_col)
		return lines->terminal ? 80 : SIZE_MAX;
	return size.ws_col > NARROWEST ? size.ws_col : NARROWEST;
}

/* Of what is too long the middle is left out: what a path ends in says most. */
static void put_cut(FILE *to, const char *text, size_t width)
{
	size_t columns = columns_of(text), head;

	if (columns <= width) {
		fputs(text, to);
		return;
	}
	head = (width - 1) / 3;
	fwrite(text, 1, (size_t)(after(text, head) - text), to);
	fputs("…", to);
	fputs(after(text, columns - (width - 1 - head)), to);
}

static void put_column(FILE *to, const char *text, size_t width)
{
	size_t columns = columns_of(text);

	put_cut(to, text, width > 1 ? width : 1);
	fprintf(to, "%*s ", columns < width ? (int)(width - columns) : 0, "");
}

static void start(const struct trace_lines *lines, const char *color)
{
	if (lines->color)
		fputs(color, lines->to);
}

static void end(const struct trace_lines *lines)
{
	if (lines->color)
		fputs(PLAIN, lines->to);
}

/* What an open is for: other calls say it by their names. */
static void put_use(FILE *to, json_object *call)
{
	static const struct {
		const char *class, *word;
	} uses[] = {
		{ "open-read", "read" }, { "open-write", "write" }, { "create", "create" },
	};
	json_object *deep, *path, *classes;
	bool first = true;

	if (strncmp(words_member(call, "call", ""), "open", 4) ||
	    !json_object_object_get_ex(call, "deep", &deep) ||
	    !json_object_object_get_ex(deep, "pathname", &path) ||
	    !json_object_object_get_ex(path, "classes", &classes))
		return;
	for (size_t i = 0; i < json_object_array_length(classes); i++) {
		const char *class = json_object_get_string(json_object_array_get_idx(classes, i));

		for (size_t use = 0; use < sizeof(uses) / sizeof(uses[0]); use++) {
			if (strcmp(class, uses[use].class))
				continue;
			fprintf(to, "%s%s", first ? "" : "+", uses[use].word);
			first = false;
		}
	}
	if (!first)
		fputc(' ', to);
}

/* Does a path of the call lead to nothing, and it is not there to be made? */
static bool is_missing(json_object *call)
{
	json_object *deep;

	if (!json_object_object_get_ex(call, "deep", &deep))
		return false;
	json_object_object_foreach(deep, role, item) {
		json_object *classes;
		bool makes = false;

		(void)role;
		if (!json_object_object_get_ex(item, "missing", NULL) ||
		    !json_object_object_get_ex(item, "classes", &classes))
			continue;
		for (size_t i = 0; i < json_object_array_length(classes); i++) {
			const char *class =
				json_object_get_string(json_object_array_get_idx(classes, i));

			makes |= !strcmp(class, "create") || !strcmp(class, "rename");
		}
		if (!makes)
			return true;
	}
	return false;
}

/* The error that the call ends with, though it was allowed; NULL: none that is known. */
static const char *failure(json_object *call)
{
	const char *fails = words_member(call, "fails", NULL);
	json_object *ran;

	if (fails)
		return fails;
	if (!strcmp(words_member(call, "verdict", ""), "redirect") &&
	    json_object_object_get_ex(call, "ran", &ran))
		call = ran;
	return is_missing(call) ? "ENOENT" : NULL;
}

static bool has_verdict(json_object *call, const char *verdict)
{
	return !strcmp(words_member(call, "verdict", "allow"), verdict);
}

static void put_source(FILE *to, json_object *call)
{
	const char *source = words_member(call, "source", NULL);
	const char *rule = words_member(call, "rule", "default");

	fprintf(to, " by ");
	words_text(to, rule, strlen(rule));
	if (source) {
		fputs(", ", to);
		words_text(to, source, strlen(source));
	}
}

/* What becomes of it; "" where it just runs. */
static void put_note(FILE *to, json_object *call)
{
	json_object *value, *ran;
	const char *error;

	if (has_verdict(call, "deny")) {
		fprintf(to, "refused: %s", words_member(call, "errno", ""));
		put_source(to, call);
	} else if (has_verdict(call, "kill")) {
		fputs("killed", to);
		put_source(to, call);
	} else if (has_verdict(call, "value")) {
		json_object_object_get_ex(call, "value", &value);
		fprintf(to, "answered: %lld", (long long)json_object_get_int64(value));
		put_source(to, call);
	} else if (has_verdict(call, "redirect")) {
		fputs("=>", to);
		if (json_object_object_get_ex(call, "ran", &ran)) {
			if (strcmp(words_member(ran, "call", ""), words_member(call, "call", "")) &&
			    strncmp(words_member(ran, "call", ""), "open", 4))
				fprintf(to, " %s", words_member(ran, "call", ""));
			words_named(to, ran, " ");
		}
		put_source(to, call);
	} else if ((error = failure(call))) {
		fputs(error, to);
	}
}

static const char *note_color(json_object *call)
{
	if (has_verdict(call, "deny") || has_verdict(call, "kill"))
		return RED;
	return has_verdict(call, "redirect") || has_verdict(call, "value") ? YELLOW : DIM;
}

void trace_line(const struct trace_lines *lines, json_object *call)
{
	size_t width = terminal_width(lines);
	size_t comm_width = width < NARROW ? 0 : COMM_COLUMNS;
	size_t call_width = width < NARROW ? CALL_COLUMNS_LEAST : CALL_COLUMNS;
	size_t used = PID_COLUMNS + 1 + (comm_width ? comm_width + 1 : 0) + call_width + 1;
	char *comm = NULL, *named = NULL, *note = NULL, *bytes;
	const char *name = words_member(call, "call", "?");
	size_t len = 0, named_width, note_width;
	json_object *value;
	FILE *to;

	to = open_memstream(&comm, &len);
	json_object_object_get_ex(call, "comm", &value);
	bytes = words_bytes(value, &len);
	if (to && bytes)
		words_text(to, bytes, len);
	free(bytes);
	if (!to || fclose(to))
		goto out;
	to = open_memstream(&named, &len);
	if (!to)
		goto out;
	put_use(to, call);
	words_named(to, call, "");
	if (fclose(to))
		goto out;
	to = open_memstream(&note, &len);
	if (!to)
		goto out;
	put_note(to, call);
	if (fclose(to))
		goto out;
	if (width != SIZE_MAX) {
		width = width > used + LEAST_NAMED ? width - used : LEAST_NAMED;
		note_width = columns_of(note);
		if (note_width > width - LEAST_NAMED / 2)
			note_width = width - LEAST_NAMED / 2;
		named_width = note_width ? width - note_width - 2 : width;
	} else {
		named_width = note_width = SIZE_MAX;
	}
	json_object_object_get_ex(call, "tgid", &value);
	fprintf(lines->to, "%*d ", PID_COLUMNS, json_object_get_int(value));
	if (comm_width)
		put_column(lines->to, comm, comm_width);
	start(lines, CYAN);
	put_column(lines->to, name, call_width);
	end(lines);
	put_cut(lines->to, named, named_width);
	if (*note) {
		fputs(*named ? "  " : "", lines->to);
		start(lines, note_color(call));
		put_cut(lines->to, note, note_width);
		end(lines);
	}
	fputc('\n', lines->to);
	if (lines->terminal)
		fflush(lines->to);
out:
	free(comm);
	free(named);
	free(note);
}

static struct counted *find(struct counted **list, size_t *n, const char *name,
			    const char *source)
{
	struct counted *more;

	for (size_t i = 0; i < *n; i++)
		if (!strcmp((*list)[i].name, name) && !strcmp((*list)[i].source, source))
			return &(*list)[i];
	more = reallocarray(*list, *n + 1, sizeof(*more));
	if (!more)
		return NULL;
	*list = more;
	more += *n;
	*more = (struct counted){ .name = strdup(name), .source = strdup(source) };
	if (!more->name || !more->source) {
		free(more->name);
		free(more->source);
		return NULL;
	}
	++*n;
	return more;
}

static void add(struct counted *counted, json_object *call)
{
	counted->calls++;
	counted->redirected += has_verdict(call, "redirect");
	counted->refused += has_verdict(call, "deny") || has_verdict(call, "kill") ||
			    has_verdict(call, "value");
	counted->failed += (has_verdict(call, "allow") || has_verdict(call, "redirect")) &&
			   failure(call);
}

int trace_count_add(struct trace_count *count, json_object *call)
{
	struct counted *counted;
	json_object *layers;

	counted = find(&count->calls, &count->ncalls, words_member(call, "call", "?"), "");
	if (!counted)
		return -ENOMEM;
	add(counted, call);
	if (!json_object_object_get_ex(call, "layers", &layers) ||
	    !json_object_array_length(layers))
		return 0;
	counted = find(&count->rules, &count->nrules, words_member(call, "rule", "default"),
		       words_member(call, "source", words_member(call, "layer", "")));
	if (!counted)
		return -ENOMEM;
	add(counted, call);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct counted *one = a, *other = b;

	if (one->calls != other->calls)
		return one->calls > other->calls ? -1 : 1;
	return strcmp(one->name, other->name) ?: strcmp(one->source, other->source);
}

static void print_table(FILE *to, struct counted *list, size_t n, const char *title)
{
	struct counted all = { 0 };

	if (n)
		qsort(list, n, sizeof(*list), compare);
	fprintf(to, "%9s %10s %9s %9s  %s\n", "calls", "redirected", "refused", "failed", title);
	for (size_t i = 0; i < n; i++) {
		fprintf(to, "%9llu %10llu %9llu %9llu  ", list[i].calls, list[i].redirected,
			list[i].refused, list[i].failed);
		words_text(to, list[i].name, strlen(list[i].name));
		if (*list[i].source) {
			fputs(", ", to);
			words_text(to, list[i].source, strlen(list[i].source));
		}
		fputc('\n', to);
		all.calls += list[i].calls;
		all.redirected += list[i].redirected;
		all.refused += list[i].refused;
		all.failed += list[i].failed;
	}
	fprintf(to, "%9llu %10llu %9llu %9llu  in all\n", all.calls, all.redirected, all.refused,
		all.failed);
}

void trace_count_print(struct trace_count *count, FILE *to)
{
	print_table(to, count->calls, count->ncalls, "call");
	if (!count->nrules)
		return;
	fputc('\n', to);
	print_table(to, count->rules, count->nrules, "rule");
}

static void clear(struct counted *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].source);
	}
	free(list);
}

void trace_count_clear(struct trace_count *count)
{
	clear(count->calls, count->ncalls);
	clear(count->rules, count->nrules);
	*count = (struct trace_count){ 0 };
}
