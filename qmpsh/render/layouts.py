"""Rows that are laid out for the width of the screen: those of an overview, or a tree."""

from __future__ import annotations

from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qmpsh.render.theme import Glyphs, Line
    from qmpsh.shell.steps import Rows


def row_lines(rows: Rows, width: int | None, glyphs: Glyphs) -> list[Line]:
    """Return their lines. width: columns of the terminal; None to leave nothing out"""
    # Imported here: few answers have rows, and each of one kind.
    from qmpsh.shell.trees.node import TreeNode

    nodes = [node for node in rows if isinstance(node, TreeNode)]
    if nodes:
        from qmpsh.render.trees import tree_lines

        return tree_lines(nodes, width, glyphs)
    from qmpsh.render.overview import overview_lines

    return overview_lines([row for row in rows if not isinstance(row, TreeNode)], width, glyphs)
