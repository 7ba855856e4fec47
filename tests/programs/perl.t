#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# perl: system, backquotes, fork, pipes, signals, files.
# shellcheck source=tests/programs/programs.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/programs/programs.sh"

need perl
cat >"$FILES/script.pl" <<'EOF'
use strict; use warnings;
use File::Find; use File::Path; use File::Copy; use File::Temp; use POSIX ':sys_wait_h';
use IO::Socket::INET; use Cwd;
$| = 1;
mkpath("d/$_") for 1 .. 20;
for my $i (1 .. 200) { open my $f, '>', 'd/' . ($i % 20 + 1) . "/f$i" or die; print $f "$i\n" x $i; close $f }
my ($n, $size) = (0, 0);
find(sub { if (-f) { $n++; $size += -s _ } }, 'd');
print "found $n $size\n";
print 'backquotes ', `ls d | sort -n | tail -n 1`;
print 'system ', system('sh', '-c', 'exit 9') >> 8, "\n";
open my $in, '-|', 'seq', 1, 100 or die; my $sum = 0; $sum += $_ while <$in>; close $in; print "pipe $sum\n";
my %pids;
for my $i (1 .. 15) {
	my $pid = fork // die;
	if (!$pid) { exec 'sh', '-c', "exit $i" or exit 99 }
	$pids{$pid} = $i;
}
while ((my $pid = wait) > 0) { die unless $? >> 8 == $pids{$pid}; delete $pids{$pid} }
print 'children ', scalar(keys %pids), "\n";
my $got = 0; local $SIG{USR1} = sub { $got++ };
for (1 .. 5) { my $before = $got; kill USR1 => $$; 1 until $got > $before } print "signals $got\n";
pipe my $r, my $w; if (!fork) { close $r; print $w "from the child\n"; exit } close $w; print scalar <$r>; wait;
my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => $ENV{SERVER}) or die;
if (!fork) { my $c = IO::Socket::INET->new(PeerAddr => $ENV{PEER}, PeerPort => $s->sockport) or die; print $c "hello\n"; exit }
my $c = $s->accept; print 'socket ', scalar <$c>; wait;
copy('d/1/f20', 'copy'); move('copy', 'moved'); symlink 'moved', 'link'; link 'moved', 'hard';
print join(' ', -s 'link', readlink 'link', (stat 'moved')[3], sprintf '%o', (stat 'moved')[2]), "\n";
chmod 0, 'hard'; utime 5, 6, 'moved'; print join(' ', (stat 'moved')[8, 9], rename('no', 'where') ? 1 : 0, $! + 0), "\n";
chdir 'd/3'; print cwd =~ m{/work/d/3$} ? "there\n" : "lost\n";
opendir my $dir, '..' or die; print scalar(grep !/^\./, readdir $dir), "\n";
require "$ENV{INPUT}/part.pl"; print part(), "\n";
for my $bad (["<", "$ENV{HIDDEN}/part.pl"], [">", "$ENV{KEPT}/program"]) { print open(my $f, $$bad[0], $$bad[1]) ? 1 : 0, $! + 0, "\n" }
print `$ENV{TOOL} of perl`, system("$ENV{FORBIDDEN} --never 2>/dev/null"), ' ', -e "$ENV{HIDDEN}/part.pl" ? 1 : 0, "\n";
for my $i (1 .. 3) {
	my $to = IO::Socket::INET->new(PeerAddr => $ENV{PEER}, PeerPort => $s->sockport) or die; print $to "hello $i\n"; close $to;
	my $from = $s->accept; print scalar <$from>;
}
print IO::Socket::INET->new(PeerAddr => $ENV{NOBODY}, PeerPort => 9) ? 1 : 0, $! + 0, "\n";
kill KILL => $$;
EOF
echo 'sub part { "a part" } 1;' >"$FILES/part.pl"
normalise()
{
	sed -E 's/: +[0-9]+ Killed/: PID Killed/'
}
compare 'a script' 137 '*/perl*' perl "$INPUT/script.pl"
done_testing
