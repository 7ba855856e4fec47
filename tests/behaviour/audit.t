#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The audit of real runs: what its lines say (docs/audit.md), and when.
import json
import os
import re
import select
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import traceback

SRC = os.environ.get('PM_SRC') or os.path.abspath(os.path.dirname(__file__) + '/../..')
BUILD = os.environ.get('PM_BUILD', SRC + '/build')
PM = os.environ.get('PM', BUILD + '/pointsman')
LIMIT = 60 * float(os.environ.get('PM_TIME_SCALE', 1))

MEMBERS = {
    'start': 'v type time version pid command policies kernel machine backend landlock mseal',
    'call': 'v type id time tgid tid comm exe arch call nr args deep layers layer rule source '
            'verdict errno value ran fails holds',
    'result': 'v type id time tgid tid comm call nr result errno',
}
NEEDED = {
    'start': MEMBERS['start'],
    'call': 'v type id time tgid tid comm arch call nr args layers layer verdict',
    'result': 'v type id time tgid tid comm call nr result',
}


class Run:
    """One run with an audit, in a directory of its own."""

    def __init__(self, directory):
        self.dir = directory
        self.audit = directory + '/audit'

    def path(self, name, content=None):
        path = os.path.join(self.dir, name)
        if content is not None:
            with open(path, 'w', encoding='utf-8') as file:
                file.write(content)
        return path

    def __call__(self, options, command, audit=True, **more):
        argv = [PM, 'run', *options, *(['--audit', self.audit] if audit else []), '--', *command]
        more.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.run(argv, capture_output=True, timeout=LIMIT, check=False, **more)

    def lines(self):
        """All lines, each of which must be what the documentation says."""
        with open(self.audit, encoding='utf-8') as file:
            text = file.read()
        assert text.endswith('\n'), 'the last line does not end'
        lines = [json.loads(line) for line in text.splitlines()]
        for line in lines:
            assert line['v'] == 1, line
            assert set(line) <= set(MEMBERS[line['type']].split()), line
            assert set(line) >= set(NEEDED[line['type']].split()), line
            assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z', line['time']), line
        assert lines[0]['type'] == 'start' and all(x['type'] != 'start' for x in lines[1:])
        return lines

    def calls(self, **like):
        """The calls whose members are these."""
        return [x for x in self.lines() if x['type'] == 'call'
                and all(x.get(key) == value for key, value in like.items())]

    def named(self, path, **like):
        """The calls that name path, as it was made."""
        return [x for x in self.calls(**like)
                if any(isinstance(item, dict) and item.get('name') == path
                       for item in x.get('deep', {}).values())]


def same(got, expected):
    assert got == expected, f'expected {expected!r}, got {got!r}'


def start_line(run):
    done = run(['--deny', '/no/such'], ['sh', '-c', 'echo $$; exit 3'])
    same(done.returncode, 3)
    start = run.lines()[0]
    same(start['command'], ['sh', '-c', 'echo $$; exit 3'])
    same(start['policies'], ['command line'])
    same(start['pid'], int(done.stdout))
    same(start['kernel'], os.uname().release)
    same(start['machine'], os.uname().machine)
    same(start['backend'], 'auto')
    same(stat.S_IMODE(os.stat(run.audit).st_mode), 0o600)


def a_denial(run):
    secret = run.path('secret', 'secret')
    done = run(['--deny', secret + ':EPERM'], ['sh', '-c', f'cat {secret}; echo $$'])
    assert b'Operation not permitted' in done.stderr, done
    line, = run.named(secret, verdict='deny')
    same(line['errno'], 'EPERM')
    same(line['layer'], 'command line')
    same(line['comm'], 'cat')
    same(os.path.basename(line['exe']), 'cat')
    same(line['call'], 'openat')
    item, = line['deep'].values()
    same((item['kind'], item['text'], item['classes']), ('path', secret, ['open-read']))
    last, = line['layers']
    same((last['depth'], last['name'], last['verdict'], last['errno']),
         (0, 'command line', 'deny', 'EPERM'))
    assert 'ran' not in line and 'holds' not in line, line
    same(line['args'][0], '0xffffff9c')
    assert line['tgid'] == line['tid'] != int(done.stdout), line


