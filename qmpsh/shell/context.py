"""What the lines of one shell share: the interpreter, the verbs and the waits work on a Context.

Knows no terminal, and runs nothing itself: that is `interpreter`. What a bare command never needs
(the schema, transactions, verbs) is imported where it is used: a one-shot pays only for that.
"""

from __future__ import annotations

from qmpsh.client.client import Client
from qmpsh.errors import UsageError
from qmpsh.language.syntax import Mode
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.messages import Command
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.machine import Machine
from qmpsh.shell.settings import Prompt, Settings
from qmpsh.shell.steps import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from qmpsh.errors import QmpshError
    from qmpsh.schema.model import Schema
    from qmpsh.shell.events import EventHistory
    from qmpsh.shell.preferences import Preferences
    from qmpsh.shell.qom.place import QomPlace
    from qmpsh.shell.screen.reader import ScreenReader
    from qmpsh.shell.session.connection import ConnectionManager
    from qmpsh.shell.session.share import MonitorShare
    from qmpsh.shell.transaction import Transaction


class FrontEnd:
    """A front end as a line sees it: this one has no terminal, others override what they have.

    stdin: descriptor of data that a line may read, None where the lines themselves come from it
    shows_events: events are shown as they come, so `.events` says which of them
    """

    stdin: int | None = None
    shows_events = False

    def warn(self, text: str) -> None:
        """Show what the user should know although no line asked for it."""

    def advised(self, kind: str, make: Callable[[], str]) -> str:
        """Return a text that only advises, "" if making it fails. kind: see `Advice.get`"""
        return make()

    def columns(self) -> int:
        """Return the columns that a text may take."""
        return 78

    def keys(self) -> Iterable[tuple[str, str]]:
        """Return the keys of the prompt and what each does."""
        return ()

    def typed_lines(self) -> Sequence[str] | None:
        """Return the history of the present mode, oldest first; None where none is kept."""
        return None

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        """Show only events whose names match one of the patterns; all of them without one."""

    def open_jobs(self) -> bool:
        """Show the list of jobs with its keys; False where there is no such list."""
        return False

    def check_option(self, name: str, word: str) -> None:
        """Raise UsageError for a value of an option whose words only the front end knows."""


class Context:
    """The state of one shell: its server, its mode, and what is known of both.

    client: None where there is no server (--dry-run); machine: what is known of it;
    schema: given beforehand (--schema), else it is asked for when a line first needs it;
    connection: what reconnects by itself, None where only a line does (in a script)
    """

    def __init__(  # noqa: PLR0913 - all that a shell is made of
        self,
        client: Client | None,
        settings: Settings,
        machine: Machine,
        schema: Schema | None = None,
        front_end: FrontEnd | None = None,
        connection: ConnectionManager | None = None,
    ) -> None:
        self.client = client
        self.settings = settings
        self.machine = machine
        self.front_end = front_end or FrontEnd()
        self.connection = connection
        self._hmp = settings.hmp
        self.introspection = Introspection(client, machine, schema)
        self.transaction: Transaction | None = None
        self.left_out: QmpshError | None = None
        """the error of the last line that was not added to a transaction"""
        self.preferences: Preferences | None = None
        self.events: EventHistory | None = None
        self.has_sent = False
        """whether the present line has sent a command that counts for `.wait`"""
        self.sourcing: list[str] = []
        """files that `.source` is in, the outermost first"""
        self.last_answer: Answer | None = None
        self.place: QomPlace | None = None
        """the working path in QOM, None before `.cd`"""
        self.share: MonitorShare | None = None
        """what serves the monitor to others, None away from the prompt"""
        self.screen: ScreenReader | None = None
        """the screen of the VM, once a line has looked at it"""

    @property
    def speaks_qmp(self) -> bool:
        """Whether the server takes QMP commands; False for an HMP monitor."""
        return self.client is None or self.client.dialect.qmp

    @property
    def hmp(self) -> bool:
        """Whether the next line is one of the human monitor: in HMP mode, and always where nothing
        else is spoken.
        """
        return self._hmp or not self.speaks_qmp

    @hmp.setter
    def hmp(self, is_on: bool) -> None:
        self._hmp = is_on

    @property
    def mode(self) -> Mode:
        """The mode in which the next line is read."""
        mode = Mode(hmp=self.hmp, in_transaction=self.transaction is not None)
        if not self.settings.interactive:
            return mode
        # Imported here: away from the prompt a verb has its dot.
        from qmpsh.language.verbs import BARE

        bare_verbs = frozenset(BARE.difference(self.machine.commands))
        return mode._replace(prompt=True, bare_verbs=bare_verbs, helps=True)

    @property
    def is_typed(self) -> bool:
        """Whether the present line comes from the prompt itself, not from a file."""
        return self.settings.interactive and not self.sourcing

    @property
    def prompt(self) -> Prompt:
        """The text before the next line."""
        if self.transaction is not None:
            return f"TRANS {self.transaction.count + 1}> "
        if self.hmp:
            return "(hmp) " if self.speaks_qmp else "(qemu) "
        if self.client is not None and self.client.dialect.guest:
            return "(guest) "
        if self.place is None or self.place.path == "/":
            return "(QEMU) "
        return f"(QEMU {self.place.short(2 * self.front_end.columns() // 5)}) "

    def use_client(self, client: Client, *, is_other: bool) -> None:
        """Send to another connection from now on. is_other: it may be another server."""
        self.client = client
        self.introspection.use_client(client, is_other=is_other)
        if self.events is not None:
            self.events.clear()

    def connect_again(self, client: Client) -> Client:
        """Connect again where this one was connected, and use the new client from now on.

        Raises CannotConnect, of which Busy, NotQmp and ConnectTimeout.
        """
        renewed = Client.connect(client.address, client.options, tracer=client.tracer)
        self.machine.on_greeting(renewed.connection.greeting)
        self.use_client(renewed, is_other=True)
        renewed.subscriber = client.subscriber
        return renewed

    def abandon_transaction(self) -> bool:
        """Drop an open transaction; return False if there was none."""
        was_open = self.transaction is not None
        self.transaction = None
        return was_open

    def end_of_input(self) -> None:
        """Raise UsageError if the input ends inside a transaction: nothing was sent."""
        if self.abandon_transaction():
            raise UsageError("end of input inside transaction( ... ): nothing was sent")

    def keep_events(self) -> EventHistory:
        """Keep the events from now on, for lines that wait for one; return where they are kept."""
        if self.events is None:
            # Imported here: most one-shots wait for no event.
            from qmpsh.shell.events import EventHistory, EventSpan

            self.events = EventHistory(EventSpan(is_script=not self.settings.interactive))
        if self.client is not None and self.client.subscriber is None:
            self.client.subscriber = self.events.on_message
        return self.events

    def before_sending(self, client: Client, command: Command) -> None:
        """Note that a command is sent now: events before its line do not count for `.wait EVENT`,
        unless the command only reads and was not typed at a prompt.
        """
        if self.events is None or self.has_sent:
            return
        span = self.events.span
        if span.is_script and not _may_change(command):
            return
        self.has_sent = True
        if not client.in_flight:
            client.poll(0)
        span.mark = self.events.next


def _may_change(command: Command) -> bool:
    # Imported here: it matters only where events are kept.
    from qmpsh.shell.policy import reads_only

    return not reads_only(command)
