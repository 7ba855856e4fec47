# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast this machine's time stamp counter runs, which is that of an emulated processor.

A guest that has to find out by its timer takes what the host does meanwhile for a counter that
cannot be used, now and then, and has no clock but its ticks.
"""

import ctypes
import mmap
import platform
import time

# rdtsc; shl $32, %rdx; or %rdx, %rax; ret
READ = bytes.fromhex("0f31" "48c1e220" "4809d0" "c3")
SPAN_NS = 20000000
# A reading is good when it was made between two of the clock that are as close as this.
CLOSE_NS = 2000
TRIES = 1000


def _reader(code):
    return ctypes.CFUNCTYPE(ctypes.c_uint64)(
        ctypes.addressof(ctypes.c_char.from_buffer(code)))


def _pair(read):
    """The clock and the counter at the same time, or None on a machine that is never quiet."""
    for _ in range(TRIES):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        counter = read()
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        if after - before <= CLOSE_NS:
            return (before + after) // 2, counter
    return None


def counter_khz():
    """Thousands of counts a second, or None where that cannot be found out."""
    if platform.machine() != "x86_64":
        return None
    try:
        code = mmap.mmap(-1, mmap.PAGESIZE,
                         prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return None
    code[:len(READ)] = READ
    read = _reader(code)
    first = _pair(read)
    time.sleep(SPAN_NS / 1e9)
    last = _pair(read)
    if not first or not last or last[1] <= first[1]:
        return None
    return round((last[1] - first[1]) * 1000000 / (last[0] - first[0]))
