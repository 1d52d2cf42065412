"""Where a share is found, and who may come in."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qmpsh.address import TcpAddress, UnixAddress
from qmpsh.client.shares import connect_share, open_folder, share_folders, share_name
from qmpsh.errors import UsageError
from qmpsh.share.door import Door, listen_door, own_door
from tests.qemu import ROOT, is_listening, new_folder
from tests.waiting import wait_until

NOBODY = 65534


@pytest.fixture
def monitor() -> UnixAddress:
    path = f"{new_folder()}/m"
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path)
    return UnixAddress(path)


def opened(monitor: UnixAddress) -> Door:
    door = own_door(monitor, read_only=False)
    assert door is not None
    return door


def found(monitor: UnixAddress) -> bool:
    share = connect_share(monitor)
    if share is not None:
        share.socket.close()
    return share is not None


def test_names() -> None:
    assert share_name(UnixAddress("/no/such")) == ""
    assert share_name(TcpAddress("127.0.0.1", 4444)) != share_name(TcpAddress("127.0.0.1", 4445))
    assert share_name(UnixAddress("a", abstract=True)).startswith("k-")


def test_every_spelling_of_a_path_finds_it(monitor: UnixAddress, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(monitor.path)
    os.link(monitor.path, tmp_path / "hard")
    door = opened(monitor)
    for path in (
        monitor.path,
        f"{os.path.dirname(monitor.path)}/./m",
        tmp_path / "link",
        tmp_path / "hard",
    ):
        assert found(UnixAddress(str(path)))
    door.close()
    assert not found(monitor)


def test_modes(monitor: UnixAddress) -> None:
    door = opened(monitor)
    assert stat.S_IMODE(os.stat(door.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(door.path)).st_mode) == 0o700
    assert [door.admits(uid) for uid in (os.geteuid(), 0, NOBODY, None)] == [
        True,
        True,
        False,
        False,
    ]
    door.close()
    assert not os.path.exists(door.path)


def test_one_share_of_a_monitor(monitor: UnixAddress) -> None:
    door = opened(monitor)
    assert own_door(monitor, read_only=False) is None
    door.close()
    again = opened(monitor)
    again.close()


def test_what_one_that_died_has_left_is_replaced(monitor: UnixAddress) -> None:
    door = opened(monitor)
    door.socket.close()
    assert os.path.exists(door.path)
    assert not found(monitor)
    again = opened(monitor)
    door.close()  # its file is another one's by now
    assert found(monitor)
    again.close()


def test_it_listens_once_it_can_be_found(
    monitor: UnixAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And before, what one that died has left is still there."""
    left = opened(monitor)
    left.socket.close()
    before = os.stat(left.path)
    seen = []

    def listen(self: socket.socket, backlog: int) -> None:
        seen.append(os.path.samestat(before, os.stat(left.path)))
        super(socket.socket, self).listen(backlog)

    monkeypatch.setattr(socket.socket, "listen", listen)
    door = opened(monitor)
    assert seen == [True]
    assert not os.path.samestat(before, os.stat(door.path))
    assert "new" not in os.listdir(os.path.dirname(door.path))
    door.close()


def test_a_folder_of_its_name_prevents_it(monitor: UnixAddress) -> None:
    door = opened(monitor)
    door.close()
    os.mkdir(door.path)
    try:
        assert own_door(monitor, read_only=False) is None
    finally:
        os.rmdir(door.path)
    opened(monitor).close()


def shares_folder() -> Path:
    path = Path(next(share_folders(os.geteuid())))
    path.parent.mkdir(exist_ok=True)
    return path


def writable(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def linked(folder: Path) -> None:
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(folder.parent / "elsewhere")


def foreign(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, NOBODY, NOBODY)


def plain_file(folder: Path) -> None:
    folder.touch()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("trap", [writable, linked, foreign, plain_file])
def test_a_folder_that_is_not_private_is_not_used(
    trap: Callable[[Path], None], monitor: UnixAddress
) -> None:
    folder = shares_folder()
    trap(folder)
    with pytest.raises((PermissionError, NotADirectoryError)):
        open_folder(str(folder), os.geteuid())
    door = own_door(monitor, read_only=False)
    assert door is None or not door.path.startswith(f"{folder}/")
    if door is not None:
        door.close()
    if folder.is_dir():
        with socket.socket(socket.AF_UNIX) as trapped:
            trapped.bind(f"{folder}/{share_name(monitor)}")
            trapped.listen()
            assert not found(monitor)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("owner, mode", [(NOBODY, 0o700), (0, 0o777)])
def test_a_base_folder_of_others_is_not_used(
    owner: int, mode: int, monitor: UnixAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path / "run"
    base.mkdir()
    os.chown(base, owner, owner)
    base.chmod(mode)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base))
    door = own_door(monitor, read_only=False)
    assert os.listdir(base) == []
    if door is not None:
        door.close()


