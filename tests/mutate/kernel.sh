# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2031 # variables of run; what a subshell changes of them is its own
#
# Mutants of the kernel series: in a copy of the tree that the redirect kernel was built in;
# the selftests of the series look for them, and random cases against the rules.

kernel_cases=${PM_MUTATE_CASES:-20000}
# Seconds for each program.
kernel_limit=${PM_MUTATE_LIMIT:-300}
# Those that are quick first.
kernel_programs=(redirect_uapi redirect_flags redirect_memfds redirect_policy redirect_races
	redirect_trace redirect_faults redirect_dump redirect_orphans redirect_wait
	redirect_deaths redirect_regs redirect_pins redirect_restart redirect_failslab
	model redirect_chain redirect_stress seccomp_bpf)

# with_series COMMAND...: with the functions and the paths of the kernel's scripts
with_series()
(
	# shellcheck source=kernel/scripts/lib.sh
	. "$src/kernel/scripts/lib.sh"
	set +u
	"$@"
)

kernel_make()
{
	compiler_setup
	kmake "$tree" obj-redirect vmlinux
}

kernel_copy()
{
	local from=$cache/build/patched id

	id=$(series_tree)
	[ "$(cat "$mutants/kernel/is" 2>/dev/null)" != "$id" ] || return 0
	if [ "$(git -C "$from" write-tree)" != "$id" ] || ! git -C "$from" diff --quiet; then
		die 'the tree in which the kernel was built is not that of the series'
	fi
	rm -rf "$tree"
	mkdir "$tree"
	tar -C "$from" --exclude=./obj-debug --exclude=./.git -c . | tar -C "$tree" -x
	# It is built anew, its paths being absolute; what it has checked need not be.
	kmake "$tree" obj-redirect tools/objtool >&2
	find "$tree/obj-redirect/tools/objtool" -type f \
		-exec touch -r "$from/obj-redirect/tools/objtool/objtool" {} +
	echo "$id" >"$mutants/kernel/is"
}

# kernel_test [PROGRAM...]: those first; as outcome() takes it, or "nothing"
kernel_test()
{
	local out=$mutants/kernel/out status=0

	rm -rf "$out"
	mkdir "$out"
	"$src/vm/run" --image "$mutants/kernel/image/bzImage" --timeout 1800 --out "$out" \
		--console "$out/console" -- "$here/guest" "$out" "$kernel_limit" \
		"$mutants/kernel/against" "$kernel_cases" "$kernel_tests" "$@" "${kernel_programs[@]}" \
		>"$out/run" 2>&1 </dev/null || status=$?
	if [ "$(cat "$out/found" 2>/dev/null)" = nothing ] && [ "$status" -eq 0 ]; then
		echo nothing
	elif [ -s "$out/found" ] && [ "$(cat "$out/found")" != nothing ]; then
		echo "found by $(cat "$out/found")"
	elif [ -s "$out/last" ]; then
		echo "found by a report of the kernel, in $(cat "$out/last")"
	fi
}

# The tree, the tests, and that these have nothing to say without a fault.
kernel_prepare()
{
	local base said

	tree=$mutants/kernel/tree
	mkdir -p "$mutants/kernel/image"
	base=$("$src/kernel/scripts/image" redirect) || return
	kernel_tests=$("$src/kernel/scripts/selftests" series) || return
	with_series kernel_copy || return
	cp "$base" "$mutants/kernel/image/bzImage"
	cp "$PM_BUILD/model/against" "$mutants/kernel/against"
	with_series kernel_make >"$mutants/kernel/make.log" 2>&1 || return
	strip -o "$mutants/kernel/image/vmlinux" "$tree/obj-redirect/vmlinux"
	said=$(kernel_test)
	[ "$said" = nothing ] || { echo "without a fault: $said"; return 1; }
}

# kernel_mutant PATCH: the tree has it
kernel_mutant()
{
	if ! with_series kernel_make >"$mutants/kernel/make.log" 2>&1; then
		echo 'does not build'
		return
	fi
	strip -o "$mutants/kernel/image/vmlinux" "$tree/obj-redirect/vmlinux"
	# shellcheck disable=SC2046 # names of programs
	kernel_test $(tries "$1")
}
