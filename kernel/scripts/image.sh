# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Where a built kernel lies: by what went into it.

# image_state KERNEL [TREE]
image_state() {
	case $1 in
	stock)
		[ -z "$2" ] || die "the stock kernel has no tree of its own"
		echo stock
		;;
	redirect | debug) echo "${2:-series}" ;;
	*) die "no kernel named $1: stock, redirect or debug" ;;
	esac
}

# image_folder KERNEL TREE-ID
image_folder() {
	local built=$cache/states/built-$2 key

	mkdir -p "$cache/states"
	if [ ! -s "$built" ]; then
		tree_built "$2" > "$built.new"
		mv "$built.new" "$built"
	fi
	key=$( { cat "$built"; configuration "$1"; compiler_version; } | digest)
	echo "$cache/images/$key"
}

image_store() {
	local new=$2.new

	rm -rf "$new"
	mkdir -p "$new"
	cp "$1/arch/x86/boot/bzImage" "$1/.config" "$1/System.map" "$new"
	strip -o "$new/vmlinux" "$1/vmlinux"
	rm -rf "$2"
	mv "$new" "$2"
}
