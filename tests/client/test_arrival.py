"""A server that is still to come: who waits for it, how long, and what ends the wait at once."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmpsh.address import TcpAddress, UnixAddress
from qmpsh.cli.interactive import configured
from qmpsh.cli.options import parse_options
from qmpsh.client import arrival, connect
from qmpsh.client.arrival import connect_awaited
from qmpsh.client.connect import open_stream
from qmpsh.errors import CannotConnect, ConnectTimeout, NotQmp
from tests.conftest import RunQmpsh
from tests.ports import free_port
from tests.qemu import VmStarter, new_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    path = new_folder()
    yield Path(path)
    shutil.rmtree(path)


def listen_at(address: UnixAddress | TcpAddress) -> socket.socket:
    if isinstance(address, TcpAddress):
        return socket.create_server(address)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"\0{address.path}" if address.abstract else address.path)
    listener.listen(1)
    return listener


@pytest.mark.parametrize("kind", ["unix", "stale", "abstract", "tcp"])
def test_it_is_connected_to_once_it_is_there(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses: dict[str, UnixAddress | TcpAddress] = {
        "unix": UnixAddress(f"{folder}/s"),
        "stale": UnixAddress(f"{folder}/old"),
        "abstract": UnixAddress(f"{folder}/a", abstract=True),
        "tcp": TcpAddress("127.0.0.1", free_port()),
    }
    address = addresses[kind]
    if kind == "stale":
        listen_at(address).close()
    monkeypatch.setattr(arrival, "RETRY_SECONDS", 0.001)
    notices: list[str] = []
    come: list[socket.socket] = []

    def notice(text: str) -> None:
        notices.append(text)
        if kind == "stale":
            (folder / "old").unlink()
        come.append(listen_at(address))

    connect_awaited(address, 30, notice, 0.0, lambda left: open_stream(address, left)).close()
    come[0].close()
    assert len(notices) == 1
    assert notices[0].endswith("; waiting up to 30 s")


@pytest.mark.parametrize(
    "path, error, said",
    [
        ("gone/s", CannotConnect, "no such folder"),
        ("file", NotQmp, "is a regular file"),
        ("", NotQmp, "is a directory"),
    ],
)
def test_what_waiting_does_not_mend_ends_it_at_once(
    path: str, error: type[CannotConnect], said: str, folder: Path
) -> None:
    (folder / "file").touch()
    with pytest.raises(error, match=said):
        open_stream(UnixAddress(f"{folder}/{path}"), 600, awaited=True)


def test_no_permission_ends_it_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(connection: socket.socket, address: UnixAddress) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(connect, "_connect_to", forbidden)
    with pytest.raises(CannotConnect, match=r"^no permission to connect to "):
        open_stream(UnixAddress(f"{folder}/s"), 600, awaited=True)


def test_the_end_of_the_wait_says_what_is_missing(folder: Path) -> None:
    with pytest.raises(ConnectTimeout) as caught:
        open_stream(UnixAddress(f"{folder}/s"), 0.06, awaited=True)
    assert str(caught.value).startswith(f"waited 0.06 s: no such socket: {folder}/s; start QEMU")


def test_a_vm_that_is_started_meanwhile(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    folder = new_folder()
    done = []
    words = ("--connect-timeout", "60", f"{folder}/s", "query-status")
    thread = threading.Thread(target=lambda: done.append(run_qmpsh(*words)))
    thread.start()
    start_vm(folder=folder)
    thread.join()
    assert done[0].returncode == 0
    assert '"running"' in done[0].stdout


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["--connect-timeout", "60ms", "./s", "stop"], 3, "qmpsh: waited 0.06 s: no such socket: "),
        (["./s", "stop"], 3, "; --connect-timeout 30 waits for it\n"),
        (["127.0.0.1:1", "stop"], 3, "; --connect-timeout 30 waits for it\n"),
        (["./gone/s", "stop"], 3, "qmpsh ls lists the monitors of this machine\n"),
        (["tls:127.0.0.1:1", "stop"], 3, "chardev=qmp,mode=control?\n"),
        (["--connect-timeout", "600", "tls:127.0.0.1:1", "stop"], 3, "chardev=qmp,mode=control?\n"),
        (["--connect-timeout", "600", "exec:exit 3", "stop"], 3, "to see what it prints\n"),
        (["vm.sock", "stop"], 2, "as ./vm.sock, "),
        (["query-status"], 2, "needs an address"),
        (["foo:bar", "stop"], 2, "foo: is not an address scheme"),
        (["localhost:999999", "stop"], 2, "port 999999"),
        (["-t", "0", "./s", "stop"], 2, "expected more time than 0"),
        (["fd:77", "stop"], 3, "qmpsh: descriptor 77 is not open; start qmpsh with the connected"),
    ],
)  # fmt: skip
def test_what_the_command_line_is_told(
    words: list[str],
    code: int,
    said: str,
    run_qmpsh: RunQmpsh,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_qmpsh(*words)
    assert (done.stdout, done.returncode) == ("", code)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_configured_time_does_not_wait(tmp_path: Path) -> None:
    """Only who asks for it on the command line waits for a VM that may never come."""
    config = tmp_path / "config.toml"
    config.write_text('[options]\nconnect-timeout = "600"\n')
    given, asked = (
        parse_options(["--config", str(config)]),
        parse_options(["--connect-timeout", "5"]),
    )
    assert given is not None
    assert asked is not None
    options, _ = configured(given)
    assert (options.connect_timeout, options.awaited) == (600.0, False)
    assert asked.awaited
