"""Tables, colours and the progress bar of a batch.

All of it only advises: if it fails, the answer is printed as plain JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from qmpsh.advice import Advice
from qmpsh.display.forms import AUTO
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.environment import Environment
from qmpsh.render.formats import compact, pretty
from qmpsh.render.safe import visible

if TYPE_CHECKING:
    from qmpsh.display.screen import Screen
    from qmpsh.jsontypes import Json
    from qmpsh.render.theme import Line
    from qmpsh.shell.steps import Answer, Rows

CUT_TABLE = "+{} {}: a pipe gets all, as in | less -S"


_OVER = "\r\x1b[{}A\x1b[J"
"""moves the cursor up and erases what is below"""


class BatchFormatter:
    """The guarded formatting of a batch's output."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._advice = Advice(_report, environment.notice)

    def advised(self, kind: str, make: Callable[[], str], without: Callable[[], str]) -> str:
        """See Advice.get."""
        return self._advice.get(kind, make, without)

    def coloured(self, text: str) -> str:
        """Return JSON with colours."""

        def colour() -> str:
            # Imported here, as below: not every answer that is shown so has both.
            from qmpsh.render.answers import json_line

            return self._painted(map(json_line, text.split("\n")))

        return self.advised("colours", colour, lambda: text)

    def table(self, value: Json, *, is_whole: bool) -> str:
        """Return a list as a table: as wide as the terminal, else as wide as it needs to be with
        nested JSON cut. What is not a list is shown as on a screen.

        is_whole: cut nothing, as for a redirect
        """

        def lay_out() -> str:
            from qmpsh.render.lists import MAX_NESTED_COLUMNS, exact_lines

            width, more = self._environment.columns, self._environment.glyphs.more
            if width is not None and not is_whole:
                return self._fitted(value, width, more)
            lines = exact_lines(value, more, None if is_whole else MAX_NESTED_COLUMNS)
            return pretty(value) if lines is None else "\n".join(lines)

        return self.advised("table", lay_out, lambda: compact(value))

    def _fitted(self, value: Json, width: int, more: str) -> str:
        """Return a list as a table on a terminal."""
        from qmpsh.render.answers import table_body

        body = table_body(value, more)
        if body is None:
            return pretty(value)
        lines = [body.line(index, width) for index in range(len(body.lines))]
        return self._painted(lines + body.foot(width, CUT_TABLE))

    def laid_out(self, rows: Rows, text: str) -> str:
        """Return rows laid out for the terminal, with nothing left out without one.

        text: the same, in case of a fault
        """

        def lay_out() -> str:
            from qmpsh.render.layouts import row_lines

            columns, glyphs = self._environment.columns, self._environment.glyphs
            return self._painted(row_lines(rows, columns, glyphs))

        return self.advised("overview", lay_out, lambda: visible(text))

    def drawn(self, answer: Answer, over: list[Line]) -> tuple[str, list[Line]]:
        """Return what draws a plot or a screen on the terminal, and its lines.

        over: those of the last one, which are still the last on the terminal
        """

        def draw() -> tuple[str, list[Line]]:
            from qmpsh.render.plots import rows_taken

            # A full row may wrap, and would then not be drawn over.
            columns = self._environment.columns or 0
            text, lines = self._drawing(answer, columns - 1)
            rows = rows_taken(over, columns)
            return (_OVER.format(rows) if rows else "") + text, lines

        return self._advice.get("layout", draw, lambda: (visible(answer.text or ""), []))

    def _drawing(self, answer: Answer, columns: int) -> tuple[str, list[Line]]:
        """Return the text that draws an answer, and as many lines as it takes."""
        if answer.screen is not None:
            return self._screen(answer.screen, answer.text or "", columns)
        if answer.plot is None:
            return visible(answer.text or ""), []
        from qmpsh.render.plots import PlotDrawing

        lines = PlotDrawing(answer.plot, self._environment.glyphs).lines(columns)
        return self._painted(lines), lines

    def _screen(self, screen: Screen, text: str, columns: int) -> tuple[str, list[Line]]:
        """Return a VM's screen as the terminal can show it. text: where it can show none"""
        from qmpsh.display.forms import PROTOCOLS
        from qmpsh.display.screen import encoded
        from qmpsh.render.answers import text_body
        from qmpsh.render.screens import screen_body

        rows = self._environment.rows - 1
        form = self._picture_form(screen)
        if form in PROTOCOLS:
            sequence, height = encoded(screen, form, columns, rows)
            return sequence, [[]] * height
        if self._environment.has_colours:
            body = screen_body(screen, text, columns + 1, rows, self._environment.glyphs)
        else:
            body = text_body(text)
        lines = [body.line(index, columns + 1) for index in range(len(body.lines))]
        return self._painted(lines), lines

    def _picture_form(self, screen: Screen) -> str:
        """Return the form in which the terminal shows pictures; asked if its variables do not say
        it.
        """
        from qmpsh.render.picture_form import picture_form, picture_questions, stated_form
        from qmpsh.render.terminal_answers import may_be_asked

        variables = self._environment.variables
        found: Mapping[str, str] = {}
        is_open = screen.form == AUTO and not stated_form(variables)
        if is_open and may_be_asked(variables.get("TERM", "")):
            from qmpsh.render.terminal_query import ask_terminal

            found = ask_terminal(picture_questions(variables))
        return picture_form(screen.form, variables, found)

    def _painted(self, lines: Iterable[Line]) -> str:
        from qmpsh.render.theme import Depth, colour_depth, painter, plain, printed_theme

        has_colours, variables = self._environment.has_colours, self._environment.variables
        exact = colour_depth(variables) is Depth.ALL
        paint = painter(printed_theme(variables), exact=exact) if has_colours else plain
        return "\n".join(map(paint, lines))


def _report(error: Exception, kind: str) -> str:
    # Imported here: few runs have a fault.
    from qmpsh.shell.crash import report_advice

    return report_advice(error, kind)
