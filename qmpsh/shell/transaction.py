"""An open `transaction(`: its actions so far, whether a wrong line has spoilt it, how to show it.

One wrong line of a script refuses the whole (qmp-shell drops the line and commits the rest: wire.md
section 14). At the prompt it is left out, as its error says: the user sees that, and what is left
before it is sent. A request is shown without its secrets.
"""

from __future__ import annotations

from collections.abc import Generator

from qmpsh.errors import QmpshError, UsageError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.syntax import CommandLine, TransactionClose, TransactionOpen
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.messages import Command, command_object
from qmpsh.secrets.masker import mask_line
from qmpsh.secrets.rules import mask_json
from qmpsh.shell.arguments import read_action
from qmpsh.shell.execute import Request
from qmpsh.shell.steps import Ask, Note, Wish

if TYPE_CHECKING:
    from qmpsh.shell.introspection import Introspection, IntrospectionWishes
    from qmpsh.shell.settings import Settings


class Transaction:
    """The actions of an open transaction, in the order in which they were typed."""

    def __init__(self) -> None:
        self._actions: list[Json] = []
        self._lines: list[str] = []
        self._refused: QmpshError | None = None

    @property
    def count(self) -> int:
        """The number of actions."""
        return len(self._actions)

    def add(self, line: CommandLine, data: JsonObject) -> None:
        """Add an action."""
        self._actions.append({"type": line.name.text, "data": data})
        self._lines.append(mask_line(line.source.strip()))

    def refuse(self, error: QmpshError) -> None:
        """Remember that a line was wrong."""
        self._refused = self._refused or error

    def remark_on_omission(self) -> str:
        """Return what to add to the error of a line that is left out."""
        actions = "1 action" if self.count == 1 else f"{self.count} actions"
        return f"not added: the transaction has {actions if self.count else 'no action yet'}"

    def preview(self) -> str:
        """Return the numbered actions as they were typed, secrets masked."""
        return "\n".join(f"{number}. {line}" for number, line in enumerate(self._lines, 1))

    def question(self) -> Ask:
        """Return the question to ask a user who has seen the preview."""
        count = self.count
        these = "this action" if count == 1 else f"these {count} actions, all or none"
        return Ask(f"Run {these}?", (("y", "yes"), ("n", "no")))

    def request(self, end: TransactionOpen | TransactionClose) -> Request:
        """Return the transaction as one command.

        end: what closed it, with the modifiers and the redirect of the whole
        Raises UsageError when a line was refused or there is none.
        """
        if self._refused is not None:
            raise UsageError(f"the transaction was refused, nothing was sent: {self._refused}")
        if not self._actions:
            raise UsageError("the transaction has no action, nothing was sent")
        command = Command("transaction", {"actions": self._actions}, end.modifiers.oob)
        return Request(command, end.modifiers, end.redirect)


def add_action(
    introspection: Introspection, transaction: Transaction, line: CommandLine
) -> IntrospectionWishes:
    """Add a line's action to a transaction."""
    transaction.add(line, (yield from read_action(introspection, line)))


def single_action(
    introspection: Introspection, opening: TransactionOpen, action: CommandLine
) -> Generator[Wish, str, Request]:
    """Return the request of a transaction of one action."""
    transaction = Transaction()
    yield from add_action(introspection, transaction, action)
    return transaction.request(opening)


def commit_request(
    settings: Settings, transaction: Transaction, closing: TransactionClose
) -> Generator[Wish, str, Request | None]:
    """Return the request of the whole; None if the user, who is shown it first, declines."""
    request = transaction.request(closing)
    if settings.interactive:
        yield Note(transaction.preview())
        if not (settings.yes or request.modifiers.yes):
            choice = yield transaction.question()
            if choice != "y":
                return None
    return request


def masked_request(request: Request) -> Request:
    """Return the request with `********` for each secret; the same object if it has none."""
    command = request.command
    message = command_object(command)
    masked = mask_json(message)
    if masked == message or not isinstance(masked, dict):
        return request
    extra = {name: masked[name] for name in command.extra or {}}
    arguments = masked.get("arguments")
    return request._replace(command=command._replace(arguments=arguments, extra=extra or None))
