"""A terminal's cells as an SVG drawing, still or moving: text in runs of one style, lines and bars
as shapes.

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
CRISP = 'shape-rendering="crispEdges"'
"""without which there are seams between the backgrounds of rows, at most sizes"""
WORDS = re.compile(r"\S+(?: \S+)*")
REST = "\0"
"""the second cell of a wide character, in which pyte has no text"""

# As pyte names the colours that a terminal has by itself; the themes use none of them.
NAMED = {"black": "000000", "white": "ffffff", "brightblack": "767676"}


class Terminal(NamedTuple):
    """The colours that a terminal has where nothing is said of them, as rrggbb; edge: around it"""

    fore: str
    back: str
    edge: str


DARK = Terminal("e4e4e4", "1c1c1c", "303030")
LIGHT = Terminal("1c1c1c", "ffffff", "d0d0d0")


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


Rows = Sequence[Sequence[Char]]


class Picture(NamedTuple):
    """rows: each its cells, all as many; cursor: column and row, None when hidden."""

    rows: Rows
    cursor: tuple[int, int] | None
    title: str
    terminal: Terminal = DARK


class Frame(NamedTuple):
    """A picture of a film. rows, cursor: as those of a picture; seconds: how long it is shown"""

    rows: Rows
    cursor: tuple[int, int] | None
    seconds: float


def draw(picture: Picture) -> str:
    """The drawing as a file's text."""
    lines = opening(picture.title, size_of(picture.rows), picture.terminal)
    lines.append(f'<g transform="translate({PADDING:g} {PADDING:g})" {CRISP}>')
    for row, cells in enumerate(picture.rows):
        lines += row_drawing(cells, row, picture.terminal)
    lines += cursor_drawing(picture.cursor, picture.terminal)
    return "\n".join([*lines, "</g>", "</svg>", ""])


def draw_film(title: str, frames: Sequence[Frame], terminal: Terminal = DARK) -> str:
    """The frames as a drawing that moves; where nothing moves it is the last one.

    The frames stand side by side, and what is seen of them is one at a time. Each row that occurs
    is drawn once.
    """
    size = size_of(frames[0].rows)
    rows: dict[str, str] = {}
    shown = [line for at, frame in enumerate(frames) for line in _frame(frame, at, rows, terminal)]
    width, height = size
    return "\n".join(
        [
            *opening(title, size, terminal),
            _style(frames, width),
            "<defs>",
            *(f'<g id="{name}">{drawing}</g>' for drawing, name in rows.items()),
            "</defs>",
            f'<svg x="{PADDING:g}" y="{PADDING:g}" width="{width:g}" height="{height:g}" {CRISP}>',
            f'<g class="film" transform="translate({-width * (len(frames) - 1):g} 0)">',
            *shown,
            "</g>",
            "</svg>",
            "</svg>",
            "",
        ]
    )


def _style(frames: Sequence[Frame], width: float) -> str:
    """When which frame is seen."""
    total = sum(frame.seconds for frame in frames)
    steps, now = "", 0.0
    for at, frame in enumerate(frames):
        steps += f"{100 * now / total:.2f}%{{transform:translateX({width * -at:g}px)}}"
        now += frame.seconds
    return (
        f"<style>@keyframes film{{{steps}}}"
        f".film{{animation:film {total:.2f}s step-end infinite}}"
        "@media (prefers-reduced-motion:reduce){.film{animation:none}}</style>"
    )


def _frame(frame: Frame, at: int, rows: dict[str, str], terminal: Terminal) -> Iterator[str]:
    """A frame in its place. rows: the drawings of rows so far, and their names"""
    yield f'<g transform="translate({size_of(frame.rows)[0] * at:g} 0)">'
    for row, cells in enumerate(frame.rows):
        drawing = "".join(row_drawing(cells, 0, terminal))
        if drawing:
            name = rows.setdefault(drawing, f"r{len(rows)}")
            yield f'<use href="#{name}" y="{row * HEIGHT:g}"/>'
    yield from cursor_drawing(frame.cursor, terminal)
    yield "</g>"


def size_of(rows: Rows) -> tuple[float, float]:
    """Width and height of cells, without what is around them."""
    return len(rows[0]) * WIDTH, len(rows) * HEIGHT


def opening(title: str, size: tuple[float, float], terminal: Terminal) -> list[str]:
    """The beginning of a drawing, with its background."""
    width, height = (length + 2 * PADDING for length in size)
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="{escape(FONT)}" '
        f'font-size="{SIZE}" fill="#{terminal.fore}">',
        f"<title>{escape(title)}</title>",
        f'<rect x="0.5" y="0.5" width="{width - 1:g}" height="{height - 1:g}" rx="8" '
        f'fill="#{terminal.back}" stroke="#{terminal.edge}"/>',
    ]


def row_drawing(cells: Sequence[Char], row: int, terminal: Terminal) -> Iterator[str]:
    """The elements of a row: backgrounds, shapes, then its text."""
    found = list(runs(cells, terminal))
    for run in found:
        if run.look.back != terminal.back:
            yield rect(run.column, row, run.cells, f'fill="#{run.look.back}"')
    yield from row_lines(row, found, terminal.fore)


def cursor_drawing(cursor: tuple[int, int] | None, terminal: Terminal) -> list[str]:
    """The cursor, if it is to be seen."""
    if cursor is None:
        return []
    column, row = cursor
    return [rect(column, row, 1, f'fill="#{terminal.fore}" fill-opacity="0.7"')]


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
    if width <= 1:  # crisp it would vanish where the drawing is scaled down
        style += ' shape-rendering="auto"'
    return (
        f'<rect x="{run.column * WIDTH + x:g}" y="{row * HEIGHT + y:g}" width="{width:g}" '
        f'height="{height:g}" {style}/>'
    )
