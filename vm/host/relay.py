# SPDX-License-Identifier: LGPL-2.1-or-later
"""Carries the command's streams between this process and the guest's port.

vm/guest/guest.h describes the frames.
"""

import fcntl
import os
import selectors
import signal
import stat
import struct
import termios
import time

from .errors import Failure

CHUNK = 32768

_HEADER = struct.Struct("<cI")


class Relay:
    """One run's streams; result is the wait status once the guest has sent it."""

    def __init__(self, port, qemu_fd, stdin, terminal=False):
        self.port = port
        self.port.setblocking(False)
        self.qemu_fd = qemu_fd
        self.stdin = stdin
        # A regular file is always ready, and not for epoll.
        self.stdin_is_file = (stdin is not None and
                              stat.S_ISREG(os.fstat(stdin).st_mode))
        self.inbox = b""
        self.outbox = b""
        self.result = None
        self.failure = None
        self.started = time.monotonic()
        self.first_output = None
        self.wake = self._follow_window() if terminal else ()

    @staticmethod
    def _follow_window():
        """A pipe that is read when the terminal's size has changed."""
        ends = os.pipe()
        os.set_blocking(ends[1], False)
        signal.signal(signal.SIGWINCH, lambda *_: None)
        signal.set_wakeup_fd(ends[1], warn_on_full_buffer=False)
        return ends

    def close(self):
        if self.wake:
            signal.set_wakeup_fd(-1)
        for fd in (*self.wake, self.qemu_fd):
            os.close(fd)
        if self.port is not None:
            self.port.close()

    def window(self, fd):
        """Tells the guest the size of the terminal @fd."""
        size = fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8)
        self.outbox += _HEADER.pack(b"W", 4) + size[:4]

    def run(self):
        """Until the status, or the guest's end."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.qemu_fd, selectors.EVENT_READ, "qemu")
            if self.wake:
                selector.register(self.wake[0], selectors.EVENT_READ, "wake")
            while self.result is None and self.failure is None:
                if not self._turn(selector):
                    break

    def _turn(self, selector):
        if self.stdin_is_file and self.stdin is not None and not self.outbox:
            self._read_input()
        self._interest(selector)
        ended = False
        for key, mask in selector.select():
            if key.data == "stdin":
                self._read_input()
            elif key.data == "wake":
                if signal.SIGWINCH in os.read(self.wake[0], 64):
                    self.window(0)
            elif key.data == "qemu":
                ended = True
            elif mask & selectors.EVENT_WRITE:
                self._send()
            if key.data == "port" and mask & selectors.EVENT_READ:
                self._receive()
        if ended:
            # What it sent before its end is still to be read.
            while self._receive():
                pass
            return False
        return True

    def _interest(self, selector):
        """Input is read only where the guest has taken what was read before."""
        wanted = {}
        if self.port is not None:
            wanted[self.port.fileno()] = (
                "port", selectors.EVENT_READ |
                (selectors.EVENT_WRITE if self.outbox else 0))
        if (self.stdin is not None and not self.stdin_is_file and
                not self.outbox):
            wanted[self.stdin] = ("stdin", selectors.EVENT_READ)
        for fd, key in list(selector.get_map().items()):
            if key.data in ("port", "stdin") and fd not in wanted:
                selector.unregister(fd)
        for fd, (name, events) in wanted.items():
            if fd not in selector.get_map():
                selector.register(fd, events, name)
            elif selector.get_map()[fd].events != events:
                selector.modify(fd, events, name)

    def _read_input(self):
        data = os.read(self.stdin, CHUNK)
        if data:
            self.outbox += _HEADER.pack(b"I", len(data)) + data
        else:
            self.outbox += _HEADER.pack(b"Z", 0)
            self.stdin = None

    def _send(self):
        try:
            self.outbox = self.outbox[self.port.send(self.outbox):]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self.outbox = b""
            self.stdin = None

    def _receive(self):
        if self.port is None:
            return False
        try:
            data = self.port.recv(1 << 20)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            data = b""
        if not data:
            self.port.close()
            self.port = None
            return False
        self.inbox += data
        while len(self.inbox) >= _HEADER.size:
            kind, size = _HEADER.unpack_from(self.inbox)
            if len(self.inbox) < _HEADER.size + size:
                break
            self._take(kind, self.inbox[_HEADER.size:_HEADER.size + size])
            self.inbox = self.inbox[_HEADER.size + size:]
        return True

    def _take(self, kind, data):
        if kind == b"O":
            self._write(1, data)
        elif kind == b"E":
            self._write(2, data)
        elif kind == b"X" and len(data) == 4:
            self.result = struct.unpack("<I", data)[0]
        elif kind == b"F":
            self.failure = data.decode(errors="replace")
        else:
            raise Failure("the guest sent an unknown frame %r" % kind)

    def _write(self, fd, data):
        if self.first_output is None:
            self.first_output = time.monotonic() - self.started
        while data:
            data = data[os.write(fd, data):]
