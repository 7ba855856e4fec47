# SPDX-License-Identifier: LGPL-2.1-or-later
"""The initramfs: the guest's init, built once, and the spec of this run."""

import hashlib
import os
import shutil
import stat
import struct
import subprocess
import tempfile

from .errors import Failure

GUEST = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                     "guest")
CFLAGS = ["-D_GNU_SOURCE", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-static"]
LIBS = ["-lutil"]


def cache_directory(name="vm"):
    """Of all of pointsman where @name is empty."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(
        os.path.expanduser("~"), ".cache")
    path = os.path.join(base, "pointsman", name)
    os.makedirs(path, exist_ok=True)
    return path


def _sources():
    names = sorted(os.listdir(GUEST))
    return [os.path.join(GUEST, name) for name in names
            if name.endswith((".c", ".h"))]


def init_program():
    """The path of the guest's init, compiled where its sources are new."""
    digest = hashlib.sha256("\0".join(CFLAGS + LIBS).encode())
    for path in _sources():
        with open(path, "rb") as file:
            digest.update(path.encode() + b"\0" + file.read())
    target = os.path.join(cache_directory(), "init-" + digest.hexdigest()[:16])
    if os.path.exists(target):
        return target
    compiler = os.environ.get("CC", "gcc").split()
    if not shutil.which(compiler[0]):
        raise Failure("no %s: install the package gcc" % compiler[0])
    with tempfile.NamedTemporaryFile(dir=cache_directory(), delete=False) as file:
        pass
    done = subprocess.run(
        compiler + CFLAGS + ["-o", file.name] +
        [path for path in _sources() if path.endswith(".c")] + LIBS,
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        os.unlink(file.name)
        raise Failure("the guest's init does not compile (it needs libc6-dev):\n" +
                      done.stderr.decode(errors="replace"))
    os.chmod(file.name, 0o755)
    os.replace(file.name, target)
    return target


def _entry(name, mode, data=b"", device=(0, 0)):
    """One member of a cpio archive in the "newc" format."""
    name = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, device[0], device[1],
              len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return (head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))


def spec_bytes(records):
    return b"".join(key + struct.pack("<I", len(value)) + value + b"\0"
                    for key, value in records)


def write(file, records):
    with open(init_program(), "rb") as program:
        entries = (
            _entry("dev", stat.S_IFDIR | 0o755),
            _entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)),
            _entry("init", stat.S_IFREG | 0o755, program.read()),
            _entry("spec", stat.S_IFREG | 0o600, spec_bytes(records)),
            _entry("TRAILER!!!", 0))
    whole = memoryview(b"".join(entries))
    while whole:
        whole = whole[file.write(whole):]
