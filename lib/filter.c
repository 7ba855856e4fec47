/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chain.h"
#include "cleanup.h"
#include "known.h"
#include "numbers.h"
#include "shapes.h"
#include "uapi.h"

#define RET_ERRNO(e) (SECCOMP_RET_ERRNO | (e))

/* What the filter does with one number, or with a run of them. */
struct leaf {
	uint32_t action;
	uint16_t op;		/* BPF_JEQ or BPF_JSET on the low half of arg, or 0 */
	uint8_t arg;
	uint8_t or;		/* value is not the only one; no padding: leaves are compared as bytes */
	uint32_t value, other;
	uint32_t special;	/* the action where it holds */
	uint32_t zero;		/* the action where arg is 0, or 0: no other than elsewhere */
	uint32_t bits, bits_arg;	/* or it has flags in that argument, one of these among them */
};

struct range {
	uint32_t first;
	struct leaf leaf;
};

struct emitter {
	struct sock_filter *code;
	size_t len, room;
	bool full;
};

static const struct known nothing;

static const struct known *known_number(uint32_t arch, int nr)
{
	const struct number *number = number_find(arch, nr);

	return number && number->known ? &pm_known[number->known - 1] : &nothing;
}

static bool is_ours(const struct known *call, unsigned int how)
{
	if (how & FILTER_NOTIFY)
		return call->what & KNOWN_NOTIFIED;
	/* What is kept for the answers of what is relative to it. */
	if (how & FILTER_ANSWERS && call->what & KNOWN_DIRECTORY)
		return true;
	return call->what & (KNOWN_TRACED | KNOWN_VIEWS | KNOWN_PLACES);
}

/* Flags of clone that the supervisor has to see. */
static uint32_t births(unsigned int how)
{
	return how & FILTER_NOTIFY ? CLONE_FILES | CLONE_FS : CLONE_UNTRACED | CLONE_PARENT;
}

static uint32_t stop(unsigned int how)
{
	return how & FILTER_NOTIFY ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_TRACE | FILTER_TRACE_DATA;
}

int filter_reaches(uint32_t arch, int nr)
{
	const struct known *call = known_number(arch, nr);

	return call->what & KNOWN_REACHES ? call->arg : -1;
}

enum filter_effect filter_effect(uint32_t arch, int nr)
{
	const struct known *call = known_number(arch, nr);

	if (call->what & KNOWN_VIEWS)
		return FILTER_CHANGES_VIEW;
	if (call->what & KNOWN_DIRECTORY)
		return FILTER_CHANGES_DIRECTORY;
	return call->what & KNOWN_PLACES ? FILTER_SHOWS_PLACE : FILTER_NO_EFFECT;
}

/* A multiplexer stops for the sake of what it can stand for. */
static bool layers_want(const struct pm_options *options, uint32_t arch, int nr, const char *name,
			const struct known *call)
{
	if (chain_wants_for(options, name, pm_sysent_classes(pm_sysent_find(arch, nr))))
		return true;
	if (!(call->what & KNOWN_STANDS))
		return false;
	for (unsigned int i = 0; (name = pm_syscall_stands_for(arch, nr, i)); i++)
		if (chain_wants(options, name))
			return true;
	return false;
}

/* The supervisor that traces trusts a copy of the arena, but for this. */
static bool keeps_memory(const struct known *call, unsigned int how)
{
	return call->what & KNOWN_KEEPS && !(how & FILTER_NOTIFY);
}

static unsigned int stops_of(const struct pm_options *options, unsigned int how, uint32_t arch,
			     int nr, const char *name, const struct known *call)
{
	const bool guard = how & FILTER_GUARD;
	unsigned int why = 0;

	if (layers_want(options, arch, nr, name, call))
		why |= STOPS_FOR_LAYERS;
	if (is_ours(call, how) || (guard && call->what & KNOWN_MOVES) ||
	    (guard && call->what & KNOWN_MAPS && arch == AUDIT_ARCH_I386 && !strcmp(name, "mmap")))
		why |= STOPS_FOR_US;
	if (how & FILTER_NOTIFY && call->what & KNOWN_REACHES)
		why |= STOPS_SOMETIMES;
	if (keeps_memory(call, how))
		why |= STOPS_SOMETIMES;
	if (call->what & KNOWN_BIRTHS || (guard && call->what & KNOWN_MAPS))
		why |= STOPS_SOMETIMES;
	return why;
}

