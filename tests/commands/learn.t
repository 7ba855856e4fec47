#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# pointsman learn: a policy under which a second run is clean, and that a person can read.
import json
import os
import re
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../harness'))
import tap  # noqa: E402
from tap import LIMIT, PM, same  # noqa: E402

ENV = {**os.environ, 'PATH': '/usr/local/bin:/usr/bin:/bin', 'GIT_CONFIG_GLOBAL': '/dev/null',
       'GIT_CONFIG_NOSYSTEM': '1', 'PYTHONDONTWRITEBYTECODE': '1'}


def learn(run, *argv, **more):
    more.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.run([PM, 'learn', *argv], capture_output=True, timeout=LIMIT, check=False,
                          cwd=run.dir, env=ENV, **more)


def refused(run, policy, command):
    """The calls of a run under the policy that it does not allow, and how the run ended."""
    audit = run.path('audit')
    if os.path.exists(audit):
        os.unlink(audit)
    done = subprocess.run([PM, 'run', '--policy', policy, '--audit', audit, '--audit-decided',
                           '--', *command], capture_output=True, timeout=LIMIT, check=False,
                          cwd=run.dir, env=ENV, stdin=subprocess.DEVNULL)
    with open(audit, encoding='utf-8') as file:
        lines = [json.loads(x) for x in file]
    return done.returncode, [(x['call'], x.get('deep')) for x in lines
                             if x['type'] == 'call' and x['verdict'] != 'redirect']


