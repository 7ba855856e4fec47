# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts of this folder share: paths, the pristine source, the states of
# it that are built, and the trees they are built in.
#
# A *state* is a version of the source: "stock" (as packed), "series" (with the
# patches of kernel/6.12) or the path of a git tree whose tag "base" is the packed
# source (with what is not committed there).  It is known by its git tree id, so
# that two ways to the same source share what is built from it.

# What the caller has set for other work.
unset CDPATH GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY
unset MAKEFLAGS MAKELEVEL MFLAGS ARCH CROSS_COMPILE LLVM V W C O
unset KBUILD_OUTPUT KBUILD_EXTMOD KCFLAGS KCPPFLAGS KAFLAGS
unset CC CFLAGS CPPFLAGS LDFLAGS
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
kernel_dir=$(dirname -- "$here")

# shellcheck source=../config/source
. "$kernel_dir/config/source"

patches_dir=$kernel_dir/$SERIES
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pointsman/kernel/$SERIES
source_git=$cache/source.git
work=$cache/work
logs=$cache/logs

# The same identity and time in each commit and build, whoever makes it.
export GIT_AUTHOR_NAME=pointsman GIT_AUTHOR_EMAIL=pointsman@localhost
export GIT_COMMITTER_NAME=pointsman GIT_COMMITTER_EMAIL=pointsman@localhost
export KBUILD_BUILD_USER=pointsman KBUILD_BUILD_HOST=pointsman
export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970'
export LC_ALL=C

say() {
	echo "kernel: $*" >&2
}

die() {
	say "$*"
	exit 1
}

