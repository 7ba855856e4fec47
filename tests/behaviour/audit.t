#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The audit of real runs: what its lines say (docs/audit.md), and when.
import errno
import json
import os
import re
import select
import shutil
import socket
import stat
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../harness'))
import tap  # noqa: E402
from tap import LIMIT, PM, SRC, same  # noqa: E402

NOTIFY = os.environ.get('PM_BACKEND') == 'notify'
CAP_SYS_RESOURCE = 24


def number(value):
    return type(value) is int and -2**63 <= value < 2**64


def count(value):
    return number(value) and value >= 0


def string(value):
    return type(value) is str


def true(value):
    return value is True


def boolean(value):
    return type(value) is bool


def hexadecimal(value):
    return string(value) and re.fullmatch(r'0x(0|[1-9a-f][0-9a-f]*)', value) is not None


def octets(value):
    return string(value) and re.fullmatch(r'([0-9a-f]{2})*', value) is not None


def time(value):
    return re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z', value) is not None


def error(value):
    """A name of an errno, or the number of one that has none."""
    return string(value) and re.fullmatch(r'E[A-Z0-9]+|[1-9][0-9]{0,3}', value) is not None


def words(*known):
    return lambda value: value in known


def equals(wanted):
    return lambda value: value == wanted and type(value) is type(wanted)


def array(of, length=None):
    return lambda value: (type(value) is list and all(of(x) for x in value)
                          and (length is None or len(value) == length))


def mapping(needed=None, more=None):
    """An object of exactly these members: all that are needed, and some of the others."""
    needed, more = needed or {}, more or {}

    def check(value):
        if type(value) is not dict:
            return False
        members = {**needed, **more}
        for name, member in value.items():
            assert name in members, f'unknown member {name}: {value}'
            assert members[name](member), f'member {name}: {value}'
        for name in needed:
            assert name in value, f'no member {name}: {value}'
        return True
    return check


def text(value):
    """docs/audit.md, "Strings"."""
    if string(value):
        return len(value.encode()) <= 4096
    if not mapping({}, {'utf8': string, 'hex': octets, 'len': count, 'cut': true})(value):
        return False
    assert ('utf8' in value) != ('hex' in value), value
    assert ('len' in value) == ('cut' in value), value
    held = len(value['utf8'].encode()) if 'utf8' in value else len(value['hex']) // 2
    return held <= 4096 and ('cut' not in value or held < value['len'])


CLASSES = words('open-read', 'open-write', 'create', 'remove', 'rename', 'link', 'metadata',
                'set-metadata', 'exec', 'chdir', 'chroot', 'mount', 'watch', 'connect', 'bind',
                'send', 'system', 'ipc')
ITEM = {'kind': words('path', 'string', 'address', 'list', 'block'), 'arg': count}
KINDS = {
    'path': {'text': text, 'dirfd': number, 'nofollow': true, 'name': text, 'errno': error,
             'missing': true},
    'string': {'text': text},
    'address': {'family': string, 'address': string, 'port': count, 'scope': count, 'path': text,
                'abstract': text, 'unnamed': true, 'pid': count, 'groups': count, 'hex': octets,
                'len': count},
    'list': {'list': array(text), 'len': count, 'cut': true},
    'block': {'hex': octets, 'len': count, 'cut': true, 'flags': hexadecimal, 'mode': hexadecimal,
              'resolve': hexadecimal},
}
# What there must be where the pointer is not NULL, and what goes together.
FAMILIES = {'inet': {'address', 'port'}, 'inet6': {'address', 'port'}, 'netlink': {'pid', 'groups'},
            'unspec': set()}


def address(item):
    members = set(item) - set(ITEM) - {'classes', 'family'}
    family = item.get('family')
    if family in FAMILIES:
        return members - {'scope'} == FAMILIES[family]
    if family == 'unix':
        return len(members) == 1 and members <= {'path', 'abstract', 'unnamed'}
    return members == {'hex', 'len'} and (family is None or family.isdigit())


def deep(value):
    assert type(value) is dict
    for name, item in value.items():
        if name == 'cut':
            assert true(item), value
        elif name == 'len':
            assert count(item) and item > len(value) - 2 == 64, value
        else:
            assert re.fullmatch(r'[a-z_0-9]+(\[[1-9]\d*\])?', name), name
            assert mapping(ITEM, {'classes': array(CLASSES), **KINDS[item['kind']]})(item)
            null = not set(item) - set(ITEM) - {'classes'}
            if item['kind'] == 'address':
                assert null or address(item), item
            elif item['kind'] != 'block':
                assert null or {'list': 'list'}.get(item['kind'], 'text') in item, item
    return ('cut' in value) == ('len' in value)


