"""The terminal as an input whose keys are kept from the start, and that is asked something.

A terminal that still edits lines by itself takes Ctrl-D, Ctrl-U and others for its own commands:
typed before the prompt reads, or while a line is printed above it, they would be lost.

It is asked as soon as there is a connection, and what it has answered by the first frame counts:
nothing ever waits for it.
"""

from __future__ import annotations

import contextlib
import termios
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TextIO

from prompt_toolkit.application import get_app_session, in_terminal
from prompt_toolkit.input.typeahead import store_typeahead
from prompt_toolkit.input.vt100 import Vt100Input, raw_mode
from prompt_toolkit.key_binding import KeyPress

from qmpsh.render.terminal_answers import TerminalAnswers, background_of


class _KeptKeys(raw_mode):
    """A mode in which the terminal keeps keys as they are typed, and those of signals send them."""

    @classmethod
    def _patch_lflag(cls, attrs: int) -> int:
        return attrs & ~(termios.ECHO | termios.ICANON | termios.IEXTEN)


class TerminalInput(Vt100Input):
    """The keys of a terminal, without its answers."""

    def __init__(self, stdin: TextIO, answers: TerminalAnswers | None = None) -> None:
        super().__init__(stdin)
        self._answers = answers or TerminalAnswers()
        self._kept: _KeptKeys | None = None

    def keep(self) -> None:
        """Keep the keys as they are typed until `restore`, echoing none; harmless if repeated."""
        if self._kept is None:
            self._kept = _KeptKeys(self.fileno())
            self._kept.__enter__()

    def ask(self, stdout: TextIO) -> None:
        """Ask all questions, after `keep`: an answer must not be echoed."""
        stdout.write(self._answers.request)
        stdout.flush()

    @property
    def found(self) -> Mapping[str, str]:
        """What the terminal has answered so far, as of TerminalAnswers."""
        return self._answers.found

    def background(self) -> str:
        """Return the background of the terminal, "" if it has not answered so far.

        What was typed in the meantime goes to the prompt.
        """
        store_typeahead(self, self.read_keys())
        return background_of(self._answers.found)

    def restore(self) -> None:
        """Give the terminal the mode it had before `keep`; harmless if repeated."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.__exit__()

    def cooked_mode(self) -> AbstractContextManager[None]:
        # prompt_toolkit wants it for whatever is printed above a line; see `lend_terminal`.
        return nullcontext()

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Give the terminal the mode in which it was found, as another program expects it.

        While one has it already, that one's mode stays.
        """
        kept, self._kept = self._kept, None
        if kept is None:
            yield
            return
        now = raw_mode(self.fileno())
        kept.__exit__()
        try:
            yield
        finally:
            self._kept = kept
            now.__exit__()

    def read_keys(self) -> list[KeyPress]:
        self.vt100_parser.feed(self._answers.keys_of(self.stdin_reader.read()))
        return self._taken()

    def flush_keys(self) -> list[KeyPress]:
        self.vt100_parser.feed(self._answers.flush())
        self.vt100_parser.flush()
        return self._taken()

    def _taken(self) -> list[KeyPress]:
        keys, self._buffer = self._buffer, []
        return keys


@contextlib.asynccontextmanager
async def lend_terminal() -> AsyncIterator[None]:
    """Leave the terminal to another program, above the line or instead of the screen."""
    async with in_terminal():
        with lent_mode():
            yield


def lent_mode() -> AbstractContextManager[None]:
    """Return the context in which the terminal has the mode that another program expects."""
    input = get_app_session().input
    return input.lent() if isinstance(input, TerminalInput) else input.cooked_mode()
