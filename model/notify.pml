/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The protocol of a notification: one task, a listener on which two threads of a supervisor
 * work, a thread of the task that faults, signals to everybody, death of everybody.
 *
 * Every step has beside it the function of kernel/seccomp.c, seccomp_pin.c or
 * seccomp_redirect.c of the series that it stands for.  A mutex is a variable that is taken
 * in one step; a completion is a counter.  Between two steps anything else may happen.  What
 * is done with notify_lock held is one step as long as nobody is waited for: others look at
 * what it touches with that lock held only, but for completions, and for pins that wait,
 * each of which is decided by one compare-and-exchange.  So nobody can tell.
 *
 * What is checked:
 *   - no lost wake-up and no pin request left waiting: everybody gets to his end, for
 *     whatever happens there is an end (an invalid end state is an error);
 *   - no answer is taken twice, and what the task acts upon is what was taken for this
 *     notification;
 *   - PIN_INSTALL tells the truth about the mapping; the requests that came before an answer
 *     are served; nothing is freed twice or never;
 *   - the task never gets to user mode, into a frame, a dump or a child with a register that
 *     a redirect substituted.
 *
 * -DFAULT_…, one at a time, plants a fault; each has to be found (tests/model/notify.t).
 */

#ifndef EVENTS
#define EVENTS 2		/* so many signals, deaths and faults, of any kind */
#endif
#ifndef OPS0
#define OPS0 1			/* of supervisor thread 0, beside RECV and an answer to it: 0 or 1 */
#endif
#ifndef OPS1
#define OPS1 1			/* of thread 1, which also resolves faults */
#endif
#define OPS (me == 0 -> OPS0 : OPS1)

mtype = { INIT, SENT, REPLIED };			/* enum notify_state */
mtype = { WAITING, TAKEN, WITHDRAWN };			/* enum seccomp_pin_state */
mtype = { NONE, VALUE, CONTINUE, REDIRECT, CLOSED };	/* what an answer says */
mtype = { ORIGINAL, FIRST, SECOND, EXEC };		/* what a register holds */

#define NOBODY 255

/* struct seccomp_filter, struct notification */
bool wait_killable, wait_killable_recv, kill_orphans;
bool notify_lock;
bool notif = true;		/* not freed */
byte requests;			/* the semaphore */
bool waits[2];			/* wqh: the supervisor's threads that sleep in RECV */
byte next_id;
bool users = true;

/* struct seccomp_knotif: on the stack of the task */
bool listed;			/* n.list */
mtype state = INIT;
byte id;
byte ready;			/* completions that nobody has waited for */
mtype answer = NONE;		/* n.error, n.val, n.flags, n.redirect */
bool orphan;
bool memfd;			/* n.memfd, a reference */

/* struct seccomp_pin: one for each supervisor thread */
typedef pin {
	mtype state;
	bool listed;
	byte refs;
	byte done;
	bool ok;		/* ret */
	bool mapped;		/* what is true */
	bool in_time;		/* it was on the list before the answer */
};
pin pins[2];

bool mmap_lock;			/* of the task's address space, held while a thread of it faults */
bool may_fault = true;
bool fault;			/* … until supervisor 1 resolves it */
bool signal, fatal;		/* pending for the task */
bool interrupted;		/* a signal is pending for one of the supervisor's threads */
bool dying;			/* SIGKILL to the supervisor */
byte descriptors = 2;		/* of the listener */

/* What only the proof knows: what was taken as the answer to which notification. */
byte taken[EVENTS + 1];
mtype took = NONE;
byte recent = NOBODY;		/* ids are passed on among the threads, or guessed */

inline lock() { !notify_lock -> notify_lock = true }
inline unlock() { notify_lock = false }

/* wake_up_poll(): they wait exclusively */
inline wake_one()
{
	if
	:: waits[0] -> waits[0] = false
	:: waits[1] -> waits[1] = false
	:: else
	fi
}

/* wake_up_all() */
inline wake_all()
{
#ifdef FAULT_END_WAKES_ONE
	wake_one()
#else
	waits[0] = false;
	waits[1] = false
#endif
}

