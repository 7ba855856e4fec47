#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Debian packages: built from the tree, as lintian wants them, installed into a clean
# root of Debian, at work there as root and as nobody, and purged without a trace.
#
# The root, with what the packages depend on, is kept in
# $XDG_CACHE_HOME/pointsman/debian (~/.cache where that is not set).

. "$(dirname "$0")/../../harness/tap.sh"
need git dpkg-buildpackage dh lintian meson
[ "$(id -u)" != 0 ] || need mmdebstrap unshare setpriv
cd "$TMPDIR" || exit 1

check()
{
	ok $? "$1" "$(tail -n 30 log)"
}

# The tree as it is, without what was built.
mkdir source root
(cd "$PM_SRC" && git ls-files -zco --exclude-standard | while IFS= read -r -d '' file; do
	[ ! -e "$file" ] || printf '%s\0' "$file"
done | xargs -0 cp -d --parents -t "$TMPDIR/source") >log 2>&1
check 'a copy of the tree'
version=$(sed -n '1s/.*(\(.*\)).*/\1/p' source/debian/changelog)
is "$version" "$(sed -n "s/^  version: '\(.*\)',/\1/p" source/meson.build)" \
	'the changelog has the version of the tree'
(cd source && dpkg-buildpackage -us -uc) >log 2>&1
check 'dpkg-buildpackage'
debs=(pointsman_"$version"_*.deb libpointsman0_"$version"_*.deb libpointsman-dev_"$version"_*.deb)
[ -e "${debs[0]}" ] && [ -e "${debs[1]}" ] && [ -e "${debs[2]}" ]
check 'three packages'
lintian --fail-on error,warning --tag-display-limit 0 ./*.changes >log 2>&1
check 'lintian has no errors and no warnings'

# What was installed goes away.
meson=$(echo source/obj-*)
DESTDIR=$TMPDIR/destdir meson install -C "$meson" --no-rebuild --quiet >log 2>&1 &&
	[ -x destdir/usr/bin/pointsman ] && ninja -C "$meson" uninstall >>log 2>&1
check 'meson install, and uninstall'
is "$(find destdir 2>/dev/null)" '' 'nothing is left of that'

if [ "$(id -u)" != 0 ]; then
	skip 'in a root of its own' 'not root: chroot needs it'
	done_testing
fi

# clean_root: a minimal Debian of this release with what the packages depend on
clean_root()
{
	local codename depends cache mirror
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	depends=$(for deb in "${debs[@]:0:2}"; do dpkg-deb -f "$deb" Depends; done | tr ',' '\n' |
		sed 's/ *\([^ ]*\).*/\1/' | grep -v -e '^libc6$' -e pointsman | sort -u | paste -sd,)
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/pointsman/debian/$codename-${depends//,/-}.tar
	if [ ! -e "$cache" ]; then
		mkdir -p "${cache%/*}"
		# From where this machine has its packages.
		# shellcheck disable=SC2016 # apt-get's own names
		mirror=$(apt-get indextargets --format '$(CODENAME) $(SITE)' 'Created-By: Packages' |
			awk -v "name=$codename" '$1 == name { print $2; exit }')
		mmdebstrap --mode=root --format=tar --variant=minbase --include="$depends" \
			--dpkgopt=force-unsafe-io "$codename" "$cache.$$" ${mirror:+"$mirror"} &&
			mv "$cache.$$" "$cache" || return
	fi
	tar -C root -xpf "$cache"
}

# inside COMMAND...: in the root, with a /proc of its own
inside()
{
	unshare --mount --pid --fork --kill-child --mount-proc="$TMPDIR/root/proc" \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive chroot "$TMPDIR/root" "$@"
}

# What is there, but for what dpkg and the linker keep of every package.
files()
{
	(cd root && find . -path ./proc -prune -o -path ./var/cache/ldconfig/aux-cache -prune -o \
		-path './var/lib/dpkg/*-old' -prune -o -path './var/log/dpkg.log' -prune -o \
		-path ./var/lib/dpkg/lock -prune -o -path ./var/lib/dpkg/triggers -prune -o \
		-printf '%p %y %m\n' | sort)
}

clean_root >log 2>&1
check 'a clean root'
files >before
cp "${debs[@]}" source/debian/tests/smoke root/tmp/
inside sh -c 'cd /tmp && dpkg -i ./pointsman_*.deb ./libpointsman0_*.deb' >log 2>&1
check 'installed'
inside sh -c 'pointsman doctor; test $? -le 1' >log 2>&1
check 'doctor has something to say'
inside /tmp/smoke >log 2>&1
check 'a redirect, as root'
inside setpriv --reuid nobody --regid nogroup --clear-groups /tmp/smoke >log 2>&1
check 'a redirect, as nobody'
inside dpkg -V pointsman libpointsman0 >log 2>&1
check 'what was installed is as it was packed'
inside dpkg --purge pointsman libpointsman0 >log 2>&1
check 'purged'
rm -f root/tmp/*.deb root/tmp/smoke
files >after
same after before 'nothing is left behind'

done_testing
