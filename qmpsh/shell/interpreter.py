"""The interpreter: runs one line of the language to one Outcome.

Theory of operation. A line is a generator of steps (`steps.py`), so that a batch that blocks and a
screen that must not run the same code. `run_line` parses the text in the mode of its Context,
begins its redirect, and runs its statements in order until one fails:

- a command becomes a Request: the schema types and checks its arguments (`arguments`), and
  `run_request` sends it (`execute`), or sends it and follows its work to the end (`waiting`);
- inside `transaction(` a command becomes an action, and the `)` sends all of them as one Request;
- a verb is looked up in the table (`verbs.table`), which imports its module; its steps may call
  `run_line` again (`.source`) or ask what a line would send (`requests_of`).

A fault or a refusal leaves the line as an exception, which `Task` turns into its Outcome. On its
way out everything that is said of the line is masked here, in one place: front ends see no secret.
"""

from __future__ import annotations

import time
from functools import partial

from qmpsh.client.client import Client
from qmpsh.errors import (
    LineSyntaxError,
    NoValue,
    QmpshError,
    SchemaMismatch,
    UnknownModifier,
    UsageError,
)
from qmpsh.jsontypes import JsonObject
from qmpsh.language.lines import parse_line, parse_words
from qmpsh.language.syntax import (
    CommandLine,
    HmpLine,
    JsonLine,
    Statement,
    TransactionClose,
    TransactionOpen,
    VerbLine,
    prints_reply,
)
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.messages import Command
from qmpsh.shell.context import Context
from qmpsh.shell.execute import Request, execute, hmp_request, send_and_answer, within
from qmpsh.shell.steps import Note, Outcome, Steps, WaitFor, Wish, adapted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

_SENDS_NOTHING = "such a line sends nothing on its own; write one command"
_NO_TRANSACTION = "no transaction is open"
_ONE_ACTION = "inside a transaction each line is one action: NAME key=value"
_NO_COMMAND = "no command {name}{hint}"

SLOW_SECONDS = 2.0
"""seconds of silence after which it is said why there is no reply"""

_MODIFIED = (CommandLine, VerbLine)
"""Statements that have modifiers of their own."""


def run_line(context: Context, line: str) -> Steps:
    """Run one logical line."""
    return _masked(context, partial(_read, context, line), (line,))


def run_words(context: Context, words: Sequence[str]) -> Steps:
    """Run the words of a command line, each an argument of its own."""
    steps = _masked(context, partial(parse_words, words, hmp=context.hmp), words)
    return steps if len(words) == 1 or context.hmp else _noted(words, steps)


def run_request(context: Context, request: Request) -> Steps:
    """Send a request, and see its work end if that is wanted."""
    wait = _wait_of(context, request)
    if wait is not None:
        # Imported here: most lines wait for no end.
        from qmpsh.shell.waiting.wait import execute_and_wait

        return execute_and_wait(context, request, wait)
    allows = context.introspection.allows_oob
    send = partial(_send_plainly, context)
    return execute(context.client, request, context.settings, send, allows_oob=allows)


def requests_of(
    context: Context, line: VerbLine, *, counted: bool = False
) -> Generator[Wish, str, list[Request]]:
    """Return what the line after a verb would send, checked and typed, for verbs that show it or
    send it in their own way.

    counted: it may say `--count`
    Raises UsageError for a line that sends nothing by itself.
    """
    # Imported here, as below: as a rule a line has no verb.
    from qmpsh.language.verbs import QOM, Takes, takes
    from qmpsh.shell.transaction import single_action

    words = [line.rest] if line.words is None else line.words
    if len(words) == 1:
        statements = parse_line(words[0], context.mode._replace(counted=counted))
    else:
        statements = parse_words(words, hmp=context.hmp, counted=counted)
    requests = []
    for statement in statements:
        match statement:
            case CommandLine() | JsonLine() | HmpLine():
                requests.append((yield from _request(context, statement)))
            case TransactionOpen(action=CommandLine() as action):
                requests.append(
                    (yield from single_action(context.introspection, statement, action))
                )
            case VerbLine() if takes(statement.name) is Takes.HMP and statement.rest:
                requests.append(hmp_request(statement.rest))
            case VerbLine() if takes(statement.name) in QOM:
                from qmpsh.shell.qom.requests import qom_request

                requests.append((yield from qom_request(context, statement)))
            case _:
                raise UsageError(_SENDS_NOTHING)
    return requests


# ---------------------------------------------------------------------------- a line


