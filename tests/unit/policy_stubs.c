/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy_stubs.c - calls made by hand, and what the library would do to them
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/audit.h>
#include <seccomp.h>

#include "pattern.h"
#include "policy_stubs.h"

static const char *const class_names[PM_NCLASSES] = {
	"open-read", "open-write",   "create", "remove", "rename", "link",
	"metadata",  "set-metadata", "exec",   "chdir",	 "chroot", "mount",
	"watch",     "connect",	     "bind",   "send",	 "system", "ipc",
};

/* The stub that a call is the first member of. */
static struct stub_call *stub_of(struct pm_call *call)
{
	return (struct stub_call *)call;
}

void stub_init(struct stub_call *stub, const char *syscall)
{
	memset(stub, 0, sizeof(*stub));
	stub->call.name = syscall;
	stub->call.arch = AUDIT_ARCH_X86_64;
	stub->call.nr = pm_syscall_number(AUDIT_ARCH_X86_64, syscall);
	stub->call.items = stub->items;
}

static struct pm_item *add_item(struct stub_call *stub, enum pm_item_kind kind, const char *role,
				uint32_t classes)
{
	struct pm_item *item = &stub->items[stub->call.nitems++];

	item->kind = kind;
	item->role = role;
	item->classes = classes;
	item->data = (unsigned char *)stub->stubs[item - stub->items].text;
	return item;
}

struct pm_where *stub_where(struct stub_call *stub, const struct pm_item *item)
{
	return &stub->stubs[item - stub->items].where;
}

struct pm_item *stub_path(struct stub_call *stub, uint32_t classes, const char *text,
			  const char *name)
{
	struct pm_item *item = add_item(stub, PM_ITEM_PATH, "pathname", classes);
	struct pm_where *where = stub_where(stub, item);

	strcpy((char *)item->data, text);
	item->len = strlen(text);
	where->name = (char *)(uintptr_t)name;
	where->exists = true;
	where->anonymous = name[0] != '/';
	where->fd = -1;
	return item;
}

struct pm_item *stub_sockaddr(struct stub_call *stub, uint32_t classes, const void *addr,
			      size_t len)
{
	struct pm_item *item = add_item(stub, PM_ITEM_SOCKADDR, "addr", classes);

	/* Exactly as long as it is, so that reading on is found out. */
	item->data = malloc(len ? len : 1);
	memcpy(item->data, addr, len);
	item->len = len;
	return item;
}

struct pm_item *stub_strv(struct stub_call *stub, const char *role, const char *const *strv)
{
	struct pm_item *item = add_item(stub, PM_ITEM_STRV, role, 0);

	item->strv = stub->stubs[item - stub->items].strv;
	while (strv[item->nstr]) {
		item->strv[item->nstr] = (char *)(uintptr_t)strv[item->nstr];
		item->nstr++;
	}
	return item;
}

const char *stub_joined(struct stub_call *stub, const struct pm_item *item)
{
	char *out = stub->stubs[item - stub->items].text;

	*out = '\0';
	for (size_t i = 0; i < item->nstr; i++) {
		if (i)
			strcat(out, " ");
		strcat(out, item->strv[i]);
	}
	return out;
}

const char *pm_class_name(enum pm_class class)
{
	return class < PM_NCLASSES ? class_names[class] : NULL;
}

int pm_class_by_name(const char *name)
{
	for (int i = 0; i < PM_NCLASSES; i++)
		if (!strcmp(class_names[i], name))
			return i;
	return -ENOENT;
}

struct pm_item *pm_call_item(struct pm_call *call, enum pm_item_kind kind, const char *role)
{
	for (size_t i = 0; i < call->nitems; i++)
		if (call->items[i].kind == kind && (!role || !strcmp(call->items[i].role, role)))
			return &call->items[i];
	return NULL;
}

const struct pm_where *pm_item_where(struct pm_call *call, struct pm_item *item)
{
	return stub_where(stub_of(call), item);
}

bool pm_item_leads_straight(struct pm_call *call, struct pm_item *item)
{
	struct stub_call *stub = stub_of(call);

	(void)item;
	stub->nstraight++;
	return stub->straight;
}

int pm_call_resolve(struct pm_call *call, const char *path, bool nofollow, struct pm_where *out)
{
	const struct stub_call *stub = stub_of(call);
	const char *resolved = stub->resolved;

	(void)nofollow;
	memset(out, 0, sizeof(*out));
	out->fd = -1;
	for (size_t i = 0; i < STUB_ITEMS; i++)
		if (stub->links[i].from && !strcmp(stub->links[i].from, path))
			resolved = stub->links[i].to;
	out->name = strdup(resolved ? resolved : path);
	return out->name ? 0 : -ENOMEM;
}

