"""Requests of several clients to the one session with QEMU, in turn, and their replies back.

Each client has MAX_IN_FLIGHT in-band commands at QEMU at most, and all together fewer than QEMU
reads ahead: whoever asks for a large reply again and again delays the others by two of them, and
the holder's own commands by no more. Out-of-band commands go at once. A command whose client has
left still runs; its reply is dropped.
"""

from __future__ import annotations

import os
from collections import deque
from functools import partial

from qmpsh.client.client import Client
from qmpsh.client.queues import Pending
from qmpsh.errors import QmpshError
from qmpsh.jsontypes import JsonObject, as_dict, get_dicts, get_str
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.messages import Command, Reply, command_object
from qmpsh.secrets.rules import exposes_secret
from qmpsh.share.session import ReplySlot, RequestRefused, ShareRequest, ShareSession

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

MAX_IN_FLIGHT: Final = 2
"""in-band commands of one client at QEMU: one costs throughput, more cost the others time"""

MAX_DESCRIPTORS: Final = 16
"""file descriptors that a client has passed and no command has taken"""

_TAKES_DESCRIPTOR: Final = frozenset({"getfd", "add-fd"})
_READ_ONLY: Final = "{} was refused: this share is read-only"
_SECRET: Final = "{} was refused: it reads a secret, and this share is read-only"
_MONITOR: Final = "compat_monitor"
_YANK: Final = "yank was refused: it would end the session of everyone who shares this monitor"


class ShareMember:
    """One client of the exchange.

    session:   what it sent, and what it is sent
    name:      its program and process, for the trace
    fdsets:    those that it added
    read_only: whether its commands may change nothing
    last:      the name of its last command, "" before
    count:     how many of its commands were passed on
    in_band:   how many in-band commands of it are at QEMU
    in_flight: all that are, with the places of their replies
    types:     whether the last that changes something typed keys
    """

    __slots__ = (
        "count",
        "descriptors",
        "fdsets",
        "in_band",
        "in_flight",
        "last",
        "name",
        "queue",
        "read_only",
        "session",
        "types",
    )

    def __init__(self, session: ShareSession, name: str = "", *, read_only: bool = False) -> None:
        self.session = session
        self.name = name
        self.read_only = read_only
        self.last = ""
        self.count = 0
        self.types = False
        self.fdsets: set[int] = set()
        self.queue: deque[ShareRequest] = deque()
        self.in_band = 0
        self.in_flight: dict[Pending, ReplySlot] = {}
        self.descriptors: deque[int] = deque()

    @property
    def has_room(self) -> bool:
        """Whether another in-band command of it may be at QEMU."""
        return self.in_band < MAX_IN_FLIGHT and self.session.takes_replies

    def add_descriptors(self, fds: list[int]) -> None:
        """Keep descriptors for the commands that take them; too many are closed."""
        self.descriptors.extend(fds)
        while len(self.descriptors) > MAX_DESCRIPTORS:
            os.close(self.descriptors.popleft())


