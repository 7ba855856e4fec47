#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion in each shell: what a person gets who types a line and the tabulator.  In
# bash and zsh it is typed, on a terminal; fish answers by itself.
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../harness'))
import tap  # noqa: E402
from tap import LIMIT, PM, SRC, Skip, same  # noqa: E402

# What is typed, and the last component of what is offered.
LINES = {
    'pointsman ru': {'run'},
    'pointsman help d': {'doctor'},
    'pointsman run --audit-': {'--audit-fd', '--audit-decided'},
    'pointsman run --backend ': {'auto', 'notify', 'ptrace'},
    'pointsman run --backend n': {'notify'},
    'pointsman trace --backend p': {'ptrace'},
    'pointsman learn --backend a': {'auto'},
    'pointsman run --policy si': {'site.yaml', 'side'},
    'pointsman run --policy=si': {'site.yaml', 'side'},
    'pointsman run --policy=': {'site.yaml', 'side'},
    'pointsman run -v --policy site.yaml --policy si': {'site.yaml', 'side'},
    'pointsman run --policy side/': {'inner.yml'},
    'pointsman run --audit si': {'site.yaml', 'site.txt', 'side'},
    'pointsman run --path site.t': {'site.txt'},
    'pointsman run --path /etc/motd=si': {'site.yaml', 'site.txt', 'side'},
    'pointsman run --connect ': set(),
    'pointsman run -- only-her': {'only-here'},
    'pointsman run --audit-decided only-her': {'only-here'},
    'pointsman run -- only-here --aud': set(),
    'pointsman run -- cat site.t': {'site.txt'},
    'pointsman run cat site.t': {'site.txt'},
    'pointsman doctor si': set(),
    'pointsman oci-profile si': set(),
    'pointsman check si': {'site.yaml', 'side'},
    'pointsman check site.yaml si': {'site.yaml', 'side'},
    'pointsman trace --color ': {'auto', 'always', 'never'},
    'pointsman trace -c -o si': {'site.yaml', 'site.txt', 'side'},
    'pointsman trace cat site.t': {'site.txt'},
    'pointsman report ': {'audit.jsonl', 'side'},
    'pointsman report -o page.html au': {'audit.jsonl'},
    'pointsman explain si': {'site.yaml', 'side'},
    'pointsman agent --policy web=si': {'site.yaml', 'side'},
    'pointsman agent --policy=web=si': {'site.yaml', 'side'},
    'pointsman oci-profile --listener si': {'site.yaml', 'site.txt', 'side'},
}

BASH = r'''
PS1= PS2= HISTFILE=
source "$COMPLETION/pointsman.bash"
captured()
{
	COMPREPLY=()
	_pointsman "$@"
	printf '%s\n' "${COMPREPLY[@]}" "=$COMP_LINE" >"$CAPTURE"
	COMPREPLY=()
}
complete -F captured pointsman
echo =ready >"$CAPTURE"
'''

ZSH = r'''
PS1= PS2= HISTFILE= PROMPT_EOL_MARK=
fpath=("$COMPLETION" $fpath)
autoload -Uz compinit
compinit -D -u
# All that is offered goes through compadd.
compadd()
{
	local -a hits
	if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
		builtin compadd "$@"
		return
	fi
	builtin compadd -O hits "$@"
	print -rl -- $hits >"$CAPTURE"
	builtin compadd "$@"
}
offer()
{
	_main_complete
	compstate[insert]= compstate[list]=
}
zle -C offer complete-word offer
captured()
{
	zle offer
	print -r -- "=$BUFFER" >"$CAPTURE"
}
zle -N captured
bindkey '^I' captured
bindkey '^U' kill-whole-line
print -r -- '=ready' >"$CAPTURE"
'''


class Typed:
    """A shell on a terminal.  What it offers comes through a FIFO, and '=' and the line."""

    def __init__(self, run, argv, script):
        self.run = run
        fifo = run.path('capture')
        os.mkfifo(fifo)
        self.capture = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        self.got = b''
        setup = run.path('setup', script)
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            os.chdir(run.path('place'))
            os.environ.update(environment(run), CAPTURE=fifo, TERM='dumb')
            os.execvp(argv[0], argv)
        self.type(f'source {setup}\n')
        self.until('=ready')

    def type(self, text):
        os.write(self.terminal, text.encode())

    def until(self, end):
        deadline = time.monotonic() + LIMIT
        while f'{end}\n'.encode() not in self.got:
            left = deadline - time.monotonic()
            assert left > 0, f'no {end!r} in {self.got!r}'
            for fd in select.select([self.capture, self.terminal], [], [], left)[0]:
                data = os.read(fd, 65536)
                if fd == self.capture:
                    self.got += data
        text, _, self.got = self.got.partition(f'{end}\n'.encode())
        return text.decode().splitlines()

    def complete(self, line):
        self.type('\x15' + line + '\t')
        return self.until('=' + line)

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)
        os.close(self.capture)


