#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Policies as people need them, written from docs/policy.md alone, and the
# programs that live under them.
import errno
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../harness'))
import tap  # noqa: E402
from tap import same  # noqa: E402


class Run(tap.Run):
    """Runs under policies that are written here."""

    def under(self, policy, command, *outer, **more):
        """A run of command, text in bash or a vector, under this policy and outer ones."""
        options = []
        for number, text in enumerate([policy, *outer]):
            options += ['--policy', self.path(f'policy{number}.yaml', 'version: 1\n' + text)]
        if isinstance(command, str):
            command = ['bash', '-c', command]
        return self(options, command, audit=False, **more)

    def prints(self, policy, command, expected, *outer, **more):
        """The same; what it prints on both outputs is expected."""
        done = self.under(policy, command, *outer, **more)
        same((command, (done.stdout + done.stderr).decode()), (command, expected))

    def each(self, policy, commands, **more):
        """Commands in bash, one after the other, with what they print."""
        for command, expected in commands.items():
            self.prints(policy, command, expected, **more)


def has_ipv6():
    try:
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close()
    except OSError as error:
        if error.errno == errno.EAFNOSUPPORT:
            return False
        raise
    return True


def python(code, *arguments):
    return [sys.executable, '-c', code, *arguments]


TRY = '''
import ctypes, errno, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def syscall(*args):
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(*[ctypes.c_long(x) for x in args])
    return -ctypes.get_errno() if result < 0 else result
def attempt(what, function, *args):
    try:
        result = function(*args)
    except OSError as error:
        result = errno.errorcode[error.errno]
    print(what, result)
def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(5)
        s.connect(address)
        return s.recv(99).decode()
'''


class Server:
    """Says its name to whoever connects."""

    def __init__(self, family, address, name):
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.bind(address)
        self.socket.listen()
        self.name = name
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            peer = self.socket.accept()[0]
            peer.sendall(self.name.encode())
            peer.close()

    @property
    def port(self):
        return self.socket.getsockname()[1]


def a_build_that_may_not_leave_its_tree(run):
    """Reads anything; writes below the project and the place for temporary files only."""
    run.path('project/hello.c', '#include <stdio.h>\nint main(void) { puts("hello"); }\n')
    run.path('project/Makefile', 'hello: hello.c\n\tcc -o hello hello.c\n'
             'escape:\n\t-echo x >../escaped\n\t-cp hello ../escaped\n\t-mv hello ../escaped\n'
             '\t-ln hello ../escaped\n\t-ln -s .. out && echo x >out/escaped\n\t-mkdir ../escaped\n'
             '\t-rm ../treasure\n\t-chmod 777 ../treasure\n')
    treasure = run.path('treasure', 'x', 0o600)
    os.mkdir(run.path('tmp'))
    policy = f'''
defaults:
  any-address: {{deny: ENETUNREACH}}
  open-write: {{deny: EROFS}}
  create: {{deny: EROFS}}
  remove: {{deny: EROFS}}
  rename: {{deny: EROFS}}
  link: {{deny: EROFS}}
  set-metadata: {{deny: EROFS}}
rules:
  - class: [open-write, create, remove, rename, link, set-metadata]
    tree: [{run.path('project')}, {run.path('tmp')}]
    allow: true
  - class: open-write
    path: [/dev/null, /dev/tty]
    allow: true
'''
    environment = {**os.environ, 'TMPDIR': run.path('tmp')}
    project = run.path('project')
    done = run.under(policy, ['make', '-C', project, 'hello'], env=environment)
    same((done.returncode, done.stderr), (0, b''))
    same(subprocess.run([project + '/hello'], capture_output=True, check=True).stdout, b'hello\n')
    done = run.under(policy, ['make', '-C', project, 'escape'], env=environment)
    same(done.stderr.count(b'Read-only file system'), 8)
    assert not os.path.lexists(run.path('escaped')), done
    same(os.stat(treasure).st_mode & 0o777, 0o600)
    assert os.path.exists(project + '/hello')


