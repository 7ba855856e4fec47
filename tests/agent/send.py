#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# send.py SOCKET TEXT [fd|listener]... - what a runtime sends, and with it descriptors,
# which are no listener or are one; returns when the agent is done with it.  LONG is a lot
# of spaces, PID this process; what follows HALF is sent when a line comes on standard
# input, and then it stays until that ends.

import array, ctypes, os, socket, struct, sys


def listener():
    """Of a filter that allows everything."""
    code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
    program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', 1, ctypes.addressof(code)))
    return ctypes.CDLL(None).syscall(317, 1, 8, program)


s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.connect(sys.argv[1])
control = []
if len(sys.argv) > 3:
    fds = array.array('i', [listener() if kind == 'listener' else os.open('/dev/null', os.O_RDONLY)
                            for kind in sys.argv[3:]])
    control.append((socket.SOL_SOCKET, socket.SCM_RIGHTS, fds.tobytes()))
text = sys.argv[2].replace('LONG', ' ' * 70000).replace('PID', str(os.getpid()))
first, half, rest = text.partition('HALF')
try:
    s.sendmsg([first.encode()], control)
    if half:
        print('half', flush=True)
        sys.stdin.readline()
        s.sendall(rest.encode())
    s.shutdown(socket.SHUT_WR)
    s.recv(1)
except (ConnectionResetError, BrokenPipeError):
    pass
if half:
    sys.stdin.read()
