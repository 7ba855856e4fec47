# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The series under other compilers, checkers, configurations and architectures.

# Objects whose sources the series does not touch, but whose headers it does.
neighbours=(kernel/ptrace.o kernel/fork.o kernel/entry/common.o
	arch/x86/entry/common.o arch/x86/kernel/ptrace.o)

# Of the touched sources and the neighbours those that the source tree has.
objects() {
	local object

	{
		touched 'kernel/*.c' 'mm/*.c' 'fs/*.c' 'arch/x86/*.c' | sed 's/\.c$/.o/'
		printf '%s\n' "${neighbours[@]}"
	} | sort -u | while IFS= read -r object; do
		[ ! -f "$check_dir/${object%.o}.c" ] || echo "$object"
	done
}

# warnings CONFIG-OUTPUT TREE-ID [MAKE-ARG…]: what is said of the objects, without
# lines and carets.
warnings() {
	local output=$1 tree=$2 log=$cache/warnings.log list object

	shift 2
	checkout check "$tree" >/dev/null
	configuration step > "$cache/config-step"
	configure "$check_dir" "$output" "$cache/config-step" "$@" >&2
	kmake "$check_dir" "$output" "$@" W=1 prepare >&2
	mapfile -t list < <(objects)
	for object in "${list[@]}"; do
		rm -f "$check_dir/$output/$object"
	done
	kmake "$check_dir" "$output" "$@" W=1 C=1 "${list[@]}" > "$log" 2>&1 || {
		cat "$log" >&2
		return 1
	}
	grep -E '(warning|error|note): ' "$log" |
		sed -E 's/:[0-9]+(:[0-9]+)?:/:/g; s,^\.\./,,' | sort -u || true
}

# compiler_clean NAME [MAKE-ARG…]
compiler_clean() {
	local name=$1

	shift
	warnings "obj-$name" "$(source_ref 'base^{tree}')" "$@" > "$cache/warnings-$name-base"
	warnings "obj-$name" "$(series_tree)" "$@" > "$cache/warnings-$name-series"
	new_warnings "$cache/warnings-$name-base" "$cache/warnings-$name-series"
}

# compiles OUTPUT FRAGMENT [MAKE-ARG…]: the whole of a small kernel.
compiles() {
	local output=$1 fragment=$2

	shift 2
	configuration "$fragment" > "$cache/config-$fragment"
	checkout check "$(series_tree)"
	configure "$check_dir" "$output" "$cache/config-$fragment" "$@"
	kmake "$check_dir" "$output" "$@" vmlinux
}

check_configs() {
	local built

	built="$tools $(tree_built "$(source_ref 'base^{tree}')") $(tree_built "$(series_tree)")"
	prove "$built" 'W=1 and sparse say nothing new' compiler_clean warn
	prove "$built" 'clang says nothing new' compiler_clean clang \
		CC="${launcher}clang"
	prove "$built $(digest < "$kernel_dir/config/none.config")" \
		'allnoconfig without SECCOMP_FILTER compiles' compiles obj-none none
	prove "$built $(digest < "$kernel_dir/config/arm64.config")" \
		'arm64 compiles, with clang' compiles obj-arm64 arm64 ARCH=arm64 \
		CROSS_COMPILE=aarch64-linux-gnu- CC="${launcher}clang"
}
