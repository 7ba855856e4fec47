# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine: QEMU's command line, and whether KVM really works."""

import hashlib
import os
import platform
import shutil

from . import initrd
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
              "oops=panic", "reboot=t", "tsc=reliable", "random.trust_cpu=on"] + options.append
    line = [qemu_program(),
            "-machine", "microvm,acpi=off,rtc=on,pit=on,pic=on,isa-serial=on",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-m", str(options.memory), "-smp", str(options.cpus),
            "-kernel", kernel_file(image), "-initrd", ramdisk,
            "-append", " ".join(append),
            "-chardev", "file,id=console,path=" + escape(console),
            "-serial", "chardev:console"]
    if accel == "kvm":
        line += ["-accel", "kvm", "-cpu", "host"]
    else:
        line += ["-accel", "tcg,thread=multi", "-cpu", "max"]
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


def kvm_node():
    return os.access("/dev/kvm", os.R_OK | os.W_OK)


def kvm_verdict_file():
    """Where the verdict on KVM is kept, for this host's kernel and this QEMU."""
    key = "%s %s %d" % (platform.release(), qemu_program(),
                        os.stat(qemu_program()).st_mtime_ns)
    return os.path.join(initrd.cache_directory(), "kvm-" +
                        hashlib.sha256(key.encode()).hexdigest()[:16])
