"""`.history`, `.pager` and `.exit`: what was typed, the last answer again, and the end."""

from __future__ import annotations

import os

from qmpsh.errors import UsageError
from qmpsh.language.syntax import Redirect, VerbLine
from qmpsh.shell.context import Context
from qmpsh.shell.steps import Outcome, Steps
from qmpsh.shell.verbs.table import refuse_arguments, text_answer, verb

_NO_HISTORY = ".history is for the interactive shell: it keeps what was typed there"
_NO_PAGER = ".pager is for the interactive shell; in a script write | less"
_NO_ANSWER = ".pager: there is no answer yet"

_MAX_LINES = 100
"""lines of the history that are shown if no text is given"""


@verb("history", "[TEXT]", "show the lines typed before, all that contain TEXT", bare=True)
def history(context: Context, line: VerbLine) -> Steps:
    """Show the lines that contain a text; without one the latest lines."""
    typed = context.front_end.typed_lines()
    if typed is None:
        raise UsageError(_NO_HISTORY)
    word = line.rest.strip()
    lines = [text for text in typed if word in text]
    shown = lines if word else lines[-_MAX_LINES:]
    yield text_answer(line, "\n".join(shown))
    return Outcome()


@verb("pager", "", "show the last answer in $PAGER")
def pager(context: Context, line: VerbLine) -> Steps:
    """Show the last answer again, in $PAGER; with a format of this line's own, if it has one."""
    if not context.settings.interactive:
        raise UsageError(_NO_PAGER)
    answer = context.last_answer
    if answer is None:
        raise UsageError(_NO_ANSWER)
    if formats := line.modifiers.formats:
        answer = answer._replace(modifiers=answer.modifiers._replace(formats=formats))
    pager = Redirect("|", os.environ.get("PAGER") or "less", line.name_span)
    yield answer._replace(redirect=pager, failed=False)
    return Outcome()


@verb("exit", "", "leave the shell; the VM keeps running (`qmpsh run` asks)", bare=True)
def leave(context: Context, line: VerbLine) -> Steps:
    refuse_arguments(line)
    return Outcome(leave=True)
    yield  # makes this a generator