def text_of(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def clean(run, command, between=lambda: None, most=60):
    """Learn the command, and run it again under what was learned.  Returns the policy."""
    policy = run.path('policy.yaml')
    done = learn(run, '-o', policy, '--', *command)
    same((done.returncode, b'pointsman:' in done.stderr), (0, False))
    between()
    same(refused(run, policy, command), (0, []))
    text = text_of(policy)
    assert text.count('\n') <= most, text
    check = subprocess.run([PM, 'check', '--strict', policy], capture_output=True, check=False)
    same((check.returncode, check.stdout), (0, check.stdout))
    return text


def entries(text):
    return {json.loads(x) if x.startswith('"') else x
            for x in re.findall(r'^ +- ("(?:[^"\\]|\\.)*"|/\S*) +#', text, re.M)}


def wrong_uses(run):
    see = "see 'pointsman help learn'"
    for argv, message in [
        ([], f'no command given; {see}'),
        (['--frob', 'true'], f"unknown option '--frob'; {see}"),
        (['--merge'], "option '--merge' needs an argument"),
        (['--backend', 'blue', 'true'],
         "--backend: 'blue' is not a backend; 'auto', 'notify' and 'ptrace' are"),
        (['--policy', run.path('empty.yaml', 'version: 1\n'), 'true'],
         "a policy, expected '--merge FILE' for one that learn wrote"),
        (['--merge', run.path('empty.yaml'), 'true'],
         f"--merge: '{run.path('empty.yaml')}' has no list of rules at its end, as learn writes "
         'it'),
        (['--merge', run.path('flow.yaml', 'version: 1\nrules: [{class: exec, allow: true}]\n'),
          'true'],
         f"--merge: '{run.path('flow.yaml')}' has no list of rules at its end, as learn writes "
         'it'),
        (['--merge', run.path('bad.yaml', 'version: 2\n'), 'true'],
         f"{run.path('bad.yaml')}:1:10: version: '2', expected 1"),
    ]:
        done = learn(run, *argv)
        same((done.returncode, done.stderr.decode(), done.stdout),
             (125, f'pointsman: {message}\n', b''))
    done = learn(run, '-o', run.path('none'), run.path('missing'))
    same((done.returncode, os.path.exists(run.path('none'))), (127, False))
    done = learn(run, '-o', '/nowhere/x', 'true')
    same((done.returncode, done.stderr.decode()),
         (125, "pointsman: --output: cannot write '/nowhere/x': No such file or directory\n"))


def outputs_do_not_mix(run):
    done = learn(run, '--', 'sh', '-c', 'echo out; echo err >&2; exit 3')
    same((done.returncode, done.stderr), (3, b'out\nerr\n'))
    same(done.stdout.split(b'\n')[2:4], [b'version: 1', b'default: deny'])
    done = learn(run, '-o', run.path('p'), '--', 'echo', 'out')
    same((done.returncode, done.stdout, done.stderr), (0, b'out\n', b''))


def python(run):
    code = f'''import json, os, shutil, socket, subprocess, tempfile
open(tempfile.mkstemp(suffix=".x")[1], "w")
directory = tempfile.mkdtemp()
open(directory + "/file", "w").close()
shutil.rmtree(directory)
subprocess.run(["ls", "/usr/bin"], stdout=subprocess.DEVNULL, check=True)
socket.socket().connect_ex(("127.0.0.1", 9))
listener = socket.create_server(("127.0.0.1", 0))
socket.create_connection(listener.getsockname())
open("/proc/self/status").read()
os.mkdir("{run.dir}/made-%d" % os.getpid())
'''
    text = clean(run, ['python3', '-c', code])
    names = entries(text)
    for name in ['127.0.0.1:9', '127.0.0.1:*', '/proc/self/status', '/usr', '/usr/bin/ls']:
        assert name in names, (name, text)
    temp = ENV.get('TMPDIR', '/tmp')
    assert f'{temp}/tmp????????.x' in names and f'{temp}/tmp????????/file' in names, text
    assert re.search(r'^ +- /usr/bin/ls +# 1 by python3', text, re.M), text


def git(run):
    subprocess.run(['git', 'init', '-q', '.'], cwd=run.dir, env=ENV, check=True)
    run.path('file', 'x')
    commit = ['git', '-c', 'user.name=x', '-c', 'user.email=x@example.org', 'commit', '-q',
               '--allow-empty', '-m', 'more']
    # The first one of all reads less than the others.
    subprocess.run(commit, cwd=run.dir, env=ENV, check=True)
    clean(run, ['git', 'status'])
    clean(run, commit)


def make(run):
    if not shutil.which('cc'):
        raise tap.Skip('no compiler')
    run.path('a.c', 'int f(void); int main(void) { return f(); }\n')
    run.path('b.c', 'int f(void) { return 0; }\n')
    run.path('Makefile', 'out/prog: out/a.o out/b.o\n\tcc -o $@ $^\n'
                         'out/%.o: %.c | out\n\tcc -c -o $@ $<\nout:\n\tmkdir out\n')
    text = clean(run, ['make', '-s', '-j2'], between=lambda: shutil.rmtree(run.path('out')))
    assert run.dir in entries(text), text


def programs_that_are_not_there(run):
    """They stand apart from those that were run, so that these can be seen."""
    program = run.path('here/prog', '#!/bin/sh\n', 0o755)
    path = ':'.join([run.path('none'), run.path('other'), os.path.dirname(program)])
    text = clean(run, ['/usr/bin/env', 'PATH=' + path, 'prog'])
    were, gone = re.findall(r'- class: exec\n +allow: true\n +path:\n((?: +- .*\n)+)', text)
    assert program in were and 'was not there' not in were, text
    same(entries(gone), {run.path('none/prog'), run.path('other/prog')})
    same(gone.count('was not there'), 2)
    same(re.findall(r'^(?!  ).*#.*', text, re.M)[2:], [])
    # What its comment says of it: without it the search goes on.
    with open(run.path('less.yaml'), 'w', encoding='utf-8') as less:
        less.write(text.replace(gone, f'    - {program}\n'))
    done = subprocess.run([PM, 'run', '--policy', run.path('less.yaml'), '/usr/bin/env',
                           'PATH=' + path, 'prog'], cwd=run.dir, env=ENV, check=False, capture_output=True)
    same((done.returncode, done.stderr), (0, b''))


def trees_and_others(run):
    """What is folded, what is not, and what stays as it is."""
    for i in range(9):
        run.path(f'many/{i}/x', '')
    for i in range(2):
        run.path(f'few/{i}', '')
    code = '''import os, sys
for name in ["many/%d/x" % i for i in range(9)] + ["few/0", "few/1"]:
    open(name).close()
os.stat("few")
open("new[1]", "w").close()
try:
    open(b"a\\xffb")
except OSError:
    pass
'''
    text = clean(run, [sys.executable, '-S', '-c', code])
    names = entries(text)
    assert run.dir in names, text
    # The working directory as a tree has all; where it may not be one, each is told apart.
    done = subprocess.run([PM, 'learn', '--', sys.executable, '-S', '-c',
                           f'import os; os.chdir("{run.dir}")\n' + code], cwd='/',
                          capture_output=True, check=True, env={**ENV, 'HOME': run.dir},
                          stdin=subprocess.DEVNULL)
    names = entries(done.stdout.decode())
    for name in [run.path('many'), run.path('few/0'), run.path('few/1'), run.path('few'),
                 run.path('new[1]'), run.path('a?b')]:
        assert name in names, (name, done.stdout.decode())
    trees = re.findall(r'^ +tree:\n((?: +- .*\n)+)', done.stdout.decode(), re.M)
    assert run.path('many') in entries(''.join(trees)), trees
    assert run.dir not in entries(''.join(trees)), trees


def many_names_need_little_memory(run):
    """A directory of very many names is a tree while they come."""
    os.mkdir(run.path('d'))
    code = '''import os, socket, tempfile
for i in range(5000):
    try:
        os.stat("d/%d" % i)
    except OSError:
        pass
for i in range(600):
    os.unlink(tempfile.mkstemp()[1])
for i in range(300):
    socket.socket().connect_ex(("127.0.0.1", i + 1))
'''
    usage = ('import resource, subprocess, sys; s = subprocess.run(sys.argv[1:]).returncode; '
             'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(s)')
    argv = [PM, 'learn', '-o', run.path('p'), '--', sys.executable, '-S', '-c', code]
    done = subprocess.run([sys.executable, '-c', usage, *argv], cwd=run.dir, check=True,
                          capture_output=True, timeout=LIMIT, env=ENV)
    assert int(done.stdout) < 100 << 10, done.stdout
    text = text_of(run.path('p'))
    assert '*' in entries(text) and f'{ENV.get("TMPDIR", "/tmp")}/tmp????????' in entries(text)
    assert text.count('\n') < 60 + 200, text


def a_second_run_is_added(run):
    run.path('a', '')
    run.path('b', '')
    policy = run.path('policy.yaml')
    same(learn(run, '--merge', policy, '-o', policy, '--', 'cat', 'a').returncode, 0)
    first = text_of(policy)
    same(refused(run, policy, ['cat', 'b'])[0], 1)
    same(learn(run, '--merge', policy, '-o', policy, '--', 'cat', 'b').returncode, 0)
    second = text_of(policy)
    assert second.startswith(first) and len(second) > len(first), second
    same([refused(run, policy, ['cat', x]) for x in 'ab'], [(0, []), (0, [])])
    same(learn(run, '--merge', policy, '-o', policy, '--', 'cat', 'a', 'b').returncode, 0)
    same(text_of(policy), second)
    with open(policy, 'r+b') as out:
        done = subprocess.run([PM, 'learn', '--merge', policy, 'true'], stdout=out,
                              stderr=subprocess.PIPE, check=False)
    same((done.returncode, done.stderr.decode()),
         (125, f"pointsman: --merge: '{policy}' is the output too, and has been emptied for it; "
               f"expected '-o {policy}'\n"))


def what_a_person_wrote_is_kept(run):
    """However the list of rules is indented."""
    run.path('a', '')
    for blanks in ('', '  ', '      '):
        old = ('version: 1\ndefault: deny  # mine\nrules:\n'
               f'{blanks}-   class: exec\n{blanks}    tree: /usr  # yes\n{blanks}    allow: true')
        policy = run.path('policy.yaml', old)
        same(learn(run, '--merge', policy, '-o', policy, '--', 'cat', 'a').returncode, 0)
        text = text_of(policy)
        assert text.startswith(old + f'\n{blanks}# Learned '), text
        same([x for x in text.splitlines() if re.match(rf'{blanks}- class: ', x)][0][:len(blanks) + 9],
             f'{blanks}- class: ')
        same(refused(run, policy, ['/usr/bin/cat', 'a']), (0, []))


def names_are_text(run):
    """No name of a file or program becomes a rule, or a line, of its own."""
    evil = 'x"\n  - {class: any, allow: true}\n# \x1b[31m'
    shutil.copy('/bin/true', run.path(evil))
    done = learn(run, '--', 'sh', '-c', './"$1"; /bin/cat "./$1" >/dev/null', evil, evil)
    text = done.stdout.decode()
    assert '\x1b' not in text and 'class: any' not in [x.strip(' -{') for x in text.split('\n')]
    same([x for x in text.split('\n') if x.startswith('  - {')], [])
    policy = run.path('policy.yaml', text)
    same(refused(run, policy, ['/bin/cat', evil]), (0, []))


TESTS = [wrong_uses, outputs_do_not_mix, python, git, make, programs_that_are_not_there,
         trees_and_others, many_names_need_little_memory, a_second_run_is_added,
         what_a_person_wrote_is_kept, names_are_text]

sys.exit(tap.main(TESTS))
