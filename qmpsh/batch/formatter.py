"""Tables, colours and the progress bar of a batch.

All of it only advises: if it fails, the answer is printed as plain JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qmpsh.advice import Advice
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.environment import Environment
from qmpsh.render.formats import compact, pretty
from qmpsh.render.safe import visible

if TYPE_CHECKING:
    from qmpsh.jsontypes import Json
    from qmpsh.shell.overview.rows import OverviewRow


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
            from qmpsh.render.theme import painter, printed_theme

            paint = painter(printed_theme(self._environment.variables))
            return "\n".join(paint(json_line(line)) for line in text.split("\n"))

        return self.advised("colours", colour, lambda: text)

    def table(self, value: Json, *, is_whole: bool) -> str:
        """Return a list as a table: as wide as the terminal, else as wide as it needs to be with
        nested JSON cut. What is not a list is shown as on a screen.

        is_whole: cut nothing, as for a redirect
        """

        def lay_out() -> str:
            from qmpsh.render.tables import MAX_NESTED_COLUMNS, list_lines

            width, nested = (
                (None, None) if is_whole else (self._environment.columns, MAX_NESTED_COLUMNS)
            )
            lines = list_lines(value, width, self._environment.glyphs.more, nested)
            return pretty(value) if lines is None else "\n".join(lines)

        return self.advised("table", lay_out, lambda: compact(value))

    def overview(self, rows: Sequence[OverviewRow], text: str) -> str:
        """Return the rows of an overview as wide as the terminal, with nothing left out without
        one. text: the same, in case of a fault
        """

        def lay_out() -> str:
            from qmpsh.render.overview import overview_lines
            from qmpsh.render.theme import painter, plain, printed_theme

            lines = overview_lines(rows, self._environment.columns, self._environment.glyphs)
            if not self._environment.has_colours:
                return "\n".join(map(plain, lines))
            return "\n".join(map(painter(printed_theme(self._environment.variables)), lines))

        return self.advised("overview", lay_out, lambda: visible(text))


def _report(error: Exception, kind: str) -> str:
    # Imported here: few runs have a fault.
    from qmpsh.shell.crash import report_advice

    return report_advice(error, kind)