def _masked(context: Context, parse: Callable[[], list[Statement]], words: Sequence[str]) -> Steps:
    """Run a line; nothing that is said of it leaves its steps with one of its secrets.

    words: what was typed, one is a line
    """
    hmp = context.hmp  # as the line was typed: it may change that
    is_read = context.settings.interactive or context.settings.bar
    has_said_why = False

    def masked(wish: Wish) -> Generator[Wish, str, str | None]:
        nonlocal has_said_why
        if is_read and isinstance(wish, WaitFor) and wish.for_reply:
            has_said_why = has_said_why or (yield from _says_why(context, wish))
            wish = wish._replace(for_reply=False)
        elif isinstance(wish, Note):
            # Imported here, as below: most lines cause neither a note nor an error.
            from qmpsh.secrets.masker import mask_message

            wish = wish._replace(text=mask_message(wish.text, words, hmp=hmp))
        return (yield wish)

    try:
        return (yield from adapted(_run(context, parse), masked))
    except QmpshError as error:
        from qmpsh.secrets.masker import mask_error

        if isinstance(error, NoValue | UnknownModifier):
            from qmpsh.shell.explanations import explain

            yield from explain(error, context.introspection)
        if context.transaction is not None and error is context.left_out:
            error.add(context.transaction.remark_on_omission())
            context.left_out = None
        mask_error(error, words, hmp=hmp)
        raise
    except Exception as fault:
        from qmpsh.secrets.masker import mask_fault

        mask_fault(fault, words, hmp=hmp)
        raise


def _says_why(context: Context, wish: WaitFor) -> Generator[Wish, str, bool]:
    """Wait for a reply while it may be there any moment, and say why it is not; whether that was
    said. A guest agent has a note of its own.
    """
    client = context.client
    while client is not None and not (client.dialect.guest or wish.ready()):
        due, received = time.monotonic() + SLOW_SECONDS, client.connection.received
        if wish.deadline is not None and wish.deadline <= due:
            break
        yield wish._replace(deadline=due, for_reply=False)
        if client.connection.received == received and not wish.ready():
            # Imported here: most replies come at once.
            from qmpsh.shell.slow import note_slowness

            yield note_slowness(context, client)
            return True
    return False


def _read(context: Context, line: str) -> list[Statement]:
    """Return the statements of a line. Raises UsageError for a habit of leaving other programs."""
    mode = context.mode
    if context.is_typed:
        # Imported here: a one-shot is not left.
        from qmpsh.language.names import HOW_TO_LEAVE, HOW_TO_LEAVE_OWN, leaves_elsewhere

        if leaves_elsewhere(line) and not _is_known(context, line.strip()):
            is_own = context.connection is not None and context.connection.own is not None
            raise UsageError(HOW_TO_LEAVE_OWN if is_own else HOW_TO_LEAVE)
    return parse_line(line, mode)


def _is_known(context: Context, word: str) -> bool:
    """Whether a word is a verb or a command here. The human monitor's `q` ends the VM: it is not"""
    known = (*context.mode.bare_verbs, *context.introspection.commands)
    return word in known and not context.hmp


def _run(context: Context, parse: Callable[[], list[Statement]]) -> Steps:
    try:
        statements = parse()
    except LineSyntaxError as error:
        _leave_out(context, error)
        raise
    redirect = statements[0].redirect if statements else None  # of several none has one
    if redirect is not None:
        # Imported here: few lines have one.
        from qmpsh.shell.pipes import begin_file

        begin_file(redirect)
        # A copy: lines of the same text are parsed once, but each run has a redirect of its own.
        statements = [statements[0]._replace(redirect=redirect._replace())]
    exit_code = 0
    context.has_sent = False
    for statement in statements:
        try:
            outcome = yield from _limited(context, statement)
        except QmpshError as error:
            error.in_json = isinstance(statement, _MODIFIED) and prints_reply(
                statement.modifiers.formats
            )
            raise
        exit_code = exit_code or outcome.exit_code
        if outcome.leave or (exit_code and not context.settings.keep_going):
            return outcome
    return Outcome(exit_code)


def _limited(context: Context, statement: Statement) -> Steps:
    """Run a statement, none of whose waits is endless where there is a time limit."""
    timeout = context.settings.timeout
    if isinstance(statement, _MODIFIED) and statement.modifiers.timeout is not None:
        timeout = statement.modifiers.timeout
    steps = _statement(context, statement)
    return steps if timeout is None else within(timeout, steps)


def _statement(context: Context, statement: Statement) -> Steps:
    if context.transaction is not None:
        return _in_transaction(context, statement)
    match statement:
        case CommandLine() | JsonLine() | HmpLine():
            return _send(context, statement)
        case VerbLine():
            return _verb(context, statement)
        case TransactionOpen():
            return _begin_transaction(context, statement)
        case TransactionClose():
            raise LineSyntaxError(_NO_TRANSACTION, statement.source, statement.span)


def _verb(context: Context, line: VerbLine) -> Steps:
    # Imported here: as a rule a line has no verb.
    from qmpsh.shell.verbs.table import find_verb

    run = find_verb(line)
    if not context.speaks_qmp:
        from qmpsh.shell.without_qmp import refuse_verb

        refuse_verb(line.name)
    return run(context, line)


def _noted(words: Sequence[str], steps: Steps) -> Steps:
    """Run the steps, after a note on quotes that the user's shell has left in the words."""
    # Imported here: a bare command has no words.
    from qmpsh.language.parser import quoting_hint

    said = quoting_hint(words)
    if said:
        yield Note(said)
    return (yield from steps)