def an_agent_in_a_project_with_one_proxy(run):
    """Nothing but what is named: programs, the project, one address."""
    proxy = Server(socket.AF_INET, ('127.0.0.1', 0), 'proxy')
    other = Server(socket.AF_INET, ('127.0.0.1', 0), 'other')
    keys = Server(socket.AF_UNIX, run.path('agent.sock'), 'keys')
    run.path('home/.ssh/id', 'key')
    project = run.path('project')
    run.path('project/file', 'text\n')
    os.symlink('../home/.ssh/id', project + '/link')
    policy = f"""
default: deny
rules:
  - class: connect
    address: 127.0.0.1:{proxy.port}
    allow: true
  - class: any-address
    address: "*"
    deny: ENETUNREACH
  - class: any-path
    tree: {project}
    allow: true
  - class: [open-read, metadata, exec, chdir]
    tree: [/usr, /bin, /lib, /lib64, /etc/ld.so.cache, /proc/self]
    allow: true
  - class: [open-read, open-write, metadata]
    path: [/dev/null, /dev/urandom]
    allow: true
  - class: [open-read, open-write, metadata]
    anonymous: "pipe:*"
    allow: true
"""
    refused = 'Permission denied\n'
    run.each(policy, {
        'cat file': 'text\n',
        'echo new >new && cat new': 'new\n',
        'mkdir -p a/b && cd a/b && cat ../../file': 'text\n',
        'cat <(echo pipe)': 'pipe\n',
        'cat link': 'cat: link: ' + refused,
        'cat ../home/.ssh/id': 'cat: ../home/.ssh/id: ' + refused,
        'cat /etc/shadow': 'cat: /etc/shadow: ' + refused,
        'ln -s /etc e && cat e/passwd': 'cat: e/passwd: ' + refused,
        'ln -L link k': "ln: failed to access 'link': " + refused,
        'mv ../home/.ssh/id k': "mv: cannot stat '../home/.ssh/id': " + refused,
        'cat /proc/self/root/etc/shadow': 'cat: /proc/self/root/etc/shadow: ' + refused,
        'cat /proc/1/environ': 'cat: /proc/1/environ: ' + refused,
        'cat /proc/$PPID/environ 2>&1 | sed "s/[0-9]*//g"': 'cat: /proc//environ: ' + refused,
        'cd .. || pwd': f'{project}\nbash: line 1: cd: ..: ' + refused,
        'mv file ../file': "mv: cannot stat '../file': " + refused,
        'cp /usr/bin/env own && ./own true && echo ran': 'ran\n',
    }, cwd=project)
    run.prints(policy, python(TRY + """
attempt('proxy', connect, socket.AF_INET, ('127.0.0.1', int(sys.argv[1])))
attempt('other', connect, socket.AF_INET, ('127.0.0.1', int(sys.argv[2])))
attempt('mapped', connect, socket.AF_INET6, ('::ffff:127.0.0.1', int(sys.argv[2])))
attempt('any', connect, socket.AF_INET, ('0.0.0.0', int(sys.argv[2])))
attempt('unix', connect, socket.AF_UNIX, sys.argv[3])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    attempt('dns', s.sendto, b'query', ('127.0.0.1', 53))
    attempt('bind', s.bind, ('127.0.0.1', 0))
""", str(proxy.port), str(other.port), keys.socket.getsockname()),
               'proxy proxy\nother ENETUNREACH\n'
               f'mapped {"ENETUNREACH" if has_ipv6() else "EAFNOSUPPORT"}\nany ENETUNREACH\n'
               'unix EACCES\ndns ENETUNREACH\nbind ENETUNREACH\n', cwd=project)


def a_vendor_tree_that_is_not_there(run):
    """Wired-in paths below one tree lead to the same place below another."""
    vendor = f'/opt/vendor-{os.getpid()}'
    here = run.path('real')
    run.path('real/etc/app.conf', 'configured\n')
    run.path('real/bin/tool', f'#!/bin/sh\necho "$0" "$1"; cat {vendor}/etc/app.conf\n', 0o755)
    os.mkdir(here + '/var')
    os.mkdir(here + '/run')
    server = Server(socket.AF_UNIX, here + '/run/sock', 'socket')
    policy = f"""
rules:
  - tree: {vendor}
    redirect: {{tree: {here}}}
  - class: [connect, bind]
    address: unix:{vendor}/run/sock
    redirect: {{address: "unix:{server.socket.getsockname()}"}}
"""
    run.each(policy, {
        f'cat {vendor}/etc/app.conf': 'configured\n',
        f'cat {vendor}/../vendor-{os.getpid()}/./etc//app.conf': 'configured\n',
        f'{vendor}/bin/tool x': f'{here}/bin/tool x\nconfigured\n',
        f'ls {vendor}': 'bin\netc\nrun\nvar\n',
        f'ls {vendor}/': 'bin\netc\nrun\nvar\n',
        f'cd {vendor}/etc && cat app.conf ../etc/app.conf && /bin/pwd -P':
            f'configured\nconfigured\n{here}/etc\n',
        f'echo new >{vendor}/var/new; mv {vendor}/var/new {vendor}/var/newer; '
        f'cat {vendor}/var/newer': 'new\n',
        f'ln -s {vendor}/etc/app.conf {vendor}/var/link; cat {vendor}/var/link': 'configured\n',
        f'ln {vendor}/var/newer {vendor}/var/hard; stat -c %h {vendor}/var/newer': '2\n',
        f'mkdir -p {vendor}/a/b && rmdir {vendor}/a/b && [ -d {vendor}/a ] && echo y': 'y\n',
        f'rm -r {vendor}/a {vendor}/var && ls {vendor}': 'bin\netc\nrun\n',
        f'cat {vendor}x': f'cat: {vendor}x: No such file or directory\n',
        f'cat {vendor}/none': f'cat: {vendor}/none: No such file or directory\n',
        f'cat {here}/etc/app.conf': 'configured\n',
    })
    run.prints(policy, python(TRY + "attempt('unix', connect, socket.AF_UNIX, sys.argv[1])",
                              vendor + '/run/sock'), 'unix socket\n')
    assert not os.path.exists(vendor)


