"""`.add-fd`: hand the VM an open file."""

from __future__ import annotations

from qmpsh.errors import LineSyntaxError
from qmpsh.jsontypes import Json, as_dict
from qmpsh.language.syntax import VerbLine
from qmpsh.language.verbs import Reach, Takes
from qmpsh.protocol.messages import Command
from qmpsh.shell.context import Context
from qmpsh.shell.execute import Request, execute
from qmpsh.shell.steps import Steps
from qmpsh.shell.verbs.table import verb
from qmpsh.shell.verbs.words import words_of


@verb(
    "add-fd", "PATH[:ro|rw]", "pass an open file to the VM; the answer is /dev/fdset/N", Takes.FILE,
    reach=Reach.CHANGES,
)  # fmt: skip
def add_fd(context: Context, line: VerbLine) -> Steps:
    """Add a file to a new fd set; the answer is its name there."""
    words = words_of(line)
    if len(words) != 1:
        raise LineSyntaxError(
            "expected one file, as in .add-fd ./disk.img", line.source, line.rest_span
        )
    modifiers = line.modifiers._replace(fd=words[0])
    request = Request(Command("add-fd"), modifiers, line.redirect, as_text=_name_of_set)
    return (yield from execute(context.client, request, context.settings))


def _name_of_set(value: Json) -> str | None:
    """Return the file name for blockdev-add and others; None for an answer of another shape."""
    number = as_dict(value).get("fdset-id")
    return None if number is None else f"/dev/fdset/{number}"
