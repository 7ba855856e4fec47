/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pattern.c - which files a rule means
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pattern.h"

char *path_clean(const char *path)
{
	char *out = malloc(strlen(path) + 2);
	size_t len = 0;

	if (!out)
		return NULL;
	while (*path) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			while (len && out[--len] != '/')
				;
		} else if (n && !(n == 1 && path[0] == '.')) {
			out[len++] = '/';
			memcpy(out + len, path, n);
			len += n;
		}
		path += n;
	}
	if (!len)
		out[len++] = '/';
	out[len] = '\0';
	return out;
}

/*
 * What is ours under /proc will be the command's, and each of its children has
 * its own.
 */
static char *as_self(char *resolved)
{
	char *out;
	int len, used = 0;
	pid_t pid = 0;

	len = sscanf(resolved, "/proc/%d%n", &pid, &used);
	if (len != 1 || pid != getpid() || (resolved[used] && resolved[used] != '/'))
		return resolved;
	if (asprintf(&out, "/proc/self%s", resolved + used) < 0)
		out = NULL;
	free(resolved);
	return out;
}

/* The part of a clean path that exists, resolved, and the rest as it is. */
static char *resolve(const char *path)
{
	char *part = strdup(path), *found = NULL, *out = NULL, *slash;
	size_t len;

	if (!part || !strcmp(path, "/"))
		return part;
	while (!(found = realpath(part, NULL))) {
		if (errno == ENOMEM)
			break;
		slash = strrchr(part, '/');
		if (!slash || slash == part) {
			strcpy(part, "/");
			found = strdup("/");
			break;
		}
		*slash = '\0';
	}
	len = strcmp(part, "/") ? strlen(part) : 0;
	if (found && asprintf(&out, "%s%s", strcmp(found, "/") || !path[len] ? found : "",
			      path + len) < 0)
		out = NULL;
	free(found);
	free(part);
	return out ? as_self(out) : NULL;
}

/* The directory resolved, the last component as it is. */
static char *resolve_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir, *found, *out = NULL;

	if (slash == path)
		return strdup(path);
	dir = strndup(path, (size_t)(slash - path));
	found = dir ? resolve(dir) : NULL;
	if (found && asprintf(&out, "%s%s", strcmp(found, "/") ? found : "", slash) < 0)
		out = NULL;
	free(found);
	free(dir);
	return out;
}

static bool below_self(const char *path)
{
	return !strncmp(path, "/proc/self/", 11) || !strncmp(path, "/proc/thread-self/", 18) ||
	       !strcmp(path, "/proc/self") || !strcmp(path, "/proc/thread-self");
}

/* Takes form. */
static int add_form(struct name *name, char *form)
{
	if (!form)
		return -ENOMEM;
	for (size_t i = 0; i < name->nforms; i++) {
		if (!strcmp(name->form[i], form)) {
			free(form);
			return 0;
		}
	}
	name->form[name->nforms++] = form;
	return 0;
}

static bool is_link(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISLNK(st.st_mode);
}

/*
 * It is there, and no link is on the way or at its end.  What is ours in /proc has another
 * name all the same.
 */
