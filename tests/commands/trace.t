#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# pointsman trace: the calls of a command, readable, and nothing done to it.
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../harness'))
import tap  # noqa: E402
from tap import LIMIT, PM, same  # noqa: E402

OPENER = '''import os, sys
for path in sys.argv[1:]:
    try:
        os.close(os.open(path, os.O_RDONLY))
        print('opened')
    except OSError as error:
        print(error.strerror)
'''


def trace(*argv, **more):
    more.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.run([PM, 'trace', *argv], capture_output=True, timeout=LIMIT, check=False,
                          **more)


def opener(run, *paths):
    """A command that opens these."""
    return ['--', sys.executable, '-S', run.path('opener.py', OPENER), *paths]


def lines_of(done, *words):
    """The lines of the trace that have all of these words, without pid and comm."""
    found = [x for x in done.stderr.decode().splitlines() if all(w in x for w in words)]
    return [re.sub(r'^ *\d+ \S+ +', '', x) for x in found]


def wrong_uses(_run):
    see = "see 'pointsman help trace'"
    for argv, message in [
        ([], f'no command given; {see}'),
        (['--'], f'no command given; {see}'),
        (['--frob', 'true'], f"unknown option '--frob'; {see}"),
        (['-x', 'true'], f"unknown option '-x'; {see}"),
        (['-o'], "option '-o' needs an argument"),
        (['--audit', 'x', 'true'], f"unknown option '--audit'; {see}"),
        (['--color', 'blue', 'true'], "--color: 'blue', expected auto, always or never"),
        (['--backend', 'blue', 'true'],
         "--backend: 'blue' is not a backend; 'auto', 'notify' and 'ptrace' are"),
        (['--json', '-c', 'true'], '--json and a summary, expected one of them'),
        (['-o', '/nowhere/x', 'true'],
         "--output: cannot open '/nowhere/x': No such file or directory"),
        (['--policy', '/nowhere', 'true'],
         '/nowhere: cannot be read: No such file or directory'),
    ]:
        done = trace(*argv)
        same((done.returncode, done.stderr.decode(), done.stdout),
             (125, f'pointsman: {message}\n', b''))


def statuses_are_those_of_the_command(run):
    for command, status in [('exit 0', 0), ('exit 3', 3), ('kill -TERM $$', -15),
                            ('kill -KILL $$', -9)]:
        same(trace('-o', '/dev/null', 'sh', '-c', command).returncode, status)
    done = trace('-c', run.path('missing'))
    same(done.returncode, 127)
    assert b'cannot run' in done.stderr and b'in all' not in done.stderr, done.stderr
    same(trace('-c', run.path('closed', 'x')).returncode, 126)


def the_command_is_left_alone(run):
    """Its input, output, arguments, descriptors; and it sees no other files."""
    code = 'import os,sys; print(sys.stdin.read(), os.listdir("/proc/self/fd"), sys.argv)'
    argv = ['--', sys.executable, '-S', '-c', code, '--', '-o', 'x']
    bare = subprocess.run(argv[1:], input=b'in', capture_output=True, check=True)
    done = trace(*argv, stdin=None, input=b'in')
    same((done.returncode, done.stdout), (0, bare.stdout))
    policy = run.path('policy.yaml', f'version: 1\nrules:\n'
                      f'- {{path: {run.path("a", "a")}, deny: EIO}}\n'
                      f'- {{path: {run.path("b")}, redirect: {{path: {run.path("a")}}}}}\n')
    done = trace('--policy', policy, *opener(run, run.path('a'), run.path('b')))
    same((done.returncode, done.stdout), (0, b'opened\nNo such file or directory\n'))
    same([x for x in lines_of(done, 'openat', f'read {run.dir}/') if 'opener.py' not in x],
         [f'openat         read {run.path("a")}  refused: EIO by rules[0], {policy}:3',
          f'openat         read {run.path("b")}  => {run.path("a")} by rules[1], {policy}:4'])


