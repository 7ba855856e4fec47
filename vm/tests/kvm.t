#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# KVM is used where a guest has run under it, whatever its device node promises;
# that is tried once.  A QEMU that plays each kind of KVM stands for the machine's.
set -euo pipefail
# shellcheck source=tap.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/tap.sh"

kernel=(--image "$(kernel_image)")
unset POINTSMAN_VM_ACCEL
export CALLS=$scratch/calls KVM XDG_CACHE_HOME QEMU=$scratch/qemu

# What it was asked for, a line a call; KVM says what its KVM does.
cat > "$QEMU" <<'END'
#!/bin/bash
args=()
for arg; do
	case $KVM$arg in
	hangs-kvm) echo kvm >> "$CALLS"; exec sleep 1000 ;;
	ends-kvm) echo kvm >> "$CALLS"; exit 1 ;;
	works-kvm) echo kvm >> "$CALLS"; arg=tcg ;;
	works-host) arg=max ;;
	*-tcg,thread=multi) echo tcg >> "$CALLS" ;;
	esac
	args+=("$arg")
done
exec qemu-system-x86_64 "${args[@]}"
END
chmod +x "$QEMU"

# vm/run on a machine with a device node that this user may open.
cat > "$scratch/run" <<'END'
#!/bin/bash
exec /usr/bin/python3 -BIS -c '
import sys
sys.path.insert(0, sys.argv.pop(1))
from host import flow, machine
machine.kvm_node = lambda: True
sys.exit(flow.main(sys.argv[1:]))
' "$TOP/vm" "$@"
END
chmod +x "$scratch/run"
export TOP=$top
run=("$scratch/run")

# machine NAME KIND: one whose KVM is of that kind, and that nothing is known of.
machine() {
	XDG_CACHE_HOME=$scratch/cache-$1
	KVM=$2-
	: > "$CALLS"
}

calls() {
	tr '\n' ' ' < "$CALLS"
}

machine hangs hangs
start=$SECONDS
vm -- echo fine </dev/null
is 'KVM that hangs: the run goes on under TCG' "$status $out" '0 fine'
is 'KVM that hangs: tried for a bounded time' "$((SECONDS - start < 100))" 1
is 'KVM that hangs: tried' "$(calls)" 'kvm tcg '
vm -- echo fine </dev/null
is 'KVM that hangs: and not again' "$status $(calls)" '0 kvm tcg tcg '

machine ends ends
vm -- echo fine </dev/null
is 'KVM that QEMU refuses: the run goes on under TCG' "$status $out $(calls)" '0 fine kvm tcg '

machine works works
vm -- echo fine </dev/null
is 'KVM that works: used' "$status $out $(calls)" '0 fine kvm kvm '
vm -- echo fine </dev/null
is 'KVM that works: not tried again' "$status $(calls)" '0 kvm kvm kvm '

sed -i '1s/.*/another boot/' "$XDG_CACHE_HOME/pointsman/vm/kvm"
vm -- echo fine </dev/null
is 'a verdict from another boot of the host is none' "$status $(calls)" '0 kvm kvm kvm kvm kvm '

machine broken ends
echo 'no kernel' > "$scratch/no-kernel"
kernel=(--image "$scratch/no-kernel")
vm -- true </dev/null
is 'a kernel that does not boot: the run fails' "$status" 125
is 'a kernel that does not boot: no verdict on KVM' "$(find "$XDG_CACHE_HOME" -name kvm)" ''

KVM=works-
kernel=(--image "$(XDG_CACHE_HOME='' kernel_image)")
POINTSMAN_VM_ACCEL=tcg vm -- true </dev/null
is 'POINTSMAN_VM_ACCEL decides' "$status $(tail -n 1 "$CALLS")" '0 tcg'

done_testing
