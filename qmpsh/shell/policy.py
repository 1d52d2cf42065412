"""What a command may do: which ask before they run on a terminal, which `--read-only` lets through.

One table for QMP, the human monitor and the guest agent. Scripts and one-shots never ask. `quit` is
QMP's own word and ends the VM, while people type it to leave a shell: so leaving is what Enter
means.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache

from qmpsh.errors import UsageError
from qmpsh.jsontypes import get_str
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.protocol.messages import Command, command_object
from qmpsh.secrets.rules import exposes_secret
from qmpsh.shell.steps import Ask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

_NONE: Mapping[str, bool] = {}
_READS_SECRET: Final = "{} was not sent: it reads a secret, which --read-only does not allow"
NO_YES = (("n", "no"), ("y", "yes"))


class PolicyRule(NamedTuple):
    """What the policy says about a command.

    asks: what to ask first, None for nothing; reads: it changes nothing.
    """

    asks: Ask | None = None
    reads: bool = False


_READS: Final = PolicyRule(reads=True)

_QMP: Final[dict[str, PolicyRule]] = {
    "quit": PolicyRule(
        Ask("quit ends the VM.", (("l", "leave the shell"), ("q", "quit the VM"), ("c", "cancel")))
    ),
    "system_reset": PolicyRule(Ask("Reset the VM?", NO_YES)),
    "system_powerdown": PolicyRule(Ask("Power the VM down?", NO_YES)),
    "inject-nmi": PolicyRule(Ask("Send the VM an NMI?", NO_YES)),
    "guest-shutdown": PolicyRule(Ask("Shut the guest down?", NO_YES)),
    "guest-suspend-*": PolicyRule(Ask("Suspend the guest?", NO_YES)),
    "query-*": _READS,
    "x-query-*": _READS,
    "x-debug-query-*": _READS,
    "qom-list": _READS,
    "qom-list-properties": _READS,
    "qom-list-get": _READS,
    "qom-get": _READS,
    "device-list-properties": _READS,
    "trace-event-get-state": _READS,
    "guest-get-*": _READS,
    "guest-network-get-*": _READS,
    "guest-fsfreeze-status": _READS,
    "guest-info": _READS,
    "guest-ping": _READS,
    "guest-sync*": _READS,
}
"""Commands, or patterns of their names; the first that fits holds. All others: neither."""

_HMP: Final = {
    "q": "quit",
    "quit": "quit",
    "system_reset": "system_reset",
    "system_powerdown": "system_powerdown",
    "nmi": "inject-nmi",
    "info": "query-*",
    "help": "query-*",
}
"""Words of the human monitor, and the row above that holds for each."""


def question_before(command: Command, confirm: Mapping[str, bool] = _NONE) -> Ask | None:
    """Return the question to ask before a command, or None. The choices "q" and "y" mean: go on.

    confirm: names, of QMP or of the human monitor, that ask or do not whatever is said here
    """
    names = _names(command)
    chosen = next((confirm[name] for name in names if name in confirm), None)
    known = _rule(names[-1]).asks
    if chosen is None:
        return known
    return (known or Ask(f"Run {names[0]}?", NO_YES)) if chosen else None


def reads_only(command: Command) -> bool:
    """Whether a command changes nothing, as far as its name shows."""
    return _rule(_names(command)[-1]).reads


def refuse_unless_reading(command: Command) -> None:
    """Raise UsageError for a command that may change something or reads a secret: `--read-only`."""
    if not reads_only(command):
        raise UsageError(
            f"{_names(command)[0]} was not sent: --read-only allows only commands that read, such"
            " as query-status, qom-get and info"
        )
    if exposes_secret(command_object(command)):
        raise UsageError(_READS_SECRET.format(command.name))


@lru_cache(maxsize=256)
def _rule(name: str) -> PolicyRule:
    return next(
        (rule for pattern, rule in _QMP.items() if fnmatchcase(name, pattern)), PolicyRule()
    )


def _names(command: Command) -> list[str]:
    """Return the names of a command: its own, or the monitor's word and its row in the table.

    A line of the monitor without a word has the name of the command that carries it.
    """
    if command.name != "human-monitor-command":
        return [command.name]
    words = get_str(command.arguments, "command-line").split()
    return [words[0], _HMP.get(words[0], "")] if words else [command.name]
