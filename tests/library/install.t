#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is installed is what others need: a program of theirs is built against the
# installed tree by what pkg-config says, and runs; what the library gives is what
# its header declares.

. "$(dirname "$0")/../harness/tap.sh"
need meson gcc g++ pkg-config nm objdump
here=$PM_SRC/tests/library
cd "$TMPDIR" || exit 1

check()
{
	ok $? "$1" "$(tail -n 20 log)"
}

root=$TMPDIR/root
DESTDIR=$root meson install -C "$PM_BUILD" --no-rebuild --quiet >log 2>&1
check 'meson install with DESTDIR'
pc=$(cd "$root" && find . -name libpointsman.pc)
is "$(grep -c . <<<"$pc")" 1 'one libpointsman.pc'
lib=$root/${pc%/pkgconfig/*}
export PKG_CONFIG_PATH=$root/${pc%/*} PKG_CONFIG_SYSROOT_DIR=$root
header=$(find "$root" -path '*/include/pointsman/pointsman.h')
is "$(find "${header%/*}" -type f)" "$header" 'one header'

is "$(pkg-config --modversion libpointsman)" \
	"$(sed -n 's/^#define PM_VERSION "\(.*\)"/\1/p' "$header")" \
	'pkg-config and the header know the same version'
is "$(objdump -p "$lib/libpointsman.so" | awk '$1 == "SONAME" { print $2 }')" \
	libpointsman.so.0 'the SONAME'
[ -e "$lib/libpointsman.so.0" ]
ok $? 'and a file of that name'

# The header by itself, for the oldest of those who may include it.
echo '#include <pointsman/pointsman.h>' >alone.c
# shellcheck disable=SC2046 # a list of words
gcc -std=c99 -Wall -Wextra -pedantic -Werror $(pkg-config --cflags libpointsman) \
	-fsyntax-only alone.c >log 2>&1
check 'the header alone, in C99'
# shellcheck disable=SC2046
g++ -std=c++11 -Wall -Wextra -pedantic -Werror $(pkg-config --cflags libpointsman) \
	-fsyntax-only -x c++ alone.c >log 2>&1
check 'the header alone, in C++11'

# A prefix of somebody's own moves all of it.
prefix=$TMPDIR/elsewhere
PKG_CONFIG_SYSROOT_DIR='' PKG_CONFIG_PATH='' pkg-config --define-variable=prefix="$prefix" \
	--cflags --libs "$root/${pc#./}" >log 2>&1
rest=${pc#".$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --variable=prefix libpointsman)"}
is "$(xargs <log)" "-I$prefix/include -L$prefix${rest%/pkgconfig/*} -lpointsman" \
	'with another prefix all of it lies elsewhere'

# The compiler's word for what the header declares.
gcc -aux-info protos -fsyntax-only -x c "$header" >log 2>&1
grep -F "$header:" protos | grep -o '\<pm_[a-z_0-9]* (' | tr -d ' (' | sort -u >declared
[ "$(wc -l <declared)" -gt 15 ]
check 'the header declares functions'
nm -D --defined-only "$lib/libpointsman.so" | awk '$2 != "A" { print $3 }' | sort >shared
sed 's/$/@@POINTSMAN_0/' declared >versioned
same shared versioned 'the shared library exports what the header declares'
nm -g --defined-only "$lib/libpointsman.a" | awk 'NF == 3 { print $3 }' | sort >static
same static declared 'so does the static one'

# uses NAME HOW-IT-IS-FOUND COMPILER...: builds user.c and runs it
uses()
{
	local name=$1 libs=$2
	shift 2

	rm -rf user no yes
	# shellcheck disable=SC2046,SC2086 # lists of words
	"$@" -Wall -Wextra -Werror $(pkg-config --cflags libpointsman) "$here/user.c" \
		-o user $libs >log 2>&1
	check "$name: built"
	LC_ALL=C LD_LIBRARY_PATH=$lib ./user mkdir no yes >log 2>&1
	is "$?: $(cat log)" \
		"1: mkdir: cannot create directory 'no': Invalid cross-device link" \
		"$name: runs"
	[ -d yes ] && [ ! -e no ]
	ok $? "$name: and does what it was asked"
}

shared=$(pkg-config --libs libpointsman)
static=$(pkg-config --static --libs libpointsman)
uses 'C, shared' "$shared" gcc -std=c99 -pedantic -D_DEFAULT_SOURCE
uses 'C, static' "$static" gcc -std=c11 -static
uses 'C, static but for the C library' "${static/-lpointsman/-l:libpointsman.a}" gcc
uses 'C++, shared' "$shared" g++ -std=c++11 -pedantic -x c++
uses 'C++, static' "-x none $static" g++ -std=c++20 -static -x c++
objdump -p user | grep -q NEEDED
is $? 1 'what is static needs no library'

done_testing
