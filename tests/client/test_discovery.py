"""The monitors of this machine: VMs started in every way are found, and none is connected to."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client import discovery
from qmpsh.client.client import Client
from qmpsh.client.discovery import Monitor, find_monitors, for_shells
from qmpsh.client.transports import libvirt
from qmpsh.errors import CannotConnect
from qmpsh.system.owners import SYSTEM, libvirt_form
from qmpsh.system.proc import TcpSocket, _from_table, tcp_sockets, tells_peers, unix_sockets
from tests.ports import free_port
from tests.programs import need, running
from tests.qemu import Vm, VmStarter, is_listening, new_folder
from tests.waiting import wait_until


@pytest.fixture
def folder() -> Iterator[str]:
    path = new_folder()
    yield path
    shutil.rmtree(path)


def found(address: str) -> Monitor:
    return {one.address: one for one in find_monitors()}[address]


def test_a_vm_and_who_holds_it(start_vm: VmStarter) -> None:
    vm = start_vm(name="web")
    free = found(vm.path)
    assert free == Monitor(
        vm.path, "qmp", "web", vm.pid, free.program, "running", "free", "", free.user, ""
    )
    assert free.program.startswith("qemu-system-")
    assert free.user == "root" or os.getuid()
    client = Client.connect(UnixAddress(vm.path))
    busy = found(vm.path)
    assert (busy.clients, busy.holder.split()[-1]) == ("busy", str(os.getpid()))
    client.close()
    wait_until(lambda: found(vm.path).clients == "free")
    vm.stop_process()
    assert found(vm.path).state == "stopped"
    vm.continue_process()


def test_looking_disturbs_nobody(vm: Vm) -> None:
    for _ in range(3):
        assert found(vm.path).clients == "free"
    Client.connect(UnixAddress(vm.path)).close()


def test_started_in_every_way(start_vm: VmStarter) -> None:
    ports = [free_port() for _ in range(2)]
    abstract = f"qmpsh-test-{os.getpid()}"
    vm = start_vm(
        "-chardev", "socket,id=m,path={folder}/m,server=on,wait=off",
        "-mon", "chardev=m,mode=control",
        "-qmp", f"tcp:127.0.0.1:{ports[0]},server=on,wait=off",
        "-qmp", f"tcp::{ports[1]},server=on,wait=off",
        "-monitor", "unix:{folder}/h,server=on,wait=off",
        "-chardev", f"backend=socket,id=a,path={abstract},abstract=on,server=on,wait=off",
        "-mon", "chardev=a,mode=control",
        "-device", "virtio-serial", "-chardev", "socket,id=g,path={folder}/g,server=on,wait=off",
        "-device", "virtserialport,chardev=g,name=org.qemu.guest_agent.0",
        machine="q35", name="ways",
    )  # fmt: skip
    kinds = {one.address: (one.kind, one.clients) for one in find_monitors() if one.pid == vm.pid}
    assert kinds == {
        vm.path: ("qmp", "free"),
        f"{vm.folder}/m": ("qmp", "free"),
        f"tcp:127.0.0.1:{ports[0]}": ("qmp", "free"),
        f"tcp:localhost:{ports[1]}": ("qmp", "free"),
        f"unix:{abstract},abstract=on": ("qmp", "free"),
        f"{vm.folder}/h": ("hmp", "free"),
        f"{vm.folder}/g": ("guest agent", "free"),
    }


def test_a_shell_opens_on_hmp_where_there_is_no_other() -> None:
    both = [Monitor("/a", "qmp", pid=1), Monitor("/b", "hmp", pid=1)]
    only = [Monitor("/c", "hmp", pid=2), Monitor("/d", "guest agent", pid=2)]
    assert [one.address for one in for_shells([*both, *only])] == ["/a", "/c"]


def test_a_relative_path_and_other_programs(folder: str) -> None:
    daemon = need("qemu-storage-daemon")
    agent = need("qemu-ga")
    words = ["--chardev", "socket,path=d,server=on,wait=off,id=c", "--monitor", "chardev=c"]
    with (
        running(str(daemon), *words, cwd=folder) as one,
        running(str(agent), "-m", "unix-listen", "-p", f"{folder}/g", "-t", folder) as two,
    ):
        wait_until(lambda: is_listening("d") and is_listening(f"{folder}/g"))
        of_daemon = found(f"{folder}/d")
        assert of_daemon[1:7] == ("qmp", "", one.pid, "qemu-storage-daemon", "running", "free")
        assert found(f"{folder}/g")[1:4] == ("guest agent", "", two.pid)


def test_an_inherited_listener(emulator: str, folder: str) -> None:
    """As libvirt starts its VMs: the path is not on the command line."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        listener.listen(1)
        fd = listener.fileno()
        words = [emulator, "-machine", "none", "-display", "none", "-nodefaults", "-S"]
        words += ["-chardev", f"socket,id=m,fd={fd},server=on,wait=off"]
        process = subprocess.Popen([*words, "-mon", "chardev=m,mode=control"], pass_fds=[fd])
    try:
        wait_until(lambda: any(one.pid == process.pid for one in find_monitors()))
        assert found(f"{folder}/s").pid == process.pid
    finally:
        process.kill()
        process.wait()