def a_rule_of_a_file(run):
    secret = run.path('secret', 'secret')
    policy = run.path('site.yaml', f'version: 1\ndefault: allow\nrules:\n'
                      f'  - class: remove\n    glob: /no/*\n    deny: EIO\n'
                      f'  - class: open-read\n    path: {secret}\n    deny: EIO\n')
    run(['--policy', policy], ['cat', secret])
    line, = run.named(secret, verdict='deny')
    assert re.fullmatch(re.escape(policy) + r':\d+', line['source']), line
    same(line['source'].rpartition(':')[2], '7')
    same(line['rule'], 'rules[1]')
    same(line['errno'], 'EIO')


def a_redirect(run):
    one, two = run.path('one', 'one'), run.path('two', 'two')
    done = run(['--path', f'{one}={two}'], ['cat', one])
    same(done.stdout, b'two')
    line, = run.named(one, verdict='redirect')
    same(line['call'], 'openat')
    item, = line['ran']['deep'].values()
    same((item['text'], item['name']), (two, two))
    result, = [x for x in run.lines() if x['type'] == 'result' and x['id'] == line['id']]
    assert result['result'] >= 3, result
    same((result['tid'], result['call'], result['nr']),
         (line['tid'], line['ran']['call'], line['ran']['nr']))
    order = [x.get('id') for x in run.lines() if x.get('id') == line['id']]
    same(len(order), 2)


def a_redirect_that_fails(run):
    one = run.path('one', 'one')
    done = run(['--path', f'{one}=/no/such/file'], ['cat', one])
    assert b'No such file' in done.stderr, done
    line, = run.named(one, verdict='redirect')
    assert 'ran' not in line or 'fails' not in line, line
    results = [x for x in run.lines() if x['type'] == 'result' and x['id'] == line['id']]
    # Where it is known before the call runs, the call does not run.
    assert all(x['errno'] == 'ENOENT' and x['result'] == -2 for x in results), results


def two_layers(run):
    one, two, three = (run.path(name, name) for name in ('one', 'two', 'three'))
    outer = run.path('outer.yaml', f'version: 1\ndefault: allow\nrules:\n  - class: open-read\n'
                     f'    path: {two}\n    redirect:\n      path: {three}\n')
    done = run(['--policy', outer, '--path', f'{one}={two}'], ['cat', one])
    same(done.stdout, b'three')
    line, = run.named(one, verdict='redirect')
    inner, last = line['layers']
    same((inner['depth'], inner['name'], inner['verdict']), (0, 'command line', 'redirect'))
    same(next(iter(inner['left']['deep'].values()))['name'], two)
    same((last['depth'], last['verdict']), (1, 'redirect'))
    assert 'left' not in last, last
    same(next(iter(line['ran']['deep'].values()))['name'], three)
    same(line['layer'], last['name'])
    same(run.lines()[0]['policies'], ['command line', outer])


def an_inner_denial_is_final(run):
    one = run.path('one', 'one')
    outer = run.path('outer.yaml', f'version: 1\ndefault: allow\nrules:\n  - class: open-read\n'
                     f'    path: {one}\n    deny: EIO\n')
    run(['--policy', outer, '--deny', one + ':EPERM'], ['cat', one])
    line, = run.named(one, verdict='deny')
    same((line['errno'], len(line['layers'])), ('EPERM', 1))


def written_before_the_answer(run):
    secret = run.path('secret', 'secret')
    script = f': <{secret}\n grep -c \'"verdict":"deny"\' {run.audit}'
    done = run(['--deny', secret], ['bash', '-c', script])
    same(done.stdout, b'1\n')


def a_descriptor(run):
    secret = run.path('secret', 'secret')
    with open(run.audit, 'w', encoding='utf-8') as file:
        run(['--audit-fd', str(file.fileno()), '--deny', secret], ['cat', secret], audit=False,
            pass_fds=[file.fileno()])
    assert run.named(secret, verdict='deny')


def standard_error(run):
    secret = run.path('secret', 'secret')
    done = run(['--audit-fd', '2', '--audit-decided', '--deny', secret],
               ['sh', '-c', f'cat {secret} 2>/dev/null; echo still here >&2'], audit=False)
    text = done.stderr.decode()
    assert '"verdict":"deny"' in text and 'still here' in text, text