class Exchange:
    """The members of a share, and the commands of theirs that are at QEMU.

    client:     the session with QEMU
    reads_only: whether a command changes nothing, for members that may change nothing
    on_change:  called with a member and its command that may change something
    on_answer:  called with a member that has been given a reply: that may leave at once

    touched: members whose session has changed: it is read, and what it is sent leaves
    orphans: fdsets of members that have left, and their names
    """

    def __init__(
        self,
        client: Client,
        reads_only: Callable[[Command], bool],
        on_change: Callable[[ShareMember, Command], None],
        on_answer: Callable[[ShareMember], object],
    ) -> None:
        self.touched: dict[ShareMember, None] = {}
        self.orphans: dict[int, str] = {}
        self._client = client
        self._reads_only = reads_only
        self._on_change = on_change
        self._on_answer = on_answer
        self._waiting: deque[ShareMember] = deque()  # those with a queue, whose turn is next first
        self._in_band = 0  # commands at QEMU, also of those who have left

    def remove(self, member: ShareMember) -> list[str]:
        """Take a client out; return the names of its commands that run on."""
        self.touched.pop(member, None)
        if member.queue:
            self._waiting.remove(member)
            member.queue.clear()
        self.orphans.update(dict.fromkeys(member.fdsets, member.name))
        while member.descriptors:
            os.close(member.descriptors.popleft())
        running = [pending.command.name for pending in member.in_flight]
        member.in_flight.clear()
        return running

    def take_last(self, member: ShareMember) -> None:
        """Pass on what a client sent before it left, as far as it may go."""
        self._read(member)
        self._take_turns()

    def advance(self) -> list[ShareMember]:
        """Pass on what may go; return those whose session has changed."""
        touched = list(self.touched)
        self.touched.clear()
        for member in touched:
            self._read(member)
        if self._waiting:
            self._take_turns()
        return touched

    def _take_turns(self) -> None:
        """Pass on one command after the other, of each who waits in turn, while there is room."""
        # Fewer than QEMU reads ahead: the holder's own command finds room.
        room = max(1, self._client.dialect.window - 1) - self._in_band
        held = 0  # in a row, for want of room of their own
        while room > 0 and held < len(self._waiting):
            member = self._waiting.popleft()
            held += 1
            if member.has_room:
                self._pass_on(member, member.queue.popleft())
                room -= 1
                held = 0
            if member.queue:
                self._waiting.append(member)

    def _read(self, member: ShareMember) -> None:
        """Take the requests that have come; those out of band go at once."""
        while (request := member.session.next_request()) is not None:
            if request.slot.is_oob:
                self._pass_on(member, request)
                continue
            if not member.queue:
                self._waiting.append(member)
            member.queue.append(request)

    def _pass_on(self, member: ShareMember, request: ShareRequest) -> None:
        command, slot = request
        reads_only = self._reads_only(command)
        try:
            _check(command, reads_only=reads_only, read_only=member.read_only)
            if command.name in _TAKES_DESCRIPTOR and member.descriptors:
                command = command._replace(fd=member.descriptors.popleft())
            pending = self._client.submit(command, partial(self._take_reply, member))
        except RequestRefused as refused:
            self._answer(member, slot, refused.reply)
        except QmpshError as error:
            self._answer(member, slot, RequestRefused(str(error)).reply)
        else:
            member.last = command.name
            member.count += 1
            member.in_flight[pending] = slot
            if not slot.is_oob:
                member.in_band += 1
                self._in_band += 1
            if not reads_only:
                self._on_change(member, command)

    def _take_reply(self, member: ShareMember, pending: Pending) -> None:
        """Give a client the reply that has come, unless it has left."""
        if not pending.command.oob:
            member.in_band -= 1
            self._in_band -= 1
        slot = member.in_flight.pop(pending, None)
        if slot is not None and pending.reply is not None:
            _note_fdset(member, pending)
            self._answer(member, slot, pending.reply.raw)

    def _answer(self, member: ShareMember, slot: ReplySlot, reply: JsonObject) -> None:
        member.session.answer(slot, reply)
        self._on_answer(member)
        self.touched[member] = None


def _check(command: Command, *, reads_only: bool, read_only: bool) -> None:
    """Raise RequestRefused for what a member may not send."""
    if command.name == "yank" and _ends_monitor(command):
        raise RequestRefused(_YANK)
    if not read_only:
        return
    if not reads_only:
        raise RequestRefused(_READ_ONLY.format(command.name))
    if exposes_secret(command_object(command)):
        raise RequestRefused(_SECRET.format(command.name))


def _note_fdset(member: ShareMember, pending: Pending) -> None:
    """Note which fdset a client has added: it stays until that is removed."""
    if pending.command.name == "add-fd" and isinstance(pending.reply, Reply):
        number = as_dict(pending.reply.value).get("fdset-id")
        if isinstance(number, int):
            member.fdsets.add(number)


def _ends_monitor(command: Command) -> bool:
    """Whether a yank names the chardev of a monitor as QEMU calls those of -qmp."""
    instances = get_dicts(command.arguments, "instances")
    return any(get_str(instance, "id").startswith(_MONITOR) for instance in instances)
