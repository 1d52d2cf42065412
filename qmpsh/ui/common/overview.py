"""The machine at a glance on the first screen: rows, and lines to try.

Dim, as all that the shell says unasked; a row that is not as it was at the last connection to this
machine is not.
"""

from __future__ import annotations

from qmpsh.render.overview import overview_lines
from qmpsh.render.tables import text_columns
from qmpsh.render.theme import Glyphs, Line
from qmpsh.shell.overview.first import FirstOverview, shortened_rows, try_rows
from qmpsh.shell.overview.rows import OverviewRow
from qmpsh.shell.overview.seen import key_of

_BLANK: Line = []
_MORE: Line = [("dim", ".status shows all")]
_TRY_COLUMNS = len("try  ")


def first_lines(
    overview: FirstOverview, width: int | None, glyphs: Glyphs, most: int | None = None
) -> list[Line]:
    """Return the lines, a blank one before each part.

    width: columns, None to cut nothing
    most:  lines, None for no limit; left out are first those to try, then the blank one, then rows
    """
    changed = overview.changed()

    def roles(row: OverviewRow) -> tuple[str, str]:
        return ("", "") if key_of(row) in changed else ("dim", "dim")

    # A line to try is of no use without its end.
    tries = [row for row in try_rows(overview.tries) if width is None or _columns(row) <= width]
    shown = overview_lines(shortened_rows(overview.rows), width, glyphs, roles)
    lines = [_BLANK, *shown] if shown else []
    if tries and (most is None or len(lines) + 1 + len(tries) <= most):
        return [*lines, _BLANK, *overview_lines(tries, width, glyphs, roles)]
    if most is None or len(lines) <= most:
        return lines
    return shown if len(shown) <= most else [*shown[: most - 1], _MORE]


def _columns(row: OverviewRow) -> int:
    """Return the columns of a line to try."""
    return _TRY_COLUMNS + text_columns(row.parts[0].text)
