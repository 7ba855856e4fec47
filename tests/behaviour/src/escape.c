// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * escape ATTACK FORBIDDEN - a program that is hostile to who mediates its calls
 *
 * FORBIDDEN is a directory in which the policy lets nobody make or open
 * anything; beside it lies one of the same contents that is allowed, "allowed".
 * An attack that gets something done there has won: it says so and ends with 1,
 * or what it made is there to be seen.
 */
#define _GNU_SOURCE
#include "check.h"
#include "filters.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef SECCOMP_IOCTL_NOTIF_ADDFD
struct seccomp_notif_addfd {
	__u64 id;
	__u32 flags, srcfd, newfd, newfd_flags;
};
#define SECCOMP_ADDFD_FLAG_SETFD 1
#define SECCOMP_IOCTL_NOTIF_ADDFD SECCOMP_IOW(3, struct seccomp_notif_addfd)
#endif

static const char *forbidden;
static char prey[4096];		/* FORBIDDEN/escaped, which is to be made */
/* The kernel maps the pins and waits itself: no call is made in the program's place. */
static bool by_kernel;

static void escaped(const char *how)
{
	fprintf(stderr, "escaped: %s\n", how);
	_exit(1);
}

/* After a call was mediated, the pins cannot be taken away. */
static void pins_hold(const char *what)
{
	struct pins pins;

	if (mkdir(prey, 0700) == 0)
		escaped(prey);
	if (!check_find_pins(&pins))
		return;		/* nothing is pinned: all is refused */
	if (!munmap(pins.start, pins.size))
		escaped(what);
	if (!mprotect(pins.start, pins.size, PROT_READ | PROT_WRITE))
		escaped(what);
}

/* Guarded pins cannot be kept from a child. */
static bool guarded;

/* A child whose pins are not those of its parent. */
static pid_t fork_bare(void)
{
	pid_t pid;

	guarded = !check_forget_pins();
	pid = fork();
	check(pid >= 0);
	return pid;
}

/* faked-seal: a filter answers mseal in place of the kernel. */
static void faked_seal(void)
{
	pid_t pid;

	check(!INSTALL(0, ON(462, SECCOMP_RET_ERRNO)));
	check(!syscall(462, 0, 0, 0));
	pid = fork_bare();
	if (!pid) {
		pins_hold("the pins are not sealed");
		_exit(0);
	}
	check_wait(pid, 0);
}

/* The file of the pins, or -1. */
static int pins_file(const struct pins *pins)
{
	char link[64];

	for (int fd = 3; fd < 64; fd++) {
		char name[64] = "";

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (readlink(link, name, sizeof(name) - 1) > 0 &&
		    !strncmp(name, "/memfd:pointsman", 16))
			return fd;
	}
	if (!by_kernel)
		return -1;
	/* It never was a descriptor of the program's; the mapping leads to it. */
	snprintf(link, sizeof(link), "/proc/self/map_files/%lx-%lx", (unsigned long)pins->start,
		 (unsigned long)(pins->start + pins->size));
	return open(link, O_RDWR);
}

/* A copy that is not sealed lies where the pins of another process do. */
static void copy_distrusted(struct pins *copy)
{
	int allowed;

	if (by_kernel) {
		/* It is the program's own, whose pins are elsewhere, with and without it. */
		allowed = open("/dev/null", O_RDONLY);
		check(allowed >= 0 && !close(allowed));
		check(!munmap(copy->start, copy->size));
		check(check_find_pins(copy));
	}
	pins_hold("a copy of the pins is trusted");
}

/* own-copy: the file of the pins, mapped where they are expected, and not sealed. */
static void own_copy(void)
{
	struct pins pins;
	pid_t pid;

	/* The descriptor stays open. */
	check(!INSTALL(0, ON(SYS_close, SECCOMP_RET_ERRNO)));
	pid = fork_bare();
	if (!pid) {
		int file;

		mkdir(prey, 0700);
		if (!check_find_pins(&pins))
			_exit(0);
		file = pins_file(&pins);
		if (guarded)
			_exit(0);
		check(file >= 0);
		if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) != MAP_FAILED)
			escaped("the file of the pins can be mapped writable");
		if (!ftruncate(file, 0) || write(file, "x", 1) == 1)
			escaped("the file of the pins can be written");
		pid = fork_bare();
		if (!pid) {
			if (mmap(pins.start, pins.size, PROT_READ, MAP_SHARED, file, 0) ==
			    pins.start)
				copy_distrusted(&pins);
			_exit(0);
		}
		check_wait(pid, 0);
		_exit(0);
	}
	check_wait(pid, 0);
}

