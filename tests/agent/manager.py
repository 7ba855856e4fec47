#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# manager.py SOCKET COMMAND... - what a service manager does for the agent: makes the
# socket, hands it over, keeps descriptors, and starts the service again.
#
# It says on standard output what it is told, and reads what to do from standard
# input, a word a line: "restart" (SIGTERM, then again), "crash" (SIGKILL, then again),
# "halt" (SIGTERM) and later "start", "stop" (SIGTERM, and that is all).

import array, os, select, signal, socket, subprocess, sys

path, command = sys.argv[1], sys.argv[2:]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(path)
listener.listen()
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind('\0pm-manager-%d' % os.getpid())
kept = []		# of (name, fd)


def say(text):
    print(text, flush=True)


def let_go():
    """What it keeps and has hung up, it lets go of: systemd watches for that."""
    for entry in list(kept):
        poll = select.poll()
        poll.register(entry[1], 0)
        if any(event & select.POLLHUP for _, event in poll.poll(0)):
            os.close(entry[1])
            kept.remove(entry)
            say('lets go')


def start():
    let_go()
    fds = [listener.fileno()] + [fd for _, fd in kept]
    names = ':'.join(['agent.socket'] + [name for name, _ in kept])
    os.environ['NOTIFY_SOCKET'] = '@pm-manager-%d' % os.getpid()

    def hand_over():
        # Above what they become first, so that none is overwritten.
        high = [os.dup2(fd, 200 + i) for i, fd in enumerate(fds)]
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i, inheritable=True)
        os.closerange(3 + len(fds), 512)
        os.environ['LISTEN_PID'] = str(os.getpid())
        os.environ['LISTEN_FDS'] = str(len(fds))
        os.environ['LISTEN_FDNAMES'] = names
        os.execvp(command[0], command)

    pid = os.fork()
    if not pid:
        try:
            hand_over()
        finally:
            os._exit(125)
    return pid


def told():
    text, control, _, _ = notify.recvmsg(4096, socket.CMSG_SPACE(16 * 4))
    fds = array.array('i')
    for level, kind, data in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
    lines = dict(line.split('=', 1) for line in text.decode().split('\n') if line)
    name = lines.get('FDNAME')
    if lines.get('FDSTORE'):
        kept.extend((name, fd) for fd in fds)
        say('keeps %d' % len(fds))
    if lines.get('FDSTOREREMOVE'):
        for entry in [entry for entry in kept if entry[0] == name]:
            os.close(entry[1])
            kept.remove(entry)
        say('forgets')
    for word in ('READY', 'STOPPING'):
        if word in lines:
            say(word.lower())


def end(pid, how):
    os.kill(pid, how)
    _, status = os.waitpid(pid, 0)
    # What it said before it ended.
    while select.select([notify], [], [], 0)[0]:
        told()
    say('ended %d' % status)


pid = start()
while True:
    ready = select.select([notify, sys.stdin], [], [])[0]
    if notify in ready:
        told()
    if sys.stdin in ready:
        word = sys.stdin.readline().strip()
        if word != 'start':
            end(pid, signal.SIGKILL if word == 'crash' else signal.SIGTERM)
        if word == 'stop' or not word:
            break
        if word != 'halt':
            pid = start()
os.unlink(path)
