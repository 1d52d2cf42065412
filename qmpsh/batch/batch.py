"""One-shots and scripts: lines in, answers on stdout, everything else on stderr, an exit code.

Loads neither prompt_toolkit nor pygments, and subprocess only for a line with a pipe.
"""

from __future__ import annotations

import sys
import time
from functools import partial

from qmpsh.client.client import Client
from qmpsh.errors import LineError, QmpshError, UsageError
from qmpsh.language.syntax import Redirect, prints_reply
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.environment import Environment
from qmpsh.render.formats import Rendering, compact, pretty, render_answer
from qmpsh.render.safe import visible
from qmpsh.shell.context import Context, FrontEnd
from qmpsh.shell.interpreter import run_line, run_words
from qmpsh.shell.machine import Machine
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Ask, Note, Outcome, Task, WaitFor, drive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from qmpsh.batch.formatter import BatchFormatter
    from qmpsh.batch.progress import WaitProgress
    from qmpsh.render.theme import Line
    from qmpsh.schema.model import Schema
    from qmpsh.shell.session.share import MonitorShare

_PROGRAM = "qmpsh"
_STDIN = 0
_INDENT = "  "
_MAX_LINE_COLUMNS = 2000
"""columns of a wrong line that are shown without a terminal: it may contain megabytes"""
_CLEANUP_SECONDS = 1.0  # seconds


