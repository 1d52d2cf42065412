"""What `qmpsh doctor ADDRESS` finds out: its checks, in this process."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from qmpsh.address import parse_address
from qmpsh.cli.inspect import examine as examination
from qmpsh.cli.inspect.examine import FAIL, INFO, OK, WARN, Check, as_json, examine, lines_of
from qmpsh.jsontypes import Json
from qmpsh.system.listener import ListenerInfo, ServedClient
from qmpsh.system.proc import Process
from tests.client.servers import GREETING, Peer, serving
from tests.ports import free_port
from tests.programs import need, running
from tests.qemu import Vm, is_listening
from tests.waiting import wait_until

ANNOUNCED: list[str] = []


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "GREETING_SECONDS", 0.5)
    ANNOUNCED.clear()


def examined(name: str) -> dict[str, tuple[str, str]]:
    """The checks by their names: result and text."""
    checks = examine(name, parse_address(name), ANNOUNCED.append)
    return {one.what: (one.mark, one.text) for one in checks}


# ---------------------------------------------------------------------------- what is shown


CHECKS = [Check(OK, "a", "fine"), Check(FAIL, "longer", "bad\x1b[m"), Check(INFO, "b", "so")]


def test_checks_are_aligned_and_safe() -> None:
    assert lines_of(CHECKS, colour=False) == [
        "ok    a       fine",
        r"FAIL  longer  bad\x1b[m",
        " -    b       so",
    ]
    assert lines_of([], colour=False) == []
    assert "\x1b[" in lines_of(CHECKS[:1], colour=True)[0]


def test_checks_for_programs() -> None:
    assert as_json(CHECKS[1:2]) == [{"check": "longer", "result": "fail", "text": "bad\x1b[m"}]


# ---------------------------------------------------------------------------- from outside


WORDS = ("qemu-system-x86_64", "-name", "web", "-qmp", "unix:/run/vm,server=on")
QEMU = Process(7, "qemu-system-x86", WORDS)


def seen(monkeypatch: pytest.MonkeyPatch, listener: ListenerInfo) -> dict[str, tuple[str, str]]:
    """The checks of a socket whose listener this is; its monitor is not connected to."""
    monkeypatch.setattr(examination, "inspect_listener", lambda _: listener)
    monkeypatch.setattr(examination, "_session", lambda _: ())
    monkeypatch.setattr(examination, "_file", lambda _: ())
    return examined("/run/vm")


def test_a_free_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(monkeypatch, ListenerInfo(True, QEMU)) == {
        "address": (INFO, "/run/vm is read as the unix socket /run/vm"),
        "listener": (OK, "qemu-system-x86_64, pid 7, running, user root"),
        "command": (INFO, "qemu-system-x86_64 -name web -qmp unix:/run/vm,server=on"),
        "vm": (INFO, "web"),
        "kind": (OK, "qmp"),
        "connected": (OK, "no client"),
    }
    assert ANNOUNCED == ["connecting: this occupies the monitor /run/vm for a moment"]


@pytest.mark.parametrize(
    "state, said, todo",
    [
        ("T", "is stopped", "continue it with kill -CONT 7"),
        ("t", "is held by a debugger (pid 9)", "continue it there"),
        ("Z", "is a zombie (state Z)", "end its parent, or start the VM again"),
    ],
)
def test_a_process_that_does_not_run(
    monkeypatch: pytest.MonkeyPatch, state: str, said: str, todo: str
) -> None:
    process = QEMU._replace(state=state, tracer=9)
    checks = seen(monkeypatch, ListenerInfo(True, process))
    assert checks["listener"][0] == FAIL
    assert checks["session"][1].startswith(f"not tried: qemu-system-x86_64 (pid 7) {said}")
    assert checks["next"] == (INFO, todo)
    assert ANNOUNCED == []


def test_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    socat = ServedClient(Process(8, "socat", ("socat", "-", "UNIX:/run/vm")))
    checks = seen(monkeypatch, ListenerInfo(True, QEMU, (socat,), waiting=2))
    assert checks["connected"] == (WARN, "socat, pid 8: socat - UNIX:/run/vm")
    assert checks["waiting"] == (WARN, "2 more in the queue")
    assert checks["next"] == (INFO, "close that client, or give QEMU a second -qmp")
    words = ("/usr/bin/qmpsh", "/run/vm")
    ours = ServedClient(Process(8, "qmpsh", words, uid=os.geteuid()))
    checks = seen(monkeypatch, ListenerInfo(True, QEMU, (ours,)))
    assert checks["connected"] == (WARN, "qmpsh, pid 8: /usr/bin/qmpsh /run/vm (another qmpsh)")
    assert checks["next"][1].startswith("type .set share on or .disconnect at its prompt, or ")


def test_hidden_listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    of_others = seen(monkeypatch, ListenerInfo(known=True))
    assert of_others["listener"] == (
        WARN, "a process of another user; run as root to see which"
    )  # fmt: skip
    nowhere = seen(monkeypatch, ListenerInfo())
    assert nowhere["listener"] == (WARN, "none in this network namespace")
    monkeypatch.setattr(examination, "tells_peers", lambda: False)
    unknown = seen(monkeypatch, ListenerInfo())
    assert unknown["listener"] == (INFO, "not on this machine, as far as can be seen")
    assert "connected" not in unknown


@pytest.mark.parametrize(
    "name, read_as",
    [
        ("unix:/a,abstract=on", "the abstract unix socket /a"),
        ("[::1]:4444", "TCP, host ::1, port 4444"),
        ("exec:cat", "exec:cat"),
    ],
)
def test_how_an_address_is_read(name: str, read_as: str) -> None:
    [first, *_] = examine(name, parse_address(name), ANNOUNCED.append)
    assert first == Check(INFO, "address", f"{name} is read as {read_as}")


# ---------------------------------------------------------------------------- real ones


@pytest.mark.parametrize("answer", [[5], {}, [{"name": 5}]])
def test_a_session_without_names_of_commands_does_not_work(answer: Json) -> None:
    def behave(peer: Peer) -> None:
        peer.greet()
        while True:
            peer.reply(peer.receive(), answer)

    with serving(behave) as path:
        checks = examined(path)
    assert checks["commands"] == ("fail", "query-commands returned no names")
    assert "session" not in checks


def test_a_server_that_does_not_agree() -> None:
    def behave(peer: Peer) -> None:
        peer.send(GREETING)
        with contextlib.suppress(EOFError):
            while True:
                peer.receive()

    with serving(behave) as path:
        checks = examined(path)
    assert "did not answer qmp_capabilities" in checks["session"][1]
    assert checks["next"][1].startswith("kill -CONT wakes a stopped process")


def test_files(tmp_path: Path, vm: Vm) -> None:
    checks = examined(str(tmp_path / "none"))
    assert checks["file"] == ("fail", f"{tmp_path}/none: No such file or directory")
    (tmp_path / "file").touch()
    checks = examined(str(tmp_path / "file"))
    assert f"{tmp_path}/file is not a socket" in checks["file"][1]
    vm.kill()
    checks = examined(vm.path)
    assert checks["listener"] == ("warn", "none in this network namespace")
    assert checks["session"] == (
        "fail", f"nothing listens on {vm.path}: the VM that made this socket has ended"
    )  # fmt: skip


def test_a_tls_port_is_found_by_asking(tmp_path: Path) -> None:
    openssl = need("openssl")
    port = free_port()
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key",
         "-out", "cert", "-subj", "/CN=localhost"],
        cwd=tmp_path, capture_output=True, check=True,
    )  # fmt: skip
    words = ["s_server", "-key", "key", "-cert", "cert", "-accept", f"127.0.0.1:{port}", "-quiet"]
    with running(openssl, *words, cwd=str(tmp_path)):
        wait_until(lambda: f":{port:04X} " in Path("/proc/net/tcp").read_text())
        checks = examined(f"127.0.0.1:{port}")
    assert checks["next"] == ("info", f"it speaks TLS: use tls:127.0.0.1:{port}?ca=FILE")


def test_a_guest_agent_under_another_name(tmp_path: Path, vm: Vm) -> None:
    """Where the command line does not tell, a question that does no harm does."""
    agent = need("qemu-ga")
    socat = need("socat")
    path, front = f"{vm.folder}/g", f"{vm.folder}/front"
    with (
        running(str(agent), "-m", "unix-listen", "-p", path, "-t", vm.folder),
        running(str(socat), f"UNIX-LISTEN:{front},fork", f"UNIX:{path}"),
    ):
        wait_until(lambda: is_listening(path) and is_listening(front))
        assert examined(path)["next"] == ("info", "say --guest-agent")
        assert examined(front)["next"] == (
            "info", "it is a guest agent, and it answers: use --guest-agent"
        )  # fmt: skip


def test_all_that_can_be_done_is_next() -> None:
    checks = examined("exec:sleep 100")
    assert checks["next"] == (
        "info",
        "close that client, or give QEMU a second -qmp; a guest agent's socket needs --guest-agent",
    )
    checks = examined("exec:echo 'one; two' >&2; exit 7")
    assert checks["session"][1].endswith(" ended before it sent a QMP greeting, exit 7: one; two")
    assert checks["next"][1].startswith("run the command alone ")


def test_a_place_elsewhere() -> None:
    port = free_port()
    checks = examined(f"127.0.0.1:{port}")
    assert checks["listener"] == ("info", "not on this machine, as far as can be seen")
    assert checks["session"][1] == f"connection refused at 127.0.0.1:{port}: nothing listens there"
