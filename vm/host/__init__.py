# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host's side of vm/run: builds the spec, starts QEMU, relays, judges."""
