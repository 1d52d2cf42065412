"""Lines from the prompt to the session, one after the other.

A line typed while another one runs waits for its turn, as it would in any terminal; a paste of
several lines is several lines. Knows neither panes nor the application.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Generic, Protocol, TypeVar

from qmpsh.errors import ConnectionLost, QmpshError
from qmpsh.shell.aliases import HMP_PROMPT, expand
from qmpsh.shell.outcome import Answer, Note, Outcome
from qmpsh.tui.seam import Session

Key = TypeVar("Key")


class Presenter(Protocol[Key]):
    """Where a front end shows what becomes of a line. `key` is what `begin` returned."""

    def begin(self, prompt: str, line: str) -> Key:
        """A line starts."""

    def show(self, key: Key, item: Answer | Note) -> None:
        """It yields something."""

    def error(self, error: QmpshError) -> None:
        """Something went wrong that no answer has told."""


class Runner(Generic[Key]):
    """leave: called with an exit code when a line wants the shell to end."""

    def __init__(
        self, session: Session, presenter: Presenter[Key], leave: Callable[[int], None]
    ) -> None:
        self.waiting: deque[str] = deque()
        self._session = session
        self._presenter = presenter
        self._leave = leave

    def submit(self, text: str) -> None:
        """Run what was typed, or let it wait for what runs."""
        lines, rest = split_lines(text, self._session.needs_more)
        self.waiting.extend([*lines, rest] if rest.strip() else lines)
        self.go_on()

    def go_on(self) -> None:
        """Start the next line that waits, if nothing runs. To be called after each turn."""
        while self.waiting and self._session.running is None:
            self._start(self.waiting.popleft())

    def interrupt(self) -> bool:
        """Let go of what runs and forget what waits; False when there was nothing."""
        waited = bool(self.waiting)
        self.waiting.clear()
        return self._session.interrupt() or waited

    def _start(self, typed: str) -> None:
        # An alias is shown as what it stands for: that is what runs, and what may hold a secret.
        session = self._session
        line = typed if session.prompt == HMP_PROMPT else expand(typed, session.catalog.aliases)
        key = self._presenter.begin(self._session.prompt, line)
        try:
            self._session.start(line, partial(self._presenter.show, key), self._ended)
        except QmpshError as error:
            self._presenter.error(error)

    def _ended(self, outcome: Outcome) -> None:
        error = outcome.error
        # That the connection ended is told once, for all lines, by whoever watches the session.
        if error is not None and not (
            isinstance(error, ConnectionLost) and self._session.machine.connected
        ):
            self._presenter.error(error)
        if outcome.leave:
            self.waiting.clear()
            self._leave(outcome.exit_code)


def split_lines(text: str, needs_more: Callable[[str], bool]) -> tuple[list[str], str]:
    """Complete logical lines, and the physical ones at the end that want to go on."""
    lines: list[str] = []
    rest = ""
    for physical in text.split("\n"):
        rest = f"{rest}\n{physical}" if rest else physical
        if not needs_more(rest):
            if rest.strip():
                lines.append(rest)
            rest = ""
    return lines, rest


def line_count(text: str, needs_more: Callable[[str], bool]) -> int:
    """How many logical lines a text is, the unfinished one at its end included."""
    lines, rest = split_lines(text, needs_more)
    return len(lines) + bool(rest.strip())
