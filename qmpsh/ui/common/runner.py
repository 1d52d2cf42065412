"""Passes lines from the prompt to the session, one after the other.

A line typed while another runs waits for its turn, as in any terminal; a paste of several lines
runs them in turn. Late answers to a line that the user detached from are shown separately, never
among those of another line. Knows neither panes nor the application.

`| command`, `> file` and `>> file` work while the event loop keeps running. What a pipe prints is
shown as a reply; a pager or an editor at its end gets the terminal instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

from qmpsh.errors import INTERRUPTED, ConnectionLost, QmpshError
from qmpsh.language.reader import LogicalLine, Split
from qmpsh.language.syntax import Redirect
from qmpsh.render.answers import answer_body
from qmpsh.render.units import counted
from qmpsh.secrets.masker import mask_line
from qmpsh.shell.pipes import pipe_status, wants_terminal, write_file
from qmpsh.shell.session.session import RunningLine, Session, expand
from qmpsh.shell.settings import HMP_PROMPTS
from qmpsh.shell.steps import Answer, Note, Outcome, WaitingNote
from qmpsh.system.programs import not_started
from qmpsh.ui.common.external import hand_over

Key = TypeVar("Key")

LATE_REPLY_SECONDS = 1.0
"""most seconds that a late answer waits for the running line to end"""


class ReplyHeading(Note):
    """The heading that says which line the next answer belongs to, if not the one right above."""

    __slots__ = ()


class Presenter(Protocol[Key]):
    """Where a front end shows the results of a line. `key` is what `begin` returned."""

    def begin(self, prompt: str, line: str) -> Key:
        """Show a line that starts; return what identifies it."""

    def show(self, key: Key, item: Answer | Note) -> None:
        """Show an answer or a note of a line."""

    def error(self, error: QmpshError) -> None:
        """Show an error that no answer has reported."""


class _Turn(Generic[Key]):
    """A line that was started, as typed and with its alias expanded, and its prompt."""

    __slots__ = ("key", "line", "prompt", "typed")

    def __init__(self, prompt: str, typed: str, line: str, key: Key) -> None:
        self.prompt = prompt
        self.typed = typed
        self.line = line
        self.key = key


class Judge(Protocol):
    """Takes in how a line ended: its prompt, what was typed, whether it failed or was refused."""

    def __call__(self, prompt: str, line: str, *, failed: bool) -> None: ...


def _nothing(prompt: str, line: str, *, failed: bool) -> None:
    """Forget how a line ended."""


class LineRunner(Generic[Key]):
    """A queue of lines, which run one at a time.

    leave:   called with an exit code when a line ends the shell
    clock:   like `time.monotonic()`
    waiting: the lines queued after the running one, as typed
    judge:   called with how each line ended
    """

    def __init__(
        self,
        session: Session,
        presenter: Presenter[Key],
        leave: Callable[[int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.waiting: deque[LogicalLine] = deque()
        self.judge: Judge = _nothing
        self._session = session
        self._presenter = presenter
        self._leave = leave
        self._clock = clock
        self._since = 0.0
        self._current: _Turn[Key] | None = None
        self._headed: _Turn[Key] | None = None
        self._late: deque[tuple[_Turn[Key], Callable[[], None]]] = deque()

    def elapsed(self) -> float:
        """Return how long the running line has been running, in seconds; 0.0 if none is."""
        return self._clock() - self._since if self._session.running is not None else 0.0

    def submit(self, text: str, split: Split | None = None) -> None:
        """Run what was typed, or queue it after the running line. split: its lines if known."""
        lines, rest = split or self._session.split(text)
        self.waiting.extend([*lines, LogicalLine(rest, 0)] if rest.strip() else lines)
        self.start_next()

    def start_next(self) -> None:
        """Start the next waiting line if none is running. Call it after each turn."""
        if self.elapsed() >= LATE_REPLY_SECONDS:
            self._present_late()
        while self.waiting and self._session.running is None:
            self._start(self.waiting.popleft())

    def interrupt(self) -> bool:
        """Detach from the running line and drop waiting ones; False if there was nothing."""
        waited = bool(self.waiting)
        self.waiting.clear()
        # Before the session may end the line: whatever it produces from now on is late.
        self._close()
        return self._session.interrupt() or waited

    def expanded(self, typed: str) -> str:
        """Return a line with its alias expanded: that is what runs, and what may hold a secret."""
        session = self._session
        return typed if session.prompt in HMP_PROMPTS else expand(typed, session.catalog.aliases)

    def _start(self, typed: LogicalLine) -> None:
        session = self._session
        line, prompt = self.expanded(typed.text), session.prompt
        turn = _Turn(prompt, typed.text, line, self._presenter.begin(prompt, line))
        self._current = self._headed = turn
        self._since = self._clock()
        if typed.note:
            self._presenter.show(turn.key, Note(typed.note))
        try:
            session.start(line, partial(self._show, turn), partial(self._ended, turn))
        except QmpshError as error:
            self._presenter.error(error)
            self.judge(prompt, typed.text, failed=True)
            self._close()

    def _show(self, turn: _Turn[Key], item: Answer | Note) -> None:
        if isinstance(item, WaitingNote) and turn is not self._current:
            return
        self._present(turn, partial(self._presenter.show, turn.key, item))

    def _ended(self, turn: _Turn[Key], outcome: Outcome) -> None:
        error = outcome.error
        if outcome.exit_code != INTERRUPTED:
            self.judge(turn.prompt, turn.typed, failed=bool(error or outcome.exit_code))
        # The session's listener reports a lost connection, once for all lines.
        if error is not None and not (
            isinstance(error, ConnectionLost) and self._session.machine.connected
        ):
            self._present(turn, partial(self._presenter.error, error))
        if turn is self._current:
            self._close()
        if outcome.leave:
            self.waiting.clear()
            self._leave(outcome.exit_code)

    def _present(self, turn: _Turn[Key], present: Callable[[], None]) -> None:
        """Show something now; or if it is late, once the running line has ended."""
        if turn is self._current:
            self._add_heading(turn)
            present()
        else:
            self._late.append((turn, present))
            if self._current is None:
                self._present_late()

    def _close(self) -> None:
        """Handle that the running line has ended, or the user detached from it."""
        self._current = self._headed = None
        self._present_late()

    def _present_late(self) -> None:
        while self._late:
            turn, present = self._late.popleft()
            self._add_heading(turn)
            present()

    def _add_heading(self, turn: _Turn[Key]) -> None:
        """Say which line the next answer belongs to, unless that is obvious."""
        if turn is not self._headed:
            self._headed = turn
            line = mask_line(turn.line, hmp=turn.prompt in HMP_PROMPTS).split("\n")[0]
            late = "" if turn is self._current else "late "
            self._presenter.show(turn.key, ReplyHeading(f"{late}reply of {line}"))


PIPE_OUTPUT_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""most bytes shown of a pipe's output"""
_CHUNK_BYTES: Final = 64 * 1024


