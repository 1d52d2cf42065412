"""The monitor of a VM by its name: which one it is, and whose names are believed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count

import pytest

from qmpsh.address import TcpAddress, UnixAddress, find_address, parse_address
from qmpsh.client import names
from qmpsh.client.client import Client
from qmpsh.client.discovery import Monitor, find_monitors
from qmpsh.client.names import find_by_name, is_vm_name, opens_by_name
from qmpsh.client.transports.libvirt import LibvirtAddress
from qmpsh.errors import AddressError, CannotConnect, UsageError
from qmpsh.protocol.messages import Command
from qmpsh.system.argv import AGENT
from qmpsh.system.owners import SYSTEM, libvirt_form
from qmpsh.system.proc import tcp_sockets
from tests.ports import free_port
from tests.qemu import Vm, VmStarter, is_listening, new_folder
from tests.waiting import wait_until

NUMBERS = count()


@pytest.fixture
def name() -> str:
    """A name that no other VM of this machine has."""
    return f"vm-{os.getpid()}-{next(NUMBERS)}"


@contextlib.contextmanager
def pretender(*words: str) -> Iterator[int]:
    """A process that has the command line of a QEMU."""
    code = "import os, time; os.close(1); time.sleep(600)"
    argv = ["qemu-system-x86_64", "-c", code, *words]
    with subprocess.Popen(argv, executable=sys.executable, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read()
        try:
            yield process.pid
        finally:
            process.kill()


def test_the_one_vm_of_a_name(start_vm: VmStarter, name: str) -> None:
    assert not is_vm_name(name)
    vm = start_vm(name=name)
    assert is_vm_name(name)
    assert find_by_name(name) == UnixAddress(vm.path)
    assert find_address(f"name:{name}") == UnixAddress(vm.path)


def test_the_address_itself_connects_too(start_vm: VmStarter, name: str) -> None:
    start_vm(name=name)
    address = parse_address(f"name:{name}")
    assert str(address) == f"name:{name}"
    client = Client.connect(address)
    assert client.execute(Command("query-name")).value == {"name": name}
    client.close()


def test_of_two_monitors_the_free_one(start_vm: VmStarter, name: str) -> None:
    vm = start_vm("-qmp", "unix:{folder}/first,server=on,wait=off", name=name)
    client = Client.connect(UnixAddress(f"{vm.folder}/first"))
    assert find_by_name(name) == UnixAddress(vm.path)
    client.close()


def test_a_tcp_port(start_vm: VmStarter, name: str) -> None:
    port = free_port()
    start_vm("-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off", name=name, qmp=False)
    wait_until(lambda: any(one.here[1] == port for one in tcp_sockets()))
    assert find_by_name(name) == TcpAddress("127.0.0.1", port)


def test_a_human_monitor_where_there_is_no_other(start_vm: VmStarter, name: str) -> None:
    human = "unix:{folder}/human,server=on,wait=off"
    vm = start_vm("-monitor", human, name=name, qmp=False)
    assert find_by_name(name) == UnixAddress(f"{vm.folder}/human")
    vm.kill()
    vm = start_vm("-monitor", human, name=name)
    assert find_by_name(name) == UnixAddress(vm.path)


def test_two_vms_of_a_name_are_listed(start_vm: VmStarter, name: str) -> None:
    one, two = start_vm(name=name), start_vm(name=name)
    with pytest.raises(UsageError) as refused:
        find_by_name(name)
    places = sorted([f"{vm.path} (pid {vm.pid})" for vm in (one, two)], key=str)
    said = str(refused.value)
    assert said.startswith(f"2 VMs are named {name}; write the address of one: ")
    assert sorted(said.partition("one: ")[2].split(" or ")) == places


def test_no_such_vm(start_vm: VmStarter, name: str) -> None:
    start_vm(name=name)
    with pytest.raises(CannotConnect) as refused:
        find_by_name(f"{name}x")
    assert str(refused.value) == (
        f"no VM named {name}x runs here; did you mean {name}?;"
        " qmpsh ls lists the monitors of this machine"
    )
    with pytest.raises(AddressError, match="name:NAME is expected"):
        parse_address("name:")


def test_a_vm_without_a_monitor(start_vm: VmStarter, name: str) -> None:
    vm = start_vm(name=name, qmp=False)
    wait_until(lambda: is_vm_name(name))
    with pytest.raises(CannotConnect, match=rf"the VM {name} \(pid {vm.pid}\) has no monitor"):
        find_by_name(name)
    with pytest.raises(CannotConnect, match="has no socket of a guest agent"):
        find_by_name(name, AGENT)


def test_a_guest_agent_by_the_name_of_its_vm(start_vm: VmStarter, name: str) -> None:
    vm = start_vm(
        *("-device", "virtio-serial", "-chardev", "socket,path={folder}/g,server=on,wait=off,id=g"),
        *("-device", "virtserialport,chardev=g,name=org.qemu.guest_agent.0"),
        machine="q35",
        name=name,
    )
    assert find_address(f"name:{name}", agent=True) == UnixAddress(f"{vm.folder}/g")


# ---------------------------------------------------------------------------- whose they are


def another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the VMs of this test are another user's, who is not root."""
    uid = os.geteuid()
    monkeypatch.setattr(names, "_ROOT", -1)
    monkeypatch.setattr(os, "geteuid", lambda: uid + 1)


