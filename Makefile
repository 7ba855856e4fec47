# SPDX-License-Identifier: LGPL-2.1-or-later
# The two commands are "make demo" and "make check"; "make" alone builds.

BUILD ?= build

.PHONY: all demo check setup setup-tests clean

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
	demo/run $(BUILD)/pointsman

check: setup-tests
	tests/check $(BUILD)

clean:
	rm -rf $(BUILD) $(BUILD)-*
