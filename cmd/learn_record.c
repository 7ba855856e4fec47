/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "learn_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <pointsman/pointsman.h>

#include "call_words.h"

#define EPHEMERAL 32768	/* ports from here on are others in the next run */
#define MANY_NAMES 200	/* addresses: more are not told apart */

/* The items of one call go through this. */
struct adding {
	struct learned *learned;
	json_object *call;
	const char *user;
	bool exclusive, makes_directory;
};

int learned_init(struct learned *learned, const char *cwd, const char *home)
{
	*learned = (struct learned){ .cwd = cwd, .home = home, .root = learn_tree_new() };
	return learned->root ? 0 : -ENOMEM;
}

static void clear_names(struct learned_name *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i].text);
	free(names);
}

void learned_clear(struct learned *learned)
{
	learn_tree_free(learned->root);
	clear_names(learned->addresses, learned->naddresses);
	clear_names(learned->anonymous, learned->nanonymous);
	clear_names(learned->strings, learned->nstrings);
	*learned = (struct learned){ 0 };
}

static uint32_t classes_of(json_object *item)
{
	json_object *list;
	uint32_t classes = 0;

	if (!json_object_object_get_ex(item, "classes", &list) ||
	    !json_object_is_type(list, json_type_array))
		return 0;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(list, i));
		int class = name ? pm_class_by_name(name) : -1;

		if (class >= 0)
			classes |= PM_BIT(class);
	}
	return classes;
}

static enum use use_of(uint32_t classes)
{
	const uint32_t write = PM_BIT(PM_CLASS_OPEN_WRITE) | PM_BIT(PM_CLASS_CREATE) |
			       PM_BIT(PM_CLASS_REMOVE) | PM_BIT(PM_CLASS_RENAME) |
			       PM_BIT(PM_CLASS_LINK) | PM_BIT(PM_CLASS_SET_METADATA);
	const uint32_t read = PM_BIT(PM_CLASS_OPEN_READ) | PM_BIT(PM_CLASS_WATCH);
	const uint32_t look = PM_BIT(PM_CLASS_METADATA) | PM_BIT(PM_CLASS_CHDIR);

	if (classes & PM_BIT(PM_CLASS_EXEC))
		return USE_EXEC;
	if (classes & ~(write | read | look))
		return USE_OTHER;
	return classes & write ? USE_WRITE : classes & read ? USE_READ : USE_LOOK;
}

/* Too many to tell apart: any of its kind.  Takes text; NULL without memory. */
static char *any_of(char *text)
{
	const char *any = !strncmp(text, "unix:", 5) ? "unix:*" : "*";

	if (!strncmp(text, "family:", 7))
		return text;
	free(text);
	return strdup(any);
}

/* Takes text, also where it fails. */
static int add_name(struct learned_name **names, size_t *n, int class, char *text,
		    const char *user)
{
	struct learned_name *more;
	size_t known = 0;

	while (text && known < *n &&
	       ((*names)[known].class != class || strcmp((*names)[known].text, text)))
		known++;
	if (text && known == *n && *n >= MANY_NAMES)
		text = any_of(text);
	for (size_t i = 0; text && i < *n; i++) {
		if ((*names)[i].class != class || strcmp((*names)[i].text, text))
			continue;
		free(text);
		used_add(&(*names)[i].used, PM_BIT(class), user, 1);
		return 0;
	}
	more = text ? reallocarray(*names, *n + 1, sizeof(*more)) : NULL;
	if (!more) {
		free(text);
		return -ENOMEM;
	}
	*names = more;
	more[*n] = (struct learned_name){ .class = class, .text = text };
	used_add(&more[(*n)++].used, PM_BIT(class), user, 1);
	return 0;
}

/* Numbers at the end of an abstract name are of a process, say. */
static void put_abstract(FILE *to, const char *name, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t digits = 0;

		while (i + digits < len && name[i + digits] >= '0' && name[i + digits] <= '9')
			digits++;
		if (digits >= 3 || !name[i]) {
			fputc('*', to);
			i += digits ? digits : len - i;
		} else {
			if (strchr("*?[\\", name[i]))
				fputc('\\', to);
			fputc(name[i++], to);
		}
	}
}

