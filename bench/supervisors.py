# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a supervisor does and needs: its system calls for each call, its memory."""

import collections
import os
import re
import shutil
import subprocess
import time

import rounds
from rounds import Failed, placed, started


class Held:
    """A bench_call that waits before what it does, and after it."""

    def __init__(self, room, opponent, work, count, options):
        rules = room.rules(work.kind, count)
        argv, env = opponent.wrap(rules, work.command(room, opponent, rules, [*options, '-w']))
        self.process = started(room, placed('one', argv), env, stdin=subprocess.PIPE)
        self.opponent = opponent
        self.marker = room.path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def go(self):
        """Let it do what it does, or end."""
        self.process.stdin.write('x')
        self.process.stdin.flush()

    def answer(self):
        """What it says when it has done it."""
        line = self.process.stdout.readline()
        if not line:
            raise Failed(self.process.stderr.read().strip() or 'said nothing')
        return line

    def supervisor(self):
        """Its process, once the program waits."""
        if self.answer() != 'ready\n':
            raise Failed('it does not say that it waits')
        found = self.opponent.supervisor(self.process.pid, self.marker)
        if not found:
            raise Failed('its supervisor was not found')
        return found


# strace knows not those of the series: "_IOC(_IOC_WRITE, 0x21, 0x6, ...)".
OF_THE_SERIES = {'0x5': 'SECCOMP_IOCTL_NOTIF_PIN_INSTALL',
                 '0x6': 'SECCOMP_IOCTL_NOTIF_SEND_REDIRECT'}
# Nor of ptrace what is newer than itself: "0x4212 /* PTRACE_??? */".
OF_LATER_KERNELS = {'0x4212': 'PTRACE_SET_SYSCALL_INFO'}


def name_of(line):
    """A system call in a line of strace, ptrace's and ioctl's by what they ask for."""
    found = re.match(r'\d+ +(\w+)\(([^,]*)(?:, ([A-Z_0-9]+))?', line)
    if not found:
        return None
    name, first, second = found.groups()
    if name == 'ptrace':
        asked = first.rstrip(')').split()[0]
        return OF_LATER_KERNELS.get(asked, asked)
    if name == 'ioctl':
        number = re.search(r'_IOC\(\S+, 0x21, (0x\d+)', line)
        return OF_THE_SERIES.get(number.group(1), 'ioctl') if number else second or 'ioctl'
    return name


def count_calls(room, opponent, work, number):
    """System calls that the supervisor makes for each of NUMBER calls, by name."""
    log = room.file('strace.log')
    with Held(room, opponent, work, work.count, ['-n', str(number)]) as held:
        pid = held.supervisor()
        strace = subprocess.Popen(['strace', '-f', '-qq', '-o', log, '-p', str(pid)],
                                  stderr=subprocess.PIPE, text=True)
        try:
            attached(pid, strace)
            held.go()
            held.answer()
        finally:
            strace.send_signal(2)
            strace.communicate()
        held.go()
        held.process.wait(rounds.LIMIT)
    counts = collections.Counter()
    with open(log, encoding='utf-8', errors='replace') as file:
        for line in file:
            name = name_of(line)
            if name and 'resumed>' not in line:
                counts[name] += 1
    # What is done once is not done for each of them.
    return {name: round(count / number, 2) for name, count in counts.most_common()
            if count >= number / 2}


def attached(pid, strace):
    """Wait until all threads of the supervisor are traced."""
    until = time.monotonic() + (rounds.LIMIT or float('inf'))
    while time.monotonic() < until:
        tracers = set()
        for tid in os.listdir(f'/proc/{pid}/task'):
            with open(f'/proc/{pid}/task/{tid}/status', encoding='ascii',
                      errors='replace') as file:
                tracers.add(int(re.search(r'TracerPid:\s+(\d+)', file.read()).group(1)))
        if tracers == {strace.pid}:
            return
        if strace.poll() is not None:
            raise Failed('strace: ' + strace.stderr.read().strip())
        time.sleep(0.01)
    raise Failed('strace did not attach')


def no_counts():
    """(why nothing can be counted here, the package that helps), or None."""
    if not shutil.which('strace'):
        return 'not installed', 'strace'
    if os.geteuid():
        return 'not root: a supervisor lets nobody else trace it', ''
    return None


def all_counts(room, works, present, quick):
    """Rows of counts, and what failed."""
    rows, failures = [], []
    for work in works:
        for opponent in present:
            if not work.fits(opponent) or work.name == 'nothing':
                continue
            key = {'group': 'counts', 'work': work.name, 'title': work.title,
                   'opponent': opponent.name, 'opponent_title': opponent.title}
            try:
                if opponent.name not in ('bare', 'bubblewrap', 'fakechroot'):
                    few, many = (5, 10) if quick else (20, 200)
                    counts = count_calls(room, opponent, work,
                                         few if work.name == 'exec' else many)
                    rows.append({**key, 'calls': counts, 'sum': round(sum(counts.values()), 2)})
            except (Failed, OSError) as error:
                failures.append({**key, 'reason': str(error)})
    return rows, failures


def memory_of(pid):
    """KiB by the names of /proc/PID/status."""
    sizes = {}
    with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as file:
        for line in file:
            found = re.match(r'(VmHWM|VmRSS|RssAnon|RssFile|RssShmem):\s+(\d+) kB', line)
            if found:
                sizes[found.group(1)] = int(found.group(2))
    return sizes


def all_memory(room, work, present, processes):
    """Of each supervisor, with so many live processes, each of which has been looked at."""
    rows, failures = [], []
    for opponent in present:
        if opponent.name in ('bare', 'bubblewrap', 'fakechroot'):
            continue
        for number in processes:
            key = {'group': 'memory', 'work': work.name, 'title': 'memory of the supervisor',
                   'opponent': opponent.name, 'opponent_title': opponent.title, 'rules': 10,
                   'processes': number}
            try:
                options = ['-n', '1', '-c', str(number - 1)]
                with Held(room, opponent, work, 10, options) as held:
                    sizes = memory_of(held.supervisor())
                    held.go()
                    held.answer()
                    held.go()
                    held.process.wait(rounds.LIMIT)
                rows.append({**key, 'kib': sizes})
            except (Failed, OSError, subprocess.TimeoutExpired) as error:
                failures.append({**key, 'reason': str(error)})
    return rows, failures