unsigned int filter_stops(const struct pm_options *options, unsigned int how, uint32_t arch, int nr)
{
	const char *name = pm_syscall_name(arch, nr);

	return name ? stops_of(options, how, arch, nr, name, known_number(arch, nr)) : 0;
}

int filter_table(const struct pm_options *options, unsigned int how, uint32_t arch,
		 struct filter_table *table)
{
	table->max = pm_syscall_max(arch);
	table->stops = calloc((size_t)table->max + 1, 1);
	if (!table->stops)
		return -ENOMEM;
	for (int nr = 0; nr <= table->max; nr++)
		table->stops[nr] = (uint8_t)filter_stops(options, how, arch, nr);
	return 0;
}

void filter_table_clear(struct filter_table *table)
{
	free(table->stops);
	table->stops = NULL;
}

unsigned int filter_reason(const struct filter_table *table, int nr)
{
	unsigned int why = nr >= 0 && nr <= table->max ? table->stops[nr] : 0;

	return why & STOPS_SOMETIMES ? why | STOPS_FOR_US : why;
}

/* It stops where the test of an argument holds, and elsewhere there is that action. */
static struct leaf leaf_where(uint32_t action, uint8_t arg, uint16_t op, uint32_t value,
			      unsigned int how)
{
	return (struct leaf){ .action = action, .op = op, .arg = arg, .value = value,
			      .special = stop(how) };
}

/* Who wants to see connections only need not see what is sent on them. */
static void narrow_sending(const struct pm_options *options, unsigned int how,
			   const struct known *call, struct leaf *leaf)
{
	if (call->what & KNOWN_SENDS && !chain_wants_for(options, call->name, PM_BIT(PM_CLASS_SEND)))
		*leaf = leaf_where(SECCOMP_RET_ALLOW, call->arg, BPF_JSET, MSG_FASTOPEN, how);
}

/* One tracer is all that a thread can have: ours, or any but of the supervisor. */
static struct leaf leaf_of_ptrace(pid_t supervisor, unsigned int how)
{
	if (!(how & FILTER_NOTIFY))
		return (struct leaf){ .action = RET_ERRNO(EPERM) };
	return (struct leaf){ .action = SECCOMP_RET_ALLOW,
			      .op = BPF_JEQ,
			      .arg = 1,
			      .value = (uint32_t)supervisor,
			      .special = RET_ERRNO(EPERM) };
}

/*
 * Who reaches out by a number must not reach the supervisor.  One that serves a
 * listener has several threads, whose numbers are not known yet: it looks itself,
 * but where the caller means itself (0).
 */
static struct leaf leaf_of_reaching(const struct known *call, pid_t supervisor, unsigned int how,
				    uint32_t action)
{
	struct leaf leaf = { .action = action,
			     .op = BPF_JEQ,
			     .arg = call->arg,
			     .or = true,
			     .value = (uint32_t)supervisor,
			     .other = -(uint32_t)supervisor,
			     .special = RET_ERRNO(EPERM) };

	if (how & FILTER_NOTIFY) {
		leaf.zero = action;
		leaf.action = stop(how);
	}
	return leaf;
}

/*
 * Is it sent to the listener of a supervisor that traces?  No other reason to see it is
 * there than to decide on it.
 */
static bool is_answered(const struct pm_options *options, unsigned int how, uint32_t arch, int nr,
			const char *name, const struct known *call)
{
	/* What is let go on races anyway, and an open may have to wait. */
	if (call->what & KNOWN_OPENS && options->unsafe & PM_UNSAFE_RACES)
		return false;
	return how & FILTER_ANSWERS && arch == AUDIT_ARCH_X86_64 && call->what & KNOWN_LOOKS &&
	       stops_of(options, how, arch, nr, name, call) == STOPS_FOR_LAYERS;
}

