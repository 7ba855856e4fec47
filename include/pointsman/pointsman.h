/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pointsman.h - decide on the system calls of other programs, and on what they
 * run with, with nothing left to a race
 *
 * The flow.  A target makes a system call that some layer wants to see.  The
 * supervisor stops it before it runs and reads it once: its number, its
 * registers, and what its pointers name, down to the last string of an argv.
 * This snapshot is a call (struct pm_call).  The layers are asked one after
 * the other, the innermost first, each on the call as the inner ones left it.
 * The outcome is carried out:
 *
 *	PM_ALLOW	the next layer is asked; after the last one the call
 *			runs, from the snapshot and not from the target's
 *			memory
 *	PM_REDIRECT	the layer changed the call with the functions below;
 *			the next layer sees the changed call
 *	PM_DENY		the call does not run and answers -err
 *	PM_VALUE	the call does not run and answers value
 *	PM_KILL		the process dies before the call runs
 *
 * DENY, VALUE and KILL are final: outer layers are not asked.
 *
 * What is decided is what runs.  The snapshot lies in memory that the target
 * can read and nobody but the supervisor can write (a pin), and the kernel
 * reads it from there, also when every layer said PM_ALLOW.  What could not be
 * read, parsed or pinned is refused with the error that the kernel would give
 * for it; it never runs unseen.  A call that no layer wants is not stopped.
 *
 * Names of files.  A path is resolved in the target's own view (its root, its
 * working directory, its descriptors, its /proc/self) once, before the layers
 * match it (pm_item_where()).  docs/guarantees.md says for each call what
 * keeps the file that was decided on and the file that is used the same.
 *
 * Threads.  The ptrace backend lives in one thread and calls layers from it: one
 * that takes its time holds up every target.  A backend that serves several
 * targets at a time calls layers and the observer from several threads, those that
 * do not say that they bear it (concurrent) under one lock for all of them: they
 * are called one at a time, whatever the backend.  A call is looked at by one
 * thread at a time.  The functions below may be called from any thread, for one
 * call from the one that is asked about it.
 *
 * Crashes.  A layer is part of the supervisor: where it crashes, the supervisor
 * dies, and with it every target: under the ptrace backend by SIGKILL, at once; under
 * notify by SIGSYS, in the call that waits or is next to be decided on.  One that
 * never answers holds its call for ever.  A handler (struct pm_handler) decides in a
 * process of its own, and has a limit.
 *
 * Signals.  In the process in which layers run, SIGRTMAX is the library's (ptrace).  Calls
 * that signal(7) calls restartable go on by themselves; poll(2) and the like may fail
 * with EINTR.
 *
 * Errors.  Functions return 0 or a count, or a negative errno; each says which.
 *
 * Ownership.  Each structure says whose it is.  Strings that functions return
 * are the library's and are never freed; what they are given they copy, unless
 * they say otherwise.  Lengths are in bytes.
 */
#ifndef POINTSMAN_POINTSMAN_H
#define POINTSMAN_POINTSMAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library is built with hidden visibility: what is declared here is what it gives. */
#pragma GCC visibility push(default)

#define PM_VERSION "0.1.0"

/*
 * Classes: what a call does to what it names.  One call can do several things
 * (open with O_RDWR reads and writes; rename has two names): each item carries
 * the classes that hold for it.
 */
enum pm_class {
	PM_CLASS_OPEN_READ,	/* open for reading, O_PATH included */
	PM_CLASS_OPEN_WRITE,	/* open for writing, truncate */
	PM_CLASS_CREATE,	/* make a name: O_CREAT of a missing file, mkdir, mknod, link, symlink */
	PM_CLASS_REMOVE,	/* unlink, rmdir */
	PM_CLASS_RENAME,	/* both names of a rename */
	PM_CLASS_LINK,		/* the file that a hard link is made to */
	PM_CLASS_METADATA,	/* stat, access, readlink, getxattr, statfs, name_to_handle_at */
	PM_CLASS_SET_METADATA,	/* chmod, chown, utime, setxattr, removexattr, file_setattr */
	PM_CLASS_EXEC,		/* execve, execveat, uselib */
	PM_CLASS_CHDIR,		/* chdir */
	PM_CLASS_CHROOT,	/* chroot, pivot_root */
	PM_CLASS_MOUNT,		/* mount, umount, the new mount calls */
	PM_CLASS_WATCH,		/* inotify_add_watch, fanotify_mark */
	PM_CLASS_CONNECT,	/* connect */
	PM_CLASS_BIND,		/* bind */
	PM_CLASS_SEND,		/* sendto, sendmsg, sendmmsg with an address */
	PM_CLASS_SYSTEM,	/* acct, swapon, quotactl and others on the whole system */
	PM_CLASS_IPC,		/* POSIX message queues by name */
	PM_NCLASSES
};

