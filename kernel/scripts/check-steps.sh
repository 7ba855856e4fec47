# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The series applies, and each of its steps builds and boots.

check_dir=$cache/build/check

# The commits of the series, in the check tree; steps[0] is the base.
steps=()

# One tree, from step to step: make builds what a step has changed.
steps_apply() {
	checkout check "$(source_ref 'base^{tree}')"
	git -C "$check_dir" am --abort 2>/dev/null || true
	git -C "$check_dir" checkout -q -f --detach base
	series_apply "$check_dir"
	git -C "$check_dir" rev-list --reverse base..HEAD > "$cache/check-steps"
	[ "$(source_ref "$(git -C "$check_dir" rev-parse HEAD)^{tree}")" = "$(series_tree)" ]
}

steps_key() {
	local patches

	mapfile -t patches < <(series_patches)
	{ source_ref 'base^{tree}'; cat "${patches[@]}"; } | digest
}

step_build() {
	local wanted=$cache/config-step

	configuration step > "$wanted"
	checkout check "$(source_ref "$1^{tree}")"
	configure "$check_dir" obj-step "$wanted"
	kmake "$check_dir" obj-step bzImage
}

# The unmodified selftests are what a step must not break.
step_boot() {
	local programs

	programs=$("$here/selftests" stock)
	step_build "$1"
	"$kernel_dir/../vm/run" --image "$check_dir/obj-step/arch/x86/boot/bzImage" \
		--timeout 300 -- "$programs/seccomp_bpf" </dev/null
}

check_applies() {
	[ -n "$(series_patches)" ] || {
		prove '' 'there is a series' false
		return
	}
	if [ ! -f "$cache/check-steps" ] || [ ! -e "$check_dir/.git" ]; then
		prove '' 'the series applies' steps_apply
	else
		prove "applies $(steps_key)" 'the series applies' steps_apply
	fi
}

check_steps() {
	local step number=0 what

	[ -n "$(series_patches)" ] || return 0
	mapfile -t steps < "$cache/check-steps"
	for step in "${steps[@]}"; do
		number=$((number + 1))
		what=$(git -C "$check_dir" log -1 --format=%s "$step")
		prove "step $tools $(tree_built "$step^{tree}")" \
			"step $number builds, boots, passes the unmodified selftests: $what" \
			step_boot "$step"
	done
}