def a_compiler_under_a_wrapper(run):
    """The child program is another, with arguments before, variables set and removed."""
    compiler = run.path('bin/cc', '#!/bin/sh\necho compiler: "$@"\n', 0o755)
    wrapper = run.path('bin/wrapper', '#!/bin/sh\necho wrapper: "$0" "$@"\n'
                       'echo "${MODE-unset} ${SECRET-unset} ${KEPT-unset}"\nexec "$3" "$4"\n', 0o755)
    policy = f"""
rules:
  - class: exec
    path: {compiler}
    env: {{MODE: wrapped}}
    allow: true
  - class: exec
    path: {compiler}
    redirect:
      program: {wrapper}
      argv-prepend: [wrapper, --log, "two words"]
      env-set: {{MODE: wrapped}}
      env-unset: [SECRET, NONE]
"""
    environment = {**os.environ, 'MODE': 'x', 'SECRET': 's', 'KEPT': 'k'}
    # A script gets its own name from the kernel: what stood before it is gone.
    run.prints(policy, f'{compiler} -c; echo "$MODE $SECRET"',
               f'wrapper: {wrapper} --log two words {compiler} -c\nwrapped unset k\n'
               'compiler: -c\nx s\n', env=environment)
    replaced = f"""
rules:
  - class: exec
    path: {compiler}
    redirect: {{program: /bin/echo, argv: [echo, "no {{}}", compilers]}}
"""
    run.prints(replaced, f'{compiler} -c x.c', 'no {} compilers\n')
    only_environment = f"""
rules:
  - class: exec
    path: {compiler}
    redirect: {{env-set: {{LANG: C}}}}
"""
    run.prints(only_environment, f'{compiler} x', 'compiler: x\n')


def programs_by_their_arguments(run):
    """argv by place, by pattern, as a whole and by number; the environment."""
    echo = shutil.copy(shutil.which('echo'), run.path('echo'))
    policy = f"""
rules:
  - {{class: exec, path: {echo}, argv: [echo, whole, "and *"], deny: ENOENT}}
  - {{class: exec, argv: {{0: "*echo", 2: "b[cd]"}}, deny: EPERM}}
  - {{class: exec, path: {echo}, argc: 5-, deny: E2BIG}}
  - {{class: exec, path: {echo}, env: {{LD_PRELOAD: "*"}}, deny: EACCES}}
  - {{class: exec, path: {echo}, argc: 1, env-absent: HOME, deny: EIO}}
"""
    run.each(policy, {
        f'exec -a echo {echo} whole "and more"': f'bash: line 1: {echo}: cannot execute: '
        'required file not found\n',
        f'exec -a echo {echo} whole and more': 'whole and more\n',
        f'{echo} a bc': f'bash: line 1: {echo}: Operation not permitted\n',
        f'{echo} bc bc': f'bash: line 1: {echo}: Operation not permitted\n',
        f'{echo} a be': 'a be\n',
        f'{echo} a b c': 'a b c\n',
        f'{echo} a b c d': f'bash: line 1: {echo}: Argument list too long\n',
        f'LD_PRELOAD= {echo}': f'bash: line 1: {echo}: Permission denied\n',
        f'env -u HOME {echo} x': 'x\n',
        f'env -u HOME {echo}': f"env: ‘{echo}’: Input/output error\n",
        f'HOME= {echo}': '\n',
    }, env={**os.environ, 'HOME': '/', 'LC_ALL': 'C.UTF-8'})


