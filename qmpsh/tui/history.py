"""The prompt's history, kept in files: one for QMP lines, one for the human monitor's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prompt_toolkit.history import History

from qmpsh.paths import state_file
from qmpsh.shell.aliases import expand
from qmpsh.shell.history import HistoryFile, is_kept
from qmpsh.shell.secrets import mask_line

_NONE: Mapping[str, str] = {}


class LineHistory(History):
    """is_hmp: whether the line that is stored now is one of the human monitor's; aliases: words
    that stand for the beginning of a line, which may be one that takes a secret.
    """

    def __init__(self, is_hmp: Callable[[], bool], aliases: Mapping[str, str] = _NONE) -> None:
        super().__init__()
        self._is_hmp = is_hmp
        self._aliases = aliases
        self._qmp = HistoryFile(state_file("history"))
        self._hmp = HistoryFile(state_file("history-hmp"))

    def load_history_strings(self) -> Iterable[str]:
        """Entries, newest first."""
        return reversed(self._file().load())

    def append_string(self, string: str) -> None:
        """Remember a line, its secrets masked; one that begins with a blank is not remembered."""
        if is_kept(string):
            super().append_string(self._masked(string))

    def store_string(self, string: str) -> None:
        """Write a line to its file."""
        self._file().append(string)

    def _masked(self, line: str) -> str:
        """The line as it was typed; what an alias stands for instead where that hides a secret."""
        if self._is_hmp():
            return mask_line(line, hmp=True)
        full = expand(line, self._aliases)
        masked = mask_line(full)
        return line if masked == full else masked

    def _file(self) -> HistoryFile:
        return self._hmp if self._is_hmp() else self._qmp
