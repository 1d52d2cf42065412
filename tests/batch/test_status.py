"""`.status` as a one-shot, on every kind of server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from qmpsh.jsontypes import JsonObject, get_dict, get_dicts, get_str
from qmpsh.shell.overview.facts import FACT_KEYS
from tests.agents import Agent
from tests.conftest import RunQmpsh
from tests.programs import need
from tests.qemu import Vm, VmStarter


def facts(run_qmpsh: RunQmpsh, *words: str) -> JsonObject:
    done = run_qmpsh(*words, ".status", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    assert set(found) <= set(FACT_KEYS)
    assert "unanswered" not in found
    return found


def image(path: Path, below: Path | None = None) -> str:
    """A qcow2 image of 1 GiB."""
    backing = ["-b", str(below), "-F", "qcow2"] if below else []
    command = [need("qemu-img"), "create", "-q", "-f", "qcow2", *backing, str(path), "1G"]
    subprocess.run(command, check=True)
    return str(path)


def test_the_format_may_stand_before_the_address(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    before, after = run_qmpsh("--json", vm.path, ".status"), run_qmpsh(vm.path, ".status", "--json")
    assert before.stdout == after.stdout
    assert "machine" in json.loads(before.stdout)


def test_a_machine_with_devices(start_vm: VmStarter, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    base, top, raw = tmp_path / "base.qcow2", tmp_path / "top.qcow2", tmp_path / "data.raw"
    image(base)
    image(top, base)
    raw.write_bytes(bytes(1 << 20))
    vm = start_vm(
        *("-m", "64", "-smp", "1,maxcpus=2"),
        *("-device", "pcie-root-port,id=rp0,chassis=1,slot=1"),
        *("-device", "pcie-root-port,id=rp1,chassis=2,slot=2"),
        *("-blockdev", f"driver=file,filename={top},node-name=f0"),
        *("-blockdev", "driver=qcow2,file=f0,node-name=disk0"),
        *("-device", "virtio-blk-pci,drive=disk0,id=vda,bus=rp0"),
        *("-blockdev", f"driver=file,filename={raw},node-name=f1"),
        *("-object", "throttle-group,id=tg0"),
        *("-blockdev", "driver=throttle,file=f1,throttle-group=tg0,node-name=data"),
        *("-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=data,id=sda"),
        *("-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,id=nic0"),
        *("-vnc", f"unix:{tmp_path}/vnc", "-chardev", f"file,path={tmp_path}/log,id=ser0"),
        *("-serial", "chardev:ser0", "-device", "virtio-balloon-pci"),
        "-S",
        machine="q35",
        name="vm7",
    )
    found = facts(run_qmpsh, vm.path)
    disks = {get_str(disk, "device"): disk for disk in get_dicts(found, "disks")}
    assert disks["vda"] == {
        "device": "vda",
        "node": "disk0",
        "driver": "qcow2",
        "size": 1 << 30,
        "read-only": False,
        "backing": 1,
        "file": str(top),
    }
    assert (disks["sda"]["backing"], disks["sda"]["file"]) == (0, str(raw))
    assert found["free-ports"] == ["rp1"]
    assert get_str(get_dict(found, "machine"), "type").startswith("pc-q35-")
    assert get_dict(found, "machine")["kvm"] is False
    assert get_dict(found, "state")["status"] == "prelaunch"
    assert get_dict(found, "memory") == {"base": 64 << 20, "plugged": 0, "balloon": 64 << 20}
    assert get_dict(found, "cpu")["online"] == 1
    assert get_dict(found, "cpu")["max"] == 2
    assert [nic["backend"] for nic in get_dicts(found, "nics")] == ["n0"]
    assert found["displays"] == [{"type": "vnc", "address": f"{tmp_path}/vnc", "clients": 0}]
    assert [get_str(item, "label") for item in get_dicts(found, "chardevs")] == ["ser0"]
    said = run_qmpsh(vm.path, ".status").stdout.splitlines()
    assert f"disk vda    disk0 · qcow2 · 1 GiB · 1 backing · {top}" in said
    assert "free ports  rp1" in said
    # With a file or a pipe in its line, and in a script.
    script = run_qmpsh(vm.path, stdin=".status | grep ^free\n")
    assert script.stdout == "free ports  rp1\n"


def test_a_machine_not_made_yet(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm("-preconfig", machine="q35")
    found = facts(run_qmpsh, vm.path)
    assert get_dict(found, "state")["preconfig"] is True
    assert "jobs" not in found
    assert "preconfig: x-exit-preconfig goes on" in run_qmpsh(vm.path, ".status").stdout


def test_read_only_permits_it(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    assert run_qmpsh("--read-only", vm.path, ".status").stdout.startswith("machine")


def test_a_storage_daemon(daemon: str, run_qmpsh: RunQmpsh) -> None:
    found = facts(run_qmpsh, daemon)
    assert get_str(get_dict(found, "server"), "kind") == "storage daemon"
    assert "state" not in found
    assert isinstance(found["exports"], list)


def test_stratovirt(stratovirt: str, run_qmpsh: RunQmpsh) -> None:
    assert facts(run_qmpsh, stratovirt) == {
        "server": {"kind": "StratoVirt", "version": "2.5.0"},
        "state": {"status": "running", "running": True},
    }
    said = run_qmpsh(stratovirt, ".status").stdout
    assert said == "machine  StratoVirt 2.5.0\nstate    running\n"


def test_a_guest(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    found = facts(run_qmpsh, "--guest-agent", agent.path)
    assert get_dict(found, "server") == {"kind": "guest agent", "version": agent.version}
    assert get_dict(found, "system")["kernel"] == os.uname().release
    assert get_dicts(found, "interfaces")
