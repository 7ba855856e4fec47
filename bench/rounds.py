# SPDX-License-Identifier: LGPL-2.1-or-later
"""Rounds in which everything is measured once, one opponent after the other."""

import collections
import ctypes
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

# Seconds for one measurement, or None.
LIMIT = 300
PR_SET_CHILD_SUBREAPER = 36


class Failed(Exception):
    """A measurement that could not be made, and why."""


class Progress:
    """A line on a terminal that says how far it is; nothing anywhere else."""

    def __init__(self, total):
        self.total = total
        self.done = 0
        self.shown = sys.stderr.isatty()

    def step(self, what):
        """One more is begun."""
        self.done += 1
        if self.shown:
            room = shutil.get_terminal_size().columns - 1
            line = f'[{self.done}/{self.total}] {what}'
            sys.stderr.write('\r\033[K' + line[:room])
            sys.stderr.flush()

    def end(self):
        """The line goes."""
        if self.shown:
            sys.stderr.write('\r\033[K')
            sys.stderr.flush()


def placed(placement, argv):
    """Everything on one processor, or wherever the scheduler puts it."""
    if placement == 'free':
        return argv
    return ['taskset', '-c', str(max(os.sched_getaffinity(0))), *argv]


def started(room, argv, env, **more):
    """In the room, without anything of the user's that makes a difference."""
    return subprocess.Popen(argv, env={**os.environ, 'TMPDIR': room.file('tmp'), 'LC_ALL': 'C',
                                       'GIT_CONFIG_GLOBAL': '/dev/null',
                                       'GIT_CONFIG_SYSTEM': '/dev/null',
                                       'GIT_OPTIONAL_LOCKS': '0', 'PAGER': 'cat',
                                       **env},
                            cwd=room.path, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, **more)


def adopt():
    """What a command leaves behind is this process's: a supervisor is nobody's child."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def used():
    """Nanoseconds of processor time of all that has been waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) * 1e9


def reap():
    """Wait for what is left of a command."""
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def run(room, argv, env):
    """What it printed, how long it took, and how much of a processor, in nanoseconds."""
    before = used()
    begin = time.perf_counter_ns()
    process = started(room, argv, env, stdin=subprocess.DEVNULL)
    try:
        out, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.communicate()
        raise Failed(f'not done in {LIMIT} s') from error
    took = time.perf_counter_ns() - begin
    reap()
    if process.returncode:
        said = err.strip().splitlines()
        raise Failed(f'status {process.returncode}' + (f': {said[-1]}' if said else ''))
    return out, float(took), used() - before


class Figure(collections.namedtuple('Figure', 'time least cpu said')):
    """Of one measurement, in nanoseconds: how long it took, the least of its batches, the
    processor time of programs and supervisor or None; and what must be the same everywhere."""


class Task:
    """One work on all opponents that can do it, under so many rules, so placed.

    options: for bench_call.  key: what tells it from the others in the figures.
    """

    def __init__(self, group, work, placement, count, options=(), **key):
        self.group = group
        self.work = work
        self.placement = placement
        self.count = count
        self.options = list(options)
        self.key = {'group': group, 'work': work.name, 'title': work.title,
                    'placement': placement, 'rules': count, **key}

    def opponents(self, present):
        """Those that can."""
        return [one for one in present
                if self.work.fits(one) and self.count <= one.most_rules]

    def measure(self, room, opponent):
        """A Figure."""
        rules = room.rules(self.work.kind, self.count)
        if hasattr(self.work, 'clean'):
            self.work.clean(room)
            argv, env = opponent.wrap(rules, self.work.command(room))
            out, took, cpu = run(room, placed(self.placement, argv), env)
            return Figure(took, took, cpu, out)

        def calls(options):
            argv, env = opponent.wrap(rules, self.work.command(room, opponent, rules, options))
            out, _, cpu = run(room, placed(self.placement, argv), env)
            median, least, count = out.split()[:3]
            return float(median), float(least), int(count), cpu

        median, least, count, cpu = calls(self.options)
        # Where much else is made, or read, what differs in it is more than the calls.
        if self.group in ('rules', 'processes', 'threads'):
            return Figure(median, least, None, None)
        if '-n' in self.options:
            return Figure(median, least, cpu / count, None)
        # All but the calls is in both.
        *_, few, cpu_few = calls([*self.options, '-n', '1'])
        return Figure(median, least, max(cpu - cpu_few, 0) / (count - few), None)


class Start(Task):
    """How long it takes until a program that does nothing has run, and all is over."""

    def measure(self, room, opponent):
        argv, env = opponent.wrap(room.rules('path', self.count), ['/bin/true'])
        words = [f'{name}={value}' for name, value in env.items()]
        argv = [room.call, '-r', *self.options, 'exec', *(['/usr/bin/env', *words] if words else []),
                *argv]
        out, *_ = run(room, placed(self.placement, argv), {})
        median, least, _, cpu = out.split()
        return Figure(float(median), float(least), float(cpu), None)


def quartiles(values):
    """Lower and upper."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method='inclusive')
    return low, high


def row_of(task, opponent, figures, bare):
    """The figures of one opponent; ratios are to bare in the same round."""
    row = {**task.key, 'opponent': opponent.name, 'opponent_title': opponent.title,
           'unit': 'ns'}
    for kind, prefix in (('time', ''), ('least', 'least_'), ('cpu', 'cpu_')):
        values = [getattr(figure, kind) for figure in figures]
        if None in values:
            continue
        theirs = [getattr(figure, kind) for figure in bare or []]
        row[prefix + 'rounds'] = values
        row[prefix + 'quartiles'] = quartiles(values)
        row[prefix + 'median'] = statistics.median(values)
        if bare and all(theirs):
            ratios = [mine / its for mine, its in zip(values, theirs)]
            row[prefix + 'ratio'] = statistics.median(ratios)
            row[prefix + 'ratio_quartiles'] = quartiles(ratios)
            row[prefix + 'added'] = statistics.median(
                mine - its for mine, its in zip(values, theirs))
    return row


def measure_all(room, tasks, present, rounds):
    """Rows of figures, and what failed.  Each round goes through everything once, and
    begins with another opponent: what the machine does meanwhile hits all of them."""
    values, said, failures = {}, {}, []
    adopt()
    progress = Progress(rounds * sum(len(task.opponents(present)) for task in tasks))
    for number in range(rounds):
        for index, task in enumerate(tasks):
            able = task.opponents(present)
            turn = number % len(able)
            for opponent in able[turn:] + able[:turn]:
                progress.step(f'round {number + 1} of {rounds}: {task.group}, '
                              f'{task.work.title}, {task.placement}, {opponent.title}')
                at = (index, opponent.name)
                if values.get(at, []) is None:
                    continue
                try:
                    figure = task.measure(room, opponent)
                    expected = said.setdefault(task.work.name, figure.said)
                    if figure.said != expected:
                        raise Failed(f'says {figure.said!r}, others say {expected!r}')
                    values.setdefault(at, []).append(figure)
                except Failed as error:
                    values[at] = None
                    failures.append({**task.key, 'opponent': opponent.name,
                                     'opponent_title': opponent.title, 'reason': str(error)})
    progress.end()
    rows = []
    for index, task in enumerate(tasks):
        for opponent in task.opponents(present):
            found = values.get((index, opponent.name))
            if found:
                rows.append(row_of(task, opponent, found, values.get((index, 'bare'))))
    return rows, failures
