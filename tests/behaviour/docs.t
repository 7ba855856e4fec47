#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The documentation: what it gives as an example is one, each of them run as it
# stands there; its links lead somewhere.
import errno
import json
import os
import re
import socket
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../harness'))
import tap  # noqa: E402
from tap import LIMIT, PM, SRC, same  # noqa: E402

DOCS = ['README.md', *(f'docs/{x}' for x in sorted(os.listdir(SRC + '/docs')) if x.endswith('.md'))]


def read(name):
    with open(f'{SRC}/{name}', encoding='utf-8') as file:
        return file.read()


def blocks(name, language):
    return re.findall(rf'```{language}\n(.*?)\n```', read(name), re.S)


def commands(name):
    """The examples of command lines: indented, or in a block without a language."""
    found = re.findall(r'^    (pointsman run .*|jq .*)$', read(name), re.M)
    return [re.sub(r'\s+# .*', '', line) for line in found if '[OPTIONS]' not in line]


def accept(run, text):
    """The text is a policy, or the rules of one."""
    if not re.search('^version:', text, re.M):
        text = ('version: 1\nrules:\n' if text.startswith('- ') else 'version: 1\n') + text
    # What it denies is no matter: 125 is the status of a policy that is refused.
    done = run(['--policy', run.path('policy.yaml', text + '\n')], ['true'], audit=False)
    assert done.returncode != 125, (text, done.stderr.decode())


def policies_in_the_text(run):
    count = 0
    for name in DOCS:
        for text in blocks(name, 'yaml'):
            accept(run, text)
            count += 1
    assert count >= 5, count


def tables_of_rules(run):
    """The column of examples, and every form of an address."""
    text = read('docs/policy.md')
    examples = re.findall(r'^\| `[a-z-]+` \|.*\| `([a-z-]+: .*)` \|$', text, re.M)
    assert len(examples) >= 12, examples
    for example in examples:
        accept(run, f'- {example}\n  deny: EPERM')
    forms = text.split('`address`, a list:')[1].split('\n\n')[1]
    addresses = [form for row in forms.splitlines()[2:]
                 for form in re.findall(r'`([^`]+)`', row.split('|')[1])]
    assert len(addresses) >= 12, addresses
    for address in addresses:
        accept(run, f'- address: {address}\n  deny: EPERM')


def keys_and_classes(run):
    """What may be written is what the documentation has: the complaints list all of it."""
    def listed(text):
        done = run(['--policy', run.path('policy.yaml', text)], ['true'], audit=False)
        same(done.returncode, 125)
        return done.stderr.decode().strip().rpartition('expected one of: ')[2].split(', ')

    text = read('docs/policy.md')
    keys = listed('version: 1\nno: 1\n') + listed('version: 1\nrules: [{no: 1}]\n')
    keys += listed('version: 1\nrules: [{path: /a, redirect: {no: 1}}]\n')
    keys += listed('version: 1\nrules: [{class: exec, args: {no: 1}, deny: EIO}]\n')
    keys += listed('version: 1\nrules: [{class: exec, redirect: {args: {no: 1}}}]\n')
    for key in keys:
        assert re.search(rf'^\| .*`{key}`.* \|', text, re.M) or f'`{key}: true`' in text, key
    for name in listed('version: 1\nrules: [{class: no, deny: EIO}]\n'):
        assert f'`{name}`' in text, name


def the_complaint(run):
    """The message that the documentation shows is the one that is given."""
    shown, = re.findall(r'^policy\.yaml:.*$', read('docs/policy.md'), re.M)
    beginning = shown.rstrip('…')
    run.path('policy.yaml', 'version: 1\nrules:\n  - {pth: /a, allow: true}\n')
    done = run(['--policy', 'policy.yaml'], ['true'], audit=False, cwd=run.dir)
    same(done.returncode, 125)
    assert done.stderr.decode().startswith('pointsman: ' + beginning), done.stderr.decode()


def links(_run):
    for name in DOCS:
        for link in re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)', read(name)):
            path = os.path.normpath(os.path.join(SRC, os.path.dirname(name), link))
            assert os.path.exists(path), f'{name}: {link}'


def files_that_are_named(_run):
    """What the text calls a file of the tree is one; names of tests are below tests/ too."""
    rooms = '|'.join(x for x in os.listdir(SRC) if os.path.isdir(f'{SRC}/{x}') and x[0].isalpha()
                     and not x.startswith('build'))
    count = 0
    for name in DOCS:
        for file in re.findall(rf'`((?:{rooms})/[\w./-]+\.\w+)`', read(name)):
            assert os.path.exists(f'{SRC}/{file}') or os.path.exists(f'{SRC}/tests/{file}'), \
                f'{name}: {file}'
            count += 1
    assert count > 10, count


