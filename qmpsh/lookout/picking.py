"""Which monitor to use if none is named: a list to pick from on a terminal, else an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qmpsh.errors import UsageError
from qmpsh.link.discovery import Monitor, find_monitors
from qmpsh.lookout.ls import choices_of, shown_address, width_of_terminal
from qmpsh.view.safe import visible_word

_NONE: Final = (
    "no address given, and no monitor found on this machine; qmpsh ./monitor.sock connects to one,"
    " qmpsh run starts a VM"
)
_NAMED: Final = 5  # most addresses in the error


def no_address() -> UsageError:
    """Return the error for a missing address, naming the monitors found."""
    return _refusal(_monitors())


def maybe_pick() -> str | None:
    """Let the user pick a monitor and return its address; None after Ctrl-D.

    Raises UsageError if there is no monitor.
    """
    found = _monitors()
    if not found:
        raise _refusal(found)
    print("\n".join(choices_of(found, width_of_terminal())))
    question = "monitor [1]: " if len(found) == 1 else f"monitor, 1 to {len(found)} or a name: "
    while True:
        try:
            answer = input(question)
        except EOFError:
            print()
            return None
        picked = maybe_meant(answer.strip(), found)
        if picked is not None:
            return picked.address
        if answer.strip():
            print(f"none of them is {visible_word(answer.strip())}")


def maybe_meant(answer: str, found: Sequence[Monitor]) -> Monitor | None:
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
    """Return the monitors that a shell can be opened on."""
    return [one for one in find_monitors() if one.kind == "qmp"]


def _refusal(found: Sequence[Monitor]) -> UsageError:
    if not found:
        return UsageError(_NONE)
    names = [shown_address(one.address) for one in found[:_NAMED]]
    more = f" and {len(found) - _NAMED} more (qmpsh ls)" if len(found) > _NAMED else ""
    return UsageError(
        f"no address given; monitors found here: {', '.join(names)}{more}; try qmpsh {names[0]}"
    )
