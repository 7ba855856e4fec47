#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The supervisors of examples/ do what they say.

. "$(dirname "$0")/../harness/tap.sh"
need python3
examples=$PM_BUILD/examples
cd "$TMPDIR" || exit 1

# says WHAT STATUS OUTPUT COMMAND...: what it prints, errors too, and its status
says()
{
	local what=$1 status=$2 expected=$3 got
	shift 3

	got=$("$@" 2>&1 </dev/null)
	is "$?: $got" "$status: $expected" "$what"
}

is "$(($(wc -l <"$PM_SRC/examples/redirect.c") <= 40))" 1 'redirect: forty lines'
is "$(grep -h '#include "' "$PM_SRC"/examples/*.c | sort -u)" '#include "relay.h"' \
	'they include no header of the library but the public one'

here=$(pwd -P)
echo this >from
echo that >to
ln -s from link
says 'redirect: a file' 0 that "$examples/example_redirect" "$here/from" "$here/to" cat from
says 'redirect: by whatever name' 0 that \
	"$examples/example_redirect" "$here/from" "$here/to" cat "../${here##*/}/link"
says 'redirect: of any call, by what it starts too' 0 'to: 5' \
	"$examples/example_redirect" "$here/from" "$here/to" \
	sh -c 'truncate -s 1 from && wc -c <to >size; truncate -s 5 to; echo "to: $(stat -c %s from)"'
is "$(cat size)" 1 'redirect: the file itself is the other'
is "$(cat from)" this 'redirect: and this one is as it was'
says 'redirect: others are as they are' 0 5 \
	"$examples/example_redirect" "$here/from" "$here/to" sh -c 'echo five >other; wc -c <other'
says 'redirect: garbage' 125 'redirect: FROM TO COMMAND...' "$examples/example_redirect" a b
says 'redirect: no such command' 125 \
	"redirect: cannot run './none': No such file or directory" \
	"$examples/example_redirect" a b ./none

says 'uname: the release' 0 7.7.7-mine "$examples/example_uname" 7.7.7-mine uname -r
says 'uname: all else' 0 "$(uname -snvm)" "$examples/example_uname" 7.7.7-mine uname -snvm
says 'uname: what a program starts' 0 7.7 "$examples/example_uname" 7.7 sh -c 'true; (uname -r)'
says 'uname: 64 bytes and no more' 0 "$(printf '%064d' 0)" \
	"$examples/example_uname" "$(printf '%099d' 0)" uname -r
says 'uname: memory that is not there' 0 14 "$examples/example_uname" 7 python3 -c '
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
assert libc.syscall(63, ctypes.c_void_p(8)) == -1
print(ctypes.get_errno())'

# Each program has its own words, so that the order is all that is left to see.
printf '#!/bin/sh\nexit 3\n' >script
chmod +x script
say='/bin/cat /dev/null "a b" 2>/dev/null; PATH=/none:.; script "$0"'
word=$'"x\n\té\\'
says 'exec_log: the status is that of the command' 3 '' \
	"$examples/example_exec_log" log /usr/bin/env -i X=1 /bin/sh -c "$say" "$word"
sed -i 's/^[0-9]* //' log
said='"/bin/cat /dev/null \"a b\" 2>/dev/null; PATH=/none:.; script \"$0\""'
worded='"\"x\012\011\303\251\\"'
cat >expected <<EOF
$(readlink -f /usr/bin/env): "/usr/bin/env" "-i" "X=1" "/bin/sh" "-c" $said $worded
$(readlink -f /bin/sh): "/bin/sh" "-c" $said $worded
$(readlink -f /bin/cat): "/bin/cat" "/dev/null" "a b"
$here/script: "script" $worded
EOF
same log expected 'exec_log: a line for each program'
says 'exec_log: where nothing can be written nothing runs' 125 \
	"exec_log: cannot run 'true': Input/output error" \
	"$examples/example_exec_log" /dev/full true

address=$(own_address)
cat >server.py <<-'EOF'
	import socket, sys
	server = socket.create_server((sys.argv[1], 0))
	print(server.getsockname()[1], flush=True)
	for _ in range(int(sys.argv[2])):
	    peer = server.accept()[0]
	    said = b''
	    while part := peer.recv(65536):
	        said += part
	    peer.sendall(b'%d bytes: ' % len(said) + said[:5])
	    peer.close()
EOF
cat >client.py <<-'EOF'
	import socket, sys
	peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
	print('to the port itself' if peer.getpeername()[1] == int(sys.argv[2]) else 'elsewhere')
	peer.sendall(b'hello' + bytes(int(sys.argv[3])))
	peer.shutdown(socket.SHUT_WR)
	print(peer.makefile().read())
EOF
mkfifo port
python3 server.py "$address" 3 >port &
exec 3<port
read -r port <&3

# relayed WHAT OUTPUT LINE COMMAND...: what the command prints, and what the relay,
# which is waited for
relayed()
{
	local what=$1 output=$2 line=$3
	shift 3

	{ "$examples/example_relay" "$port" "$@" 2>&1 >out </dev/null; } | cat >err
	is "$(cat out)" "$output" "relay: $what"
	is "$(cat err)" "${line:+relay: $address: }$line" "relay: $what: its line"
}

says 'relay: another port is left alone' 0 'to the port itself
10 bytes: hello' "$examples/example_relay" 9 python3 client.py "$address" "$port" 5
relayed 'a connection goes through it' $'elsewhere\n300005 bytes: hello' \
	'300005 bytes there, 19 back' python3 client.py "$address" "$port" 300000
relayed 'what was sent arrives though the command is gone' '' \
	'5 bytes there, 14 back' python3 -c '
import socket, sys
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
peer.sendall(b"alone")' "$address" "$port"
wait
relayed 'nobody listens there' "b''" 'Connection refused' python3 -c '
import socket, sys
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print(peer.recv(1))' "$address" "$port"
if [ -e /proc/net/if_inet6 ]; then
	says 'relay: IPv6 has none' 0 ENETUNREACH "$examples/example_relay" "$port" python3 -c '
import errno, socket, sys
try:
    socket.socket(socket.AF_INET6).connect(("::1", int(sys.argv[1])))
except OSError as error:
    print(errno.errorcode[error.errno])' "$port"
else
	skip 'relay: IPv6 has none' 'kernel: no IPv6'
fi

done_testing