def sockets_with_names(run):
    """AF_UNIX by path, where it leads, and abstract."""
    one, two = run.path('one'), run.path('two')
    servers = [Server(socket.AF_UNIX, one, 'one'), Server(socket.AF_UNIX, two, 'two')]
    name = f'pointsman-{os.getpid()}'
    servers += [Server(socket.AF_UNIX, f'\0{name}-a', 'abstract a'),
                Server(socket.AF_UNIX, f'\0{name}-b', 'abstract b')]
    assert len(servers) == 4
    os.symlink(one, run.path('link'))
    policy = f"""
rules:
  - {{class: connect, address: "unix:{one}", redirect: {{address: "unix:{two}"}}}}
  - {{class: connect, address: "unix:@{name}-a", redirect: {{address: "unix:@{name}-b"}}}}
  - {{class: connect, address: "unix:@{name}-*", deny: ECONNREFUSED}}
  - {{class: bind, address: ["unix:{run.dir}/*", "unix:unnamed"], deny: EROFS}}
"""
    run.prints(policy, python(TRY + """
for where in (sys.argv[1] + '/one', sys.argv[1] + '/./two', sys.argv[1] + '/link', 'one',
              '\\0' + sys.argv[2] + '-a', '\\0' + sys.argv[2] + '-b'):
    attempt(os.path.basename(where.replace('\\0', '@')), connect, socket.AF_UNIX, where)
for where in (sys.argv[1] + '/new', 'new', '', '\\0' + sys.argv[2] + '-c'):
    with socket.socket(socket.AF_UNIX) as s:
        attempt('bind', s.bind, where)
""", run.dir, name), f'one two\ntwo two\nlink two\none two\n@{name}-a abstract b\n'
               f'@{name}-b ECONNREFUSED\nbind EROFS\nbind EROFS\nbind EROFS\nbind None\n',
               cwd=run.dir)


def addresses_of_ipv6(run):
    """Prefixes, ports, ranges of ports; IPv4 in their clothes."""
    if not has_ipv6():
        raise tap.Skip('kernel: no IPv6')
    server = Server(socket.AF_INET6, ('::1', 0), 'six')
    four = Server(socket.AF_INET, ('127.0.0.1', 0), 'four')
    policy = f"""
rules:
  - {{class: connect, address: "[2001:db8::/33]:1000-2000", redirect: {{address: "[::1]:{server.port}"}}}}
  - {{class: connect, address: "[2001:db8::5]:{server.port}", redirect: {{address: "[::1]"}}}}
  - {{class: connect, address: "[2001:db8::/32]", deny: EHOSTUNREACH}}
  - {{class: connect, address: "[2001:db9::1]:*", redirect: {{address: "127.0.0.1:{four.port}"}}}}
  - {{class: connect, address: "198.51.100.0/24:1-9", redirect: {{address: "127.0.0.1:{four.port}"}}}}
  - {{class: connect, address: "*:7", deny: ENETDOWN}}
"""
    run.prints(policy, python(TRY + f"""
six, four = socket.AF_INET6, socket.AF_INET
attempt('low', connect, six, ('2001:db8::1', 1000))
attempt('high', connect, six, ('2001:db8:7fff:ffff::1', 2000))
attempt('bit', connect, six, ('2001:db8:8000::1', 1000))
attempt('port', connect, six, ('2001:db8::1', 999))
attempt('kept', connect, six, ('2001:db8::5', {server.port}))
attempt('other', connect, six, ('2001:db9::1', 1))
attempt('mapped', connect, six, ('::ffff:198.51.100.7', 9))
attempt('plain', connect, four, ('198.51.100.7', 1))
attempt('any', connect, four, ('198.51.100.7', 7))
attempt('seven', connect, six, ('::1', 7))
"""), 'low six\nhigh six\nbit EHOSTUNREACH\nport EHOSTUNREACH\nkept six\nother four\n'
               'mapped four\nplain four\nany four\nseven ENETDOWN\n')


