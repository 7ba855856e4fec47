# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The kernel's own tools on the series: checkpatch and kernel-doc.

# The files that the series touches, by a pattern of their names.
touched() {
	git -C "$source_git" diff --name-only --diff-filter=d 'base^{tree}' \
		"$(series_tree)" -- "$@"
}

# What checkpatch wants of kernel code and a program in user space cannot follow, or
# should not: it has no READ_ONCE and no strscpy, BIT() and __packed are not in its
# headers, and -ENOSYS is a result that it looks for.
tests_ignore=VOLATILE,ENOSYS,STRCPY,BIT_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO
# What it does not understand of the harness, FIXTURE_DATA(x) *self, EXPECT_EQ(),
# which is two statements, and macros around both; of labels and macros of assembly;
# of ELF; of what execve() is given.  MAINTAINERS has the folder.
tests_ignore+=,SPACING,BRACES,COMPLEX_MACRO,MACRO_WITH_FLOW_CONTROL,MACRO_ARG_REUSE
tests_ignore+=,AVOID_EXTERNS,CAMELCASE,STATIC_CONST_CHAR_ARRAY,FILE_PATH_CHANGES

style_checkpatch() {
	local said ignore=()

	! tests_only "$1" || ignore=(--ignore "$tests_ignore")

	checkout check "$(series_tree)"
	# Its own verdict alone would let a CHECK pass.
	# The Python of Debian is the one that has the modules of spdxcheck.py.
	said=$(cd "$check_dir" && PATH=/usr/bin:$PATH scripts/checkpatch.pl --strict \
		--show-types --no-summary --terse "${ignore[@]}" "$1" 2>&1 || true)
	echo "$said"
	[ -z "$said" ]
}

# kernel_doc TREE: what kernel-doc says of the touched files, without the lines.
kernel_doc() {
	local files

	checkout check "$1" >/dev/null
	mapfile -t files < <(touched '*.c' '*.h' |
		while IFS= read -r file; do
			[ ! -f "$check_dir/$file" ] || echo "$file"
		done)
	(cd "$check_dir" && scripts/kernel-doc -none -Wall "${files[@]}" 2>&1 || true) |
		sed -E 's/:[0-9]+:/:/' | sort -u
}

# new_warnings BEFORE AFTER: lines that are only in AFTER.
new_warnings() {
	if comm -13 "$1" "$2" | grep .; then
		return 1
	fi
}

style_kernel_doc() {
	kernel_doc "$(source_ref 'base^{tree}')" > "$cache/kernel-doc-base"
	kernel_doc "$(series_tree)" > "$cache/kernel-doc-series"
	new_warnings "$cache/kernel-doc-base" "$cache/kernel-doc-series"
}

check_style() {
	local patch

	while IFS= read -r patch; do
		prove "checkpatch $tools $(source_ref 'base^{tree}') $(digest < "$patch")" \
			"checkpatch --strict: $(basename "$patch")" style_checkpatch "$patch"
	done < <(series_patches)
	prove "kernel-doc $tools $(series_tree)" 'kernel-doc is clean' style_kernel_doc
}
