"""Turns logging and warnings into notes in the output, since nothing may print over the screen."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator


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