#define PM_BIT(class) (1u << (class))

/*
 * The name of a class as policies spell it ("open-read"; docs/policy.md), NULL
 * for no class; and the class of a name, or -ENOENT.
 */
const char *pm_class_name(enum pm_class which);
int pm_class_by_name(const char *name);

/*
 * Where a path leads, in the target's own view.
 *
 * Owner: the item; valid until the item is changed or the call ends.
 */
struct pm_where {
	/*
	 * The canonical name: absolute from the target's root, no symbolic
	 * link, no "." and no "..", no slash at the end (but "/").  A final
	 * symbolic link that the call does not follow is named itself.  Where
	 * err is set, the part that exists is resolved and the rest appended,
	 * cleaned as text.  What has no name in the target's root does not begin
	 * with a slash: the text of the kernel's link ("pipe:[4711]"), or
	 * "deleted:/x" and "(unreachable)/x".
	 */
	char *name;
	/* A second spelling of name with "/proc/self" for the target's own pid, or NULL. */
	char *self_name;
	/* 0; else the errno that the walk met (ENOENT, EACCES, ENOTDIR, ELOOP, ...). */
	int err;
	bool exists;		/* the final object is there; st is filled */
	bool missing;		/* err == 0, parent is there, the final component is not */
	bool anonymous;		/* name is a link text, not a path */
	bool magic;		/* a magic link of /proc was followed last (fd, exe, cwd, root) */
	bool slash;		/* the spelling ended in a slash, "." or ".." */
	bool dots;		/* the last component was "." or ".." */
	struct stat st;		/* of the final object, not followed further */
	int fd;			/* O_PATH descriptor of the final object, or -1; the supervisor's */
};

/*
 * An item that no register names: the interpreter of a script (role
 * "interpreter", a path with PM_CLASS_EXEC), which execve runs in the end.
 */
#define PM_NO_REGISTER 0xff

enum pm_item_kind {
	PM_ITEM_PATH,		/* a path */
	PM_ITEM_STRING,		/* a string that is not a path: a file system type, the name of an attribute */
	PM_ITEM_SOCKADDR,	/* a socket address */
	PM_ITEM_STRV,		/* argv, envp */
	PM_ITEM_BLOCK,		/* a structure: open_how, clone_args, msghdr, ... */
};

/*
 * An item: something that a pointer of the call names, as it was read.
 *
 * Owner: the call.  Layers read it, and change it with the pm_call_set_*()
 * functions only.
 */
struct pm_item {
	enum pm_item_kind kind;
	const char *role;	/* as in the manual page: "pathname", "newpath", "argv", "addr" */
	uint8_t arg;		/* the argument register that it hangs on, or PM_NO_REGISTER */
	uint32_t classes;	/* PM_BIT()s of what the call does to it; 0: to nothing of interest */

	/* PATH, STRING: the text, NUL-terminated, len without the NUL.
	 * SOCKADDR, BLOCK: len bytes.  STRV: unused. */
	unsigned char *data;
	size_t len;

	/* STRV: NULL-terminated. */
	char **strv;
	size_t nstr;

	/* PATH: what it is relative to, and how its end is treated. */
	int dirfd;		/* the target's descriptor, or AT_FDCWD */
	bool nofollow;		/* a final symbolic link is not followed */
	bool empty_ok;		/* AT_EMPTY_PATH: "" names dirfd itself */

