"""Which commands ask before they run, on a terminal.

Scripts and one-shots never ask. `quit` is QMP's own word and ends the VM, while people type it to
leave a shell: so leaving is what Enter means.
"""

from __future__ import annotations

from qmpsh.shell.outcome import Ask
from qmpsh.wire.messages import Command

_QUIT = Ask("quit ends the VM.", (("l", "leave the shell"), ("q", "quit the VM"), ("c", "cancel")))
NO_YES = (("n", "no"), ("y", "yes"))

_QUESTIONS = {
    "quit": _QUIT,
    "system_reset": Ask("Reset the VM?", NO_YES),
    "system_powerdown": Ask("Power the VM down?", NO_YES),
    "inject-nmi": Ask("Send the VM an NMI?", NO_YES),
}
_HMP_TWINS = {"q": "quit", "nmi": "inject-nmi"}


def question_before(command: Command) -> Ask | None:
    """What to ask before this command, or None. A choice of "q" or "y" means: go on."""
    if command.name != "human-monitor-command":
        return _QUESTIONS.get(command.name)
    arguments = command.arguments
    text = arguments.get("command-line") if isinstance(arguments, dict) else None
    words = text.split() if isinstance(text, str) else []
    return _QUESTIONS.get(_HMP_TWINS.get(words[0], words[0])) if words else None