class Place:
    """Where the examples of command lines run: what they name, in a directory, a HOME and a PATH."""

    def __init__(self, run):
        self.run = run
        self.home = run.path('home')
        run.path('home/.ssh/id', 'key\n')
        run.path('hosts', '192.0.2.7 example.test\n')
        policy, = blocks('README.md', 'yaml')
        run.path('site.yaml', policy + '\n')
        for name in ('inner.yaml', 'outer.yaml'):
            run.path(name, 'version: 1\n')
        os.mkdir(run.path('bin'))
        os.symlink(PM, run.path('bin/pointsman'))
        self.script('untrusted', 'cat "$HOME/.ssh/id" /etc/shadow')
        self.script('loader', f'exec {sys.executable} -c "import ctypes, os; '
                    'print(ctypes.CDLL(None).fsync(0) == os.getpid())"')
        self.script('service', 'echo served')
        self.script('program', 'echo ran')

    def script(self, name, text):
        self.run.path(name, f'#!/bin/sh\n{text}\n', 0o755)

    def __call__(self, line):
        environment = {**os.environ, 'HOME': self.home,
                       'PATH': self.run.path('bin') + ':' + os.environ['PATH']}
        return subprocess.run(['bash', '-c', line], cwd=self.run.dir, env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT,
                              check=False)


def serve(text):
    """Answers one connection with the text; the port."""
    server = socket.create_server(('127.0.0.1', 0))

    def answer():
        peer = server.accept()[0]
        peer.sendall(text)
        peer.close()
    threading.Thread(target=answer, daemon=True).start()
    return server.getsockname()[1]


def expect(done, out=None, err=b'', status=0):
    assert done.returncode == status and err in done.stderr and out in (None, done.stdout), done


def the_use_of_the_readme(run):
    place = Place(run)
    lines = commands('README.md')
    same(len(lines), 10)
    hosts, program, connect, deny, deny_as, call, policy, layers, audit, verbose = lines
    place.script('bin/curl', 'cat /etc/hosts')
    expect(place(hosts), b'192.0.2.7 example.test\n')
    place.script('bin/make', 'exec /usr/bin/cc --version')
    version = subprocess.run(['/usr/bin/clang', '--version'], capture_output=True, check=True)
    expect(place(program), version.stdout)
    place.script('bin/curl', f'exec {sys.executable} -c "import socket\n'
                 's = socket.create_connection((\'192.0.2.1\', 80), 10)\nprint(s.recv(9))"')
    expect(place(connect.replace(':8080 ', f':{serve(b"here")} ')), b"b'here'\n")
    expect(place(deny), err=b'.ssh/id: Permission denied', status=1)
    expect(place(deny_as), err=b'/etc/shadow: No such file or directory', status=1)
    expect(place(call), b'True\n')
    expect(place(policy), b'served\n')
    expect(place(layers), b'served\n')
    expect(place(audit), b'served\n')
    with open(run.path('audit.json'), encoding='utf-8') as file:
        same(json.loads(file.readline())['type'], 'start')
    done = place(verbose)
    expect(done, b'served\n')
    same(done.stderr.count(b'pointsman: holds for connect: bytes'), 1)


def the_examples_of_the_manual(run):
    place = Place(run)
    lines = commands('docs/pointsman-run.1.md')
    same(len(lines), 4)
    hosts, build, policy, names = lines
    place.script('bin/curl', 'cat /etc/hosts')
    expect(place(hosts), b'192.0.2.7 example.test\n')
    place.script('bin/make', 'cat "$HOME/.ssh/id" 2>/dev/null; echo made')
    done = place(build)
    expect(done, b'made\n', b'"verdict":"deny"')
    assert b'"verdict":"allow"' not in done.stderr, done
    expect(place(policy), b'ran\n')
    done = place(names)
    expect(done)
    table = [line.split('\t') for line in done.stdout.decode().splitlines()]
    assert ['allow', 'openat', run.path('program')] in table, table


def run_under(run, name, command, **more):
    return run(['--policy', f'{SRC}/docs/policies/{name}.yaml'], command, audit=False, **more)


def python(code):
    return [sys.executable, '-c', code]


def all_policies(run):
    """Each file is a policy; what they do is in the tests that follow."""
    names = sorted(os.listdir(SRC + '/docs/policies'))
    same(names, [x + '.yaml' for x in ('calls', 'confined', 'network', 'read-only', 'redirect',
                                       'wrapper')])
    for name in names:
        accept(run, read('docs/policies/' + name).partition('\nversion: 1\n')[2])


def policy_calls(run):
    done = run_under(run, 'calls', python(
        'import os, socket\nprint(os.getuid(), os.geteuid(), os.getppid() == os.getpid())\n'
        's = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, bytes(4096))\n'
        'try:\n    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)\n'
        'except OSError as error:\n    print(error.errno)'))
    expect(done, f'0 0 True\n{errno.EAFNOSUPPORT}\n'.encode())