static bool leads_to_itself(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	int fd;

	if (!strncmp(path, "/proc/", 6))
		return false;
	fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int name_init(struct name *name, const char *text)
{
	int err;

	*name = (struct name){ 0 };
	if (text[0] != '/')
		return -EINVAL;
	err = add_form(name, path_clean(text));
	if (!err && !below_self(name->form[0]) && !leads_to_itself(name->form[0])) {
		err = add_form(name, resolve_directory(name->form[0]));
		/* The last component is all that is left to resolve. */
		if (!err && is_link(name->form[name->nforms - 1]))
			err = add_form(name, resolve(name->form[0]));
	}
	if (err)
		name_clear(name);
	return err;
}

void name_clear(struct name *name)
{
	for (size_t i = 0; i < name->nforms; i++)
		free(name->form[i]);
	*name = (struct name){ 0 };
}

bool name_is(const struct name *name, const char *path)
{
	for (size_t i = 0; i < name->nforms; i++)
		if (!strcmp(name->form[i], path))
			return true;
	return false;
}

const char *name_rest(const struct name *name, const char *path)
{
	for (size_t i = 0; i < name->nforms; i++) {
		size_t len = strlen(name->form[i]);

		if (!strcmp(name->form[i], "/"))
			len = 0;
		if (strncmp(name->form[i], path, len))
			continue;
		if (path[len] == '/')
			return path[len + 1] ? path + len : "";
		if (!path[len] && len)
			return "";
	}
	return NULL;
}

int glob_init(struct glob *glob, const char *text)
{
	char *at, *slash;
	size_t n = 1;

	for (const char *c = text; *c; c++)
		n += *c == '/';
	*glob = (struct glob){ .text = strdup(text) };
	/* The parts, and in the first of them the memory of all. */
	at = strdup(text);
	glob->parts = calloc(n, sizeof(*glob->parts));
	if (!glob->text || !at || !glob->parts) {
		free(at);
		glob_clear(glob);
		return -ENOMEM;
	}
	for (; at; at = slash ? slash + 1 : NULL) {
		slash = strchr(at, '/');
		if (slash)
			*slash = '\0';
		glob->parts[glob->nparts++] = at;
	}
	return 0;
}

void glob_clear(struct glob *glob)
{
	if (glob->nparts)
		free(glob->parts[0]);
	free(glob->parts);
	free(glob->text);
	*glob = (struct glob){ 0 };
}

/* Does part match what lies before the next slash? */
static bool part_matches(const char *part, const char *path)
{
	size_t len = strcspn(path, "/");
	char copy[NAME_MAX + 1];

	/* Nothing has a longer name. */
	if (len >= sizeof(copy))
		return false;
	if (!len)
		return !*part;
	memcpy(copy, path, len);
	copy[len] = '\0';
	return !fnmatch(part, copy, 0);
}

static const char *next_part(const char *path)
{
	path += strcspn(path, "/");
	return *path ? path + 1 : NULL;
}

/* As with "*" in a plain pattern, only the last "**" ever needs to be retried. */
bool glob_matches(const struct glob *glob, const char *path)
{
	const char *retry_path = NULL;
	size_t part = 0, retry = 0;
	bool star = false;

	while (path) {
		if (part < glob->nparts && !strcmp(glob->parts[part], "**")) {
			star = true;
			retry = ++part;
			retry_path = path;
		} else if (part < glob->nparts && part_matches(glob->parts[part], path)) {
			part++;
			path = next_part(path);
		} else if (star) {
			part = retry;
			retry_path = next_part(retry_path);
			path = retry_path;
		} else {
			return false;
		}
	}
	while (part < glob->nparts && !strcmp(glob->parts[part], "**"))
		part++;
	return part == glob->nparts;
}

bool glob_special(const char *text)
{
	return text[strcspn(text, "*?[\\")];
}

char *glob_directory(const char *text, size_t *rest)
{
	size_t end = strcspn(text, "*?[\\");
	char *dir;

	/* Without anything special the last component is the rest. */
	while (end && text[end] != '/')
		end--;
	*rest = end;
	dir = strndup(text, end ? end : 1);
	return dir;
}

/* The pattern with its directory resolved, what is special in that escaped. */
static char *resolve_glob(const char *text)
{
	char *dir, *clean = NULL, *found = NULL, *out, *at;
	size_t rest;

	dir = glob_directory(text, &rest);
	if (dir)
		clean = path_clean(dir);
	if (clean)
		found = below_self(clean) ? strdup(clean) : resolve(clean);
	out = found ? malloc(2 * strlen(found) + strlen(text + rest) + 1) : NULL;
	if (out) {
		at = out;
		for (const char *c = strcmp(found, "/") ? found : ""; *c; c++) {
			if (strchr("*?[\\", *c))
				*at++ = '\\';
			*at++ = *c;
		}
		strcpy(at, text + rest);
	}
	free(found);
	free(clean);
	free(dir);
	return out;
}

static int init_globs(struct pattern *pattern, const char *text)
{
	char *resolved;
	int err;

	if (text[0] != '/')
		return -EINVAL;
	err = glob_init(&pattern->globs[0], text);
	if (err)
		return err;
	pattern->nglobs = 1;
	resolved = resolve_glob(text);
	if (!resolved)
		return -ENOMEM;
	if (strcmp(resolved, text)) {
		err = glob_init(&pattern->globs[1], resolved);
		if (!err)
			pattern->nglobs = 2;
	}
	free(resolved);
	return err;
}

int pattern_init(struct pattern *pattern, enum pattern_kind kind, const char *text)
{
	int err;

	*pattern = (struct pattern){ .kind = kind };
	err = kind == PATTERN_GLOB ? init_globs(pattern, text) : name_init(&pattern->name, text);
	if (err)
		pattern_clear(pattern);
	return err;
}

void pattern_clear(struct pattern *pattern)
{
	name_clear(&pattern->name);
	for (size_t i = 0; i < pattern->nglobs; i++)
		glob_clear(&pattern->globs[i]);
	pattern->nglobs = 0;
}

bool pattern_matches(const struct pattern *pattern, const char *path)
{
	switch (pattern->kind) {
	case PATTERN_PATH:
		return name_is(&pattern->name, path);
	case PATTERN_TREE:
		return name_rest(&pattern->name, path) != NULL;
	default:
		for (size_t i = 0; i < pattern->nglobs; i++)
			if (glob_matches(&pattern->globs[i], path))
				return true;
		return false;
	}
}

/* "/" has all below it; others what goes on after them with a slash. */
static bool is_below(const char *path, size_t len, const char *dir)
{
	size_t dir_len = strcmp(dir, "/") ? strlen(dir) : 0;

	return len > dir_len && !strncmp(path, dir, dir_len) && path[dir_len] == '/';
}

bool pattern_below(const struct pattern *pattern, const char *dir)
{
	for (size_t i = 0; i < pattern->name.nforms; i++)
		if (is_below(pattern->name.form[i], strlen(pattern->name.form[i]), dir))
			return true;
	for (size_t i = 0; i < pattern->nglobs; i++) {
		const char *text = pattern->globs[i].text;

		if (is_below(text, strcspn(text, "*?[\\"), dir))
			return true;
	}
	return false;
}