class _BatchFrontEnd(FrontEnd):
    """The front end that a line of a batch sees."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def warn(self, text: str) -> None:
        self._environment.notice(text)

    def advised(self, kind: str, make: Callable[[], str]) -> str:
        # Imported here: most lines need no advice.
        from qmpsh.batch.formatter import BatchFormatter

        return BatchFormatter(self._environment).advised(kind, make, str)

    def keys(self) -> Iterable[tuple[str, str]]:
        # Imported here: a batch reads no keys.
        from qmpsh.ui.common.keys import KEYS, shown_keys

        return shown_keys(KEYS)

    def check_option(self, name: str, word: str) -> None:
        if name == "theme":
            # Imported here: a batch rarely sets a theme.
            from qmpsh.render.theme import check_theme

            check_theme(word)


class Batch:
    """A non-interactive run: executes lines and prints their answers.

    client:   None for --dry-run
    settings: from `batch_settings`
    schema:   given beforehand, None to ask the server
    """

    def __init__(
        self,
        client: Client | None,
        settings: Settings,
        schema: Schema | None,
        environment: Environment,
    ) -> None:
        self._settings = settings
        self._environment = environment
        self._maybe_formatter: BatchFormatter | None = None
        self._piped: dict[int, tuple[Redirect, list[bytes]]] = {}
        self._redirect_error: QmpshError | None = None
        self._progress: WaitProgress | None = None
        self._drawn: list[Line] = []
        address = str(client.address) if client else ""
        machine = Machine(address, client.connection.greeting if client else None)
        self.front_end = _BatchFrontEnd(environment)
        self.context = Context(client, settings, machine, schema, self.front_end)

    def run_words(self, words: Sequence[str]) -> int:
        """Run one line given as the words of a command line; return its exit code."""
        self.front_end.stdin = _STDIN
        show = partial(self._show, _PROGRAM)
        outcome = self.finish(_PROGRAM, Task(run_words(self.context, words), show))
        return outcome.exit_code or self.end_of_input(_PROGRAM).exit_code

    @property
    def client(self) -> Client | None:
        """The current connection: `.reconnect` replaces it."""
        return self.context.client

    def load_schema(self) -> None:
        """Load the schema although no line needs it so far: it belongs to a recording."""
        # Imported here: a line loads it by itself.
        from qmpsh.shell.introspection import load_all

        self.finish(_PROGRAM, Task(load_all(self.context.introspection), lambda _: None))

    def close(self) -> None:
        """Close the connection."""
        if self._progress is not None and self.client is not None:
            if self._progress.hand_over(self.client):
                return
            self._progress.end()
        if self.client is not None:
            self.client.close()

    @property
    def ahead(self) -> int:
        """How many queries of a script may be on their way: one below what the server may be asked
        at a time, and with a time limit one.
        """
        if self._settings.timeout is not None or self.client is None:
            return 1
        return max(1, self.client.dialect.window - 1)

    def start(self, place: str, line: str) -> Task:
        """Begin a line. place: the beginning of all messages about it"""
        self._drawn = []
        return Task(run_line(self.context, line), partial(self._show, place))

    def finish(self, place: str, task: Task) -> Outcome:
        """Drive a line to its end, show its answers and report what went wrong."""
        try:
            drive(task, self._ask, self._wait)
            error = None if task.outcome is None else task.outcome.error
        except UsageError as refused:
            task.cancel()
            error = refused
        except BaseException:  # an interrupt included: what the line holds is put away first
            left = task.until.left() if task.until is not None else ""
            self._abandon(task)
            self._clear()
            if left:
                self.note(f"\r{_PROGRAM}" if sys.stderr.isatty() else _PROGRAM, left)
            raise
        self._clear()
        if self._progress is not None and not self._settings.one_shot:
            self._progress.end()  # while a script waits for its next line it serves no one
        undelivered = self._deliver()
        error = error or undelivered
        return self.report(place, error) if error is not None else task.outcome or Outcome()

    def _abandon(self, task: Task) -> None:
        """End a line, and wait a moment for the replies to what it sends to clean up: closing a
        socket with unread replies loses what was sent last.
        """
        client = self.client
        before = 0 if client is None else client.in_flight
        task.cancel()
        if client is None or client.in_flight <= before:
            return
        deadline = time.monotonic() + _CLEANUP_SECONDS
        while client.in_flight and time.monotonic() < deadline:
            client.poll(deadline - time.monotonic())

    def _wait(self, until: WaitFor, seconds: float | None) -> None:
        if until.takes_long:
            self._wait_with_progress(until)
        elif self.client is not None:
            self.client.poll(seconds)

    def report(self, place: str, error: QmpshError) -> Outcome:
        """Print an error, and the place in its line; with --json on stdout too."""
        self._print_failure(error)
        self.note(place, str(error))
        if isinstance(error, LineError):
            self._point_at(error)
        return Outcome(error.exit_code)

    def _print_failure(self, error: QmpshError) -> None:
        if not (prints_reply(self._settings.formats) or error.in_json):
            return
        # Imported here: needed for an error alone.
        from qmpsh.render.failures import failure_object

        layout = pretty if self._settings.pretty else compact
        print(self._coloured(layout(failure_object(error))))

    def note(self, place: str, text: str) -> None:
        """Print a remark on stderr. place: a line of a script, or the program"""
        self._environment.notice(text, place)

    def _point_at(self, error: LineError) -> None:
        """Print the wrong line and the marks below it, no wider than the terminal."""

        def draw() -> str:
            # Imported here: needed for an error alone.
            from qmpsh.render.answers import caret_lines

            width = self._environment.error_columns or _MAX_LINE_COLUMNS
            lines = caret_lines(error, width - len(_INDENT))
            return "".join(f"{_INDENT}{line}\n" for line in lines)

        sys.stderr.write(self._formatter.advised("carets", draw, str))

    def is_final(self, outcome: Outcome) -> bool:
        """Whether a script ends here: at a failure, and always when the connection is gone."""
        lost = self.client is not None and self.client.closed
        return bool(outcome.exit_code) and (lost or not self._settings.keep_going)

    def _ask(self, asking: Ask) -> str:
        """Answer the one kind of question that a batch is ever asked: for a secret."""
        # Imported here: only a line with `password=?` asks.
        from qmpsh.batch.progress import read_secret

        return read_secret(asking.question)

    def _wait_with_progress(self, until: WaitFor) -> None:
        """Wait while a bar is drawn or stdout is watched."""
        if self._progress is None:
            # Imported here: only lines that wait for an end, or show events, come here.
            from qmpsh.batch.progress import WaitProgress

            self._progress = WaitProgress(
                self._environment, self._formatter.advised, self._make_share
            )
        if self.client is not None:
            self._progress.wait(self.client, until)

    def _make_share(self) -> MonitorShare:
        """Return what serves the monitor to others while a line waits."""
        # Imported here: only a long wait shares the monitor.
        from qmpsh.shell.session.share import quiet_share

        return quiet_share(self._settings)

    def _clear(self) -> None:
        """Erase the progress bar."""
        if self._progress is not None:
            self._progress.clear()

    def end_of_input(self, place: str) -> Outcome:
        """Report an error if nothing follows although a transaction is open."""
        try:
            self.context.end_of_input()
        except UsageError as error:
            return self.report(place, error)
        return Outcome()

    def _show(self, place: str, item: Answer | Note) -> None:
        self._clear()
        # Only what is drawn last can be drawn over.
        drawn, self._drawn = self._drawn, []
        if isinstance(item, Note):
            _remark(item) if item.bare else self.note(place, item.text)
            return
        if item.data is not None and item.redirect is None:
            _print_bytes(item.data, aside=item.aside)
            return
        if item.failed and (item.reply is None or not prints_reply(item.modifiers.formats)):
            if item.error is not None:
                self._print_failure(item.error)
            self.note(place, item.text or "")
            return
        if item.redirect is not None:
            self._redirect(item.redirect, self._data(item))
            return
        rendering = render_answer(item)
        text = self._text(item, rendering)
        is_drawn = not (item.plot is None and item.screen is None) and rendering.text is item.text
        if is_drawn and self._environment.can_redraw:
            text, self._drawn = self._formatter.drawn(item, drawn)
            print(text, flush=True)
        elif text is not None:
            print(self._coloured(text) if rendering.is_json else text)

    def _redirect(self, redirect: Redirect, data: bytes) -> None:
        """Write to a file as answers come; keep those of a pipe until the line has ended."""
        # Imported here: few lines are redirected.
        from qmpsh.shell.pipes import write_file

        if redirect.mark == "|":
            # By identity: lines of one text, in a file that is sourced, have a pipe each.
            self._piped.setdefault(id(redirect), (redirect, []))[1].append(data)
            return
        try:
            write_file(redirect, data)
        except QmpshError as error:
            self._redirect_error = error

    def _data(self, answer: Answer) -> bytes:
        """Return an answer as the redirect gets it; no bytes for an empty one."""
        if answer.data is not None:
            return answer.data
        text = self._text(answer, render_answer(answer))
        return b"" if text is None else f"{text}\n".encode(errors="replace")

    def _text(self, answer: Answer, rendering: Rendering) -> str | None:
        """Return what to print of an answer, None for nothing: an empty object says only "done"."""
        if rendering.text is not None:
            if answer.rows and rendering.text is answer.text and answer.redirect is None:
                return self._formatter.laid_out(answer.rows, rendering.text)
            return None if answer.text == "" else visible(rendering.text)
        if rendering.value == {}:
            return None
        if rendering.as_table:
            return self._formatter.table(rendering.value, is_whole=answer.redirect is not None)
        layout = pretty if self._settings.pretty and not answer.one_line else compact
        return layout(rendering.value)

    def _coloured(self, text: str) -> str:
        return self._formatter.coloured(text) if self._environment.has_colours else text

    @property
    def _formatter(self) -> BatchFormatter:
        if self._maybe_formatter is None:
            # Imported here: most answers are JSON without colours.
            from qmpsh.batch.formatter import BatchFormatter

            self._maybe_formatter = BatchFormatter(self._environment)
        return self._maybe_formatter

    def _deliver(self) -> QmpshError | None:
        """Run the pipes of a line; return what went wrong with its redirects, None for nothing."""
        wrong, self._redirect_error = self._redirect_error, None
        if not self._piped:
            return wrong
        from qmpsh.shell.pipes import pipe_status, run_pipe

        pipes, self._piped = self._piped, {}
        sys.stdout.flush()
        for redirect, data in pipes.values():
            said = pipe_status(run_pipe(redirect.target, b"".join(data), self.client), redirect)
            if said:
                wrong = wrong or QmpshError(said)
        return wrong


def batch_settings(settings: Settings, environment: Environment, *, one_shot: bool) -> Settings:
    """Return the settings of a batch, which depend on where its answers go.

    Raises UsageError for `--wait=EVENT` without a line.
    """
    if settings.wait and not one_shot:
        raise UsageError("--wait=EVENT is for one line; in a script it goes after the line")
    terminal = environment.is_terminal
    return settings._replace(
        pretty=terminal if settings.pretty is None else settings.pretty,
        one_shot=one_shot,
        bar=environment.has_bar,
        reader=terminal,
    )


def _print_bytes(data: bytes, *, aside: bool) -> None:
    """Print what a guest wrote unchanged, except for control characters on a terminal."""
    stream = sys.stderr if aside else sys.stdout
    sys.stdout.flush()
    if stream.isatty():
        # A terminal turns LF into CR LF itself; a guest that wrote both means the same.
        text = data.decode("utf-8", "replace").replace("\r\n", "\n")
        print(visible(text), end="", file=stream, flush=True)
    else:
        stream.buffer.write(data)
        stream.flush()


def _remark(note: Note) -> None:
    sys.stdout.flush()
    print(note.text, file=sys.stderr)