MADE = {'call': string, 'nr': number, 'args': array(hexadecimal, 6)}
SAID = {'rule': text, 'source': text, 'errno': error, 'value': number}
VERDICT = words('allow', 'redirect', 'deny', 'value', 'kill')
TASK = {'v': equals(1), 'time': time, 'tgid': count, 'tid': count, 'comm': text}
NEEDED = {
    'start': {'v': equals(1), 'type': equals('start'), 'time': time, 'version': string,
              'pid': count, 'command': array(text), 'policies': array(text), 'kernel': string,
              'machine': string, 'backend': words('notify', 'ptrace'), 'landlock': boolean,
              'mseal': boolean},
    'call': {**TASK, **MADE, 'type': equals('call'), 'id': count,
             'arch': words('x86_64', 'i386'), 'layer': text, 'verdict': VERDICT,
             'layers': array(mapping({'depth': count, 'name': text, 'verdict': VERDICT},
                                     {**SAID, 'log': true,
                                      'left': mapping(MADE, {'deep': deep})}))},
    'result': {**TASK, 'type': equals('result'), 'id': count, 'call': string, 'nr': count,
               'result': number},
    'container': {'v': equals(1), 'type': equals('container'), 'container': string, 'time': time,
                  'event': words('begin', 'resume', 'hand-over', 'left', 'end')},
}
MORE = {
    'start': {'cut': true},
    'call': {**SAID, 'exe': text, 'ppid': count, 'deep': deep, 'fails': error,
             'holds': words('file', 'landlock', 'name'),
             'ran': mapping({'call': string, 'nr': count},
                            {'args': array(hexadecimal, 6), 'deep': deep})},
    'result': {'errno': error},
    # The lines of an agent: tests/agent.
    'container': {'policy': string, 'policies': array(text), 'bundle': string, 'pid': count},
}


def once(pairs):
    assert len({name for name, _ in pairs}) == len(pairs), f'a member twice: {pairs}'
    return dict(pairs)


def refuse(constant):
    raise ValueError(f'{constant} is no JSON')


def read_line(line):
    """One line, by RFC 8259, and as docs/audit.md has it."""
    value = json.loads(line, object_pairs_hook=once, parse_constant=refuse)
    kind = value['type']
    assert mapping(NEEDED[kind], MORE[kind])(value), value
    if kind == 'call':
        said = value['layers'] + [value]
        assert all(('errno' in x) == (x['verdict'] == 'deny') for x in said), value
        assert all(('value' in x) == (x['verdict'] == 'value') for x in said), value
        assert all(('depth' in x) == (x is not value) for x in said), value
        assert [x['depth'] for x in value['layers']] == list(range(len(value['layers']))) or (
            value['layers'][-1]['name'] == 'pointsman'), value
        assert not {'ran', 'holds'} & set(value) or value['verdict'] in ('allow', 'redirect'), value
        assert not {'ran', 'fails'} <= set(value) or value['verdict'] == 'redirect', value
    if kind == 'result':
        assert ('errno' in value) == (-4096 < value['result'] < 0), value
    return value


class Run(tap.Run):
    """Runs with an audit."""

    def lines(self):
        """All lines, each of which must be what the documentation says."""
        with open(self.audit, 'rb') as file:
            written = file.read().decode('utf-8', 'strict')
        assert written.endswith('\n'), 'the last line does not end'
        lines = [read_line(line) for line in written[:-1].split('\n')]
        assert lines[0]['type'] == 'start' and all(x['type'] != 'start' for x in lines[1:])
        seen = set()
        for line in lines[1:]:
            # A result comes after its call, and only after that of a redirect.
            if line['type'] == 'result':
                assert line['id'] in seen, line
                seen.remove(line['id'])
            elif line['verdict'] == 'redirect':
                seen.add(line['id'])
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


