"""The share of one monitor: its listening sockets and its clients, on one descriptor.

Theory of operation. The holder of the monitor owns a `Client` and a `ShareServer` beside it. All
sockets of the share are in one epoll set, whose descriptor the holder watches for reading; whenever
that or the client's is ready it calls `poll`, which accepts, reads, passes requests on, hands out
replies and writes, each as far as it goes without waiting. Events come by `send_event`.

A share ends with its session: its clients see the end of the connection, as QEMU's would.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import time
from collections.abc import Callable

from qmpsh.client.client import Client
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.protocol.messages import Command, ErrorReply, Event, Reply
from qmpsh.secrets.rules import types_keys
from qmpsh.share.door import Door
from qmpsh.share.exchange import MAX_DESCRIPTORS, Exchange, ShareMember
from qmpsh.share.limits import MAX_REQUEST_BYTES
from qmpsh.share.session import ShareSession, encode_line
from qmpsh.system.diagnose import is_qmpsh
from qmpsh.system.peer import Peer, socket_peer
from qmpsh.system.proc import maybe_process

if TYPE_CHECKING:
    from typing import Final

MAX_CLIENTS: Final = 64
"""clients of one share"""

OWN_PLACES: Final = 8
"""of them, those that no other user can take"""

MAX_UNSENT_BYTES: Final = 64 * 1024 * 1024
"""bytes that all clients together have not taken, from which on the slowest is given up"""

_TYPES: Final = "types keys"
_LEFT: Final = "left; {} goes on"
_GIVEN_UP: Final = "takes nothing of what it is sent, and was given up"
_MANY: Final = "sends many commands; .share counts them"
_NO_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE})
MAX_NEWS: Final = 10
"""lines on what a client changes, after which it has to be quiet for QUIET_SECONDS"""

QUIET_SECONDS: Final = 5.0

_READ_BYTES: Final = 64 * 1024
_READ, _WRITE = select.EPOLLIN | select.EPOLLRDHUP, select.EPOLLOUT
_GONE = select.EPOLLHUP | select.EPOLLERR  # reported whatever is waited for


class ShareNews(NamedTuple):
    """What happened to a client, for people.

    who:  its process, "" for what the kernel does not say; not yet safe to show
    text: what it did, "" where that is of no interest by itself
    """

    who: str
    text: str = ""


class SharedClient:
    """A client of the share.

    since: when it came, seconds of Unix time
    peer:  its process
    """

    __slots__ = ("_said", "_said_at", "door", "flags", "member", "peer", "since", "socket")

    def __init__(
        self, connected: socket.socket, door: Door, peer: Peer, member: ShareMember
    ) -> None:
        self.socket = connected
        self.door = door
        self.peer = peer
        self.member = member
        self.since = time.time()
        self.flags = _READ
        self._said = 0
        self._said_at = float("-inf")

    @property
    def who(self) -> str:
        """Its program and process; not yet safe to show."""
        return self.member.name

    def bounded(self, text: str, now: float) -> str:
        """Return what is to be said of it: of many things at a time only the first few, then "".

        now: seconds of any clock
        """
        if now - self._said_at > QUIET_SECONDS:
            self._said = 0
        self._said_at = now
        self._said += 1
        if self._said == MAX_NEWS:
            return _MANY
        return text if self._said < MAX_NEWS else ""

    def fileno(self) -> int:
        """Return the descriptor of its connection."""
        return self.socket.fileno()


def _name_of(peer: Peer) -> str:
    """Return the program and process of a client; not yet safe to show."""
    process = maybe_process(peer.pid) if peer.pid else None
    if process is None:
        return "a client"
    return f"{'qmpsh' if is_qmpsh(process) else process.title} {process.pid}"


class ShareServer:
    """The share of one monitor.

    client:     the session with the monitor, greeted and negotiated
    doors:      listening sockets, which are the share's from here on
    reads_only: whether a command changes nothing
    on_news:    called with what people may want to know, such as who came
    """

    def __init__(
        self,
        client: Client,
        doors: list[Door],
        reads_only: Callable[[Command], bool],
        on_news: Callable[[ShareNews], None],
    ) -> None:
        self._client = client
        self._doors = doors
        self._on_news = on_news
        self._exchange = Exchange(client, reads_only, self._on_change, self._send)
        self._clients: dict[int, SharedClient] = {}
        self._of_member: dict[ShareMember, SharedClient] = {}
        self._own_limit = MAX_REQUEST_BYTES
        self._deaf: list[Door] = []  # those that do not accept for want of descriptors
        self._epoll = select.epoll()
        self._listening = {door.socket.fileno(): door for door in doors}
        for fd in self._listening:
            self._epoll.register(fd, select.EPOLLIN)

    @property
    def clients(self) -> list[SharedClient]:
        """Who shares the monitor, the first first."""
        return list(self._clients.values())

    @property
    def orphans(self) -> dict[int, str]:
        """The fdsets of clients that have left, as far as they are still there; and whose."""
        return self._exchange.orphans

    def set_own_limit(self, limit: int) -> None:
        """Take requests of so many bytes from clients of the own user."""
        self._own_limit = limit
        for shared in self.clients:
            self._set_limit(shared)

    def _set_limit(self, shared: SharedClient) -> None:
        if shared.peer.uid == os.geteuid():
            shared.member.session.reader.limit = self._own_limit

    def fileno(self) -> int:
        """Return the descriptor to watch for reading."""
        return self._epoll.fileno()

    def poll(self) -> None:
        """Go on with everything as far as it goes without waiting."""
        for fd, flags in self._epoll.poll(0):
            door, shared = self._listening.get(fd), self._clients.get(fd)
            if door is not None:
                self._accept(door)
            elif shared is not None:
                self._exchange.touched[shared.member] = None
                if flags & ~_WRITE:
                    self._read(shared, is_gone=bool(flags & _GONE))
        while touched := self._exchange.advance():
            for member in touched:
                self._write(self._of_member[member])
            if any(member.session.outgoing for member in touched):
                self._drop_slowest()

    def send_event(self, event: Event) -> None:
        """Pass an event on to every client; it leaves with the next `poll`."""
        if self._clients:
            line = encode_line(event.raw)
            for member in self._of_member:
                if member.session.send_event(line):
                    self._exchange.touched[member] = None

    def send_message(self, message: Event | Reply | ErrorReply) -> None:
        """Pass an event on; a reply that answers nothing is dropped. For a client's subscriber."""
        if isinstance(message, Event):
            self.send_event(message)

    def close(self) -> None:
        """End the share. May be called twice."""
        for door in self._doors:
            door.close()
        self._doors.clear()
        self._deaf.clear()
        for shared in self.clients:
            self._remove(shared)
        self._epoll.close()

    def _on_change(self, member: ShareMember, command: Command) -> None:
        """Say who changes something; by name alone, since its arguments may hold a secret."""
        text = f"sent {command.name}"
        if types_keys(command.name):
            if member.types:
                return  # of a run of them the first is enough
            text = _TYPES
        member.types = types_keys(command.name)
        shared = self._of_member[member]
        text = shared.bounded(text, time.monotonic())
        if text:
            self._on_news(ShareNews(shared.who, text))

    def _accept(self, door: Door) -> None:
        try:
            connected, _ = door.socket.accept()
        except OSError as error:
            if error.errno in _NO_DESCRIPTORS:  # else the set would be ready again at once
                self._epoll.modify(door.socket.fileno(), 0)
                self._deaf.append(door)
            return  # or it has left already
        with contextlib.suppress(OSError):
            peer = socket_peer(connected)
            if door.admits(peer.uid) and self._has_place(peer):
                connected.setblocking(False)
                self._add(connected, door, peer)
                return
        connected.close()

    def _has_place(self, peer: Peer) -> bool:
        """Whether one more may come: no other user keeps the own ones out."""
        kept = 0 if peer.uid == os.geteuid() else OWN_PLACES
        return len(self._clients) < MAX_CLIENTS - kept

    def _listen_again(self) -> None:
        """Accept again where descriptors had run out, now that some were closed."""
        for door in self._deaf:
            self._epoll.modify(door.socket.fileno(), select.EPOLLIN)
        self._deaf.clear()

    def _add(self, connected: socket.socket, door: Door, peer: Peer) -> None:
        connection = self._client.connection
        greeting = connection.greeting.raw if connection.greeting is not None else {}
        name = _name_of(peer)
        session = ShareSession(greeting, offers_oob=connection.oob, via=name)
        member = ShareMember(session, name, read_only=door.read_only)
        shared = SharedClient(connected, door, peer, member)
        self._set_limit(shared)
        self._exchange.touched[member] = None
        self._clients[shared.fileno()] = shared
        self._of_member[member] = shared
        self._epoll.register(shared.fileno(), shared.flags)
        self._on_news(ShareNews(shared.who))

    def _read(self, shared: SharedClient, *, is_gone: bool) -> None:
        """Read once from a client. is_gone: it takes no replies any more"""
        session = shared.member.session
        try:
            if session.wants_read:
                data, fds, _, _ = socket.recv_fds(shared.socket, _READ_BYTES, MAX_DESCRIPTORS)
                shared.member.add_descriptors(fds)
                session.receive_data(data)
        except BlockingIOError:
            pass
        except OSError:
            is_gone = True
        if is_gone:
            self._exchange.take_last(shared.member)
            self._remove(shared)

    def _send(self, member: ShareMember) -> bool:
        """Send what a client has room for; False if it is gone."""
        outgoing, connected = member.session.outgoing, self._of_member[member].socket
        try:
            while outgoing:
                del outgoing[: connected.send(outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def _write(self, shared: SharedClient) -> None:
        """Send what a client has room for, and wait for what it is next ready for."""
        session = shared.member.session
        was_held = not session.takes_replies
        if not self._send(shared.member):
            self._remove(shared)
            return
        if session.is_over or session.is_too_slow:
            self._remove(shared, "" if session.is_over else _GIVEN_UP)
            return
        flags = (_READ if session.wants_read else 0) | (_WRITE if session.outgoing else 0)
        if flags != shared.flags:
            shared.flags = flags
            self._epoll.modify(shared.fileno(), flags)
        if was_held and session.takes_replies:
            self._exchange.touched[shared.member] = None  # more commands of it may go

    def _drop_slowest(self) -> None:
        """Give up the client that has taken least, if all together hold too much memory."""
        unsent = {one: len(one.member.session.outgoing) for one in self._clients.values()}
        if sum(unsent.values()) > MAX_UNSENT_BYTES:
            self._remove(max(unsent, key=unsent.__getitem__), _GIVEN_UP)

    def _remove(self, shared: SharedClient, why: str = "") -> None:
        """Take a client out. why: what is said of it, besides what of it goes on"""
        self._clients.pop(shared.fileno(), None)
        self._of_member.pop(shared.member, None)
        running = self._exchange.remove(shared.member)
        shared.socket.close()  # which takes it out of the epoll set
        self._listen_again()
        still = _LEFT.format(", ".join(running)) if running else ""
        self._on_news(ShareNews(shared.who, why or still))
