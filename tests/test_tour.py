"""The lines for the prompt of three pages of docs/, typed on the VM of `qmpsh run`."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.qemu import ROOT, new_folder

PROMPT = r"\(QEMU(?: \S+)?\)"
WARNING = "warning: The target block device doesn't provide information about the block size"


class Typed(NamedTuple):
    """A line for the prompt, and what the page shows below it."""

    line: str
    shown: str

    @property
    def fails(self) -> bool:
        """Whether the page shows an error."""
        return "^^^" in self.shown or self.shown.startswith("GenericError: ")


def typed_lines(page: str, section: str = "") -> list[Typed]:
    """The lines of a page of docs/, or of a section of it, that begin with the prompt."""
    text = (ROOT / "docs" / page).read_text()
    text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0] if section else text
    found = re.findall(rf"^    {PROMPT} (.*)\n((?:    (?!{PROMPT}).*\n)*)", text, re.MULTILINE)
    return [Typed(line, re.sub("^    ", "", shown, flags=re.MULTILINE)) for line, shown in found]


@pytest.fixture
def place(
    emulator: str, with_qmpsh: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """The reader's environment, with the emulator of the test for the one that is found."""
    runtime = new_folder()
    (tmp_path / "bin" / "qemu-system-x86_64").symlink_to(emulator)
    yield {**with_qmpsh, "XDG_RUNTIME_DIR": runtime}
    shutil.rmtree(runtime, ignore_errors=True)


@pytest.mark.parametrize(
    "page, section, count, also",
    [
        ("start.md", "", 5, ()),
        ("machine.md", "Objects as files", 6, ("virtio-net-device  52:54:00:12:34:56",)),
        # A backup that was whole, and slow enough that its bar is seen.
        ("tour.md", "", 27, ('"offset": 1073741824, "speed": 268435456,', "UNIX-CONNECT:")),
    ],
)
def test_the_lines_for_the_prompt(
    place: dict[str, str], page: str, section: str, count: int, also: tuple[str, ...]
) -> None:
    """In a script `{}` prints nothing, and an error begins with its place."""
    lines = typed_lines(page, section)
    assert len(lines) == count
    done = subprocess.run(
        ["sh", "-c", "exec qmpsh run -k"],
        env=place,
        input="\n".join([*(one.line for one in lines), ""]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [line for line in done.stderr.splitlines(keepends=True) if not line.startswith(WARNING)]
    complaints = re.split(r"^stdin:\d+: ", "".join(said), flags=re.MULTILINE)
    assert complaints[0] == ""
    expected = [one.shown for one in lines if one.fails]
    assert len(complaints[1:]) == len(expected)
    for complaint, shown in zip(complaints[1:], expected, strict=True):
        assert complaint.startswith(shown.rstrip("\n"))
    at = 0
    for one in lines:
        if not one.fails and one.shown != "{}\n":
            at = done.stdout.index(one.shown, at)
    assert [text for text in also if text not in done.stdout] == []