def start_line(run):
    done = run(['--deny', '/no/such'], ['sh', '-c', 'echo $$; exit 3'])
    same(done.returncode, 3)
    start = run.lines()[0]
    same(start['command'], ['sh', '-c', 'echo $$; exit 3'])
    same(start['policies'], ['command line'])
    same(start['pid'], int(done.stdout))
    same(start['kernel'], os.uname().release)
    same(start['machine'], os.uname().machine)
    same(start['backend'], os.environ.get('PM_BACKEND', 'ptrace'))
    same(stat.S_IMODE(os.stat(run.audit).st_mode), 0o600)


def the_parents(run):
    """With the first line of each process, and with what it becomes."""
    run(['--deny', '/no/such'], ['sh', '-c', 'echo $$; (cat /dev/null; exit 3) & wait; exit'])
    lines = [x for x in run.lines() if x['type'] == 'call']
    parents = {}
    for line in lines:
        if line['tgid'] not in parents:
            assert 'ppid' in line, line
        parents.setdefault(line['tgid'], line.get('ppid'))
        same(line.get('ppid', parents[line['tgid']]), parents[line['tgid']])
        assert 'ppid' in line or not line['call'].startswith('execve'), line
    start, = [x['pid'] for x in run.lines() if x['type'] == 'start']
    same(parents[start], os.getpid())
    assert all(x == start or x in parents for pid, x in parents.items() if pid != start), parents
    assert len(parents) >= 2, parents


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
    # An int: what is above it is the C library's.
    same(int(line['args'][0], 16) & 0xffffffff, 0xffffff9c)
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
    results = [x for x in run.lines() if x['type'] == 'result' and x['id'] == line['id']]
    if NOTIFY:
        # The kernel runs it, and tells nobody how it ended.
        same(results, [])
        return
    result, = results
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
    try:
        s = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return
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
    # Several calls are decided on at a time, and come in the order of their answers.
    same(sorted(ids), sorted(set(ids)))
    same(len([x for x in run.named('/dev/null', call='openat') if x['comm'] == 'cat']), 40)


BUSY = r"""
import ctypes, os, socket, struct, subprocess, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
here = os.fsencode(sys.argv[1])
def call(nr, *args):
    libc.syscall(ctypes.c_long(nr), *[ctypes.c_char_p(x) if isinstance(x, bytes) else ctypes.c_long(x)
                                      for x in args])
def attempt(function, *args):
    try:
        return function(*args)
    except OSError:
        pass
def files(number):
    for odd in (b"plain", b"\xff\xfe", b"\xc3\xa4", b"\xf0\x9f\x98\x80", b"a\nb", b"\x7f\x01\t\"\\",
                b"\xed\xa0\x80", b"\xc0\x80", b"\xe2\x80\xa8", b"x" * 250):
        name = here + b"/%d-" % number + odd
        open(name, "w").close()
        os.stat(name)
        attempt(os.chmod, name, 0o600)
        attempt(os.setxattr, name, b"user." + odd[:99], b"v")
        attempt(os.listxattr, name)
        os.symlink(name, name + b"l")
        attempt(os.rename, name, name + b"2")
        attempt(os.stat, name)
        attempt(os.stat, name + b"l/below")
        os.unlink(name)
        os.unlink(name + b"l")
        attempt(os.open, name + b"y" * 5000, 0)
        attempt(os.open, b"/" + b"z/" * 2040, 0)
def sockets():
    for family, address in ((socket.AF_INET, ("127.0.0.1", 9)), (socket.AF_INET6, ("::1", 9)),
                            (socket.AF_INET6, ("fe80::1", 9, 0, 1)), (socket.AF_UNIX, here + b"/\xff"),
                            (socket.AF_UNIX, b"\0\xff\0\n"), (socket.AF_UNIX, b"\0")):
        s = attempt(socket.socket, family, socket.SOCK_DGRAM)
        if s:
            attempt(s.connect, address)
            attempt(s.sendto, b"data", address)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        attempt(s.bind, (0, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for raw in (b"", b"\x02", b"\x02\0", b"\x02\0\0\x09\x7f\0\0\x01", b"\0\0" + b"\0" * 14, b"\x63\0" + b"\1" * 126,
                    b"\x01\0x"):
            call(42, s.fileno(), raw, len(raw))
            call(44, s.fileno(), b"d", 1, 0, raw, len(raw))
        class msghdr(ctypes.Structure):
            _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint), ("iov", ctypes.c_void_p),
                        ("iovlen", ctypes.c_size_t), ("control", ctypes.c_void_p),
                        ("controllen", ctypes.c_size_t), ("flags", ctypes.c_int), ("len", ctypes.c_uint)]
        name = ctypes.create_string_buffer(struct.pack("=H", 2) + struct.pack("!H4s8x", 9, b"\x7f\0\0\1"), 16)
        many = (msghdr * 100)(*[msghdr(name=ctypes.addressof(name), namelen=16) for _ in range(100)])
        libc.syscall(ctypes.c_long(307), s.fileno(), many, 100, 0)
def programs():
    for argv in ([b"true"], [b"true", b"\xff"], [b"true"] * 2000, [b"true"] + [b"w" * 100000] * 4):
        attempt(lambda: subprocess.run(argv, env={"A": "1"}, executable="/usr/bin/true", check=False))
    attempt(lambda: subprocess.run([b"\xff"], check=False))
    libc.syscall(ctypes.c_long(59), 0, 0, 0)
def others():
    call(437, -100, here, struct.pack("QQQ", 0, 0, 8), 24)
    call(437, -100, here, struct.pack("QQQQ", 0, 0, 8, 0), 32)
    call(165, b"none\xff", here, b"tmp\xfffs", 0, b"data")
    call(257, -100, 1, 0)
    call(257, 77, b"relative", 0)
    call(332, -100, here, 0x100, 0x7ff, bytes(256))
    call(425, 1, 0)
    call(304, 3, bytes(8), 0)
threads = [threading.Thread(target=files, args=(n,)) for n in range(4)]
threads += [threading.Thread(target=sockets), threading.Thread(target=programs),
            threading.Thread(target=others)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def every_line_of_a_busy_run(run):
    """Whatever is called, each line is strict JSON and what the documentation says."""
    place = run.path('place')
    os.mkdir(place)
    run.path('to/x', 'x')
    policy = run.path('busy.yaml', f"""
