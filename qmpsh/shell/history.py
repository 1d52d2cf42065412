"""The history file, with the lines typed in all sessions.

The file is append-only, locked and private. Its format is prompt_toolkit's own: `# time`, then each
physical line of an entry after a `+`. To that we add `-` and a line that failed, `=` and one that
did so before and is well now, which other readers pass over.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import NamedTuple

from qmpsh.regular import MAX_HISTORY_BYTES, open_regular

_MODE = 0o600

FAILED, WELL = "-", "="
"""What is written before a line to say how it ended."""


class Records(NamedTuple):
    """What the file holds. entries: oldest first, one may contain newlines; failed: of them"""

    entries: list[str]
    failed: frozenset[str]


class HistoryFile:
    """The file of the lines that were typed. path: made with mode 0600 when the first is stored.

    A file that cannot be read or written is a history that is empty and forgets: no reason to
    disturb the user's work.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def load(self) -> list[str]:
        """Return the entries, oldest first; an entry may contain newlines."""
        return self.read().entries

    def read(self) -> Records:
        """Return the entries, and those of them that failed when they last ran."""
        try:
            with open(open_regular(self._path, os.O_RDONLY), "rb") as file:
                file.seek(-min(MAX_HISTORY_BYTES, os.fstat(file.fileno()).st_size), os.SEEK_END)
                # As bytes: a carriage return inside a quote ends no line.
                lines = file.read(MAX_HISTORY_BYTES).decode(errors="replace").split("\n")
        except OSError:
            return Records([], frozenset())
        entries: list[list[str]] = []
        failed: dict[str, bool] = {}
        inside = False
        for line in lines:
            if line[:1] in (FAILED, WELL):
                failed[line[1:]] = line[0] == FAILED
            if line.startswith("+"):
                if not inside:
                    entries.append([])
                entries[-1].append(line[1:])
            inside = line.startswith("+")
        texts = ["\n".join(entry) for entry in entries]
        return Records(texts, frozenset(text for text in texts if failed.get(text)))

    def append(self, text: str, mark: str = "+") -> None:
        """Add an entry, or with another mark say how one ended; in one write under a lock, so that
        parallel shells never mix theirs.
        """
        lines = "".join(f"{mark}{line}\n" for line in text.split("\n"))
        entry = f"\n# {time.strftime('%Y-%m-%d %H:%M:%S')}\n{lines}".encode(errors="replace")
        try:
            fd = open_regular(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _MODE)
        except OSError:
            return
        try:
            # One that an older program made, or that was copied, may be open to others.
            os.fchmod(fd, _MODE)
            fcntl.flock(fd, fcntl.LOCK_EX)
            os.write(fd, entry)
        except OSError:
            return
        finally:
            os.close(fd)


def is_kept(line: str) -> bool:
    """Whether a line is kept: not if it is empty or begins with a blank."""
    return bool(line.strip()) and not line[0].isspace()
