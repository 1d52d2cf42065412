"""The lines of a tree, in Unicode or ASCII, each as wide as the terminal at most.

Pure. In a line that is too long a path loses its middle, then what is said last goes, then the line
is cut. Far below the top the connectors lose their beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.answers import AnswerBody, Drawing, drawn_body
from qmpsh.render.safe import visible_word
from qmpsh.render.tables import beginning, text_columns, without_middle
from qmpsh.render.theme import UNICODE, Glyphs, Line
from qmpsh.shell.trees.node import connectors, walk

if TYPE_CHECKING:
    from qmpsh.shell.trees.node import TreeNode

_GAP: Final = "  "
"""between the parts of a line"""
_MIN_PATH: Final = 16
"""columns that a path keeps before a part of its line is left out"""


def tree_lines(roots: Iterable[TreeNode], width: int | None, glyphs: Glyphs) -> list[Line]:
    """Return the lines. width: columns of the terminal; None to leave nothing out"""
    return [_line(place, node, width, glyphs) for place, node in walk(roots)]


class TreeDrawing(Drawing):
    """The drawing of a tree, whole in any height."""

    def __init__(self, roots: Sequence[TreeNode], glyphs: Glyphs) -> None:
        super().__init__()
        self._roots = roots
        self._glyphs = glyphs

    def _lay_out(self, columns: int | None, height: int | None) -> list[Line]:
        return tree_lines(self._roots, columns, self._glyphs)


def tree_body(roots: Sequence[TreeNode], glyphs: Glyphs) -> AnswerBody:
    """Return what is shown of a tree, whole, and for each width as it fits."""
    return drawn_body(TreeDrawing(roots, glyphs))


def _line(place: Sequence[bool], node: TreeNode, width: int | None, glyphs: Glyphs) -> Line:
    before = _connectors(place, width, glyphs)
    label, name = _safe(node.label, glyphs), _safe(node.name, glyphs)
    label += " " if label and name else ""
    if width is not None:
        label = _cut(label, width - text_columns(before), glyphs)
        name = _cut(name, width - text_columns(before + label), glyphs)
    room = None if width is None else width - text_columns(before + label + name)
    mark = _GAP + _safe(node.mark, glyphs) if node.mark else ""
    if room is not None:
        mark = _cut(mark, room, glyphs)
        room -= text_columns(mark)
    said = [("", text) for text in _said(node, room, glyphs)]
    line: Line = [("rule", before), ("dim", label), ("json.key", name), *said, ("dim", mark)]
    return [(role, text) for role, text in line if text]


def _connectors(place: Sequence[bool], width: int | None, glyphs: Glyphs) -> str:
    text = connectors(place, glyphs.stem, glyphs.branch, glyphs.last_branch)
    if width is None or len(text) <= width // 2:
        return text
    keeps = max(len(glyphs.branch), width // 2 - len(glyphs.more))
    return beginning(glyphs.more + text[len(text) - keeps :] if keeps < len(text) else text, width)


def _said(node: TreeNode, room: int | None, glyphs: Glyphs) -> list[str]:
    """Return what is said of a node, as much as fits. room: columns; None for no limit"""
    # Of a node without a label or a name it is the beginning of the line.
    first = _GAP if node.label or node.name else ""
    about = [(_GAP if at else first) + _safe(text, glyphs) for at, text in enumerate(node.about)]
    path, gap = _safe(node.path, glyphs), _GAP if node.path else ""
    if room is None:
        return [*about, gap + path]
    room -= len(gap)
    for count in range(len(about), -1, -1):
        left = room - sum(map(text_columns, about[:count]))
        if left >= min(text_columns(path), _MIN_PATH):
            return [*about[:count], gap + without_middle(path, left, glyphs.more)]
    return []


def _cut(text: str, columns: int, glyphs: Glyphs) -> str:
    """Return a text that takes at most so many columns, nothing where there are none."""
    return text if text_columns(text) <= columns else without_middle(text, columns, glyphs.more)


def _safe(text: str, glyphs: Glyphs) -> str:
    return visible_word(text).replace(UNICODE.more, glyphs.more)
