# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The commits of a work tree, and the patches of kernel/6.12.

# series_export TREE FOLDER: the commits from base to series as patches.
series_export() {
	git -C "$1" format-patch -q --zero-commit --no-signature -o "$2" base..series
}

# series_same FOLDER FOLDER: the same patches, by name and content?
series_same() {
	diff -rq --exclude='[!0-9]*' "$1" "$2" >/dev/null 2>&1
}

# series_apply TREE: `git am` of the packed series on what is checked out.
series_apply() {
	local patches

	mapfile -t patches < <(series_patches)
	[ ${#patches[@]} -gt 0 ] || return 0
	git -C "$1" am -q --committer-date-is-author-date "${patches[@]}"
}