def every_call_that_names_something(run):
    code = f'''import os, socket
os.rename("{run.path('a', '')}", "{run.path('c')}")
os.symlink("x", "{run.path('link')}")
socket.socket().connect_ex(("127.0.0.1", 1))
socket.socket(socket.AF_UNIX).connect_ex("\\0none")
os.open("{run.path('new')}", os.O_RDWR | os.O_CREAT)
os.spawnv(os.P_WAIT, "{run.path('s', '#!/bin/sh' + chr(10), 0o755)}", ["s", "one two"])
'''
    done = trace('--', sys.executable, '-S', '-c', code)
    text = '\n'.join(lines_of(done))
    for line in [f'rename         {run.path("a")} -> {run.path("c")}',
                 f'symlink        x {run.path("link")}',
                 'connect        127.0.0.1:1',
                 'connect        unix:@none',
                 f'openat         read+write+create {run.path("new")}',
                 f'execve         {run.path("s")} [s one two] by '
                 + os.path.realpath('/bin/sh')]:
        assert re.search(f'^{re.escape(line)}$', text, re.M), (line, text[-2000:])


def names_are_text(run):
    path = run.path('x\x1b[31m\n\u202e') + '\udcff'
    done = trace(*opener(run, path))
    same(lines_of(done, 'read ', 'x\\x'),
         [f'openat         read {run.dir}/x\\x1b[31m\\x0a\\xe2\\x80\\xae\\xff  ENOENT'])
    assert b'\x1b' not in done.stderr


def a_summary(run):
    policy = run.path('policy.yaml', f'version: 1\nrules:\n'
                      f'- {{path: {run.path("a")}, deny: EIO}}\n'
                      f'- {{path: {run.path("b")}, redirect: {{path: {run.path("c", "")}}}}}\n')
    argv = ['--policy', policy, *opener(run, run.path('a'), run.path('b'), run.path('x'))]
    only, both = trace('-c', *argv), trace('-C', *argv)
    tables = only.stderr.decode()
    table = {x.split(None, 4)[4]: x.split()[:4] for x in tables.splitlines() if x.strip()}
    same(table['rules[0], ' + policy + ':3'], ['1', '0', '1', '0'])
    same(table['rules[1], ' + policy + ':4'], ['1', '1', '0', '0'])
    same(table['openat'][1:3], ['1', '1'])
    assert int(table['openat'][3]) >= 1, table
    assert lines_of(both, 'read ' + run.path('x')), both.stderr
    assert both.stderr.endswith(b'  in all\n'), both.stderr
    same(lines_of(only, 'read '), [])
    same(trace('-c', *argv).stdout, only.stdout)


def json_is_the_audit(run):
    out = run.path('out')
    path = run.path('a', '')
    done = trace('--json', '-o', out, *opener(run, path))
    same((done.returncode, done.stdout, done.stderr), (0, b'opened\n', b''))
    with open(out, encoding='utf-8') as file:
        lines = [json.loads(x) for x in file]
    same(lines[0]['type'], 'start')
    opened = [x for x in lines if x['type'] == 'call' and x['call'] == 'openat' and
              x['deep']['pathname']['name'] == path]
    same([(x['verdict'], x['layers']) for x in opened], [('allow', [])])


def on_a_terminal(run, columns, **env):
    """What a trace writes to a terminal of so many columns."""
    path = run.path('d' * 200 + '/' + 'e' * 200, '')
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    child = subprocess.Popen([PM, 'trace', *opener(run, path, run.path('none'))], stdin=slave,
                             stdout=subprocess.DEVNULL, stderr=slave,
                             env={**os.environ, 'TERM': 'xterm', **env})
    os.close(slave)
    out = b''
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            break
        if not part:
            break
        out += part
    os.close(master)
    same(child.wait(LIMIT), 0)
    return out.decode().replace('\r\n', '\n').splitlines()


def a_backend_is_chosen(run):
    """The one that was asked for, and what 'pointsman run' says where it does not work."""
    for backend in ('ptrace', 'notify'):
        done = trace('--json', '-o', run.path('lines'), '--backend', backend, 'true')
        ran = subprocess.run([PM, 'run', '--backend', backend, 'true'], capture_output=True,
                             check=False, timeout=LIMIT)
        same((done.returncode, done.stderr), (ran.returncode, ran.stderr))
        with open(run.path('lines'), encoding='utf-8') as file:
            start = json.loads(file.readline())
        same((start['type'], start['backend']), ('start', backend))


