"""The list of another host's sockets, read by real shells."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import CannotConnect
from qmpsh.many.listing import paths_of, quoted_glob, script
from tests.programs import need
from tests.qemu import new_folder

EVIL = (
    *("a.sock", "b c.sock", 'it\'s "q".sock', "$(touch x).sock", "`x`;&|.sock", "-n.sock"),
    *(
        "new\nline.sock",
        "\x1b[31m\x07.sock",
        "back\\slash:${HOME}%h.sock",
        "*.sock",
        "é\udcff.sock",
    ),
)


@pytest.fixture(scope="module")
def folder() -> Iterator[str]:
    """A folder with sockets of unusual names, and a file."""
    path = new_folder()
    os.mkdir(f"{path}/a 'b")
    for name in EVIL:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(os.fsencode(f"{path}/a 'b/{name}"))
    with open(f"{path}/a 'b/file.sock", "w"):
        pass
    yield path
    shutil.rmtree(path)


def listed(*globs: str, shell: str = "sh") -> list[str]:
    done = subprocess.run([shell], input=script(globs), capture_output=True, check=True, cwd="/")
    assert done.stderr == b""
    groups = paths_of(b"Welcome!\n" + done.stdout, len(globs))
    return [path for group in groups for path in group]


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_names_that_hold_anything(folder: str, shell: str) -> None:
    found = listed(f"{folder}/a 'b/*.sock*", shell=need(shell))
    assert {os.path.basename(path) for path in found} == {*EVIL}
    assert not os.path.exists("/x")


@pytest.mark.parametrize(
    "pattern,names",
    [
        ("[a-b]*.sock", {"a.sock", "b c.sock", "back\\slash:${HOME}%h.sock"}),
        ("?.sock", {"a.sock", "*.sock"}),
        ("[!a]?c.sock", {"b c.sock"}),
        ("b c.sock", {"b c.sock"}),
        ("$(touch x).s*", {"$(touch x).sock"}),
        ("`x`;&|.sock*", {"`x`;&|.sock"}),
        ("none*", set()),
    ],
)
def test_patterns(folder: str, pattern: str, names: set[str]) -> None:
    found = listed(f"{folder}/a 'b/{pattern}", f"{folder}/none/*")
    assert {os.path.basename(path) for path in found} == names


@given(st.text(st.characters(exclude_characters="\0*?[]", codec="utf-8"), max_size=8))
def test_what_is_no_glob_is_quoted(text: str) -> None:
    done = subprocess.run(
        ["sh"], input=f"printf %s {quoted_glob('/' + text)}".encode(), capture_output=True
    )
    assert done.stdout.decode() == f"/{text}"


@pytest.mark.parametrize("printed", [b"", b"Permission denied", b"\0qmpsh\0", b"\0qmpsh\0/a\0"])
def test_a_list_that_is_cut_off(printed: bytes) -> None:
    with pytest.raises(CannotConnect, match="is cut off"):
        paths_of(printed, 1)


def test_a_host_that_prints_too_many() -> None:
    with pytest.raises(CannotConnect, match="more than 10000 sockets"):
        paths_of(b"\0qmpsh\0" + b"/a\0" * 10_001 + b"\0", 1)
    assert paths_of(b"\0qmpsh\0relative\0/a\0\0\0", 2) == [["/a"], []]


@given(st.binary(max_size=40))
def test_whatever_a_host_prints(printed: bytes) -> None:
    try:
        (paths,) = paths_of(b"\0qmpsh\0" + printed, 1)
        assert all(path.startswith("/") for path in paths)
    except CannotConnect:
        pass
