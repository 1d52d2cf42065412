"""The facts about a server for one press of Tab, from a cache file or one brief connection.

A shell's Tab must not be kept waiting: a connection has a time limit, and whatever goes wrong gives
no candidates. A monitor has one client at a time, so it is left at once.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

from qmpsh.address import TcpAddress, UnixAddress, find_address
from qmpsh.cli.tab.offers import LineServer
from qmpsh.client.client import Client, ClientOptions
from qmpsh.client.dialect import GUEST_AGENT, QEMU
from qmpsh.complete.candidates import Candidate, Catalog
from qmpsh.complete.complete import complete, prefetch
from qmpsh.complete.live import LOADS_MODULES
from qmpsh.errors import Busy, CannotConnect, QmpshError
from qmpsh.jsontypes import Json
from qmpsh.language.cursor import Slot, find_context
from qmpsh.language.syntax import Mode
from qmpsh.protocol.messages import Command
from qmpsh.schema.cache import read_schema_files
from qmpsh.shell.hmp import hmp_command
from qmpsh.shell.introspection import Introspection, load_all
from qmpsh.shell.machine import Machine
from qmpsh.shell.settings import list_paths
from qmpsh.shell.steps import Task
from qmpsh.system.listener import accepted_of, listener_of
from qmpsh.system.peer import replaced_program
from qmpsh.system.proc import unix_sockets

GREETING_SECONDS = 0.3
"""seconds until a server has greeted and negotiated; a busy one does not"""
CONNECTION_SECONDS = 1.0
"""seconds of a whole visit"""
_RETRY_SECONDS = 0.01  # seconds between two looks whether a monitor is free
_MAX_QUERY_ROUNDS = 2  # an answer may show what to ask next


def candidates(
    server: LineServer, text: str, mode: Mode, *, documented: bool = True
) -> list[Candidate]:
    """Return the candidates at the end of a line; [] if anything goes wrong.

    documented: with sentences of the manual, for a shell that shows them
    """
    catalog = Catalog()
    catalog.paths = list_paths
    where = find_context(text, len(text), mode).slot
    if where is Slot.MODIFIER:
        # Imported here: the rules are of use to `--wait` alone.
        from qmpsh.shell.waiting.rules import known_ends

        catalog.ends = known_ends()
    with contextlib.suppress(QmpshError, OSError), _visiting(server) as visit:
        if where is not Slot.VERB and visit.is_hmp_monitor:
            mode, where = mode._replace(hmp=True), Slot.HMP
        if where is Slot.HMP:
            visit.learn_hmp(catalog)
        elif where is not Slot.VERB:
            visit.learn(catalog, documented=documented)
            _load_live_values(text, catalog, mode, visit)
    return complete(text, len(text), catalog, mode)


def _load_live_values(text: str, catalog: Catalog, mode: Mode, visit: BriefConnection) -> None:
    """Query the running VM for the values that this completion needs."""
    for _ in range(_MAX_QUERY_ROUNDS):
        prefetch(text, len(text), catalog, mode)
        for query in catalog.live.take_missing():
            if query.command not in LOADS_MODULES or visit.may_load_modules:
                answer = visit.ask(Command(query.command, dict(query.arguments) or None))
                catalog.live.set_answer(query, answer)


class BriefConnection:
    """A brief connection to a server, opened by the first query."""

    def __init__(self, server: LineServer) -> None:
        self.server = server
        self._deadline = time.monotonic() + CONNECTION_SECONDS
        self._client: Client | None = None
        self._tried = False

    def learn(self, catalog: Catalog, *, documented: bool) -> None:
        """Load the commands, the schema, and if wanted the manual installed on this host."""
        introspection = self._introspection()
        catalog.set_schema(introspection.commands, introspection.schema)
        catalog.disabled = introspection.disabled
        catalog.manual = introspection.manual() if documented else None

    def _introspection(self) -> Introspection:
        """Return what the server accepts, from the cache file or from the server."""
        if self.server.schema:
            schema = read_schema_files([os.path.expanduser(path) for path in self.server.schema])
            return Introspection(None, Machine("", None), schema)
        client = self._connected()
        introspection = Introspection(
            client, Machine("", client.connection.greeting if client else None)
        )
        if client is not None:
            self._run(client, Task(load_all(introspection), lambda _: None))
        return introspection

    @property
    def is_hmp_monitor(self) -> bool:
        """Whether the server takes the human monitor's lines alone."""
        if self.server.hmp or self.server.schema:
            return False
        client = self._connected()
        return client is not None and not client.dialect.qmp

    def learn_hmp(self, catalog: Catalog) -> None:
        """The commands of the human monitor."""
        catalog.set_hmp(self.ask(hmp_command("help")))
        catalog.set_hmp_info(self.ask(hmp_command("help info")))

    def ask(self, command: Command) -> Json:
        """Return the value of a reply; None for an error, a timeout, or without a connection."""
        client = self._connected()
        left = self._left()
        if client is None or client.closed or not left:
            return None
        try:
            return client.execute(command, left).value
        except QmpshError:
            return None

    @property
    def may_load_modules(self) -> bool:
        """Whether the server may be asked what makes it load its modules."""
        if self.server.read_only or self._client is None:
            return False
        return not replaced_program(self._client.address, self._client.fileno())

    def close(self) -> None:
        """Disconnect; may be called before any query."""
        if self._client is not None:
            self._client.close()

    def _connected(self) -> Client | None:
        if not self._tried:
            self._tried = True
            with contextlib.suppress(QmpshError):
                self._client = self._connect()
        return self._client

    def _connect(self) -> Client:
        address = find_address(self.server.address or "", agent=self.server.agent)
        if not isinstance(address, UnixAddress | TcpAddress):
            # The others run programs, log in somewhere, or wait for the VM: not on a mere Tab.
            raise CannotConnect(f"{address} is not asked")
        agent = self.server.agent
        options = ClientOptions(
            GREETING_SECONDS,
            self.server.negotiate or agent,
            oob=False,
            dialect=GUEST_AGENT if agent else QEMU,
        )
        if isinstance(address, UnixAddress):
            _wait_for_turn(address)
        return Client.connect(address, options)

    def _run(self, client: Client, task: Task) -> None:
        while not task.advance(time.monotonic()) and not client.closed and self._left():
            client.poll(self._left())

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())


@contextlib.contextmanager
def _visiting(server: LineServer) -> Iterator[BriefConnection]:
    visit = BriefConnection(server)
    try:
        yield visit
    finally:
        visit.close()


def _wait_for_turn(address: UnixAddress) -> None:
    """Wait until no client is connected to a socket or waiting for it. Raises Busy.

    Who connects to a busy monitor and leaves keeps a place in its queue, which has two, until the
    client before him goes: so this looks without connecting, if the kernel says.
    """
    deadline = time.monotonic() + GREETING_SECONDS
    while _is_taken(address):
        if time.monotonic() >= deadline:
            raise Busy(f"{address} has a client")
        time.sleep(_RETRY_SECONDS)


def _is_taken(address: UnixAddress) -> bool:
    sockets = unix_sockets()
    listener = listener_of(address, sockets)
    return listener is not None and bool(listener.queue or accepted_of(listener, sockets))
