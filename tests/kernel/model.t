#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Random stacks of filters, programs, answers, tracers and signals: the patched kernel does
# what the rules as a program say; where nothing of the series is used the stock kernel does
# too, and both do the same.
#
# PM_MODEL_CASES, PM_MODEL_SEED, PM_MODEL_KERNELS: how many, which, and where.  With PM_SOAK
# they are made in parts that are kept, so that a run that was ended goes on (parts).
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/harness/tap.sh"

cases=${PM_MODEL_CASES:-100000}
plain=$((cases / 5))
seed=${PM_MODEL_SEED:-1}
read -r -a kernels <<<"${PM_MODEL_KERNELS:-redirect}"

# guest KERNEL COMMAND: without records of audit, which are many here
guest()
{
	"$PM_SRC/vm/run" --kernel "$1" --append audit=0 --timeout "${PM_MODEL_TIMEOUT:-500}" \
		--out "$PM_BUILD/model" -- sh -c "$2" >"$TMPDIR/$1" 2>&1 </dev/null
}

# said KERNEL STATUS: every line of it, and whether both runs are good, if there were two
said()
{
	local good

	sed 's/^/# /' "$TMPDIR/$1"
	good=$(grep -c '^ok [12] ' "$TMPDIR/$1")
	[ "$2" -eq 0 ] && ! grep -q '^not ok' "$TMPDIR/$1" && [ "$good" -eq "$3" ]
}

against=$PM_BUILD/model/against
guest stock "$against -s -S $seed -n $plain"
said stock $? 2
ok $? "the stock kernel, $plain cases without chains and redirects"

for kernel in "${kernels[@]}"; do
	if [ -n "${PM_SOAK:-}" ]; then
		parts=$("$PM_SRC/tests/kernel/parts" "$PM_BUILD" "$kernel" "$seed" "$cases" 2>&1)
		ok $? "the $kernel kernel, $cases cases in parts" "$(tail -n 80 <<<"$parts")"
		diag "$(tail -n 1 <<<"$parts")"
		guest "$kernel" "$against -s -S $seed -n $plain"
		said "$kernel" $? 2
		ok $? "the $kernel kernel, those $plain"
	else
		guest "$kernel" "$against -S $seed -n $cases && $against -s -S $seed -n $plain"
		said "$kernel" $? 4
		ok $? "the $kernel kernel, $cases cases, and those $plain"
	fi
	is "$(sed -n 's/^# digest //p' "$TMPDIR/$kernel" | tail -n 1)" \
		"$(sed -n 's/^# digest //p' "$TMPDIR/stock")" \
		"the $kernel kernel did what the stock kernel did"
done

done_testing