bool filter_answers(const struct pm_options *options, unsigned int how, uint32_t arch, int nr,
		    const uint64_t args[6])
{
	const char *name = pm_syscall_name(arch, nr);
	const struct known *call = name ? known_number(arch, nr) : &nothing;

	return name && is_answered(options, how, arch, nr, name, call) &&
	       (uint32_t)args[FILTER_DIVERTED_ARG] != FILTER_DIVERTED &&
	       !(call->what & KNOWN_OPENS &&
		 (args[call->arg] & FILTER_OPENS_ELSE ||
		  (args[call->arg] & FILTER_OPENS_BARELY) == O_NOFOLLOW));
}

static struct leaf leaf_of_answer(const struct known *call, unsigned int how)
{
	struct leaf leaf = leaf_where(SECCOMP_RET_USER_NOTIF, FILTER_DIVERTED_ARG, BPF_JEQ,
				      FILTER_DIVERTED, how);

	if (call->what & KNOWN_OPENS) {
		leaf.bits = FILTER_OPENS_ELSE;
		leaf.bits_arg = call->arg;
	}
	return leaf;
}

static struct leaf leaf_of(const struct pm_options *options, pid_t supervisor, unsigned int how,
			   uint32_t arch, int nr)
{
	const char *name = pm_syscall_name(arch, nr);
	const bool guard = how & FILTER_GUARD;
	struct leaf leaf = { .action = RET_ERRNO(ENOSYS) };
	const struct known *call;

	if (!name || (!pm_sysent_find(arch, nr) && !pm_syscall_names_nothing(arch, nr)))
		return leaf;
	call = known_number(arch, nr);
	if (call->what & KNOWN_TRACES)
		return leaf_of_ptrace(supervisor, how);
	if (guard && !strcmp(name, "process_madvise"))
		return leaf;
	if (stops_of(options, how, arch, nr, name, call) & (STOPS_FOR_LAYERS | STOPS_FOR_US))
		leaf.action = stop(how);
	else
		leaf.action = SECCOMP_RET_ALLOW;
	if (call->what & KNOWN_REACHES)
		return leaf_of_reaching(call, supervisor, how, leaf.action);
	if (is_answered(options, how, arch, nr, name, call))
		return leaf_of_answer(call, how);
	if (leaf.action == stop(how)) {
		narrow_sending(options, how, call, &leaf);
		return leaf;
	}
	if (call->what & KNOWN_BIRTHS)
		return leaf_where(leaf.action, 0, BPF_JSET, births(how), how);
	if (keeps_memory(call, how))
		return leaf_where(leaf.action, call->arg, BPF_JEQ, MADV_DONTFORK, how);
	if (guard && call->what & KNOWN_MAPS)
		return leaf_where(leaf.action, 3, BPF_JSET, MAP_FIXED, how);
	return leaf;
}

static void emit(struct emitter *e, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (e->len == BPF_MAXINSNS) {
		e->full = true;
		return;
	}
	if (e->len == e->room) {
		size_t room = e->room ? e->room * 2 : 2048;
		struct sock_filter *code_new = realloc(e->code, room * sizeof(*e->code));

		if (!code_new) {
			e->full = true;
			return;
		}
		e->code = code_new;
		e->room = room;
	}
	e->code[e->len++] = (struct sock_filter){ code, jt, jf, k };
}

