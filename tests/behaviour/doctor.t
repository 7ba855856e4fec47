#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# pointsman doctor: what it says is so, here and wherever something is missing.
# shellcheck source=tests/harness/tap.sh
. "${PM_SRC:-$(dirname "$0")/../..}/tests/harness/tap.sh"

# Its status speaks of the backend that run takes by itself.
[ -z "${PM_BACKEND:-}" ] || PM=$PM_BUILD/pointsman
helpers=$PM_BUILD/tests/behaviour/src
without=$PM_BUILD/tests/without/without
cd "$TMPDIR" || exit 1

# ask COMMAND...: doctor's text and status, started by COMMAND; a line for each thing
ask()
{
	text=$("$@" "$PM" doctor 2>&1)
	status=$?
	text=${text//$'\n         '/ }
	text=${text//$'\n        '/ }
}

# has WHAT LINE...: these lines stand there, one below the other
has()
{
	local what=$1 lines
	shift
	printf -v lines '%s\n' "$@"
	[[ $'\n'$text$'\n' == *$'\n'"$lines"* ]]
	ok $? "$what" "expected:" "$lines" "in:" "$text"
}

# runs WHAT COMMAND...: the status says whether run will work, which it does or not
runs()
{
	local what=$1 got run
	shift
	got=$("$@" "$PM" run -- true 2>&1)
	run=$?
	[ "$status" = $((run != 0)) ]
	ok $? "$what: run does as the status of doctor says" "doctor: $status" "run: $run $got" "$text"
}

# The usage.
says()
{
	local expected=$1 got
	shift
	got=$("$PM" doctor "$@" 2>&1 >/dev/null)
	is "$? $got" "125 pointsman: $expected" "doctor $*"
}
says "unknown option '--frob'; see 'pointsman help doctor'" --frob
says "unknown option '--json=1'; see 'pointsman help doctor'" --json=1
says "doctor: takes no argument, not 'x'" x
says "doctor: takes no argument, not 'x'" --json x
is "$("$PM" doctor --help; echo $?)" "$("$PM" help doctor)"$'\n'0 'doctor --help is help doctor'
got=$("$PM" doctor 2>&1 >/dev/full)
is "$? $got" '125 pointsman: cannot write to standard output: No space left on device' \
	'on a full disk'

# Here, as it is.
here=$("$PM" doctor)
status=$? text=$here
runs here env
[ "$(awk 'length > 80' <<<"$here")" = '' ]
ok $? '80 columns are enough' "$here"

# guaranteed FACTS: what the table of README.md says of a machine, by what doctor says works
guaranteed()
{
	python3 - "$PM_SRC/README.md" "$1" <<'END'
import json, sys
facts = json.load(open(sys.argv[2]))
has = {name: fact['works'] for name, fact in facts['facts'].items()}
resolved = {'with openat2': ('openat2', 'with openat2', 'by its name only'),
            'with Landlock': ('landlock', 'with Landlock', 'no'),
            'mseal, or refusals': ('mseal', 'mseal', 'refusals'),
            'one wait, or stops': ('held-listener', 'one wait', 'two stops')}
rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in open(sys.argv[1])
        if line.startswith('|')]
for what, *cells in rows[rows.index(['backend', 'ptrace', 'notify']):]:
    if what in ('backend', '---'):
        print(what, *cells, sep='|')
    elif what != 'the kernel that it needs':
        for i, backend in enumerate(('ptrace', 'notify')):
            if not facts[backend]['works']:
                cells[i] = '-'
            elif cells[i] in resolved:
                fact, yes, no = resolved[cells[i]]
                cells[i] = yes if has[fact] else no
            elif (what, backend) == ('pointsman works inside', 'notify') and not has['chain']:
                cells[i] = 'on ptrace'
        print(what, *cells, sep='|')
END
}

# table WHAT COMMAND...: that of README.md, of what works here
table()
{
	local what=$1
	shift
	"$@" "$PM" doctor --json >table.json
	is "$("$@" "$PM" doctor | sed -n 's/^| //; s/ *| */|/g; s/|$//p')" "$(guaranteed table.json)" \
		"the table is that of README.md $what"
}
table 'as it is here' env
table 'without openat2' "$without" openat2=1 --
table 'without Landlock and mseal' "$without" landlock_create_ruleset mseal --
table 'where no program can have a listener' "$without" listener=1 --
table 'on Linux before 5.19' "$without" held=22 --
table 'where nothing works' "$without" ptrace=1 --
is "$(trap '' CHLD; "$PM" doctor)" "$here" 'the same where SIGCHLD is ignored'
is "$("$PM" doctor <&- 2>&-)" "$here" 'the same with closed descriptors'

# As JSON it is the same.
"$PM" doctor --json >json
is $? "$status" 'the same status'
got=$(python3 - "$here" <<'END'
import json, sys
text = sys.argv[1]
all = json.load(open('json'))
lines = text.splitlines()
assert all['works'] == (all['ptrace']['works'] or all['notify']['works'])
for backend in 'ptrace', 'notify':
    why = all[backend]['why']
    assert all[backend]['works'] == (why is None)
    assert backend + '  ' + (f'does not work here: {why}' if why else 'works here') in \
        text.replace('\n        ', ' '), backend
assert lines.count(f"pointsman {all['version']}, Linux {all['kernel']}, {all['machine']}") == 1
rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines if line[:1] == '|']
assert rows[2:] == [[row['what'], row['ptrace'], row['notify']] for row in all['guarantees']]
for name, fact in all['facts'].items():
    state = {None: '? ', True: 'ok', False: 'no'}[fact['works']]
    begin = f"  {state}  {fact['what']}"
    end = f": {fact['why']}" if fact['why'] else \
        f", version {all['landlock']}" if name == 'landlock' else ''
    assert lines.count(begin + end) == 1, begin + end
    assert (fact['why'] is None) == (fact['works'] is True), name
    assert fact['works'] is False or fact['remedy'] is None and fact['error'] is None, name
    if fact['works'] is False and name not in ('pin', 'redirect', 'redirect-number'):
        assert fact['remedy'], name
    if fact['remedy']:
        assert '-> ' + fact['remedy'] in text.replace('\n         ', ' '), name
assert len(all['facts']) == sum(line[:5] in ('  ok ', '  no ', '  ?  ') for line in lines)
END
)
ok $? 'JSON says what the text says' "$got"

