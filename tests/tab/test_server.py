"""What is learnt of a server at one press of Tab, and how soon it is left in peace."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from qmpsh.address import UnixAddress
from qmpsh.cli.tab import server as visits
from qmpsh.cli.tab.offers import LineServer
from qmpsh.cli.tab.server import candidates
from qmpsh.client.client import Client
from qmpsh.complete.live import LOADS_MODULES
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.syntax import Mode
from qmpsh.protocol.messages import Command
from tests.client.servers import Peer, serving
from tests.qemu import ROOT, Vm, VmStarter
from tests.samples import entities, reply
from tests.waiting import PATIENCE

SCHEMA = f"{ROOT}/tests/data/query-qmp-schema-qemu-7.2.json"
LIMIT = 0.2  # seconds, where one is to run out


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with other things to do is no fault: the limits are for those who wait at a Tab."""
    for name in ("CONNECTION_SECONDS", "GREETING_SECONDS"):
        monkeypatch.setattr(f"qmpsh.cli.tab.server.{name}", PATIENCE)


@pytest.fixture
def hurried(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits run out soon."""
    for name in ("CONNECTION_SECONDS", "GREETING_SECONDS"):
        monkeypatch.setattr(f"qmpsh.cli.tab.server.{name}", LIMIT)


def server(address: str | None, schema: str = "", *, read_only: bool = False) -> LineServer:
    files = (schema,) if schema else ()
    return LineServer(address, files, negotiate=True, read_only=read_only, hmp=False)


def texts(asked: LineServer, line: str, *, hmp: bool = False) -> list[str]:
    return [candidate.text for candidate in candidates(asked, line, Mode(hmp=hmp))]


def cached(home: Path) -> list[str]:
    folder = home / ".cache" / "qmpsh"
    return sorted(os.listdir(folder)) if folder.exists() else []


# ---------------------------------------------------------------------------- QEMU


def test_the_first_visit_fills_the_cache(vm: Vm, private_home: Path) -> None:
    assert texts(server(vm.path), "device_add dri")[0] == "driver="
    names = cached(private_home)
    assert len(names) == 1
    assert names[0].startswith("schema-")
    stored = (private_home / ".cache" / "qmpsh" / names[0]).stat().st_ino
    assert texts(server(vm.path), "set-action reboot=re") == ["reset"]
    assert (private_home / ".cache" / "qmpsh" / names[0]).stat().st_ino == stored


def test_live_values(q35: Vm) -> None:
    assert {"vda", "nic0"} <= set(texts(server(q35.path), "device_del id="))
    assert texts(server(q35.path), "device_add driver=virtio-rng-pci rombar")[0] == "rombar="
    assert "virtio-rng-pci" in texts(server(q35.path), "device_add driver=virtio-rng")
    # The server gives the values though the schema comes from a file.
    assert "vda" in texts(server(q35.path, SCHEMA), "device_del id=")


def test_hmp(vm: Vm) -> None:
    assert texts(server(vm.path), "info statu", hmp=True)[0] == "status"
    assert texts(server(vm.path), ".hmp info statu")[0] == "status"
    assert texts(server(vm.path), "system_powerd", hmp=True) == ["system_powerdown"]


def test_an_hmp_monitor(start_vm: VmStarter) -> None:
    vm = start_vm("-monitor", "unix:{folder}/h,server=on,wait=off")
    asked = server(f"{vm.folder}/h")
    assert texts(asked, "info statu") == ["status"]
    assert texts(asked, "system_powerd") == ["system_powerdown"]
    assert texts(asked, "query-statu") == []


@pytest.mark.usefixtures("hurried")
def test_a_busy_monitor_is_left_alone(vm: Vm, private_home: Path) -> None:
    first = Client.connect(UnixAddress(vm.path))
    try:
        for _ in range(3):
            assert texts(server(vm.path), "set-action rebo") == []
        assert cached(private_home) == []
        # Nobody waits in line for it.
        assert " 02 " not in "".join(connections(vm.path))
    finally:
        first.close()


def test_a_monitor_that_gets_free_is_asked(vm: Vm) -> None:
    first = Client.connect(UnixAddress(vm.path))
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(texts, server(vm.path), "set-action rebo")
        first.close()
        assert asked.result(PATIENCE) == ["reboot="]


def connections(path: str) -> list[str]:
    table = Path("/proc/net/unix").read_text(errors="replace").splitlines()
    return [line for line in table if line.endswith(f" {path}")]


def test_a_busy_monitor_of_another_spelling_is_left_at_once(
    vm: Vm, private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the look in front does not help, the greeting is waited for in vain."""
    folder = private_home / "link"
    folder.symlink_to(vm.folder)
    first = Client.connect(UnixAddress(vm.path))
    try:
        monkeypatch.setattr("qmpsh.cli.tab.server.GREETING_SECONDS", LIMIT)
        assert texts(server(f"{folder}/s"), "set-action rebo") == []
        monkeypatch.setattr("qmpsh.cli.tab.server.GREETING_SECONDS", PATIENCE)
    finally:
        first.close()
    # What waits in line for the monitor is gone: it serves the next client.
    assert texts(server(vm.path), "set-action rebo") == ["reboot="]


@pytest.mark.usefixtures("hurried")
def test_a_stopped_vm_gives_nothing(vm: Vm) -> None:
    vm.stop_process()
    try:
        assert texts(server(vm.path), "set-action rebo") == []
    finally:
        vm.continue_process()


def test_the_vm_goes_on(vm: Vm) -> None:
    for _ in range(3):
        assert texts(server(vm.path), "sto")[0] == "stop"
    with_client = Client.connect(UnixAddress(vm.path))
    assert with_client.execute(Command("query-status"), 10.0).value is not None
    with_client.close()


# ---------------------------------------------------------------------------- other servers


def requests(peer: Peer) -> Iterator[JsonObject]:
    """All that comes until the client goes."""
    with contextlib.suppress(EOFError):
        while True:
            yield peer.receive()


def test_a_server_that_never_answers_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmpsh.cli.tab.server.CONNECTION_SECONDS", 1.0)
    ended: list[bool] = []

    def behave(peer: Peer) -> None:
        peer.greet()
        for _ in requests(peer):
            pass
        ended.append(True)

    with serving(behave) as path:
        assert texts(server(path), "sto") == []
    assert ended == [True]


class Answering:
    """A server of QEMU 7.2's commands and schema. asked: the names of the commands, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.values: dict[str, Json] = {
            "query-commands": reply("query-commands-qemu-7.2"),
            "query-qmp-schema": entities("7.2"),
            "qom-list-types": [{"name": "virtio-rng-pci"}],
        }

    def __call__(self, peer: Peer) -> None:
        peer.greet()
        for request in requests(peer):
            name = str(request["execute"])
            self.asked.append(name)
            peer.reply(request, self.values.get(name))


@pytest.mark.parametrize("read_only", [False, True])
def test_what_loads_modules_is_never_asked_of_a_read_only_server(*, read_only: bool) -> None:
    behaviour = Answering()
    with serving(behaviour) as path:
        found = texts(server(path, read_only=read_only), "device_add driver=virtio-rng")
    assert found == ([] if read_only else ["virtio-rng-pci"])
    assert (not LOADS_MODULES & set(behaviour.asked)) is read_only


def test_what_loads_modules_is_never_asked_of_a_replaced_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(visits, "replaced_program", lambda address, fd: "its program is newer")
    behaviour = Answering()
    with serving(behaviour) as path:
        assert texts(server(path), "device_add driver=virtio-rng") == []
    assert not LOADS_MODULES & set(behaviour.asked)


def test_only_what_is_needed_is_asked() -> None:
    behaviour = Answering()
    with serving(behaviour) as path:
        assert texts(server(path, SCHEMA), "object-del id=") == []
    assert behaviour.asked == ["qom-list"]


def test_nobody_is_visited_for_what_is_known() -> None:
    assert texts(server("./nothing", SCHEMA), "set-action reboot=re") == ["reset"]
    assert texts(server(None, SCHEMA), "set-action reboot=re") == ["reset"]
    assert texts(server("./nothing"), ".hel") == [".help"]


@pytest.mark.parametrize("address", [None, "", "./nothing", "nope:1", "unix:", "\0", "localhost:1"])
def test_no_server(address: str | None) -> None:
    assert texts(server(address), "set-action rebo") == []


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"return": []}', "\xff"])
def test_no_schema(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "schema"
    if content is not None:
        path.write_bytes(content.encode("latin-1"))
    assert texts(server(None, str(path)), "set-action rebo") == []


def test_no_qmp() -> None:
    with serving(lambda peer: peer.connection.sendall(b"RFB 003.008\n")) as path:
        assert texts(server(path), "set-action rebo") == []
