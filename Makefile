# SPDX-License-Identifier: LGPL-2.1-or-later
# The two commands are "make demo" and "make check"; "make" alone builds.

BUILD ?= build

.PHONY: all check check-kernel clean demo demo-kernel setup setup-tests vm-shell

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo "meson is missing: run 'make setup'" >&2; exit 1; }
	meson setup $(BUILD)

# What a build needs, through apt-get.
setup:
	scripts/setup-build

setup-tests: setup
	tests/setup

demo: setup
	$(MAKE) all
	demo/run $(BUILD)

check: setup-tests
	tests/check $(BUILD)

# The kernel series: it is proved, built (three kernels) and tested in a virtual machine.
check-kernel: setup
	kernel/scripts/setup
	tests/check-kernel $(BUILD)

demo-kernel:
	kernel/demo/run

vm-shell:
	vm/shell

clean:
	rm -rf $(BUILD) $(BUILD)-*