	struct pm_item_private *priv;
};

struct pm_sysent;

/*
 * A call: one system call of one thread, read once.
 *
 * Owner: the backend; lives from the stop to the answer.  Layers may read all
 * of it, and change it with the functions below.
 */
struct pm_call {
	pid_t tgid, tid;	/* in the supervisor's pid namespace */
	char comm[16];
	uint32_t arch;		/* AUDIT_ARCH_* of the table that nr is from */
	int nr;
	const char *name;	/* of nr, "socketcall" never: it is unpacked */
	uint64_t args[6];
	const struct pm_sysent *ent;
	struct pm_item *items;
	size_t nitems;
	uint64_t id;		/* unique in a run */

	struct pm_call_private *priv;
};

/* The first item of a kind (and role, unless NULL), or NULL.  The call's. */
struct pm_item *pm_call_item(struct pm_call *call, enum pm_item_kind kind,
			     const char *role);

/*
 * What a call names, by name.
 *
 * Owner: item and text are the call's, valid until the item is changed or the
 * call ends.
 */
struct pm_arg {
	struct pm_item *item;	/* what it is or, for a string of a vector, the vector */
	const char *text;	/* a path, a string, a string of a vector; else NULL */
	size_t len;		/* of text, without the NUL; of an address or a structure, in
				 * bytes; of a vector, in strings */
};

/*
 * name is the role of an item, which is its name in the call's manual page
 * ("pathname", "newpath", "argv", "addr"; pm_call_arg(3) has the list), or one of
 * two that hold for every call: "path", a path by whatever name, and "sockaddr".
 * An index in brackets, from 0, names a string of a vector ("argv[2]"), or one of
 * several items of the same name ("path[1]" of a rename, "msg_name[3]" of a
 * sendmmsg); without it the first is meant.
 *
 * Returns 0; -ENOENT where the call names nothing of that name, or gave NULL for
 * it; -ERANGE where it does, and not as many; -EINVAL for a name that is not
 * spelled so.  After an error *arg is cleared.
 */
int pm_call_arg(struct pm_call *call, const char *name, struct pm_arg *arg);

/*
 * Where a path item leads, by path_resolution(7) in the target's view.  Resolved
 * at the first question, then kept.  The item's.  Never NULL for a PM_ITEM_PATH,
 * NULL for others; what went wrong is in ->err (ENOMEM too, ->name may be NULL then).
 */
const struct pm_where *pm_item_where(struct pm_call *call, struct pm_item *item);

/*
 * After pm_call_set_path(): is it certain without a look that the path leads where it is
 * written?  True where what runs opens it through no link, and the layer is asked anew
 * where there is one on the way.  A layer that only asks where its redirect leads can do
 * without the answer of pm_item_where() then.  False, too, where that is not known.
 */
bool pm_item_leads_straight(struct pm_call *call, struct pm_item *item);

/*
 * Resolve another path as the target of this call would, from its root and
 * working directory; nofollow as for lstat(2).  *out is the caller's, who frees
 * what is in it with pm_where_free(), also where out->err is set.
 * Returns 0 (also where out->err is set), -ENOMEM, -ESRCH (the target is gone).
 */
int pm_call_resolve(struct pm_call *call, const char *path, bool nofollow,
		    struct pm_where *out);
void pm_where_free(struct pm_where *where);

/*
 * Write to the target's memory: for a layer that answers the call itself
 * (PM_VALUE), and with it what the call was to fill in, a struct utsname say.
 * Memory that the target cannot write itself is not written.
 * Returns 0; -EFAULT where not all of it can be written, some of it may have been
 * then; -ESRCH (the target is gone); -EPERM (this may not be done to it); -ENOMEM (in
 * a handler; its answer is late then).
 */
int pm_call_write(struct pm_call *call, uint64_t addr, const void *from, size_t len);

