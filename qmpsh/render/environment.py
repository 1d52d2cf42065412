"""The surroundings of the process: its standard streams, its terminal and its variables.

The only module that decides on colours, a bar and widths; all front ends ask it.
"""

from __future__ import annotations

import os
import sys

from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.safe import for_stderr

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from qmpsh.render.theme import Glyphs

_UNKNOWN_COLUMNS, _UNKNOWN_ROWS = 80, 24


class Environment:
    """The standard streams, the terminal and the environment variables of the process.

    color:     the value of --color: auto, always or never
    variables: the environment variables

    The streams are looked up at each use, because `cli.streams` replaces them at the start.
    """

    __slots__ = ("_color", "variables")

    def __init__(self, color: str = "auto", variables: Mapping[str, str] = os.environ) -> None:
        self._color = color
        self.variables = variables

    @property
    def is_interactive(self) -> bool:
        """Whether a person sits at both ends, stdin and stdout."""
        return os.isatty(0) and sys.stdout.isatty()

    @property
    def is_terminal(self) -> bool:
        """Whether stdout is a terminal."""
        return sys.stdout.isatty()

    @property
    def has_screen(self) -> bool:
        """Whether the terminal can show a full screen."""
        return self.variables.get("TERM", "") not in ("", "dumb")

    @property
    def has_bar(self) -> bool:
        """Whether progress may be drawn on stderr."""
        return sys.stderr.isatty() and self.variables.get("TERM") != "dumb"

    @property
    def can_redraw(self) -> bool:
        """Whether stdout is a terminal whose cursor can be moved."""
        return self.is_terminal and self.variables.get("TERM", "") not in ("", "dumb")

    @property
    def has_colours(self) -> bool:
        """Whether stdout is coloured. --color overrides the variables.

        Source: no-color.org, bixense.com/clicolors.
        """
        if self._color != "auto":
            return self._color == "always"
        if self.variables.get("NO_COLOR"):
            return False
        if self.variables.get("CLICOLOR_FORCE", "0") != "0":
            return True
        return sys.stdout.isatty() and self.variables.get("TERM") != "dumb"

    @property
    def columns(self) -> int | None:
        """The width of the terminal on stdout, None without one."""
        return _columns_of(sys.stdout)

    @property
    def rows(self) -> int:
        """The height of the terminal on stdout."""
        try:
            return os.get_terminal_size(sys.stdout.fileno()).lines or _UNKNOWN_ROWS
        except OSError:
            return _UNKNOWN_ROWS

    @property
    def error_columns(self) -> int | None:
        """The width of what is printed on stderr, None without a limit. COLUMNS overrides it."""
        columns = self.variables.get("COLUMNS", "")
        return (int(columns) if columns.isdecimal() else 0) or _columns_of(sys.stderr)

    @property
    def bar_columns(self) -> int:
        """The width of the terminal on stderr."""
        return _columns_of(sys.stderr) or _UNKNOWN_COLUMNS

    @property
    def glyphs(self) -> Glyphs:
        """The symbols that stdout can show."""
        return _glyphs_for(sys.stdout)

    @property
    def bar_glyphs(self) -> Glyphs:
        """The symbols that stderr can show."""
        return _glyphs_for(sys.stderr)

    def notice(self, text: str, place: str = "qmpsh") -> None:
        """Print a remark on stderr, after all answers. text: any; place: what it is about"""
        sys.stdout.flush()
        sys.stderr.write(f"{place}: {for_stderr(text)}\n")
        sys.stderr.flush()


def _columns_of(stream: TextIO) -> int | None:
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def _glyphs_for(stream: TextIO) -> Glyphs:
    # Imported here: a one-shot prints no symbols.
    from qmpsh.render.theme import glyphs_for

    return glyphs_for(stream.encoding)