/* seccomp_pin_put() */
inline pin_put(p)
{
	d_step {
		assert(pins[p].refs > 0);
		pins[p].refs--;
		if
		:: pins[p].refs == 0 ->		/* freed: for the proof, nothing is left of it */
			pins[p].state = 0; pins[p].done = 0; pins[p].ok = false;
			pins[p].mapped = false; pins[p].in_time = false
		:: else
		fi
	}
}

/* seccomp_pin_decide(): atomic_cmpxchg() */
inline pin_decide(p, to, won)
{
	d_step {
#ifdef FAULT_WITHDRAWN_UNSEEN
		won = (pins[p].state == WAITING || to == WITHDRAWN);
#else
		won = (pins[p].state == WAITING);
#endif
		if
		:: won -> pins[p].state = to
		:: else
		fi
	}
}

/* seccomp_pin_refuse() */
inline pin_refuse(p, won)
{
	atomic {
		pin_decide(p, TAKEN, won);
		if
		:: won -> pins[p].ok = false; pins[p].done++	/* complete(&pin->done) */
		:: else
		fi;
		pin_put(p)
	}
}

/* seccomp_pin_make() */
inline pin_make(p, won)
{
	if
	:: atomic {
		!mmap_lock ->			/* mmap_write_lock_killable() … _unlock() */
		pin_decide(p, TAKEN, won);
		if
		:: won -> pins[p].mapped = true; pins[p].ok = true	/* seccomp_pin_mmap() */
		:: else
		fi
	   };
	   atomic {
		if
		:: won -> pins[p].done++	/* complete(&pin->done) */
		:: else
		fi;
		pin_put(p)
	   }
	:: fatal -> pin_refuse(p, won)		/* it ends the wait for the lock */
	fi
}

/* should_sleep_killable() */
#define KILLABLE (wait_killable || (wait_killable_recv && state != INIT))

/* seccomp_redirect_apply(), the registers */
inline substitute(by)
{
	d_step {
#ifdef FAULT_SAVED_TWICE
		saved = regs;
#else
		if
		:: !redirected -> saved = regs
		:: else
		fi;
#endif
		redirected = true;
		other_exec_id = false;
		substituted = by;
		regs = by
	}
}

/* seccomp_redirect_restore() */
#define RESTORED (redirected && !other_exec_id && regs == substituted -> saved : regs)

/* seccomp_redirect_undo() */
inline undo()
{
	d_step {
		regs = RESTORED;
		redirected = false
	}
}

/* Whoever sees the registers now sees those of the program. */
#define SHOWN(r) assert((r) == ORIGINAL || (r) == EXEC)

/* For the proof: what is not needed any more does not tell states apart. */
inline forget()
{
	d_step {
		killable = false; err = false; won = false; restarts = false; p = 0;
		regs = ORIGINAL; saved = ORIGINAL; substituted = ORIGINAL;
		redirected = false; other_exec_id = false;
		answer = NONE; state = INIT; ready = 0; orphan = false;
		took = NONE
	}
}