class Fish:
    def __init__(self, run):
        self.run = run

    def complete(self, line):
        done = subprocess.run(
            ['fish', '--no-config', '-c', 'source $COMPLETION/pointsman.fish; complete -C $argv[1]',
             '--', line], cwd=self.run.path('place'), env={**os.environ, **environment(self.run)},
            stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False, encoding='utf-8')
        same((done.returncode, done.stderr), (0, ''))
        return [x.split('\t')[0] for x in done.stdout.splitlines()]

    def close(self):
        pass


def environment(run):
    return {'PATH': f'{run.path("bin")}:/usr/bin:/bin', 'COMPLETION': SRC + '/completion',
            'HOME': run.path('home'), 'XDG_CONFIG_HOME': run.path('home')}


def place(run):
    """The directory that lines are typed in, and the command by its name."""
    for name in ('site.yaml', 'site.txt', 'side/inner.yml', 'side/other', 'audit.jsonl'):
        run.path('place/' + name, 'text\n')
    os.mkdir(run.path('home'))
    run.path('bin/only-here', '#!/bin/sh\n', 0o755)
    os.symlink(PM, run.path('bin/pointsman'))


def shown(*argv):
    return subprocess.run([PM, 'help', *argv], capture_output=True, check=True,
                          encoding='utf-8').stdout


def subcommands():
    return set(re.findall(r'^  ([a-z-]+) +\S', shown(), re.M))


def options(name):
    """Each as it is typed."""
    found = re.findall(r'^ +(?:(-\w)(?:, )?)?(--[a-z-]+)?(?= |$)', shown(name), re.M)
    return {x for pair in found for x in pair if x}


def offers(shell):
    """Of every subcommand all options, and of each line what it says."""
    def offered(line):
        return {os.path.basename(x.rstrip('/').rpartition('=')[2]) if '/' in x or '=' in x else x
                for x in shell.complete(line) if x}

    same(offered('pointsman '), subcommands() | {'--help', '--version'})
    for name in subcommands() - {'help', 'version'}:
        same((name, offered(f'pointsman {name} -')), (name, options(name)))
    for line, expected in LINES.items():
        same((line, offered(line)), (line, expected))


def shell_test(name, make):
    def test(run):
        if not shutil.which(name):
            raise Skip(f'{name} is not installed')
        place(run)
        shell = make(run)
        try:
            offers(shell)
        finally:
            shell.close()
    test.__name__ = name
    return test


def the_backends(_run):
    """Those that are offered are those that there are."""
    done = subprocess.run([PM, 'run', '--backend', 'no', 'true'], capture_output=True, check=False)
    same(set(re.findall(r"'([a-z]+)'", done.stderr.decode().partition(';')[2])),
         LINES['pointsman run --backend '])


def what_options_take(_run):
    """What stands in capitals in the help is something that is completed, or cannot be."""
    files = {'FILE', 'PATH', 'NAME=FILE', 'FROM=TO', 'PATTERN[:ERRNO]'}
    others = {'ADDR=ADDR', 'NAME=NAME', 'N', 'NAME', 'WHEN'}
    for name in subcommands() - {'help', 'version'}:
        for word in re.findall(r'^ +(?=-)(?:-\w(?:, )?)?(?:--[a-z-]+)? ([A-Z]\S*)', shown(name), re.M):
            assert word in files | others, f'{name}: {word}: completion/ does not know it'


TESTS = [
    shell_test('bash', lambda run: Typed(run, ['bash', '--norc', '--noprofile', '-i'], BASH)),
    shell_test('fish', Fish),
    shell_test('zsh', lambda run: Typed(run, ['zsh', '-f', '-i'], ZSH)),
    the_backends,
    what_options_take,
]

sys.exit(tap.main(TESTS))
