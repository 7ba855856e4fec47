# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The commits of a work tree, and the patches of kernel/6.12.

# series_export TREE FOLDER: the commits from base to series as patches.  How short
# a hash can be is not left to what else the repository holds.
series_export() {
	git -C "$1" -c core.abbrev=12 format-patch -q --zero-commit --no-signature \
		-o "$2" base..series
}

series_text() {
	find "$1" -maxdepth 1 -name '*.patch' | sort | while IFS= read -r patch; do
		basename "$patch"
		grep -v '^index [0-9a-f]*\.\.[0-9a-f]*' "$patch"
	done
}

# series_same FOLDER FOLDER: the same patches, but for the hashes of files?
series_same() {
	[ "$(series_text "$1" | digest)" = "$(series_text "$2" | digest)" ]
}

# series_apply TREE: `git am` of the packed series on what is checked out.
series_apply() {
	local patches

	mapfile -t patches < <(series_patches)
	[ ${#patches[@]} -gt 0 ] || return 0
	git -C "$1" am -q --committer-date-is-author-date "${patches[@]}"
}

# Does the patch touch selftests alone?
tests_only() {
	! sed -n 's,^+++ b/,,p' "$1" | grep -qv '^tools/testing/'
}