/* Code that can be written while it runs. */
struct gate {
	unsigned char *code;
	atomic_bool ready, armed;
	unsigned int delay;
};

#define GATE_SYSCALL 16		/* where the call is made, on its own aligned word */
#define GATE_EVIL 32
#define GATE_AS_MADE 0x050f	/* syscall */

/* How a try ends that has met the moment, where nobody is killed for it. */
#define MET 77

typedef long (*gate_call)(long nr, long a, long b, long c, long d);

static void make_gate(struct gate *gate)
{
	static const unsigned char load[] = {
		0x48, 0x89, 0xf8,	/* mov %rdi,%rax */
		0x48, 0x89, 0xf7,	/* mov %rsi,%rdi */
		0x48, 0x89, 0xd6,	/* mov %rdx,%rsi */
		0x48, 0x89, 0xca,	/* mov %rcx,%rdx */
		0x4d, 0x89, 0xc2,	/* mov %r8,%r10 */
		0x90,			/* nop */
		0x0f, 0x05,		/* syscall */
		0xc3,			/* ret */
	};
	static const unsigned char evil[] = {
		0xb8, SYS_mkdir, 0, 0, 0,	/* mov $mkdir,%eax */
		0x48, 0xbf, 0, 0, 0, 0, 0, 0, 0, 0,	/* movabs $prey,%rdi */
		0xbe, 0xc0, 1, 0, 0,		/* mov $0700,%esi */
		0x0f, 0x05,			/* syscall */
		0xc3,				/* ret */
	};
	uint64_t path = (uintptr_t)prey;

	gate->code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(gate->code != MAP_FAILED);
	memcpy(gate->code, load, sizeof(load));
	memcpy(gate->code + GATE_EVIL, evil, sizeof(evil));
	memcpy(gate->code + GATE_EVIL + 7, &path, sizeof(path));
}

/* Some time after the call was made, the instruction that made it is another one. */
static int patch(void *data)
{
	struct gate *gate = data;

	atomic_store(&gate->ready, true);
	while (!atomic_load(&gate->armed))
		;
	for (unsigned int i = gate->delay; i; i--)
		__builtin_ia32_pause();
	/* jmp GATE_EVIL */
	__atomic_store_n((uint16_t *)(gate->code + GATE_SYSCALL),
			 (uint16_t)(0xeb | (GATE_EVIL - GATE_SYSCALL - 2) << 8), __ATOMIC_RELEASE);
	_exit(0);
}

/* Makes a call; true where it ran as made, and its instruction is another one by then. */
static bool through_gate(struct gate *gate, unsigned int delay, long nr, long a, long b, long c)
{
	static unsigned char stack[65536];
	pid_t patcher;
	bool patched;
	long result;

	make_gate(gate);
	gate->delay = delay;
	/* clone(2): what makes threads is a mediated call itself, and would make the pins. */
	patcher = clone(patch, stack + sizeof(stack), CLONE_VM | SIGCHLD, gate);
	check(patcher >= 0);
	while (!atomic_load(&gate->ready))
		sched_yield();
	atomic_store(&gate->armed, true);
	result = ((gate_call)(uintptr_t)gate->code)(nr, a, b, c, 0);
	patched = __atomic_load_n((uint16_t *)(gate->code + GATE_SYSCALL), __ATOMIC_ACQUIRE) !=
		  GATE_AS_MADE;
	check(waitpid(patcher, NULL, 0) == patcher);
	return patched && result >= 0;
}

/*
 * A try may end in any way, if only nothing was made.  One that meets the moment
 * is killed where calls are made in the program's place; the kernel itself goes on
 * with the call that it has.  Goes on until it was met ten times.
 */
static bool more_tries(pid_t pid)
{
	static unsigned int met;
	int status;
	struct stat st;

	check(waitpid(pid, &status, 0) == pid);
	if (!stat(prey, &st))
		escaped(prey);
	if (by_kernel)
		met += WIFEXITED(status) && WEXITSTATUS(status) == MET;
	else
		met += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	return met < 10;
}

