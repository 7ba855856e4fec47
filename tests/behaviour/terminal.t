#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The terminal: keys, job control, window sizes and hang-ups reach a program
# under pointsman as they do without it.  Every scenario plays twice on a
# terminal of its own, and its outcome must be the same, and the expected one.
# Names of scenarios as arguments: only these.
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import struct
import sys
import tempfile
import termios
import time
import traceback

SRC = os.environ.get('PM_SRC') or os.path.abspath(os.path.dirname(__file__) + '/../..')
BUILD = os.environ.get('PM_BUILD', SRC + '/build')
PM = [os.environ.get('PM', BUILD + '/pointsman'), 'run', '--deny', '/no/such/file', '--']
TIMEOUT = 30 * float(os.environ.get('PM_TIME_SCALE', 1))


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


class Terminal:
    """A program on a terminal of its own, as the leader of its session."""

    def __init__(self, argv):
        self.seen = ''
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(PS1='$ ', TERM='vt100', LC_ALL='C.UTF-8', HISTFILE='/dev/null')
            try:
                set_size(0, 24, 80)
                os.execvp(argv[0], argv)
            finally:
                os._exit(127)

    def send(self, text):
        os.write(self.fd, text.encode())

    def line(self, text):
        self.send(text + '\r')

    def expect(self, pattern, key=None):
        """
        Wait for what pattern matches in what was not yet taken; take it and return it.
        With a key, press it until then: ncurses ignores ^Z while it paints.
        """
        end = time.monotonic() + TIMEOUT
        while True:
            if key and not select.select([self.fd], [], [], 0.3)[0]:
                self.send(key)
            found = re.search(pattern, self.seen, re.S)
            if found:
                self.seen = self.seen[found.end():]
                return found.group(0)
            left = end - time.monotonic()
            ready = left > 0 and select.select([self.fd], [], [], left)[0]
            if not ready:
                raise AssertionError(f'waited for {pattern!r}, saw {self.seen!r}')
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # EIO: nobody has the terminal open any more
                data = b''
            if not data:
                raise AssertionError(f'ended; waited for {pattern!r}, saw {self.seen!r}')
            self.seen += data.decode(errors='replace')

    def resize(self, rows, columns):
        set_size(self.fd, rows, columns)

    def program(self):
        """Wait until the shell has given the terminal to a program; keys are the program's then."""
        wait_for(lambda: os.tcgetpgrp(self.fd) != self.pid, 'a program in the foreground')

    def run(self, argv):
        """Run a program in the foreground of the shell; wait for the "ready" that it says."""
        self.line(shlex.join(argv))
        self.expect('\nready\r\n')
        self.program()

    def pipeline(self, *programs):
        """Run those, which say "begun", in the foreground of the shell; wait until all are there."""
        self.line(' | '.join(programs))
        for _ in programs:
            self.expect(r'begun\r\n')
        self.program()

    def hang_up(self):
        os.close(self.fd)
        self.fd = -1

    def wait(self, options=0):
        """Like waitpid(2), with a limit; the status in words."""
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            # What it still prints must be taken, or it waits for that.
            if self.fd >= 0 and select.select([self.fd], [], [], 0.01)[0]:
                try:
                    self.seen += os.read(self.fd, 65536).decode(errors='replace')
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, options | os.WNOHANG)
            if not pid:
                continue
            if os.WIFSTOPPED(status):
                return 'stopped by ' + signal.Signals(os.WSTOPSIG(status)).name
            if os.WIFCONTINUED(status):
                return 'continued'
            self.status = status
            if os.WIFSIGNALED(status):
                return 'killed by ' + signal.Signals(os.WTERMSIG(status)).name
            return f'status {os.WEXITSTATUS(status)}'
        raise AssertionError(f'does not end; saw {self.seen!r}')

    def close(self):
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except OSError:
                pass
        if self.fd >= 0:
            os.close(self.fd)


def wait_for(condition, what):
    end = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f'waited for {what}')
        time.sleep(0.01)


