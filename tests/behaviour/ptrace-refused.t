#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What leads around decisions is refused; set-user-ID programs gain nothing;
# filters of a program's own count.
# shellcheck source=tests/behaviour/ptrace.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/behaviour/ptrace.sh"

refused=$helpers/refused

if [ "$backend" = ptrace ]; then
	alone 'ptrace answers EPERM' "$refused" ptrace
	alone 'the supervisor is out of reach' "$refused" reach
	alone 'one for all threads, but with no listener' "$refused" tsync
fi
alone 'io_uring_setup answers ENOSYS' "$refused" io-uring
alone 'open_by_handle_at answers EPERM' "$refused" handles
alone 'calls of the x32 table and unknown numbers answer ENOSYS' "$refused" x32
if i386_runs; then
	both 'int 0x80 in 64-bit code is mediated' "$refused" int80
else
	no_i386 'int 0x80 in 64-bit code is mediated'
fi
alone 'no_new_privs is set' "$refused" no-new-privs
both 'a program installs filters' "$refused" filters
both 'a program takes its calls itself' "$refused" dispatch
options=(--own-listeners)
both 'a program has a listener of its own' "$refused" listener
options=()

what='a set-user-ID program gains nothing'
if [ "$(id -u)" != 0 ]; then
	skip "$what" 'not root: no set-user-ID program can be made'
else
	cp "$refused" gaining
	chmod 4755 gaining
	chmod 0755 .
	nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --)
	by_itself=$("${nobody[@]}" ./gaining ids 2>&1)
	if [ "$by_itself" != 0 ]; then
		skip "$what" "not here: without supervision it is '$by_itself' too"
	else
		is "$(CHECK_EXPECT=to "${nobody[@]}" "$PM" run --deny "$TMPDIR/denied" -- \
			./gaining ids 2>&1)" 65534 "$what"
	fi
fi

done_testing