def no_address_in_particular(run):
    """A socket that is bound makes nothing else of 0.0.0.0 than what was decided on."""
    here, other = (f'127.{os.getpid() >> 8 & 127 | 64}.{os.getpid() & 255}.{n}' for n in (1, 2))
    secret = Server(socket.AF_INET, (other, 0), 'secret')
    policy = f"""
defaults: {{connect: deny, send: deny}}
rules:
  - address: ["127.0.0.1:{secret.port}", "{here}"]
    allow: true
"""
    run.prints(policy, python(TRY + f"""
def bound(to, *where):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.bind(where)
        s.connect(to)
        return s.getpeername() + s.getsockname()
attempt('plain', connect, socket.AF_INET, ('{other}', {secret.port}))
attempt('bound', bound, ('0.0.0.0', {secret.port}), '{other}', 0)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, \\
     socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as r:
    s.bind(('{other}', 0))
    r.bind(('{other}', {secret.port}))
    attempt('sent', s.sendto, b'x', ('0.0.0.0', {secret.port}))
    attempt('received', r.recv, 9, socket.MSG_DONTWAIT)
"""), 'plain EACCES\nbound ECONNREFUSED\nsent 1\nreceived EAGAIN\n')


def calls_and_their_numbers(run):
    """Scalars: equal, masked, ranges; value, kill and log; another call."""
    policy = """
rules:
  - syscall: socket
    args:
      - {index: 0, equal: 2, as: int}
      - {index: 1, equal: 1, mask: 0xf, as: int}
    deny: EAFNOSUPPORT
  - syscall: socket
    args: {index: 0, min: 16, max: 17, as: uint}
    deny: EPERM
  - syscall: getppid
    value: 4711
  - syscall: getpgrp
    value: -5
  - syscall: getuid
    redirect: {syscall: getpid}
  - syscall: alarm
    args: {index: 0, min: 100}
    redirect: {args: {index: 0, value: 60}}
  - syscall: getitimer
    kill: true
  - syscall: sync
    log: true
    allow: true
"""
    run.prints(policy, python(TRY + """
print(syscall(41, 2, 1, 0), syscall(41, 2, 1 | 0o2004000, 0), syscall(41, 2 | 1 << 32, 1, 0))
print(syscall(41, 2, 2, 0) > 0, syscall(41, 16, 3, 0), syscall(41, 17, 3, 0), syscall(41, 1, 1, 0) > 0)
print(os.getppid(), syscall(111), syscall(102) == os.getpid())
syscall(37, 99), print(syscall(37, 1000), syscall(37, 0))
"""), '-97 -97 -97\nTrue -1 -1 True\n4711 -5 True\n99 60\n')
    done = run.under(policy, python(TRY + "print('before', flush=True); syscall(36, 0, 0); print(1)"))
    same((done.returncode, done.stdout), (-signal.SIGKILL, b'before\n'))
    done = run(['--policy', run.path('policy0.yaml'), '--audit-decided'],
               python(TRY + 'syscall(162); os.getppid()'))
    with open(run.audit, encoding='utf-8') as file:
        lines = file.read()
    assert '"call":"sync"' in lines and '"log":true' in lines, lines


def denials_and_exceptions(run):
    """Deny inside allow inside deny; globs; spelling; the first rule that matches."""
    for name in ('a/open/x', 'a/open/shut/x', 'a/open/shut/open/x', 'a/x', 'a/open/x.key',
                 'a/open/.hidden', 'a/open/deep/er/x.key'):
        run.path(name, name + '\n')
    os.symlink('open/shut/x', run.path('a/link'))
    top = run.path('a')
    policy = f"""
rules:
  - {{class: open-read, tree: {top}/open/shut/open, allow: true}}
  - {{class: open-read, tree: {top}/open/shut, deny: EPERM}}
  - {{class: open-read, glob: "{top}/**/*.key", deny: ENOENT}}
  - {{class: open-read, spelling: ["../**", "**/../**"], tree: {top}, deny: ELOOP}}
  - {{class: open-read, tree: {top}/open, allow: true}}
  - {{class: open-read, tree: {top}, deny: EACCES}}
"""
    run.each(policy, {
        'cat open/x': 'a/open/x\n',
        'cat open/.hidden': 'a/open/.hidden\n',
        'cat x': 'cat: x: Permission denied\n',
        'cat open/shut/x': 'cat: open/shut/x: Operation not permitted\n',
        'cat open/shut/open/x': 'a/open/shut/open/x\n',
        'cat link': 'cat: link: Operation not permitted\n',
        'cat open/x.key': 'cat: open/x.key: No such file or directory\n',
        'cat open/deep/er/x.key': 'cat: open/deep/er/x.key: No such file or directory\n',
        'cat open/deep/../x': 'cat: open/deep/../x: Too many levels of symbolic links\n',
        'cd open/deep; cat ../x': 'cat: ../x: Too many levels of symbolic links\n',
        'stat -c %F x': 'regular file\n',
        'ls .': 'ls: cannot open directory \'.\': Permission denied\n',
    }, cwd=top)


