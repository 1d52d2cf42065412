"""The layout of an overview: its rows in one column or two, as lines of a given width.

Pure. In a row that is too long a path loses its middle, then the parts that matter least are left
out; a terminal below 60 columns shows the main rows alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Final

from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.safe import visible_word
from qmpsh.render.tables import padded, text_columns, without_middle
from qmpsh.render.theme import UNICODE, Glyphs, Line, plain

if TYPE_CHECKING:
    from qmpsh.shell.overview.rows import OverviewRow, RowPart

NARROW_COLUMNS: Final = 60
"""below which only the main rows are shown"""
WIDE_COLUMNS: Final = 140
"""from which on devices are shown to the right of the rest"""

_GAP: Final = "  "
"""between a label and its row, and between two columns of rows"""
_MAX_LABEL: Final = 16
"""columns of a label"""
_MIN_PATH: Final = 16
"""columns that a path keeps before a part of its row is left out"""

Roles = Callable[["OverviewRow"], tuple[str, str]]
"""The roles of a row's label and of its parts."""


def label_dim(row: OverviewRow) -> tuple[str, str]:
    """What the machine says is bright, what we say about it is not."""
    return "dim", ""


def overview_lines(
    rows: Iterable[OverviewRow], width: int | None, glyphs: Glyphs, roles: Roles = label_dim
) -> list[Line]:
    """Return the lines. width: columns of the terminal; None to leave nothing out"""
    if width is None:
        return _column(list(rows), sys.maxsize, glyphs, roles)
    shown = [row for row in rows if row.is_main or width >= NARROW_COLUMNS]
    left = [row for row in shown if not row.is_device]
    right = [row for row in shown if row.is_device]
    if width < WIDE_COLUMNS or not (left and right):
        return _column(shown, width, glyphs, roles)
    natural = max(text_columns(plain(line)) for line in _column(left, width, glyphs, roles))
    room = min(natural, (width - len(_GAP)) // 2)
    begins = _column(left, room, glyphs, roles)
    ends = _column(right, width - room - len(_GAP), glyphs, roles)
    return [
        _joined(begin, end, room) for begin, end in zip_longest(begins, ends, fillvalue=_NOTHING)
    ]


_NOTHING: Line = []


def _joined(begin: Line, end: Line, room: int) -> Line:
    if not end:
        return begin
    blank = " " * (room - text_columns(plain(begin))) + _GAP
    return [*begin, ("", blank), *end]


def _column(rows: Sequence[OverviewRow], width: int, glyphs: Glyphs, roles: Roles) -> list[Line]:
    labels = [_label(row.label, glyphs) for row in rows]
    widest = max(map(text_columns, labels), default=0)
    room = max(1, width - widest - len(_GAP))
    lines: list[Line] = []
    for row, label in zip(rows, labels, strict=True):
        of_label, of_text = roles(row)
        text = _row_text(row, room, glyphs)
        lines.append(
            [(of_label, padded(label, widest, "", right=False)), ("", _GAP), (of_text, text)]
        )
    return lines


def _label(label: str, glyphs: Glyphs) -> str:
    return without_middle(visible_word(label), _MAX_LABEL, glyphs.more)


def _row_text(row: OverviewRow, room: int, glyphs: Glyphs) -> str:
    """Return as much of a row as fits; what is left out of a list is counted."""
    between = f" {glyphs.dot} "
    parts = [part._replace(text=_safe(part.text, glyphs)) for part in row.parts]
    shown = parts
    for shown, least in _fewer(parts, room):
        count = [f"+{len(parts) - len(shown)}"] if row.is_list and len(shown) < len(parts) else []
        over = text_columns(between.join([*(part.text for part in shown), *count])) - room
        texts = _fitted(shown, over, least, glyphs)
        if texts is not None:
            return between.join([*texts, *count])
    text = between.join(part.text for part in shown)
    return padded(text, room, glyphs.more, right=False).rstrip()


def _fewer(parts: list[RowPart], room: int) -> Iterator[tuple[list[RowPart], int]]:
    """Yield all parts that may fit, then ever fewer: without the one that matters least, to the
    last; and with each the least columns of a path, of the last ones at the end a single one.
    """
    ranked = sorted((part for part in parts if part.rank), key=lambda part: -part.rank)
    order = ranked if len(ranked) < len(parts) else ranked[:-1]
    # More parts than columns never fit; a server may list any number.
    for count in range(min(len(order), max(0, len(parts) - room)), len(order) + 1):
        dropped = {id(part) for part in order[:count]}
        shown = [part for part in parts if id(part) not in dropped]
        yield shown, _MIN_PATH
    yield shown, 1


def _safe(text: str, glyphs: Glyphs) -> str:
    return visible_word(text).replace(UNICODE.times, glyphs.times)


def _fitted(parts: Sequence[RowPart], over: int, least: int, glyphs: Glyphs) -> list[str] | None:
    """Return the texts with `over` columns less in the paths, longest first; None if one would
    keep less than `least` columns.
    """
    texts = [part.text for part in parts]
    for columns, place in sorted(_paths(parts), reverse=True):
        if over > 0:
            keeps = max(min(columns, least), columns - over)
            texts[place] = without_middle(texts[place], keeps, glyphs.more)
            over -= columns - text_columns(texts[place])
    return texts if over <= 0 else None


def _paths(parts: Sequence[RowPart]) -> Iterator[tuple[int, int]]:
    """Yield columns and place of each path."""
    for place, part in enumerate(parts):
        if part.is_path:
            yield text_columns(part.text), place
