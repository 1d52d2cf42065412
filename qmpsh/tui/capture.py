"""Nothing prints while the screen is up: logging and warnings become notes in the output."""

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
    """note: takes each message."""
    root = logging.getLogger()
    handler = _NoteHandler(note)
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