# Nothing of it is left.
got=$(python3 - "$PM" <<'END' 2>&1
import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
subprocess.run([sys.argv[1], 'doctor'], stdout=subprocess.DEVNULL, check=False)
try:
    print('left:', os.waitpid(-1, 0))
except ChildProcessError:
    print('nobody')
END
)
is "$got" nobody 'no process of it is left'

# no WHAT WHY REMEDY: it does not work, for this reason, and that is to be done
no()
{
	has "'$1' is said to be missing" "  no  $1: $2" "      -> $3"
}

# missing CALL[=ERRNO]: in a container whose profile takes this call away
missing()
{
	ask "$without" "$1" --
	runs "without $1" "$without" "$1" --
}

# allow CALL: what a profile has to do
allow()
{
	echo "in a container: a seccomp profile that allows $1 (--security-opt seccomp=FILE)"
}

denied='Operation not permitted' absent='Function not implemented'
missing ptrace=1
is "$status" 1 'without ptrace nothing works'
has 'and the reason is said first' \
	"ptrace  does not work here: ptrace is not permitted here: $denied"
no 'a process can be traced' "$denied" "$(allow 'ptrace(2)')"
has 'and what comes after it is not tried' \
	'  ?   its child stops, is read, and runs another call: not tried'
no 'the caller is traced until the call returns' "$denied" "$(allow 'ptrace(2)')"
missing ptrace
no 'a process can be traced' "$absent" "$(allow 'ptrace(2)')"
missing seccomp=1
has 'the reasons' "ptrace  does not work here: no filter can be installed: $denied" \
	"notify  does not work here: no listener can be installed: $denied"
no 'a filter can be installed' "$denied" \
	"a kernel with CONFIG_SECCOMP_FILTER; $(allow 'seccomp(2)')"
for flag in REDIRECT CHAIN WAIT_KILLABLE KILL_ORPHANS; do
	no "SECCOMP_FILTER_FLAG_$flag" "$denied" "$(allow 'seccomp(2)')"
done
listener="Linux 5.5 or later; $(allow 'seccomp(2) with SECCOMP_FILTER_FLAG_NEW_LISTENER')"
no 'a listener with those flags that are there' "$denied" "$listener"
no 'a filter can have a listener' "$denied" "$listener"
no 'its calls are held through signals (WAIT_KILLABLE_RECV)' "$denied" "$listener"
has 'what comes after a listener is not tried' '  ?   it is told of a call: not tried' \
	'  ?   memory is pinned into the caller: not tried' \
	'  ?   the call runs on another path: not tried' \
	'  ?   the call runs as another one: not tried' \
	'  ?   the call is answered with a descriptor: not tried' \
	'  ?   the caller is traced until the call returns: not tried'
