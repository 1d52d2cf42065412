"""An open `transaction(`: its actions so far, whether a wrong line has spoilt it, how to show it.

One wrong line refuses the whole (qmp-shell drops the line and commits the rest: PEERS.md, C10). A
request is shown without its secrets.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from qmpsh.errors import LineSyntaxError, QmpshError, UsageError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.syntax import (
    CommandLine,
    Statement,
    TransactionClose,
    TransactionOpen,
    VerbLine,
)
from qmpsh.protocol.messages import Command, command_object
from qmpsh.shell.arguments import read_action
from qmpsh.shell.execute import Request
from qmpsh.shell.secret_rules import mask_json
from qmpsh.shell.secrets import mask_line
from qmpsh.shell.steps import Ask, Note, Outcome, Steps, Wish

if TYPE_CHECKING:
    from qmpsh.shell.interpreter import Shell


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


def begin(shell: Shell, opening: TransactionOpen) -> Steps:
    """`transaction(`, alone or with its one action and its `)`."""
    if opening.action is None:
        shell.transaction = Transaction()
        return Outcome()
    request = yield from single_action(shell, opening, opening.action)
    return (yield from shell.execute(request))


def single_action(
    shell: Shell, opening: TransactionOpen, action: CommandLine
) -> Generator[Wish, str, Request]:
    """The request of a transaction of one action."""
    transaction = Transaction()
    yield from _add(shell, transaction, action)
    return transaction.request(opening)


def inside(shell: Shell, transaction: Transaction, statement: Statement) -> Steps:
    """What a statement does while a transaction is open."""
    match statement:
        case CommandLine():
            return _add(shell, transaction, statement)
        case TransactionClose():
            shell.transaction = None
            return _commit(shell, transaction, statement)
        case VerbLine():
            return shell.verb(statement)
        case _:
            error = LineSyntaxError(
                "inside a transaction each line is one action: NAME key=value",
                statement.source,
                (0, len(statement.source)),
            )
            transaction.refuse(error)
            raise error


def _commit(shell: Shell, transaction: Transaction, closing: TransactionClose) -> Steps:
    request = transaction.request(closing)
    if shell.settings.interactive:
        yield Note(transaction.preview())
        if not (shell.settings.yes or request.modifiers.yes):
            choice = yield transaction.question()
            if choice != "y":
                return Outcome()
    return (yield from shell.execute(request))


def _add(shell: Shell, transaction: Transaction, line: CommandLine) -> Steps:
    try:
        transaction.add(line, (yield from read_action(shell.introspection, line)))
    except QmpshError as error:
        transaction.refuse(error)
        raise
    return Outcome()


def masked_request(request: Request) -> Request:
    """The request with `********` for each secret; itself where it holds none."""
    command = request.command
    message = command_object(command)
    masked = mask_json(message)
    if masked == message or not isinstance(masked, dict):
        return request
    extra = {name: masked[name] for name in command.extra or {}}
    arguments = masked.get("arguments")
    return request._replace(command=command._replace(arguments=arguments, extra=extra or None))