def what_is_safe_by_default(run):
    """What leads around all decisions is refused, unless a policy asks for it."""
    code = TRY + """
handle = ctypes.create_string_buffer(128 + 8)
ctypes.memmove(handle, (128).to_bytes(4, sys.byteorder), 4)
mount = ctypes.c_int()
here = ctypes.create_string_buffer(os.fsencode(sys.argv[1]))
print(syscall(303, -100, ctypes.addressof(here), ctypes.addressof(handle),
              ctypes.addressof(mount), 0))
print(min(syscall(304, -100, ctypes.addressof(handle), 0), 0))
print(syscall(425, 1, 0))
"""
    free = subprocess.run(python(code, run.dir), capture_output=True, check=True, text=True).stdout
    named, opened, ring = free.split()
    same(named, '0')
    nothing = 'rules:\n  - {path: /no/such, deny: EPERM}\n'
    run.prints(nothing, python(code, run.dir), '0\n-1\n-38\n')
    run.prints('unsafe: io_uring\n' + nothing, python(code, run.dir), f'0\n-1\n{ring}\n')
    run.prints('unsafe: [handles]\n' + nothing, python(code, run.dir), f'0\n{opened}\n-38\n')
    # A layer cannot take from another what that relies on.
    unsafe = 'unsafe: [io_uring, handles]\n'
    run.prints(unsafe, python(code, run.dir), '0\n-1\n-38\n', nothing)
    run.prints(nothing, python(code, run.dir), '0\n-1\n-38\n', unsafe)
    run.prints(unsafe, python(code, run.dir), f'0\n{opened}\n-38\n', 'unsafe: handles\n')
    run.prints(unsafe, python(code, run.dir), free, unsafe)
    same(run(['--deny', '/no/such', '--policy', run.path('policy0.yaml')],
             python(code, run.dir), audit=False).stdout.decode(), free)


def who_promises_nothing(run):
    """What no rule changes runs as it was made where all policies say so; redirects hold."""
    run.path('plain', 'plain')
    run.path('there', 'there')
    redirect = f'rules:\n  - {{path: {run.path("here")}, redirect: {{path: {run.path("there")}}}}}\n'
    command = ['cat', run.path('plain'), run.path('here'), run.path('plain')]
    how = {'plain': None, 'here': 'openat2'}
    for outer, ran in ([], None), ([redirect], 'openat2'), (['unsafe: races\n'], None):
        done = run.under('unsafe: races\n' + redirect, command, *outer)
        same((done.stdout, done.stderr), (b'plainthereplain', b''))
        audit = run.path('audit.jsonl', '')
        options = [word for number in range(1 + len(outer))
                   for word in ('--policy', run.path(f'policy{number}.yaml'))]
        # How a call runs is seen where it does.
        run(options + ['--own-listeners', '--audit', audit], command, audit=False)
        how['plain'] = ran
        opened = []
        with open(audit, encoding='utf-8') as lines:
            for line in map(json.loads, lines):
                text = line.get('deep', {}).get('pathname', {}).get('text', '')
                name = os.path.basename(text)
                if line.get('call') == 'openat' and os.path.dirname(text) == run.dir:
                    opened.append((name, line.get('ran', {}).get('call')))
        same(opened, [(name, how[name]) for name in ('plain', 'here', 'plain')])
    for refuses in 'default: deny\n', 'defaults: {exec: deny}\n', 'rules: [{path: /x, deny: EPERM}]\n':
        done = run.under('unsafe: races\n' + refuses, ['true'])
        same(done.returncode, 125)
        assert b'races: only for a policy that redirects' in done.stderr, done.stderr


def layers_and_defaults(run):
    """The inner policy first; each sees what the inner ones left; a denial is final."""
    for name in ('one', 'two', 'three'):
        run.path(name, name + '\n')
    inner = f"""
rules:
  - {{path: {run.path('one')}, redirect: {{path: {run.path('two')}}}}}
  - {{syscall: getppid, redirect: {{syscall: getpgrp}}}}
"""
    outer = f"""
default: allow
defaults:
  any-path: allow
  open-write: {{deny: EROFS}}
  connect: kill
rules:
  - {{path: {run.path('two')}, redirect: {{path: {run.path('three')}}}}}
  - {{path: {run.path('one')}, deny: EIO}}
  - {{syscall: getpgrp, value: 17}}
"""
    run.prints(inner, 'cat one two', 'three\nthree\n', outer, cwd=run.dir)
    run.prints(outer, 'cat one two', 'three\ncat: one: Input/output error\n', inner, cwd=run.dir)
    run.prints(inner, python('import os; print(os.getppid(), os.getpgrp())'), '17 17\n', outer)
    run.prints(outer, python('import os; print(os.getppid() != 17, os.getpgrp())'), 'True 17\n',
               inner)
    run.prints(inner, 'echo x >three', 'bash: line 1: three: Read-only file system\n', outer,
               cwd=run.dir)
    done = run.under(inner, python(TRY + "connect(socket.AF_INET, ('127.0.0.1', 9))"), outer)
    same(done.returncode, -signal.SIGKILL)


