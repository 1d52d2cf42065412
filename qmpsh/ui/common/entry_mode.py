"""What a row of input asks for: the base, and the name of a file to save a reply to."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable

from qmpsh.regular import expanded, open_regular
from qmpsh.render.safe import visible_word
from qmpsh.render.theme import Line
from qmpsh.render.units import size

NO_REPLY = "there is no reply yet"


FILE_EXISTS = "the file exists: Enter replaces it"


NOT_WRITTEN = "cannot be written"


SAVE_KEYS = "  Enter writes, Esc leaves"


class EntryMode(ABC):
    """What an entry row is for. label: what is shown before the word."""

    label: str

    @abstractmethod
    def info(self, width: int) -> Line:
        """Return what is shown after the word, at the right edge. width: columns available."""

    @abstractmethod
    def on_text_changed(self, text: str) -> None:
        """Handle a change of the word."""

    @abstractmethod
    def accept(self, text: str) -> bool:
        """Handle Enter; return True to close the entry."""

    def previous(self) -> None:  # noqa: B027 - few modes have anything to go back to
        """Handle Up and Shift-Tab."""

    def next(self) -> None:  # noqa: B027 - as above
        """Handle Down and Tab."""

    def on_close(self) -> None:  # noqa: B027 - most modes have nothing to undo
        """Handle the closing of the entry."""


class SaveMode(EntryMode):
    """The file name that a reply is saved under.

    text: what to write
    say:  called with a sentence on the result
    """

    label = "save the reply to: "

    def __init__(self, text: str, say: Callable[[str], None]) -> None:
        self._text = text
        self._show_result = say
        self._problem = ""
        self._replace = ""

    def info(self, width: int) -> Line:
        if self._problem:
            return [("hint.error", f"  {visible_word(self._problem)}")]
        return [("hint", SAVE_KEYS)]

    def on_text_changed(self, text: str) -> None:
        self._problem = self._replace = ""

    def accept(self, text: str) -> bool:
        """Write the file; an existing one is replaced only after a second Enter."""
        name = text.strip()
        if not name:
            return True
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if name == self._replace else os.O_EXCL)
        data = f"{self._text}\n".encode(errors="replace")
        try:
            # Nothing is waited for: a FIFO would stop the screen.
            with open(open_regular(expanded(name), flags, 0o666), "wb") as file:
                file.write(data)
        except FileExistsError:
            self._replace = name
            self._problem = FILE_EXISTS
            return False
        except OSError as error:
            self._problem = error.strerror or NOT_WRITTEN
            return False
        self._show_result(f"written to {name}, {size(len(data))}")
        return True