missing listener=1
has 'without listeners' '  ok  a filter can be installed'
no 'a filter can have a listener' "$denied" "$listener"
has 'the reason for notify' "notify  does not work here: no listener can be installed: $denied"
is "$status" 0 'without listeners ptrace works'
missing held=22
no 'its calls are held through signals (WAIT_KILLABLE_RECV)' 'Invalid argument' 'Linux 5.19 or later'
has 'the other needs nothing of it' '  ok  a filter can have a listener'
missing prctl=1
no 'no_new_privs can be set' "$denied" "$(allow 'prctl(2)')"
missing socketpair=1
calls='clone(2), prctl(2) and socketpair(2)'
no 'processes can be made to try it' "$denied" "$(allow "$calls"), and no limit on processes"
missing getppid=1
has 'who may not ask for its parent tries all the same' 'ptrace  works here'
has 'a listener too' '  ok  it is told of a call'
missing memfd_create
no 'sealed memory can be made' "$absent" "$(allow 'memfd_create(2)')"
missing memfd_create=13
no 'sealed memory can be made' 'Permission denied' 'sysctl vm.memfd_noexec=1'
missing memfd_create=12
no 'sealed memory can be made' 'Cannot allocate memory' \
	'raise the limit on address space (ulimit -v), or the memory of the container'
scope=$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)
missing process_vm_readv=1
remedy=$(allow 'process_vm_readv(2)')
[ "$scope" = 0 ] || remedy='sysctl kernel.yama.ptrace_scope=0, or CAP_SYS_PTRACE'
no 'memory can be read by process_vm_readv(2)' "$denied" "$remedy"
missing pidfd_open
no 'a process has a pidfd' "$absent" "Linux 5.3 or later; $(allow 'pidfd_open(2)')"
no 'a thread has one (PIDFD_THREAD)' "$absent" 'Linux 6.9 or later'
missing pidfd_getfd=1
remedy="Linux 5.6 or later; $(allow 'pidfd_getfd(2)')"
[ "$scope" = 0 ] || remedy='sysctl kernel.yama.ptrace_scope=0, or CAP_SYS_PTRACE'
no 'descriptors can be taken by pidfd_getfd(2)' "$denied" "$remedy"
missing mseal
no 'mappings can be sealed by mseal(2)' "$absent" "Linux 6.10 or later; $(allow 'mseal(2)')"
missing openat2=1
no 'files can be opened by openat2(2)' "$denied" "Linux 5.6 or later; $(allow 'openat2(2)')"
missing landlock_create_ruleset
no Landlock "$absent" "a kernel with CONFIG_SECURITY_LANDLOCK (names are then held in their trees); \
$(allow 'landlock_create_ruleset(2)')"
missing landlock_create_ruleset=95
no Landlock 'Operation not supported' \
	'boot with landlock in the list of lsm= (names are then held in their trees)'
missing kcmp=1
no 'processes can be compared by kcmp(2)' "$denied" "a kernel with CONFIG_KCMP; $(allow 'kcmp(2)')"
uring="only a policy that says 'unsafe: [io_uring]' has use for it"
disabled=$(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0)
missing io_uring_setup=1
remedy="$uring: a kernel with CONFIG_IO_URING; $(allow 'io_uring_setup(2)')"
[ "$disabled" = 0 ] || remedy="$uring: sysctl kernel.io_uring_disabled=0"
no 'io_uring (not for programs of pointsman)' "$denied" "$remedy"

# A profile that kills for what it does not know.
missing setpgid=kill
is "$status" 0 'it needs no process group of its own'
has 'who may not have one tries all the same' 'ptrace  works here'
has 'and a listener' '  ok  it is told of a call'
missing kcmp=kill
no 'processes can be compared by kcmp(2)' 'who tries it is killed' \
	"a kernel with CONFIG_KCMP; $(allow 'kcmp(2)')"
has 'what comes before it is known' '  ok  descriptors can be taken by pidfd_getfd(2)'
missing ptrace=kill
is "$status" 1 'where ptrace kills nothing works'
no 'a process can be traced' 'who tries it is killed' "$(allow 'ptrace(2)')"