proctype task()
{
	bool killable, err, won, restarts;
	byte p;
	/* struct seccomp_redirect, and the registers: nobody else looks at them */
	mtype regs = ORIGINAL, saved = ORIGINAL, substituted = ORIGINAL;
	bool redirected;		/* active */
	bool other_exec_id;

again:
	/* seccomp_do_user_notification() */
	atomic {
		lock();
		if
		:: !notif ->
			answer = CLOSED;
			orphan = kill_orphans;
			unlock();
			goto out
		:: else
		fi;
		state = INIT;
		id = next_id;			/* seccomp_next_notify_id() */
		next_id++;
		ready = 0;			/* init_completion() */
		listed = true;
		requests++;			/* atomic_inc() */
#ifndef FAULT_REQUEST_WAKES_NOBODY
		wake_one();
#endif
		goto wait
	};
wait:
	atomic {
		killable = KILLABLE;
		p = 0;
		won = false;
		unlock()
	};
	atomic {
		if		/* wait_for_completion_killable(), wait_for_completion_interruptible() */
		:: ready > 0 -> ready--; err = false
		:: ready == 0 && (fatal || (signal && !killable)) -> err = true
		fi
	};
	atomic {
		lock();
		if
		:: err && !(!killable && KILLABLE) -> goto left
		:: else -> goto handle
		fi
	};
handle:
	/* seccomp_handle_requests() */
	atomic {
		if
		:: pins[0].listed -> p = 0
		:: pins[1].listed -> p = 1
		:: !pins[0].listed && !pins[1].listed -> goto handled
		fi;
		pins[p].listed = false;		/* list_del_init() */
#ifndef FAULT_PIN_UNDER_LOCK
		unlock()
#endif
	};
	pin_make(p, won);
#ifndef FAULT_PIN_UNDER_LOCK
	atomic {
		lock();
#ifndef FAULT_ONE_REQUEST
		goto handle
#endif
	};
#elif !defined(FAULT_ONE_REQUEST)
	goto handle;
#endif
handled:
	atomic {
		if
		:: state != REPLIED -> goto wait
		:: state == REPLIED -> err = false
		fi;
		/* What came before the answer was served before it. */
		assert(!(pins[0].listed && pins[0].in_time));
		assert(!(pins[1].listed && pins[1].in_time));
		goto left
	};
left:
	atomic {
		/* seccomp_refuse_requests() */
#ifndef FAULT_REFUSE_FORGOTTEN
		do
		:: pins[0].listed -> pins[0].listed = false; pin_refuse(0, won)
		:: pins[1].listed -> pins[1].listed = false; pin_refuse(1, won)
		:: !pins[0].listed && !pins[1].listed -> break
		od;
#endif
#ifdef FAULT_LIST_OF_NOBODY
		assert(notif);
		listed = false;
#else
		if
		:: notif -> listed = false	/* list_del() */
		:: else
		fi;
#endif
		unlock();
		goto out
	};
	/* From here on nobody looks at it but the task itself, until it is in user mode. */
out:	atomic {
		if
#ifdef FAULT_ORPHAN_WITH_SIGNAL
		:: orphan && !err -> goto killed
#else
		:: orphan -> goto killed		/* SECCOMP_ORPHAN: seccomp_kill() */
#endif
		:: else
		fi;
		/* "kills the process", whatever else comes at the same time */
		assert(answer != CLOSED || !kill_orphans);
		if
		:: err -> restarts = true		/* ERESTARTSYS */
		/* ENOSYS is for a notification to which no answer was taken. */
		:: !err && answer == CLOSED -> assert(took == NONE)
		/* It is what was taken, for this notification and no other, and once. */
		:: !err && answer != CLOSED -> assert(taken[id] == 1 && took == answer)
		fi;
		if
		:: !err && answer == REDIRECT ->
			/* seccomp_redirect_apply() */
			if
			:: !memfd
			:: memfd && !mmap_lock -> memfd = false		/* seccomp_pin_find_own() */
			:: memfd && !mmap_lock -> memfd = false; goto skip_call	/* EFAULT: no pin */
			:: memfd && fatal -> memfd = false; goto skip_call	/* EINTR */
			fi;
			substitute(FIRST)
		:: err || answer != REDIRECT ->
#ifndef FAULT_MEMFD_LEAKED
			memfd = false;			/* fput(), where the answer came too late */
#endif
			if
			:: !err && answer == CONTINUE
			:: err || answer != CONTINUE -> goto skip_call
			fi
		fi;
		/* __seccomp_filter(): the filters outside */
		if
		:: true					/* they pass */
		:: substitute(SECOND)			/* another redirect */
		fi;
		if
		:: true
		:: goto skip_call			/* an ERRNO, or a listener's value */
		:: goto trap
		fi;
		/* The call runs. */
		if
		:: true
		:: SHOWN(RESTORED)			/* fork: seccomp_redirect_fork(), in the child */
		:: redirected -> d_step { regs = EXEC; other_exec_id = true }
		:: signal -> restarts = true
		fi;
#ifndef FAULT_EXIT_FORGOTTEN
		undo();					/* seccomp_redirect_exit() */
#endif
		goto to_user;
trap:
		/* seccomp_act(), SECCOMP_RET_TRAP */
#ifdef FAULT_TRAP_BEFORE_UNDO
		SHOWN(regs);
		undo();
#else
		undo();
		SHOWN(regs);
#endif
skip_call:
#ifndef FAULT_SKIP_FORGOTTEN
		undo();					/* seccomp_act(), skip: */
#endif
to_user:
		/* exit_to_user_mode(): here signals are looked at */
		if
		:: fatal -> goto killed
		:: !fatal && signal ->
			SHOWN(regs);			/* the frame of the handler */
			signal = false;
			if
			:: restarts -> assert(!redirected && !memfd); forget(); goto again
			:: true
			fi
		:: !fatal && !signal
		fi;
		SHOWN(regs);
		assert(!redirected);
		goto gone;
killed:
		undo();					/* seccomp_kill(): the dump */
		SHOWN(regs);
gone:
		assert(!memfd);
		atomic {
			users = false;			/* __seccomp_filter_orphan() */
			wake_all()
		};
		forget()
	}
}

