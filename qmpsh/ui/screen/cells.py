"""The cells of a terminal: what it shows, and the shortest text that makes it show something else.

Knows the escape sequences that move, colour and erase, and no terminal. Only sequences that every
terminal of the full screen has are used: ECMA-48's, and no erasing with a background colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from qmpsh.light_typing import NamedTuple
from qmpsh.patterns import LatePattern

_GAP = 4
"""most cells that are written once more instead of moving over them"""

_WORTH = 80
"""fewest cells that are moved by scrolling instead of written"""

_ROWS = 4
"""fewest rows that change where scrolling is thought of, which takes longer than a key does"""

_FEW = 40
"""most runs that are written look by look; of more, the eye would see what comes first"""

_PART = LatePattern(r"[34]8;5;\d+|[34]8;2;\d+;\d+;\d+|\d+")
_FORE = LatePattern(r"38;|3[0-79]|9[0-7]")
_BACK = LatePattern(r"48;|4[0-79]|10[0-7]")
_IN_FRONT = frozenset({"1", "2", "3", "5"})
"""what is not seen in a blank: bold, dim, italic, blinking"""


class Cell(NamedTuple):
    """A character with what is combined with it, "" in the second half of a wide one.

    look: the parameters of SGR, after a reset
    """

    text: str
    look: str


_BLANK = Cell(" ", "")


class CellRun:
    """Cells beside each other that are written in one look; x, y: of the first."""

    __slots__ = ("end", "is_certain", "look", "text", "x", "y")

    def __init__(self, x: int, y: int, look: str) -> None:
        self.x, self.y, self.look = x, y, look
        self.text = ""
        self.end = x
        self.is_certain = True

    @property
    def is_blank(self) -> bool:
        """Whether it looks the same in any look that blanks do not show."""
        return not self.look and self.text.isspace()

    def takes(self, cell: Cell) -> bool:
        """Whether a cell may follow: terminals disagree on where what is not plain ends."""
        is_same = cell.look == self.look or (cell == _BLANK and not _is_seen_in_blank(self.look))
        return is_same and self.is_certain and bool(cell.text)

    def add(self, cell: Cell) -> None:
        """Append a cell, or the second half of the last one."""
        self.text += cell.text
        self.end += 1
        self.is_certain = len(cell.text) == 1


Rows = Mapping[int, dict[int, Cell]]
"""the cells of rows, by their columns"""


class Cells:
    """The cells of a terminal, where its cursor is, and the look that it writes in.

    What is put is written by `changes`, as far as it is not what is shown there already.
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._shown: dict[int, dict[int, Cell]] = {}
        self._wanted: dict[int, dict[int, Cell]] = {}
        self._at: tuple[int, int] | None = None
        self._look = ""
        self._text: list[str] = []

    def put(self, x: int, y: int, text: str, width: int, look: str) -> None:
        """Let a cell show a character. width: in cells; look: see `Cell`"""
        row = self._wanted.setdefault(y, {})
        is_bare = text == " " and not _is_seen_in_blank(look)
        row[x] = _BLANK if is_bare else Cell(text, look)
        for second in range(x + 1, x + width):
            row[second] = Cell("", look)

    def clear_after(self, x: int, y: int) -> None:
        """Let the cells from x to the end of a row be blank."""
        row = self._wanted.setdefault(y, {})
        for column in {*self._shown.get(y, ()), *row}:
            if column >= x:
                row[column] = _BLANK

    def changes(self, x: int, y: int) -> str:
        """Return what makes the terminal show what was put, and leaves its cursor at a place."""
        self._scroll()
        runs = [run for row in sorted(self._wanted) for run in self._take(row)]
        if len(runs) <= _FEW:
            looks = list(dict.fromkeys(run.look for run in runs))
            runs.sort(key=lambda run: looks.index(run.look))
        for run in runs:
            self._write(run)
        self._set_look("")
        self._go(x, y)
        text = "".join(self._text)
        self._text.clear()
        return text

    def _scroll(self) -> None:
        """Move rows up that are wanted above where they are, as lines of an output are."""
        if len(self._wanted) < _ROWS:
            return
        rows = {y: {**self._shown.get(y, {}), **row} for y, row in self._wanted.items()}
        found = find_scroll(self._shown, rows)
        if found is None:
            return
        top, bottom, count = found
        self._text += [f"\x1b[{top + 1};{bottom + 1}r\x1b[{bottom + 1}H", "\n" * count, "\x1b[r"]
        self._at = None
        for y in range(top, bottom + 1):
            row = rows.get(y) or self._shown.get(y, {})
            moved = self._shown.get(y + count, {}) if y + count <= bottom else {}
            self._wanted[y] = {x: row.get(x, _BLANK) for x in {**moved, **row}}
            self._shown[y] = dict(moved)

    def _take(self, y: int) -> list[CellRun]:
        """Return the runs of what changes in a row, which counts as shown from now on."""
        row, wanted = self._shown.setdefault(y, {}), self._wanted.pop(y)
        changed = sorted(x for x, cell in wanted.items() if cell != row.get(x, _BLANK))
        row.update(wanted)
        end = max([-1, *[x for x, cell in row.items() if cell != _BLANK]]) + 1
        runs: list[CellRun] = []
        for x in changed:
            if x >= end:  # without a text: what is after it is erased
                return [*runs, CellRun(x, y, "")]
            if not row[x].text:
                runs[-1].add(row[x])
                continue
            gap = _between(row, runs[-1], x) if runs else None
            if gap is None or not runs[-1].takes(row[x]):
                runs.append(CellRun(x, y, row[x].look))
                gap = []
            for cell in [*gap, row[x]]:
                runs[-1].add(cell)
        return runs

    def _write(self, run: CellRun) -> None:
        self._go(run.x, run.y)
        if not (run.is_blank and not _is_seen_in_blank(self._look)):
            self._set_look(run.look)
        self._text.append(run.text or "\x1b[K")
        self._at = (run.end, run.y) if run.is_certain and run.end < self._columns else None

    def _set_look(self, look: str) -> None:
        if look != self._look:
            self._text.append(change_of_look(self._look, look))
            self._look = look

    def _go(self, x: int, y: int) -> None:
        if self._at != (x, y):
            self._text.append(move(self._at, x, y))
            self._at = (x, y)


