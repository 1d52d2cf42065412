"""The shell: one line in, one Outcome out. Knows no terminal.

Owns the mode (QMP or HMP, inside a transaction or not) and walks the statements of a line; what a
statement does is in `execute`, `transaction` and `verbs`. What a bare command never needs (the
schema, transactions, verbs) is imported where it is used: a one-shot pays only for that.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

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
    Mode,
    Statement,
    TransactionClose,
    TransactionOpen,
    VerbLine,
    prints_reply,
)
from qmpsh.protocol.messages import Command
from qmpsh.shell.execute import Request, execute, hmp_request, send_and_answer, within
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.machine import Machine
from qmpsh.shell.settings import Prompt, Settings
from qmpsh.shell.steps import Answer, Note, Outcome, Show, Steps, Task, Wish, adapted

if TYPE_CHECKING:
    from qmpsh.schema.model import Schema
    from qmpsh.shell.events import EventHistory
    from qmpsh.shell.preferences import Preferences
    from qmpsh.shell.transaction import Transaction
    from qmpsh.shell.verbs.connection import ConnectionControl

_MODIFIED = (CommandLine, VerbLine)
"""Statements that have modifiers of their own."""


class Shell:
    """The shell of one server: runs lines, one at a time.

    client: None where there is no server (--dry-run); machine: what is known of it;
    schema: given beforehand (--schema), else it is asked for when a line first needs it.
    """

    def __init__(
        self,
        client: Client | None,
        settings: Settings,
        machine: Machine,
        schema: Schema | None = None,
    ) -> None:
        self.client = client
        self.settings = settings
        self.machine = machine
        self.hmp = settings.hmp
        self.introspection = Introspection(client, machine, schema)
        self.link: ConnectionControl | None = None
        self.transaction: Transaction | None = None
        self.filter_events: Callable[[tuple[str, ...]], None] | None = None
        """set by a front end that shows events as they come"""
        self.preferences: Preferences | None = None
        self.checks: Mapping[str, Callable[[str], object]] = {}
        """refuse a word of an option, where only a front end knows them all"""
        self.events: EventHistory | None = None
        self._is_unmarked = True
        self.sourcing: list[str] = []
        """files that `.source` is in, the outermost first"""
        self.last_answer: Answer | None = None
        self.typed_before: Callable[[], Sequence[str]] | None = None
        """gives the history of the present mode, oldest first; set by a front end that keeps one"""
        self.columns: Callable[[], int] | None = None
        """gives the columns that a text has, None for a usual terminal's; set by a front end"""
        self.stdin: int | None = None
        """descriptor of data that a line may read; set by a front end whose lines are not in it"""
        self.keys: Callable[[], Iterable[tuple[str, str]]] | None = None
        """gives the keys of the prompt and what each does; set by a front end"""
        self.warn: Callable[[str], None] = _nobody_hears
        """told what a person should know and no line asked for; set by a front end"""

    @property
    def mode(self) -> Mode:
        """How the next line is to be read."""
        mode = Mode(hmp=self.hmp, in_transaction=self.transaction is not None)
        if not self.settings.interactive:
            return mode
        # Imported here: away from the prompt a verb has its dot.
        from qmpsh.language.verbs import BARE

        bare_verbs = BARE.difference(self.machine.commands)
        return mode._replace(prompt=True, bare_verbs=bare_verbs, helps=True)

    @property
    def prompt(self) -> Prompt:
        """What stands before the next line."""
        if self.transaction is not None:
            return "TRANS> "
        if self.hmp:
            return "(hmp) "
        return "(guest) " if self.client is not None and self.client.dialect.guest else "(QEMU) "

    def start(self, line: str, show: Show) -> Task:
        """Run one logical line."""
        return Task(self.steps(line), show)

    def steps(self, line: str) -> Steps:
        """What one logical line does."""
        return self._masked(lambda: parse_line(line, self.mode), (line,))

    def move(self, client: Client, *, anew: bool) -> None:
        """Send to another connection from now on. anew: it may be another server."""
        self.client = client
        self.introspection.move(client, anew=anew)
        if self.events is not None:
            self.events.clear()

    def start_words(self, words: Sequence[str], show: Show) -> Task:
        """Run the words of a command line, each an argument of its own."""
        parse = partial(parse_words, words, hmp=self.hmp)
        steps = self._masked(parse, words)
        return Task(steps if len(words) == 1 or self.hmp else _noted(words, steps), show)

    def abandon_transaction(self) -> bool:
        """Drop an open transaction; False when there was none."""
        was_open = self.transaction is not None
        self.transaction = None
        return was_open

    def end_of_input(self) -> None:
        """Nothing follows. Raises UsageError when a transaction is open: nothing was sent."""
        if self.abandon_transaction():
            raise UsageError("end of input inside transaction( ... ): nothing was sent")

    def requests(
        self, line: VerbLine, *, counted: bool = False
    ) -> Generator[Wish, str, list[Request]]:
        """What the line after a verb would send, checked and typed, for verbs that show it or send
        it in their own way.

        counted: it may say `--count`
        Raises UsageError for a line that sends nothing by itself.
        """
        # Imported here, as below: as a rule a line has no verb.
        from qmpsh.language.verbs import Takes, takes
        from qmpsh.shell.transaction import single_action

        words = [line.rest] if line.words is None else line.words
        if len(words) == 1:
            statements = parse_line(words[0], self.mode._replace(counted=counted))
        else:
            statements = parse_words(words, hmp=self.hmp, counted=counted)
        requests = []
        for statement in statements:
            match statement:
                case CommandLine() | JsonLine() | HmpLine():
                    requests.append((yield from self._request(statement)))
                case TransactionOpen(action=CommandLine() as action):
                    requests.append((yield from single_action(self, statement, action)))
                case VerbLine() if takes(statement.name) is Takes.HMP and statement.rest:
                    requests.append(hmp_request(statement.rest))
                case _:
                    raise UsageError("such a line sends nothing by itself; write one command")
        return requests

    def _masked(self, parse: Callable[[], list[Statement]], words: Sequence[str]) -> Steps:
        """The steps of a line; nothing that is said of it leaves them with one of its secrets.

        words: what was typed, one is a line
        """
        hmp = self.hmp  # as the line was typed: it may change that

        def masked(wish: Wish) -> Generator[Wish, str, str | None]:
            if isinstance(wish, Note):
                # Imported here, as below: most lines cause neither a remark nor an error.
                from qmpsh.shell.secrets import mask_said

                wish = wish._replace(text=mask_said(wish.text, words, hmp=hmp))
            return (yield wish)

        try:
            return (yield from adapted(self._run(parse), masked))
        except QmpshError as error:
            from qmpsh.shell.secrets import mask_error

            if isinstance(error, NoValue | UnknownModifier):
                from qmpsh.shell.arguments import explain

                yield from explain(error, self.introspection)
            mask_error(error, words, hmp=hmp)
            raise
        except Exception as fault:
            from qmpsh.shell.secrets import mask_fault

            mask_fault(fault, words, hmp=hmp)
            raise

    def _run(self, parse: Callable[[], list[Statement]]) -> Steps:
        try:
            statements = parse()
        except LineSyntaxError as error:
            self._refuse_transaction(error)
            raise
        redirect = statements[0].redirect if statements else None  # of several none has one
        if redirect is not None:
            # Imported here: few lines have one.
            from qmpsh.shell.pipes import begin_file

            begin_file(redirect)
        exit_code = 0
        self._is_unmarked = True
        for statement in statements:
            try:
                outcome = yield from self._limited(statement)
            except QmpshError as error:
                error.in_json = isinstance(statement, _MODIFIED) and prints_reply(
                    statement.modifiers.formats
                )
                raise
            exit_code = exit_code or outcome.exit_code
            if outcome.leave or (exit_code and not self.settings.keep_going):
                return outcome
        return Outcome(exit_code)

    def _limited(self, statement: Statement) -> Steps:
        """The steps of a statement, none of which waits for ever where there is a time limit."""
        timeout = self.settings.timeout
        if isinstance(statement, _MODIFIED) and statement.modifiers.timeout is not None:
            timeout = statement.modifiers.timeout
        steps = self._steps(statement)
        return steps if timeout is None else within(timeout, steps)

    def _steps(self, statement: Statement) -> Steps:
        if self.transaction is not None:
            # Imported here, as below: few lines belong to a transaction.
            from qmpsh.shell.transaction import inside

            return inside(self, self.transaction, statement)
        match statement:
            case CommandLine() | JsonLine() | HmpLine():
                return self._send(statement)
            case VerbLine():
                return self.verb(statement)
            case TransactionOpen():
                from qmpsh.shell.transaction import begin

                return begin(self, statement)
            case TransactionClose():
                raise LineSyntaxError("no transaction is open", statement.source, statement.span)

    def _send(self, statement: CommandLine | JsonLine | HmpLine) -> Steps:
        request = yield from self._request(statement)
        return (yield from self.execute(request))

    def _request(
        self, statement: CommandLine | JsonLine | HmpLine
    ) -> Generator[Wish, str, Request]:
        """What the statement sends, checked and typed as far as the schema is known."""
        match statement:
            case CommandLine():
                self._refuse_unknown(statement)
                arguments = yield from self._arguments(statement)
                command = Command(statement.name.text, arguments or None, statement.modifiers.oob)
                return Request(command, statement.modifiers, statement.redirect)
            case JsonLine():
                yield from self._warn(statement)
                return _json_request(statement)
            case HmpLine():
                return hmp_request(statement.text, statement.redirect)

    def _warn(self, line: JsonLine) -> Generator[Wish, str, None]:
        """Say what the schema has against a raw JSON command, which is sent all the same."""
        if not line.has_arguments:
            return
        from qmpsh.schema.check import check_json

        yield from self.introspection.load_schema()
        schema = self.introspection.schema
        said = check_json(schema, line) if schema is not None else ""
        if said:
            yield Note(f"sent as it stands, but {said}")

    def _arguments(self, line: CommandLine) -> Generator[Wish, str, JsonObject]:
        """The line's arguments as JSON, of the declared types where the server declares them."""
        if not line.arguments:
            return {}
        # Imported here: a bare command has nothing to read.
        from qmpsh.shell.arguments import read_arguments

        return (yield from read_arguments(self.introspection, line))

    def _refuse_unknown(self, line: CommandLine) -> None:
        """At the prompt an unknown command is not sent, once the names are known."""
        if line.arguments or not self.settings.interactive:
            return
        name, commands = line.name.text, self.introspection.commands
        if commands and name not in commands:
            hint = self.introspection.suggestion(name)
            raise SchemaMismatch(f"no command {name}{hint}", line.source, line.name.span)

    def execute(self, request: Request) -> Steps:
        """What it takes to run a request, and to see its work end where that is wished."""
        wait = self._wait_of(request)
        if wait is not None:
            # Imported here, as above: most lines wait for no end.
            from qmpsh.shell.waiting.wait import execute_and_wait

            return execute_and_wait(self, request, wait)
        allows = self.introspection.allows_oob
        return execute(self.client, request, self.settings, self._send_plainly, allows_oob=allows)

    def hear_events(self) -> EventHistory:
        """Where the events are kept from now on, for lines that wait for one."""
        if self.events is None:
            # Imported here: most one-shots wait for no event.
            from qmpsh.shell.events import EventHistory, Span

            self.events = EventHistory(Span(is_script=not self.settings.interactive))
        if self.client is not None and self.client.subscriber is None:
            self.client.subscriber = self.events.hear
        return self.events

    def sending(self, client: Client, command: Command) -> None:
        """A command goes out now: what came before its line counts for no `.wait EVENT`, unless
        the command only reads and no person typed it.
        """
        if self.events is None or not self._is_unmarked:
            return
        span = self.events.span
        if span.is_script and not self._may_change(command):
            return
        self._is_unmarked = False
        if not client.in_flight:
            client.poll(0)
        span.mark = self.events.next

    def _may_change(self, command: Command) -> bool:
        # Imported here: only where events are kept does it matter.
        from qmpsh.shell.policy import reads_only

        return not reads_only(command)

    def _send_plainly(self, client: Client, request: Request) -> Steps:
        self.sending(client, request.command)
        return send_and_answer(client, request, self.introspection.suggestion)

    def _wait_of(self, request: Request) -> str | None:
        """What the line is to wait for: "" for its end, an event, or None for nothing."""
        if request.modifiers.wait is not None or self.settings.wait is None:
            return request.modifiers.wait
        if not self.settings.one_shot:
            # Imported here: few scripts wait for all that they start.
            from qmpsh.shell.waiting.rules import has_end

            return "" if has_end(request) else None
        return self.settings.wait

    def verb(self, line: VerbLine) -> Steps:
        """What a verb does."""
        from qmpsh.shell.verbs.table import find_verb

        return find_verb(line)(self, line)

    def _refuse_transaction(self, error: QmpshError) -> None:
        if self.transaction is not None:
            self.transaction.refuse(error)


def _nobody_hears(text: str) -> None:
    """The default of `Shell.warn`."""


def _noted(words: Sequence[str], steps: Steps) -> Steps:
    """The same steps, after a remark on quotes that the user's shell has left in the words."""
    # Imported here: a bare command has no words.
    from qmpsh.language.parser import kept_quotes

    said = kept_quotes(words)
    if said:
        yield Note(said)
    return (yield from steps)


def _json_request(line: JsonLine) -> Request:
    extra = dict(line.extra)
    if line.has_arguments and line.arguments is None:
        extra["arguments"] = None  # a Command without arguments sends no such member
    command = Command(line.name, line.arguments, line.oob, extra or None)
    return Request(command, redirect=line.redirect, has_id=line.has_id, id=line.id)