version: 1
rules:
  - tree: {run.path('from')}
    redirect: {{tree: {run.path('to')}}}
  - class: rename
    deny: 4095
  - class: [open-read, metadata]
    glob: "{place}/*l"
    deny: ENOENT
  - syscall: chmod
    value: -1
  - class: connect
    address: "127.0.0.1:9"
    redirect: {{address: "127.0.0.1:7"}}
  - class: send
    log: true
    allow: true
""")
    done = run(['--policy', policy, '--path', f"{run.path('one')}={run.path('two')}"],
               [sys.executable, '-c', BUSY, place])
    same((done.returncode, done.stderr), (0, b''))
    lines = run.lines()
    calls = [x for x in lines if x['type'] == 'call']
    assert len(calls) > 500, len(calls)
    for kind in KINDS:
        assert any(item['kind'] == kind for call in calls for item in call.get('deep', {}).values()
                   if type(item) is dict), f'no {kind}'
    many, = [x for x in calls if x['call'] == 'sendmmsg']
    assert many['deep']['cut'] and many['deep']['len'] > 64, many


def after_a_torn_line(run):
    """A run that met a full disk leaves half a line; the next one's first is whole."""
    with open(run.audit, 'w', encoding='utf-8') as file:
        file.write('{"v":1,"type":"call","id":1}\n{"v":1,"ty')
    run([], ['true'])
    with open(run.audit, encoding='utf-8') as file:
        whole, torn, start = file.read().splitlines()
    same((json.loads(whole)['type'], torn), ('call', '{"v":1,"ty'))
    same(read_line(start)['type'], 'start')


def a_full_disk_refuses_all(run):
    """What cannot be written any more is refused with the error of the write; no line is lost
    but the last, which is torn."""
    free = run.path('free', 'free')
    # The supervisor's own memory is a file of 16 MiB.  Lines of 200 KiB fill the rest soon.
    long = os.fsdecode(b'\xff' * 4096)
    script = (f'exec 2>&1; ulimit -f 20480; exec {PM} run --audit {run.audit} '
              f'--deny /no/such -- bash -c \'while /bin/true "$@"; do :; done; : <{free}; '
              f': >{run.dir}/new; exec 3</; echo end\' bash "$@"')
    # With this capability a supervisor raises the limit for itself.
    with open('/proc/self/status', encoding='utf-8') as file:
        held = int(re.search(r'^CapEff:\s*(\w+)$', file.read(), re.M)[1], 16)
    lower = ['setpriv', '--inh-caps', '-sys_resource', '--bounding-set', '-sys_resource']
    done = subprocess.run([*(lower if held >> CAP_SYS_RESOURCE & 1 else []), 'bash', '-c', script,
                           'bash', *[long] * 20], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=LIMIT, check=False,
                          env={**os.environ, **{f'E{n}': long for n in range(20)}})
    out = done.stdout.decode().splitlines()
    same(out[-1], 'end')
    same(len(out), 5)
    # A program that was started before has its loader say so, by number.
    assert all('File too large' in x or x.endswith(f'Error {errno.EFBIG}') for x in out[:-1]), out
    assert not os.path.exists(run.path('new'))
    with open(run.audit, encoding='utf-8') as file:
        *lines, torn = file.read().split('\n')
    assert len(lines) > 20 and torn, (len(lines), torn)
    for line in lines:
        read_line(line)


