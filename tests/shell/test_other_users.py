"""What the server of another user says of itself is remembered of that user's servers alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client
from qmpsh.jsontypes import JsonObject
from qmpsh.protocol.messages import Command
from qmpsh.system import peer, proc
from qmpsh.system.peer import Peer, replaced_program, server_identity
from tests.client.servers import Peer as Served
from tests.programs import need
from tests.qemu import Vm, is_listening
from tests.samples import entities
from tests.shell.test_introspection import events_of
from tests.waiting import wait_until

NOBODY = 65534


@contextlib.contextmanager
def impostor(program: str, path: str, answers: dict[str, JsonObject]) -> Iterator[None]:
    """A process of another user that listens, leaves the answers to a child, and becomes a program:
    the kernel still names it as the one that listens.

    answers: whole messages by command, the greeting by ""
    """

    def prepare() -> None:
        os.setuid(NOBODY)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        if os.fork() == 0:
            for fd in {*range(3, 4096)} - {listener.fileno()}:
                with contextlib.suppress(OSError):
                    os.close(fd)
            answer_all(listener, answers)

    words = [program, "-machine", "none", "-display", "none", "-nodefaults", "-S"]
    # Opened by root: the program may lie below a folder that the other user cannot enter.
    with open(program, "rb") as file:
        opened = f"/proc/self/fd/{file.fileno()}"
        with subprocess.Popen(
            words, executable=opened, pass_fds=[file.fileno()], preexec_fn=prepare,
            stdin=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            yield
            process.kill()


def answer_all(listener: socket.socket, answers: dict[str, JsonObject]) -> None:
    """Serve one client, and end the process."""
    try:
        served = Served(listener.accept()[0])
        served.send(answers[""])
        while True:
            request = served.receive()
            answer = answers.get(str(request["execute"]), {"return": {}})
            served.send({**answer, "id": request["id"]})
    finally:
        os._exit(0)


@pytest.mark.skipif(os.getuid() != 0, reason="only root starts a process of another user")
def test_an_impostor_poisons_no_schema(vm: Vm) -> None:
    client = Client.connect(UnixAddress(vm.path))
    assert client.connection.greeting is not None
    listed = client.execute(Command("query-commands")).value
    client.close()
    hostile: dict[str, JsonObject] = {
        "": client.connection.greeting.raw,
        "query-commands": {"return": listed},
        "query-qmp-schema": {
            "return": [*entities("7.2"), {"name": "POISON", "meta-type": "event"}]
        },
    }
    os.chmod(vm.folder, 0o777)
    path = f"{vm.folder}/impostor"
    with impostor(os.readlink(f"/proc/{vm.pid}/exe"), path, hostile):
        wait_until(lambda: is_listening(path))
        assert "POISON" in events_of(path)
    os.unlink(path)
    assert "POISON" not in events_of(vm.path)


def test_the_user_belongs_to_what_tells_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def identity(known: Peer, place: str = "/s") -> list[str]:
        monkeypatch.setattr(peer, "_peer", lambda fd: known)
        return server_identity(UnixAddress(place), -1)

    ours = Peer(os.getpid(), os.getuid())
    assert identity(ours) == identity(ours, "/elsewhere")
    assert identity(ours) != identity(ours._replace(uid=NOBODY))
    # Whose binary is hidden, and who is not known at all, is known by the place alone.
    assert identity(Peer(1 << 30, 0)) != identity(Peer(1 << 30, 0), "/elsewhere")
    assert identity(Peer()) != identity(Peer(), "/elsewhere")
    assert len({tuple(identity(one)) for one in (Peer(), Peer(1 << 30, 0), Peer(1 << 30, 1))}) == 3


def test_a_program_that_was_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program"
    shutil.copy(need("cat"), program)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(f"{tmp_path}/s")
        # Who listens is who the kernel names.
        with subprocess.Popen([program], stdin=subprocess.PIPE, preexec_fn=listener.listen):
            client.connect(f"{tmp_path}/s")

            def said() -> str:
                return replaced_program(UnixAddress(f"{tmp_path}/s"), client.fileno())

            assert said() == ""
            monkeypatch.setattr(proc, "maybe_start", lambda pid: os.stat(program).st_ctime - 60)
            assert said() == "its program is newer than the process"
            program.unlink()
            assert said() == "its program was deleted or replaced since it started"
