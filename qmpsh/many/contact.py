"""A connection to one VM while it comes about: greeted, perhaps through a share, and named.

Nothing blocks: `turn` goes on as far as it can, and `due` says when to call it in any case.
"""

from __future__ import annotations

import time
from typing import Final

from qmpsh.client.client import (
    Client,
    ClientOptions,
    Pending,
    client_through,
    refusal_of,
)
from qmpsh.client.shares import SILENT_SECONDS, ShareSearch
from qmpsh.errors import NAME_CHARS, CannotConnect, NotQmp, QmpshError, shortened
from qmpsh.jsontypes import get_str
from qmpsh.many.targets import Target, is_named_otherwise
from qmpsh.protocol.messages import Command, Reply
from qmpsh.system.queues import MonitorQueues

_UNASKED: Final = "{address} is an HMP monitor; -a takes one by its address, or by a glob as *.hmp"

QUIET_SECONDS: Final = 0.3
"""seconds without a greeting after which a VM counts as silent, and delays no other"""


class Contact:
    """A connection to one VM that comes about step by step.

    asks_name: query-name comes first, where the target has no name
    queues:    it joins no queue in which others wait; None to wait with them
    client:    the present connection, None where there is none
    name:      of the VM, "" unknown
    error:     why there is no session, None as long as there may be one
    is_silent: it was connected to and did not greet in time: why, is still to be said
    received:  bytes that came of a silent one
    begun:     of the clock `time.monotonic()`
    """

    __slots__ = (
        "_asks_name",
        "_naming",
        "_options",
        "_queues",
        "_search",
        "begun",
        "client",
        "error",
        "is_silent",
        "name",
        "received",
        "target",
    )

    def __init__(
        self,
        target: Target,
        options: ClientOptions,
        *,
        asks_name: bool,
        queues: MonitorQueues | None = None,
    ) -> None:
        self.target = target
        self.client: Client | None = None
        self.name = target.name
        self.error: QmpshError | None = None
        self.is_silent = False
        self.received = 0
        self.begun = time.monotonic()
        self._options = options
        self._asks_name = asks_name and not target.name
        self._naming: Pending | None = None
        self._queues = queues
        self._search = ShareSearch(target.address, self.begun)
        if not self._stays_out(self.begun):
            self.connect()

    def connect(self, *, seeks: bool = True) -> None:
        """Begin to connect. seeks: it may go through another qmpsh"""
        self._naming = None
        try:
            self.client = Client.open(self.target.address, self._options, seeks=seeks)
        except CannotConnect as error:
            self.error = error

    @property
    def is_of_share(self) -> bool:
        """Whether another qmpsh is in between, without which it may be tried again."""
        return self.client is not None and self.client.holder is not None

    @property
    def _deadline(self) -> float | None:
        limit = self._options.connect_timeout
        return None if limit is None else self.begun + limit

    @property
    def due(self) -> float | None:
        """When to call `turn` in any case, by `time.monotonic()`; None for never."""
        limit, now = self._deadline, time.monotonic()
        if self.error is not None:
            return now
        whens = (self.begun + QUIET_SECONDS, self.begun + SILENT_SECONDS, limit, self._search.due)
        return min((when for when in whens if when is not None and when > now), default=limit)

    def turn(self, now: float) -> Client | None:
        """Go on as far as possible; return the client once it is greeted and named."""
        limit = self._deadline
        is_late = limit is not None and now >= limit
        client = self.client
        if client is None and self.error is None:
            self._stand_by(now)
            self.is_silent = is_late and self.client is None
        if client is None or self.error is not None:
            return None
        has_left = client.closed or now >= self.begun + SILENT_SECONDS
        if self.is_of_share and has_left and not client.ready:
            # The qmpsh that shared the monitor has just left it, or is stopped.
            client.close()
            self.connect(seeks=False)
        elif client.closed:
            self.error = refusal_of(client)
        elif not client.ready:
            self._seek_share(client, now)
            self.is_silent = is_late
            if is_late:
                self.received = client.connection.received
        elif self._is_unasked(client):
            self.error = NotQmp(_UNASKED.format(address=self.target.text))
        elif self._is_named(client) or is_late:
            return client
        return None

    def _stays_out(self, now: float) -> bool:
        """Whether others wait already: of those that came one after the other, and found the VM
        hung, all but the first would only fill the queue of its monitor.
        """
        return self._queues is not None and self._queues.waiting(self.target.address, now) > 0

    def _stand_by(self, now: float) -> None:
        """Connect once the queue is empty, or to a qmpsh that shares the monitor."""
        share = self._search.find(now) if self._options.may_be_shared else None
        if share is not None:
            self.client = client_through(share, self.target.address, self._options, None)
        elif not self._stays_out(now):
            self.connect()

    def _seek_share(self, client: Client, now: float) -> None:
        """Change over to a qmpsh that shares the monitor, if one has come up meanwhile."""
        if self.is_of_share or not self._options.may_be_shared:
            return
        share = self._search.find(now)
        if share is not None:
            client.close()
            self.client = client_through(share, self.target.address, self._options, None)

    def _is_unasked(self, client: Client) -> bool:
        """Whether a glob has found an HMP monitor and did not ask for one: it may be a second
        monitor of the same VM, on which the line would run twice.
        """
        target = self.target
        is_hmp = target.is_found and not client.dialect.qmp
        return is_hmp and not is_named_otherwise(target.text)

    def _is_named(self, client: Client) -> bool:
        """Ask for the name, if it is to be asked for; return whether the answer has come."""
        if self.name or client.dialect.guest or not self._asks_name:
            return True
        if self._naming is None:
            self._naming = client.submit(Command("query-name"))
        if self._naming.done and isinstance(self._naming.reply, Reply):
            said = get_str(self._naming.reply.value, "name")
            self.name = shortened(said, NAME_CHARS)
        return self._naming.done

    def close(self) -> None:
        """Give up the connection; may be called twice."""
        if self.client is not None:
            self.client.close()
