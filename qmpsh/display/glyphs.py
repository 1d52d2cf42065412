"""The characters on a screen, by exact comparison with the glyphs of a font.

The picture is cut into cells. A cell of two colours is a shape: one bit a pixel, set where it is
not the background. A shape that a font has is its character, in inverse video too; every other
cell with something in it is unknown, and never guessed. A screen of which less than `TEXT_SHARE` is
known is a picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

from qmpsh.display.fonts import CELL_HEIGHT, CELL_WIDTH, Bits, Font
from qmpsh.display.picture import CHANNELS, Picture
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Final

UNKNOWN: Final = "\ufffd"
"""stands for a cell that is none of a font's glyphs"""

TEXT_SHARE: Final = 0.6
"""of the cells with something in them, known: with less it is a picture"""

_BLANK: Final = " "
_NINE: Final = 9
"""pixels of a cell of VGA text: the ninth column is blank, or repeats the eighth"""
_CURSOR_ROWS: Final = 3
"""of 16 rows of a cell, from the bottom: where a cursor may be"""

_SAMPLED: Final = 13
"""one of so many cells is looked at before all are"""
_MIN_SAMPLE: Final = 32
_PHOTOGRAPH_SHARE: Final = 0.9

_MAX_SHAPES: Final = 1024
"""that differ: no text has more, and a photograph would take long to compare with every font"""
_MAX_PIECES: Final = 16 * _MAX_SHAPES
"""that differ, a shape in many colours: a drawing in two colours would take long to cut"""


class TextCell(NamedTuple):
    """A cell of at most two colours. bits: set where it is ink; ink, paper: three bytes each"""

    bits: Bits
    ink: bytes
    paper: bytes


class CellShape(NamedTuple):
    """What one or more cells look like. variants: its bits as a font may have them"""

    variants: tuple[Bits, ...]
    cells: int


class CellGrid(NamedTuple):
    """A picture cut into cells, row by row.

    cells:  None for one of more than two colours, or one of too many that differ
    shapes: of the bits of each cell with something in it
    area:   of a cell, in pixels
    """

    columns: int
    rows: int
    cells: list[TextCell | None]
    shapes: dict[Bits, CellShape]
    area: int

    @property
    def inked(self) -> int:
        """The number of cells with something in them."""
        return sum(cell is None or cell.bits != 0 for cell in self.cells)


class ScreenText(NamedTuple):
    """The characters of a screen.

    rows:  of as many characters each, unknown cells as UNKNOWN
    known: cells that were found in the font; inked: cells with something in them
    font:  its name, "" where there is none
    grid:  the cells, with their colours
    """

    rows: tuple[str, ...]
    known: int
    inked: int
    font: str
    grid: CellGrid

    @property
    def share(self) -> float:
        """The share of cells that are known, of those with something in them; 1 for none."""
        return self.known / self.inked if self.inked else 1.0

    @property
    def is_text(self) -> bool:
        """Whether it is text, a blank screen included, and no picture."""
        return self.share >= TEXT_SHARE

    @property
    def lines(self) -> list[str]:
        """The rows without blanks at their ends, and without empty rows at the end."""
        lines = [row.rstrip() for row in self.rows]
        while lines and not lines[-1]:
            del lines[-1]
        return lines


# ---------------------------------------------------------------------------- cutting


def cut(picture: Picture, width: int, height: int) -> CellGrid:
    """Cut a picture into cells; what is left over at the right and below is left out.

    width, height: of a cell, in pixels; of nine columns the ninth is no part of a glyph
    """
    columns, rows = picture.width // width, picture.height // height
    step = width * CHANNELS
    pieces = [
        b"".join([line[at : at + step] for line in lines])
        for top in range(0, rows * height, height)
        for lines in [[picture.row(top + index) for index in range(height)]]
        for at in range(0, columns * step, step)
    ]
    paper = _commonest(pieces)
    # In the order of the screen; None for all that are too many.
    some = islice(dict.fromkeys(pieces), _MAX_PIECES)
    known = {piece: _cell(piece, paper) for piece in some}
    cells = [known.get(piece) for piece in pieces]
    counted = Counter([cell.bits for cell in cells if cell is not None and cell.bits])
    shapes = {
        bits: CellShape(_variants(bits, width, height), number) for bits, number in counted.items()
    }
    return CellGrid(columns, rows, cells, shapes, width * height)