/* patched-pins: while the first call of an address space waits for its pins. */
static void patched_pins(void)
{
	unsigned int tries = 0;
	pid_t pid;

	do {
		pid = fork_bare();
		if (!pid) {
			struct gate gate = { 0 };

			_exit(through_gate(&gate, tries * 40 % 8000, SYS_open,
					   (long)(uintptr_t)"/dev/null", O_RDONLY, 0) ? MET : 0);
		}
		tries++;
	} while (more_tries(pid) && !guarded);
}

/* patched-messages: between two messages of one call. */
static void patched_messages(void)
{
	static struct mmsghdr messages[200];
	static struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr = { 0 } };
	static struct iovec iov = { (char *)"x", 1 };
	int sender = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned int tries = 0;
	pid_t pid;

	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	name.sin_port = htons(9);
	for (size_t i = 0; i < 200; i++) {
		messages[i].msg_hdr.msg_name = &name;
		messages[i].msg_hdr.msg_namelen = sizeof(name);
		messages[i].msg_hdr.msg_iov = &iov;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	do {
		pid = fork();
		check(pid >= 0);
		if (!pid) {
			struct gate gate = { 0 };

			_exit(through_gate(&gate, tries * 500 % 50000, SYS_sendmmsg, sender,
					   (long)(uintptr_t)messages, 200) ? MET : 0);
		}
		tries++;
	} while (more_tries(pid));
}

/* Lets everything go on that it is told of; ends when told of nothing more. */
struct listener {
	atomic_int fd;
	atomic_bool taken;
	int swap;		/* this descriptor of the caller becomes swap_to meanwhile, or -1 */
	int swap_to;
};

static void *let_go_on(void *data)
{
	struct listener *listener = data;

	while (atomic_load(&listener->fd) < 0)
		sched_yield();
	for (;;) {
		struct seccomp_notif notif = { 0 };
		struct seccomp_notif_resp resp = { .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

		if (ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_RECV, &notif))
			continue;
		if (listener->swap >= 0) {
			struct seccomp_notif_addfd addfd = {
				.id = notif.id, .flags = SECCOMP_ADDFD_FLAG_SETFD,
				.srcfd = (uint32_t)listener->swap_to,
				.newfd = (uint32_t)listener->swap };

			ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd);
		}
		resp.id = notif.id;
		ioctl(listener->fd, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	}
	return NULL;
}

/* untraced-listener: a child that is born untraced, and calls that only its listener sees. */
static void untraced_listener(void)
{
	struct listener listener = { .fd = -1, .swap = -1 };
	pthread_t thread;
	pid_t pid;

	check(!pthread_create(&thread, NULL, let_go_on, &listener));
	atomic_store(&listener.fd, INSTALL(SECCOMP_FILTER_FLAG_NEW_LISTENER,
					   ON(SYS_clone, SECCOMP_RET_USER_NOTIF),
					   ON(SYS_mkdir, SECCOMP_RET_USER_NOTIF)));
	check(listener.fd >= 0);
	pid = (pid_t)syscall(SYS_clone, CLONE_UNTRACED | SIGCHLD, 0, 0, 0, 0);
	check(pid >= 0);
	if (!pid) {
		syscall(SYS_mkdir, prey, 0700);
		_exit(0);
	}
	check(waitpid(pid, NULL, 0) == pid);
}

static void *wait_and_make(void *data)
{
	while (!atomic_load((atomic_bool *)data))
		sched_yield();
	syscall(SYS_mkdir, prey, 0700);
	return NULL;
}

/* synced-listener: a filter without one is set for all threads, and brings one along. */
static void synced_listener(void)
{
	struct listener listener = { .fd = -1, .swap = -1 };
	static atomic_bool synced;
	pthread_t helper, thread;
	struct sock_filter allow[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };

	check(!pthread_create(&thread, NULL, wait_and_make, &synced));
	atomic_store(&listener.fd, INSTALL(SECCOMP_FILTER_FLAG_NEW_LISTENER,
					   ON(SYS_mkdir, SECCOMP_RET_USER_NOTIF)));
	check(listener.fd >= 0);
	install(allow, 1, SECCOMP_FILTER_FLAG_TSYNC);
	/* Filtered as we are, it makes no such call. */
	check(!pthread_create(&helper, NULL, let_go_on, &listener));
	atomic_store(&synced, true);
	check(!pthread_join(thread, NULL));
}