def lines_fit_a_terminal(run):
    for columns in (40, 59, 60, 80, 132, 200):
        lines = on_a_terminal(run, columns)
        plain = [re.sub(r'\x1b\[\d*m', '', x) for x in lines]
        same([x for x in plain if len(x) > columns], [])
        cut = [x for x in plain if 'eeeee' in x]
        assert len(cut) == 1 and '…' in cut[0] and len(cut[0]) == columns, cut
        assert any('\x1b[36mopenat' in x for x in lines)
        assert any('\x1b[2mENOENT\x1b[0m' in x for x in lines), lines[-3:]


def no_color(run):
    for env in ({'NO_COLOR': '1'}, {'TERM': 'dumb'}):
        assert not any('\x1b' in x for x in on_a_terminal(run, 80, **env))
    assert any('\x1b' in x for x in on_a_terminal(run, 80, NO_COLOR=''))
    assert b'\x1b[36m' in trace('--color=always', *opener(run)).stderr
    assert b'\x1b' not in trace(*opener(run)).stderr


def signals_go_to_the_command(run):
    """A signal to trace is one to the command; the summary still comes."""
    code = '''import signal, sys
def stop(number, frame):
    print("stopped", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while True:
    signal.pause()
'''
    child = subprocess.Popen([PM, 'trace', '-c', '--', sys.executable, '-S', '-c', code],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    same(child.stdout.readline(), b'ready\n')
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=LIMIT)
    same((child.returncode, out), (7, b'stopped\n'))
    assert b'in all' in err, err


def what_is_left_behind(run):
    """Who waits for processes that the command has left can stop waiting."""
    for number in (signal.SIGINT, signal.SIGTERM):
        fifo = run.path(f'fifo{number}')
        os.mkfifo(fifo)
        child = subprocess.Popen([PM, 'trace', '-c', '-o', f'{fifo}.trace', '--', 'sh', '-c',
                                  f'(cat {fifo} >{fifo}.out) </dev/null >/dev/null 2>&1 & exit 5'],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        # Once the command has ended it is a zombie, whose status trace takes last; it is
        # told of that when the tracer has been.
        while True:
            with open(f'/proc/{child.pid}/task/{child.pid}/children', encoding='ascii') as file:
                children = file.read().split()
            ended = [False]
            for pid in children:
                with open(f'/proc/{pid}/status', encoding='ascii') as file:
                    status = file.read()
                ended = ['State:\tZ' in status and 'TracerPid:\t0\n' in status]
            if all(ended):
                break
            assert child.poll() is None
            os.sched_yield()
        child.send_signal(number)
        same(child.wait(LIMIT), 5)
        with open(f'{fifo}.trace', encoding='utf-8') as file:
            assert 'in all' in file.read()
        # It goes on, and to its end.
        with open(fifo, 'w', encoding='ascii') as file:
            file.write('more')
        while not os.path.exists(f'{fifo}.out') or not os.path.getsize(f'{fifo}.out'):
            os.sched_yield()


def a_reader_that_goes(run):
    """The command does not notice that nobody reads the trace."""
    argv = opener(run, *[run.path(f'x{i}') for i in range(300)])
    child = subprocess.Popen(['sh', '-c', '"$@" 2>&1 >&3 3>&- | head -n 1 >/dev/null; wait', 'sh',
                              PM, 'trace', *argv], stdout=subprocess.PIPE, pass_fds=[],
                             preexec_fn=lambda: os.dup2(1, 3), close_fds=False)
    out, _ = child.communicate(timeout=LIMIT)
    same(out.count(b'No such file'), 300)


def help_is_help(_run):
    same(trace('--help').stdout, subprocess.run([PM, 'help', 'trace'], capture_output=True,
                                                check=True).stdout)


TESTS = [wrong_uses, statuses_are_those_of_the_command, the_command_is_left_alone,
         every_call_that_names_something, names_are_text, a_summary, json_is_the_audit,
         a_backend_is_chosen, lines_fit_a_terminal, no_color, signals_go_to_the_command,
         what_is_left_behind, a_reader_that_goes, help_is_help]

sys.exit(tap.main(TESTS))
