"""What an examination says: one line a check, a mark before it, colour where wanted."""

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
"""The role and the text of a mark, so that no meaning is told by colour alone."""


class Check(NamedTuple):
    """mark: OK, INFO, WARN or FAIL; what: a word or two; text: one line, not yet safe to show."""

    mark: str
    what: str
    text: str


def lines_of(checks: Sequence[Check], *, colour: bool) -> list[str]:
    """One line each, aligned."""
    width = max((len(check.what) for check in checks), default=0)
    draw = sgr if colour else plain
    return [draw(_line(check, width)) for check in checks]


def _line(check: Check, width: int) -> Line:
    role, mark = _MARKS[check.mark]
    return [(role, mark), ("", f"  {check.what:{width}}  {visible_word(check.text)}")]


def as_json(checks: Iterable[Check]) -> list[JsonObject]:
    """The same for programs."""
    return [{"check": check.what, "result": check.mark, "text": check.text} for check in checks]


def has_failed(checks: Iterable[Check]) -> bool:
    """Whether one of them is a FAIL."""
    return any(check.mark == FAIL for check in checks)