# A scenario is given what stands before a program and a list that keeps its
# terminals; it returns its outcome.

def start(terminals, argv):
    terminals.append(Terminal(argv))
    return terminals[-1]


CAT = ['sh', '-c', 'echo ready; exec cat']
# What a shell has not executed yet still takes signals as the shell does: this says when.
BEGUN = """sh -c 'echo begun >&2; exec "$@"' sh"""


def shell(terminals, prefix=()):
    """An interactive bash, at its first prompt."""
    terminal = start(terminals, [*prefix, 'bash', '--norc', '--noprofile', '-i'])
    terminal.line('bind "set enable-bracketed-paste off" 2>/dev/null; PS1="pro""mpt> "')
    terminal.expect('prompt> ')
    return terminal


def interrupted(prefix, terminals):
    terminal = start(terminals, [*prefix, 'sh', '-c', 'echo ready; exec sleep 1000'])
    terminal.expect('ready')
    terminal.send('\x03')
    return terminal.wait()


def quit_key(prefix, terminals):
    terminal = start(terminals, [*prefix, 'sh', '-c', 'ulimit -c 0; echo ready; exec sleep 1000'])
    terminal.expect('ready')
    terminal.send('\x1c')
    return terminal.wait()


def interrupt_caught(prefix, terminals):
    script = "trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.01; done"
    terminal = start(terminals, [*prefix, 'sh', '-c', script])
    terminal.expect('ready')
    terminal.send('\x03')
    terminal.expect('caught')
    return terminal.wait()


def whole_pipeline_interrupted(prefix, terminals):
    terminal = shell(terminals)
    run = shlex.join(prefix)
    terminal.pipeline(f'{run} {BEGUN} sleep 1000', f'{run} {BEGUN} cat')
    terminal.send('\x03')
    terminal.expect('prompt> ')
    terminal.line('echo "rc=${PIPESTATUS[*]}"; exit')
    return terminal.expect(r'rc=\d[\d ]*').strip()


def stop_and_fg(prefix, terminals):
    terminal = shell(terminals)
    terminal.run([*prefix, *CAT])
    terminal.line('one')
    terminal.expect(r'one\r\none\r\n')
    terminal.send('\x1a')
    terminal.expect('Stopped')
    terminal.expect('prompt> ')
    terminal.line('fg')
    terminal.program()
    terminal.line('two')
    terminal.expect(r'two\r\ntwo\r\n')
    terminal.send('\x1a')
    terminal.expect('Stopped')
    terminal.expect('prompt> ')
    terminal.line('fg')
    terminal.program()
    terminal.send('\x04')
    terminal.expect('prompt> ')
    terminal.line('echo rc=$?; exit')
    return terminal.expect(r'rc=\d+')


def stop_seen_by_parent(prefix, terminals):
    terminal = start(terminals, [*prefix, 'sh', '-c', 'echo ready; read line; exit 5'])
    terminal.expect('ready')
    os.kill(terminal.pid, signal.SIGSTOP)
    outcome = [terminal.wait(os.WUNTRACED)]
    os.kill(terminal.pid, signal.SIGCONT)
    outcome.append(terminal.wait(os.WCONTINUED))
    terminal.line('go')
    outcome.append(terminal.wait())
    return outcome


def bg_continues(prefix, terminals):
    terminal = shell(terminals)
    terminal.run([*prefix, 'sh', '-c', 'sleep 1000 & echo ready; wait; echo never'])
    terminal.send('\x1a')
    terminal.expect('Stopped')
    terminal.line('bg; jobs -r | grep -c sleep')
    terminal.expect(r'\n1\r')
    terminal.line('kill %1; wait %1; echo rc=$?; exit')
    return terminal.expect(r'rc=\d+')


def wait_stopped(terminal):
    """Wait until the only job of the shell is stopped."""
    terminal.line('while ! jobs | grep -q Stop""ped; do sleep 0.01; done; jobs')
    stopped = terminal.expect(r'\n\[1\]\+ +Stopped')[-7:]
    terminal.expect('prompt> ')
    return stopped


