#!/bin/sh
# Opens a shell on a virtual machine of its own: demo.sh QMPSH
#
# The VM is paused and diskless, its monitor a socket in a private folder, and it ends with the
# shell. Without a terminal a few lines are run instead. Exits as qmpsh did.
set -eu

qmpsh=$1
scripts=$(dirname "$0")
folder=
pidfile=

say() { printf '%s\n' "demo: $*" >&2; }

find_emulator() {
    for candidate in qemu-system-x86_64 qemu-system-i386 qemu-system-aarch64; do
        if command -v "$candidate" >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# QEMU removes its pid file when it ends.
signal_vm() { kill "$1" "$(cat "$pidfile" 2>/dev/null)" 2>/dev/null; }

is_running() { signal_vm -0; }

clean_up() {
    status=$?
    trap '' INT TERM HUP
    if is_running; then
        signal_vm -TERM || true
        tries=50
        while is_running && [ $tries -gt 0 ]; do
            sleep 0.1
            tries=$((tries - 1))
        done
        signal_vm -KILL || true
    fi
    [ -z "$folder" ] || rm -rf "$folder"
    exit $status
}

# QEMU answers on its socket by the time it has gone to the background, and no Ctrl-C of the
# terminal reaches it there.
start_vm() {
    folder=$(mktemp -d /tmp/qmpsh-demo.XXXXXX) # 0700
    pidfile=$folder/pid
    socket=$folder/demo.sock
    "$scripts/machine.sh" "$emulator" >"$folder/arguments"
    set --
    while IFS= read -r argument; do
        set -- "$@" "$argument"
    done <"$folder/arguments"
    "$emulator" "$@" -name demo -daemonize -pidfile "$pidfile" \
        -qmp "unix:$socket,server=on,wait=off"
}

run_lines() {
    while IFS= read -r line; do
        printf '\n(QEMU) %s\n' "$line"
        "$qmpsh" "$socket" "$line" </dev/null || return
    done <<'END'
query-status
query-name
device_add driver=virtio-rng-pci id=rng0 bus=rp0
qom-get path=/machine/peripheral/rng0 property=type
device_del id=rng0
object-add qom-type=iothread id=io0
query-iothreads
object-del id=io0
END
}

emulator=$(find_emulator) || {
    "$scripts/need.sh" qemu-system-x86_64
    emulator=qemu-system-x86_64
}
trap clean_up EXIT
trap 'exit 143' TERM
trap 'exit 129' HUP
trap : INT # the shell's to answer
say "starting a paused VM with $emulator"
start_vm
if [ -t 0 ] && [ -t 1 ]; then
    "$qmpsh" "$socket"
else
    run_lines
    say "the same commands, with completion: make demo in a terminal"
fi
