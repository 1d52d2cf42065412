"""Whose monitor a socket is, what its VM is called there, and which way leads to it."""

from __future__ import annotations

import os

import pytest

from qmpsh.address import Address, TcpAddress, UnixAddress
from qmpsh.system.owners import advice, domain_of, owner_of, spellings


@pytest.mark.parametrize(
    "address, owner",
    [
        (UnixAddress("/run/libvirt/qemu/x.monitor"), "libvirt"),
        (UnixAddress("/var/run/libvirt/qemu/x.monitor"), "libvirt"),
        (UnixAddress("/var/lib/libvirt/qemu/domain-1-vm/monitor.sock"), "libvirt"),
        (UnixAddress("/var/run/qemu-server/100.qmp"), "Proxmox"),
        (UnixAddress("/run/qemu-server/100.qmp"), "Proxmox"),
        (UnixAddress("/tmp/../run/qemu-server/100.qmp"), "Proxmox"),
        (UnixAddress("/home/u/.config/libvirt/qemu/lib/domain-2-vm/monitor.sock"), "libvirt"),
        (
            UnixAddress("/run/user/7/libvirt/qemu/run/channel/2-vm/agent.0"),
            "libvirt",
        ),
        (UnixAddress("/home/u/libvirt/qemu/mine.sock"), ""),
        (UnixAddress("/run/libvirtual/m.sock"), ""),
        (UnixAddress("/tmp/run/libvirt/m.sock"), ""),
        (UnixAddress("/run/libvirt/qemu/x.monitor", abstract=True), ""),
        (TcpAddress("localhost", 4444), ""),
    ],
)
def test_owners(address: Address, owner: str) -> None:
    assert owner_of(address) == owner


@pytest.mark.parametrize(
    "path, name, domain",
    [
        ("/var/lib/libvirt/qemu/domain-12-web-1/monitor.sock", "", "web-1"),
        (
            "/var/lib/libvirt/qemu/domain-12-a-name-that-was-cu/monitor.sock",
            "a-name-that-was-cut",
            "",
        ),
        ("/var/lib/libvirt/qemu/channel/target/domain-3-db/org.qemu.guest_agent.0", "", "db"),
        ("/run/libvirt/qemu/channel/3-db/org.qemu.guest_agent.0", "", "db"),
        ("/run/libvirt/libvirt-sock", "", ""),
        ("/var/run/qemu-server/101.qmp", "web", "101"),
        ("/run/qemu-server/101.qga", "", "101"),
    ],
)
def test_what_its_owner_calls_a_vm(path: str, name: str, domain: str) -> None:
    assert domain_of(UnixAddress(path), name) == (domain or name)


def test_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    libvirt = UnixAddress("/var/lib/libvirt/qemu/domain-1-vm/monitor.sock")
    assert advice(libvirt) == "use libvirt:vm, which works beside libvirt"
    assert advice(libvirt, "vm-in-full") == "use libvirt:vm-in-full, which works beside libvirt"
    assert advice(UnixAddress("/run/libvirt/x")) == "use libvirt:NAME, which works beside libvirt"
    assert advice(UnixAddress("/var/run/qemu-server/101.qmp")) == (
        "use qm monitor 101, or give the VM a monitor of your own:"
        " qm set 101 --args '-qmp unix:/run/101-mine.qmp,server=on,wait=off'"
    )
    assert advice(UnixAddress("/tmp/monitor.sock")) == ""
    own = UnixAddress("/home/u/.config/libvirt/qemu/lib/domain-2-vm/monitor.sock")
    assert advice(own).startswith("use libvirt:qemu:///session#vm, ")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert advice(own).startswith("use libvirt:vm, ")
    assert advice(libvirt).startswith("use libvirt:qemu:///system#vm, ")


def test_a_path_below_a_process_that_has_ended_is_as_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def vanished(path: str) -> str:
        raise FileNotFoundError(2, "No such file or directory", path)

    monkeypatch.setattr("os.path.realpath", vanished)
    assert spellings("/proc/7/root/s") == ("/proc/7/root/s",) * 2