def test_sockets_of_a_usual_name(folder: str) -> None:
    names = ["monitor.sock", "100.qmp", "my-qmp.sock", "org.qemu.guest_agent.0", "100.qga"]
    others = ["qmpsh", "tmux", "100.vnc"]
    listeners = []
    for name in names + others:
        listeners.append(socket.socket(socket.AF_UNIX))
        listeners[-1].bind(f"{folder}/{name}")
        listeners[-1].listen()
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(f"{folder}/stale.qmp")
    here = {one.address: one for one in find_monitors() if one.address.startswith(folder)}
    assert sorted(here) == sorted(f"{folder}/{name}" for name in names)
    assert here[f"{folder}/100.qga"].kind == "guest agent"
    assert here[f"{folder}/100.qmp"].pid == os.getpid()
    for one in [*listeners, stale]:
        one.close()
    assert not [one for one in find_monitors() if one.address.startswith(folder)]


def test_libvirts_are_marked(start_vm: VmStarter, folder: str) -> None:
    place = f"{folder}/libvirt/qemu/domain-3-we"
    os.makedirs(place)
    vm = start_vm("-qmp", f"unix:{place}/monitor.sock,server=on,wait=off")
    (one,) = (one for one in find_monitors() if one.owner == "libvirt" and one.pid == vm.pid)
    assert one.name == "we"


def test_folders_are_searched_where_there_is_no_proc(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "PROC", "/nowhere")
    monkeypatch.setattr(discovery, "_FOLDERS", (folder,))
    Path(folder, "a", "b").mkdir(parents=True)
    Path(folder, "file.qmp").touch()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/a/b/vm.qmp")
        assert find_monitors(libvirt=False) == [Monitor(f"{folder}/a/b/vm.qmp")]
    monkeypatch.setattr(discovery, "_MAX_ENTRIES", 1)
    assert find_monitors(libvirt=False) == []


def test_libvirts_domains_join_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_DAEMONS", ("/",))
    rows = [{"id": 1, "name": "far away", "state": "running"}, {"id": None, "name": "off"}]
    monkeypatch.setattr(libvirt, "domains", lambda address, timeout: rows)
    address = libvirt_form(SYSTEM, "far away")
    assert found(address) == Monitor(address, name="far away", owner="libvirt")
    assert not {"far away", "off"} & {one.name for one in find_monitors(libvirt=False)}
    assert "off" not in {one.name for one in find_monitors()}


def test_no_libvirt_no_domains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_DAEMONS", ())
    assert discovery.running_domains() == []

    def fail(address: object, timeout: float) -> None:
        raise CannotConnect("libvirt is not there")

    monkeypatch.setattr(discovery, "_DAEMONS", ("/",))
    monkeypatch.setattr(libvirt, "domains", fail)
    assert discovery.running_domains() == []


# ---------------------------------------------------------------------------- the kernel's lists


def test_the_two_ways_to_list_unix_sockets_agree(vm: Vm) -> None:
    assert tells_peers()
    client = Client.connect(UnixAddress(vm.path))
    queued = socket.socket(socket.AF_UNIX)
    queued.connect(vm.path)
    named = {(one.inode, one.listens, one.queue) for one in unix_sockets() if one.name == vm.path}
    table = {(one.inode, one.listens, one.queue) for one in _from_table() if one.name == vm.path}
    assert named == table
    assert sorted(row[1:] for row in named) == [(False, 0), (True, 1)]
    ends = {one.inode: one for one in unix_sockets()}
    mine = ends[os.fstat(client.fileno()).st_ino]
    assert ends[mine.peer].name == vm.path
    client.close()
    queued.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_tcp_places(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
        (row,) = (one for one in tcp_sockets() if one.here == (host, port))
    assert isinstance(row, TcpSocket)
    assert row.listens
    assert not row.connected
