/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* call_private.h - what read.c, change.c and layout.c share about a call */
#ifndef POINTSMAN_CALL_PRIVATE_H
#define POINTSMAN_CALL_PRIVATE_H

#include "call.h"
#include "shapes.h"

#define PAGE 4096u
#define PATH_BYTES 4096u		/* of a path, with its NUL */
#define ADDRESS_BYTES 128u		/* struct sockaddr_storage of the kernel */
#define STRING_BYTES 131072u		/* of a string of argv, with its NUL: MAX_ARG_STRLEN */
#define VECTOR_BYTES (6u << 20)		/* of argv and envp together, pointers included */
#define BPF_BYTES 64u			/* of a bpf_attr, at the least: more than is looked at */
#define MESSAGES 1024u			/* of one sendmmsg: UIO_MAXIOV */

/* Owner: the item. */
struct pm_item_private {
	/* Its line of the table; NULL where the number set since has no use for it. */
	const struct pm_shape *shape;
	int parent;		/* index of the item that holds the pointer to it, or -1 */
	uint16_t at;		/* where in the parent */
	uint8_t width;		/* bytes of that pointer */
	bool asked;		/* where is filled */
	bool redirected;	/* a layer has set it */
	bool passing;		/* it will be, most likely: what it is now need not be opened */
	bool straight;		/* it runs as it is written, through no link */
	bool native;		/* it has been found to be a program, and no script */
	bool closed;		/* it may not be executed, so nobody has looked into it */
	struct pm_where where;
	size_t below;		/* its name from here on is relative to what it was spelled from, or 0 */
	char *run_text;		/* pm_call_run_text() */
	uint64_t entry;		/* MMSGHDR: the target's address of this entry */
};

struct changes;

/* Owner: the call. */
struct pm_call_private {
	size_t room;		/* of items */
	/* Of a copy that a handler has: what is done to it is written down, to be done to the call. */
	struct changes *changes;
	struct kept *kept;	/* call_keep() */
	struct pm_view_known known;	/* of the thread's view, while it is in this call */
	bool only_asks;		/* where it leads can be told without its descriptor */
	bool asks_again;	/* where it can be looked at once more by its name */
	bool as_effective;	/* its real ids have the rights that its effective ones have */
	struct standing standing;	/* of a thread that is not stopped; else cleared */
	bool unread;		/* it has vectors that were not read */
	bool unpacked;		/* nr and args are not those of the registers */
	bool changed;
	bool no_create;		/* pm_call_forbid_create() */
	/* Of one layer, whose call can be asked about again: see pm_item_leads_straight(). */
	bool asked_again;
	/* pm_call_run_as() */
	bool run_as;
	int run_nr;
	uint64_t run_args[6];
	int8_t *run_arg;	/* of each item */
	void *extra;
	size_t extra_len;
	unsigned int extra_arg;
};

/* Where the parts of a msghdr lie, in the width of the table. */
struct msghdr_form {
	uint8_t word, name_len, flags, size, entry_len, entry_size;
};

bool call_narrow(const struct pm_call *call);
const struct msghdr_form *call_msghdr_form(const struct pm_call *call);
uint64_t load_le(const void *from, size_t width);
void store_le(void *to, size_t width, uint64_t value);

/* A copy with a NUL after it, or NULL. */
void *copy_bytes(const void *from, size_t len);

/* A new item at the end, cleared but for these, or NULL.  Older pointers to items die. */
struct pm_item *call_add_item(struct pm_call *call, enum pm_item_kind kind,
			      const struct pm_shape *shape);
/* Away with the last one. */
void call_drop_item(struct pm_call *call);
/* The view that the call's paths are walked in. */
struct pm_view call_view(const struct pm_call *call);
void item_forget_where(struct pm_item *item);
/* A copy of text that lives as long as the call, or NULL. */
const char *call_keep(struct pm_call *call, const char *text);

/* named.c: have what is connected and sent to named, see there. */
void call_name_address(struct pm_call *call);
/* The length of an address, where the call says it. */
void call_store_length(struct pm_call *call, const struct pm_item *item);

/* unpack.c: the plain call that a multiplexer stands for.  0 or the kernel's error. */
int call_unpack(struct pm_call *call, const struct pm_reader *reader);

/* read.c: all of a range, or the error. */
int read_exact(const struct pm_reader *reader, uint64_t addr, void *buf, size_t len);
/* read_strv.c: *used counts the bytes of all vectors of a call. */
int read_strv(const struct pm_reader *reader, uint64_t addr, size_t width, size_t *used,
	      struct pm_item *item);
/* Pack count strings, NUL after NUL in text, into one block. */
char **strv_pack(const char *text, size_t len, size_t count);

/* rules.c */
/* Does the kernel read this argument, as the registers stand? */
bool shape_applies(const struct pm_call *call, const struct pm_shape *shape);
/* What it is read as: STRING and PATH may change places. */
enum pm_shape_kind shape_kind(const struct pm_call *call, const struct pm_shape *shape);
/* Is "" the dirfd itself? */
bool shape_empty_ok(const struct pm_call *call, const struct pm_shape *shape);
/* Where the path of a bpf_attr lies; false where it holds none. */
bool bpf_path(const struct pm_call *call, const unsigned char *attr, uint16_t *at);
/* The path of a bpf_attr starts at no descriptor any more. */
void bpf_drop_fd(unsigned char *attr);
/* Fill in what follows from the registers: kinds, roles, classes, dirfd, nofollow, empty_ok. */
void call_classify(struct pm_call *call);

/* null_path.c: does this kernel take a NULL here as the dirfd itself? */
bool shape_null_is_empty(const struct pm_call *call, const struct pm_shape *shape);

#endif
