#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# peers.py DIR - sockets at which somebody listens who is no agent, or is one no more, by
# their names: "silent" accepts and says nothing; "length" says half a length, "text" half
# of what it has announced; "full" accepts nobody, and as many wait as may; "junk",
# "unlike" and "other" answer with something else, "hangs-up" with nothing.
#
# It says when all of them listen, and ends with its standard input.

import os, socket, struct, sys, threading


def part(text, length=None):
    return struct.pack('I', len(text) if length is None else length) + text


def answer(kind, s):
    s.recv(100)
    if kind == 'length':
        s.send(part(b'')[:2])
    elif kind == 'text':
        socket.send_fds(s, [part(b'sock', 6)], [listening['silent'].fileno()])
    elif kind == 'junk':
        s.send(b'HTTP/1.1 400 Bad Request\r\n\r\n')
    elif kind == 'unlike':
        socket.send_fds(s, [part(b'socket')], [0])
    elif kind == 'other':
        s.send(part(b'end'))
    elif kind == 'hangs-up':
        s.close()


def accept(kind):
    while True:
        s = listening[kind].accept()[0]
        kept.append(s)
        answer(kind, s)


listening, kept = {}, []
os.chdir(sys.argv[1])
for kind in 'silent', 'length', 'text', 'full', 'junk', 'unlike', 'other', 'hangs-up':
    s = listening[kind] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(kind)
    s.listen(0 if kind == 'full' else 8)
full = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
full.connect('full')
for kind in listening:
    if kind != 'full':
        threading.Thread(target=accept, args=(kind,), daemon=True).start()
print('listening', flush=True)
sys.stdin.read()
os._exit(0)