def policy_confined(run):
    secret = run.path('secret', 'secret')
    done = run_under(run, 'confined', ['cat', '/etc/passwd', secret, '/etc/secret/none'])
    expect(done, err=f'cat: {secret}: Permission denied\n'.encode(), status=1)
    assert b'root:' in done.stdout and b'/etc/secret/none: No such file' in done.stderr, done


def policy_network(run):
    done = run_under(run, 'network', python(
        'import errno, socket\n'
        'def attempt(family, kind, where):\n'
        '    with socket.socket(family, kind) as s:\n'
        '        s.settimeout(5)\n'
        '        try:\n            s.connect(where)\n            print(*s.getpeername()[:2])\n'
        '        except OSError as error:\n            print(errno.errorcode[error.errno])\n'
        'attempt(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 80))\n'
        'attempt(socket.AF_INET, socket.SOCK_DGRAM, ("198.51.100.1", 53))\n'
        'attempt(socket.AF_UNIX, socket.SOCK_STREAM, "/nowhere/socket")\n'
        'attempt(socket.AF_UNIX, socket.SOCK_STREAM, "/run/none/socket")\n'))
    expect(done, b'ENETUNREACH\n127.0.0.1 5353\nENETUNREACH\nENOENT\n')


def policy_read_only(run):
    done = run_under(run, 'read-only', [
        'bash', '-c', f'echo x >{run.dir}/new && cat {run.dir}/new; echo y >/dev/null && '
        f'(echo pipe | cat); echo z >/new-{os.getpid()}; mkdir /new-{os.getpid()}'])
    expect(done, b'x\npipe\n', b'Read-only file system', 1)
    same(done.stderr.count(b'Read-only file system'), 2)


def policy_redirect(run):
    expect(run_under(run, 'redirect', ['bash', '-c', '/usr/bin/wget http://x']),
           b'no downloads\n')


def policy_wrapper(run):
    run.path('x.c', 'int main(void) { return 0; }\n')
    here = {**os.environ, 'LD_PRELOAD': '', 'HOME': run.dir}
    done = run_under(run, 'wrapper', ['bash', '-c', 'cc -v -o x x.c && ./x'], cwd=run.dir, env=here)
    expect(done, err=b'COLLECT_GCC')
    show = run_under(run, 'wrapper', ['bash', '-c', 'cc -wrapper sh,-c,"nice >&2; env | '
                                      'grep -c -e WRAPPED=1 -e LD_PRELOAD >&2" -c x.c'],
                     cwd=run.dir, env=here)
    same(show.stderr.split()[:2], [b'%d' % min(os.nice(0) + 5, 19), b'1'])
    done = run_under(run, 'wrapper', ['env', '-u', 'HOME', 'sh', '-c', 'true'])
    expect(done, err=b'Operation not permitted', status=126)


def steps(text):
    """What a tutorial has one do: ('file', name, content), ('command', line, output)."""
    for language, body in re.findall(r'^```(\w+)\n(.*?)^```', text, re.M | re.S):
        if language != 'console':
            name, = re.search(r'^(?:# |/\* )([a-z.]+)(?: \*/)?$', body, re.M).groups()
            yield 'file', name, body
            continue
        for step in re.split(r'^\$ ', body, flags=re.M)[1:]:
            line, _, output = step.partition('\n')
            yield 'command', line, output


def the_tutorial(run):
    """Each command in turn, in one shell; its home and its address are others."""
    place = Place(run)
    home = run.path('tutorial')
    os.mkdir(home)
    # Of this test's own, as in tap.sh.
    pid = os.getpid()
    address = f'127.{pid >> 16 & 127 | 64}.{pid >> 8 & 255}.{pid & 255}'
    above = [home]
    while above[0] != '/':
        above.insert(0, os.path.dirname(above[0]))

    def here(text):
        return text.replace('/, /home, /home/me', ', '.join(above)).replace(
            '/home/me', home).replace('127.0.0.1', address)

    script, commands_run, outputs = 'exec 2>&1; export no_proxy="*"\n', [], []
    for kind, name, content in steps(read('docs/tutorial.md')):
        if kind == 'file':
            run.path('tutorial/' + name, here(content))
            continue
        commands_run.append(name)
        outputs.append(here(content))
        script += f'{here(name)}\nprintf "\\0"\n'
    assert len(outputs) > 20, len(outputs)
    place.home = home
    run.path('script', script + 'kill $(jobs -p)\n')
    done = place(f'cd {home} && . {run.path("script")}')
    got = done.stdout.decode().split('\0')
    for command, expected, said in zip(commands_run, outputs, got):
        same((command, said), (command, expected))
    same(len(got), len(outputs) + 1)


TESTS = [policies_in_the_text, tables_of_rules, keys_and_classes, the_complaint, links,
         files_that_are_named, the_use_of_the_readme, the_examples_of_the_manual, the_tutorial,
         all_policies, policy_calls, policy_confined, policy_network, policy_read_only,
         policy_redirect, policy_wrapper]

sys.exit(tap.main(TESTS))