/* find_notification(), find_unanswered() */
#ifdef FAULT_ANY_ID
#define FOUND(i) (listed)
#else
#define FOUND(i) (listed && id == (i))
#endif
#ifdef FAULT_ANSWERED_TWICE
#define UNANSWERED(i) (FOUND(i) && state != INIT)
#else
#define UNANSWERED(i) (FOUND(i) && state == SENT)
#endif

/* What an answer does, in seccomp_notify_send() and seccomp_notify_send_redirect() */
inline take(i, what)
{
	state = REPLIED;
	answer = what;
	taken[i]++;
	took = what;
	assert(taken[i] == 1);
	pins[0].in_time = pins[0].listed;
	pins[1].in_time = pins[1].listed
}

proctype supervisor(byte me)
{
	byte mine = NOBODY;		/* received, and not answered yet */
	byte ops = 0;
	byte about;
	bool won, fails;

next:	/* For the proof: what is not needed any more does not tell states apart. */
	atomic { about = NOBODY; won = false; fails = false };
	do
	:: mine == NOBODY && !dying ->
		/* seccomp_notify_recv(): recv_wait_event() */
		atomic {
			if
			:: requests > 0 -> requests--; goto received
			:: requests == 0
			fi
		};
sleep:
		/*
		 * prepare_to_wait_event(): a signal takes one from the queue, before he looks
		 * a last time.  Who serves faults has a timer: that is a signal too.
		 */
		atomic {
			fails = (dying || (fault && me == 1));
			waits[me] = !fails
		};
		atomic {
			if
			:: requests > 0 ->
				requests--;
				waits[me] = false;		/* finish_wait() */
				fails = false;
				goto received
			:: requests == 0 && (!users || (fails && dying)) ->
				waits[me] = false;
				goto done
			:: requests == 0 && users && fails && !dying ->
				fault = false;
				goto next
			:: requests == 0 && users && !fails
			fi
		};
		atomic {			/* schedule() */
			!waits[me] || dying || (fault && me == 1);
			waits[me] = false;
			goto sleep
		};
received:
		atomic {
			lock();
			fails = false;
			if
			:: listed && state == INIT ->
				state = SENT;
				about = id;
				recent = id;			/* also a failure gives a hint */
				if
				:: mine = about
				:: ops < OPS -> ops++; fails = true	/* copy_to_user() */
				fi
			:: else					/* ENOENT */
			fi;
			unlock();
			if
			:: fails
			:: !fails -> goto next
			fi
		};
		atomic {
			lock();
#ifdef FAULT_ANSWER_LOST
			if
			:: FOUND(about) && state != INIT ->
#else
			if
			:: FOUND(about) && state == SENT ->
#endif
				if
				:: KILLABLE -> ready++		/* complete() */
				:: else
				fi;
				state = INIT;
#ifndef FAULT_REQUEST_LOST
				requests++;			/* atomic_inc(), wake_up_poll() */
				wake_one()
#endif
			:: else
			fi;
			unlock();
			goto next
		}
	:: recent != NOBODY && ops < OPS && !dying ->
		/* seccomp_notify_pin_install() */
		atomic {
			lock();
			ops++;
			if			/* one's own, or what another thread has received */
			:: about = recent
			:: mine != NOBODY && mine != recent -> about = mine
			fi;
			if
			:: UNANSWERED(about) ->
				/* seccomp_pin_create(), list_add_tail() */
				pins[me].state = WAITING;
				pins[me].refs = 2;
				pins[me].listed = true;
#ifndef FAULT_PIN_WAKES_NOBODY
				ready++;			/* seccomp_notify_wake() */
#endif
				unlock()
			:: else -> unlock(); goto next	/* ENOENT, EINPROGRESS */
			fi
		};
		/* seccomp_pin_wait(): wait_for_completion_interruptible() */
		atomic {
			if
			:: pins[me].done > 0 -> goto made
			:: pins[me].done == 0 && interrupted -> interrupted = false
			:: pins[me].done == 0 && (dying || (fault && me == 1))
			fi
		};
		atomic {
			pin_decide(me, WITHDRAWN, won);
			if
			:: won
			:: !won -> goto made	/* wait_for_completion(): not for long */
			fi;
			assert(!pins[me].mapped)
		};
		atomic {
			lock();
#ifdef FAULT_PUT_TWICE
			pins[me].listed = false;
			pin_put(me);
#else
			if
			:: pins[me].listed -> pins[me].listed = false; pin_put(me)
			:: else			/* the task has it for a moment */
			fi;
#endif
			unlock();
			assert(!pins[me].mapped);
			pin_put(me);
			goto next
		};
made:
		atomic {
			pins[me].done > 0 ->
			pins[me].done--;
			assert(pins[me].ok == pins[me].mapped);
			pin_put(me);
			goto next
		}
	:: recent != NOBODY && (ops < OPS || mine != NOBODY) ->
		atomic {
			lock();
			if
			:: mine != NOBODY -> about = mine; mine = NOBODY
			:: ops < OPS -> ops++; about = recent
			fi;
			if
			:: UNANSWERED(about) ->
				if
				:: take(about, VALUE); ready++		/* seccomp_notify_send() */
				:: take(about, CONTINUE); ready++	/* seccomp_notify_wake() */
				:: true ->
					/* seccomp_notify_send_redirect() */
#ifdef FAULT_SEND_WAITS
					!mmap_lock ->
#else
					/* seccomp_pin_find() waits for nothing: the task will look */
					memfd = mmap_lock;
#endif
					take(about, REDIRECT);
#ifndef FAULT_REDIRECT_WAKES_NOBODY
					ready++				/* seccomp_notify_wake() */
#endif
				fi
			:: else					/* ENOENT, EINPROGRESS */
			fi;
			unlock();
			goto next
		}
	:: me == 1 && fault -> fault = false
	:: mine == NOBODY || dying -> break
	od;
done:
	/* seccomp_notify_release(): seccomp_notify_detach(), with the last descriptor */
	atomic {
		descriptors--;
		if
		:: descriptors > 0 -> goto closed
		:: else
		fi
	};
	atomic {
		lock();
		/* Only now it matters with which flag the filter was installed. */
		if
		:: kill_orphans = true
		:: true
		fi;
#ifdef FAULT_CLOSE_OVERWRITES
		if
		:: listed ->
#else
		if
		:: listed && state != REPLIED ->
#endif
			state = REPLIED;
			answer = CLOSED;
			orphan = kill_orphans;
#ifndef FAULT_CLOSE_WAKES_NOBODY
			ready++				/* complete() */
#endif
		:: else
		fi;
		notif = false;				/* seccomp_notify_free() */
		unlock()
	}
closed:
	assert(!pins[me].listed);
	/* He who serves faults goes on with that. */
	do
	:: me == 0 -> break
	:: me == 1 && fault -> fault = false
	:: me == 1 && !fault && !may_fault -> break
	od
}

/* Signals to everybody, death of everybody, and a thread of the task that faults. */
proctype others()
{
	byte n = 0;

	do
	:: n < EVENTS && !signal -> n++; signal = true
	:: n < EVENTS && !fatal -> n++; fatal = true
	:: n < EVENTS && !dying -> n++; dying = true
	:: n < EVENTS && !interrupted -> n++; interrupted = true
	:: n < EVENTS -> n++;
		mmap_lock = true;
		fault = true;
		!fault || fatal;	/* handle_mm_fault(), which a fatal signal ends */
		fault = false;
		mmap_lock = false
	:: n == EVENTS || !users -> break	/* nothing happens any more */
	od;
	may_fault = false
}

init {
	atomic {
		if :: wait_killable = true :: wait_killable_recv = true :: true fi;
		run task();
		run supervisor(0);
		run supervisor(1);
		run others()
	}
	/* Everybody gets to his end, and nothing is left. */
	atomic {
		_nr_pr == 1 ->
		assert(pins[0].refs == 0 && pins[1].refs == 0 && !memfd && !notify_lock)
	}
}
