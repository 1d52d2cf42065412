"""What stands in the place of a file of ours: a FIFO, a device, something without end."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from qmpsh.address import parse_address
from qmpsh.cli.config import read_config
from qmpsh.errors import CannotConnect, UsageError
from qmpsh.regular import MAX_CONFIG_BYTES, expanded, read_regular, replace_file, replace_named_file
from qmpsh.schema.cache import cache_path, load_schema, read_schema_files, store_schema
from qmpsh.shell.history import HistoryFile
from tests.samples import entities
from tests.shell.scripted import ScriptedShell

ENDLESS = 1 << 40  # bytes, none of which is on the disk


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def endless(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(ENDLESS)


STRANGE = pytest.mark.parametrize("make", [fifo, device, endless, Path.mkdir])
SAID = {fifo: "it is a FIFO, not a file", device: "it is a device, not a file",
        Path.mkdir: "it is a directory, not a file"}  # fmt: skip


@STRANGE
def test_it_is_refused_at_once(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "x"
    make(path)
    with pytest.raises(OSError, match=r"not a file|more than 1 MiB") as caught:
        read_regular(str(path), MAX_CONFIG_BYTES)
    assert caught.value.strerror == SAID.get(make, "it has more than 1 MiB")


@STRANGE
def test_a_configuration(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    make(path)
    with pytest.raises(UsageError, match=r"^cannot read .*config.toml: it "):
        read_config(str(path))


@STRANGE
def test_a_schema(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    make(path)
    with pytest.raises(UsageError, match=r"^cannot read .*schema.json: it "):
        read_schema_files([str(path)])


@STRANGE
def test_an_authority(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    make(path)
    with pytest.raises(CannotConnect, match=r"^cannot read ca=.*ca.pem: it "):
        parse_address(f"tls:127.0.0.1:1?ca={path}").begin()  # type: ignore[union-attr]  # a transport


@STRANGE
def test_a_cached_schema(make: Callable[[Path], None]) -> None:
    path = cache_path(["strange"])
    make(Path(path))
    assert load_schema(path) is None
    partial = Path(f"{path}.{os.getpid()}.part")
    make(partial)
    store_schema(path, entities("7.2"), ["stop"])
    assert not Path(path).is_fifo() or load_schema(path) is None


@STRANGE
def test_a_history(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "history"
    make(path)
    history = HistoryFile(str(path))
    assert [entry for entry in history.load() if entry.strip("\0")] == []
    if make is not endless:
        history.append("stop")


def test_of_a_long_history_the_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text("\n# then\n+old\n" * 500_000 + "\n# now\n+stop\n")
    assert HistoryFile(str(path)).load()[-1] == "stop"


def test_an_older_history_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text("\n# then\n+stop\n")
    path.chmod(0o644)
    history = HistoryFile(str(path))
    history.append("cont")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert history.load() == ["stop", "cont"]


def test_parts_of_a_writer_that_was_killed_are_removed() -> None:
    path = cache_path(["whole"])
    old, fresh = Path(f"{path}.1.part"), Path(f"{path}.2.part")
    old.touch()
    os.utime(old, (1, 1))
    fresh.touch()
    store_schema(path, entities("7.2"), ["stop"])
    assert load_schema(path) is not None
    assert (old.exists(), fresh.exists()) == (False, True)
    assert not list(Path(path).parent.glob(f"*.{os.getpid()}.part"))


@pytest.mark.parametrize("is_there", [False, True])
def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path, is_there: bool) -> None:
    path = tmp_path / "file"
    if is_there:
        path.write_bytes(b"old")
    replace_file(str(path), b"new", 0o666)
    mask = os.umask(0)
    os.umask(mask)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o666 & ~mask)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(str(folder), b"new")
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("make", SAID)
def test_what_is_no_file_is_not_replaced(make: Callable[[Path], None], tmp_path: Path) -> None:
    """Root could put a file in the place of /dev/null."""
    path = tmp_path / "x"
    make(path)
    before = path.stat().st_mode
    with pytest.raises(OSError, match="not a file") as caught:
        replace_named_file(str(path), b"new", 0o600)
    assert caught.value.strerror == SAID[make]
    assert path.stat().st_mode == before
    assert not list(tmp_path.glob("*.part"))


def test_a_named_file_keeps_its_mode_and_its_links(tmp_path: Path) -> None:
    file, link, dangling = tmp_path / "file", tmp_path / "link", tmp_path / "dangling"
    file.touch(0o600)
    link.symlink_to("file")
    dangling.symlink_to("new")
    for path in (link, dangling):
        replace_named_file(str(path), b"new", 0o644)
        assert path.is_symlink()
        assert path.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "line",
    [
        'query-status > "a{}"',
        'query-status >> "a{}"',
        '.source "a{}"',
        '.source "~{}/a"',
        '.record "a{}"',
        '.screen --font "a{}"',
        '.schema diff "a{}"',
        '.schema diff "./a{}"',
    ],
)
@pytest.mark.parametrize("written", [r"\u0000", "\0"])
def test_a_name_that_no_file_can_have(line: str, written: str) -> None:
    shell = ScriptedShell()
    assert shell.run(line.format(written)).exit_code == 2
    assert not shell.names


def test_a_pipe_that_no_program_can_have() -> None:
    shell = ScriptedShell()
    assert shell.run("query-status | cat\0 x").exit_code == 2
    assert not shell.names


def test_a_name_that_the_locale_cannot_write() -> None:
    with pytest.raises(OSError, match="this locale cannot write"):
        expanded("\ud800")
