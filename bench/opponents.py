# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is compared: pointsman, what people use instead, and nothing at all.

An opponent says whether it is here, and puts itself in front of a command so that
the rules hold for it.
"""

import glob
import os
import re
import shutil
import subprocess

import rounds


def first_line(argv, pattern):
    """What of a command's output matches, or ''."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True,
                              timeout=rounds.LIMIT, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ''
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group(1) if found else ''


class Opponent:
    """One of them.  name: in figures; title: for people; package: of Debian, that has it."""

    name = title = package = ''
    # What it can lead elsewhere.
    redirects = frozenset()
    # More rules than these are more than it is made for.
    most_rules = 100

    def missing(self):
        """Why it is not here, or None."""
        return None

    def wrap(self, rules, argv):
        """The command with this in front of it, and what to add to its environment."""
        raise NotImplementedError

    def supervisor(self, process, marker):
        """Who is asked about the calls of a process that was started, or None."""
        del process, marker
        return None

    def probe(self, rules):
        """Why it does not work here, or None: a command that does nothing is run."""
        argv, env = self.wrap(rules, ['/bin/true'])
        try:
            done = subprocess.run(argv, env={**os.environ, **env}, capture_output=True,
                                  text=True, stdin=subprocess.DEVNULL, timeout=rounds.LIMIT,
                                  check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode == 0:
            return None
        said = done.stderr.strip().splitlines()
        return said[-1] if said else f'status {done.returncode}'


class Bare(Opponent):
    """Nothing: what all others are compared with.  It is given the file itself."""

    name, title = 'bare', 'bare'
    most_rules = 1 << 30

    def wrap(self, rules, argv):
        return argv, {}


class Pointsman(Opponent):
    """On one backend."""

    redirects = frozenset(('open', 'stat', 'connect'))
    most_rules = 1 << 30

    def __init__(self, program, backend, loose=False):
        self.program = program
        self.backend = backend
        self.loose = loose
        self.name = f'pointsman-{backend}' + ('-loose' if loose else '')
        self.title = f'pointsman {backend}' + (', unsafe: races' if loose else '')

    def wrap(self, rules, argv):
        files = rules.loose_policies if self.loose else rules.policies
        policies = [word for file in files for word in ('--policy', file)]
        return [self.program, 'run', '--backend', self.backend, *policies, '--', *argv], {}

    def supervisor(self, process, marker):
        if self.backend == 'ptrace':
            with open(f'/proc/{process}/status', encoding='ascii', errors='replace') as status:
                tracer = int(re.search(r'TracerPid:\s+(\d+)', status.read()).group(1))
            return tracer or None
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{pid}/cmdline', 'rb') as file:
                    words = file.read().split(b'\0')
            except OSError:
                continue
            if int(pid) != process and words[0] == self.program.encode() and any(
                    word.startswith(marker.encode()) for word in words):
                return int(pid)
        return None


class Proot(Opponent):
    """One version of it."""

    package = 'proot'
    redirects = frozenset(('open', 'stat'))

    def __init__(self, program, version):
        self.program = program
        self.version = version
        self.name = f'proot-{version}' if version else 'proot'
        self.title = f'PRoot {version}'.rstrip()

    def missing(self):
        return None if self.program else 'not installed'

    def wrap(self, rules, argv):
        binds = [word for source, to in rules.pairs for word in ('-b', f'{to}:{source}')]
        return [self.program, *binds, *argv], {}

    def supervisor(self, process, marker):
        return process


class Bubblewrap(Opponent):
    """A mount for each rule; nothing is asked afterwards."""

    name, title, package = 'bubblewrap', 'bubblewrap', 'bubblewrap'
    redirects = frozenset(('open', 'stat'))

    def missing(self):
        return None if shutil.which('bwrap') else 'not installed'

    def wrap(self, rules, argv):
        binds = [word for source, to in rules.pairs for word in ('--bind', to, source)]
        return [shutil.which('bwrap'), '--dev-bind', '/', '/', *binds, '--', *argv], {}


class Fakechroot(Opponent):
    """A preloaded library, told of one tree: the rules are files in it."""

    name, title, package = 'fakechroot', 'fakechroot', 'fakechroot'
    redirects = frozenset(('open', 'stat'))

    def __init__(self):
        found = glob.glob('/usr/lib/*/fakechroot/libfakechroot.so')
        self.library = found[0] if found else None

    def missing(self):
        return None if self.library else 'not installed'

    def wrap(self, rules, argv):
        return argv, {'LD_PRELOAD': self.library, 'FAKECHROOT': 'true',
                      'FAKECHROOT_BASE': rules.base,
                      'FAKECHROOT_EXCLUDE_PATH': ':'.join(rules.outside)}


class Supervisor(Opponent):
    """bench/supervise.c."""

    most_rules = 1 << 30

    def __init__(self, program, mode):
        self.program = program
        self.mode = mode
        self.name = mode
        self.title = mode.upper()
        if mode == 'addfd':
            self.redirects = frozenset(('open', 'connect'))
            # They come as arguments.
            self.most_rules = 10000

    def wrap(self, rules, argv):
        pairs = [f'{source}={to}' for source, to in rules.pairs + rules.addresses]
        return [self.program, self.mode, *(pairs if self.mode == 'addfd' else []), '--',
                *argv], {}

    def supervisor(self, process, marker):
        return process


def proots():
    """Every PRoot in PATH, a version once; one that is missing where there is none."""
    found = {}
    for directory in os.environ.get('PATH', '').split(':'):
        program = os.path.realpath(os.path.join(directory, 'proot'))
        if os.access(program, os.X_OK) and not os.path.isdir(program):
            version = first_line([program, '--version'], r'v?(\d+\.\d+(?:\.\d+)?)')
            found.setdefault(version, Proot(program, version))
    return list(found.values()) or [Proot(None, '')]


def all_opponents(build):
    """In the order in which they are shown."""
    supervise = os.path.join(build, 'bench', 'bench_supervise')
    return [Bare(), Pointsman(os.path.join(build, 'pointsman'), 'ptrace'),
            Pointsman(os.path.join(build, 'pointsman'), 'ptrace', loose=True),
            Pointsman(os.path.join(build, 'pointsman'), 'notify'), *proots(), Bubblewrap(),
            Fakechroot(), Supervisor(supervise, 'continue'), Supervisor(supervise, 'addfd')]


def present(opponents, rules):
    """Those that work here, and of the others why not and what would help."""
    here, others = [], []
    for opponent in opponents:
        reason = opponent.missing()
        package = opponent.package if reason else ''
        reason = reason or opponent.probe(rules)
        if reason:
            others.append({'opponent': opponent.title, 'reason': reason, 'package': package})
        else:
            here.append(opponent)
    return here, others


def versions():
    """Of what is compared."""
    return {'bubblewrap': first_line(['bwrap', '--version'], r'(\d\S*)'),
            'fakechroot': first_line(['fakechroot', '--version'], r'(\d\S*)')}