/*
 * Changing a call.  All copy what they are given.
 * Return 0, -ENOMEM, -EINVAL where the call or item is not of that kind; the
 * call is as it was where they fail.
 *
 * pm_call_set_path: path is in the target's view, absolute or relative to its
 * working directory; a dirfd of the call no longer counts.  -ENAMETOOLONG from
 * 4096 bytes on, with the NUL (PATH_MAX).
 * pm_call_set_sockaddr: addr is a struct sockaddr of len bytes; -EINVAL for less
 * than a family and for more than 128 (struct sockaddr_storage).  The family may
 * not change (-EAFNOSUPPORT): the target's socket is of the old one.
 * pm_call_set_strv: strv is NULL-terminated; E2BIG is the kernel's to say
 * (execve(2)).
 * pm_call_set_arg: arg is 0 .. 5, a register that holds no item and no length of
 * one; -EINVAL too where the kernel would then read what was not read.  Of value
 * the lower 32 bits count in a 32-bit call.
 * pm_call_set_nr: nr in the call's own table.  -EINVAL for a number that owns
 * the register file, old or new (sigreturn(2), restart_syscall(2)), for one that
 * is not in the table, and for a call that reads what was not read for this one.
 * The items stay the registers'.
 */
int pm_call_set_path(struct pm_call *call, struct pm_item *item, const char *path);
int pm_call_set_sockaddr(struct pm_call *call, struct pm_item *item,
			 const void *addr, size_t len);
int pm_call_set_strv(struct pm_call *call, struct pm_item *item, char *const *strv);
int pm_call_set_arg(struct pm_call *call, unsigned int arg, uint64_t value);
int pm_call_set_nr(struct pm_call *call, int nr);

/*
 * After the program of an execve was changed, or its interpreter (which then is
 * the program): make the items of the interpreters those that it now names, for
 * the layer to decide on.  The library does so before it asks the next layer.
 * Pointers to items are no longer valid.  Does nothing to other calls.
 * Returns 0, -ENOMEM, or the error with which the execve would fail.
 */
int pm_call_follow_program(struct pm_call *call);

/*
 * An open with O_CREAT of a file that is there makes nothing, unless the file
 * goes before the call runs.  A layer that lets the file be opened and not be
 * made says so: O_CREAT then only counts for the errors (open(2)), and where the
 * file went, the call is decided on anew.
 */
void pm_call_forbid_create(struct pm_call *call);

/*
 * Number of a name in the table of arch (AUDIT_ARCH_* of linux/audit.h), or
 * -ENOENT; and back, or NULL.
 */
int pm_syscall_number(uint32_t arch, const char *name);
const char *pm_syscall_name(uint32_t arch, int nr);
/* All classes that the call of this name can have, as PM_BIT()s; 0 for one that names nothing. */
uint32_t pm_syscall_classes(const char *name);

enum pm_action {
	PM_ALLOW,
	PM_REDIRECT,
	PM_DENY,
	PM_VALUE,
	PM_KILL,
};

/*
 * A verdict: what a layer says of a call.
 *
 * Owner: the caller of decide(), which hands it in cleared (PM_ALLOW).  rule
 * and source are the layer's strings and outlive the call.
 */
struct pm_verdict {
	enum pm_action action;
	int err;		/* PM_DENY: a positive errno, 1 .. 4095 */
	int64_t value;		/* PM_VALUE */
	bool log;		/* the rule asked for the call to be recorded */
	const char *rule;	/* what decided: "rules[3]", "default", "--path", "built-in: ptrace" */
	const char *source;	/* "policy.yaml:12", or NULL */
};

/*
 * A layer: one policy.
 *
 * Owner: the caller; lives longer than the run.
 */
struct pm_layer {
	const char *name;
	void *data;
	/*
	 * Does this layer want to see this call at all?  Asked before the run, once
	 * for each call of each table, or for those of its classes that some of its
	 * arguments mean.  NULL: it wants all.
	 */
	bool (*wants)(void *data, const char *syscall, uint32_t classes);
	/*
	 * Decide.  Returns 0 with *verdict filled, or a negative errno: the
	 * call is then denied with it (fail closed), and with EPERM where that is
	 * no errno, or the verdict none.
	 */
	int (*decide)(void *data, struct pm_call *call, struct pm_verdict *verdict);
	/*
	 * decide() may be called from several threads at once, for different
	 * calls.  Where this is false, the library holds the one lock around it
	 * that all such layers and observers share.
	 */
	bool concurrent;
	/*
	 * decide() does not look at call->comm, which is looked up in /proc for
	 * each call, and is empty where all layers say so and there is no observer.
	 */
	bool ignores_comm;
	/*
	 * decide() does not use pm_where.fd, which may be -1 then for an object that is
	 * there: where all layers say so, and the observer, a file that is only asked about
	 * need not be opened.
	 */
	bool ignores_fd;
	/*
	 * decide() does not look at the vectors of a call (argv, envp): where all layers say
	 * so and there is no observer, they need not be read, and are then no items of it.
	 */
	bool ignores_vectors;
};

