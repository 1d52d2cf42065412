"""A terminal's cells as an SVG drawing: text in runs of one style, lines and bars as shapes.

Knows pyte's screen and nothing of what is on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple
from xml.sax.saxutils import escape

from pyte.screens import Char

FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
SIZE = 14
WIDTH, HEIGHT = 8.4, 18.0
"""of a cell"""
PADDING = 12.0
BASELINE = 13.5
WORDS = re.compile(r"\S+(?: \S+)*")
REST = "\0"
"""the second cell of a wide character, in which pyte has no text"""

# As pyte names the colours that a terminal has by itself; the themes use none of them.
NAMED = {"black": "000000", "white": "ffffff", "brightblack": "767676"}


class Terminal(NamedTuple):
    """The colours that a terminal has where nothing is said of them, as rrggbb."""

    fore: str
    back: str


DARK = Terminal("e4e4e4", "1c1c1c")
LIGHT = Terminal("1c1c1c", "ffffff")


class Look(NamedTuple):
    """Colours as rrggbb."""

    fore: str
    back: str
    bold: bool
    decoration: str


class Run(NamedTuple):
    """Neighbouring cells of one look; column: of the first, counted from 0."""

    column: int
    cells: int
    text: str
    look: Look


class Picture(NamedTuple):
    """rows: each its cells, all as many; cursor: column and row, None when hidden."""

    rows: Sequence[Sequence[Char]]
    cursor: tuple[int, int] | None
    title: str
    terminal: Terminal = DARK


def draw(picture: Picture) -> str:
    """The drawing as a file's text."""
    terminal = picture.terminal
    columns, rows = len(picture.rows[0]), len(picture.rows)
    width, height = columns * WIDTH + 2 * PADDING, rows * HEIGHT + 2 * PADDING
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="{escape(FONT)}" '
        f'font-size="{SIZE}" fill="#{terminal.fore}">',
        f"<title>{escape(picture.title)}</title>",
        f'<rect width="100%" height="100%" rx="8" fill="#{terminal.back}"/>',
        f'<g transform="translate({PADDING:g} {PADDING:g})">',
    ]
    all_runs = [
        (row, run) for row, cells in enumerate(picture.rows) for run in runs(cells, terminal)
    ]
    lines += [
        rect(run.column, row, run.cells, f'fill="#{run.look.back}"')
        for row, run in all_runs
        if run.look.back != terminal.back
    ]
    if picture.cursor is not None:
        column, row = picture.cursor
        lines.append(rect(column, row, 1, f'fill="#{terminal.fore}" fill-opacity="0.7"'))
    for row, same_row in groupby(all_runs, key=lambda pair: pair[0]):
        lines += row_lines(row, [run for _, run in same_row], terminal.fore)
    return "\n".join([*lines, "</g>", "</svg>", ""])


def runs(cells: Sequence[Char], terminal: Terminal) -> Iterator[Run]:
    """The runs of a row, blank ones included; a shape is no part of a text."""
    column = 0
    for (look, _), group in groupby(
        cells, key=lambda cell: (look_of(cell, terminal), shape_of(cell.data))
    ):
        texts = [cell.data or REST for cell in group]
        yield Run(column, len(texts), "".join(texts), look)
        column += len(texts)


def look_of(cell: Char, terminal: Terminal) -> Look:
    """How a cell looks."""
    fore, back = colour(cell.fg, terminal.fore), colour(cell.bg, terminal.back)
    if cell.reverse:
        fore, back = back, fore
    marks = [("underline", cell.underscore), ("line-through", cell.strikethrough)]
    decoration = " ".join(name for name, is_set in marks if is_set)
    return Look(fore, back, cell.bold, decoration)


def colour(name: str, default: str) -> str:
    """pyte's name of a colour as rrggbb."""
    return default if name == "default" else NAMED.get(name, name)


def rect(column: int, row: int, cells: int, style: str) -> str:
    """Some cells, filled."""
    return (
        f'<rect x="{column * WIDTH:g}" y="{row * HEIGHT:g}" width="{cells * WIDTH:g}" '
        f'height="{HEIGHT:g}" {style}/>'
    )


def row_lines(row: int, found: list[Run], fore: str) -> Iterator[str]:
    """The shapes of a row, then its text as one element; fore: what the drawing fills with."""
    texts: list[str] = []
    for run in found:
        if run.text[:1] in SHAPES:
            yield shape(run, row)
        else:
            texts += tspans(run, fore)
    if texts:
        y = row * HEIGHT + BASELINE
        yield f'<text y="{y:g}" xml:space="preserve">{"".join(texts)}</text>'


def tspans(run: Run, fore: str) -> Iterator[str]:
    """The words of a run, each held to its columns whatever the font."""
    look = run.look
    style = "" if look.fore == fore else f' fill="#{look.fore}"'
    style += ' font-weight="bold"' if look.bold else ""
    style += f' text-decoration="{look.decoration}"' if look.decoration else ""
    for words in WORDS.finditer(run.text):
        x, length = (run.column + words.start()) * WIDTH, len(words[0]) * WIDTH
        text = escape(words[0].replace(REST, ""))
        yield f'<tspan x="{x:g}" textLength="{length:g}"{style}>{text}</tspan>'


# Fonts leave gaps between these, and a rule is to be one line: x, y, width, height in a cell,
# opacity.
SHAPES = {
    "│": (0.5 * WIDTH - 0.5, 0.0, 1.0, HEIGHT, 1.0),
    **{
        mark: (0.0, HEIGHT * (8 - level) / 8, WIDTH, HEIGHT * level / 8, 1.0)
        for level, mark in enumerate("▁▂▃▄▅▆▇█", 1)
    },
    "░": (0.0, 0.0, WIDTH, HEIGHT, 0.3),
}


def shape_of(text: str) -> str:
    """The text itself where it is drawn as a shape."""
    return text if text in SHAPES else ""


def shape(run: Run, row: int) -> str:
    """A rule, or a part of a bar."""
    x, y, width, height, opacity = SHAPES[run.text[0]]
    width += (run.cells - 1) * WIDTH
    style = f'fill="#{run.look.fore}"' + (f' fill-opacity="{opacity:g}"' if opacity < 1 else "")
    return (
        f'<rect x="{run.column * WIDTH + x:g}" y="{row * HEIGHT + y:g}" width="{width:g}" '
        f'height="{height:g}" {style}/>'
    )
