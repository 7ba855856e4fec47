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

	# Of the series, what has a part in a kernel.
	id=$(tree_built "$(series_tree)")
	[ "$(cat "$mutants/kernel/is" 2>/dev/null)" != "$id" ] || return 0
	if [ "$(tree_built "$(git -C "$from" write-tree)")" != "$id" ] || ! git -C "$from" diff --quiet; then
		die 'the tree in which the kernel was built is not that of the series'
	fi
	rm -rf "$tree" "$mutants/kernel/planted"
	mkdir "$tree"
	tar -C "$from" --exclude=./obj-debug --exclude=./.git -c . | tar -C "$tree" -x
	# It is built anew, its paths being absolute; what it has checked need not be.
	kmake "$tree" obj-redirect tools/objtool >&2
	find "$tree/obj-redirect/tools/objtool" -type f \
		-exec touch -r "$from/obj-redirect/tools/objtool/objtool" {} +
	echo "$id" >"$mutants/kernel/is"
}

# kernel_test IMAGE PROGRAM...: as outcome() takes it, or "nothing"
kernel_test()
{
	local out=$mutants/kernel/out image=$mutants/kernel/$1 status=0

	shift
	rm -rf "$out"
	mkdir "$out"
	"$src/vm/run" --image "$image/bzImage" --timeout 1800 --out "$out" \
		--console "$out/console" -- "$here/guest" "$out" "$kernel_limit" \
		"$mutants/kernel/against" "$kernel_cases" "$kernel_tests" "$@" \
		>"$out/run" 2>&1 </dev/null || status=$?
	if [ "$(cat "$out/found" 2>/dev/null)" = nothing ] && [ "$status" -eq 0 ]; then
		echo nothing
	elif [ -s "$out/found" ] && [ "$(cat "$out/found")" != nothing ]; then
		echo "found by $(cat "$out/found")"
	elif [ -s "$out/last" ]; then
		echo "found by $(cat "$out/last"): a report of the kernel"
	fi
}

# kernel_image NAME: what the tree is now
kernel_image()
{
	with_series kernel_make >"$mutants/kernel/make.log" 2>&1 || return
	strip -o "$mutants/kernel/$1/vmlinux" "$tree/obj-redirect/vmlinux"
}

# The tree, the tests, and a kernel without a fault.
kernel_prepare()
{
	local base image

	tree=$mutants/kernel/tree
	mkdir -p "$mutants/kernel"/{mutant,clean}
	base=$("$src/kernel/scripts/image" redirect) || return
	kernel_tests=$("$src/kernel/scripts/selftests" series) || return
	with_series kernel_copy || return
	dig_out kernel
	# vm/run takes the vmlinux beside it.
	for image in mutant clean; do
		cp "$base" "$mutants/kernel/$image/bzImage"
	done
	cp "$PM_BUILD/model/against" "$mutants/kernel/against"
	kernel_image clean || return
	passes=$mutants/kernel/passes-$(basename "$kernel_tests")-$(cat "$mutants/kernel/is")
	[ -e "$passes" ] || : >"$passes"
}

# kernel_sound PROGRAM: it has nothing to say without a fault
kernel_sound()
{
	grep -qxF "$1" "$passes" && return
	[ "$(kernel_test clean "$1")" = nothing ] || return
	echo "$1" >>"$passes"
}

# kernel_mutant PATCH: the tree has it
kernel_mutant()
{
	local said program

	kernel_image mutant || { echo 'does not build'; return; }
	# shellcheck disable=SC2046 # names of programs
	said=$(kernel_test mutant $(tries "$1") "${kernel_programs[@]}")
	program=${said#found by }
	program=${program%%:*}
	if [ "$said" = nothing ] || [ -z "$said" ] || kernel_sound "$program"; then
		echo "$said"
	else
		echo "$program finds faults where there are none"
	fi
}