/*
 * A handler: a layer that decides in a process of its own, at once or later, and
 * cannot take the run with it.
 *
 * The process is forked by pm_handler_layer(), with all that the caller has then in
 * memory, and of its descriptors those that are close-on-exec, with standard error.
 * handle() is called there for each call, in one of its threads, and gives an answer by
 * pm_request_answer(): before it returns, or any time later from any thread.  Who
 * gets no answer within the limit, be it that the handler has forgotten it, or
 * stalls, or all threads are busy, gets the verdict late; so does every call
 * that a handler has at hand when it crashes or exits, or a thread that called
 * handle() ends, at once.  Then the process is started anew, as it was in the
 * beginning.  While a call waits, its thread does; others wait with it only where
 * the backend asks one after the other (ptrace).  A child that a thread of it makes
 * past fork(2), by clone(2) itself, can have a call at hand as well: then its asker may
 * not be told of the end, and waits until the limit.
 *
 * Targets of the same user can signal the process, as they can the supervisor.
 * They cannot trace it.  So late is what a target can have if it wants to: PM_ALLOW
 * there is for handlers that only look on.
 *
 * The call that a handler is given is a copy.  What is done to it is done to the
 * call when the answer comes, in the same order, and where that fails the call is
 * denied with the error.  So pm_call_write() only says then that it could not
 * write.  Where the paths of the call lead is known, but where one leads that the
 * handler has set is not: ->err is EOPNOTSUPP (pm_call_resolve() can be asked); nor
 * does it have descriptors (->fd is -1).  pm_call_follow_program() answers
 * -EOPNOTSUPP for an execve.
 *
 * Owner: the caller; pm_handler_layer() copies it, but not what it points to.
 */
struct pm_request;

struct pm_handler {
	const char *name;	/* of the layer */
	void *data;
	/* As in struct pm_layer, in the process and at the time of that. */
	bool (*wants)(void *data, const char *syscall, uint32_t classes);
	/*
	 * Called in each new process before the first request, to start threads for
	 * instance.  A negative errno ends it for good.  May be NULL.
	 */
	int (*start)(void *data);
	void (*handle)(void *data, struct pm_request *request);
	unsigned int threads;	/* that call handle(), one request each; 0 is one */
	unsigned int limit;	/* milliseconds, from when the layer is asked; not 0 */
	/* What a call gets that is not answered; NULL: denied with EPERM.  No PM_REDIRECT. */
	const struct pm_verdict *late;
};

/*
 * Start a handler, and make a layer of it, for one or more runs.  *layer is the
 * caller's, who ends the process with pm_layer_free(); it ends by itself, with
 * whatever its threads do, once all processes are gone that have the layer.
 * Returns 0; -EINVAL (no handle, no limit, late is no verdict for it); -ENOMEM,
 * -EMFILE, -EAGAIN (no more processes) and others of fork(2), socketpair(2) and
 * pidfd_open(2); -ECHILD (it crashed in start()), or what start() returned.
 *
 * pm_layer_free() is for what this has made, once, and for NULL.  A struct pm_layer says
 * nothing of who made it: any other one is a fault of the caller's, as with free(3).
 */
int pm_handler_layer(const struct pm_handler *handler, struct pm_layer **layer);
void pm_layer_free(struct pm_layer *layer);

/* The copy of the call: the request's, until it is answered; then NULL. */
struct pm_call *pm_request_call(struct pm_request *request);