def test_the_vm_of_another_user(
    start_vm: VmStarter, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    vm = start_vm(name=name)
    another_user(monkeypatch)
    assert not is_vm_name(name)
    with pytest.raises(CannotConnect) as refused:
        find_by_name(name)
    assert "only your own, root's and libvirt's open by name" in str(refused.value)
    assert refused.value.todo == f"its address is {vm.path} (pid {vm.pid})"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_socket_of_another_user(start_vm: VmStarter, name: str) -> None:
    """A program that runs as root takes its arguments from whoever starts it."""
    vm = start_vm(name=name)
    os.chown(vm.path, 65534, 65534)
    with pytest.raises(CannotConnect, match=f"nothing shows that the VM {name} itself listens on"):
        find_by_name(name)


def test_who_claims_the_socket_of_another_vm(start_vm: VmStarter, name: str) -> None:
    folder = new_folder()
    with pretender("-name", f"{name}-evil", "-qmp", f"unix:{folder}/s,server=on"):
        vm = start_vm(name=name, folder=folder)
        assert find_by_name(name) == UnixAddress(vm.path)
        assert not any(one.name == f"{name}-evil" for one in find_monitors(libvirt=False))


def test_a_vm_whose_socket_is_not_there(name: str) -> None:
    with pretender("-name", name, "-qmp", "unix:/nonexistent/s,server=on") as pid:
        wait_until(lambda: is_vm_name(name))
        with pytest.raises(CannotConnect) as refused:
            find_by_name(name)
    assert str(refused.value) == (
        f"the VM {name} does not listen on /nonexistent/s (pid {pid});"
        " it is still starting, or its socket was removed"
    )


def test_a_name_that_is_no_line_of_text(name: str) -> None:
    odd = f"{name}\x1b[2J\nqmpsh: all is well"
    with pretender("-name", odd, "-qmp", "unix:/nonexistent/s,server=on"):
        wait_until(lambda: is_vm_name(odd))
        with pytest.raises(CannotConnect):
            find_by_name(odd)


def test_a_domain_of_libvirt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "running_domains", lambda: ["dom"])
    assert is_vm_name("dom")
    assert not is_vm_name("dom", libvirt=False)
    assert find_by_name("dom") == parse_address(libvirt_form(SYSTEM, "dom"))
    assert isinstance(find_by_name("dom"), LibvirtAddress)


def test_what_proxmox_keeps_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/var/run/qemu-server/100.qmp"
    one = Monitor(path, name="web", pid=os.getpid(), owner="Proxmox")
    monkeypatch.setattr(names, "find_monitors", lambda libvirt: [one])
    assert not opens_by_name(one)
    with pytest.raises(CannotConnect, match="no monitor but Proxmox's own; use qm monitor 100"):
        find_by_name("web")


def test_a_socket_that_has_gone(vm: Vm) -> None:
    gone = Monitor(f"{vm.folder}/gone", name="web", pid=vm.pid)
    assert not is_listening(gone.address)
    assert not opens_by_name(gone)
