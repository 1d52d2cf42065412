#!/bin/sh
# The demo's virtual machine: machine.sh [EMULATOR] prints QEMU's arguments, one on a line.
#
# Diskless and paused, with a data disk that takes no room, a network card and a free PCIe port, so
# that hot-plug can be tried. The tests run on the same machine.
set -eu

emulator=${1:-qemu-system-x86_64}

ask() { "$emulator" "$@" 2>/dev/null </dev/null; }

machine=virt
if ask -machine help | grep -q '^q35 '; then machine=q35; fi

# QEMU may be built without user networking; a hub port is always there and reaches nobody.
netdev=hubport,hubid=0
if ask -netdev help | grep -qx user; then netdev=user; fi

# With ACPI a device is unplugged by the guest, and there is none; with PCIe's own hot-plug a port
# that the guest never switched on lets go at once, and DEVICE_DELETED comes.
acpi='acpi-pci-hotplug-with-bridge-support'
if [ $machine = q35 ] && ask -device ICH9-LPC,help | grep -q $acpi; then
    printf '%s\n' -global ICH9-LPC.$acpi=off
fi

# romfile=: the network card's boot ROM is a package of its own, and nothing boots here.
cat <<END
-machine
$machine
-nodefaults
-display
none
-m
64
-S
-blockdev
driver=null-co,node-name=disk0,size=1073741824,read-zeroes=on
-device
virtio-blk-pci,id=vda,drive=disk0
-netdev
$netdev,id=net0
-device
virtio-net-pci,id=nic0,netdev=net0,romfile=
-device
pcie-root-port,id=rp0,chassis=1
END
