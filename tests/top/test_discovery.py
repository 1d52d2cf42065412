"""Which VMs the table has, while they come and go."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from qmpsh.address import UnixAddress, parse_address
from qmpsh.errors import UsageError
from qmpsh.many.targets import Target, TargetReader
from qmpsh.top.discovery import Discovery
from tests.qemu import new_folder


@pytest.fixture
def folder() -> Iterator[str]:
    found = new_folder()
    yield found
    shutil.rmtree(found)


def listen(stack: ExitStack, path: str) -> None:
    listener = stack.enter_context(socket.socket(socket.AF_UNIX))
    listener.bind(path)
    listener.listen()


def names(discovery: Discovery) -> list[str]:
    return [target.stem for target in discovery.targets]


def test_sockets_that_come_are_found_and_single_ones_stay(folder: str) -> None:
    with ExitStack() as stack:
        listen(stack, f"{folder}/a.sock")
        discovery = Discovery([f"{folder}/*.sock", f"{folder}/single.qmp"], print)
        discovery.find()
        assert names(discovery) == ["single", "a"]
        assert discovery.literal == {f"{folder}/single.qmp"}
        listen(stack, f"{folder}/b.sock")
        discovery.find_again()
        assert names(discovery) == ["single", "a", "b"]


def test_a_folder_that_is_empty_for_a_while(folder: str) -> None:
    with ExitStack() as stack:
        listen(stack, f"{folder}/a.sock")
        discovery = Discovery([f"{folder}/[a].sock"], print)
        discovery.find()

    os.unlink(f"{folder}/a.sock")
    discovery.find_again()
    assert names(discovery) == []
    with ExitStack() as stack:
        listen(stack, f"{folder}/a.sock")
        discovery.find_again()
        assert names(discovery) == ["a"]


def test_nothing_to_begin_with_is_an_error(folder: str) -> None:
    with pytest.raises(UsageError, match=r"^/.*: no socket matches$"):
        Discovery([f"{folder}/*.sock"], print).find()


def test_domains_of_libvirt_are_not_touched_unless_they_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [
        Target(UnixAddress("/run/a.sock"), "/run/a.sock"),
        Target(parse_address("libvirt:web"), "libvirt:web"),
    ]
    monkeypatch.setattr(TargetReader, "read_all", lambda self, texts: found if texts else [])
    said: list[str] = []
    discovery = Discovery(["all"], said.append)
    discovery.find()
    assert names(discovery) == ["a"]
    assert said == [
        "left out 1 of libvirt, which marks a domain as tainted when its monitor is used; name them"
        " to see them: qmpsh top libvirt:"
    ]
    discovery = Discovery(["libvirt:"], said.append)
    discovery.find()
    assert len(discovery.targets) == 2


def test_a_remark_is_made_once(folder: str) -> None:
    """And not in the middle of the table, which is on the screen by then."""
    first: list[str] = []
    later: list[str] = []
    with ExitStack() as stack:
        listen(stack, f"{folder}/a.sock")
        listen(stack, f"{folder}/*.sock")
        discovery = Discovery([f"{folder}/*.sock"], first.append)
        discovery.find()
        discovery.note = later.append
        discovery.find_again()
        assert names(discovery) == ["a"]
        assert first == ["left out 1 with * or ? in the name of the socket, which means others too"]
        assert not later
        listen(stack, f"{folder}/b?.sock")
        discovery.find_again()
        assert len(later) == 1
