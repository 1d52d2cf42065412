"""Requests of several clients to the one session with QEMU, in turn, and their replies back.

Each client has MAX_IN_FLIGHT in-band commands at QEMU at most, and all together fewer than QEMU
reads ahead: whoever asks for a large reply again and again delays the others by two of them, and
the holder's own commands by no more. Out-of-band commands go at once. A command whose client has
left still runs; its reply is dropped.
"""

from __future__ import annotations

import os
from collections import deque

from qmpsh.client.client import Client
from qmpsh.client.queues import Pending
from qmpsh.errors import QmpshError
from qmpsh.jsontypes import as_dict, get_dicts, get_str
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.messages import Command, Reply, command_object
from qmpsh.secrets.rules import reads_secret
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
    types:     whether the last that changes something typed keys
    """

    __slots__ = (
        "count",
        "descriptors",
        "fdsets",
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
        self.in_flight: list[tuple[Pending, ReplySlot]] = []
        self.descriptors: deque[int] = deque()

    @property
    def has_room(self) -> bool:
        """Whether another in-band command of it may be at QEMU."""
        return self.in_band < MAX_IN_FLIGHT and self.session.takes_replies

    @property
    def in_band(self) -> int:
        """How many in-band commands of it are at QEMU."""
        return sum(not slot.is_oob for _, slot in self.in_flight)

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

    orphans: fdsets of members that have left, and their names
    """

    def __init__(
        self,
        client: Client,
        reads_only: Callable[[Command], bool],
        on_change: Callable[[ShareMember, Command], None],
    ) -> None:
        self.members: list[ShareMember] = []
        self.orphans: dict[int, str] = {}
        self._client = client
        self._reads_only = reads_only
        self._on_change = on_change
        self._of_the_gone: list[Pending] = []

    def remove(self, member: ShareMember) -> list[str]:
        """Take a client out; return the names of its commands that run on."""
        self.members.remove(member)
        self.orphans.update(dict.fromkeys(member.fdsets, member.name))
        while member.descriptors:
            os.close(member.descriptors.popleft())
        running = [pending for pending, _ in member.in_flight if not pending.done]
        self._of_the_gone += running
        return [pending.command.name for pending in running]

    def advance(self) -> None:
        """Hand out the replies that have come, and pass on what may go."""
        self._of_the_gone = [one for one in self._of_the_gone if not one.done]
        for member in self.members:
            _hand_out(member)
            self._read(member)
        room = self._room()
        while room > 0 and (turn := [one for one in self.members if one.queue and one.has_room]):
            for member in turn[:room]:
                self._pass_on(member, member.queue.popleft())
            room -= len(turn)
        if self.members:
            self.members.append(self.members.pop(0))  # the next turn begins with another one

    def _room(self) -> int:
        """Return how many in-band commands of members may go: fewer than QEMU reads ahead."""
        gone = sum(not one.command.oob for one in self._of_the_gone)
        theirs = sum(member.in_band for member in self.members) + gone
        return max(1, self._client.dialect.window - 1) - theirs

    def _read(self, member: ShareMember) -> None:
        """Take the requests that have come; those out of band go at once."""
        while (request := member.session.next_request()) is not None:
            if request.slot.is_oob:
                self._pass_on(member, request)
            else:
                member.queue.append(request)

    def _pass_on(self, member: ShareMember, request: ShareRequest) -> None:
        command, slot = request
        command = command._replace(via=member.name)
        try:
            self._check(command, read_only=member.read_only)
            if command.name in _TAKES_DESCRIPTOR and member.descriptors:
                command = command._replace(fd=member.descriptors.popleft())
            pending = self._client.submit(command)
        except RequestRefused as refused:
            member.session.answer(slot, refused.reply)
        except QmpshError as error:
            member.session.answer(slot, RequestRefused(str(error)).reply)
        else:
            member.last = command.name
            member.count += 1
            member.in_flight.append((pending, slot))
            if not self._reads_only(command):
                self._on_change(member, command)

    def _check(self, command: Command, *, read_only: bool) -> None:
        """Raise RequestRefused for what a member may not send."""
        if command.name == "yank" and _ends_monitor(command):
            raise RequestRefused(_YANK)
        if not read_only:
            return
        if not self._reads_only(command):
            raise RequestRefused(_READ_ONLY.format(command.name))
        if reads_secret(command_object(command)):
            raise RequestRefused(_SECRET.format(command.name))


def _hand_out(member: ShareMember) -> None:
    """Give a client the replies that have come."""
    done = [one for one in member.in_flight if one[0].done]
    for pending, slot in done:
        if pending.reply is not None:
            member.session.answer(slot, pending.reply.raw)
            _note_fdset(member, pending)
    if done:
        member.in_flight = [one for one in member.in_flight if not one[0].done]


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
