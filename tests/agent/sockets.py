#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sockets.py KIND... -- COMMAND: a command to which a service manager hands over sockets of
# these kinds, by these names: "inet", "datagram", others are as the agent needs them

import os, socket, sys

end = sys.argv.index('--')
kinds, command = sys.argv[1:end], sys.argv[end + 1:]
made = []
for n, kind in enumerate(kinds):
    s = socket.socket(socket.AF_INET if kind == 'inet' else socket.AF_UNIX,
                      socket.SOCK_DGRAM if kind == 'datagram' else socket.SOCK_STREAM)
    s.bind(('127.0.0.1', 0) if kind == 'inet' else '\0pm-sockets-%d-%d' % (os.getpid(), n))
    if kind != 'datagram':
        s.listen()
    made.append(s)
# Above what they become first, so that none is overwritten.
high = [os.dup2(s.fileno(), 100 + n) for n, s in enumerate(made)]
for n, fd in enumerate(high):
    os.dup2(fd, 3 + n, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(kinds)),
                  LISTEN_FDNAMES=':'.join(kinds))
os.execvp(command[0], command)