void pm_where_free(struct pm_where *where)
{
	free(where->name);
	free(where->self_name);
}

/* A new path leads to where its text says, or where the test says that a link there leads. */
static int lead_anew(struct stub_call *stub, const struct pm_item *item, const char *path)
{
	struct stub_item *own = &stub->stubs[item - stub->items];
	char *name = path_clean(path);

	if (!name)
		return -ENOMEM;
	for (size_t i = 0; i < STUB_ITEMS; i++) {
		const struct stub_link *link = &stub->links[i];

		if (link->from && !strcmp(link->from, name)) {
			free(name);
			name = strdup(link->to);
		}
	}
	if (strlen(name) < sizeof(own->name))
		strcpy(own->name, name);
	own->where.name = own->name;
	own->where.self_name = NULL;
	own->where.anonymous = name[0] != '/';
	free(name);
	return 0;
}

int pm_call_set_path(struct pm_call *call, struct pm_item *item, const char *path)
{
	struct stub_call *stub = stub_of(call);

	if (stub->set_error)
		return stub->set_error;
	if (item->kind != PM_ITEM_PATH)
		return -EINVAL;
	if (strlen(path) > 4095)
		return -ENAMETOOLONG;
	strcpy((char *)item->data, path);
	item->len = strlen(path);
	stub->stubs[item - stub->items].nset++;
	return lead_anew(stub, item, path);
}

void pm_call_forbid_create(struct pm_call *call)
{
	stub_of(call)->no_create = true;
}

/* An interpreter that was changed, the last item, is the program; that has none here. */
int pm_call_follow_program(struct pm_call *call)
{
	struct stub_call *stub = stub_of(call);
	size_t last = call->nitems - 1;

	if (call->items[last].arg != PM_NO_REGISTER || !stub->stubs[last].nset)
		return 0;
	call->nitems = last;
	return pm_call_set_path(call, &call->items[0], (const char *)call->items[last].data);
}

int pm_call_set_sockaddr(struct pm_call *call, struct pm_item *item, const void *addr, size_t len)
{
	struct stub_call *stub = stub_of(call);

	if (stub->set_error)
		return stub->set_error;
	free(item->data);
	item->data = malloc(len);
	memcpy(item->data, addr, len);
	item->len = len;
	stub->stubs[item - stub->items].nset++;
	return 0;
}

int pm_call_set_strv(struct pm_call *call, struct pm_item *item, char *const *strv)
{
	struct stub_call *stub = stub_of(call);
	size_t i = (size_t)(item - stub->items), n = 0;

	if (stub->set_error)
		return stub->set_error;
	for (; strv[n]; n++)
		stub->stubs[i].strv[n] = strv[n];
	item->nstr = n;
	stub->stubs[i].nset++;
	return 0;
}

int pm_call_set_arg(struct pm_call *call, unsigned int arg, uint64_t value)
{
	if (stub_of(call)->set_error)
		return stub_of(call)->set_error;
	call->args[arg] = value;
	stub_of(call)->args_set |= 1u << arg;
	return 0;
}

int pm_call_set_nr(struct pm_call *call, int nr)
{
	if (stub_of(call)->set_error)
		return stub_of(call)->set_error;
	call->nr = nr;
	call->name = pm_syscall_name(call->arch, nr);
	stub_of(call)->nr_set = true;
	return 0;
}

static uint32_t seccomp_arch(uint32_t arch)
{
	return arch == AUDIT_ARCH_I386 ? SCMP_ARCH_X86 : SCMP_ARCH_X86_64;
}

int pm_syscall_number(uint32_t arch, const char *name)
{
	int nr = seccomp_syscall_resolve_name_arch(seccomp_arch(arch), name);

	return nr < 0 ? -ENOENT : nr;
}

const char *pm_syscall_name(uint32_t arch, int nr)
{
	static char name[64];
	char *found = seccomp_syscall_resolve_num_arch(seccomp_arch(arch), nr);

	if (!found)
		return NULL;
	strncpy(name, found, sizeof(name) - 1);
	free(found);
	return name;
}

uint32_t pm_syscall_classes(const char *name)
{
	static const struct {
		const char *name;
		uint32_t classes;
	} known[] = {
		{ "openat", PM_BIT(PM_CLASS_OPEN_READ) | PM_BIT(PM_CLASS_OPEN_WRITE) |
				    PM_BIT(PM_CLASS_CREATE) },
		{ "execve", PM_BIT(PM_CLASS_EXEC) },
		{ "connect", PM_BIT(PM_CLASS_CONNECT) },
		{ "unlink", PM_BIT(PM_CLASS_REMOVE) },
		{ "unlinkat", PM_BIT(PM_CLASS_REMOVE) },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name))
			return known[i].classes;
	return 0;
}