def background_read(prefix, terminals):
    terminal = shell(terminals)
    terminal.line(shlex.join([*prefix, 'cat']) + ' &')
    terminal.expect('prompt> ')
    stopped = wait_stopped(terminal)
    terminal.line('fg')
    terminal.program()
    terminal.line('line')
    terminal.expect(r'line\r\nline\r\n')
    terminal.send('\x04')
    terminal.expect('prompt> ')
    terminal.line('echo rc=$?; exit')
    return stopped, terminal.expect(r'rc=\d+')


def background_write(prefix, terminals):
    terminal = shell(terminals)
    terminal.line('stty tostop; ' + shlex.join([*prefix, 'sh', '-c', 'echo wr""itten']) + ' &')
    terminal.expect('prompt> ')
    stopped = wait_stopped(terminal)
    terminal.line('fg')
    terminal.expect('\nwritten')
    terminal.line('echo rc=$?; exit')
    return stopped, terminal.expect(r'rc=\d+')


def window_size(prefix, terminals):
    script = ("trap 'stty size' WINCH; stty size; echo ready; "
              "while read -r line && [ \"$line\" != end ]; do :; done; exit 3")
    terminal = start(terminals, [*prefix, 'bash', '-c', script])
    outcome = [terminal.expect(r'\d+ \d+')]
    terminal.expect('ready')
    terminal.resize(33, 99)
    # A trap waits for the read to end.
    terminal.line('more')
    outcome.append(terminal.expect('33 99'))
    terminal.line('end')
    return outcome, terminal.wait()


FULL_SCREEN = '''
import curses
def main(screen):
    # A signal between the painting and the reading is seen at the next round.
    screen.timeout(50)
    while True:
        rows, columns = screen.getmaxyx()
        screen.erase()
        screen.addstr(0, 0, f"size<{rows}x{columns}>")
        screen.refresh()
        if screen.getch() == ord("q"):
            return
curses.wrapper(main)
'''


def full_screen(prefix, terminals):
    terminal = start(terminals, [*prefix, 'python3', '-c', FULL_SCREEN])
    outcome = [terminal.expect('size<.*?>')]
    terminal.resize(40, 120)
    outcome.append(re.sub(r'\x1b\[[0-9;?]*[a-zA-Z]', '', terminal.expect('40.*?x.*?120')))
    terminal.send('q')
    return outcome, terminal.wait()


def full_screen_stopped(prefix, terminals):
    """A program that restores the terminal when it is stopped, and paints again after."""
    terminal = shell(terminals)
    path = tempfile.mktemp()
    with open(path, 'w', encoding='ascii') as script:
        script.write(FULL_SCREEN)
    try:
        terminal.line(shlex.join([*prefix, 'python3', path]))
        terminal.expect('size<24x80>')
        terminal.expect('Stopped', key='\x1a')
        terminal.expect('prompt> ')
        terminal.line('fg')
        terminal.expect('size<24x80>')
        terminal.send('q')
        terminal.expect('prompt> ')
        terminal.line('echo rc=$?; exit')
        return terminal.expect(r'rc=\d+')
    finally:
        os.unlink(path)


def interactive_shell(prefix, terminals):
    """Job control in a shell that is under pointsman itself."""
    terminal = shell(terminals, prefix)
    outcome = []
    terminal.line('case $- in *m*) echo job""control;; esac')
    outcome.append(terminal.expect('jobcontrol'))
    terminal.line(f'{BEGUN} sleep 1000 &')
    terminal.expect(r'begun\r\n')
    terminal.line('jobs')
    outcome.append(terminal.expect('Running'))
    terminal.expect('prompt> ')
    terminal.line('kill %1; wait %1; echo rc=$?')
    outcome.append(terminal.expect(r'rc=\d+'))
    terminal.run(CAT)
    terminal.line('one')
    terminal.expect(r'one\r\none\r\n')
    terminal.send('\x1a')
    outcome.append(terminal.expect('Stopped'))
    terminal.expect('prompt> ')
    terminal.line('fg')
    terminal.program()
    terminal.send('\x03')
    terminal.expect('prompt> ')
    terminal.line('echo rc=$?')
    outcome.append(terminal.expect(r'rc=\d+'))
    terminal.pipeline(f'{BEGUN} sleep 1000', f'{BEGUN} cat')
    terminal.send('\x03')
    terminal.expect('prompt> ')
    terminal.line('exit 9')
    outcome.append(terminal.wait())
    return outcome


