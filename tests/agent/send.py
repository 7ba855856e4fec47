#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# send.py SOCKET TEXT [fd] - what a runtime sends, and with it a descriptor that is no
# listener; returns when the agent is done with it.  LONG is a lot of spaces.

import array, os, socket, sys

s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.connect(sys.argv[1])
control = []
if len(sys.argv) > 3:
    fds = array.array('i', [os.open('/dev/null', os.O_RDONLY)])
    control.append((socket.SOL_SOCKET, socket.SCM_RIGHTS, fds.tobytes()))
try:
    s.sendmsg([sys.argv[2].replace('LONG', ' ' * 70000).encode()], control)
    s.shutdown(socket.SHUT_WR)
    s.recv(1)
except (ConnectionResetError, BrokenPipeError):
    pass
