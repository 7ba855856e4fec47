# SPDX-License-Identifier: LGPL-2.1-or-later
"""The flow of a run: find the kernel, boot it, relay, judge, end."""

import os
import signal
import socket
import stat
import subprocess
import sys
import termios
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
    return os.fsdecode(done.stdout).rstrip("\n")


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


def environment():
    """As this process was given it: Python adds to what it shows as its own."""
    with open("/proc/self/environ", "rb") as file:
        return [entry for entry in file.read().split(b"\0") if entry]


def scratch_directory():
    """The checkout's scratch folder, or None: another user's may have none."""
    path = os.path.join(CHECKOUT, "build", "scratch")
    try:
        os.makedirs(path, exist_ok=True)
    except OSError:
        return path if os.path.isdir(path) else None
    return path


def covered(path, fresh):
    """Would a fresh directory hide this one?"""
    return any(path != other and below(path, other) for other in fresh)


def spec_records(options, command, record):
    """What the guest is to do; see vm/guest/spec.c."""
    cwd = os.getcwd()
    fresh = [path for path in FRESH if os.path.isdir(path)]
    shares = [os.path.realpath(path) for path in options.out]
    keep = []
    for path in (CHECKOUT, os.path.realpath(initrd.cache_directory("")), cwd):
        if covered(path, fresh) and not any(below(path, kept) for kept in keep):
            keep.append(path)
    records = [(b"a", os.fsencode(arg)) for arg in command]
    records += [(b"e", entry) for entry in environment()]
    records += [(b"f", os.fsencode(path))
                for path in fresh + [scratch_directory()] if path]
    records += [(b"k", os.fsencode(path)) for path in keep]
    records += [(b"o", os.fsencode(path)) for path in shares]
    # Programs rely on it; what is fresh is empty.
    temporary = os.path.normpath(os.environ.get("TMPDIR", "/"))
    if covered(temporary, fresh):
        records.append((b"m", os.fsencode(temporary)))
    records.append((b"d", os.fsencode(cwd)))
    if record:
        records.append(record)
    return records, shares


def memory_file(name):
    """A file without a place, so that nothing can be left behind."""
    return open(os.memfd_create("pointsman-" + name), "w+b", buffering=0)


def content(file):
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)


def limit_start(seconds):
    """Raises Failure after that time, wherever this process waits then."""
    def over(*_):
        raise Failure("the time limit was reached")
    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def limit_stop():
    signal.setitimer(signal.ITIMER_REAL, 0)


def qemu_start(line, files, said):
    # Whatever ends this process ends QEMU, too.
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL"] + line, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=said,
        pass_fds=[file.fileno() for file in files], start_new_session=True)


def boot(image, options, command, accel, log, stdin):
    """One boot; returns the wait status of the command.  Failures are raised.

    What the console printed is in @log.
    """
    record, source = stdin
    records, shares = spec_records(options, command, record)
    ours, theirs = socket.socketpair()
    with memory_file("initrd") as ramdisk, memory_file("qemu") as said:
        initrd.write(ramdisk, records)
        line = machine.command_line(
            image, machine.inherited(ramdisk), machine.inherited(log), options,
            accel,
            [("root", "/", True)] +
            [("out%d" % number, path, False)
             for number, path in enumerate(shares)],
            theirs.fileno())
        if options.verbose:
            sys.stderr.write("vm/run: %s\n" % " ".join(line))
        limit_start(options.timeout)
        qemu = qemu_start(line, (ramdisk, log, theirs), said)
        theirs.close()
        relay = Relay(ours, os.pidfd_open(qemu.pid), source, options.tty)
        try:
            relay.run()
        finally:
            limit_stop()
            qemu.kill()
            qemu.wait()
            relay.close()
        if options.verbose and relay.first_output is not None:
            sys.stderr.write("vm/run: first output %.2f s after QEMU's start\n" %
                             relay.first_output)
        return verdict(relay, content(log), content(said))


def verdict(relay, log, said):
    reported = console.report(log.decode(errors="replace"))
    if reported:
        raise Failure("the kernel has reported: " + reported)
    if relay.failure:
        raise Failure("the guest has failed: " + relay.failure)
    if relay.result is None:
        said = said.decode(errors="replace").strip()
        raise Failure("the guest ended without a result" +
                      (": " + said if said else ""))
    return relay.result


def kvm_works(image):
    """Has a guest really run under KVM, in time?

    The device node alone says little: under some hypervisors a guest stops dead.
    """
    probe = opts.parse(["--timeout", str(KVM_PROBE_SECONDS), "--", "true"])[0]
    with memory_file("console") as log:
        try:
            return boot(image, probe, ["true"], "kvm", log, (None, None)) == 0
        except Failure:
            return False


def accelerator(image):
    """kvm or tcg, and whether the verdict is to be kept after a good run.

    A kernel that does not boot at all says nothing about KVM.
    """
    wanted = os.environ.get("POINTSMAN_VM_ACCEL")
    if wanted:
        return wanted, False
    if not machine.kvm_node():
        return "tcg", False
    known = machine.kvm_verdict()
    if known:
        return known, False
    return ("kvm" if kvm_works(image) else "tcg"), True


def exit_status(status):
    if os.WIFSIGNALED(status):
        return 128 + os.WTERMSIG(status)
    return os.WEXITSTATUS(status)


def run_in_terminal(image, options, command, accel, log):
    """boot(), with this terminal raw where the command gets it."""
    stdin = standard_input(options)
    if not options.tty:
        return boot(image, options, command, accel, log, stdin)
    saved = termios.tcgetattr(0)
    try:
        tty.setraw(0, termios.TCSADRAIN)
        return boot(image, options, command, accel, log, stdin)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)


def run(options, command):
    image = kernel_image(options)
    accel, keep_verdict = accelerator(image)
    with memory_file("console") as log:
        try:
            status = run_in_terminal(image, options, command, accel, log)
        except Failure as failure:
            sys.stderr.write("vm/run: %s\n" % failure)
            text = content(log)
            sys.stderr.write("vm/run: the console's log %s\n" %
                             ("follows" if text else "is empty"))
            sys.stderr.flush()
            sys.stderr.buffer.write(text)
            return EXIT_FAILURE
        finally:
            if options.console:
                with open(options.console, "wb") as file:
                    file.write(content(log))
    if keep_verdict:
        machine.kvm_verdict_keep(accel)
    return exit_status(status)


def main(argv):
    options, command = opts.parse(argv)
    # A reader that has gone ends this as it ends any program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    # A terminal is put right again.
    for number in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        return run(options, command)
    except Failure as failure:
        sys.stderr.write("vm/run: %s\n" % failure)
    except OSError as error:
        sys.stderr.write("vm/run: %s\n" % error)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return EXIT_FAILURE
