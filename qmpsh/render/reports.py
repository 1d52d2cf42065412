"""The differences of two schemas as lines of a given width, safe to show."""

from __future__ import annotations

import sys

from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.safe import visible_line
from qmpsh.render.theme import Line

if TYPE_CHECKING:
    from qmpsh.schema.tools.report import SchemaReport


def report_lines(report: SchemaReport, width: int | None) -> list[Line]:
    """Return the lines. width: columns of the terminal; None to break no line"""
    lines = report.lines(sys.maxsize if width is None else width)
    return [[(role, visible_line(text)) for role, text in line] for line in lines]
