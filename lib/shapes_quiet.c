/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls that are known to name nothing, by the reason.
 *
 * Limits of this list, since some of these can be told to name something in a
 * way that no table of shapes follows: ioctl(2) of some drivers, setsockopt(2)
 * and getsockopt(2) of SCTP (SCTP_SOCKOPT_BINDX_ADD, SCTP_SOCKOPT_CONNECTX*),
 * perf_event_open(2) of an uprobe, for which the caller needs CAP_PERFMON.
 */
#include "shapes.h"

const char pm_quiet_names[][PM_NAME_SIZE] = {
	/* They work on descriptors that the program has. */
	"_llseek", "cachestat", "close", "close_range", "copy_file_range", "dup", "dup2", "dup3",
	"fadvise64", "fadvise64_64", "fallocate", "fchdir", "fchmod", "fchown", "fchown32",
	"fcntl", "fcntl64", "fdatasync", "flistxattr", "flock", "fsmount", "fstat", "fstat64",
	"fstatfs", "fstatfs64", "fsync", "ftruncate", "ftruncate64", "getdents", "getdents64",
	"ioctl", "lseek", "oldfstat", "pread64", "preadv", "preadv2", "pwrite64", "pwritev",
	"pwritev2", "quotactl_fd", "read", "readahead", "readdir", "readv", "sendfile",
	"sendfile64", "splice", "sync_file_range", "syncfs", "tee", "vmsplice", "write", "writev",
	/* They make descriptors of things without a name. */
	"epoll_create", "epoll_create1", "eventfd", "eventfd2", "fanotify_init", "inotify_init",
	"inotify_init1", "landlock_create_ruleset", "memfd_create", "memfd_secret",
	"perf_event_open", "pipe", "pipe2", "signalfd", "signalfd4", "timerfd_create",
	"userfaultfd",
	/* They wait on descriptors, or take them out of a set. */
	"_newselect", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2", "epoll_wait",
	"epoll_wait_old", "inotify_rm_watch", "io_cancel", "io_destroy", "io_getevents",
	"io_pgetevents", "io_pgetevents_time64", "io_setup", "io_submit", "poll", "ppoll",
	"ppoll_time64", "pselect6", "pselect6_time64", "select",
	/* Sockets: they give no address, or only receive one. */
	"accept", "accept4", "getpeername", "getsockname", "getsockopt", "listen", "recvfrom",
	"recvmmsg", "recvmmsg_time64", "recvmsg", "setsockopt", "shutdown", "socket", "socketpair",
	/* Memory. */
	"brk", "get_mempolicy", "madvise", "map_shadow_stack", "mbind", "migrate_pages", "mincore",
	"mlock", "mlock2", "mlockall", "mmap", "mmap2", "move_pages", "mprotect", "mremap",
	"mseal", "msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free",
	"pkey_mprotect", "process_madvise", "process_mrelease", "remap_file_pages",
	"set_mempolicy", "set_mempolicy_home_node",
	/* System V objects and message queues that are open: numbers, not names. */
	"ipc", "mq_getsetattr", "mq_notify", "mq_timedreceive", "mq_timedreceive_time64",
	"mq_timedsend", "mq_timedsend_time64", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl",
	"semget", "semop", "semtimedop", "semtimedop_time64", "shmat", "shmctl", "shmdt", "shmget",
	/* Time. */
	"adjtimex", "alarm", "clock_adjtime", "clock_adjtime64", "clock_getres",
	"clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
	"clock_nanosleep_time64", "clock_settime", "clock_settime64", "getitimer", "gettimeofday",
	"nanosleep", "setitimer", "settimeofday", "stime", "time", "timer_create", "timer_delete",
	"timer_getoverrun", "timer_gettime", "timer_gettime64", "timer_settime",
	"timer_settime64", "timerfd_gettime", "timerfd_gettime64", "timerfd_settime",
	"timerfd_settime64", "times",
	/* Signals. */
	"kill", "pause", "pidfd_send_signal", "restart_syscall", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "rt_tgsigqueueinfo", "sgetmask", "sigaction", "sigaltstack",
	"signal", "sigpending", "sigprocmask", "sigreturn", "sigsuspend", "ssetmask", "tgkill",
	"tkill",
	/* Processes, by number, and the calling one. */
	"arch_prctl", "capget", "capset", "clone", "exit", "exit_group", "fork", "get_robust_list",
	"get_thread_area", "getcpu", "getcwd", "getpgid", "getpgrp", "getpid", "getppid",
	"getpriority", "getrlimit", "getrusage", "getsid", "gettid", "ioperm", "iopl",
	"ioprio_get", "ioprio_set", "kcmp", "landlock_add_rule", "landlock_restrict_self",
	"lsm_get_self_attr", "lsm_list_modules", "lsm_set_self_attr", "membarrier", "modify_ldt",
	"nice", "personality", "pidfd_getfd", "pidfd_open", "prctl", "prlimit64",
	"process_vm_readv", "process_vm_writev", "ptrace", "rseq", "sched_get_priority_max",
	"sched_get_priority_min", "sched_getaffinity", "sched_getattr", "sched_getparam",
	"sched_getscheduler", "sched_rr_get_interval", "sched_rr_get_interval_time64",
	"sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler",
	"sched_yield", "seccomp", "set_robust_list", "set_thread_area", "set_tid_address", "setns",
	"setpgid", "setpriority", "setrlimit", "setsid", "ugetrlimit", "umask", "unshare",
	"uprobe", "uretprobe", "vfork", "vhangup", "vm86", "vm86old", "wait4", "waitid", "waitpid",
	/* Users and groups. */
	"getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups",
	"getgroups32", "getresgid", "getresgid32", "getresuid", "getresuid32", "getuid",
	"getuid32", "setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32",
	"setgroups", "setgroups32", "setregid", "setregid32", "setresgid", "setresgid32",
	"setresuid", "setresuid32", "setreuid", "setreuid32", "setuid", "setuid32",
	/* Waiting on words of memory. */
	"futex", "futex_requeue", "futex_time64", "futex_wait", "futex_waitv", "futex_wake",
	/* The system as a whole; keys and modules have names, but not of files. */
	"add_key", "delete_module", "finit_module", "getrandom", "init_module",
	"kexec_file_load", "kexec_load", "keyctl", "listmount", "lookup_dcookie", "oldolduname",
	"olduname", "reboot", "request_key", "setdomainname", "sethostname", "statmount", "sync",
	"sysfs", "sysinfo", "syslog", "uname", "ustat",
	/* Numbers that no kernel of today answers with anything but ENOSYS. */
	"_sysctl", "afs_syscall", "bdflush", "break", "create_module", "ftime", "get_kernel_syms",
	"getpmsg", "gtty", "idle", "lock", "mpx", "nfsservctl", "prof", "profil", "putpmsg",
	"query_module", "security", "stty", "tuxcall", "ulimit", "vserver",
};

const size_t pm_quiet_names_count = sizeof(pm_quiet_names) / sizeof(pm_quiet_names[0]);