# What is around it.
filters=$(sed -n 's/^Seccomp_filters:\s*//p' /proc/self/status)
ask "$without" swapon --
has 'a filter more' "  filters: $((filters + 1))" '  no_new_privs: set'
ask setpriv --no-new-privs
has 'no_new_privs' "  filters: $filters" '  no_new_privs: set'
runs 'no_new_privs' setpriv --no-new-privs

ask "$helpers/listen"
no 'a filter can have a listener' 'Device or resource busy' "a listener that is no chain filter is \
around this process (a container's, or another supervisor's): run outside of it, or with --backend \
ptrace"
is "$status" 0 'with a listener around it ptrace works'
runs 'a listener around it' "$helpers/listen"

# Inside a pointsman that traces.
outer=("$PM" run --backend ptrace --)
ask "${outer[@]}"
wayout='give that one this policy too, run outside of it, or run that one with --backend notify on a '
wayout+='kernel that has redirects'
nested='ptrace is not permitted here: a pointsman around this one traces it, and a process has one '
nested+="tracer; $wayout"
has 'inside ptrace it says so, and the way out' "ptrace  does not work here: $nested" \
	"notify  does not work here: this kernel's seccomp(2) has no redirects"
no 'a process can be traced' "$denied" "a pointsman around this one traces it: $wayout"
[[ $text == *'  a pointsman: yes'* ]]
ok $? 'and in what is around' "$text"
is "$status" 1 'inside ptrace nothing works'
runs 'inside ptrace' "${outer[@]}"
is "$("${outer[@]}" "$PM" run -- true 2>&1)" "pointsman: $nested" 'run says the same'
is "$("${outer[@]}" "$PM" run --backend notify -- true 2>&1)" "pointsman: the notify backend does \
not work here: this kernel's seccomp(2) has no redirects" 'run says why notify does not work there'
apart=(unshare -Urpf --mount-proc)
if "${apart[@]}" true 2>/dev/null; then
	ask "${outer[@]}" "${apart[@]}"
	has 'from a pid namespace too' "ptrace  does not work here: $nested"
	has 'where the tracer is not seen' '  traced by: nobody that is seen from here' \
		'  a pointsman: yes'
else
	skip 'from a pid namespace too' 'kernel: no user namespaces here'
fi

# Under a debugger, which traces us, or our children too.
for with in '' -f; do
	ask "$helpers/traced" $with
	[[ $text =~ traced\ by:\ process\ ([0-9]+)\ \(traced\) ]]
	has "under a debugger $with" "ptrace  does not work here: ptrace is not permitted here: process \
${BASH_REMATCH[1]:-nobody} (traced) traces this one, and a process has one tracer; run outside of it"
	got=$("$helpers/traced" $with "$PM" run --backend ptrace -- true 2>&1)
	[[ $got == "pointsman: ptrace is not permitted here: process "*" (traced) traces this one, and \
a process has one tracer; run outside of it" ]]
	ok $? "run says the same $with" "$got"
done
ask "$helpers/traced" -f
no 'a process can be traced' "$denied" 'a debugger is around this process: run outside of it'

# Without /proc.
# shellcheck disable=SC2016
hidden=(unshare -Urm sh -c 'mount -t tmpfs none /proc && exec "$@"' -)
if "${hidden[@]}" true 2>/dev/null; then
	ask "${hidden[@]}"
	no '/proc is mounted' 'No such file or directory' 'mount -t proc proc /proc'
	has 'without /proc neither works' \
		'ptrace  does not work here: /proc is not mounted: No such file or directory'
	is "$status" 1 'without /proc: status'
	runs 'without /proc' "${hidden[@]}"
else
	skip 'without /proc' 'kernel: no user namespaces here'
fi

# As somebody else, who may not reach where it was built, and with limits.
user=()
if [ "$(id -u)" = 0 ]; then
	user=(setpriv --reuid 65534 --regid 65534 --clear-groups --)
	cp "$PM_BUILD/pointsman" own
	chmod 0755 .
	PM=./own
fi
ask "${user[@]}"
is "$(sed -n 3p <<<"$text")" 'ptrace  works here' 'an ordinary user'
runs 'an ordinary user' "${user[@]}"
small=("${user[@]}" sh -c 'ulimit -f 100; exec "$@"' -)
ask "${small[@]}"
no 'sealed memory can be made' 'File too large' \
	'raise the hard limit on the size of files to 16 MiB (ulimit -Hf 16384)'
is "$status" 1 'a limit on the size of files: status'
runs 'a limit on the size of files' "${small[@]}"

done_testing
