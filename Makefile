# SPDX-License-Identifier: LGPL-2.1-or-later
# The two commands are "make demo" and "make check"; "make" alone builds.

BUILD ?= build

.PHONY: all bench check check-all check-kernel check-notify check-package clean demo demo-kernel mutate install setup setup-bench setup-kernel setup-tests soak uninstall vm-shell

# Two at a time in one checkout take turns.
lock = @flock Makefile

all: $(BUILD)/build.ninja
	$(lock) ninja -C $(BUILD)

$(BUILD)/build.ninja:
	$(lock) scripts/setup-build
	$(lock) meson setup $(BUILD)

# To PREFIX (where none is given: that of the last time, /usr/local at first), below
# DESTDIR.  What was installed last is what is uninstalled.
install: all
	$(if $(PREFIX),$(lock) meson configure $(BUILD) --prefix $(PREFIX))
	$(lock) meson install -C $(BUILD)

uninstall:
	$(lock) ninja -C $(BUILD) uninstall

# What a build needs, and what the tests need, through apt-get.
setup:
	$(lock) scripts/setup-build

setup-tests: setup
	$(lock) tests/setup

setup-kernel:
	$(lock) kernel/scripts/setup

demo: setup
	@$(MAKE) --no-print-directory all
	@demo/run $(BUILD)

check: setup-tests setup-kernel
	tests/check $(BUILD)

# The same, and more of it in every way but the plain one, and of the virtual machine
# itself: twice as long.
check-all: setup-tests setup-kernel
	tests/check $(BUILD) all

# The part of it that is the kernel series: it is built (three kernels) and tested
# in a virtual machine.
check-kernel: setup setup-kernel
	@$(MAKE) --no-print-directory all
	tests/check-kernel $(BUILD)

# What it costs, and what others cost, on this machine: half an hour.  It writes
# bench/results and the figures in docs/performance.md.  BENCH_QUICK=1: each work item
# once, into BUILD.
bench: setup-bench all
	@bench/all $(BUILD)

setup-bench: setup
	$(lock) bench/setup

# What takes longer than a check may: hours.
soak: setup-tests all
	tests/soak $(BUILD)

# Are planted faults found?  An hour or two; the report: docs/mutations.md.
mutate: setup-tests setup-kernel all
	tests/mutate/run $(BUILD)

# Every test of what pointsman does, in the virtual machine on the notify backend:
# hours, for its processor is emulated.
check-notify: setup-tests setup-kernel
	@$(MAKE) --no-print-directory all
	tests/check-notify $(BUILD)

# The part of it that is the Debian packages: built, and installed into a clean root
# (which needs root).
check-package: setup
	$(lock) scripts/install debhelper dpkg-dev git lintian mmdebstrap util-linux
	tests/check-package $(BUILD)

demo-kernel:
	kernel/demo/run

vm-shell:
	vm/shell

clean:
	rm -rf $(BUILD) $(BUILD)-*
