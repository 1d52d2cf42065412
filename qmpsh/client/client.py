"""The client: one stream, one session, one thread.

Theory of operation. A `Client` joins three parts that know nothing of each other: a `Stream`, which
moves bytes and never blocks; a `Connection` (protocol/), which turns bytes into messages and knows
in which state the session is, without I/O; and two queues, the `Outbox` of requests that are still
to be written and the `Inbox` of commands that wait for their replies.

`submit` encodes a command, queues it and writes what the socket takes; it returns a `Pending` at
once. `poll` is one turn of everything else, in this order: write what may go, read at most
_MAX_READS pieces, give each reply to the `Pending` that it answers, and everything else (events,
replies that answer nothing) to the `subscriber`. No other method moves bytes, and `poll` is the
only place that waits, so a batch may block in `poll(timeout)`, while a screen watches `fileno()`
(and, while `wants_write`, for writing) and calls `poll(0)`, at the latest at `due`. `execute` and
`connect` are loops around `poll`. Greeting and negotiation are ordinary turns too: `open` returns a
client that is still connecting, and `ready` says when it takes commands; `wait_until_ready` is the
loop that `connect` adds, with its notices, and `refusal_of` says why it came to nothing.

A turn is bounded in bytes and in time, so that a flood of events or a huge reply cannot starve the
keys. A callback may submit or close: all messages of a piece are delivered from a consistent state.

A client serves one connection. Once that is lost, every `Pending` gets the error and nothing is
sent again: whether the server has carried out a command already is unknown. To connect again is to
open another client with its `address`, `options` and `tracer`.
"""

from __future__ import annotations

import math
import os
import time

from qmpsh.address import Address
from qmpsh.client import handshake
from qmpsh.client.connect import UnixStream, begin_stream, carries_descriptors, open_stream
from qmpsh.client.dialect import Dialect, dialect_of_greeting
from qmpsh.client.handshake import ClientOptions as ClientOptions
from qmpsh.client.poll import READ, WRITE, Poller
from qmpsh.client.queues import Inbox, Outbox, ReplyHandler, Turn
from qmpsh.client.queues import Pending as Pending
from qmpsh.client.queues import Subscriber as Subscriber
from qmpsh.client.queues import Tracer as Tracer
from qmpsh.client.shares import SILENT_SECONDS, ShareAppeared, ShareSearch, connect_share
from qmpsh.errors import CannotConnect, ConnectionLost, QmpshError, ReplyTimeout, UsageError
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.connection import Connection, ProtocolState
from qmpsh.protocol.framing import PEER_CLOSED, Pause
from qmpsh.protocol.messages import Command, Greeting, Message, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from qmpsh.client.shares import FoundShare
    from qmpsh.stream import Stream
    from qmpsh.system.peer import Peer

_READ_BYTES: Final = 64 * 1024  # bytes of one read
_MAX_READS: Final = 4  # reads of one turn at most: a flood must not starve the keys
_DEFAULTS: Final = ClientOptions()