MADE_AGAIN = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILES 2000

static atomic_int go = -1, done = -1;
static char name[FILES][16];

static void *removes(void *unused)
{
	for (int i = 0; i < FILES; i++) {
		while (atomic_load(&go) < i)
			;
		for (volatile int wait = 0; wait < i % 50 * 200; wait++)
			;
		unlink(name[i]);
		atomic_store(&done, i);
	}
	return unused;
}

int main(void)
{
	int made = 0, opened = 0, refused = 0, gone = 0, others = 0;
	pthread_t thread;

	for (int i = 0; i < FILES; i++)
		sprintf(name[i], "f%d", i);
	pthread_create(&thread, NULL, removes, NULL);
	for (int i = 0; i < FILES; i++) {
		int fd, err;

		atomic_store(&go, i);
		fd = open(name[i], O_RDWR | O_CREAT, 0600);
		err = errno;
		while (atomic_load(&done) < i)
			;
		made += fd >= 0 && !access(name[i], F_OK);
		opened += fd >= 0;
		refused += fd < 0 && err == EACCES;
		gone += fd < 0 && err == ENOENT;
		others += fd < 0 && err != EACCES && err != ENOENT;
		if (fd >= 0)
			close(fd);
	}
	printf("made %d, others %d, gone %d, %s\n", made, others, gone,
	       opened && refused ? "both" : "one way only");
	return 0;
}
"""


def a_file_that_goes_is_not_made_again(run):
    """O_CREAT of a file that is there, while another thread removes it: decided is that nothing is
    made.  Where the supervisor does not see how a call ends, who loses the race is told ENOENT."""
    source = run.path('made.c', MADE_AGAIN)
    subprocess.run(['cc', '-pthread', '-o', run.path('made'), source], check=True)
    os.mkdir(run.path('files'))
    policy = 'defaults: {create: deny}\n'
    attempts = 0
    while attempts < 10:
        attempts += 1
        for number in range(2000):
            run.path(f'files/f{number}', '')
        done = run.under(policy, [run.path('made')], cwd=run.path('files'))
        gone = br'\d+' if os.environ.get('PM_BACKEND') == 'notify' else b'0'
        assert re.fullmatch(b'made 0, others 0, gone ' + gone + b', (both|one way only)\n',
                            done.stdout), done
        if done.stdout.endswith(b'both\n'):
            break
    else:
        raise AssertionError('the race was never one')
    # The errors are those of O_CREAT.
    os.mkdir(run.path('dir'))
    run.path('there', 'x')
    run.prints(policy, python(TRY + """
attempt('there', lambda: os.close(os.open('there', os.O_RDWR | os.O_CREAT)))
attempt('dir', os.open, 'dir', os.O_RDONLY | os.O_CREAT)
attempt('fresh', os.open, 'there', os.O_RDWR | os.O_CREAT | os.O_EXCL)
attempt('none', os.open, 'none', os.O_RDWR | os.O_CREAT)
path = ctypes.create_string_buffer(b'there')
print('creat', syscall(85, ctypes.addressof(path), 0o600) > 0)
print(os.stat('there').st_size)
"""), 'there None\ndir EISDIR\nfresh EEXIST\nnone EACCES\ncreat True\n0\n',
               cwd=run.dir)


def links_where_redirects_lead(run):
    """A link in the target leads to nothing that the rules do not let it lead to."""
    secret = run.path('secret', 'secret\n')
    socket_path = run.path('closed')
    server = Server(socket.AF_UNIX, socket_path, 'closed')
    assert server
    run.path('from/x', 'from\n')
    run.path('to/x', 'to\n')
    run.path('to/closed', 'closed\n')
    run.path('open', 'open\n')
    run.path('dir/secret', 'other\n')
    policy = f"""
