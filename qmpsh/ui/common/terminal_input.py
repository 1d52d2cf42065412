"""The terminal as an input that is asked something at the start.

It is asked as soon as there is a connection, and what it has answered by the first frame counts:
nothing ever waits for it.
"""

from __future__ import annotations

import contextlib
import termios
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TextIO

from prompt_toolkit.input.typeahead import store_typeahead
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyPress

from qmpsh.ui.common.terminal_answers import TerminalAnswers, background_of

_LFLAG = 3
"""of what `termios.tcgetattr` returns"""


class TerminalInput(Vt100Input):
    """The keys of a terminal, without its answers."""

    def __init__(self, stdin: TextIO, answers: TerminalAnswers | None = None) -> None:
        super().__init__(stdin)
        self._answers = answers or TerminalAnswers()
        self._attributes: list[int | list[bytes | int]] | None = None

    def ask(self, stdout: TextIO) -> None:
        """Ask all questions. Until the keys are read, nothing that comes is echoed."""
        with contextlib.suppress(termios.error):
            self._attributes = termios.tcgetattr(self.fileno())
            quiet = termios.tcgetattr(self.fileno())
            quiet[_LFLAG] = int(str(quiet[_LFLAG])) & ~(termios.ECHO | termios.ICANON)
            termios.tcsetattr(self.fileno(), termios.TCSANOW, quiet)
        try:
            stdout.write(self._answers.request)
            stdout.flush()
        except BaseException:  # an interrupt included, where the terminal takes nothing
            self.restore()
            raise

    def background(self) -> str:
        """Return the background of the terminal, "" if it has not answered so far.

        What was typed in the meantime goes to the prompt.
        """
        store_typeahead(self, self.read_keys())
        return background_of(self._answers.found)

    def restore(self) -> None:
        """Let the terminal echo again; harmless if repeated."""
        attributes, self._attributes = self._attributes, None
        if attributes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self.fileno(), termios.TCSANOW, attributes)

    def raw_mode(self) -> AbstractContextManager[None]:
        return self._raw()

    @contextlib.contextmanager
    def _raw(self) -> Iterator[None]:
        # What prompt_toolkit restores at its end is what it finds.
        self.restore()
        with super().raw_mode():
            yield

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