# ---------------------------------------------------------------------------- a transaction


def _begin_transaction(context: Context, opening: TransactionOpen) -> Steps:
    """Run `transaction(`, alone or with its one action and its `)`."""
    # Imported here: few lines belong to a transaction.
    from qmpsh.shell.transaction import Transaction, single_action

    if opening.action is None:
        context.transaction = Transaction()
        return Outcome()
    request = yield from single_action(context.introspection, opening, opening.action)
    return (yield from run_request(context, request))


def _in_transaction(context: Context, statement: Statement) -> Steps:
    """Run a statement while a transaction is open."""
    from qmpsh.shell.transaction import add_action, commit_request

    transaction = context.transaction
    if isinstance(statement, VerbLine):
        return (yield from _verb(context, statement))
    if transaction is not None and isinstance(statement, CommandLine):
        try:
            yield from add_action(context.introspection, transaction, statement)
        except QmpshError as wrong:
            _leave_out(context, wrong)
            raise
        return Outcome()
    if transaction is not None and isinstance(statement, TransactionClose):
        context.transaction = None
        request = yield from commit_request(context.settings, transaction, statement)
        return Outcome() if request is None else (yield from run_request(context, request))
    error = LineSyntaxError(
        _ONE_ACTION,
        statement.source,
        (0, len(statement.source)),
    )
    _leave_out(context, error)
    raise error


def _leave_out(context: Context, error: QmpshError) -> None:
    """Leave a wrong line out of the open transaction; one of a script refuses the whole."""
    if context.transaction is None:
        return
    if context.is_typed:
        context.left_out = error
    else:
        context.transaction.refuse(error)


# ---------------------------------------------------------------------------- a command


def _send(context: Context, statement: CommandLine | JsonLine | HmpLine) -> Steps:
    request = yield from _request(context, statement)
    return (yield from run_request(context, request))


def _request(
    context: Context, statement: CommandLine | JsonLine | HmpLine
) -> Generator[Wish, str, Request]:
    """Return what the statement sends, checked and typed as far as the schema is known."""
    match statement:
        case CommandLine():
            _refuse_unknown(context, statement)
            arguments = yield from _arguments(context, statement)
            command = Command(statement.name.text, arguments or None, statement.modifiers.oob)
            return Request(command, statement.modifiers, statement.redirect)
        case JsonLine():
            yield from _warn(context, statement)
            return _json_request(statement)
        case HmpLine():
            if context.speaks_qmp:
                return hmp_request(statement.text, statement.redirect)
            # Imported here, as below: few servers are HMP monitors.
            from qmpsh.shell.without_qmp import monitor_line

            return hmp_request(monitor_line(statement.text), statement.redirect)


def _warn(context: Context, line: JsonLine) -> Generator[Wish, str, None]:
    """Say what the schema has against a raw JSON command, which is sent all the same."""
    if not line.has_arguments:
        return
    from qmpsh.schema.check import check_json

    yield from context.introspection.load_schema()
    schema = context.introspection.schema
    said = check_json(schema, line) if schema is not None else ""
    if said:
        yield Note(f"sent unchanged, but {said}")


def _arguments(context: Context, line: CommandLine) -> Generator[Wish, str, JsonObject]:
    """Return the line's arguments as JSON, of the declared types where the server declares them.

    A line without any is checked at the prompt, where the schema is there by then: as a rule it is.
    """
    is_checked = context.settings.interactive and context.introspection.schema is not None
    if not (line.arguments or is_checked):
        return {}
    # Imported here: a bare command has nothing to read.
    from qmpsh.shell.arguments import read_arguments

    return (yield from read_arguments(context.introspection, line))


def _refuse_unknown(context: Context, line: CommandLine) -> None:
    """Refuse an unknown command at the prompt, once the names are known."""
    if line.arguments or not context.settings.interactive:
        return
    name, commands = line.name.text, context.introspection.commands
    if commands and name not in commands:
        hint = context.introspection.suggestion(name)
        raise SchemaMismatch(_NO_COMMAND.format(name=name, hint=hint), line.source, line.name.span)


def _send_plainly(context: Context, client: Client, request: Request) -> Steps:
    context.before_sending(client, request.command)
    return send_and_answer(client, request, context.introspection.suggestion)


def _wait_of(context: Context, request: Request) -> str | None:
    """Return what the line is to wait for: "" for its end, an event, or None for nothing."""
    settings = context.settings
    if request.modifiers.wait is not None or settings.wait is None:
        return request.modifiers.wait
    if not settings.one_shot:
        # Imported here: few scripts wait for all that they start.
        from qmpsh.shell.waiting.rules import can_wait_for

        return "" if can_wait_for(request) else None
    return settings.wait


def _json_request(line: JsonLine) -> Request:
    extra = dict(line.extra)
    if line.has_arguments and line.arguments is None:
        extra["arguments"] = None  # a Command without arguments sends no such member
    command = Command(line.name, line.arguments, line.oob, extra or None)
    return Request(command, redirect=line.redirect, has_id=line.has_id, id=line.id)
