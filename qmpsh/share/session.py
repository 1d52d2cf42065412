"""The session of one client of a share: what QEMU's monitor would answer, without I/O.

Theory of operation. Bytes of the client go in by `receive_data`, bytes for it stand in `outgoing`.
It is greeted as QEMU greeted us, and negotiates here; the one session with QEMU is negotiated
already. `next_request` gives each command that is to be passed on, with the `ReplySlot` of its
reply: replies to in-band commands leave in the order of their requests, so that one that has come
waits in its slot for those before it. Out-of-band replies and events leave at once.

Errors are worded as QEMU words them, as other programs read them. Source: wire.md sections 1 and 3.
"""

from __future__ import annotations

import json
from collections import deque

from qmpsh.jsontypes import JsonObject
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.share.requests import BadRequest, RequestReader

if TYPE_CHECKING:
    from typing import Final

MAX_SLOTS: Final = 64
"""requests of a client without a reply, from which on no more are read"""

PAUSE_BYTES: Final = 256 * 1024
"""bytes that a client has not taken, from which on no more requests of it are read"""

MAX_UNSENT_BYTES: Final = 8 * 1024 * 1024
"""bytes that a client has not taken, from which on it is given up; two replies more, if longer"""

MAX_OOB: Final = 8
"""out-of-band requests of a client without a reply, from which on no more are read"""

_GENERIC, _NOT_FOUND = "GenericError", "CommandNotFound"
_NEGOTIATE_FIRST: Final = "Expecting capabilities negotiation with 'qmp_capabilities'"
_NEGOTIATED: Final = "Capabilities negotiation is already complete, command ignored"
_UNEXPECTED: Final = "QMP input member '{}' is unexpected"
_LACKS: Final = "QMP input lacks member 'execute'"
_NO_STRING: Final = "QMP input member '{}' must be a string"
_NO_OBJECT: Final = "QMP input member 'arguments' must be an object"
_PARAMETER: Final = "Parameter '{}' is unexpected"
_NO_ARRAY: Final = "Invalid parameter type for 'enable', expected: array"
_NO_CAPABILITY: Final = "Parameter 'enable' does not accept value '{}'"
_NAMES: Final = ("execute", "exec-oob")


class ReplySlot:
    """The place of one reply.

    id_member: what of the request belongs into the reply, {} without an id
    is_oob:    its reply does not wait for others
    data:      the reply, encoded; b"" until it has come
    """

    __slots__ = ("data", "id_member", "is_oob")

    def __init__(self, request: JsonObject, *, is_oob: bool = False) -> None:
        self.id_member: JsonObject = {"id": request["id"]} if "id" in request else {}
        self.is_oob = is_oob
        self.data = b""


class ShareRequest(NamedTuple):
    """A command of a client that is to be passed on, and where its reply goes."""

    command: Command
    slot: ReplySlot


class RequestRefused(Exception):
    """A request that is answered here, with an error. desc, error_class: of the reply"""

    def __init__(self, desc: str, error_class: str = _GENERIC) -> None:
        super().__init__(desc)
        self.reply: JsonObject = {"error": {"class": error_class, "desc": desc}}


