# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line of vm/run."""

import argparse
import sys

from .errors import EXIT_FAILURE

USAGE = """\
usage: vm/run [OPTION...] -- COMMAND [ARG...]

Boots a kernel in QEMU, runs COMMAND in it with this machine's files at their own
paths, and ends with its status (128+n where signal n ended it).

  --kernel stock|redirect|debug   which kernel (redirect); make -C kernel image
  --image FILE      another kernel: a bzImage, a vmlinux beside it is preferred
  --timeout S       the limit of the whole run in seconds (300)
  --append TEXT     more for the kernel's command line; may be given again
  --memory M        megabytes of the guest (1024)
  --cpus N          processors of the guest (2)
  --icount          the guest's clock counts instructions, 8 ns each
  --out DIR         share DIR writable; may be given again
  --tty             the command gets this terminal
  --console FILE    keep the console's log there
  --verbose         say what runs, and when it began

The root is read-only.  /tmp, /run, /var/tmp and build/scratch of the checkout are
empty, writable and the guest's own.  Standard input is passed on unless it is a
terminal.  Status 125: the run itself failed (no kernel, a time limit, a panic, a
warning or any other report of the kernel, a leak, no result); the reason and the
console's log are on standard error.  127: no such command; 126: it cannot be run.
"""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        sys.stderr.write("vm/run: %s\n%s" % (message, USAGE))
        sys.exit(EXIT_FAILURE)

    def print_help(self, file=None):
        sys.stdout.write(USAGE)


def positive(text):
    value = int(text)
    if value <= 0:
        raise ValueError(text)
    return value


def parse(argv):
    parser = Parser(prog="vm/run", allow_abbrev=False)
    parser.add_argument("--kernel", default="redirect",
                        choices=("stock", "redirect", "debug"))
    parser.add_argument("--image")
    parser.add_argument("--timeout", type=positive, default=300)
    parser.add_argument("--append", action="append", default=[])
    parser.add_argument("--memory", type=positive, default=1024)
    parser.add_argument("--cpus", type=positive, default=2)
    parser.add_argument("--icount", action="store_true")
    parser.add_argument("--out", action="append", default=[])
    parser.add_argument("--tty", action="store_true")
    parser.add_argument("--console")
    parser.add_argument("--verbose", action="store_true")
    # argparse would take options out of the command: so it never sees it.
    if "--" in argv:
        cut = argv.index("--")
        command = argv[cut + 1:]
        options = parser.parse_args(argv[:cut])
    else:
        options = parser.parse_args(argv)
        command = []
    if not command:
        parser.error("no command after --")
    return options, command
