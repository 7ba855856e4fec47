# SPDX-License-Identifier: LGPL-2.1-or-later
"""The flow of a run: find the kernel, boot it, relay, judge, end."""

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import termios
import time
import tty

from . import console, initrd, machine, options as opts
from .errors import EXIT_FAILURE, Failure
from .relay import Relay

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
FRESH = ("/tmp", "/run", "/var/tmp")

# A guest of KVM that runs `true` within this time is one that works.
KVM_PROBE_SECONDS = 10


def kernel_image(options):
    if options.image:
        if not os.path.exists(options.image):
            raise Failure("%s: no such kernel" % options.image)
        return options.image
    done = subprocess.run(
        [os.path.join(CHECKOUT, "kernel", "scripts", "print-image"),
         options.kernel],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise Failure("no %s kernel; build it: make -C kernel image KERNEL=%s" %
                      (options.kernel, options.kernel))
    return os.fsdecode(done.stdout).strip()


def standard_input(options):
    """The spec's record for standard input, and what to read here, or None."""
    if options.tty:
        if not (os.isatty(0) and os.isatty(1)):
            raise Failure("--tty: standard input and output are no terminal")
        size = os.get_terminal_size(0)
        return (b"t", b"%d %d" % (size.lines, size.columns)), 0
    try:
        mode = os.fstat(0)
    except OSError:
        return None, None
    null = os.stat("/dev/null")
    if os.isatty(0) or (stat.S_ISCHR(mode.st_mode) and
                        mode.st_rdev == null.st_rdev):
        return None, None
    try:
        os.read(0, 0)
    except OSError:
        return None, None
    return (b"p", b""), 0


def below(path, directory):
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def spec_records(options, command, record):
    """What the guest is to do; see vm/guest/spec.c."""
    cwd = os.getcwd()
    scratch = os.path.join(CHECKOUT, "build", "scratch")
    os.makedirs(scratch, exist_ok=True)
    shares = [os.path.realpath(path) for path in options.out]
    keep = []
    for path in (CHECKOUT, cwd):
        hidden = any(path != fresh and below(path, fresh) for fresh in FRESH)
        if hidden and not any(below(path, other) for other in keep):
            keep.append(path)
    records = [(b"a", os.fsencode(arg)) for arg in command]
    records += [(b"e", name + b"=" + value)
                for name, value in os.environb.items()]
    records += [(b"f", os.fsencode(path)) for path in FRESH + (scratch,)]
    records += [(b"k", os.fsencode(path)) for path in keep]
    records += [(b"o", os.fsencode(path)) for path in shares]
    records.append((b"d", os.fsencode(cwd)))
    if record:
        records.append(record)
    return records, shares


def boot(image, options, command, accel, directory, stdin):
    """One boot; returns the wait status of the command.  Failures are raised."""
    deadline = time.monotonic() + options.timeout
    record, source = stdin
    records, shares = spec_records(options, command, record)
    ramdisk = os.path.join(directory, "initrd")
    log = os.path.join(directory, "console")
    initrd.write(ramdisk, records)
    open(log, "wb").close()

    ours, theirs = socket.socketpair()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    line = machine.command_line(
        image, ramdisk, log, options, accel,
        [("root", "/", True)] +
        [("out%d" % number, path, False) for number, path in enumerate(shares)],
        theirs.fileno())
    if options.verbose:
        sys.stderr.write("vm/run: %s\n" % " ".join(line))
    # Whatever ends this process ends QEMU, too.
    qemu = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL"] + line, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=open(log + ".qemu", "wb"),
        pass_fds=[theirs.fileno()], start_new_session=True)
    theirs.close()
    relay = Relay(ours, os.pidfd_open(qemu.pid), source)
    if options.tty:
        signal.signal(signal.SIGWINCH, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    try:
        relay.run(deadline, wake_read)
    finally:
        qemu.kill()
        qemu.wait()
        for fd in (wake_write, wake_read, relay.qemu_fd):
            os.close(fd)
        ours.close()
    if options.verbose and relay.first_output is not None:
        sys.stderr.write("vm/run: first output %.2f s after the start\n" %
                         (relay.first_output - deadline + options.timeout))
    return verdict(relay, log)


def verdict(relay, log):
    with open(log, encoding="utf-8", errors="replace") as file:
        reported = console.report(file.read())
    if reported:
        raise Failure("the kernel has reported: " + reported)
    if relay.failure:
        raise Failure("the guest has failed: " + relay.failure)
    if relay.result is None:
        with open(log + ".qemu", encoding="utf-8", errors="replace") as file:
            said = file.read().strip()
        raise Failure("the guest ended without a result" +
                      (": " + said if said else ""))
    return relay.result


def accelerator(image, options):
    """kvm where a guest has really run under it, else tcg.

    The device node alone says little: under some hypervisors a guest stops dead.
    The verdict is kept in the cache.
    """
    wanted = os.environ.get("POINTSMAN_VM_ACCEL")
    if wanted:
        return wanted
    if not machine.kvm_node():
        return "tcg"
    path = machine.kvm_verdict_file()
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        pass
    probe = opts.parse(["--timeout", str(KVM_PROBE_SECONDS), "--", "true"])[0]
    with tempfile.TemporaryDirectory(prefix="pointsman-vm-") as directory:
        try:
            status = boot(image, probe, ["true"], "kvm", directory, (None, None))
            found = "kvm" if status == 0 else "tcg"
        except Failure:
            found = "tcg"
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(found + "\n")
    os.replace(path + ".new", path)
    return found


def show_console(directory, keep):
    log = os.path.join(directory, "console")
    if not os.path.exists(log):
        return
    with open(log, "rb") as file:
        text = file.read()
    if keep:
        with open(keep, "wb") as file:
            file.write(text)
    return text


def exit_status(status):
    if os.WIFSIGNALED(status):
        return 128 + os.WTERMSIG(status)
    return os.WEXITSTATUS(status)


def run(options, command):
    image = kernel_image(options)
    accel = accelerator(image, options)
    saved = termios.tcgetattr(0) if options.tty and os.isatty(0) else None
    with tempfile.TemporaryDirectory(prefix="pointsman-vm-") as directory:
        try:
            stdin = standard_input(options)
            if saved:
                tty.setraw(0, termios.TCSADRAIN)
            status = boot(image, options, command, accel, directory, stdin)
            show_console(directory, options.console)
            return exit_status(status)
        except Failure as failure:
            text = show_console(directory, options.console)
            if saved:
                termios.tcsetattr(0, termios.TCSADRAIN, saved)
            sys.stderr.write("vm/run: %s\n" % failure)
            if text is not None:
                sys.stderr.write("vm/run: the console's log follows\n")
                sys.stderr.flush()
                sys.stderr.buffer.write(text)
            return EXIT_FAILURE
        finally:
            if saved:
                termios.tcsetattr(0, termios.TCSADRAIN, saved)


def main(argv):
    options, command = opts.parse(argv)
    # A reader that has gone ends this as it ends any program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return run(options, command)
    except Failure as failure:
        sys.stderr.write("vm/run: %s\n" % failure)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return EXIT_FAILURE