# need PROGRAM PACKAGE…: each program is there, or its package is named.
need() {
	local missing=()

	while [ $# -gt 0 ]; do
		command -v "$1" >/dev/null || missing+=("$2")
		shift 2
	done
	[ ${#missing[@]} -eq 0 ] ||
		die "missing packages: ${missing[*]} (kernel/scripts/setup installs them)"
}

need git git flock util-linux sha256sum coreutils
case $cache in
*[[:space:]:]*)
	die "the kernel does not build in a path with spaces or colons: $cache; set XDG_CACHE_HOME"
	;;
/*) ;;
*) die "XDG_CACHE_HOME is no absolute path: $XDG_CACHE_HOME" ;;
esac
mkdir -p "$cache" "$logs" "$cache/locks"

# locked NAME COMMAND…: one at a time, for this cache.
locked() {
	local name=$1 fd

	shift
	exec {fd}>"$cache/locks/$name"
	if ! flock -n "$fd"; then
		say "waiting for another run ($name)"
		flock "$fd"
	fi
	# Not inherited: what works on in the background would hold the lock.
	( "$@" ) {fd}>&-
	exec {fd}>&-
}

digest() {
	sha256sum | cut -c1-24
}

# --- the pristine source ---------------------------------------------------

base_stamp() {
	stat -L -c '%s %Y' "$TARBALL"
}

# The source is unpacked where the stock kernel is built: no other copy is made.
base_unpack() {
	local dir=$cache/build/stock empty

	[ -f "$TARBALL" ] ||
		die "$TARBALL is not there: install the package $PACKAGE"
	need xz xz-utils tar tar
	if [ -f "$source_git/stamp" ] &&
	   [ "$(cat "$source_git/stamp")" = "$(base_stamp)" ]; then
		return
	fi
	say "unpacking $TARBALL"
	if [ ! -d "$source_git" ]; then
		git init -q --bare -b packed "$source_git"
		# It is the repository of work trees; spdxcheck.py refuses a bare one.
		git -C "$source_git" config core.bare false
		git -C "$source_git" config core.looseCompression 1
		git -C "$source_git" config gc.auto 0
	fi
	rm -rf "$dir"
	git -C "$source_git" worktree prune
	empty=$(git -C "$source_git" commit-tree -m empty \
		"$(git -C "$source_git" mktree </dev/null)")
	git -C "$source_git" worktree add -q --detach "$dir" "$empty"
	tar -xJf "$TARBALL" -C "$dir" --strip-components=1
	base_commit "$dir"
	base_stamp > "$source_git/stamp"
}

base_commit() {
	local version tree commit

	version=$(awk -F' = ' '/^(VERSION|PATCHLEVEL|SUBLEVEL) = / {
			printf "%s%s", dot, $2; dot = "."
		}' "$1/Makefile")
	git -C "$1" add -A -f
	tree=$(git -C "$1" write-tree)
	commit=$(GIT_AUTHOR_DATE='1970-01-01T00:00:00Z' \
		GIT_COMMITTER_DATE='1970-01-01T00:00:00Z' \
		git -C "$1" commit-tree -m "Linux $version (Debian)" "$tree")
	git -C "$source_git" update-ref refs/heads/packed "$commit"
	git -C "$source_git" tag -f base "$commit" >/dev/null
	git -C "$1" update-ref --no-deref HEAD "$commit"
	echo "$version" > "$source_git/version"
}

base_ready() {
	if [ ! -f "$source_git/stamp" ] || { [ -f "$TARBALL" ] &&
	   [ "$(cat "$source_git/stamp")" != "$(base_stamp)" ]; }; then
		locked source base_unpack
	fi
}

source_ref() {
	git -C "$source_git" rev-parse --verify -q "$1"
}

# --- states ----------------------------------------------------------------

series_patches() {
	find "$patches_dir" -maxdepth 1 -name '*.patch' 2>/dev/null | sort
}

# tree_with DIFF…: the base with the diffs, as a tree id; touches no files.
tree_with() (
	local index patch

	index=$(mktemp "$cache/index.XXXXXX")
	trap 'rm -f "$index"' EXIT
	export GIT_INDEX_FILE=$index GIT_DIR=$source_git
	git read-tree base
	for patch in "$@"; do
		git apply --cached "$patch" ||
			die "$(basename "$patch") does not apply"
	done
	git write-tree
)

# The tree id of the packed series; known from its content once computed.
series_tree() {
	local patches key

	mapfile -t patches < <(series_patches)
	if [ ${#patches[@]} -eq 0 ]; then
		source_ref 'base^{tree}'
		return
	fi
	key=$( { source_ref 'base^{tree}'; cat "${patches[@]}"; } | digest)
	mkdir -p "$cache/states"
	if [ ! -s "$cache/states/$key" ]; then
		tree_with "${patches[@]}" > "$cache/states/$key.new"
		mv "$cache/states/$key.new" "$cache/states/$key"
	fi
	cat "$cache/states/$key"
}

# The tree id of what a git tree holds now, committed or not.
folder_tree() (
	local index diff

	git -C "$1" rev-parse -q --verify 'base^{commit}' >/dev/null ||
		die "$1 is no git tree with a tag named base"
	index=$(mktemp "$cache/index.XXXXXX")
	diff=$(mktemp "$cache/diff.XXXXXX")
	trap 'rm -f "$index" "$diff"' EXIT
	cp "$(git -C "$1" rev-parse --path-format=absolute --git-path index)" "$index"
	export GIT_INDEX_FILE=$index
	git -C "$1" add -A
	git -C "$1" diff --cached --binary --full-index base > "$diff"
	unset GIT_INDEX_FILE
	if [ -s "$diff" ]; then
		tree_with "$diff"
	else
		source_ref 'base^{tree}'
	fi
)

state_tree() {
	case $1 in
	stock) source_ref 'base^{tree}' ;;
	series) series_tree ;;
	*) folder_tree "$1" ;;
	esac
}

# What of a tree id has a part in a kernel's image.
tree_built() {
	{
		git -C "$source_git" ls-tree "$1" |
			grep -vP '\t(Documentation|samples|tools)$'
		git -C "$source_git" ls-tree "$1" tools/ |
			grep -vP '\ttools/testing$'
	} | digest
}

# --- trees to build in -----------------------------------------------------

# checkout NAME TREE-ID: the folder with that source; only what differs from what
# it held before is written, so that make builds only what has changed.
checkout() {
	local dir=$cache/build/$1

	if ! git -C "$dir" rev-parse -q --git-dir >/dev/null 2>&1; then
		rm -rf "$dir"
		mkdir -p "$cache/build"
		git -C "$source_git" worktree prune
		git -C "$source_git" worktree add -q --no-checkout --detach \
			"$dir" base
	fi
	git -C "$dir" read-tree -u --reset "$2"
	echo "$dir"
}

jobs() {
	echo "${JOBS:-$(nproc)}"
}

compiler_setup() {
	need gcc gcc make make flex flex bison bison bc bc perl perl
	export CCACHE_DIR=${CCACHE_DIR:-$cache/ccache}
	export CCACHE_SLOPPINESS=include_file_mtime,include_file_ctime,time_macros
	export CCACHE_DEPEND=1 CCACHE_MAXSIZE=3G
	launcher=
	if command -v ccache >/dev/null; then
		launcher='ccache '
	fi
}

# kmake SOURCE OUTPUT [ARG…]: make of the kernel; the output lies in the source's
# folder, so that all paths are relative and one compiler cache serves all trees.
kmake() {
	local source=$1 output=$2

	shift 2
	# An empty LOCALVERSION: no "+" for a tree that differs from a release.
	nice -n 5 make -C "$source" O="$output" -j"$(jobs)" LOCALVERSION= \
		CC="${launcher}gcc" HOSTCC="${launcher}gcc" "$@"
}

compiler_version() {
	gcc --version | head -1
	ld --version | head -1
}

# --- configuration ---------------------------------------------------------

# The fragments of a flavour; a later line about an option replaces an earlier one.
fragments() {
	local file

	case $1 in
	stock | redirect) set -- base container ;;
	debug) set -- base debug ;;
	*) set -- "$1" ;;
	esac
	for file; do
		cat "$kernel_dir/config/$file.config"
	done | awk '
		/^CONFIG_[A-Za-z0-9_]+=/ || /^# CONFIG_[A-Za-z0-9_]+ is not set/ {
			match($0, /CONFIG_[A-Za-z0-9_]+/)
			name = substr($0, RSTART, RLENGTH)
			if (!(name in line)) order[++count] = name
			line[name] = $0
		}
		END { for (i = 1; i <= count; i++) print line[order[i]] }'
}

# choice_clean: of the lines of one choice only the last one can hold.
choice_clean() {
	awk '
		/^CONFIG_PREEMPT=y/ || /^CONFIG_PREEMPT_VOLUNTARY=y/ {
			delete text[held]
			held = NR
		}
		{ text[NR] = $0 }
		END {
			for (i = 1; i <= NR; i++)
				if (i in text)
					print text[i]
		}'
}

configuration() {
	fragments "$1" | choice_clean
}

# configure SOURCE OUTPUT CONFIGURATION-FILE [MAKE-ARG…]
configure() {
	local source=$1 output=$2 wanted=$3 old

	shift 3
	mkdir -p "$source/$output"
	old=$(mktemp "$cache/config.XXXXXX")
	[ ! -f "$source/$output/.config" ] || cp -p "$source/$output/.config" "$old"
	KCONFIG_ALLCONFIG=$wanted kmake "$source" "$output" -s "$@" allnoconfig
	config_check "$wanted" "$source/$output/.config" || { rm -f "$old"; return 1; }
	# The same configuration again is no reason to build again.
	if cmp -s "$old" "$source/$output/.config"; then
		cp -p "$old" "$source/$output/.config"
	fi
	rm -f "$old"
}

# Each line of the fragments really took effect.
config_check() {
	local line name failed=0

	while IFS= read -r line; do
		name=${line#\# }
		name=${name%%[ =]*}
		case $line in
		\#*)
			! grep -q "^$name=" "$2" || { say "not off: $name"; failed=1; }
			;;
		*)
			grep -qxF -- "$line" "$2" || { say "no effect: $line"; failed=1; }
			;;
		esac
	done < "$1"
	return "$failed"
}