class Client:
    """The client of one server, on one stream and in one thread.

    stream:  connected or still connecting
    address: what it is connected to, for messages
    options: of the session
    tracer:  gets every message from now on, None for none; may be replaced
    holder:  the qmpsh that shares the monitor, None for the monitor's own socket

    `poll` performs greeting and negotiation; `ready` is true once commands are accepted. What was
    greeted and agreed on is read from its `connection`, what a connect waits for from its `stream`.
    """

    __slots__ = (
        "_inbox",
        "_outbox",
        "_poller",
        "_turn",
        "address",
        "agreement",
        "closed",
        "connection",
        "dialect",
        "holder",
        "lost",
        "options",
        "stream",
        "tracer",
    )

    def __init__(
        self,
        stream: Stream,
        address: Address,
        options: ClientOptions = _DEFAULTS,
        tracer: Tracer | None = None,
    ) -> None:
        self.address = address
        self.tracer = tracer
        self.dialect = options.dialect
        self.holder: Peer | None = None
        self.closed = False
        self.lost: QmpshError | None = None
        self.options = options
        self.stream = stream
        self.connection = Connection(
            greeting=options.negotiate and self.dialect.greets,
            oob=options.oob,
            limit=options.limit,
            tag=handshake.tag(),
        )
        self._inbox = Inbox()
        self._turn = Turn()
        self._outbox = Outbox(options.dialect.window, options.dialect.rate)
        self.agreement: Pending | None = None
        self._poller = Poller()
        if options.negotiate and not self.dialect.greets:
            self.agreement = self._submit(*handshake.synchronize(self.connection))

    @classmethod
    def connect(
        cls,
        address: Address,
        options: ClientOptions = _DEFAULTS,
        notice: Callable[[str], None] | None = None,
        tracer: Tracer | None = None,
    ) -> Client:
        """Return a client that is greeted and negotiated.

        notice: called once with a sentence when the server stays silent
        Raises CannotConnect, of which Busy, NotQmp and ConnectTimeout.
        """
        started = time.monotonic()
        seeks = options.may_be_shared
        share = connect_share(address) if seeks else None
        while True:
            if share is not None:
                through = client_through(share, address, options, tracer)
                if _is_served(through):
                    return through
                seeks = through.closed  # a silent one is named if the monitor is silent too
                through.close()
            stream = open_stream(address, options.connect_timeout, notice, awaited=options.awaited)
            client = cls(stream, address, options, tracer)
            try:
                if options.negotiate:
                    wait_until_ready(client, started, notice, seeks=seeks)
            except ShareAppeared as found:
                client.close()
                share = found.share
            except BaseException:
                # Closed at once, an interrupt included: a busy monitor would serve us later.
                client.close()
                raise
            else:
                return client

    @classmethod
    def open(
        cls,
        address: Address,
        options: ClientOptions = _DEFAULTS,
        tracer: Tracer | None = None,
        *,
        seeks: bool = True,
    ) -> Client:
        """Return a client that is still connecting; each `poll` goes on without waiting.

        seeks: it may go through another qmpsh, if the options allow that
        Raises CannotConnect for what fails at once; what fails later ends the client.
        """
        share = connect_share(address) if seeks and options.may_be_shared else None
        if share is not None:
            return client_through(share, address, options, tracer)
        return cls(begin_stream(address), address, options, tracer)

    # ------------------------------------------------------------------------ what is known

    @property
    def ready(self) -> bool:
        """Whether commands are taken: greeted and negotiated, and neither lost nor closed."""
        return not self.closed and self.connection.state is ProtocolState.READY

    @property
    def in_flight(self) -> int:
        """The number of unanswered commands, including those still to be written."""
        return len(self._inbox)

    @property
    def wants_write(self) -> bool:
        """Whether to poll when the descriptor can be written to; reading is always wanted."""
        stream, outbox = self.stream, self._outbox
        # One on its way takes nothing, however much room its descriptor has.
        return stream.wants_write or bool(outbox.rest and not (outbox.error or stream.awaits))

    @property
    def due(self) -> float | None:
        """When to poll in any case, by `time.monotonic()`: to send or to decode; None for never."""
        return None if self.closed else 0.0 if self._turn.is_decoding else self._outbox.due

    @property
    def subscriber(self) -> Subscriber | None:
        """Receives events and unmatched replies, and at once those that came before it was set."""
        return self._inbox.subscriber

    @subscriber.setter
    def subscriber(self, subscriber: Subscriber | None) -> None:
        self._inbox.subscriber = subscriber

    def fileno(self) -> int:
        """Return the descriptor to wait on; -1 once closed."""
        return self.stream.fileno()

    # ------------------------------------------------------------------------ commands

    def submit(self, command: Command, on_reply: ReplyHandler | None = None) -> Pending:
        """Queue a command, write what the socket takes, and return at once.

        An out-of-band command goes ahead of all that is not yet begun to be written. A descriptor
        of its is the client's from here on, which closes it whatever becomes of the command.
        on_reply: called with the Pending once the reply has come, within `poll`
        Raises UsageError for what cannot be sent, ConnectionLost once the connection is.
        """
        try:
            if self.closed:
                raise handshake.no_connection(command.name, self.lost)
            if command.fd is not None and not carries_descriptors(self.stream):
                raise UsageError(handshake.no_descriptors(self.address))
            id, data = self.connection.send_command(command)
        except QmpshError:
            if command.fd is not None:
                os.close(command.fd)
            raise
        return self._submit(command, id, data, on_reply)

    def _submit(
        self, command: Command, id: str, data: bytes, on_reply: ReplyHandler | None = None
    ) -> Pending:
        pending = self._inbox.expect(command, id, on_reply)
        self._outbox.put(data, oob=command.oob, fd=command.fd, pending=pending)
        self._write()
        return pending

    def execute(self, command: Command, timeout: float | None = None) -> Reply:
        """Submit a command and wait for its reply.

        timeout: seconds, None for no limit; a reply that comes later is dropped.
        Raises CommandFailed, ReplyTimeout, ConnectionLost, UsageError.
        """
        pending = self.submit(command)
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        if not poll_until(self, lambda: pending.done, deadline):
            raise self.overdue(pending, timeout or 0.0)
        return pending.result()

    def overdue(self, pending: Pending, seconds: float) -> ReplyTimeout:
        """Return the error for a command without a reply in time; if unsent, it never is sent."""
        is_unsent = self._outbox.withdraw(pending)
        if is_unsent and self._inbox.forget(pending):
            self.connection.forget(pending.id)
        return pending.overdue(seconds, is_unsent=is_unsent)

    def forget(self, pending: Pending) -> None:
        """Wait no longer for a reply that may never come, and let what is after it go out."""
        if self._inbox.forget(pending):
            self.connection.forget(pending.id)
            self._outbox.count_answer(pending)
            self._write()

    # ------------------------------------------------------------------------ bytes

    def poll(self, timeout: float | None) -> bool:
        """One turn: wait for the socket, write and read what is there, resolve and hand out.

        timeout: seconds at most until something happens, 0 to take only what is there
        Returns whether anything happened.
        """
        if self.closed:
            return False
        fd = self.stream.fileno()
        return self._go_on(self._wait(fd, timeout, {}).get(fd, 0))

    def _wait(self, fd: int, timeout: float | None, others: Mapping[int, int]) -> dict[int, int]:
        """Wait for the socket or another descriptor; return the flags of those that are ready."""
        wanted = {fd: READ | WRITE if self.wants_write else READ, **others}
        return self._poller.wait(wanted, self._limit(timeout))

    def _go_on(self, flags: int) -> bool:
        """Write and read as far as the socket is ready; return whether anything happened."""
        if happened := bool(flags & WRITE):
            self._write()
        if self._turn.is_decoding:
            self._take_messages()  # nothing more is read meanwhile, or it would pile up
            happened = True
        elif flags & ~WRITE or (flags and self.stream.wants_write):
            happened = self._read() or happened
        if not self._outbox.rest:
            self._write()  # replies made room for more, or time did
        if self._outbox.error is not None and not (happened or self.closed):
            self._lose(self._outbox.error)
            happened = True
        return happened

    def _limit(self, timeout: float | None) -> float | None:
        """Return the longest wait, in seconds."""
        if self._outbox.error is not None:
            return 0.0  # only what the server still said is waited for, and that is there
        if self.due is None:
            return timeout
        wait = self.due - time.monotonic()
        return wait if timeout is None else min(timeout, wait)

    def _write(self) -> None:
        self._outbox.write_to(self.stream, self.tracer)

    def _read(self) -> bool:
        """Read until the socket would block, or this turn's share is taken; False for nothing."""
        happened = False
        for _ in range(_MAX_READS):
            try:
                data = self.stream.recv(_READ_BYTES)
            except (ConnectionLost, CannotConnect) as error:
                self._lose(error)
                return True
            if data is None:
                break
            happened = True
            self.connection.receive_data(data)
            self._take_messages()
            if len(data) < _READ_BYTES or self.closed or self._turn.is_decoding:
                break
        return happened

    def _take_messages(self) -> None:
        while not self.closed:
            try:
                message = self.connection.next_message()
            except ConnectionLost as error:
                self._lose(error)
                return
            if not isinstance(message, Pause):
                self._take(message)
            elif message is PEER_CLOSED:
                self._lose(handshake.end_of_stream(self.connection.unfinished))
            elif not self._turn.continues(message):
                return

    def _take(self, message: Message) -> None:
        if self.tracer is not None:
            self.tracer("<-", message.raw)
        if isinstance(message, Greeting):
            self.set_dialect(dialect_of_greeting(message))
            self._agree()
            return
        if (pending := self._inbox.deliver(message, ready=self.ready)) is not None:
            self._outbox.count_answer(pending)

    def set_dialect(self, dialect: Dialect) -> None:
        """Set which kind of server this is, once that is known; its limits hold from now on."""
        self.dialect = dialect
        self._outbox.set_limits(dialect.window, dialect.rate)
        self.connection.bound_requests(dialect.title, dialect.longest)

    def _agree(self) -> None:
        """Negotiate after the first greeting, unless none was expected."""
        if self.connection.state is ProtocolState.NEGOTIATING and self.agreement is None:
            self.agreement = self._submit(Command("qmp_capabilities"), *self.connection.negotiate())

    def close(self) -> None:
        """Give up the connection; what is unanswered gets a ConnectionLost. May be called twice."""
        if not self.closed:
            self._end(ConnectionLost("the connection was closed before the reply"))

    def _lose(self, error: QmpshError) -> None:
        self.lost = error
        if self.tracer is not None:
            self.tracer("--", {"ended": str(error)})
        self._end(error)

    def _end(self, error: QmpshError) -> None:
        self.closed = True
        self.stream.close()
        self._outbox.clear()
        self._inbox.fail(error)