rules:
  - {{path: [{secret}, {run.dir}/to/closed], deny: EPERM}}
  - {{tree: {run.dir}/from, redirect: {{tree: {run.dir}/to}}}}
  - {{path: {run.dir}/one, redirect: {{path: {run.dir}/two}}}}
  - {{class: connect, address: "unix:{socket_path}", deny: EPERM}}
  - {{class: connect, address: "unix:{run.dir}/s", redirect: {{address: "unix:{run.dir}/t"}}}}
"""
    run.each(policy, {
        'cat from/x from/closed': 'to\nclosed\n',
        'ln -s ../secret to/l; cat from/l': 'cat: from/l: Operation not permitted\n',
        'echo x >from/l': 'bash: line 1: from/l: Operation not permitted\n',
        'stat from/l >/dev/null && readlink from/l': '../secret\n',
        'stat -L from/l': "stat: cannot statx 'from/l': Operation not permitted\n",
        f'ln -s {run.dir} to/d; cat from/d/secret': 'cat: from/d/secret: Operation not permitted\n',
        'cat from/d/open': 'open\n',
        'cat from/d/from/x': 'to\n',
        'ln -s secret two; cat one': 'cat: one: Operation not permitted\n',
        'ln -sfn open two; cat one': 'open\n',
        'rm two; echo two >two; cat one one': 'two\ntwo\n',
        'rm two; cat one': 'cat: one: No such file or directory\n',
        'mkdir two; cat one': 'cat: one: Is a directory\n',
        'rmdir two; ln -s two two; cat one': 'cat: one: Too many levels of symbolic links\n',
        'rm two; cat <>one; ls two': 'two\n',
        'ln -sfn secret two; cat <>one': 'bash: line 1: one: Operation not permitted\n',
        'ln -sfn open two; cat one two': 'open\nopen\n',
        'ln -sfn ../from/l to/l; cat from/l': 'cat: from/l: Too many levels of symbolic links\n',
    }, cwd=run.dir)
    run.prints(policy, python(TRY + """
os.symlink('closed', 't')
attempt('closed', connect, socket.AF_UNIX, 'closed')
attempt('linked', connect, socket.AF_UNIX, 's')
"""), 'closed EPERM\nlinked EPERM\n', cwd=run.dir)


def interpreters_where_redirects_lead(run):
    """What the program in a redirect's target names is decided on, by this layer and by outer
    ones."""
    perl, python3 = run.path('perl'), run.path('python')
    for name in perl, python3:
        shutil.copy(shutil.which('bash'), name)
    tool = run.path('tool', '#!/bin/sh\necho tool\n', 0o755)
    run.path('script', f'#!{perl}\necho perl\n', 0o755)
    run.path('runner', f'#!{python3}\necho runner\n', 0o755)
    deny = f'rules:\n  - {{class: exec, path: {perl}, deny: EPERM}}\n'
    redirect = f'  - {{class: exec, path: {tool}, redirect: {{program: {run.path("script")}}}}}\n'
    command = python('import os, sys\ntry:\n    os.execv(sys.argv[1], ["x"])\n'
                     'except OSError as error:\n    print(error.strerror)', tool)
    run.prints('rules:\n' + redirect, command, 'perl\n')
    run.prints(deny + redirect, command, 'Operation not permitted\n')
    run.prints('rules:\n' + redirect, command, 'Operation not permitted\n', deny)
    # An interpreter that is redirected to a script has one of its own.
    run.path('tool', f'#!{perl}\necho tool\n', 0o755)
    other = f'rules:\n  - {{class: exec, path: {perl}, redirect: {{program: {run.path("runner")}}}}}\n'
    deny = f'  - {{class: exec, path: {python3}, deny: EPERM}}\n'
    run.prints(other, command, 'runner\n')
    run.prints(other + deny, command, 'Operation not permitted\n')
    run.prints(other, command, 'Operation not permitted\n', 'rules:\n' + deny)


TESTS = [a_build_that_may_not_leave_its_tree, an_agent_in_a_project_with_one_proxy,
         a_vendor_tree_that_is_not_there, a_compiler_under_a_wrapper, programs_by_their_arguments,
         sockets_with_names, addresses_of_ipv6, no_address_in_particular,
         calls_and_their_numbers, denials_and_exceptions, what_is_safe_by_default, who_promises_nothing,
         layers_and_defaults, a_file_that_goes_is_not_made_again,
         links_where_redirects_lead, interpreters_where_redirects_lead]

sys.exit(tap.main(TESTS, Run))
