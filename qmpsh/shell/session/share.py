"""The share of a session's monitor: other qmpsh of the user use it through this one.

It begins with each connection to the monitor itself and ends with it. A session that goes through
another's share has none; when that one leaves, it connects again and may then share.
"""

from __future__ import annotations

import os

from qmpsh.client.client import poll_beside
from qmpsh.client.dialect import QEMU, STORAGE_DAEMON
from qmpsh.client.poll import READ
from qmpsh.errors import UsageError
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.protocol.messages import Event
from qmpsh.shell.policy import reads_only
from qmpsh.shell.steps import Ask, Outcome, Steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from qmpsh.client.client import Client
    from qmpsh.protocol.messages import ErrorReply, Reply
    from qmpsh.share.server import SharedClient, ShareNews, ShareServer
    from qmpsh.shell.settings import Settings


class Listening(NamedTuple):
    """A socket of the user's choice to share at: see `share.door.listen_door`."""

    path: str
    read_only: bool
    mode: int
    group: int = -1


_CHOICES = (
    ("l", "leave"),
    ("k", "keep serving"),
    ("c", "cancel"),
)
_SHARED = frozenset({QEMU.name, STORAGE_DAEMON.name})
"""Servers that take several requests at once; the others would have to be paced."""


class MonitorShare:
    """The share of one session, over the losses and returns of its connection.

    say:       called with a line about what others do; not yet safe to show
    changed:   called when others came or left
    is_on:     whether the monitor is shared at all, see `switch`
    read_only: whether others may change nothing, as the session itself

    places: further sockets to share at, opened with each connection
    keeps_serving: those who share the monitor are served on after the end of the session
    count: how many share it now
    """

    def __init__(
        self,
        say: Callable[[str], None],
        changed: Callable[[], None] | None = None,
        *,
        is_on: bool,
        read_only: bool,
    ) -> None:
        self.places: tuple[Listening, ...] = ()
        self.keeps_serving = False
        self.count = 0
        self._limit = 0
        self._is_on = is_on
        self._read_only = read_only
        self._say = say
        self._changed = changed or _ignore
        self._client: Client | None = None
        self._server: ShareServer | None = None

    @property
    def is_open(self) -> bool:
        """Whether the monitor is shared now."""
        return self._server is not None

    @property
    def clients(self) -> list[SharedClient]:
        """Who uses the monitor through this session."""
        return self._server.clients if self._server is not None else []

    @property
    def orphans(self) -> dict[int, str]:
        """Fdsets that were added by those who have left, and their names."""
        return self._server.orphans if self._server is not None else {}

    @property
    def paths(self) -> list[str]:
        """The sockets at which it is shared, but the one that other qmpsh find."""
        return [place.path for place in self.places] if self.is_open else []

    def fileno(self) -> int:
        """Return the descriptor to watch for reading; -1 for none."""
        return self._server.fileno() if self._server is not None else -1

    def switch(self, *, is_on: bool) -> None:
        """Share the monitor or keep it to this session, from now on."""
        if is_on != self._is_on:
            self.end()
            self._is_on = is_on

    def set_limit(self, limit: int) -> None:
        """Take requests of so many bytes from clients of the own user."""
        self._limit = limit
        if self._server is not None:
            self._server.set_own_limit(limit)

    def poll(self, client: Client) -> None:
        """Serve the others, as far as it goes without waiting. client: of the session now"""
        if client.closed:
            self.end()
        elif client is not self._client:
            self.end()
            self._client = client
            self._begin(client)
        if self._server is not None:
            self._server.poll()

    def _begin(self, client: Client) -> None:
        """Share the monitor of this client, if it can be and no other process does.

        Raises UsageError for a place where no socket can be.
        """
        if not (self._is_on and client.dialect.qmp):
            return
        # Imported here: it comes after the prompt.
        from qmpsh.share.door import listen_door, own_door
        from qmpsh.share.server import ShareServer

        may_be_found = client.holder is None and client.dialect.name in _SHARED
        own = own_door(client.address, read_only=self._read_only) if may_be_found else None
        doors = [own] if own is not None else []
        try:
            for path, read_only, mode, group in self.places:
                read_only = read_only or self._read_only
                doors.append(listen_door(path, read_only=read_only, mode=mode, group=group))
        except UsageError:
            for door in doors:
                door.close()
            raise
        if doors:
            self._server = ShareServer(client, doors, reads_only, self._on_news)
            if self._limit:
                self._server.set_own_limit(self._limit)
            self._changed()

    def send_event(self, event: Event) -> None:
        """Pass an event on."""
        if self._server is not None:
            self._server.send_event(event)

    def follow(self, client: Client) -> None:
        """Pass the events of a client on, besides what its subscriber does with them."""
        before = client.subscriber

        def deliver(message: Event | Reply | ErrorReply) -> None:
            if before is not None:
                before(message)
            if isinstance(message, Event):
                self.send_event(message)

        client.subscriber = deliver

    def end(self) -> None:
        """Share no more with this client. May be called twice."""
        self._client = None
        if self._server is not None:
            self._server.close()
            self._server = None
            self.count = 0

    def close(self) -> None:
        """End with the session: nothing is left that could show who loses the connection."""
        self._say, self._changed = _ignore, _ignore
        self.end()

    def leave_shell(self) -> Steps:
        """Leave the shell, once it is settled what becomes of those who share the monitor."""
        count = len(self.clients)
        who = f"{count} others use" if count > 1 else f"{self.clients[0].who} uses"
        choice = yield Ask(f"{who} the monitor through this shell:", _CHOICES)
        self.keeps_serving = choice == "k"
        return Outcome(leave=choice != "c")

    def hand_over(self, client: Client) -> bool:
        """Serve those who share the monitor in a process of its own, until the last has left.

        The event loop must have ended. Returns False if there is nothing to serve, or no process to
        be had; True in this process, which may use neither the client nor the share any more.
        """
        if self._server is None or client.closed or not self._server.clients:
            return False
        try:
            if os.fork():
                self._server = None
                return True
        except OSError:
            return False
        self._say, self._changed = _ignore, _ignore
        try:
            _serve_alone(client, self._server)
        finally:
            os._exit(0)

    def _on_news(self, news: ShareNews) -> None:
        self.count = len(self.clients)
        if news.text:
            self._say(f"{news.who} {news.text}")
        self._changed()


def quiet_share(settings: Settings) -> MonitorShare:
    """Return what serves the monitor while a line waits, and says nothing: programs read stderr."""
    return MonitorShare(
        _ignore, is_on=settings.share and settings.negotiated, read_only=settings.read_only
    )


def _ignore(text: str = "") -> None:
    """Show nothing: no person looks, or the terminal is another process's by now."""


def _serve_alone(client: Client, server: ShareServer) -> None:
    """Serve in a process without a terminal, until the last client or the VM has gone."""
    os.setsid()
    with open(os.devnull, "r+b") as nothing:
        for fd in range(3):
            os.dup2(nothing.fileno(), fd)
    client.subscriber = server.send_message
    while server.clients and not client.closed:
        poll_beside(client, {server.fileno(): READ}, None)
        server.poll()
    server.close()
    client.close()