def server_fd(client: Client) -> int:
    """Return the descriptor to the server itself; -1 where a qmpsh that shares it is between."""
    return client.fileno() if client.holder is None else -1


def poll_until(client: Client, ready: Callable[[], bool], deadline: float) -> bool:
    """Poll until `ready()`, or the end of the connection; return False when the time ran out.

    deadline: of the clock `time.monotonic()`, infinite for no limit
    """
    while not (ready() or client.closed):
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        client.poll(left)
    return True


def poll_beside(client: Client, others: Mapping[int, int], timeout: float | None) -> set[int]:
    """`Client.poll`, which other descriptors end too; return those of them that are ready.

    others: READ, WRITE, both or BROKEN, by descriptor
    """
    flags = client._wait(client.fileno(), timeout, others)
    client._go_on(flags.pop(client.fileno(), 0))
    return {*flags}


def client_through(
    share: FoundShare, address: Address, options: ClientOptions, tracer: Tracer | None
) -> Client:
    """Return a client, not yet greeted, of the qmpsh that shares a monitor."""
    client = Client(UnixStream(share.socket), address, options, tracer)
    client.holder = share.peer
    return client


def _is_served(through: Client) -> bool:
    """Wait a moment for a share; return whether a client is greeted and negotiated there."""
    poll_until(through, lambda: through.ready, time.monotonic() + SILENT_SECONDS)
    return through.ready