def a_closed_pipe_starts_nothing(run):
    read, write = os.pipe()
    os.close(read)
    done = run(['--audit-fd', str(write)], ['touch', run.path('ran')], audit=False,
               pass_fds=[write])
    os.close(write)
    same((done.returncode, done.stderr),
         (125, b'pointsman: cannot write to the audit: Broken pipe\n'))
    assert not os.path.exists(run.path('ran'))


def a_fifo_waits_for_its_reader(run):
    """Nothing runs before somebody reads; then the lines come as they are written."""
    os.mkfifo(run.audit, 0o600)
    with subprocess.Popen([PM, 'run', '--audit', run.audit, '--deny', '/no/such', '--', 'cat',
                           run.path('in', 'in')], stdout=subprocess.PIPE) as child:
        with open(f'/proc/{child.pid}/stat', encoding='utf-8') as file:
            while True:
                file.seek(0)
                if file.read().rpartition(')')[2].split()[0] == 'S':
                    break
        same(select.select([child.stdout], [], [], 0)[0], [])
        with open(run.audit, encoding='utf-8') as file:
            lines = [read_line(line) for line in file]
        same((child.stdout.read(), child.wait(LIMIT)), (b'in', 0))
    same(lines[0]['type'], 'start')
    assert any(x['type'] == 'call' and x['comm'] == 'cat' for x in lines), lines


def a_program_that_is_redirected(run):
    """The call and its result, where the call replaces the program."""
    true, false = (os.path.realpath(shutil.which(x)) for x in ('true', 'false'))
    same(run(['--exec', f'{false}={true}'], ['bash', '-c', f'exec {false}']).returncode, 0)
    line, = run.named(false, verdict='redirect')
    same(line['ran']['deep']['pathname']['name'], true)
    results = [x for x in run.lines() if x['type'] == 'result' and x['id'] == line['id']]
    same([x['result'] for x in results], [] if NOTIFY else [0])


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
    lines = run.calls(call='io_uring_setup')
    alone = subprocess.run([sys.executable, '-c', code], capture_output=True, check=True).stdout
    if not lines and alone in (b'-1 38\n', b'-1 1\n'):
        raise tap.Skip('kernel: a filter around this refuses io_uring_setup')
    line, = lines
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
    examples = [read_line(x) for x in re.findall(r'```json\n(.*?)\n```', text, re.S)]
    same({x['type'] for x in examples}, set(NEEDED))
    for kind, needed in NEEDED.items():
        section = text.split(f'### {kind}\n')[1].split('\n#')[0]
        for member in {**needed, **MORE[kind]}:
            assert f'`{member}`' in section or f'`"{member}"' in section, f'{kind}: {member}'
    section = text.split('## deep\n')[1]
    for kind, members in KINDS.items():
        assert f'**{kind}**' in section, kind
        for member in members:
            assert f'`{member}`' in section or f'`"{member}"' in section, f'{kind}: {member}'


TESTS = [start_line, the_parents, a_denial, a_rule_of_a_file, a_redirect, a_redirect_that_fails,
         two_layers, an_inner_denial_is_final, written_before_the_answer, a_descriptor,
         standard_error, all_or_decided, addresses, arguments_and_environment, odd_names,
         closed_pipe_refuses_all, many_processes, every_line_of_a_busy_run, after_a_torn_line,
         a_full_disk_refuses_all, a_closed_pipe_starts_nothing, a_fifo_waits_for_its_reader,
         a_program_that_is_redirected, appends, built_in, answered_by_value, a_kill,
         the_documentation]


sys.exit(tap.main(TESTS, Run))