static void emit_leaf(struct emitter *e, const struct leaf *leaf)
{
	if (leaf->bits) {
		emit(e, BPF_LD | BPF_W | BPF_ABS, 0, 0,
		     (uint32_t)offsetof(struct seccomp_data, args) + 8u * leaf->bits_arg);
		emit(e, BPF_JMP | BPF_JSET | BPF_K, 2, 0, leaf->bits);
		emit(e, BPF_ALU | BPF_AND | BPF_K, 0, 0, FILTER_OPENS_BARELY);
		emit(e, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, O_NOFOLLOW);
		emit(e, BPF_RET | BPF_K, 0, 0, leaf->special);
	}
	if (leaf->op) {
		emit(e, BPF_LD | BPF_W | BPF_ABS, 0, 0,
		     (uint32_t)offsetof(struct seccomp_data, args) + 8u * leaf->arg);
		if (leaf->or)
			emit(e, BPF_JMP | leaf->op | BPF_K, 1, 0, leaf->other);
		emit(e, BPF_JMP | leaf->op | BPF_K, 0, 1, leaf->value);
		emit(e, BPF_RET | BPF_K, 0, 0, leaf->special);
		if (leaf->zero) {
			emit(e, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
			emit(e, BPF_RET | BPF_K, 0, 0, leaf->zero);
		}
	}
	emit(e, BPF_RET | BPF_K, 0, 0, leaf->action);
}

/* A search tree over the ranges; the number is in the accumulator. */
static void emit_tree(struct emitter *e, const struct range *ranges, size_t count)
{
	size_t middle = count / 2, jump;

	if (count == 1) {
		emit_leaf(e, &ranges[0].leaf);
		return;
	}
	emit(e, BPF_JMP | BPF_JGE | BPF_K, 0, 1, ranges[middle].first);
	jump = e->len;
	emit(e, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_tree(e, ranges, middle);
	if (!e->full)
		e->code[jump].k = (uint32_t)(e->len - jump - 1);
	emit_tree(e, ranges + middle, count - middle);
}

static int emit_table(struct emitter *e, const struct pm_options *options, pid_t supervisor,
		      unsigned int how, uint32_t arch)
{
	uint32_t max = (uint32_t)pm_syscall_max(arch);
	auto_free struct range *ranges = reallocarray(NULL, max + 2, sizeof(*ranges));
	size_t count = 0;

	if (!ranges)
		return -ENOMEM;
	for (uint32_t nr = 0; nr <= max + 1; nr++) {
		struct leaf leaf = { .action = RET_ERRNO(ENOSYS) };

		if (nr <= max)
			leaf = leaf_of(options, supervisor, how, arch, (int)nr);
		if (!count || memcmp(&ranges[count - 1].leaf, &leaf, sizeof(leaf)))
			ranges[count++] = (struct range){ nr, leaf };
	}
	emit(e, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	emit_tree(e, ranges, count);
	return 0;
}

int filter_build(const struct pm_options *options, pid_t supervisor, unsigned int how,
		 struct sock_fprog *program)
{
	static const uint32_t arches[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
	struct emitter e = { 0 };
	int err = 0;

	for (size_t i = 0; i < sizeof(arches) / sizeof(arches[0]) && !err; i++) {
		size_t jump;

		emit(&e, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
		emit(&e, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, arches[i]);
		jump = e.len;
		emit(&e, BPF_JMP | BPF_JA, 0, 0, 0);
		err = emit_table(&e, options, supervisor, how, arches[i]);
		if (!e.full)
			e.code[jump].k = (uint32_t)(e.len - jump - 1);
	}
	emit(&e, BPF_RET | BPF_K, 0, 0, RET_ERRNO(ENOSYS));
	if (!err && e.full)
		err = e.len == BPF_MAXINSNS ? -E2BIG : -ENOMEM;
	if (err) {
		free(e.code);
		return err;
	}
	*program = (struct sock_fprog){ .len = (unsigned short)e.len, .filter = e.code };
	return 0;
}

static int install(const struct sock_fprog *program, unsigned long flags)
{
	int done;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	done = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_SPEC_ALLOW | flags, program);
	return done < 0 ? -errno : done;
}

int filter_install(const struct sock_fprog *program)
{
	return install(program, 0);
}

void filter_wake_in_place(int listener)
{
	uint64_t flags = SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP;

	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, flags);
}

int filter_install_answering(const struct sock_fprog *program)
{
	return install(program, SECCOMP_FILTER_FLAG_NEW_LISTENER |
				SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
}

int filter_install_listener(const struct sock_fprog *program, bool kill_orphans)
{
	return install(program, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_REDIRECT |
				SECCOMP_FILTER_FLAG_CHAIN | SECCOMP_FILTER_FLAG_WAIT_KILLABLE |
				(kill_orphans ? SECCOMP_FILTER_FLAG_KILL_ORPHANS : 0));
}
