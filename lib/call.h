/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * call.h - a call: read by shape, changed by layers, laid out in a pin
 *
 * shapes.c says what each argument of each system call is; read.c reads the
 * deep arguments of one call by it, once; change.c changes them; layout.c
 * writes what will run into a pin.
 */
#ifndef POINTSMAN_CALL_H
#define POINTSMAN_CALL_H

#include <pointsman/pointsman.h>

#include "resolve.h"

/*
 * Where a call's bytes come from.  read() returns how many bytes it could
 * read, short only where the readable memory ends, or -errno (-EFAULT at once,
 * -ESRCH where the target is gone).
 */
struct pm_reader {
	void *data;
	ssize_t (*read)(void *data, uint64_t addr, void *buf, size_t len);
};

/* Does the thread still wait with this call? */
struct standing {
	bool (*stands)(const void *data);
	const void *data;
};

/*
 * Read a call.  The caller has set tgid, tid, comm, arch, nr, args, id; the
 * rest is cleared.  i386 socketcall(2) and ipc(2)-like multiplexers whose
 * arguments lie in memory become the plain call that they stand for (nr, name,
 * args); so does the old i386 mmap (90), as mmap2.
 *
 * Returns 0, or the negative errno that the kernel would answer for these
 * arguments (-EFAULT, -ENAMETOOLONG, -EINVAL, -E2BIG, ...), -ENOMEM, -ESRCH.
 * After an error the items read so far are there, and pm_call_clear() is
 * still the caller's to call.
 */
int pm_call_read(struct pm_call *call, const struct pm_reader *reader);

/*
 * The same without its vectors, which the kernel reads itself then; and those, when they are
 * wanted after all.  Pointers to items are not good any more.
 */
int call_read_but_vectors(struct pm_call *call, const struct pm_reader *reader);
int call_read_vectors(struct pm_call *call, const struct pm_reader *reader);

/* Frees what the call owns; the struct itself is the caller's. */
void pm_call_clear(struct pm_call *call);

/* Was anything changed since it was read? */
bool pm_call_changed(const struct pm_call *call);

/*
 * What runs in the end.  A call is one step, but sendmmsg is one sendmsg a
 * message, since the kernel writes each message's length into the array that
 * would otherwise lie in the pin.
 */
struct pm_step {
	int nr;
	uint64_t args[6];
	uint64_t msg_len_addr;	/* sendmmsg: where the target wants the 32-bit length, else 0 */
};

struct pm_run {
	struct pm_step *steps;	/* owner: the run; pm_run_clear() */
	size_t nsteps;
	uint32_t pinned;	/* bit i: args[i] of the first step points into the pin */
};

/* Bytes that pm_call_layout() needs; 0 where the call has nothing to pin. */
size_t pm_call_layout_size(const struct pm_call *call);

/*
 * Write every item to mem (size bytes, the pin, which the target sees at
 * target_addr), with pointers between them in the width of call->arch, and
 * fill run.  mem is only written, never read.  Returns 0, -ENOMEM, -EOVERFLOW
 * (target_addr does not fit a 32-bit table).
 */
int pm_call_layout(const struct pm_call *call, void *mem, size_t size,
		   uint64_t target_addr, struct pm_run *run);
void pm_run_clear(struct pm_run *run);

/*
 * For the last stage, settle.c: write the text that the kernel will see for a
 * path, without touching what layers and observers are shown.  With text NULL
 * the item runs as it was spelled.  Returns 0, -ENOMEM, -ENAMETOOLONG.
 *
 * pm_call_run_as() makes the call run as another number with these six
 * arguments, in which an argument that an item hangs on keeps following that
 * item: item_arg[i] is the new argument register of items[i], or -1 to drop
 * it.  extra, len > 0, is one more block (an open_how), pointed to by
 * extra_arg.
 */
int pm_call_run_text(struct pm_call *call, struct pm_item *item, const char *text);
int pm_call_run_as(struct pm_call *call, int nr, const uint64_t args[6],
		   const int8_t *item_arg, const void *extra, size_t len,
		   unsigned int extra_arg);

/* What pm_item_where() has found, or NULL where nobody has asked yet. */
const struct pm_where *pm_item_peek(const struct pm_item *item);

/*
 * Close what the supervisor holds open for the items: a file system could not
 * be unmounted, and calls may last long.  Where they lead is still known.
 */
void pm_call_let_go(struct pm_call *call);

/* Did a layer say pm_call_forbid_create()? */
bool pm_call_no_create(const struct pm_call *call);

/* For pm_item_where(): extra walk limits of openat2's resolve word, 0 for others. */
uint64_t pm_call_resolve_flags(const struct pm_call *call);

/*
 * The open family in one form: flags, mode and resolve of the call as it now
 * stands, as open(2), creat(2), openat(2) or openat2(2) would read them.
 * Returns 0, or -EINVAL where the call is none of these.
 */
struct pm_open_how {
	uint64_t flags, mode, resolve;
	bool strict;	/* openat2: what is unknown is refused, not ignored */
};
int pm_call_open_how(const struct pm_call *call, struct pm_open_how *how);

#endif
