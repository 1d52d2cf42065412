"""The hint on the line being typed, which both front ends show: a row, or a line when asked for."""

from __future__ import annotations

from qmpsh.errors import QmpshError
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.safe import visible_word
from qmpsh.shell.session.session import MAX_LINE_CHARACTERS

if TYPE_CHECKING:
    from qmpsh.render.theme import Line
    from qmpsh.shell.session.session import Session
    from qmpsh.shell.settings import Prompt

TIPS: dict[Prompt, str] = {
    "(QEMU) ": "type a command: Tab lists all of them",
    "(guest) ": "type a command of the agent, or .exec CMD to run one in the guest",
    "(hmp) ": "type a command of the human monitor; F7 returns to QMP",
    "(qemu) ": "type a command of the human monitor: Tab lists all of them",
}
TRANSACTION_TIP = "one action per line; ) on a line of its own runs them, Ctrl-C abandons them"


NO_HINT = "there is no hint on this"
NO_HELP = "no help is known on this; .help lists all that can be asked for"

MAX_HELP_COLUMNS = 78
"""most columns of the lines of help, which are read more easily than longer ones"""


def tip_at(prompt: Prompt) -> str:
    """Return what to type at an empty prompt."""
    # With a working path in QOM it is the prompt of QMP all the same.
    usual = "(QEMU) " if prompt.startswith("(QEMU ") else prompt
    return TIPS.get(usual, TRANSACTION_TIP)


def hint_line(session: Session, text: str, cursor: int) -> Line:
    """Return the hint on a line that is not empty."""
    count = session.split(text).total if "\n" in text else 1
    if count > 1:
        return [("hint", f"{count} lines: Enter runs them one by one, Ctrl-C drops them")]
    try:
        # It contains names from the server.
        return [(role, visible_word(part)) for role, part in session.hint(text, cursor)]
    except QmpshError as error:
        return [("hint.error", visible_word(str(error)))]


def help_at_cursor(session: Session, text: str, cursor: int, columns: int) -> list[Line]:
    """Return the help on what the cursor is on; [] where none is known. columns: that there are"""
    if len(text) > MAX_LINE_CHARACTERS:
        return []
    # Imported here: help is asked for by a key, and not in each session.
    from qmpsh.render.answers import text_body
    from qmpsh.shell.help_at import help_at

    width = min(MAX_HELP_COLUMNS, columns)
    found = help_at(text, cursor, session.catalog, session.mode, width)
    return [[("", line)] for line in text_body(found).lines]
