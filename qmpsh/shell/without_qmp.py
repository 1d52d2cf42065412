"""What an HMP monitor cannot do, and what to do instead: loaded where one is spoken to."""

from __future__ import annotations

import re
from typing import Final

from qmpsh.errors import ADD_QMP, UsageError
from qmpsh.language.tokens import BLANKS
from qmpsh.language.verbs import QOM, SHOWING, VERBS, Reach, Takes, Verb, takes
from qmpsh.protocol.hmp_monitor import NEEDS_QMP

NO_OTHER_MODE: Final = "this is an HMP monitor: every line is one of the human monitor"
HELP_WITHOUT_QMP: Final = (
    "This is an HMP monitor: help lists its own commands, help NAME explains one. QMP commands, and"
    f" the verbs that send them, are not listed; for them, {ADD_QMP}."
)
_RAW_JSON: Final = "raw JSON"
_IN_PLACE: Final = "; {query} is QMP, and this is an HMP monitor: try {info}, or {todo}"
_IS_QMP: Final = "; if it is QMP, this is an HMP monitor; {todo}"

_TAKES_LINES: Final = frozenset({Takes.HMP, Takes.TIMED_LINE})
"""What follows verbs that reach the VM by a line, which may be one of the human monitor"""

_UNKNOWN: Final = re.compile(r"unknown command: '(query-)?([^']*)'")


def _works(row: Verb) -> bool:
    """Whether a verb works at an HMP monitor: it sends nothing of its own, nor shows what QMP would
    send.
    """
    if row.takes in SHOWING or row.takes in QOM:
        return False
    return row.takes in _TAKES_LINES or row.reach is Reach.LINES or not row.reaches_vm


def verbs_without_qmp() -> dict[str, Verb]:
    """Return the rows of the verbs that work at an HMP monitor."""
    return {name: row for name, row in VERBS.items() if _works(row)}


def refuse_verb(name: str) -> None:
    """Raise UsageError for a verb that sends QMP commands."""
    if name in VERBS and not _works(VERBS[name]):
        raise UsageError(NEEDS_QMP.format(what=f".{name}"))


def monitor_line(text: str) -> str:
    """Return the line for the monitor; `.hmp` may stand before it, as everywhere.

    Raises UsageError for a line that is not one of the human monitor: raw JSON, or a verb.
    """
    begun = text.lstrip(BLANKS)
    if begun.startswith("{"):
        raise UsageError(NEEDS_QMP.format(what=_RAW_JSON))
    if not begun.startswith("."):
        return text
    name, _, rest = begun[1:].partition(" ")
    refuse_verb(name)
    return rest if takes(name) is Takes.HMP else text


def hint_for(said: str) -> str:
    """Return what to add to the monitor's words about a command of QMP; "" for other words."""
    found = _UNKNOWN.match(said)
    if found is None:
        return ""
    query, name = found.groups()
    if query:
        return _IN_PLACE.format(query=f"query-{name}", info=f"info {name}", todo=ADD_QMP)
    return _IS_QMP.format(todo=ADD_QMP) if "-" in name else ""
