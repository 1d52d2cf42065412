"""The looks and keys of a front end, as set by options and configuration.

Also turns logging and warnings into notes in the output, since nothing else may print over the
screen.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prompt_toolkit.output import ColorDepth

from qmpsh.ui.common.keys import KEYS, KeyBinding
from qmpsh.ui.common.style import NO_ROLES


class TerminalSetup(NamedTuple):
    """The looks and keys of a front end.

    colour: False with NO_COLOR and the like
    keys:   the key table, as rebound
    roles:  styles that replace the theme's own
    depth:  of the colours, None for the terminal's own
    """

    colour: bool = True
    keys: tuple[KeyBinding, ...] = KEYS
    roles: Mapping[str, str] = NO_ROLES
    depth: ColorDepth | None = None


SETUP = TerminalSetup()


class _NoteHandler(logging.Handler):
    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        """See logging."""
        self._note(self.format(record))


@contextlib.contextmanager
def captured(note: Callable[[str], None]) -> Iterator[None]:
    """Capture messages inside this context. note: called with each."""
    root = logging.getLogger()
    handler = _NoteHandler(note)
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