def test_of_many_that_start_at_once_one_shares(monitor: UnixAddress) -> None:
    ready, go = os.pipe()
    children = []
    for _ in range(6):
        pid = os.fork()
        if pid == 0:
            os.close(go)
            os.read(ready, 1)  # until it is closed
            os._exit(own_door(monitor, read_only=False) is not None)
        children.append(pid)
    os.close(ready)
    os.close(go)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
    # The socket of one that has ended already is replaced.
    assert sum(codes) >= 1
    opened(monitor).close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a network of its own")
def test_a_port_is_that_of_its_network() -> None:
    ask = (
        "from qmpsh.address import TcpAddress; from qmpsh.client.shares import share_name;"
        " print(share_name(TcpAddress('127.0.0.1', 4444)))"
    )
    here, there = (
        subprocess.run(
            [*prefix, sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True
        ).stdout
        for prefix in ([], ["unshare", "--net"])
    )
    assert here.startswith("k-")
    if there:  # else a container forbids it
        assert there != here


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_the_server_of_another_user_in_the_own_folder_is_not_trusted(monitor: UnixAddress) -> None:
    folder = shares_folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    path = f"{folder}/{share_name(monitor)}"
    pid = os.fork()
    if pid == 0:
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(path)
        os.setuid(NOBODY)
        bound.listen()
        bound.settimeout(30)
        try:
            bound.accept()
        finally:
            os._exit(0)
    try:
        wait_until(lambda: is_listening(path))
        assert not found(monitor)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_listening_where_the_user_says(tmp_path: Path) -> None:
    folder = new_folder()
    door = listen_door(f"{folder}/s", read_only=False, mode=0o660, group=os.getegid())
    assert stat.S_IMODE(os.stat(door.path).st_mode) == 0o660
    assert door.admits(NOBODY)
    with pytest.raises(UsageError, match="another program listens there"):
        listen_door(f"{folder}/s", read_only=True, mode=0o600)
    door.socket.close()
    listen_door(f"{folder}/s", read_only=True, mode=0o666).close()
    with pytest.raises(UsageError, match="every user of this machine"):
        listen_door(f"{folder}/s", read_only=False, mode=0o666)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="not a socket"):
        listen_door(str(tmp_path / "file"), read_only=False, mode=0o600)


def inherited(mode: int) -> socket.socket:
    """A listening socket as another program passes it."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{new_folder()}/s")
    os.chmod(listening.getsockname(), mode)
    listening.listen()
    return listening


def test_a_socket_that_another_program_has_bound() -> None:
    with inherited(0o660) as listening:
        path = listening.getsockname()
        for _ in range(2):  # again after the VM has come back
            door = listen_door(f"fd:{listening.fileno()}", read_only=False, mode=0o600)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                door.socket.accept()[0].close()
            door.close()
        assert os.path.exists(path)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660


def test_by_the_name_that_systemd_gave_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with inherited(0o600) as listening:
        monkeypatch.setattr("qmpsh.share.door._FIRST_FD", listening.fileno() - 1)
        monkeypatch.setenv("LISTEN_FDNAMES", "full:look")
        with pytest.raises(UsageError, match="nor of that name in LISTEN_FDNAMES"):
            listen_door("fd:look", read_only=True, mode=0o600)
        monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
        listen_door("fd:look", read_only=True, mode=0o600).close()
        with pytest.raises(UsageError, match="no listening unix socket"):
            listen_door("fd:nope", read_only=True, mode=0o600)


@pytest.mark.parametrize("text", ["fd:", "fd:999999", "fd:0", "fd:-1", "fd:x"])
def test_what_is_no_listening_socket(text: str) -> None:
    with pytest.raises(UsageError, match="no listening unix socket"):
        listen_door(text, read_only=False, mode=0o600)


def test_an_inherited_one_that_every_user_may_write_to() -> None:
    with inherited(0o666) as listening:
        text = f"fd:{listening.fileno()}"
        with pytest.raises(UsageError, match="has mode 0666"):
            listen_door(text, read_only=False, mode=0o600)
        listen_door(text, read_only=True, mode=0o600).close()
