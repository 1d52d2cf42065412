"""Which commands ask before they run, on a terminal.

Scripts and one-shots never ask. `quit` is QMP's own word and ends the VM, while people type it to
leave a shell: so leaving is what Enter means.
"""

from __future__ import annotations

from collections.abc import Mapping

from qmpsh.shell.outcome import Ask
from qmpsh.wire.messages import Command

_QUIT = Ask("quit ends the VM.", (("l", "leave the shell"), ("q", "quit the VM"), ("c", "cancel")))
_NONE: Mapping[str, bool] = {}
NO_YES = (("n", "no"), ("y", "yes"))

_QUESTIONS = {
    "quit": _QUIT,
    "system_reset": Ask("Reset the VM?", NO_YES),
    "system_powerdown": Ask("Power the VM down?", NO_YES),
    "inject-nmi": Ask("Send the VM an NMI?", NO_YES),
}
_HMP_TWINS = {"q": "quit", "nmi": "inject-nmi"}
"""The human monitor's words for the same, where they are other words."""


def question_before(command: Command, confirm: Mapping[str, bool] = _NONE) -> Ask | None:
    """What to ask before this command, or None. A choice of "q" or "y" means: go on.

    confirm: names, of QMP or of the human monitor, that ask or do not whatever is said here
    """
    names = _names(command)
    if not names:
        return None
    chosen = next((confirm[name] for name in names if name in confirm), None)
    known = _QUESTIONS.get(names[-1])
    if chosen is None:
        return known
    return (known or Ask(f"Run {names[0]}?", NO_YES)) if chosen else None


def _names(command: Command) -> list[str]:
    """What a command is called: its own name, or the monitor's word and then its twin in QMP."""
    if command.name != "human-monitor-command":
        return [command.name]
    arguments = command.arguments
    text = arguments.get("command-line") if isinstance(arguments, dict) else None
    words = text.split() if isinstance(text, str) else []
    return [words[0], _HMP_TWINS.get(words[0], words[0])] if words else []