/* An address as a policy says it, for the next run too. */
static char *address_text(struct adding *adding, json_object *address)
{
	const char *ip = words_member(address, "address", NULL);
	json_object *value;
	char *text = NULL, *bytes;
	size_t len, size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	if (ip) {
		int port = json_object_get_int(json_object_object_get(address, "port"));

		fprintf(to, strchr(ip, ':') ? "[%s]:" : "%s:", ip);
		if (port >= EPHEMERAL)
			fputc('*', to);
		else
			fprintf(to, "%d", port);
	} else if (json_object_object_get_ex(address, "abstract", &value) ||
		   json_object_object_get_ex(address, "path", &value)) {
		bool path = json_object_object_get_ex(address, "path", NULL);

		bytes = words_bytes(value, &len);
		fputs(path ? "unix:" : "unix:@", to);
		if (bytes && path && bytes[0] != '/')
			fprintf(to, "%s/", adding->learned->cwd);
		if (bytes && path)
			fputs(bytes, to);
		else if (bytes)
			put_abstract(to, bytes, len);
		free(bytes);
	} else {
		words_address(to, address);
	}
	if (fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}

static int add_address(struct adding *adding, json_object *address, uint32_t classes)
{
	struct learned *learned = adding->learned;
	int err = 0;

	for (int class = 0; class < PM_NCLASSES && !err; class++)
		if (classes & PM_BIT(class))
			err = add_name(&learned->addresses, &learned->naddresses, class,
				       address_text(adding, address), adding->user);
	return err;
}

/* "pipe:[4711]" is "pipe:*" in the next run. */
static int add_anonymous(struct adding *adding, const char *name, uint32_t classes)
{
	struct learned *learned = adding->learned;
	int err = 0;

	for (int class = 0; class < PM_NCLASSES && !err; class++) {
		char *text = NULL;

		if (!(classes & PM_BIT(class)))
			continue;
		if (asprintf(&text, "%.*s*", (int)strcspn(name, ":[/"), name) < 0)
			text = NULL;
		if (text && strchr(name, ':'))
			sprintf(text, "%.*s:*", (int)strcspn(name, ":[/") - 1, name);
		err = add_name(&learned->anonymous, &learned->nanonymous, class, text,
			       adding->user);
	}
	return err;
}

/* What is the process's own is each process's own in the next run. */
static char *own_name(json_object *call, const char *name)
{
	int tgid = json_object_get_int(json_object_object_get(call, "tgid")), len = 0, pid = 0;
	char *out;

	if (sscanf(name, "/proc/%d%n", &pid, &len) != 1 || pid != tgid ||
	    (name[len] && name[len] != '/'))
		return strdup(name);
	return asprintf(&out, "/proc/self%s", name + len) < 0 ? NULL : out;
}

static int add_path(struct adding *adding, json_object *item, const char *name, uint32_t classes)
{
	struct learned *learned = adding->learned;
	enum use use = use_of(classes);
	struct name_node *node;
	char *own = own_name(adding->call, name);

	node = own ? learn_tree_find(learned->root, own) : NULL;
	free(own);
	if (!node)
		return -ENOMEM;
	used_add(&node->used[use], classes, adding->user, 1);
	if (!json_object_object_get_ex(item, "missing", NULL) &&
	    !json_object_object_get_ex(item, "errno", NULL))
		node->missing = false;
	node->exclusive |= adding->exclusive;
	node->made_directory |= adding->makes_directory;
	return node->parent ? learn_fold_early(node->parent, learned->cwd, learned->home) : 0;
}

/* Did the kernel itself refuse it?  Then it is not for a policy to allow. */
static bool not_permitted(json_object *object, const char *key)
{
	const char *error = words_member(object, key, "");

	return !strcmp(error, "EACCES") || !strcmp(error, "EPERM");
}

static int add_item(struct adding *adding, json_object *item)
{
	const char *kind = words_member(item, "kind", "");
	uint32_t classes = classes_of(item);
	json_object *value;
	char *name;
	size_t len;
	int err;

	if (!classes || not_permitted(item, "errno"))
		return 0;
	if (!strcmp(kind, "address"))
		return json_object_object_get_ex(item, "family", NULL) ?
			       add_address(adding, item, classes) :
			       0;
	if (!strcmp(kind, "string")) {
		name = strdup(words_member(adding->call, "call", ""));
		return add_name(&adding->learned->strings, &adding->learned->nstrings,
				__builtin_ctz(classes), name, adding->user);
	}
	if (strcmp(kind, "path") || !json_object_object_get_ex(item, "name", &value))
		return 0;
	/* fstat(2) in disguise names nothing. */
	if (classes == PM_BIT(PM_CLASS_METADATA) && !strcmp(words_member(item, "text", "x"), ""))
		return 0;
	name = words_bytes(value, &len);
	if (!name)
		return -ENOMEM;
	err = name[0] == '/' ? add_path(adding, item, name, classes) :
	      name[0]	     ? add_anonymous(adding, name, classes) :
			       0;
	free(name);
	return err;
}

static uint64_t flags_of(json_object *call)
{
	const char *name = words_member(call, "call", "");
	json_object *args, *deep, *how;
	size_t at = !strcmp(name, "open") ? 1 : 2;

	if (!strcmp(name, "openat2") && json_object_object_get_ex(call, "deep", &deep) &&
	    json_object_object_get_ex(deep, "how", &how))
		return strtoull(words_member(how, "flags", "0"), NULL, 0);
	if ((strcmp(name, "open") && strcmp(name, "openat")) ||
	    !json_object_object_get_ex(call, "args", &args))
		return 0;
	return strtoull(json_object_get_string(json_object_array_get_idx(args, at)) ?: "0", NULL, 0);
}

/* The program by its file; a thread calls itself what it likes. */
static const char *user_of(json_object *call)
{
	const char *exe = words_member(call, "exe", NULL), *slash;

	if (!exe)
		exe = words_member(call, "comm", "?");
	slash = strrchr(exe, '/');
	return learn_program(slash ? slash + 1 : exe);
}

int learned_add(struct learned *learned, json_object *call)
{
	struct adding adding = { .learned = learned, .call = call, .user = user_of(call) };
	const char *name = words_member(call, "call", "");
	uint64_t flags = flags_of(call);
	json_object *deep;
	int err = 0;

	if (!adding.user)
		return -ENOMEM;
	/* What every run refuses no rule can allow. */
	if (!json_object_object_get_ex(call, "deep", &deep) || not_permitted(call, "fails"))
		return 0;
	adding.exclusive = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
	adding.makes_directory = !strcmp(name, "mkdir") || !strcmp(name, "mkdirat");
	json_object_object_foreach(deep, role, item) {
		(void)role;
		if (json_object_is_type(item, json_type_object) && !err)
			err = add_item(&adding, item);
	}
	learned->calls++;
	return err;
}