async def redirect(answer: Answer) -> str:
    """Send an answer to its line's redirect; return the text to show for it.

    Raises QmpshError if a file cannot be written or a pipe fails.
    """
    target = answer.redirect
    if target is None:
        return ""
    paged = target.mark == "|" and wants_terminal(target, os.environ)
    body = answer_body(answer, exact=not paged)
    data = answer.data
    if data is None:
        data = f"{body.text()}\n".encode(errors="replace") if body.lines else b""
    if target.mark != "|":
        write_file(target, data)
        return f"written to {target.target}"
    try:
        if paged:
            text, is_table = data.decode("utf-8", "replace"), body.table is not None
            shown, status = "", await hand_over(target.target, text, is_table=is_table)
        else:
            shown, status = await _through(target, data)
    except OSError as error:
        raise QmpshError(not_started("/bin/sh", error)) from error
    said = pipe_status(status, target)
    if said:
        raise QmpshError(f"{shown}\n{said}" if shown else said)
    return shown


async def _through(target: Redirect, data: bytes) -> tuple[str, int]:
    """Pipe the bytes through a command; return its output and exit status."""
    process = await asyncio.create_subprocess_shell(
        target.target,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # Detached from the terminal: its keys and Ctrl-C belong to the screen.
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    feeding = asyncio.ensure_future(_feed(process.stdin, data))
    try:
        output = await _read(process.stdout)
        if len(output) > PIPE_OUTPUT_LIMIT_BYTES:
            _kill(process)
            output = (
                output[:PIPE_OUTPUT_LIMIT_BYTES] + b"\n... more than 16 MiB: the rest was dropped"
            )
        status = await process.wait()
    finally:
        feeding.cancel()
        if process.returncode is None:
            _kill(process)
    return output.decode(errors="replace").removesuffix("\n"), status


def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill the command and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _read(stream: asyncio.StreamReader) -> bytes:
    """Read everything, up to a little more than is shown."""
    output = bytearray()
    while len(output) <= PIPE_OUTPUT_LIMIT_BYTES:
        chunk = await stream.read(_CHUNK_BYTES)
        if not chunk:
            break
        output += chunk
    return bytes(output)


async def _feed(stream: asyncio.StreamWriter, data: bytes) -> None:
    """Write it all; a command may stop reading early without an error."""
    try:
        stream.write(data)
        await stream.drain()
        stream.close()
    except OSError:
        return


SHOW_RUNNING_SECONDS = 0.3
"""seconds until a running command is named, so that quick ones do not flicker"""


def first_word(line: str) -> str:
    """Return what to call a running line: never its values, which may be secret."""
    words = line.split(None, 1)
    return "JSON" if line.lstrip().startswith("{") else words[0] if words else ""


def detached_note(running: RunningLine, dropped: int = 0) -> str:
    """Return the note for Ctrl-C detaching from a line. dropped: how many were queued after it."""
    note = f"detached from {first_word(running.line)}: its reply is shown when it arrives"
    if not dropped:
        return note
    return f"{note}; {counted(dropped, 'queued line')} dropped"
