"""`qmpsh ls`: the monitors of this machine as a table, or as JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

from qmpsh.jsontypes import JsonObject
from qmpsh.link.discovery import Monitor, find_monitors
from qmpsh.lookout.options import maybe_given
from qmpsh.splitter import Words
from qmpsh.view.glyphs import glyphs_for
from qmpsh.view.jsontext import compact, pretty
from qmpsh.view.tables import table_lines

NONE = (
    "no monitor found on this machine; start a VM with"
    " -qmp unix:./monitor.sock,server=on,wait=off, or qmpsh run"
)
"""Advice for when there is nothing to list."""


def main(words: Words) -> int:
    """Print the list; return 0, even if nothing was found."""
    given = maybe_given(words)
    if given is None:
        return 0
    found = find_monitors()
    terminal = sys.stdout.isatty()
    if given.json:
        layout = pretty if terminal else compact
        print(layout([dict(monitor._asdict()) for monitor in found]))
    elif found:
        print("\n".join(lines_of(found, width_of_terminal() if terminal else None)))
    if not found:
        print(f"qmpsh: {NONE}", file=sys.stderr)
    return 0


def width_of_terminal() -> int:
    """Return the columns of the terminal on stdout. Raises OSError if it is not a terminal."""
    return os.get_terminal_size(sys.stdout.fileno()).columns


def lines_of(monitors: Sequence[Monitor], width: int | None) -> list[str]:
    """Return a header and one line per monitor, safe to show. width: columns, None for no limit."""
    return _lines([_row(monitor) for monitor in monitors], width)


def choices_of(monitors: Sequence[Monitor], width: int) -> list[str]:
    """Return the same lines, numbered to pick one, with only the columns that tell them apart."""
    rows = [_row(monitor) for monitor in monitors]
    return _lines(
        [{"no": no, **{name: row[name] for name in _TELLING}} for no, row in enumerate(rows, 1)],
        width,
    )


_LONGEST: Final = 108
"""characters of an address that are shown, as many as a socket's path has room for"""
_KEPT: Final = 40  # of them at its end, which tells more than its middle
_CUT: Final = "..."


def shown_address(address: str) -> str:
    """Return an address as a list shows it: a path that somebody made long fills no screen."""
    if len(address) <= _LONGEST:
        return address
    return f"{address[: _LONGEST - _KEPT - len(_CUT)]}{_CUT}{address[-_KEPT:]}"


_TELLING: Final = ("vm", "address", "client", "owner", "program")
"""columns"""


def _lines(rows: list[JsonObject], width: int | None) -> list[str]:
    # An address that is cut off is useless.
    return table_lines(rows, width, glyphs_for(sys.stdout.encoding).more, whole="address")


def _row(one: Monitor) -> JsonObject:
    """Return the columns, least important last; a dash for what is unknown."""
    texts = {
        "vm": one.name,
        "address": shown_address(one.address),
        "client": one.holder.replace(" ", ":") or one.clients,
        "process": one.state,
        "pid": "" if one.pid is None else str(one.pid),
        "owner": one.owner,
        "kind": one.kind.replace(" ", "-"),
        "program": one.program,
        "user": one.user,
    }
    return {name: text or "-" for name, text in texts.items()}
