"""A screen to be drawn on a terminal: its picture in one of the protocols, its text in colours."""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.display.blocks import BlockRun
from qmpsh.display.forms import AUTO, ITERM, KITTY, SIXEL
from qmpsh.display.glyphs import UNKNOWN, ScreenText, TextCell
from qmpsh.display.iterm import iterm_sequence
from qmpsh.display.kitty import kitty_sequence
from qmpsh.display.picture import Picture
from qmpsh.display.scale import fitting_size, scale_down
from qmpsh.display.sixel import sixel_sequence
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Final

Encode = Callable[[Picture, int, int], str]
"""Returns the sequence that shows a picture in so many columns and rows."""

_CELL_WIDTH, _CELL_HEIGHT = 8, 16
"""pixels of a terminal's cell, which sixels must reckon with; more are in it as a rule"""

_UNKNOWN_INK, _UNKNOWN_PAPER = "#ffffff", "#000000"


def _sixels(picture: Picture, columns: int, rows: int) -> str:
    size = fitting_size(picture, columns * _CELL_WIDTH, rows * _CELL_HEIGHT)
    return sixel_sequence(scale_down(picture, *size))


ENCODERS: Final[dict[str, Encode]] = {
    KITTY: kitty_sequence,
    ITERM: iterm_sequence,
    SIXEL: _sixels,
}
"""What writes each of PROTOCOLS."""


class Screen(NamedTuple):
    """What a VM's display shows. form: in which it is to be drawn, one of FORMS"""

    picture: Picture
    text: ScreenText
    form: str = AUTO

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to see."""
        return not self.text.inked


def encoded(screen: Screen, form: str, columns: int, rows: int) -> tuple[str, int]:
    """Return the sequence that shows the picture in at most so many cells, and the rows it takes.

    form: of ENCODERS
    """
    cells = fitting_size(screen.picture, columns * _CELL_WIDTH, rows * _CELL_HEIGHT)
    width, height = -(-cells[0] // _CELL_WIDTH), -(-cells[1] // _CELL_HEIGHT)
    return ENCODERS[form](screen.picture, width, height), height


def text_runs(text: ScreenText) -> list[list[BlockRun]]:
    """Return the rows of a text in the colours of the screen, without empty ones at the end."""
    columns, _, cells, _, area = text.grid
    return [
        _runs(text.rows[row], cells[row * columns : (row + 1) * columns], area)
        for row in range(len(text.lines))
    ]


def _runs(row: str, cells: list[TextCell | None], area: int) -> list[BlockRun]:
    runs: list[BlockRun] = []
    for char, cell in zip(row, cells, strict=True):
        ink, paper = _colours(char, cell, area)
        last = runs[-1] if runs else None
        if last is not None and last.paper == paper and (last.ink == ink or not char.strip()):
            runs[-1] = last._replace(text=last.text + char)
        else:
            runs.append(BlockRun(ink, paper, char))
    return runs


def _colours(char: str, cell: TextCell | None, area: int) -> tuple[str, str]:
    """Return ink and paper of a cell: of the two colours of a character the ink is the rarer.

    area: of a cell, in pixels
    """
    if cell is None:
        return _UNKNOWN_INK, _UNKNOWN_PAPER
    ink, paper = f"#{cell.ink.hex()}", f"#{cell.paper.hex()}"
    is_inverse = char != UNKNOWN and cell.bits.bit_count() * 2 > area
    return (paper, ink) if is_inverse else (ink, paper)
