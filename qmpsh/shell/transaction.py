"""An open `transaction(`: its actions so far, and whether a wrong line has spoilt it.

One wrong line refuses the whole (qmp-shell drops the line and commits the rest: PEERS.md, C10).
"""

from __future__ import annotations

from qmpsh.errors import QmpshError, UsageError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.lang.syntax import CommandLine, TransactionClose, TransactionOpen
from qmpsh.shell.execute import Request
from qmpsh.shell.outcome import Ask
from qmpsh.shell.secrets import mask_line
from qmpsh.wire.messages import Command


class Transaction:
    """Actions in the order they were typed."""

    def __init__(self) -> None:
        self._actions: list[Json] = []
        self._lines: list[str] = []
        self._refused: QmpshError | None = None

    def add(self, line: CommandLine, data: JsonObject) -> None:
        """One more action."""
        self._actions.append({"type": line.name.text, "data": data})
        self._lines.append(mask_line(line.source.strip()))

    def refuse(self, error: QmpshError) -> None:
        """Remember that a line was wrong."""
        self._refused = self._refused or error

    def preview(self) -> str:
        """The numbered actions as they were typed, secrets masked."""
        return "\n".join(f"{number}. {line}" for number, line in enumerate(self._lines, 1))

    def question(self) -> Ask:
        """What to ask a person who has seen the preview."""
        count = len(self._actions)
        these = "this action" if count == 1 else f"these {count} actions, all or none"
        return Ask(f"Run {these}?", (("y", "yes"), ("n", "no")))

    def request(self, end: TransactionOpen | TransactionClose) -> Request:
        """The whole as one command.

        end: what closed it, with the modifiers and the redirect of the whole
        Raises UsageError when a line was refused or there is none.
        """
        if self._refused is not None:
            raise UsageError(f"the transaction was refused, nothing was sent: {self._refused}")
        if not self._actions:
            raise UsageError("the transaction has no action, nothing was sent")
        command = Command("transaction", {"actions": self._actions}, end.modifiers.oob)
        return Request(command, end.modifiers, end.redirect)