def _commonest(pieces: Sequence[bytes]) -> bytes:
    """Return the colour that most cells begin with: the screen's background."""
    counted = Counter([piece[:CHANNELS] for piece in pieces])
    return counted.most_common(1)[0][0] if counted else b""


def _cell(piece: bytes, background: bytes) -> TextCell | None:
    first = piece[:CHANNELS]
    if piece == first * (len(piece) // CHANNELS):
        return TextCell(0, first, first)
    planes = [piece[channel::CHANNELS] for channel in range(CHANNELS)]
    if any(len(set(plane)) > 2 for plane in planes):
        return None
    colours = set(map(bytes, set(zip(*planes, strict=True))))  # of at most eight
    if len(colours) > 2:
        return None
    paper = background if background in colours else first
    (ink,) = colours - {paper}
    channel = next(index for index in range(CHANNELS) if ink[index] != paper[index])
    digits = bytearray(b"0" * 256)
    digits[ink[channel]] = ord("1")
    return TextCell(int(planes[channel].translate(bytes(digits)), 2), ink, paper)


def _variants(bits: Bits, width: int, height: int) -> tuple[Bits, ...]:
    """Return the bits, and those of inverse video, as far as a font can have them."""
    both = (bits, bits ^ ((1 << width * height) - 1))
    if width != _NINE:
        return both
    return tuple(narrow for wide in both if (narrow := _without_ninth(wide, height)) is not None)


def _without_ninth(bits: Bits, height: int) -> Bits | None:
    """Return the first eight columns of nine; None where a VGA would not show the ninth so."""
    rows = [bits >> _NINE * row & 0x1FF for row in reversed(range(height))]
    is_blank = not any(row & 1 for row in rows)
    if not (is_blank or all((row & 3) in (0, 3) for row in rows)):
        return None
    return int.from_bytes(bytes(row >> 1 for row in rows), "big")


# ---------------------------------------------------------------------------- reading


def read_text(picture: Picture, fonts: Iterable[Font]) -> ScreenText:
    """Return the characters of a picture, in the font that knows most of its cells.

    fonts: the likeliest first; none is tried after one that knows all, and of two that know as
           much the first is taken
    """
    if _is_photograph(picture):
        columns, lines = picture.width // CELL_WIDTH, picture.height // CELL_HEIGHT
        grid = CellGrid(columns, lines, [], {}, CELL_WIDTH * CELL_HEIGHT)
        return ScreenText((), 0, columns * lines, "", grid)
    grids: dict[tuple[int, int], CellGrid] = {}
    best: tuple[float, CellGrid, Font] | None = None
    for font in fonts:
        for width in _cell_widths(picture, font.width):
            size = (width, font.height)
            if size not in grids:
                grids[size] = cut(picture, *size)
            grid = grids[size]
            share = _share(grid, font)
            if best is None or share > best[0]:
                best = (share, grid, font)
                found = match(grid, font)
                if found.known == found.inked or len(grid.shapes) > _MAX_SHAPES:
                    return found
    if best is None:
        return match(cut(picture, CELL_WIDTH, CELL_HEIGHT), _NO_FONT)
    return match(best[1], best[2])


def _is_photograph(picture: Picture) -> bool:
    """Whether hardly any of some cells all over a picture has the two colours of a character."""
    rows = range(0, picture.height - CELL_HEIGHT + 1, CELL_HEIGHT)
    step = _cell_widths(picture, CELL_WIDTH)[0] * CHANNELS
    found = []
    for number, top in enumerate(rows):
        first = number % _SAMPLED * step
        lines = [picture.row(top + index) for index in range(CELL_HEIGHT)]
        for at in range(first, picture.stride - step + 1, _SAMPLED * step):
            found.append(_cell(b"".join([line[at : at + step] for line in lines]), b""))
    inked = [cell for cell in found if cell is None or cell.bits]
    unknown = sum(cell is None for cell in inked)
    return len(inked) >= _MIN_SAMPLE and unknown > len(inked) * _PHOTOGRAPH_SHARE


def _cell_widths(picture: Picture, font_width: int) -> tuple[int, ...]:
    """Return how wide cells may be, the likelier first: VGA text has a ninth column."""
    is_vga = font_width + 1 == _NINE and picture.width % _NINE == 0
    return (_NINE, font_width) if is_vga else (font_width,)


_NO_FONT: Final = Font("", CELL_WIDTH, CELL_HEIGHT, {})


def _share(grid: CellGrid, font: Font) -> float:
    """Return the share of cells that are glyphs of a font as they are."""
    known = font.characters
    hits = sum(
        shape.cells
        for shape in grid.shapes.values()
        if any(bits in known for bits in shape.variants)
    )
    return hits / max(1, grid.inked)


def match(grid: CellGrid, font: Font) -> ScreenText:
    """Return the characters of the cells. font: of cells of their size"""
    cursor = CursorRule(font)
    characters = {0: _BLANK}
    known = 0
    for bits, shape in grid.shapes.items():
        exact = (font.characters[way] for way in shape.variants if way in font.characters)
        characters[bits] = next(exact, "") or cursor.character(shape)
        known += shape.cells if characters[bits] != UNKNOWN else 0
    text = "".join([UNKNOWN if cell is None else characters[cell.bits] for cell in grid.cells])
    rows = tuple(text[at : at + grid.columns] for at in range(0, len(text), grid.columns or 1))
    return ScreenText(rows, known, grid.inked, font.name, grid)


class CursorRule:
    """What a cell shows below a cursor, or a line below the text: in the last rows of a cell.

    Each of these rows is the glyph's, or its inverse, or all ink. It is a character if only one has
    such a glyph. Nothing but a cursor is a blank, of which a screen has one.
    """

    def __init__(self, font: Font) -> None:
        self._width = font.width
        self._rows = max(1, font.height * _CURSOR_ROWS // CELL_HEIGHT)
        self._full = (1 << font.width) - 1
        self._uppers: dict[Bits, list[Bits]] = {}
        self._characters = font.characters

    def character(self, shape: CellShape) -> str:
        """Return the character of a shape that is no glyph; UNKNOWN for none."""
        for bits in shape.variants:
            if not self._upper(bits):
                is_cursor = shape.cells == 1 and self._is_below(bits, 0)
                return _BLANK if is_cursor else UNKNOWN
        found = {
            self._characters[glyph]
            for bits in shape.variants
            for glyph in self._glyphs(self._upper(bits))
            if self._is_below(bits, glyph)
        }
        return found.pop() if len(found) == 1 else UNKNOWN

    def _upper(self, bits: Bits) -> Bits:
        return bits >> self._rows * self._width

    def _glyphs(self, upper: Bits) -> list[Bits]:
        """Return the glyphs that have these rows above the last ones."""
        if not self._uppers:
            for glyph in self._characters:
                self._uppers.setdefault(self._upper(glyph), []).append(glyph)
        return self._uppers.get(upper, [])

    def _is_below(self, bits: Bits, glyph: Bits) -> bool:
        """Whether the last rows are those of a glyph with a cursor."""
        for row in range(self._rows):
            here = bits >> row * self._width & self._full
            own = glyph >> row * self._width & self._full
            if here not in (own, own ^ self._full, self._full):
                return False
        return True