/*
 * Answer.  The verdict and its strings are copied; the request is gone, but after
 * -EINVAL.  Returns 0: it has been sent; -EINVAL: that is no verdict; -EALREADY: it has
 * been answered before, too late or not, in this process, and nothing is done;
 * -ETIMEDOUT: it comes too late, the call has got the other one; -ENOMEM: the answer
 * could not be written down, and the call gets the other one.
 */
int pm_request_answer(struct pm_request *request, const struct pm_verdict *verdict);

/* What an event tells. */
enum pm_event_kind {
	PM_EVENT_CALL,		/* call as it was made */
	PM_EVENT_VERDICT,	/* what this layer said; call as it left it */
	PM_EVENT_ANSWER,	/* the outcome; call as it will run */
	PM_EVENT_RESULT,	/* a redirected call returned */
};

/*
 * What is told of each call that some layer looked at, in this order: CALL,
 * a VERDICT for each layer that was asked, ANSWER, and where the call ran
 * redirected RESULT.  All but RESULT come before the call is answered.  The
 * RESULT of a thread that dies inside the call does not come; nor, on the notify
 * backend, that of a call that the kernel runs: nobody is told there how it ended
 * (what the supervisor does itself has one: a descriptor that it hands over,
 * sendmmsg).  Events of other calls may come between those of one: call->id tells
 * them apart.
 */
struct pm_event {
	enum pm_event_kind kind;
	struct pm_call *call;
	const struct pm_verdict *verdict;	/* VERDICT; ANSWER, RESULT: the one that decided */
	const struct pm_layer *layer;	/* whose verdict; NULL: the library's own */
	size_t depth;			/* VERDICT: index of the layer, 0 is the innermost */
	int ran_nr;			/* ANSWER, RESULT: the number that runs, or -1 */
	const char *ran_name;		/* of ran_nr, or NULL */
	/*
	 * ANSWER: allowed, and yet does not run: a positive errno, which the
	 * kernel would give for what the layers agreed to (a directory of the
	 * path is not there, no room for a pin).  Else 0.
	 */
	int fails;
	const char *holds;		/* ANSWER: what keeps the named file the same, see
					 * docs/guarantees.md: "file", "landlock", "name", "" */
	/*
	 * RESULT: as the target sees it, -errno included; -512, -513, -514 or -516: a
	 * signal came, after which the kernel makes the call again or the target sees
	 * EINTR.
	 */
	int64_t result;
};

struct pm_observer {
	void *data;
	/* Returns 0, or a negative errno: the call is then denied with it, as in decide(). */
	int (*tell)(void *data, const struct pm_event *event);
	bool concurrent;	/* as in struct pm_layer, for tell() */
	bool ignores_fd;
};

/*
 * What the library refuses by itself, as an outermost layer, because it leads
 * around every other decision: io_uring_setup (its requests pass no filter)
 * answers ENOSYS, open_by_handle_at (files without names) EPERM.
 */
#define PM_UNSAFE_IO_URING	1u
#define PM_UNSAFE_HANDLES	2u
/*
 * Not a refusal: what all layers allow, and none has changed, runs as it was made
 * and may have been changed by then.  For layers that only redirect and promise
 * nothing against a program that does not want to be redirected.
 */
#define PM_UNSAFE_RACES		4u

struct pm_options {
	struct pm_layer *const *layers;	/* innermost first */
	size_t nlayers;
	const struct pm_observer *observer;	/* or NULL */
	const char *backend;		/* "notify", "ptrace", "auto" or NULL: the first that works */
	/*
	 * Run in the child after the filter is decided on and before exec
	 * (Landlock rule sets of the policy).  Returns 0 or a negative errno,
	 * which ends the start.  May be NULL.
	 */
	int (*confine)(void *data);
	void *confine_data;
	uint32_t landlock;		/* PM_BIT()s of the classes that confine() restricts: told in
					 * pm_event.holds */
	bool no_mseal;			/* as on a kernel without mseal(2) */
	unsigned int unsafe;		/* PM_UNSAFE_*: what to leave out */
	/*
	 * ptrace: programs may have listeners of their own (SECCOMP_FILTER_FLAG_NEW_LISTENER).
	 * Else that is refused with EBUSY, for the supervisor has one, by which it answers what
	 * only looks at files, on kernels that can (Linux 5.19): a stop takes longer.
	 */
	bool own_listeners;
	/*
	 * notify: after the supervisor's death the calls that layers want answer
	 * ENOSYS; else they kill the process (SIGSYS).
	 */
	bool keep_orphans;
};

