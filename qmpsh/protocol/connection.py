"""One QMP session as a state machine: greeting, negotiation, ids. No socket, no clock.

Rule 1: Nothing is sent before the greeting: a command queued in a busy monitor's socket would run
        later. A guest agent never greets, so its session begins with the harmless `agent_sync`.
Rule 2: Every reply belongs to one command, found by its id. If the server omits the id (it could
        not parse the request, or it is StratoVirt), the reply goes to the oldest unanswered
        in-band command, since in-band replies come in request order (wire.md section 1).
Rule 3: We may receive the reply to a command of the previous client, since a command keeps running
        after its client disconnects (seen on QEMU 10.0, before the greeting). Commands run one
        after the other, so any such reply comes before that to our negotiation: until then, every
        other reply is dropped, and each session uses a different id for the negotiation. The
        greeting of a client that left before it was sent may come too (seen on QEMU 10.0).
Rule 4: Events may come at any time, even before the reply they belong to. One that happens while
        the client connects comes before the greeting (seen on QEMU 7.2).

Source: QMP specification, "Server Greeting", "Capabilities Negotiation", "Out-of-band execution".
"""

from __future__ import annotations

import math
from collections import deque

from qmpsh.errors import ConnectionLost, ProtocolError, UsageError, shortened
from qmpsh.light_typing import TYPE_CHECKING, Enum
from qmpsh.protocol.framing import DEFAULT_LIMIT, PEER_CLOSED, Frame, MessageFramer, Pause
from qmpsh.protocol.messages import (
    Command,
    ErrorReply,
    Event,
    Greeting,
    Message,
    Reply,
    classify,
    encode_command,
)

if TYPE_CHECKING:
    from typing import Final

    from qmpsh.protocol.agent_sync import AgentSync
    from qmpsh.protocol.hmp_monitor import HmpMonitor

_NOT_SENT: Final = "{name} was not sent: {state}"
_NOT_NEGOTIATED: Final = "capabilities were not negotiated: {state}"
_TOO_LONG: Final = (
    "{name}: {reader} takes requests of {longest:g} bytes at most, and this one has {size};"
    " it was not sent"
)
_NO_GREETING: Final = "the server sent events without a greeting"
_SECOND_GREETING: Final = "the server sent a second greeting"
_REFUSED: Final = "the server refused the negotiation: {desc}"

MAX_EARLY_EVENTS: Final = 100
"""Events taken before the greeting; a server that sends more of them never greets"""

_ONE_DIGIT_IDS: Final = 9  # ids of one character, from "1" on


class ProtocolState(Enum):
    """A state of a session."""

    GREETING = "waits for the greeting"
    SYNCING = "waits for the agent's answer to guest-sync-delimited"
    NEGOTIATING = "greeted, capabilities not yet agreed"
    READY = "takes commands"
    BROKEN = "the peer sent what is not QMP"
    CLOSED = "the peer closed"


class Step(Enum):
    """A step that takes a session from one state to the next."""

    GREETED = "the greeting came"
    AGREED = "the reply to qmp_capabilities came, or to guest-sync-delimited"
    FAILED = "what came is not QMP"
    ENDED = "the stream ended"


TRANSITIONS: Final[dict[ProtocolState, dict[Step, ProtocolState]]] = {
    ProtocolState.GREETING: {
        Step.GREETED: ProtocolState.NEGOTIATING,
        Step.FAILED: ProtocolState.BROKEN,
        Step.ENDED: ProtocolState.CLOSED,
    },
    ProtocolState.SYNCING: {
        Step.AGREED: ProtocolState.READY,
        Step.FAILED: ProtocolState.BROKEN,
        Step.ENDED: ProtocolState.CLOSED,
    },
    ProtocolState.NEGOTIATING: {
        Step.AGREED: ProtocolState.READY,
        Step.FAILED: ProtocolState.BROKEN,
        Step.ENDED: ProtocolState.CLOSED,
    },
    ProtocolState.READY: {
        Step.GREETED: ProtocolState.READY,  # greeting=False, but the server greeted after all
        Step.FAILED: ProtocolState.BROKEN,
        Step.ENDED: ProtocolState.CLOSED,
    },
    ProtocolState.BROKEN: {},
    ProtocolState.CLOSED: {Step.ENDED: ProtocolState.CLOSED},
}