class ShareSession:
    """The session of one client.

    greeting:   as QEMU sent it, None for a guest agent, which neither greets nor negotiates
    offers_oob: whether QEMU agreed on out-of-band execution with us
    via:        how its commands are named in a trace

    outgoing:   bytes to be sent to it
    negotiated: whether it has, and so gets events
    """

    __slots__ = (
        "_has_ended",
        "_is_oob",
        "_longest",
        "_offers_oob",
        "_oob_waiting",
        "_slots",
        "_via",
        "negotiated",
        "outgoing",
        "reader",
    )

    def __init__(
        self,
        greeting: JsonObject | None,
        *,
        offers_oob: bool,
        via: str = "",
    ) -> None:
        self.negotiated = greeting is None
        self._is_oob = False
        self._offers_oob = offers_oob
        self._via = via
        self.reader = RequestReader()
        self._slots: deque[ReplySlot] = deque()
        self._has_ended = False
        self._oob_waiting = 0
        self._longest = 0  # bytes of a reply
        self.outgoing = bytearray()
        if greeting is not None:
            self.outgoing += encode_line(_offered(greeting, offers_oob))

    @property
    def waiting(self) -> int:
        """How many in-band requests have no reply yet, or none that may leave."""
        return len(self._slots)

    @property
    def wants_read(self) -> bool:
        """Whether more of its bytes are to be read."""
        return not self._has_ended and self._has_room and self.takes_replies

    @property
    def takes_replies(self) -> bool:
        """Whether it has taken so much that more commands of it may run."""
        return len(self.outgoing) < PAUSE_BYTES

    @property
    def _has_room(self) -> bool:
        """Whether another request of it may wait for its reply."""
        return len(self._slots) < MAX_SLOTS and self._oob_waiting < MAX_OOB

    @property
    def is_over(self) -> bool:
        """Whether it sends nothing more, and has all its replies."""
        return not (self._slots or self._oob_waiting or self.outgoing) and self._has_ended

    @property
    def is_too_slow(self) -> bool:
        """Whether it takes so little of what it is sent that it is to be given up."""
        return len(self.outgoing) > MAX_UNSENT_BYTES + 2 * self._longest

    def receive_data(self, data: bytes) -> None:
        """Append received bytes; b"" means it sends nothing more."""
        if data:
            self.reader.receive_data(data)
        else:
            self._has_ended = True

    def next_request(self) -> ShareRequest | None:
        """Take the next command to be passed on; what is answered here is on the way."""
        while self._has_room:
            found = self.reader.next_request()
            if found is None:
                return None
            if isinstance(found, BadRequest):
                self._put(ReplySlot({}), RequestRefused(found.why).reply)
                continue
            slot = ReplySlot(found, is_oob="exec-oob" in found)
            try:
                command = self._command(found)
            except RequestRefused as refused:
                slot.is_oob = slot.is_oob and self._is_oob
                self._put(slot, refused.reply)
                continue
            if command is None:
                self._put(slot, {"return": {}})
                continue
            self._add(slot)
            return ShareRequest(command, slot)
        return None

    def _add(self, slot: ReplySlot) -> None:
        if slot.is_oob:
            self._oob_waiting += 1
        else:
            self._slots.append(slot)

    def _put(self, slot: ReplySlot, reply: JsonObject) -> None:
        """Answer a request here, after those before it."""
        self._add(slot)
        self.answer(slot, reply)

    def _command(self, request: JsonObject) -> Command | None:
        """Return the command to be passed on; None for a negotiation, which is done here.

        Raises RequestRefused.
        """
        name = _checked_name(request, self._is_oob)
        arguments = request.get("arguments")
        if "arguments" in request and not isinstance(arguments, dict):
            raise RequestRefused(_NO_OBJECT)
        if name == "qmp_capabilities":
            if self.negotiated:
                raise RequestRefused(_NEGOTIATED, _NOT_FOUND)
            self._negotiate(arguments if isinstance(arguments, dict) else {})
            return None
        if not self.negotiated:
            raise RequestRefused(_NEGOTIATE_FIRST, _NOT_FOUND)
        return Command(name, arguments, "exec-oob" in request, None, None, self._via)

    def _negotiate(self, arguments: JsonObject) -> None:
        enable = arguments.get("enable", [])
        for other in arguments:
            if other != "enable":
                raise RequestRefused(_PARAMETER.format(other))
        if not isinstance(enable, list):
            raise RequestRefused(_NO_ARRAY)
        for capability in enable:
            if capability != "oob" or not self._offers_oob:
                raise RequestRefused(_NO_CAPABILITY.format(capability))
        self._is_oob = bool(enable)
        self.negotiated = True

    def answer(self, slot: ReplySlot, reply: JsonObject) -> None:
        """Give a request its reply, which leaves once it may.

        reply: with the id that was used on the wire, or without one
        """
        answer = {key: value for key, value in reply.items() if key != "id"}
        answer.update(slot.id_member)
        slot.data = encode_line(answer)
        self._longest = max(self._longest, len(slot.data))
        if slot.is_oob:
            self._oob_waiting -= 1
            self.outgoing += slot.data
        while self._slots and self._slots[0].data:
            self.outgoing += self._slots.popleft().data

    def withhold(self, slot: ReplySlot) -> None:
        """Give a request no reply at all, and let those after it go on."""
        if slot.is_oob:
            self._oob_waiting -= 1
        else:
            self._slots.remove(slot)

    def send_event(self, line: bytes) -> bool:
        """Pass an event on, encoded by `encode_line`; False if it has not negotiated."""
        if self.negotiated:
            self.outgoing += line
        return self.negotiated


def _checked_name(request: JsonObject, is_oob: bool) -> str:
    """Return the name of the command. Raises RequestRefused."""
    names = [name for name in _NAMES if name in request and (name == "execute" or is_oob)]
    unexpected = [member for member in request if member not in (*names, "arguments", "id")]
    if unexpected or len(names) > 1:
        raise RequestRefused(_UNEXPECTED.format((unexpected or names)[-1]))
    if not names:
        raise RequestRefused(_LACKS)
    name = request[names[0]]
    if not isinstance(name, str):
        raise RequestRefused(_NO_STRING.format(names[0]))
    return name


def _offered(greeting: JsonObject, offers_oob: bool) -> JsonObject:
    """Return the greeting without what cannot be had here."""
    body = greeting.get("QMP")
    if offers_oob or not isinstance(body, dict):
        return greeting
    return {**greeting, "QMP": {**body, "capabilities": []}}


def encode_line(message: JsonObject) -> bytes:
    """Encode a message to a client, as QEMU writes it."""
    return json.dumps(message).encode() + b"\r\n"
