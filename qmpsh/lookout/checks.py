"""The results of an examination: one marked line per check, coloured if wanted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from qmpsh.jsontypes import JsonObject
from qmpsh.view.safe import visible_word
from qmpsh.view.theme import Line, plain, sgr

OK: Final = "ok"
INFO: Final = "info"
WARN: Final = "warn"
FAIL: Final = "fail"

_MARKS: Final = {OK: ("json.string", "ok  "), INFO: ("dim", " -  "), WARN: ("warning", "warn"),
                 FAIL: ("error", "FAIL")}  # fmt: skip
"""The role and the text of each mark: no meaning depends on colour alone."""


class Check(NamedTuple):
    """One result.

    mark: OK, INFO, WARN or FAIL
    what: what was checked, in a word or two
    text: one line, not yet safe to show
    """

    mark: str
    what: str
    text: str


def lines_of(checks: Sequence[Check], *, colour: bool) -> list[str]:
    """Return one aligned line per check."""
    width = max((len(check.what) for check in checks), default=0)
    draw = sgr if colour else plain
    return [draw(_line(check, width)) for check in checks]


def _line(check: Check, width: int) -> Line:
    role, mark = _MARKS[check.mark]
    return [(role, mark), ("", f"  {check.what:{width}}  {visible_word(check.text)}")]


def as_json(checks: Iterable[Check]) -> list[JsonObject]:
    """Return the checks as JSON, for programs."""
    return [{"check": check.what, "result": check.mark, "text": check.text} for check in checks]


def has_failed(checks: Iterable[Check]) -> bool:
    """Whether any check is a FAIL."""
    return any(check.mark == FAIL for check in checks)
