"""The history file, with the lines typed in all sessions.

The file is append-only, locked and private. Its format is prompt_toolkit's own: `# time`, then each
physical line of an entry after a `+`.
"""

from __future__ import annotations

import fcntl
import os
import time

from qmpsh.regular import MAX_HISTORY_BYTES, open_regular

_MODE = 0o600


class HistoryFile:
    """The file of the lines that were typed. path: made with mode 0600 when the first is stored.

    A file that cannot be read or written is a history that is empty and forgets: no reason to
    disturb the user's work.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def load(self) -> list[str]:
        """Return the entries, oldest first; an entry may contain newlines."""
        try:
            with open(open_regular(self._path, os.O_RDONLY), "rb") as file:
                file.seek(-min(MAX_HISTORY_BYTES, os.fstat(file.fileno()).st_size), os.SEEK_END)
                # As bytes: a carriage return inside a quote ends no line.
                lines = file.read(MAX_HISTORY_BYTES).decode(errors="replace").split("\n")
        except OSError:
            return []
        entries: list[list[str]] = []
        inside = False
        for line in lines:
            if line.startswith("+"):
                if not inside:
                    entries.append([])
                entries[-1].append(line[1:])
            inside = line.startswith("+")
        return ["\n".join(entry) for entry in entries]

    def append(self, text: str) -> None:
        """Add an entry, in one write under a lock, so that parallel shells never mix theirs."""
        lines = "".join(f"+{line}\n" for line in text.split("\n"))
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
