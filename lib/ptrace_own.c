/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "call_private.h"
#include "memory.h"
#include "ptrace.h"
#include "rights.h"
#include "uapi.h"

#define IPC_SHMAT 21

/*
 * A child that is born untraced would have no supervisor.  It is born traced.
 * The flag stands in a register of clone, and in the pinned block of clone3.
 */
static enum own own_clone(struct flight *flight)
{
	struct pm_call *call = &flight->call;

	flight->beside = call->args[0] & CLONE_PARENT;
	if (call->args[0] & CLONE_UNTRACED)
		pm_call_set_arg(call, 0, call->args[0] & ~(uint64_t)CLONE_UNTRACED);
	else if (!flight->beside)
		return OWN_PASS;
	return OWN_FOLLOW;
}

static enum own own_clone3(struct flight *flight)
{
	struct pm_call *call = &flight->call;
	struct pm_item *block = pm_call_item(call, PM_ITEM_BLOCK, NULL);
	uint64_t flags;

	if (!block || block->len < sizeof(flags))
		return OWN_PASS;
	memcpy(&flags, block->data, sizeof(flags));
	flight->beside = flags & CLONE_PARENT;
	flags &= ~(uint64_t)CLONE_UNTRACED;
	memcpy(block->data, &flags, sizeof(flags));
	return OWN_FOLLOW;
}

/* Do all threads of the process stop at every call? */
static bool all_stop(const struct supervisor *s, const struct process *process)
{
	for (size_t i = 0; i < TASK_BUCKETS; i++)
		for (const struct thread *thread = s->tasks.bucket[i]; thread; thread = thread->next)
			if (thread->process == process && !thread->every_call)
				return false;
	return true;
}

/* In the memory of the thread, as the kernel is about to read it. */
static bool read_program(const struct pm_call *call, uint64_t at, uint16_t *len, uint64_t *code)
{
	const size_t word = call_narrow(call) ? sizeof(uint32_t) : sizeof(uint64_t);
	unsigned char bytes[2 * sizeof(uint64_t)];

	*code = 0;
	if (memory_read(call->tid, at, bytes, 2 * word))
		return false;
	memcpy(len, bytes, sizeof(*len));
	memcpy(code, bytes + word, word);
	return true;
}

