#!/bin/sh
# Opens a shell on a virtual machine of its own: demo.sh QMPSH
#
# The VM is that of `qmpsh run`; an emulator is installed where there is none. Where none can be had
# `qmpsh run` replays a recording of the same, and says so. Without a terminal a
# few lines are run instead, and each is shown with its answer, as at the prompt; V=1 shows on stderr
# what goes over the wire as well. Exits as qmpsh did.
set -eu

qmpsh=$1

has_emulator() {
    for candidate in "qemu-system-$(uname -m)" qemu-system-x86_64 qemu-system-i386 \
        qemu-system-aarch64 kvm qemu-kvm /usr/libexec/qemu-kvm; do
        if command -v "$candidate" >/dev/null 2>&1; then return; fi
    done
    return 1
}

lines() {
    cat <<'END'
query-status
query-name
device_add driver=virtio-rng-pci id=rng0 bus=rp0
qom-get path=/machine/peripheral/rng0 property=type
device_del id=rng0 --wait
object-add qom-type=iothread id=io0
query-iothreads
object-del id=io0
END
}

# Each line's answer goes through a command that prints the line first: `cat` alone would do for the
# answer, but a script prints none that says nothing, where the prompt shows {}.
shown() {
    while read -r line; do
        echo "$line | echo '(QEMU) $line'; grep . || echo '{}'"
    done
}

has_emulator || "$(dirname "$0")/need.sh" --optional qemu-system-x86_64
if [ -t 0 ] && [ -t 1 ]; then exec "$qmpsh" run; fi
verbose=
[ "${V:-}" != 1 ] || verbose=--verbose
# shellcheck disable=SC2086  # nothing, or one word
lines | shown | "$qmpsh" run --pretty $verbose
echo 'demo: the same commands, with completion: make demo in a terminal' >&2
