"""What is laid out for the width of the screen: an overview, a tree, a report."""

from __future__ import annotations

from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qmpsh.render.answers import AnswerBody
    from qmpsh.render.theme import Glyphs, Line
    from qmpsh.shell.steps import Rows


def row_lines(rows: Rows, width: int | None, glyphs: Glyphs) -> list[Line]:
    """Return their lines. width: columns of the terminal; None to leave nothing out"""
    # Imported here: few answers have rows, and each of one kind.
    from qmpsh.schema.tools.report import SchemaReport
    from qmpsh.shell.trees.node import TreeNode

    if isinstance(rows[0], SchemaReport):
        from qmpsh.render.reports import report_lines

        return report_lines(rows[0], width)
    nodes = [row for row in rows if isinstance(row, TreeNode)]
    if nodes:
        from qmpsh.render.trees import tree_lines

        return tree_lines(nodes, width, glyphs)
    from qmpsh.render.overview import overview_lines
    from qmpsh.shell.overview.rows import OverviewRow

    return overview_lines([row for row in rows if isinstance(row, OverviewRow)], width, glyphs)


def row_body(rows: Rows, width: int, glyphs: Glyphs) -> AnswerBody:
    """Return what is shown of them: a tree follows the width of the screen, the others are laid out
    once.
    """
    from qmpsh.shell.trees.node import TreeNode

    nodes = [row for row in rows if isinstance(row, TreeNode)]
    if nodes:
        from qmpsh.render.trees import tree_body

        return tree_body(nodes, glyphs)
    from qmpsh.render.answers import styled_body

    return styled_body(row_lines(rows, width, glyphs))
