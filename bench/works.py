# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: single calls, programs, and the files and rules that they need."""

import os
import subprocess
import sys

TEXT = 'redirected\n'
PLAIN = 'plain\n'
# A policy file has at most so many rules; more are in more files.
RULES_IN_A_FILE = 4096


def write(path, text, mode=0o644):
    """A file, and the directories above it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path, mode)


class Rules:
    """COUNT rules of one kind, in each opponent's form.

    pairs: (FROM, TO) of files; addresses: the same of UDP; policies: files for pointsman;
    loose_policies: the same with 'unsafe: races'; base, outside: for fakechroot, a tree with the files, and all that is not in it.
    """

    def __init__(self, room, kind, count):
        self.kind = kind
        self.count = count
        self.pairs = []
        self.addresses = []
        self.base = os.path.join(room.path, f'base-{kind}-{count}')
        os.makedirs(self.base)
        texts = self._paths(room) if kind == 'path' else self._addresses()
        self.policies = self._write(room, texts, '')
        # For who promises nothing.
        self.loose_policies = self._write(room, texts, 'unsafe: races\n')
        top = room.path.split('/')[1]
        self.outside = [f'/{name}' for name in sorted(os.listdir('/')) if name != top]
        self.outside += [os.path.join(room.path, name) for name in room.OUTSIDE]

    def _paths(self, room):
        source, to = room.file('from'), room.file(f'to-{self.count}')
        os.makedirs(source, exist_ok=True)
        os.makedirs(to)
        under_base = self.base + source
        os.makedirs(under_base)
        texts = []
        for number in range(self.count):
            name = f'f{number}'
            write(f'{to}/{name}', TEXT)
            if not os.path.exists(f'{source}/{name}'):
                write(f'{source}/{name}', PLAIN)
            os.link(f'{to}/{name}', f'{under_base}/{name}')
            self.pairs.append((f'{source}/{name}', f'{to}/{name}'))
            texts.append(f'  - path: {source}/{name}\n'
                         f'    redirect: {{path: {to}/{name}}}\n')
        return texts

    def _addresses(self):
        texts = []
        for number in range(self.count):
            source = f'127.0.{1 + number // 250}.{2 + number % 250}:9'
            self.addresses.append((source, '127.0.0.1:10'))
            texts.append('  - class: connect\n'
                         f'    address: "{source}"\n'
                         '    redirect: {address: "127.0.0.1:10"}\n')
        return texts

    def _write(self, room, texts, more):
        files = []
        for begin in range(0, len(texts), RULES_IN_A_FILE):
            path = room.file(f'{"loose-" if more else ""}policy-{self.kind}-{self.count}-'
                             f'{len(files)}.yaml')
            write(path, f'version: 1\n{more}default: allow\nrules:\n' +
                  ''.join(texts[begin:begin + RULES_IN_A_FILE]))
            files.append(path)
        return files


class Room:
    """The directory in which all is measured, and what has been made in it."""

    # What a fakechroot leaves alone.
    OUTSIDE = ('other', 'tree', 'git', 'make', 'tmp', 'scripts')

    def __init__(self, path, build):
        self.path = path
        self.build = build
        self.call = os.path.join(build, 'bench', 'bench_call')
        self._rules = {}
        write(self.file('other/file'), PLAIN)
        os.makedirs(self.file('tmp'))

    def file(self, name):
        """A path in it."""
        return os.path.join(self.path, name)

    def rules(self, kind, count):
        """Made when they are first asked for."""
        if (kind, count) not in self._rules:
            self._rules[kind, count] = Rules(self, kind, count)
        return self._rules[kind, count]


class Call:
    """One call, timed by bench_call inside."""

    unit = 'ns'

    # redirected: what an opponent must be able to lead elsewhere; None: nothing is.
    def __init__(self, name, title, kind, count, words, redirected=None):
        self.name = name
        self.title = title
        self.kind = kind
        self.count = count
        self.words = words
        self.redirected = redirected

    def fits(self, opponent):
        """Can it do this?"""
        return (opponent.name == 'bare' or not self.redirected or
                self.redirected in opponent.redirects)

    def command(self, room, opponent, rules, options):
        """As bench_call gets it.  Bare has no rules: it is led to the right place at once."""
        words = [word.format(room=room.path) for word in self.words]
        expected = []
        if self.redirected and self.kind == 'path':
            source, to = rules.pairs[-1]
            words = [words[0], to if opponent.name == 'bare' else source]
            expected = ['-e', TEXT]
        elif self.redirected:
            source, to = rules.addresses[-1]
            words = [words[0], *(to if opponent.name == 'bare' else source).split(':')]
            expected = ['-e', to]
        return [room.call, *options, *expected, *words]


CALLS = [
    Call('open-redirected', 'open, redirected', 'path', 1, ['open', ''], 'open'),
    Call('open', 'open, no rule matches', 'path', 1, ['open', '{room}/other/file']),
    Call('stat-redirected', 'stat, redirected', 'path', 1, ['stat', ''], 'stat'),
    Call('stat', 'stat, no rule matches', 'path', 1, ['stat', '{room}/other/file']),
    Call('fstat', 'fstat by an empty path', 'path', 1, ['fstat', '{room}/other/file']),
    Call('nothing', 'nothing mediates it', 'path', 1, ['nothing']),
    Call('connect-redirected', 'connect, redirected', 'connect', 1, ['connect', ''], 'connect'),
    Call('connect', 'connect, no rule matches', 'connect', 1, ['connect', '127.0.0.1', '11']),
    Call('exec', 'fork+exec, ten rules', 'path', 10, ['exec', '/bin/true']),
]

FIND = '''find {room}/tree -type f -print0 | xargs -0 stat -c %s | sort | uniq -c
'''
PYTHON = '''{python} -c 'import argparse, json, subprocess, tempfile; print("up")'
'''
GIT_STATUS = '''cd {room}/git && git status --porcelain | wc -l
'''
GIT_LOG = '''cd {room}/git && git log --stat | wc -l
'''
MAKE = '''cd {room}/make && make -s -j2 all && echo *.o | wc -w
'''
TAR = '''tar -C {room} -cf - tree | wc -c
'''


class Program:
    """A script, timed from outside, with what starts it."""

    unit = 'ns'
    kind = 'path'
    redirected = None

    def __init__(self, name, title, script, before=None):
        self.name = name
        self.title = title
        self.script = script
        self.before = before

    def fits(self, opponent):
        """All can run programs."""
        del opponent
        return True

    def command(self, room):
        """The script, in a file."""
        path = room.file(f'scripts/{self.name}')
        if not os.path.exists(path):
            write(path, 'set -e\n' + self.script.format(room=room.path, python=sys.executable))
        return ['/bin/sh', path]

    def clean(self, room):
        """What the last run left, and the next is to make."""
        if self.before:
            subprocess.run(['/bin/sh', '-c', self.before.format(room=room.path)], check=True)


PROGRAMS = [
    Program('find', 'find | xargs stat', FIND),
    Program('python', 'python start-up', PYTHON),
    Program('git-status', 'git status', GIT_STATUS),
    Program('git-log', 'git log --stat', GIT_LOG),
    Program('make', 'make -j2, 40 files', MAKE, 'rm -f {room}/make/*.o'),
    Program('tar', 'tar of a tree', TAR),
]


def make_tree(room, files):
    """FILES small files, a hundred in a directory."""
    for number in range(files):
        write(room.file(f'tree/d{number // 100:04}/file{number % 100:02}'), 'x' * (number % 50))


def make_git(room, files, commits):
    """A repository of FILES files and COMMITS commits."""
    path = room.file('git')
    os.makedirs(path)
    env = {**os.environ, 'GIT_CONFIG_GLOBAL': '/dev/null', 'GIT_CONFIG_SYSTEM': '/dev/null'}

    def git(*words):
        subprocess.run(['git', '-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c',
                        'init.defaultBranch=main', '-C', path, *words], check=True, env=env,
                       stdout=subprocess.DEVNULL)

    git('init', '-q')
    for number in range(files):
        write(f'{path}/d{number // 50:03}/file{number % 50:02}.txt', f'{number}\n')
    for number in range(commits):
        write(f'{path}/d000/file{number % 50:02}.txt', f'commit {number}\n')
        git('add', '-A')
        git('commit', '-q', '-m', f'change {number}')
    write(f'{path}/new.txt', 'not added\n')


def make_make(room, files):
    """So many files of C, and how to compile them."""
    for number in range(files):
        write(room.file(f'make/f{number:02}.c'),
              '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n'
              f'int f{number}(const char *s) {{ return printf("%s %zu\\n", s, strlen(s)); }}\n')
    write(room.file('make/Makefile'),
          'objects = $(patsubst %.c,%.o,$(wildcard *.c))\nall: $(objects)\n'
          '%.o: %.c\n\t@cc -O1 -c -o $@ $<\n')


def furnish(room, quick):
    """What the programs work on."""
    make_tree(room, 200 if quick else 20000)
    make_git(room, 50 if quick else 1000, 3 if quick else 50)
    make_make(room, 2 if quick else 40)
    os.makedirs(room.file('scripts'), exist_ok=True)


START = Program('start', 'start-up, ten rules', '')
