"""README.md and docs/scripting.md: what they show can be pasted, and prints what is shown."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.programs import need
from tests.qemu import ROOT, Vm, is_listening, new_folder
from tests.waiting import PATIENCE, wait_until

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"(?:^    .*\n)+", README, re.MULTILINE)
STARTS = [block for block in BLOCKS if block.startswith("    qemu-system")]
RUNS = [block for block in BLOCKS if block.startswith("    qmpsh run")]


def commands_of(page: str) -> list[tuple[str, str]]:
    """The command lines of a page, each with what the page says that it prints."""
    found = re.findall(r"^    \$ (.*)\n((?:    (?!\$).*\n)*)", page, re.MULTILINE)
    return [(line, re.sub("^    ", "", shown, flags=re.MULTILINE)) for line, shown in found]


@pytest.fixture
def here(emulator: str, with_qmpsh: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """A reader's folder; `here / "bin"` is in its PATH and has the emulator of the test."""
    folder = Path(new_folder())
    (tmp_path / "bin" / "qemu-system-x86_64").symlink_to(emulator)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def typed(line: str, here: Path, environ: Mapping[str, str], stdin: str = "") -> str:
    """What a line of the page prints, both streams."""
    done = subprocess.run(
        [need("bash"), "-c", line],
        cwd=here,
        env=environ,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout


@contextlib.contextmanager
def started(block: str, here: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """The VM of the page runs, listening where it says."""
    with subprocess.Popen(
        [need("bash"), "-c", f"{block.rstrip().removesuffix('&')}"],
        cwd=here, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            wait_until(lambda: (here / "monitor.sock").exists() and is_listening("./monitor.sock"))
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)


@pytest.mark.qemu
def test_the_lines_print_what_is_shown(here: Path, with_qmpsh: dict[str, str]) -> None:
    (block,) = STARTS
    lines = commands_of(README)
    assert len(lines) > 5
    with started(block, here, with_qmpsh):
        for line, shown in lines:
            assert typed(line, here, with_qmpsh) == shown


@pytest.mark.qemu
def test_the_shell_starts_the_vm_of_the_page(here: Path, with_qmpsh: dict[str, str]) -> None:
    (line,) = RUNS
    printed = typed(line, here, with_qmpsh, stdin="query-status\n")
    assert '"status": ' in printed


@pytest.mark.qemu
def test_the_lines_of_scripting_print_what_is_shown(
    fresh_q35: Vm, here: Path, with_qmpsh: dict[str, str]
) -> None:
    (here / "monitor.sock").symlink_to(fresh_q35.path)
    lines = commands_of((ROOT / "docs" / "scripting.md").read_text())
    assert len(lines) == 15
    for line, shown in lines:
        assert typed(line, here, with_qmpsh) == shown


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_nothing_is_left_to_fill_in() -> None:
    assert [
        block for block in BLOCKS if re.search(r"<[^>]*>|\.\.\.|example\.(com|org)", block)
    ] == []
    assert re.findall(r"(?:https?|git)://\S+|git@\S+", README) == []
