# SPDX-License-Identifier: LGPL-2.1-or-later
"""What TAP programs in Python share.

Each test is a function that is given a Run in a directory of its own; it fails
by raising, or is skipped by raising Skip with the reason.  Every program ends with sys.exit(tap.main(TESTS)).
"""
import os
import subprocess
import sys
import tempfile
import traceback

SRC = os.environ.get('PM_SRC') or os.path.abspath(os.path.dirname(__file__) + '/../..')
BUILD = os.environ.get('PM_BUILD', SRC + '/build')
PM = os.environ.get('PM', BUILD + '/pointsman')
LIMIT = 60 * float(os.environ.get('PM_TIME_SCALE', 1))


class Skip(Exception):
    """This cannot be tested here."""


class Run:
    """Runs of pointsman, in a directory that is theirs."""

    def __init__(self, directory):
        self.dir = directory
        self.audit = directory + '/audit'

    def path(self, name, content=None, mode=None):
        """The path of name in the directory; made with content, where that is given."""
        path = os.path.join(self.dir, name)
        if content is not None:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w', encoding='utf-8') as file:
                file.write(content)
        if mode is not None:
            os.chmod(path, mode)
        return path

    def __call__(self, options, command, audit=True, **more):
        argv = [PM, 'run', *options, *(['--audit', self.audit] if audit else []), '--', *command]
        more.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.run(argv, capture_output=True, timeout=LIMIT, check=False, **more)


def same(got, expected):
    assert got == expected, f'expected {expected!r}, got {got!r}'


def main(tests, run=Run):
    """Run the tests, or those that are named on the command line; returns the status."""
    count = failed = 0
    for test in tests:
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        count += 1
        name = test.__name__.replace('_', ' ')
        with tempfile.TemporaryDirectory() as directory:
            try:
                test(run(os.path.realpath(directory)))
                print('ok', count, '-', name)
            except Skip as reason:
                print('ok', count, '-', name, '# SKIP', reason)
            except Exception:  # whatever it is, the test has failed
                failed += 1
                print('not ok', count, '-', name)
                print('\n'.join('# ' + x for x in traceback.format_exc(limit=-2).splitlines()))
        sys.stdout.flush()
    print(f'1..{count}')
    return failed > 0
