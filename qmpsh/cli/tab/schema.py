"""What may follow `qmpsh schema`: the words that are typed, and the programs there are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence

from qmpsh.address import looks_like_address
from qmpsh.light_typing import NamedTuple
from qmpsh.shell.schemas.tools import TOOLS

_PROGRAMS = ("qemu-system-", "qemu-storage-daemon", "qemu-kvm")
"""beginnings of the names of programs that describe themselves"""


class SchemaWords(NamedTuple):
    """The words after a tool, as far as they are typed before the cursor.

    address: of the last source, "" for none; files: the last source, if it is one
    line:    what `.schema` would have at a prompt that is connected to it
    """

    address: str
    files: tuple[str, ...]
    line: list[str]


def tool_words(before: Sequence[str]) -> SchemaWords | None:
    """Return what is typed, None where a source is still to come. before: a tool, and more"""
    name, *rest = before
    words = [word for word in rest if not word.startswith("-")]
    tool = TOOLS[name]
    if len(words) < tool.sources:
        return None
    source = words[tool.sources - 1]
    line = [".schema", name, *words[tool.sources - 1 if name == "diff" else tool.sources :]]
    if _is_file(source):
        return SchemaWords("", (source,), line)
    return SchemaWords(source if _leads_to_server(source) else "", (), line)


def _is_file(source: str) -> bool:
    try:
        mode = os.stat(os.path.expanduser(source)).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(mode) and not mode & 0o111


def _leads_to_server(source: str) -> bool:
    """Whether it may be asked at once: no program is started for a Tab."""
    return looks_like_address(source) and not os.path.isfile(os.path.expanduser(source))


def programs(word: str) -> Iterator[str]:
    """Yield the QEMUs on PATH whose names begin so."""
    if not any(name.startswith(word) or word.startswith(name) for name in _PROGRAMS):
        return
    found: set[str] = set()
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        found.update(name for name in names if name.startswith(_PROGRAMS))
    yield from sorted(name for name in found if name.startswith(word))
