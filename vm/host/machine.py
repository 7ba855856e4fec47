# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine: QEMU's command line, and what is known of KVM here."""

import os
import shutil
import tempfile

from . import clock, initrd
from .errors import Failure

QEMU = "qemu-system-x86_64"


def qemu_program():
    path = shutil.which(os.environ.get("QEMU", QEMU))
    if not path:
        raise Failure("no %s: install the package qemu-system-x86" % QEMU)
    return path


def kernel_file(image):
    """The uncompressed kernel where it is there: QEMU enters it at once."""
    beside = os.path.join(os.path.dirname(image), "vmlinux")
    return beside if os.path.exists(beside) else image


def command_line(image, ramdisk, console, options, accel, shares, port):
    append = ["console=ttyS0", "loglevel=5", "panic=-1", "panic_on_warn=1",
              "oops=panic", "reboot=t", "tsc=reliable",
              "random.trust_cpu=on"]
    line = [qemu_program(),
            "-machine", "microvm,acpi=off,rtc=on,pit=on,pic=on,isa-serial=on",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-m", str(options.memory), "-smp", str(options.cpus),
            "-kernel", kernel_file(image), "-initrd", ramdisk,
            "-chardev", "file,id=console,path=" + escape(console),
            "-serial", "chardev:console"]
    if options.icount:
        # An instruction takes 8 ns, idle time none; that of string instructions is
        # not counted byte by byte.
        line += ["-accel", "tcg,thread=single", "-cpu", "max,erms=off,fsrm=off",
                 "-icount", "shift=3,sleep=off"]
    elif accel == "kvm":
        line += ["-accel", "kvm", "-cpu", "host"]
    else:
        line += ["-accel", "tcg,thread=multi", "-cpu", "max"]
        khz = clock.counter_khz()
        if khz:
            append.append("tsc_early_khz=%d" % khz)
    line += ["-append", " ".join(append + options.append)]
    line += ["-device", "virtio-serial-device",
             "-chardev", "socket,id=port,fd=%d" % port,
             "-device", "virtserialport,chardev=port,name=pointsman"]
    for number, (tag, path, readonly) in enumerate(shares):
        line += ["-fsdev", "local,id=fs%d,path=%s,security_model=none,"
                 "multidevs=remap%s" % (number, escape(path),
                                        ",readonly=on" if readonly else ""),
                 "-device", "virtio-9p-device,fsdev=fs%d,mount_tag=%s" %
                 (number, tag)]
    return line


def escape(path):
    """QEMU's options end at a comma; two of them are one."""
    return path.replace(",", ",,")


def inherited(file):
    """The path by which a child opens what this process has open."""
    return "/proc/self/fd/%d" % file.fileno()


def kvm_node():
    return os.access("/dev/kvm", os.R_OK | os.W_OK)


def _kvm_key():
    """This run of this host, and this QEMU: a cache may be shared, or restored."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    program = os.path.realpath(qemu_program())
    return "%s %s %d" % (boot, program, os.stat(program).st_mtime_ns)


def _kvm_file():
    return os.path.join(initrd.cache_directory(), "kvm")


def kvm_verdict():
    """kvm or tcg where it has been tried here, else None."""
    try:
        with open(_kvm_file(), encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) == 2 and lines[0] == _kvm_key() and lines[1] in ("kvm", "tcg"):
        return lines[1]
    return None


def kvm_verdict_keep(verdict):
    with tempfile.NamedTemporaryFile("w", dir=initrd.cache_directory(),
                                     encoding="utf-8", delete=False) as file:
        file.write("%s\n%s\n" % (_kvm_key(), verdict))
    os.replace(file.name, _kvm_file())
