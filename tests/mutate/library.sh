# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2031 # variables of run; what a subshell changes of them is its own
#
# Mutants of the library, the policies and the command, in a copy of what is committed.
# Beside it lies another one without faults, in which a test that has found one must pass.
# A test is named as in a line "Try:", test_NAME or FOLDER/NAME.t below tests/.

# What is quick, then what is not.
library_cheap()
{
	(cd "$tree/../build/tests" && find . -maxdepth 1 -name 'test_*' -type f -executable -printf '%P\n') |
		sort
	printf '%s\n' model/layers.t model/ptrace.t
}

library_wide()
{
	(cd "$tree/tests" && printf '%s\n' behaviour/*.t signals/*.t library/*.t agent/*.t race/*.t)
	printf '%s\n' kernel/layers.t
}

# library_run WHERE TEST: WHERE is mutant or clean
library_run()
{
	local dir=$mutants/library/$1 test

	case $2 in
	test_*) test=$dir/build/tests/$2 ;;
	guest:*) test=guest:tests/${2#guest:} ;;
	*) test=tests/$2 ;;
	esac
	(cd "$dir/tree" && tests/harness/run --build "$dir/build" --title mutate "$test") \
		>"$dir/out" 2>&1 </dev/null
}

# library_finds TEST: it fails, and passes without the fault
library_finds()
{
	local passes=$mutants/library/clean/passes

	! library_run mutant "$1" || return 1
	grep -qxF "$1" "$passes" && return 0
	if library_run clean "$1"; then
		echo "$1" >>"$passes"
		return 0
	fi
	echo "$1 fails without a fault, too" >&2
	return 1
}

# library_copy WHICH COMMIT
library_copy()
{
	local dir=$mutants/library/$1

	rm -rf "$dir"
	mkdir -p "$dir/tree"
	git -C "$src" archive "$2" | tar -C "$dir/tree" -xm || return
	(cd "$dir/tree" && meson setup "$dir/build") >"$dir/log" 2>&1 || return
	ninja -C "$dir/build" >>"$dir/log" 2>&1
}

library_prepare()
{
	local commit

	commit=$(git -C "$src" rev-parse HEAD) || return
	library_copy clean "$commit" && library_copy mutant "$commit" || return
	: >"$mutants/library/clean/passes"
	tree=$mutants/library/mutant/tree
}

# library_mutant PATCH: the tree has it
library_mutant()
{
	local test

	if ! ninja -C "$tree/../build" >"$mutants/library/mutant/log" 2>&1; then
		echo 'does not build'
		return
	fi
	for test in $(tries "$1") $(library_cheap) $(library_wide); do
		if library_finds "$test"; then
			echo "found by $test"
			return
		fi
	done
	echo nothing
}