/* Can it return SECCOMP_RET_TRACE?  What cannot be read is not installed. */
static bool may_ask_tracer(const struct pm_call *call, uint64_t program)
{
	struct sock_filter code[64];
	uint64_t at;
	uint16_t len;

	if (!read_program(call, program, &len, &at))
		return false;
	while (len) {
		const size_t n = len < 64 ? len : 64;

		if (memory_read(call->tid, at, code, n * sizeof(code[0])))
			return false;
		for (size_t i = 0; i < n; i++)
			if (code[i].code == (BPF_RET | BPF_A) ||
			    (code[i].code == (BPF_RET | BPF_K) &&
			     (code[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE))
				return true;
		at += n * sizeof(code[0]);
		len = (uint16_t)(len - n);
	}
	return false;
}

/*
 * Filters of the program's own run beside ours.  One that notifies a listener
 * of its own outranks our stop: from then on the thread stops at the entry of
 * every call, before any filter.  With TSYNC it, or one that the thread has
 * already, would reach threads that do not stop there.
 */
static enum own own_filter(const struct supervisor *s, struct thread *thread,
			   struct flight *flight, uint64_t flags, uint64_t program, int *err)
{
	flight->filter = true;
	flight->asks_tracer = program && may_ask_tracer(&flight->call, program);
	flight->listener = flags & SECCOMP_FILTER_FLAG_NEW_LISTENER;
	if (flags & SECCOMP_FILTER_FLAG_TSYNC && thread->process->threads > 1 &&
	    (flight->listener || thread->every_call) && !all_stop(s, thread->process)) {
		*err = EBUSY;
		return OWN_DENY;
	}
	return OWN_FOLLOW;
}

/* With others a listener could send a call elsewhere after it was decided on. */
#define FILTER_FLAGS (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | \
		      SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_NEW_LISTENER | \
		      SECCOMP_FILTER_FLAG_TSYNC_ESRCH | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)

/*
 * The kernel reads 32 bits of the operation and of the flags.  Flags that we do
 * not know (redirects) answer what a kernel without them does.
 */
static enum own own_seccomp(const struct supervisor *s, struct thread *thread,
			    struct flight *flight, int *err)
{
	uint32_t operation = (uint32_t)flight->call.args[0];
	uint32_t flags = (uint32_t)flight->call.args[1];

	if (operation == SECCOMP_SET_MODE_STRICT)
		return own_filter(s, thread, flight, 0, 0, err);
	if (operation != SECCOMP_SET_MODE_FILTER)
		return OWN_PASS;
	if (flags & ~(uint32_t)FILTER_FLAGS) {
		*err = EINVAL;
		return OWN_DENY;
	}
	return own_filter(s, thread, flight, flags, flight->call.args[2], err);
}

static enum own own_prctl(struct supervisor *s, struct thread *thread, struct flight *flight,
			  int *err)
{
	const struct pm_call *call = &flight->call;

	switch ((int)call->args[0]) {
	case PR_SET_SECCOMP:
		return own_filter(s, thread, flight, 0,
				  call->args[1] == SECCOMP_MODE_FILTER ? call->args[2] : 0, err);
	case PR_SET_DUMPABLE:
		/* What may not be dumped may not be read by its supervisor either. */
		return call->args[1] == 0 ? OWN_VALUE : OWN_PASS;
	case PR_SET_SECUREBITS:
		rights_note_secure_bits();
		return OWN_PASS;
	case PR_SET_MM:
		*err = EPERM;
		return s->guard ? OWN_DENY : OWN_PASS;
	default:
		return OWN_PASS;
	}
}

static bool overlaps(const struct space *space, uint64_t start, uint64_t len)
{
	uint64_t end = start + len < start ? UINT64_MAX : start + len;

	for (int width = 0; width < WIDTHS; width++)
		if (space->at[width] && start < space->at[width] + ARENA_SIZE &&
		    end > space->at[width])
			return true;
	return false;
}

static uint64_t page_up(uint64_t len)
{
	return len + (ARENA_PAGE - 1) < len ? UINT64_MAX : (len + ARENA_PAGE - 1) & ~(ARENA_PAGE - 1);
}

/* Where the arena is not sealed: does this call reach into it? */
static bool moves_arena(const struct space *space, const struct pm_call *call)
{
	const uint64_t *args = call->args;
	const char *name = call->name;

	if (!strcmp(name, "munmap") || !strcmp(name, "mprotect") ||
	    !strcmp(name, "pkey_mprotect") || !strcmp(name, "madvise") ||
	    !strcmp(name, "remap_file_pages"))
		return overlaps(space, args[0] & ~(ARENA_PAGE - 1),
				page_up(args[1] + (args[0] & (ARENA_PAGE - 1))));
	if (!strcmp(name, "mmap") || !strcmp(name, "mmap2"))
		return args[3] & MAP_FIXED && overlaps(space, args[0], page_up(args[1]));
	if (!strcmp(name, "mremap"))
		return overlaps(space, args[0], page_up(args[1]) ? page_up(args[1]) : ARENA_PAGE) ||
		       (args[3] & MREMAP_FIXED && overlaps(space, args[4], page_up(args[2])));
	/* The segment's length is not known here: anything attached at or below reaches it. */
	if (!strcmp(name, "shmat"))
		return args[1] && overlaps(space, args[1], UINT64_MAX);
	if (!strcmp(name, "ipc"))
		return (args[0] & 0xffff) == IPC_SHMAT && args[4] &&
		       overlaps(space, args[4], UINT64_MAX);
	return false;
}

/*
 * brk answers no errors, but where the break is.  A break inside the arena asks
 * for that only.  Growing across it the kernel does not do; shrinking across it
 * would need a break beyond it, which PR_SET_MM is refused for.
 */
static enum own own_brk(const struct space *space, struct pm_call *call)
{
	for (int width = 0; width < WIDTHS; width++)
		if (space->at[width] && call->args[0] >= space->at[width] &&
		    call->args[0] <= space->at[width] + ARENA_SIZE) {
			pm_call_set_arg(call, 0, 0);
			return OWN_FOLLOW;
		}
	return OWN_PASS;
}

/* What it keeps, or of what vector, does not matter: hardly anybody does. */
static bool keeps_from_fork(const struct pm_call *call)
{
	return (!strcmp(call->name, "madvise") && (int)call->args[2] == MADV_DONTFORK) ||
	       (!strcmp(call->name, "process_madvise") && (int)call->args[3] == MADV_DONTFORK);
}

/* What is known of any thread's view is not believed from here to its return. */
static enum own own_change(struct supervisor *s, struct thread *thread, struct flight *flight)
{
	if (!strcmp(flight->call.name, "landlock_restrict_self"))
		thread->process->confined = true;
	/* Whoever watches may be asked about each file that is opened: we would wait for it. */
	if (!strcmp(flight->call.name, "fanotify_init"))
		s->watched = true;
	/* Who has other rights may not be ours to let go. */
	place_apart(&s->placing);
	flight->changes = &s->changes;
	s->changes.now++;
	return OWN_FOLLOW;
}

void own_directory(struct supervisor *s, struct flight *flight)
{
	flight->changes = &s->directories;
	s->directories.now++;
}

enum own own_call(struct supervisor *s, struct thread *thread, struct flight *flight, int *err)
{
	struct pm_call *call = &flight->call;

	switch (filter_effect(call->arch, call->nr)) {
	case FILTER_CHANGES_VIEW:
		return own_change(s, thread, flight);
	case FILTER_SHOWS_PLACE:
		place_show(&s->placing, flight);
		return OWN_FOLLOW;
	case FILTER_CHANGES_DIRECTORY:
		if (!s->listener)
			return OWN_PASS;
		own_directory(s, flight);
		return OWN_FOLLOW;
	case FILTER_NO_EFFECT:
		break;
	}
	if (keeps_from_fork(call))
		thread->process->space->kept = true;
	if (!strcmp(call->name, "clone"))
		return own_clone(flight);
	if (!strcmp(call->name, "clone3"))
		return own_clone3(flight);
	if (!strcmp(call->name, "seccomp"))
		return own_seccomp(s, thread, flight, err);
	if (!strcmp(call->name, "prctl"))
		return own_prctl(s, thread, flight, err);
	/*
	 * io_destroy(2) unmaps the ring where it was, whatever is there by then.
	 * No arena may come to lie there; one that is there already is not.
	 */
	if (s->guard && !strcmp(call->name, "io_setup"))
		thread->process->space->rings = true;
	if (s->guard && !strcmp(call->name, "brk"))
		return own_brk(thread->process->space, call);
	if (s->guard && moves_arena(thread->process->space, call)) {
		*err = EPERM;
		return OWN_DENY;
	}
	return OWN_PASS;
}