def all_or_decided(run):
    secret, free = run.path('secret', 'secret'), run.path('free', 'free')
    run(['--deny', secret], ['cat', secret, free])
    assert run.named(free, verdict='allow') and run.named(secret, verdict='deny')
    os.unlink(run.audit)
    run(['--audit-decided', '--deny', secret], ['cat', secret, free])
    assert not run.calls(verdict='allow') and run.named(secret, verdict='deny')
    os.unlink(run.audit)
    policy = run.path('log.yaml', f'version: 1\ndefault: allow\nrules:\n  - class: open-read\n'
                      f'    path: {free}\n    allow: true\n    log: true\n')
    run(['--audit-decided', '--policy', policy], ['cat', secret, free])
    line, = run.calls(call='openat')
    same(next(iter(line['deep'].values()))['name'], free)
    assert line['layers'][0]['log'] is True, line


ADDRESSES = '''
import socket
def attempt(family, address):
    s = socket.socket(family, socket.SOCK_STREAM)
    try:
        s.connect(address)
    except OSError as error:
        print(error.errno)
attempt(socket.AF_INET, ("127.0.0.1", 9))
attempt(socket.AF_INET6, ("::1", 9))
attempt(socket.AF_UNIX, "/no/such/socket")
attempt(socket.AF_UNIX, b"\\0none\\xff")
'''


def addresses(run):
    policy = run.path('net.yaml', 'version: 1\ndefault: allow\nrules:\n  - class: connect\n'
                      '    deny: EHOSTDOWN\n')
    done = run(['--policy', policy, '--audit-decided'], [sys.executable, '-c', ADDRESSES])
    same(done.stdout.split(), [b'112'] * len(done.stdout.split()))
    seen = [next(x for x in line['deep'].values() if x['kind'] == 'address')
            for line in run.calls(call='connect')]
    for address in seen:
        same(address.pop('classes'), ['connect'])
        same((address.pop('kind'), address.pop('arg')), ('address', 1))
    expected = [{'family': 'inet', 'address': '127.0.0.1', 'port': 9},
                {'family': 'unix', 'path': '/no/such/socket'},
                {'family': 'unix', 'abstract': {'hex': b'none\xff'.hex()}}]
    if socket.has_ipv6 and len(seen) == 4:
        expected.insert(1, {'family': 'inet6', 'address': '::1', 'port': 9})
    same(seen, expected)


def arguments_and_environment(run):
    odd = b'\xff\xfe'
    policy = run.path('exec.yaml', 'version: 1\ndefault: allow\nrules:\n  - class: exec\n'
                      '    allow: true\n    log: true\n')
    true = os.path.realpath(shutil.which('true'))
    code = ('import os, sys; '
            f'os.execve({true!r}, [b"true", b"a b", b"", b"\\xff\\xfe", "y" * 5000], '
            '{b"X": b"1", b"Y": b"2"})')
    same(run(['--policy', policy, '--audit-decided'], [sys.executable, '-c', code]).returncode, 0)
    line = run.named(true)[-1]
    same(line['deep']['argv']['list'],
         ['true', 'a b', '', {'hex': odd.hex()}, {'utf8': 'y' * 4096, 'len': 5000, 'cut': True}])
    same(sorted(line['deep']['envp']['list']), ['X=1', 'Y=2'])


def odd_names(run):
    name = os.fsencode(run.dir) + b'/\xff\n"\\'
    with open(name, 'wb'):
        pass
    run(['--deny', '/no/such'], ['cat', name])
    line, = [x for x in run.calls(comm='cat', call='openat')
             if next(iter(x['deep'].values())).get('name') == {'hex': name.hex()}]
    same(next(iter(line['deep'].values()))['text'], {'hex': name.hex()})
    run(['--deny', '/no/such'], ['cat', run.path('\u00e4\t"', 'x')])
    with open(run.audit, encoding='utf-8') as file:
        assert '\u00e4\\t\\"' in file.read()


def closed_pipe_refuses_all(run):
    """Nobody reads the audit any more: what would be told of is refused."""
    free = run.path('free', 'free')
    read, write = os.pipe()
    with subprocess.Popen([PM, 'run', '--audit-fd', str(write), '--deny', '/no/such', '--', 'bash',
                           '-c', f'echo ready; read go; : <{free} && echo open; echo end'],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          pass_fds=[write]) as child:
        os.close(write)
        # The pipe is emptied until the shell waits for its input.
        while child.stdout not in select.select([child.stdout, read], [], [], LIMIT)[0]:
            os.read(read, 65536)
        same(child.stdout.readline(), b'ready\n')
        os.close(read)
        out, err = child.communicate(b'go\n', LIMIT)
    same(out, b'end\n')
    assert b'Broken pipe' in err, err