/*
 * Run a program under layers, as execvp(3) would: the calling process becomes
 * the program, with its pid, its terminal and its parent; the supervisor is a
 * new process beside it, in a session of its own, that stays until the last
 * descendant of the program is gone.  Its death kills them all, see above.  Any
 * thread may call it; the others end with the process that they were threads of.
 *
 * The supervisor is a fork of the caller: it has the caller's memory, not its
 * threads, and of its descriptors those that are close-on-exec, with standard error
 * as long as the program lives; the others are the program's.  Standard input and
 * output are /dev/null there, all signals blocked, limits of resources raised where
 * it may.
 *
 * Returns only on failure: a negative errno; *stage then says what failed, and
 * pm_error() in words.
 *	PM_STAGE_SETUP	nothing ran: -EINVAL (no such backend; a layer has no decide(),
 *			the observer no tell()), -EPERM, -EACCES (what the backend needs
 *			is not permitted here), -ENOSYS, -EOPNOTSUPP (the kernel lacks
 *			it), -ENOENT (/proc is not mounted), -ENOMEM, -EMFILE, -EAGAIN (no
 *			more processes), -ECHILD (the supervisor died), and what confine()
 *			returned
 *	PM_STAGE_EXEC	the program could not be executed: those of execve(2), what a
 *			layer denied it with among them
 * The caller may only report and exit then: the process may be confined already.
 */
enum pm_stage { PM_STAGE_SETUP, PM_STAGE_EXEC };
int pm_exec(const struct pm_options *options, const char *file,
	    char *const *argv, enum pm_stage *stage);

/*
 * Serve a listener of seccomp (SECCOMP_FILTER_FLAG_NEW_LISTENER) that somebody else
 * has installed, a container runtime say, until no task is left under its filter.
 * Its calls are read, decided on and told of as those of pm_exec().  Where the
 * filter was installed with SECCOMP_FILTER_FLAG_REDIRECT they run as there.
 * Elsewhere the kernel has no way to run what was decided: an open is made by the
 * calling process as the target and handed over (Linux 5.14), a connect is made on
 * a duplicate of the target's socket, calls of which nothing was read go on, and
 * all others that the layers let run are refused with EPERM (rule "built-in: no
 * redirect here").  Calls that no layer wants go on, numbers that are unknown here
 * answer ENOSYS.  Of options, layers, observer and unsafe count.
 *
 * The caller may read the targets and has their ids or may take them (root: what is
 * opened is opened with the target's ids, groups and capabilities, by a child that
 * joins its user namespace where that is another one).
 * Paths are the targets': /proc must be one that shows them.  Threads are started;
 * SIGRTMAX and SIGRTMAX-1 are used.  The calling thread blocks all signals meanwhile:
 * handlers run in a thread of the library's.  listener stays the caller's.
 *
 * Returns 0 when it is over; 1 after pm_serve_stop(): whoever serves the listener
 * next finds all calls that have not been answered; -EBADF, -EINVAL (listener is
 * none; a layer has no decide(), the observer no tell()), -ENOMEM, -EMFILE, -EAGAIN
 * (no thread could be started), -ENOENT, -EACCES (/proc is not mounted, or cannot be
 * read).
 */
int pm_serve(const struct pm_options *options, int listener);

/*
 * End every pm_serve() of this process, those that are called later too: what has
 * been received is answered, a connect or the opening of a FIFO that still lasts
 * with EINTR, and nothing more is received.  Async-signal-safe; does not wait.
 */
void pm_serve_stop(void);

/*
 * What went wrong in this thread's last failed pm_exec(), in one line for a
 * person; "" where nothing did, never NULL.  Good until the next failure.
 */
const char *pm_error(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