def wait_until_ready(
    client: Client,
    started: float,
    notice: Callable[[str], None] | None = None,
    *,
    seeks: bool = False,
) -> None:
    """Wait until a client is greeted and negotiated.

    started: when the connect timeout began to run, of the clock `time.monotonic()`
    seeks:   look for a share of the monitor as long as that is silent
    Raises as `Client.connect` does, ShareAppeared as well, and leaves the closing to the caller.
    """
    options, connection = client.options, client.connection
    limit = options.connect_timeout
    deadline = math.inf if limit is None else started + limit
    quiet = handshake.Silence(client.fileno, time.monotonic(), lambda: connection.received)
    if not _poll_until_begun(client, min(quiet.first_check(options), deadline)):
        search = ShareSearch(client.address, quiet.since) if seeks else None
        _await_greeting(client, deadline, quiet, notice, search)
    if not poll_until(client, lambda: client.ready, deadline):
        # Imported here, as below: most servers greet, and agree.
        from qmpsh.client.session_errors import no_agreement

        raise no_agreement(client.address, limit or 0.0, client.dialect)
    if client.lost is not None and not (client.agreement and client.agreement.reply):
        raise refusal_of(client)


def _await_greeting(
    client: Client,
    deadline: float,
    quiet: handshake.Silence,
    notice: Callable[[str], None] | None,
    search: ShareSearch | None,
) -> None:
    """Go on waiting for a greeting that is late; say once what is waited for."""
    from qmpsh.client import session_errors

    limit, address, dialect = client.options.connect_timeout, client.address, client.dialect
    if time.monotonic() < deadline:
        session_errors.check_silent(address, dialect, quiet)
    noticed = quiet.since + client.options.notice_after
    if notice and noticed < deadline and not _poll_and_seek(client, noticed, search):
        notice(session_errors.waiting(address, limit, dialect, quiet))
    if not _poll_and_seek(client, deadline, search):
        raise session_errors.no_greeting(address, limit or 0.0, dialect, quiet)


def _poll_and_seek(client: Client, deadline: float, search: ShareSearch | None) -> bool:
    """`_poll_until_begun`, looking for a share from time to time. Raises ShareAppeared."""
    while search is not None and search.due < deadline:
        if _poll_until_begun(client, search.due):
            return True
        if (share := search.find(time.monotonic())) is not None:
            raise ShareAppeared(share)
    return _poll_until_begun(client, deadline)


def _poll_until_begun(client: Client, deadline: float) -> bool:
    """`poll_until` the greeting came, or the answer that a guest agent gives in its place."""
    before = (ProtocolState.GREETING, ProtocolState.SYNCING)
    return poll_until(client, lambda: client.connection.state not in before, deadline)


def refusal_of(client: Client) -> CannotConnect:
    """Return why no session could be established, after the connection was lost."""
    from qmpsh.client.session_errors import refusal

    return refusal(client.address, client.lost, greeted=client.connection.greeting is not None)
