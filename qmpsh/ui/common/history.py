"""The prompt's history, in one file each for QMP, human monitor and guest agent lines.

Each mode sees only its own; after a change of mode, `HistorySwitch` makes the line reload its
history.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence

from prompt_toolkit.auto_suggest import AutoSuggest, Suggestion
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.history import History

from qmpsh.paths import state_file
from qmpsh.patterns import LatePattern
from qmpsh.secrets.masker import mask_line
from qmpsh.secrets.text import MASK
from qmpsh.shell.history import FAILED, WELL, HistoryFile, is_kept
from qmpsh.shell.session.session import expand
from qmpsh.shell.settings import HMP_PROMPTS

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
    def failed(self) -> set[str]:
        """The entries of the present mode that failed when they last ran."""
        return self._present.failed

    def judge(self, line: str, *, failed: bool, hmp: bool) -> None:
        """Remember how a line ended. hmp: it was one for the human monitor"""
        (self._hmp if hmp else self._qmp).judge(line, failed=failed)

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
        self.failed: set[str] = set()

    def load_history_strings(self) -> Iterable[str]:
        entries, failed = self._file.read()
        self.failed |= failed
        return reversed(entries)

    def judge(self, line: str, *, failed: bool) -> None:
        """Remember how a line ended, where that is news; only of one that may be suggested."""
        text = self._mask(line)
        is_news = failed != (text in self.failed)
        if not (is_news and is_kept(line) and text.isprintable() and MASK not in text):
            return
        if failed:
            self.failed.add(text)
        else:
            self.failed.remove(text)
        self._file.append(text, FAILED if failed else WELL)

    def append_string(self, string: str) -> None:
        if is_kept(string):
            super().append_string(self._mask(string))

    def store_string(self, string: str) -> None:
        self._file.append(string)


class Failures:
    """The lines of a history that failed: for this session, and in its file if it has one."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._failed: set[str] = set()

    def __contains__(self, entry: str) -> bool:
        if isinstance(self._history, LineHistory):
            return entry in self._history.failed
        return entry in self._failed

    def judge(self, prompt: str, line: str, *, failed: bool) -> None:
        """Remember how a line ended. prompt: at which it was typed"""
        if isinstance(self._history, LineHistory):
            self._history.judge(line, failed=failed, hmp=prompt in HMP_PROMPTS)
        elif failed:
            self._failed.add(line)
        else:
            self._failed.discard(line)


class SuggestLine(AutoSuggest):
    """Suggests the rest of the latest line that begins as the typed one does.

    prompt_toolkit's own takes an entry apart at whatever Python calls a line end: what stood inside
    a quote would be suggested as a line. Here an entry is suggested whole, if all of it can be seen
    and nothing of it was masked. What failed is not worth repeating.
    """

    def __init__(self, failures: Failures) -> None:
        self._failures = failures

    def get_suggestion(self, buffer: Buffer, document: Document) -> Suggestion | None:
        text = document.text
        if not text.strip() or not document.is_cursor_at_the_end:
            return None
        for entry in reversed(buffer.history.get_strings()):
            is_shown = entry.startswith(text) and entry.isprintable() and MASK not in entry
            if is_shown and entry not in self._failures:
                return Suggestion(entry[len(text) :])
        return None


_NEXT_WORD = LatePattern(r"\s*[^\s=,./{}-]*[\s=,./{}-]*")


def take_word(buffer: Buffer) -> None:
    """Take the next word of what is suggested; without that move over one, as in any editor."""
    document = buffer.document
    if buffer.suggestion is not None and document.is_cursor_at_the_end:
        word = _NEXT_WORD.match(buffer.suggestion.text)
        buffer.insert_text(word[0] if word else "")
    else:
        buffer.cursor_position += document.find_next_word_ending() or 0


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


def newest_first(entries: Iterable[str]) -> list[str]:
    """Return each entry once, where it was last. entries: oldest first"""
    return list(dict.fromkeys(reversed(list(entries))))


def matching(entries: Sequence[str], text: str) -> list[str]:
    """Return the entries that contain each word; words without capitals match any case."""
    words = text.split()

    def fits(entry: str) -> bool:
        folded = entry.lower()
        return all(word in (folded if word == word.lower() else entry) for word in words)

    return [entry for entry in entries if fits(entry)]
