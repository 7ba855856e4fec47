# SPDX-License-Identifier: LGPL-2.1-or-later
# The two commands are "make demo" and "make check"; "make" alone builds.

BUILD ?= build
KERNEL ?= yes
export KERNEL

.PHONY: all check clean demo demo-kernel setup setup-tests vm-shell

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
ifneq ($(KERNEL),no)
	kernel/scripts/setup
endif

demo: setup
	$(MAKE) all
	demo/run $(BUILD)

# KERNEL=no leaves the kernel series and its virtual machine out.
check: setup-tests
	tests/check $(BUILD)

demo-kernel:
	kernel/demo/run

vm-shell:
	vm/shell

clean:
	rm -rf $(BUILD) $(BUILD)-*