def many_processes(run):
    script = 'for i in 1 2 3 4 5 6 7 8; do (for j in 1 2 3 4 5; do cat /dev/null; done) & done; wait'
    same(run(['--deny', '/no/such'], ['sh', '-c', script]).returncode, 0)
    calls = run.calls()
    ids = [x['id'] for x in calls]
    same(ids, sorted(set(ids)))
    same(len([x for x in run.named('/dev/null', call='openat') if x['comm'] == 'cat']), 40)


def appends(run):
    run([], ['true'])
    run([], ['true'])
    with open(run.audit, encoding='utf-8') as file:
        same([json.loads(x)['type'] for x in file], ['start', 'start'])


def built_in(run):
    code = ('import ctypes, os; libc = ctypes.CDLL(None, use_errno=True); '
            'print(libc.syscall(425, 1, 0), ctypes.get_errno())')
    done = run(['--deny', '/no/such'], [sys.executable, '-c', code])
    same(done.stdout, b'-1 38\n')
    line, = run.calls(call='io_uring_setup')
    same((line['layer'], line['verdict'], line['errno'], line['rule']),
         ('pointsman', 'deny', 'ENOSYS', 'built-in: io_uring'))


def answered_by_value(run):
    policy = run.path('value.yaml', 'version: 1\ndefault: allow\nrules:\n'
                      '  - syscall: getppid\n    value: 4711\n')
    done = run(['--policy', policy], [sys.executable, '-c', 'import os; print(os.getppid())'])
    same(done.stdout, b'4711\n')
    line, = run.calls(call='getppid')
    same((line['verdict'], line['value']), ('value', 4711))
    assert 'deep' not in line and 'ran' not in line, line


def a_kill(run):
    secret = run.path('secret', 'secret')
    policy = run.path('kill.yaml', f'version: 1\ndefault: allow\nrules:\n  - class: open-read\n'
                      f'    path: {secret}\n    kill: true\n')
    done = run(['--policy', policy], ['cat', secret])
    assert done.returncode < 0 and done.stdout == b'', done
    line, = run.named(secret, verdict='kill')
    same((line['layer'], line['rule']), (policy, 'rules[0]'))
    assert 'ran' not in line, line


def the_documentation(_run):
    """Its examples are lines, and its tables name all members."""
    with open(SRC + '/docs/audit.md', encoding='utf-8') as file:
        text = file.read()
    examples = [json.loads(x) for x in re.findall(r'```json\n(.*?)\n```', text, re.S)]
    same({x['type'] for x in examples}, set(MEMBERS))
    for example in examples:
        assert set(example) <= set(MEMBERS[example['type']].split()), example
        assert set(example) >= set(NEEDED[example['type']].split()), example
    for kind, members in MEMBERS.items():
        section = text.split(f'### {kind}\n')[1].split('\n#')[0]
        for member in members.split():
            assert f'`{member}`' in section, f'{kind}: {member}'


TESTS = [start_line, a_denial, a_rule_of_a_file, a_redirect, a_redirect_that_fails, two_layers,
         an_inner_denial_is_final, written_before_the_answer, a_descriptor, standard_error,
         all_or_decided, addresses, arguments_and_environment, odd_names, closed_pipe_refuses_all,
         many_processes, appends, built_in, answered_by_value, a_kill, the_documentation]


def main():
    count = failed = 0
    for test in TESTS:
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        count += 1
        with tempfile.TemporaryDirectory() as directory:
            try:
                test(Run(os.path.realpath(directory)))
                print('ok', count, '-', test.__name__.replace('_', ' '))
            except Exception:  # whatever it is, the test has failed
                failed += 1
                print('not ok', count, '-', test.__name__.replace('_', ' '))
                print('\n'.join('# ' + x for x in traceback.format_exc(limit=-2).splitlines()))
        sys.stdout.flush()
    print(f'1..{count}')
    return failed > 0


sys.exit(main())