class Connection:
    """The client's side of one session.

    greeting: False for a server that neither greets nor negotiates; the session is then READY from
              the start, unless `synchronize` is called next
    oob:      enable out-of-band execution if the server offers it
    limit:    most bytes in one message
    tag:      the id of the negotiation, different in every session
    """

    __slots__ = (
        "_early_events",
        "_error",
        "_framer",
        "_free_ids",
        "_hmp",
        "_in_band",
        "_issued",
        "_knows_sentinels",
        "_limit",
        "_longest",
        "_negotiation",
        "_out_of_band",
        "_prelude",
        "_reader",
        "_tag",
        "_want_oob",
        "greeting",
        "oob",
        "received",
        "state",
    )

    def __init__(
        self,
        *,
        greeting: bool = True,
        oob: bool = True,
        limit: int = DEFAULT_LIMIT,
        tag: str = "1",
    ) -> None:
        self.state = ProtocolState.GREETING if greeting else ProtocolState.READY
        self.greeting: Greeting | None = None
        self.received = 0  # bytes received
        self.oob = False  # whether out-of-band execution was agreed on
        self._want_oob = oob
        self._tag = tag
        self._early_events = 0
        self._error: ProtocolError | None = None
        self._limit = limit
        self._framer: MessageFramer | HmpMonitor = MessageFramer(limit=limit)
        self._hmp: HmpMonitor | None = None  # the framer, if there is an HMP monitor
        self._in_band: dict[str, None] = {}  # unanswered ids, oldest first
        self._out_of_band: set[str] = set()
        self._negotiation: str | None = None
        self._prelude: AgentSync | None = None
        self._knows_sentinels = False
        self._reader, self._longest = "the server", math.inf
        self._issued = 0
        self._free_ids: deque[str] = deque()

    @property
    def in_flight(self) -> int:
        """How many in-band commands are unanswered."""
        return len(self._in_band)

    @property
    def unfinished(self) -> int:
        """Bytes received so far of an incomplete message."""
        return self._framer.unfinished

    @property
    def _is_refused_oob(self) -> bool:
        """Whether the server refuses `exec-oob`: in request order, and without an id."""
        return self.greeting is not None and not self.oob

    def receive_data(self, data: bytes) -> None:
        """Append received bytes; b"" means the peer closed."""
        if not self.received and self.state is ProtocolState.GREETING and data[:1] == b"Q":
            self._read_hmp()
        self.received += len(data)
        if self._prelude is not None and data:
            data = self._from_prelude(self._prelude, data)
            if not data:
                return
        elif self._knows_sentinels:
            # The agent also sends one before the reply to a guest-sync-delimited of the user's.
            data = data.replace(b"\xff", b"")
        self._framer.receive_data(data)

    def _read_hmp(self) -> None:
        """Read what comes as an HMP monitor's, which begins with `QEMU`, and QMP with a brace."""
        # Imported here: few servers are HMP monitors.
        from qmpsh.protocol.hmp_monitor import HmpMonitor

        self._framer = self._hmp = HmpMonitor(limit=self._limit, word=self._tag)

    def _from_prelude(self, prelude: AgentSync, data: bytes) -> bytes:
        """The guest agent's bytes that are meant for us; b"" if there are none yet."""
        if self._error is not None:
            return b""
        try:
            found = prelude.receive_data(data)
        except ProtocolError as error:
            self._error = error
            self._move(Step.FAILED)
            return b""
        if found is None:
            return b""
        self._prelude, self._knows_sentinels = None, True
        return found.replace(b"\xff", b"")

    def synchronize(self, number: int) -> tuple[Command, str, bytes]:
        """Start a session with a guest agent.

        number: random, 0 to `agent_sync.LARGEST_NUMBER`
        Returns the guest-sync-delimited command, its id and the bytes, to be sent at once. Anything
        received before its reply belongs to other clients and is dropped. `next_message` returns
        the reply like any other, after changing the state.
        """
        # Imported here: few servers are guest agents.
        from qmpsh.protocol.agent_sync import SENTINEL, AgentSync

        self.state = ProtocolState.SYNCING
        self._prelude = AgentSync(number)
        command = Command("guest-sync-delimited", {"id": number})
        self._negotiation, data = self._register(command)
        # Two sentinels: with telnet=on, a single 0xFF starts a telnet command and swallows two
        # more bytes, while a pair stands for one 0xFF (RFC 854; both versions of QEMU).
        return command, self._negotiation, SENTINEL * 2 + data

    def bound_requests(self, reader: str, longest: int | None) -> None:
        """Refuse requests that are too long for the server to read.

        reader:  what error messages call the server
        longest: most bytes in one request, None for no limit
        """
        self._reader, self._longest = reader, math.inf if longest is None else longest

    def send_command(self, command: Command) -> tuple[str, bytes]:
        """Return the id given to a command, and the bytes to send.

        In-band commands must be sent in the order of these calls.
        Raises UsageError if the command cannot be encoded as JSON or is too long for the server,
        ConnectionLost unless the session is READY.
        """
        if self.state is not ProtocolState.READY:
            raise ConnectionLost(_NOT_SENT.format(name=command.name, state=self.state.value))
        return self._register(command)

    def negotiate(self) -> tuple[str, bytes]:
        """Return the id and the bytes of qmp_capabilities, to be sent after the greeting.

        `next_message` returns its reply like any other, after changing the state. `enable` is sent
        only if the server offers oob, since StratoVirt refuses it (wire.md section 13).
        Raises ConnectionLost unless the session is NEGOTIATING.
        """
        if self.state is not ProtocolState.NEGOTIATING or self.greeting is None:
            raise ConnectionLost(_NOT_NEGOTIATED.format(state=self.state.value))
        self.oob = self._want_oob and "oob" in self.greeting.capabilities
        command = Command("qmp_capabilities", {"enable": ["oob"]} if self.oob else None)
        data = self._encode(command, self._tag)
        self._negotiation = self._tag
        self._in_band[self._tag] = None
        return self._tag, data

    def _register(self, command: Command) -> tuple[str, bytes]:
        # Ids are strings, since StratoVirt refuses numbers. They are reused to stay short: QEMU
        # reads a request byte by byte, and each byte costs 2 % of a round trip. The id unused for
        # longest comes next, so that a duplicate reply is not taken for that to the next command.
        reuses = bool(self._free_ids) and self._issued >= _ONE_DIGIT_IDS
        id = self._free_ids[0] if reuses else str(self._issued + 1)
        data = self._encode(command, id)
        if len(data) > self._longest:
            raise UsageError(
                _TOO_LONG.format(
                    name=command.name, reader=self._reader, longest=self._longest, size=len(data)
                )
            )
        if reuses:
            self._free_ids.popleft()
        else:
            self._issued += 1
        if command.oob and not self._is_refused_oob:
            self._out_of_band.add(id)
        else:
            self._in_band[id] = None
        return id, data

    def _encode(self, command: Command, id: str) -> bytes:
        if self._hmp is not None:
            return self._hmp.encode(command, id)
        return encode_command(command, id)

    def forget(self, id: str) -> None:
        """Stop waiting for the reply to an in-band command; its id is never reused."""
        self._in_band.pop(id, None)
        if self._hmp is not None:
            self._hmp.forget(id)

    def next_message(self) -> Message | Pause:
        """Return the next message in order of arrival, or why there is none yet.

        Missing ids of replies are filled in. A reply whose id is None or was never given out
        belongs to no command of this session.
        Raises ProtocolError if the server sent anything but QMP; the error is final.
        """
        if self._error is not None:
            raise self._error
        try:
            frame = self._framer.next_frame()
            if isinstance(frame, Frame):
                return self._accept(frame)
        except ProtocolError as error:
            self._error = error
            self._move(Step.FAILED)
            raise
        if frame is PEER_CLOSED:
            self._move(Step.ENDED)
        return frame

    def _accept(self, frame: Frame) -> Message:
        message = classify(frame.object, frame.size)
        if isinstance(message, Greeting):
            return self._greet(message)
        if not isinstance(message, Event):
            return self._settle(message)
        if self.state is ProtocolState.GREETING:
            self._early_events += 1
            if self._early_events > MAX_EARLY_EVENTS:
                raise ProtocolError(_NO_GREETING)
        return message

    def _move(self, step: Step) -> None:
        self.state = TRANSITIONS[self.state][step]

    def _greet(self, greeting: Greeting) -> Greeting:
        if self.greeting is None:
            self._move(Step.GREETED)
        elif self.state is not ProtocolState.NEGOTIATING:
            raise ProtocolError(_SECOND_GREETING)
        self.greeting = greeting
        return greeting

    def _settle(self, reply: Reply | ErrorReply) -> Reply | ErrorReply:
        if reply.raw.get("id") is None and self._in_band:
            reply = reply._replace(id=next(iter(self._in_band)))
        id = reply.id
        if id in self._in_band:
            del self._in_band[id]
        elif id in self._out_of_band:
            self._out_of_band.remove(id)
        else:
            return reply
        if id == self._negotiation:
            self._agree(reply)
        else:
            self._free_ids.append(id)
        return reply

    def _agree(self, reply: Reply | ErrorReply) -> None:
        self._negotiation = None
        if isinstance(reply, ErrorReply):
            # Another client negotiated on this same stream; what it enabled is unknown.
            if "already complete" not in reply.desc:
                raise ProtocolError(_REFUSED.format(desc=shortened(reply.desc)))
            self.oob = False
        self._move(Step.AGREED)
