"""`qmpsh ls`, a table or JSON of this machine's monitors, and the choice of one if none is named.

On a terminal that choice is a list to pick from; otherwise it is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qmpsh.cli.argv import SplitArgv
from qmpsh.cli.inspect.options import parse_inspect_options
from qmpsh.client.discovery import Monitor, find_monitors, for_shells
from qmpsh.errors import UsageError
from qmpsh.jsontypes import JsonObject
from qmpsh.render.environment import Environment
from qmpsh.render.formats import compact, pretty
from qmpsh.render.safe import visible_word
from qmpsh.render.tables import table_lines

_NO_ADDRESS: Final = (
    "no address given, and no monitor found on this machine; qmpsh ./monitor.sock connects to one,"
    " qmpsh run starts a VM"
)
_CHOOSE: Final = "no address given; monitors found here: {names}{more}; try qmpsh {first}"
NO_MONITORS: Final = (
    "no monitor found on this machine; start a VM with"
    " -qmp unix:./monitor.sock,server=on,wait=off, or qmpsh run"
)
"""Advice for when there is nothing to list."""


def main(words: SplitArgv) -> int:
    """Print the list; return 0, even if nothing was found."""
    given = parse_inspect_options(words)
    if given is None:
        return 0
    found = find_monitors()
    environment = Environment()
    if given.json:
        layout = pretty if environment.is_terminal else compact
        print(layout([dict(monitor._asdict()) for monitor in found]))
    elif found:
        print("\n".join(lines_of(found, environment.columns)))
    if not found:
        environment.notice(NO_MONITORS)
    return 0


def lines_of(monitors: Sequence[Monitor], width: int | None) -> list[str]:
    """Return a header and one line per monitor, safe to show. width: columns, None for no limit."""
    return _lines([_row(monitor) for monitor in monitors], width)


def choices_of(monitors: Sequence[Monitor], width: int | None) -> list[str]:
    """Return the same lines, numbered to pick one, with only the columns in which they differ."""
    rows = [_row(monitor) for monitor in monitors]
    return _lines(
        [
            {"no": no, **{name: row[name] for name in _CHOICE_COLUMNS}}
            for no, row in enumerate(rows, 1)
        ],
        width,
    )


_MAX_ADDRESS_CHARACTERS: Final = 108
"""characters of an address that are shown, as many as a socket's path has room for"""
_TAIL_CHARACTERS: Final = 40  # of them at its end, which says more than its middle
_ELLIPSIS: Final = "..."


def shown_address(address: str) -> str:
    """Return an address as a list shows it: a very long path does not fill the screen."""
    if len(address) <= _MAX_ADDRESS_CHARACTERS:
        return address
    kept = _MAX_ADDRESS_CHARACTERS - _TAIL_CHARACTERS - len(_ELLIPSIS)
    return f"{address[:kept]}{_ELLIPSIS}{address[-_TAIL_CHARACTERS:]}"


_CHOICE_COLUMNS: Final = ("vm", "address", "client", "owner", "program")
"""columns"""


def _lines(rows: list[JsonObject], width: int | None) -> list[str]:
    # An address that is cut off is useless.
    return table_lines(rows, width, Environment().glyphs.more, whole="address")


def _row(one: Monitor) -> JsonObject:
    """Return the columns, least important last; a dash for what is unknown."""
    texts = {
        "vm": one.name,
        "address": shown_address(one.address),
        "client": _client(one),
        "process": one.state,
        "pid": "" if one.pid is None else str(one.pid),
        "owner": one.owner,
        "kind": one.kind.replace(" ", "-"),
        "program": one.program,
        "user": one.user,
    }
    return {name: text or "-" for name, text in texts.items()}


def _client(one: Monitor) -> str:
    """Return who holds a monitor, and how many use it through that one."""
    holder = one.holder.replace(" ", ":") or one.clients
    return f"{holder} +{one.guests}" if one.guests else holder


_MAX_NAMED_ADDRESSES: Final = 5  # most addresses in the error


def no_address() -> UsageError:
    """Return the error for a missing address, naming the monitors found."""
    return _refusal(_monitors())


def pick_monitor() -> str | None:
    """Let the user pick a monitor and return its address; None after Ctrl-D.

    Raises UsageError if there is no monitor.
    """
    found = _monitors()
    if not found:
        raise _refusal(found)
    print("\n".join(choices_of(found, Environment().columns)))
    question = "monitor [1]: " if len(found) == 1 else f"monitor, 1 to {len(found)} or a name: "
    while True:
        try:
            answer = input(question)
        except EOFError:
            print()
            return None
        picked = find_choice(answer.strip(), found)
        if picked is not None:
            return picked.address
        if answer.strip():
            print(f"none of them is {visible_word(answer.strip())}")


def find_choice(answer: str, found: Sequence[Monitor]) -> Monitor | None:
    """Find a monitor by list number, VM name, address or unique name prefix; None without a match.

    An empty answer picks the only monitor. A number of the list is that: whoever names their VM
    `2` must not take the place of the second.
    """
    if not answer:
        return found[0] if len(found) == 1 else None
    if answer.isdecimal() and 1 <= int(answer[:9]) <= len(found):
        return found[int(answer[:9]) - 1]
    exact = [one for one in found if answer in (one.name, one.address)]
    if len(exact) == 1:
        return exact[0]
    fitting = [one for one in found if one.name.startswith(answer)]
    return fitting[0] if len(fitting) == 1 else None


def _monitors() -> list[Monitor]:
    return for_shells(find_monitors())


def _refusal(found: Sequence[Monitor]) -> UsageError:
    if not found:
        return UsageError(_NO_ADDRESS)
    names = [shown_address(one.address) for one in found[:_MAX_NAMED_ADDRESSES]]
    more = (
        f" and {len(found) - _MAX_NAMED_ADDRESSES} more (qmpsh ls)"
        if len(found) > _MAX_NAMED_ADDRESSES
        else ""
    )
    return UsageError(_CHOOSE.format(names=", ".join(names), more=more, first=names[0]))