/* wide-listener: the kernel looks at the lower half of the operation. */
static void wide_listener(void)
{
	struct sock_filter filter[] = { ARCH_THEN_NR, ON(SYS_mkdir, SECCOMP_RET_USER_NOTIF),
					BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };
	struct listener listener = { .fd = -1, .swap = -1 };
	pthread_t thread;

	check(!pthread_create(&thread, NULL, let_go_on, &listener));
	atomic_store(&listener.fd,
		     (int)syscall(SYS_seccomp, 0xabcd00000000 | SECCOMP_SET_MODE_FILTER,
				  0xabcd00000000 | SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
	check(listener.fd >= 0);
	syscall(SYS_mkdir, prey, 0700);
}

/* fixed-listener: the same for a mapping in the place of the pins. */
static void fixed_listener(void)
{
	struct listener listener = { .fd = -1, .swap = -1 };
	struct pins pins;
	pthread_t thread;

	check(check_find_pins(&pins));
	check(!pthread_create(&thread, NULL, let_go_on, &listener));
	atomic_store(&listener.fd, INSTALL(SECCOMP_FILTER_FLAG_NEW_LISTENER,
					   ON(SYS_mmap, SECCOMP_RET_USER_NOTIF)));
	check(listener.fd >= 0);
	if (mmap(pins.start, pins.size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
		escaped("something else lies where the pins were");
}

/* swapped-directory: what a path is relative to is replaced by the one who listens. */
static void swapped_directory(void)
{
	struct listener *listener = check_shared(sizeof(*listener));
	char allowed[4096], name[] = "file";
	int directory = 40, pidfd;
	struct stat st, denied;
	pthread_t thread;
	pid_t pid;

	snprintf(allowed, sizeof(allowed), "%s/../allowed", forbidden);
	check(dup2(open(allowed, O_PATH | O_DIRECTORY), directory) == directory);
	check(dup2(directory, 41) == 41);
	/* The directory itself may be opened. */
	listener->swap_to = open(forbidden, O_RDONLY | O_DIRECTORY);
	check(listener->swap_to >= 0);
	snprintf(allowed, sizeof(allowed), "%s/file", forbidden);
	check(!stat(allowed, &denied));
	listener->swap = directory;
	atomic_store(&listener->fd, -1);
	pid = fork();
	check(pid >= 0);
	if (!pid) {
		int own = INSTALL(SECCOMP_FILTER_FLAG_NEW_LISTENER,
				  ON(SYS_openat, SECCOMP_RET_USER_NOTIF));

		check(own >= 0);
		atomic_store(&listener->fd, own);
		while (!atomic_load(&listener->taken))
			sched_yield();
		close(own);
		for (int i = 0; i < 50; i++) {
			int fd;

			check(dup2(41, directory) == directory);
			fd = (int)syscall(SYS_openat, directory, name, O_RDONLY, 0);
			if (fd < 0)
				continue;
			check(!fstat(fd, &st));
			if (st.st_ino == denied.st_ino && st.st_dev == denied.st_dev)
				escaped("a forbidden file is open");
			close(fd);
		}
		_exit(0);
	}
	while (atomic_load(&listener->fd) < 0)
		sched_yield();
	/* Ours is the only one, so that our death is seen. */
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	check(pidfd >= 0);
	listener->fd = (int)syscall(SYS_pidfd_getfd, pidfd, listener->fd, 0);
	check(listener->fd >= 0);
	atomic_store(&listener->taken, true);
	check(!pthread_create(&thread, NULL, let_go_on, listener));
	check_wait(pid, 0);
}

/* vsyscall: a call without a return that could be seen, if the policy changes its argument. */
static void by_vsyscall(void)
{
	time_t (*vsyscall_time)(time_t *) = (time_t (*)(time_t *))0xffffffffff600400;
	pid_t pid = fork();

	check(pid >= 0);
	if (!pid) {
		time_t now;

		vsyscall_time(&now);
		syscall(SYS_mkdir, prey, 0700);
		_exit(0);
	}
	/* Where the kernel has no such page it dies. */
	check(waitpid(pid, NULL, 0) == pid);
}

/* userfaultfd: the one who serves the faults of the pins says what is in them. */
static void faults(void)
{
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	struct pins pins;

	if (fd < 0) {
		printf("skip: kernel: no userfaultfd: %s\n", strerror(errno));
		return;
	}
	check(!ioctl(fd, UFFDIO_API, &api));
	check(check_find_pins(&pins));
	range.range.start = (uintptr_t)pins.start;
	range.range.len = pins.size;
	if (!ioctl(fd, UFFDIO_REGISTER, &range))
		escaped("the pins' faults are served by the program");
	range.range.len = 4096;
	range.mode = UFFDIO_REGISTER_MODE_WP;
	if (!ioctl(fd, UFFDIO_REGISTER, &range))
		escaped("the pins' faults are served by the program");
}

/*
 * without-mmap, without-mseal: a filter refuses what the pins need; nothing passes.
 * Where the kernel maps them they need no call.
 */
static void without(int nr)
{
	pid_t pid;

	check(!INSTALL(0, ON((unsigned int)nr, SECCOMP_RET_ERRNO | EXDEV)));
	pid = fork_bare();
	if (!pid) {
		int fd = open("/dev/null", O_RDONLY), err = errno;

		if (mkdir(prey, 0700) == 0)
			escaped(prey);
		if (by_kernel)
			check(fd >= 0);
		else if (!guarded)
			check(fd == -1 && err == EXDEV);
		_exit(0);
	}
	check_wait(pid, 0);
}

static void without_mmap(void)
{
	without(SYS_mmap);
}

static void without_mseal(void)
{
	without(462);
}

/* guard-pages: laid over the pins; calls fail, and pass in no other way. */
static void guard_pages(void)
{
	int allowed = open("/dev/null", O_RDONLY);
	struct pins pins;

	check(allowed >= 0 && !close(allowed));
	check(check_find_pins(&pins));
	if (madvise(pins.start, pins.size, 102)) {	/* MADV_GUARD_INSTALL */
		if (errno != EPERM)
			printf("skip: kernel: no guard pages here: %s\n", strerror(errno));
		return;
	}
	for (int i = 0; i < 100; i++) {
		check(open("/dev/null", O_RDONLY) == -1 && errno == EFAULT);
		check(mkdir(prey, 0700) == -1 && errno == EACCES);
	}
	check(!madvise(pins.start, pins.size, 103));	/* MADV_GUARD_REMOVE */
	check(open("/dev/null", O_RDONLY) >= 0);
}

/* executable: what can be read can be executed, and is still what it has to be. */
static void executable(void)
{
	pid_t pid;

	if (personality(READ_IMPLIES_EXEC) < 0) {
		printf("skip: kernel: no such personality here: %s\n", strerror(errno));
		return;
	}
	pid = fork_bare();
	if (!pid) {
		check(open("/dev/null", O_RDONLY) >= 0);
		pins_hold("the pins of a program that reads and executes");
		_exit(0);
	}
	check_wait(pid, 0);
}

static const struct {
	const char *name;
	void (*make)(void);
} attacks[] = {
	{ "faked-seal", faked_seal },
	{ "own-copy", own_copy },
	{ "patched-pins", patched_pins },
	{ "patched-messages", patched_messages },
	{ "untraced-listener", untraced_listener },
	{ "synced-listener", synced_listener },
	{ "wide-listener", wide_listener },
	{ "fixed-listener", fixed_listener },
	{ "swapped-directory", swapped_directory },
	{ "vsyscall", by_vsyscall },
	{ "userfaultfd", faults },
	{ "without-mmap", without_mmap },
	{ "without-mseal", without_mseal },
	{ "guard-pages", guard_pages },
	{ "executable", executable },
};

int main(int argc, char **argv)
{
	const char *backend = getenv("PM_BACKEND");

	by_kernel = backend && !strcmp(backend, "notify");
	if (argc != 3) {
		for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
			puts(attacks[i].name);
		return argc != 1;
	}
	forbidden = argv[2];
	snprintf(prey, sizeof(prey), "%s/escaped", forbidden);
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (strcmp(attacks[i].name, argv[1]))
			continue;
		/* One call is mediated: the pins are there. */
		check(mkdir(prey, 0700) == -1 && errno == EACCES);
		attacks[i].make();
		return 0;
	}
	return 2;
}
