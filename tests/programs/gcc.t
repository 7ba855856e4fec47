#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# gcc: make -j2 of a generated project of forty files.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need gcc make
# shellcheck disable=SC2016,SC2028 # for make, sh and C
prepare()
{
	local i
	{
		echo 'CFLAGS = -O1 -g -Wall -I$(HIDDEN) -I$(INPUT)'
		echo 'OBJS = main.o' file{1..39}.o
		echo 'prog: $(OBJS)'
		printf '\t$(CC) -o $@ $^\n'
		echo '$(OBJS): all.h'
		echo 'all.h: gen.sh'
		printf '\tsh gen.sh >$@.tmp && mv $@.tmp $@\n'
		echo 'include $(INPUT)/rules.mk'
		echo '-include $(HIDDEN)/rules.mk'
	} >Makefile
	{
		echo 'echo "#include <stdio.h>"'
		echo 'for i in $(seq 1 39); do echo "int f$i(int x);"; done'
	} >gen.sh
	for i in {1..39}; do
		cat >"file$i.c" <<EOF
#include <stdlib.h>
#include <string.h>
#include "all.h"
#include "part.h"
static int part(int x) { char b[16]; snprintf(b, sizeof(b), "%d", x); return atoi(b) * PART($i); }
int f$i(int x) { return part(x) + (int)strlen("file$i"); }
EOF
	done
	{
		echo '#include "all.h"'
		echo 'int main(void) { int s = 0;'
		for i in {1..39}; do echo "s += f$i($i);"; done
		echo 'printf("%d\n", s); return s % 100; }'
	} >main.c
}
# What is hidden would be found first.
printf '#define PART(x) (x)\n' >"$FILES/part.h"
printf 'clean:\n\trm -f *.o prog all.h\n' >"$FILES/rules.mk"
normalise()
{
	sort
}
# shellcheck disable=SC2016 # expanded by the shell that is run
compare 'make -j2 of forty files' 65 '*/cc1' bash -c \
	'make -j2 && ls *.o | wc -l && ./prog; s=$?; make -j2; touch file7.c; make -j2; make clean; exit $s'
done_testing