def belongs(prefix, terminals):
    script = ('import os; t = os.open("/dev/tty", os.O_RDWR); '
              'print(os.tcgetpgrp(t) == os.getpgrp() == os.getsid(0) == os.getpid(), '
              'os.ttyname(0) == os.ttyname(1))')
    terminal = start(terminals, [*prefix, 'python3', '-c', script])
    return terminal.expect('(True|False) (True|False)'), terminal.wait()


def hang_up(prefix, terminals):
    with tempfile.TemporaryDirectory() as directory:
        script = f"trap 'echo gone >{directory}/new; mv {directory}/new {directory}/gone; exit' HUP; " \
                 'echo ready; while :; do sleep 0.01; done'
        terminal = start(terminals, [*prefix, 'sh', '-c', script])
        terminal.expect('ready')
        terminal.hang_up()
        wait_for(lambda: os.path.exists(directory + '/gone'), 'the hang-up')
        return terminal.wait()


def standard_input(prefix, terminals):
    terminal = shell(terminals)
    run = shlex.join(prefix)
    terminal.line(f'echo pi""ped | {run} cat; {run} cat </dev/null; '
                  f'{run} wc -l < <({run} seq 1000); echo rc=$?; exit')
    return terminal.expect('\npiped'), terminal.expect('1000'), terminal.expect(r'rc=\d+')


SCENARIOS = [
    (interrupted, 'killed by SIGINT'),
    (quit_key, 'killed by SIGQUIT'),
    (interrupt_caught, 'status 7'),
    (whole_pipeline_interrupted, 'rc=130 130'),
    (stop_and_fg, 'rc=0'),
    (stop_seen_by_parent, ['stopped by SIGSTOP', 'continued', 'status 5']),
    (bg_continues, 'rc=143'),
    (background_read, ('Stopped', 'rc=0')),
    (background_write, ('Stopped', 'rc=0')),
    (window_size, (['24 80', '33 99'], 'status 3')),
    (full_screen, (['size<24x80>', '40x120'], 'status 0')),
    (full_screen_stopped, 'rc=0'),
    (interactive_shell, ['jobcontrol', 'Running', 'rc=143', 'Stopped', 'rc=130', 'status 9']),
    (belongs, ('True True', 'status 0')),
    (hang_up, 'status 0'),
    (standard_input, ('\npiped', '1000', 'rc=0')),
]


def play(scenario, prefix):
    terminals = []
    try:
        return scenario(prefix, terminals)
    except Exception:  # whatever it is, it is the outcome
        return traceback.format_exc(limit=2)
    finally:
        for terminal in terminals:
            terminal.close()


def main():
    count = failed = 0
    for scenario, expected in SCENARIOS:
        if sys.argv[1:] and scenario.__name__ not in sys.argv[1:]:
            continue
        for prefix, how in (['env'], 'without pointsman'), (PM, 'under pointsman'):
            outcome = play(scenario, prefix)
            good = outcome == expected
            count += 1
            failed += not good
            print('ok' if good else 'not ok', count, '-', scenario.__name__.replace('_', ' '), how)
            if not good:
                text = f'expected {expected!r}\ngot {outcome!r}' if not isinstance(outcome, str) \
                    else f'expected {expected!r}\n{outcome}'
                print('\n'.join('# ' + line for line in text.splitlines()))
            sys.stdout.flush()
    print(f'1..{count}')
    return failed > 0


sys.exit(main())
