"""The prompt's history, kept in files: one for QMP lines, one for the human monitor's."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prompt_toolkit.history import History

from qmpsh.paths import state_file
from qmpsh.shell.history import HistoryFile, is_kept
from qmpsh.shell.secrets import mask_line


class LineHistory(History):
    """is_hmp: whether the line that is stored now is one of the human monitor's."""

    def __init__(self, is_hmp: Callable[[], bool]) -> None:
        super().__init__()
        self._is_hmp = is_hmp
        self._qmp = HistoryFile(state_file("history"))
        self._hmp = HistoryFile(state_file("history-hmp"))

    def load_history_strings(self) -> Iterable[str]:
        """Entries, newest first."""
        return reversed(self._file().load())

    def append_string(self, string: str) -> None:
        """Remember a line, its secrets masked; one that begins with a blank is not remembered."""
        if is_kept(string):
            super().append_string(mask_line(string, hmp=self._is_hmp()))

    def store_string(self, string: str) -> None:
        """Write a line to its file."""
        self._file().append(string)

    def _file(self) -> HistoryFile:
        return self._hmp if self._is_hmp() else self._qmp