def find_scroll(shown: Rows, wanted: Rows) -> tuple[int, int, int] | None:
    """Return the first and the last row of a part of the screen that moves up, and by how many
    rows; None where writing it is shorter.

    wanted: whole rows that change
    """
    old = {_content(row): y for y, row in sorted(shown.items(), reverse=True)}
    moved: dict[int, list[int]] = {}
    for y, row in wanted.items():
        content = _content(row)
        count = old.get(content, y) - y
        if content and count > 0:
            moved.setdefault(count, []).append(y)
    saved = {count: sum(len(_content(wanted[y])) for y in rows) for count, rows in moved.items()}
    count = max(saved, key=lambda count: saved[count], default=0)
    if not count:
        return None
    top, bottom = min(moved[count]), max(moved[count]) + count
    still = [_content(shown.get(y, {})) for y in range(top, bottom + 1) if y not in wanted]
    return (top, bottom, count) if saved[count] - sum(map(len, still)) >= _WORTH else None


def _content(row: dict[int, Cell]) -> frozenset[tuple[int, Cell]]:
    return frozenset((x, cell) for x, cell in row.items() if cell != _BLANK)


def _between(row: dict[int, Cell], run: CellRun, x: int) -> list[Cell] | None:
    """Return the cells between a run and a place if it may take them, else None."""
    if x - run.end > _GAP:
        return None
    cells = [row.get(column, _BLANK) for column in range(run.end, x)]
    return cells if all(len(cell.text) == 1 and run.takes(cell) for cell in cells) else None


@lru_cache(maxsize=256)
def _is_seen_in_blank(look: str) -> bool:
    return any(part not in _IN_FRONT and not _FORE.match(part) for part in _PART.findall(look))


@lru_cache(maxsize=1024)
def change_of_look(old: str, new: str) -> str:
    """Return the sequence that turns one look into another: as a rule what is added to it."""
    before, after = _PART.findall(old), _PART.findall(new)
    replaced = [kind for kind in (_FORE, _BACK) if any(kind.match(part) for part in after)]
    gone = [part for part in before if part not in after]
    if all(any(kind.match(part) for kind in replaced) for part in gone):
        return f"\x1b[{';'.join(part for part in after if part not in before)}m"
    return f"\x1b[0;{new}m" if new else "\x1b[m"


def move(at: tuple[int, int] | None, x: int, y: int) -> str:
    """Return the shortest sequence that moves the cursor. at: where it is, None if not known"""
    ways = [f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H"]
    if at is not None and at[1] == y:
        ways += ["\r"] if x == 0 else []
        ways.append(_steps(x - at[0], "C", "D"))
    elif at is not None and at[0] == x:
        ways.append(_steps(y - at[1], "B", "A"))
    return min(ways, key=len)


def _steps(count: int, ahead: str, back: str) -> str:
    number = "" if abs(count) == 1 else str(abs(count))
    return f"\x1b[{number}{ahead if count > 0 else back}"
