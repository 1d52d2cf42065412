"""The life of a session over the deaths of its VM, on real QEMUs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.shell.steps import Note
from qmpsh.system import owners
from tests.ports import free_port
from tests.qemu import Vm, VmStarter
from tests.shell.harness import SessionHarness

OpenSession = Callable[[str], SessionHarness]


@pytest.fixture
def open_session() -> Iterator[OpenSession]:
    """Open sessions on the VM at a path; they are closed at the end."""
    harnesses: list[SessionHarness] = []

    def start(path: str) -> SessionHarness:
        harnesses.append(SessionHarness(path))
        harnesses[-1].wait("the schema", learnt=True)
        return harnesses[-1]

    yield start
    for harness in harnesses:
        harness.session.close()


def lose(harness: SessionHarness, vm: Vm) -> None:
    """End the VM without a word."""
    vm.kill()
    harness.poll_until(lambda: not harness.session.machine.connected)


def see_again(harness: SessionHarness) -> None:
    """Wait until a VM is there again and its state is known."""
    harness.poll_until(lambda: harness.session.machine.connected and harness.session.machine.status)


def test_the_same_vm_is_met_again_silently(start_vm: VmStarter, open_session: OpenSession) -> None:
    vm = start_vm(name="vm1")
    harness = open_session(vm.path)
    session, machine = harness.session, harness.session.machine
    commands = machine.commands
    lose(harness, vm)
    assert (machine.state, machine.connection.outlook) == ("ended", "reconnecting")
    assert machine.shutdown_reason == "killed or crashed"
    assert machine.connection_hint == f"Waiting for {vm.path} to come back; Ctrl-D leaves."
    refused = harness.run("query-status")
    assert refused.exit_code == 4
    assert "query-status was not sent" in str(refused.error)
    start_vm("-S", name="vm1", folder=vm.folder)
    see_again(harness)
    assert (machine.name, machine.state, machine.shutdown_reason) == ("vm1", "paused", "")
    assert machine.commands == commands
    assert harness.run("cont").exit_code == 0
    harness.poll_until(lambda: harness.listener.events == ["RESUME"])
    assert harness.listener.remarks == [f"reconnected to vm1 (QEMU {machine.version})"]
    assert len(harness.listener.losses) == 1
    lose(harness, Vm(vm.path, vm.folder, start_vm._vms[-1].process))
    assert len(harness.listener.losses) == 2
    assert session.connection.fileno() == -1


def test_another_vm_is_asked_about(start_vm: VmStarter, open_session: OpenSession) -> None:
    vm = start_vm(name="vm1")
    harness = open_session(vm.path)
    lose(harness, vm)
    start_vm(name="vm2", folder=vm.folder)
    see_again(harness)
    assert "this is another VM: vm2 (QEMU " in harness.listener.remarks[0]
    assert harness.listener.remarks[0].startswith("! ")
    harness.run("stop", "n")
    harness.run(".help stop")
    assert harness.session.machine.state == "running"
    assert harness.run("stop", "y").exit_code == 0
    assert harness.run("cont").exit_code == 0
    assert harness.listener.events == ["STOP", "RESUME"]


def test_a_stranger_that_nobody_chose_stays_one(
    start_vm: VmStarter, open_session: OpenSession
) -> None:
    vm = start_vm(name="vm1")
    harness = open_session(vm.path)
    lose(harness, vm)
    second = start_vm(name="vm2", folder=vm.folder)
    see_again(harness)
    lose(harness, second)
    third = start_vm(name="vm2", folder=vm.folder)
    see_again(harness)
    harness.run("stop", "n")
    assert harness.session.machine.state == "running"
    lose(harness, third)
    start_vm(name="vm1", folder=vm.folder)
    see_again(harness)
    assert harness.run("stop").exit_code == 0


def test_another_uuid_is_another_vm(start_vm: VmStarter, open_session: OpenSession) -> None:
    uuid = "d1b0e1a0-0000-4000-8000-00000000000"
    vm = start_vm("-uuid", f"{uuid}1")
    harness = open_session(vm.path)
    lose(harness, vm)
    start_vm("-uuid", f"{uuid}2", folder=vm.folder)
    see_again(harness)
    assert f"another VM: uuid {uuid}2" in harness.listener.remarks[0]


def test_the_reason_of_a_shutdown_is_told(vm: Vm, open_session: OpenSession) -> None:
    harness = open_session(vm.path)
    harness.run("quit", "q")
    harness.poll_until(lambda: harness.listener.losses)
    assert harness.session.machine.shutdown_reason == "SHUTDOWN host-qmp-quit"
    assert harness.session.machine.connection.outlook == "reconnecting"


def test_disconnect_lets_others_in_and_reconnect_comes_back(
    vm: Vm, open_session: OpenSession
) -> None:
    harness = open_session(vm.path)
    machine = harness.session.machine
    assert harness.run(".reconnect").exit_code == 2
    harness.run(".disconnect")
    assert harness.shown[-1] == Note(f"disconnected: {vm.path} is free; .reconnect takes it again")
    assert (machine.state, machine.connection.outlook) == ("disconnected", "disconnected")
    assert harness.session.wait() is None
    Client.connect(parse_address(vm.path)).close()
    assert harness.run("query-status").exit_code == 4
    assert harness.run(".disconnect now").exit_code == 2
    assert harness.run(".reconnect").exit_code == 0
    see_again(harness)
    assert harness.run("query-status").exit_code == 0
    assert harness.listener.losses == []


def test_reconnect_by_hand_tells_why_not(vm: Vm, open_session: OpenSession) -> None:
    harness = open_session(vm.path)
    harness.run(".disconnect")
    vm.kill()
    outcome = harness.run(".reconnect")
    assert outcome.exit_code == 3
    assert "nothing listens on" in str(outcome.error)
    assert harness.session.machine.connection.outlook == "reconnecting"


def test_a_busy_monitor_is_waited_for_and_told_once(vm: Vm, open_session: OpenSession) -> None:
    harness = open_session(vm.path)
    harness.run(".disconnect")
    other = Client.connect(parse_address(vm.path))
    assert harness.run(".reconnect").exit_code == 0
    harness.poll_until(lambda: harness.listener.remarks)
    (remark,) = harness.listener.remarks
    assert remark.startswith(f"{vm.path}: no greeting yet: python")
    assert f"(pid {os.getpid()}: " in remark
    assert remark.endswith("holds this monitor, which serves one client at a time; still waiting")
    assert not harness.session.machine.connected
    other.close()
    see_again(harness)
    assert len(harness.listener.remarks) == 2
    assert harness.run("query-status").exit_code == 0


def test_a_monitor_of_libvirt_is_not_taken_unasked(
    vm: Vm, open_session: OpenSession, start_vm: VmStarter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(owners.TREES, vm.folder, "libvirt")
    harness = open_session(vm.path)
    lose(harness, vm)
    machine = harness.session.machine
    assert (machine.owner, machine.connection.outlook) == ("libvirt", "not connected")
    assert machine.connection_hint == (
        f"{vm.path} belongs to libvirt and is not taken without being asked: .reconnect takes it;"
        " Ctrl-D leaves."
    )
    start_vm(folder=vm.folder)
    assert harness.session.wait() is None
    harness.session.connection.resume()
    assert harness.listener.remarks == [machine.connection_hint]
    assert harness.session.wait() is None
    assert harness.run(".reconnect").exit_code == 0
    see_again(harness)


def test_a_failed_reconnect_to_libvirts_is_the_last(
    vm: Vm, open_session: OpenSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(owners.TREES, vm.folder, "libvirt")
    harness = open_session(vm.path)
    lose(harness, vm)
    assert harness.run(".reconnect").exit_code == 3
    assert (harness.session.machine.connection.outlook, harness.session.wait()) == (
        "not connected",
        None,
    )


def test_over_tcp(start_vm: VmStarter, open_session: OpenSession) -> None:
    address = f"127.0.0.1:{free_port()}"
    vm = start_vm("-qmp", f"tcp:{address},server=on,wait=off", name="vm1")
    harness = open_session(address)
    lose(harness, vm)
    assert harness.session.machine.state == "lost"
    start_vm("-qmp", f"tcp:{address},server=on,wait=off", name="vm1", folder=vm.folder)
    see_again(harness)
    assert harness.run("query-status").exit_code == 0


def test_another_version_is_learnt_anew(
    open_session: OpenSession, two_emulators: tuple[str, str]
) -> None:
    first, second = (VmStarter(path) for path in two_emulators)
    try:
        vm = first(name="vm1")
        harness = open_session(vm.path)
        session = harness.session
        before, version = session.context.introspection.schema, session.machine.version
        commands = session.machine.commands
        lose(harness, vm)
        second(name="vm1", folder=vm.folder)
        see_again(harness)
        harness.poll_until(lambda: session.catalog.schema not in (None, before))
        assert session.machine.version != version
        assert f"before {version}" in harness.listener.remarks[0]
        assert session.machine.commands != commands
        assert session.catalog.commands == session.machine.commands
    finally:
        second.close()
        first.close()
