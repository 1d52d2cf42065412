"""The next step after a `device_add` that found no place, on a real QEMU."""

from __future__ import annotations

import pytest

from qmpsh.shell.ports import lacks_place
from tests.conftest import RunQmpsh
from tests.qemu import Vm, VmStarter

PORTS = (
    *("-device", "pcie-root-port,id=rp0,chassis=1,slot=1"),
    *("-device", "pcie-root-port,id=rp1,chassis=2,slot=2"),
    *("-device", "pcie-root-port,id=rp2,chassis=3,slot=3"),
    *("-device", "virtio-rng-pci,id=r0,bus=rp0"),
)
RNG = "device_add driver=virtio-rng-pci"
NO_PORT = "QEMU is started with its ports, as in -device pcie-root-port,id=rp0,chassis=1,slot=1"


def test_the_free_ports_are_named(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm(*PORTS, machine="q35")

    def refusal(*words: str) -> str:
        done = run_qmpsh(vm.path, *words)
        assert (done.stdout, done.returncode) == ("", 1)
        return done.stderr

    hint = "'pcie.0' does not support hotplugging; a free port of this VM takes it: bus=rp1"
    both = f"{hint} (free ports: rp1, rp2)\n"
    assert both in refusal(f"{RNG} id=a")
    assert both in refusal('{"execute": "device_add", "arguments": {"driver": "virtio-rng-pci"}}')
    assert both in refusal("--hmp", "device_add virtio-rng-pci,id=a")
    assert both in refusal(f"{RNG} id=a --wait=RESUME")
    assert "Bus 'nope' not found; free PCI ports of this VM: rp1, rp2\n" in refusal(
        f"{RNG} bus=nope"
    )
    assert f"; a port cannot be added to a running VM: {NO_PORT}\n" in refusal(
        "device_add driver=pcie-root-port id=rp3"
    )
    assert run_qmpsh(vm.path, f"{RNG} id=a bus=rp1").returncode == 0
    assert f"{hint.replace('rp1', 'rp2')}\n" in refusal(f"{RNG} id=b")
    assert run_qmpsh(vm.path, f"{RNG} id=b bus=rp2").returncode == 0
    assert f"; no port of this VM is free: {NO_PORT}\n" in refusal(f"{RNG} id=c")


def test_a_machine_without_ports(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(start_vm(machine="q35").path, f"{RNG} id=a")
    assert f"; no port of this VM is free: {NO_PORT}\n" in done.stderr


def test_another_error_has_no_such_step(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, "device_add driver=scsi-hd id=a")
    assert (done.returncode, "port" in done.stderr) == (1, False)


@pytest.mark.parametrize(
    "text, lacks",
    [
        ("GenericError: Bus 'pcie.0' does not support hotplugging", True),
        ("GenericError: PCI: slot 0 function 0 already occupied by virtio-blk-pci, new", True),
        ("GenericError: Device 'VGA' does not support hotplugging", False),
        ("GenericError: Device 'x' not found", False),
    ],
)
def test_which_errors_have_one(text: str, lacks: bool) -> None:
    assert lacks_place(text) is lacks
