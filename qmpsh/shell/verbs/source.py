"""`.source FILE`: runs the lines of a file; their answers go where its own line says.

An error reads `FILE:LINE: message`; the file ends at its first failure unless the shell is set to
go on after errors.
"""

from __future__ import annotations

import errno
from collections.abc import Generator
from typing import Final

from qmpsh.errors import LineSyntaxError, QmpshError, UsageError
from qmpsh.language.syntax import Redirect, VerbLine
from qmpsh.language.verbs import Reach, Takes
from qmpsh.regular import MAX_SCRIPT_BYTES, expanded, read_regular
from qmpsh.shell.context import Context
from qmpsh.shell.events import EventHistory, EventSpan
from qmpsh.shell.interpreter import run_line
from qmpsh.shell.script import script_lines
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, Wish, adapted
from qmpsh.shell.verbs.table import verb
from qmpsh.shell.verbs.words import words_of

_WANTS_FILE: Final = "expected one file, as in .source setup.qmp; a name with blanks is quoted"
_NO_PIPE: Final = ".source at the prompt takes no pipe; write it after the file's lines"
_TOO_DEEP: Final = ".source {name}: {depth} files deep; does one of them source itself?"
_OPEN_TRANSACTION: Final = "{name}: end of file inside transaction( ... ): nothing was sent"
_UNREADABLE: Final = "cannot read {name}: {reason}{advice}"

_MAX_DEPTH: Final = 16
"""files within files"""


@verb("source", "FILE", "run the lines of a file", Takes.FILE, reach=Reach.LINES)
def source(context: Context, line: VerbLine) -> Steps:
    """Run a file's lines. Raises LineSyntaxError, and what its lines raise, with their place."""
    words = words_of(line)
    if len(words) != 1:
        span = line.rest_span if words else line.name_span
        raise LineSyntaxError(
            _WANTS_FILE,
            line.source,
            span,
        )
    name = words[0]
    if line.redirect is not None and line.redirect.mark == "|" and context.settings.interactive:
        # Each answer is shown as it comes there, and would have a pipe of its own.
        raise UsageError(_NO_PIPE)
    if len(context.sourcing) == _MAX_DEPTH:
        raise UsageError(_TOO_DEEP.format(name=name, depth=_MAX_DEPTH))
    content = _read(name)
    was_open, place = context.transaction is not None, context.place
    context.sourcing.append(name)
    left_open = False
    try:
        steps = _redirected(_run(context, name, content), line.redirect)
        outcome = yield from _spanned(context.keep_events(), steps)
    finally:
        context.sourcing.pop()
        context.place = place  # `.cd` holds for the file
        if not was_open:
            left_open = context.abandon_transaction()
    if left_open and not outcome.exit_code:
        raise UsageError(_OPEN_TRANSACTION.format(name=name))
    return outcome


def _run(context: Context, name: str, content: bytes) -> Steps:
    exit_code = 0
    for line in script_lines(content.split(b"\n"), lambda: context.mode):
        if line.note:
            yield Note(f"{name}:{line.number}: {line.note}")
        steps = run_line(context, line.text) if line.error is None else _failed(line.error)
        outcome = yield from _placed(context, steps, f"{name}:{line.number}")
        exit_code = exit_code or outcome.exit_code
        if outcome.leave or (exit_code and not context.settings.keep_going):
            return Outcome(exit_code, leave=outcome.leave)
    return Outcome(exit_code)


def _spanned(log: EventHistory, steps: Steps) -> Steps:
    """Run the steps; at the prompt their `.wait` counts the events of a script of its own.

    Other lines run in between where the user detaches, and have their own span.
    """
    if log.span.is_script:
        return (yield from steps)
    span = EventSpan(log.next, is_script=True)
    log.span.mark = log.next
    choice: str | None = None
    try:
        while True:
            outer, log.span = log.span, span
            try:
                wish = next(steps) if choice is None else steps.send(choice)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            finally:
                log.span = outer
            choice = yield wish
    finally:
        steps.close()


def _failed(error: QmpshError) -> Steps:
    """Fail: the line cannot be run."""
    raise error
    yield


def _redirected(steps: Steps, redirect: Redirect | None) -> Steps:
    """Run the steps; answers without a redirect of their own get that of the verb's line."""

    def redirected(wish: Wish) -> Generator[Wish, str, str | None]:
        if isinstance(wish, Answer) and wish.redirect is None and not wish.aside:
            wish = wish._replace(redirect=redirect)
        return (yield wish)

    return adapted(steps, redirected)


def _placed(context: Context, steps: Steps, place: str) -> Steps:
    """Run the steps; put the place before the message of a failure."""

    def placed(wish: Wish) -> Generator[Wish, str, str | None]:
        if isinstance(wish, Answer) and wish.failed and wish.text is not None:
            wish = wish._replace(text=f"{place}: {wish.text}")
        return (yield wish)

    try:
        return (yield from adapted(steps, placed))
    except QmpshError as error:
        if not context.settings.keep_going:
            raise _at(place, error) from error
        yield Answer("", failed=True, text=f"{place}: {error}", error=error)
        return Outcome(error.exit_code)


def _at(place: str, error: QmpshError) -> QmpshError:
    """Return the error with its place before its message."""
    error.args = (f"{place}: {error}", *error.args[1:])
    return error


def _read(name: str) -> bytes:
    """Read a file. Raises UsageError if it cannot be read, or would have to be waited for."""
    try:
        return read_regular(expanded(name), MAX_SCRIPT_BYTES)
    except OSError as error:
        advice = "; -f takes pipes as well" if error.errno == errno.EINVAL else ""
        raise UsageError(
            _UNREADABLE.format(name=name, reason=error.strerror, advice=advice)
        ) from error
