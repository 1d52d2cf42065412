"""A VM's screen in the cells of a terminal: its characters in their colours, or half blocks."""

from __future__ import annotations

from qmpsh.display.blocks import BlockRun, half_blocks
from qmpsh.display.forms import BLOCKS
from qmpsh.display.screen import Screen, text_runs
from qmpsh.render.answers import AnswerBody, Drawing, drawn_body, text_body
from qmpsh.render.safe import visible_word
from qmpsh.render.theme import LITERAL, UNICODE, Glyphs, Line

_NO_UNICODE = "{text}; drawing it takes a terminal with UTF-8"

_NATURAL_COLUMNS = 80
"""of a drawing whose width is not known"""


class ScreenDrawing(Drawing):
    """The drawing of a screen. rows: at most, of a picture"""

    def __init__(self, screen: Screen, rows: int) -> None:
        super().__init__()
        self.screen = screen
        self._rows = rows

    def _lay_out(self, columns: int | None, height: int | None) -> list[Line]:
        width = _NATURAL_COLUMNS if columns is None else columns
        if _is_picture(self.screen):
            rows = self._rows if height is None else min(self._rows, height)
            return [_line(runs) for runs in half_blocks(self.screen.picture, width, rows)]
        return [_cut(_line(runs), width) for runs in text_runs(self.screen.text)]


def screen_body(screen: Screen, text: str, columns: int, rows: int, glyphs: Glyphs) -> AnswerBody:
    """Return a screen as large as fits; a text that is wider is left to be wrapped.

    text: what is shown where nothing can be drawn; rows: at most, of a picture
    """
    is_picture = _is_picture(screen)
    if glyphs is not UNICODE:
        return text_body(_NO_UNICODE.format(text=text) if not screen.text.is_text else text)
    if not is_picture and max(map(len, screen.text.lines), default=0) > columns:
        return text_body(text)
    return drawn_body(ScreenDrawing(screen, rows), columns)


def _is_picture(screen: Screen) -> bool:
    return screen.form == BLOCKS or not screen.text.is_text


def _line(runs: list[BlockRun]) -> Line:
    return [(f"{LITERAL}{run.ink} bg:{run.paper}", visible_word(run.text)) for run in runs]


def _cut(line: Line, columns: int) -> Line:
    """Cut a line of text, of one column each character."""
    left, cut = columns, []
    for role, text in line:
        cut.append((role, text[:left]))
        left -= len(text[:left])
    return [(role, text) for role, text in cut if text]
