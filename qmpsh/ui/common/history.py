"""The prompt's history, in one file each for QMP, human monitor and guest agent lines.

Each mode sees only its own; after a change of mode, `HistorySwitch` makes the line reload its
history.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping

from prompt_toolkit.auto_suggest import AutoSuggest, Suggestion
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.history import History

from qmpsh.paths import state_file
from qmpsh.secrets.masker import mask_line
from qmpsh.secrets.text import MASK
from qmpsh.shell.history import HistoryFile, is_kept
from qmpsh.shell.session.session import expand

_NONE: Mapping[str, str] = {}


class LineHistory(History):
    """The history of the prompt, with a file for each mode.

    is_hmp:  whether the line being stored is one for the human monitor
    aliases: words that expand to the start of a line, which may be one that takes a secret
    name:    of the file for lines not for the human monitor
    """

    def __init__(
        self,
        is_hmp: Callable[[], bool],
        aliases: Mapping[str, str] = _NONE,
        name: str = "history",
    ) -> None:
        super().__init__()
        self._is_hmp = is_hmp
        self._aliases = aliases
        self._qmp = _ModeHistory(name, lambda line: mask_typed(line, self._aliases))
        self._hmp = _ModeHistory("history-hmp", _mask_hmp)

    async def load(self) -> AsyncGenerator[str, None]:
        """Yield entries of the present mode, newest first."""
        async for entry in self._present.load():
            yield entry

    def get_strings(self) -> list[str]:
        """Return entries of the present mode, oldest first, as far as loaded."""
        return self._present.get_strings()

    def load_history_strings(self) -> Iterable[str]:
        """Return entries of the present mode's file, newest first."""
        return self._present.load_history_strings()

    def stored(self) -> list[str]:
        """Return entries of the present mode's file, oldest first."""
        return list(self._present.load_history_strings())[::-1]

    def append_string(self, string: str) -> None:
        """Remember a line with its secrets masked, unless it begins with a space."""
        self._present.append_string(string)

    def store_string(self, string: str) -> None:
        """Write a line to its file."""
        self._present.store_string(string)

    @property
    def _present(self) -> _ModeHistory:
        return self._hmp if self._is_hmp() else self._qmp


def _mask_hmp(line: str) -> str:
    return mask_line(line, hmp=True)


class _ModeHistory(History):
    """The lines of one mode. name: of the file; mask: removes the secrets from a line."""

    def __init__(self, name: str, mask: Callable[[str], str]) -> None:
        super().__init__()
        self._mask = mask
        self._file = HistoryFile(state_file(name))

    def load_history_strings(self) -> Iterable[str]:
        return reversed(self._file.load())

    def append_string(self, string: str) -> None:
        if is_kept(string):
            super().append_string(self._mask(string))

    def store_string(self, string: str) -> None:
        self._file.append(string)


class SuggestLine(AutoSuggest):
    """Suggests the rest of the latest line that begins as the typed one does.

    prompt_toolkit's own takes an entry apart at whatever Python calls a line end: what stood inside
    a quote would be suggested as a line. Here an entry is suggested whole, if all of it can be seen
    and nothing of it was masked.
    """

    def get_suggestion(self, buffer: Buffer, document: Document) -> Suggestion | None:
        text = document.text
        if not text.strip() or not document.is_cursor_at_the_end:
            return None
        for entry in reversed(buffer.history.get_strings()):
            if entry.startswith(text) and entry.isprintable() and MASK not in entry:
                return Suggestion(entry[len(text) :])
        return None


class HistorySwitch:
    """What loads the history of another mode for a line, keeping what is typed.

    is_hmp: whether the mode is that of the human monitor
    """

    def __init__(self, buffer: Buffer, is_hmp: Callable[[], bool]) -> None:
        self._buffer = buffer
        self._is_hmp = is_hmp
        self._was_hmp = is_hmp()

    def on_turn(self) -> None:
        """Reload if the mode has changed. Call it whenever that may be so."""
        if self._is_hmp() != self._was_hmp:
            self._was_hmp = not self._was_hmp
            self._buffer.reset(self._buffer.document)


def mask_typed(line: str, aliases: Mapping[str, str], *, hmp: bool = False) -> str:
    """Return a typed line masked, with its alias expanded if only that shows its secret."""
    full = line if hmp else expand(line, aliases)
    masked = mask_line(full, hmp=hmp)
    return line if masked == full else masked
