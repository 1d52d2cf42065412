"""The life of a session over the deaths of its VM, on real QEMUs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.shell.steps import Note
from qmpsh.system import listener
from tests.ports import free_port
from tests.qemu import Vm, VmStarter
from tests.shell.test_session import Desk

Sit = Callable[[str], Desk]


@pytest.fixture
def sit() -> Iterator[Sit]:
    """`sit(path)` gives a desk before the VM there."""
    desks: list[Desk] = []

    def sit_down(path: str) -> Desk:
        desks.append(Desk(path))
        desks[-1].wait("the schema", learnt=True)
        return desks[-1]

    yield sit_down
    for desk in desks:
        desk.session.close()


def lose(desk: Desk, vm: Vm) -> None:
    """End the VM without a word."""
    vm.kill()
    desk.poll_until(lambda: not desk.session.machine.connected)


def see_again(desk: Desk) -> None:
    """Wait until a VM is there again and its state is known."""
    desk.poll_until(lambda: desk.session.machine.connected and desk.session.machine.status)


def test_the_same_vm_is_met_again_silently(start_vm: VmStarter, sit: Sit) -> None:
    vm = start_vm(name="vm1")
    desk = sit(vm.path)
    session, machine = desk.session, desk.session.machine
    commands = machine.commands
    lose(desk, vm)
    assert (machine.state, machine.outlook) == ("ended", "reconnecting")
    assert machine.farewell == "killed or crashed"
    assert machine.prospect == f"Waiting for {vm.path} to come back; Ctrl-D leaves."
    refused = desk.run("query-status")
    assert refused.exit_code == 4
    assert "query-status was not sent" in str(refused.error)
    start_vm("-S", name="vm1", folder=vm.folder)
    see_again(desk)
    assert (machine.name, machine.state, machine.farewell) == ("vm1", "paused", "")
    assert machine.commands == commands
    assert desk.run("cont").exit_code == 0
    desk.poll_until(lambda: desk.heard.events == ["RESUME"])
    assert desk.heard.remarks == [f"reconnected to vm1 (QEMU {machine.version})"]
    assert len(desk.heard.losses) == 1
    lose(desk, Vm(vm.path, vm.folder, start_vm._vms[-1].process))
    assert len(desk.heard.losses) == 2
    assert session.fileno() == -1


def test_another_vm_is_asked_about(start_vm: VmStarter, sit: Sit) -> None:
    vm = start_vm(name="vm1")
    desk = sit(vm.path)
    lose(desk, vm)
    start_vm(name="vm2", folder=vm.folder)
    see_again(desk)
    assert "this is another VM: vm2 (QEMU " in desk.heard.remarks[0]
    assert desk.heard.remarks[0].startswith("! ")
    desk.run("stop", "n")
    desk.run(".help stop")
    assert desk.session.machine.state == "running"
    assert desk.run("stop", "y").exit_code == 0
    assert desk.run("cont").exit_code == 0
    assert desk.heard.events == ["STOP", "RESUME"]


def test_a_stranger_that_nobody_chose_stays_one(start_vm: VmStarter, sit: Sit) -> None:
    vm = start_vm(name="vm1")
    desk = sit(vm.path)
    lose(desk, vm)
    second = start_vm(name="vm2", folder=vm.folder)
    see_again(desk)
    lose(desk, second)
    third = start_vm(name="vm2", folder=vm.folder)
    see_again(desk)
    desk.run("stop", "n")
    assert desk.session.machine.state == "running"
    lose(desk, third)
    start_vm(name="vm1", folder=vm.folder)
    see_again(desk)
    assert desk.run("stop").exit_code == 0


def test_another_uuid_is_another_vm(start_vm: VmStarter, sit: Sit) -> None:
    uuid = "d1b0e1a0-0000-4000-8000-00000000000"
    vm = start_vm("-uuid", f"{uuid}1")
    desk = sit(vm.path)
    lose(desk, vm)
    start_vm("-uuid", f"{uuid}2", folder=vm.folder)
    see_again(desk)
    assert f"another VM: uuid {uuid}2" in desk.heard.remarks[0]


def test_the_reason_of_a_shutdown_is_told(vm: Vm, sit: Sit) -> None:
    desk = sit(vm.path)
    desk.run("quit", "q")
    desk.poll_until(lambda: desk.heard.losses)
    assert desk.session.machine.farewell == "SHUTDOWN host-qmp-quit"
    assert desk.session.machine.outlook == "reconnecting"


def test_disconnect_lets_others_in_and_reconnect_comes_back(vm: Vm, sit: Sit) -> None:
    desk = sit(vm.path)
    machine = desk.session.machine
    assert desk.run(".reconnect").exit_code == 2
    desk.run(".disconnect")
    assert desk.shown[-1] == Note(f"disconnected: {vm.path} is free; .reconnect takes it again")
    assert (machine.state, machine.outlook) == ("disconnected", "disconnected")
    assert desk.session.wait() is None
    Client.connect(parse_address(vm.path)).close()
    assert desk.run("query-status").exit_code == 4
    assert desk.run(".disconnect now").exit_code == 2
    assert desk.run(".reconnect").exit_code == 0
    see_again(desk)
    assert desk.run("query-status").exit_code == 0
    assert desk.heard.losses == []


def test_reconnect_by_hand_tells_why_not(vm: Vm, sit: Sit) -> None:
    desk = sit(vm.path)
    desk.run(".disconnect")
    vm.kill()
    outcome = desk.run(".reconnect")
    assert outcome.exit_code == 3
    assert "nobody listens on" in str(outcome.error)
    assert desk.session.machine.outlook == "reconnecting"


def test_a_busy_monitor_is_waited_for_and_told_once(vm: Vm, sit: Sit) -> None:
    desk = sit(vm.path)
    desk.run(".disconnect")
    other = Client.connect(parse_address(vm.path))
    assert desk.run(".reconnect").exit_code == 0
    desk.poll_until(lambda: desk.heard.remarks)
    (remark,) = desk.heard.remarks
    assert remark.startswith(f"{vm.path}: no greeting yet: python")
    assert f"(pid {os.getpid()}: " in remark
    assert remark.endswith("holds this monitor, which serves one client at a time; still waiting")
    assert not desk.session.machine.connected
    other.close()
    see_again(desk)
    assert len(desk.heard.remarks) == 2
    assert desk.run("query-status").exit_code == 0


def test_a_monitor_of_libvirt_is_not_taken_unasked(
    vm: Vm, sit: Sit, start_vm: VmStarter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(listener.TREES, vm.folder, "libvirt")
    desk = sit(vm.path)
    lose(desk, vm)
    machine = desk.session.machine
    assert (machine.owner, machine.outlook) == ("libvirt", "not connected")
    assert machine.prospect == (
        f"{vm.path} belongs to libvirt and is not taken unasked: .reconnect takes it;"
        " Ctrl-D leaves."
    )
    start_vm(folder=vm.folder)
    assert desk.session.wait() is None
    desk.session.life.resume()
    assert desk.heard.remarks == [machine.prospect]
    assert desk.session.wait() is None
    assert desk.run(".reconnect").exit_code == 0
    see_again(desk)


def test_a_failed_reconnect_to_libvirts_is_the_last(
    vm: Vm, sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(listener.TREES, vm.folder, "libvirt")
    desk = sit(vm.path)
    lose(desk, vm)
    assert desk.run(".reconnect").exit_code == 3
    assert (desk.session.machine.outlook, desk.session.wait()) == ("not connected", None)


def test_over_tcp(start_vm: VmStarter, sit: Sit) -> None:
    address = f"127.0.0.1:{free_port()}"
    vm = start_vm("-qmp", f"tcp:{address},server=on,wait=off", name="vm1")
    desk = sit(address)
    lose(desk, vm)
    assert desk.session.machine.state == "lost"
    start_vm("-qmp", f"tcp:{address},server=on,wait=off", name="vm1", folder=vm.folder)
    see_again(desk)
    assert desk.run("query-status").exit_code == 0


def test_another_version_is_learnt_anew(sit: Sit, two_emulators: tuple[str, str]) -> None:
    first, second = (VmStarter(path) for path in two_emulators)
    try:
        vm = first(name="vm1")
        desk = sit(vm.path)
        session = desk.session
        before, version = session.shell.introspection.schema, session.machine.version
        commands = session.machine.commands
        lose(desk, vm)
        second(name="vm1", folder=vm.folder)
        see_again(desk)
        desk.poll_until(lambda: session.catalog.schema not in (None, before))
        assert session.machine.version != version
        assert f"before {version}" in desk.heard.remarks[0]
        assert session.machine.commands != commands
        assert session.catalog.commands == session.machine.commands
    finally:
        second.close()
        first.close()
