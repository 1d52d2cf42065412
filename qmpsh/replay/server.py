"""Serves a recording on a unix socket, to one client at a time as QEMU does.

The session of a client is that of a shared monitor: it is greeted, negotiates and is refused in the
same words. The answers are those of the recording.
"""

from __future__ import annotations

import math
import socket
import time
from collections.abc import Callable, Sequence
from typing import Final

from qmpsh.client.dialect import REPLAY
from qmpsh.client.poll import READ, WRITE, Poller
from qmpsh.jsontypes import JsonObject, get_dict, get_strs
from qmpsh.protocol.agent_sync import SENTINEL
from qmpsh.replay.answers import Answers
from qmpsh.share.door import Door
from qmpsh.share.session import ShareRequest, ShareSession, encode_line

_READ_BYTES: Final = 64 * 1024
_MAX_REQUEST_BYTES: Final = 16 << 20
_MICROSECONDS: Final = 1_000_000


class _ReplayClient:
    """The client that is served. ends: it gets nothing more"""

    def __init__(self, connected: socket.socket, greeting: JsonObject | None) -> None:
        connected.setblocking(False)
        self.socket = connected
        self.ends = False
        self.has_begun = False
        capabilities = get_strs(get_dict(greeting, "QMP"), "capabilities")
        self.session = ShareSession(greeting, offers_oob="oob" in capabilities)
        self.session.reader.limit = _MAX_REQUEST_BYTES

    @property
    def is_over(self) -> bool:
        """Whether it has all that it gets."""
        return self.session.is_over or (self.ends and not self.session.outgoing)

    def read(self) -> None:
        """Read what it sent."""
        try:
            data = self.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        # A client of a guest agent sends one to get in step; no JSON holds it.
        data_for_agent = data.replace(SENTINEL, b"")
        if data_for_agent or not data:
            self.session.receive_data(data_for_agent)

    def write(self) -> None:
        """Send what it has room for."""
        outgoing = self.session.outgoing
        try:
            while outgoing:
                del outgoing[: self.socket.send(outgoing)]
        except BlockingIOError:
            pass
        except OSError:
            self.ends = True
            outgoing.clear()

    def send_events(self, events: Sequence[JsonObject]) -> None:
        """Send it events."""
        for event in events:
            self.session.send_event(encode_line(event))


class ReplayServer:
    """The server of one recording.

    door:    where it listens; the server's from here on
    answers: what it answers
    kind:    of recording, which its greeting says
    renews:  events get the present time
    """

    def __init__(self, door: Door, answers: Answers, kind: str, *, renews: bool) -> None:
        self._door = door
        self._answers = answers
        self._kind = kind
        self._renews = renews
        self._client: _ReplayClient | None = None
        self._poller = Poller()

    @property
    def path(self) -> str:
        """Where it listens."""
        return self._door.path

    def serve(
        self,
        is_over: Callable[[], bool] = lambda: False,
        watched: int | None = None,
        longest: float = math.inf,
    ) -> None:
        """Serve until it is over.

        watched: a descriptor that is ready when that may be, None for none
        longest: seconds between two looks at whether it is
        """
        watching = {} if watched is None else {watched: READ}
        while not is_over():
            ready = self._poller.wait({**watching, **self._wanted()}, min(self._seconds(), longest))
            self._turn(ready)

    def close(self) -> None:
        """End the connection, and remove the socket."""
        if self._client is not None:
            self._client.socket.close()
        self._door.close()

    def _wanted(self) -> dict[int, int]:
        client = self._client
        if client is None:
            return {self._door.socket.fileno(): READ}
        flags = READ if client.session.wants_read else 0
        return {client.socket.fileno(): flags | (WRITE if client.session.outgoing else 0)}

    def _seconds(self) -> float:
        """Return how long there is nothing to do by itself."""
        due = self._answers.due if self._client is not None else None
        return math.inf if due is None else max(0.0, due - time.monotonic())

    def _turn(self, ready: dict[int, int]) -> None:
        client = self._client
        if client is None:
            if self._door.socket.fileno() in ready:
                self._accept()
            return
        client.send_events(self._renewed(self._answers.take_events(time.monotonic())))
        if ready.get(client.socket.fileno(), 0) & ~WRITE:
            client.read()
        client.write()
        self._answer_requests(client)
        if client.is_over:
            client.socket.close()
            self._client = None

    def _accept(self) -> None:
        try:
            connected, _ = self._door.socket.accept()
        except OSError:
            return  # it has left already
        number = self._answers.connect()
        self._client = _ReplayClient(connected, self._greeting(number))
        self._client.write()

    def _greeting(self, number: int) -> JsonObject | None:
        """Return the greeting of a session, marked as that of a replay; None of a guest agent."""
        recording = self._answers.recording
        if recording.is_agent:
            return None
        greeting = recording.greeting(number)
        return {**greeting, "QMP": {**get_dict(greeting, "QMP"), REPLAY: self._kind}}

    def _answer_requests(self, client: _ReplayClient) -> None:
        """Answer what it has sent so far, as far as it takes the replies."""
        is_more = True
        while is_more and not client.ends and client.session.takes_replies:
            request = client.session.next_request()
            if client.session.negotiated and not client.has_begun:
                client.has_begun = True
                self._answers.begin(time.monotonic())
            is_more = request is not None
            if request is not None:
                self._answer(client, request)
            client.write()

    def _answer(self, client: _ReplayClient, request: ShareRequest) -> None:
        answer = self._answers.answer(request.command, time.monotonic())
        client.send_events(self._renewed(answer.events))
        if answer.reply is None:
            client.session.withhold(request.slot)
        else:
            client.session.outgoing += SENTINEL * answer.has_sentinel
            client.session.answer(request.slot, answer.reply)
        client.send_events(self._renewed(answer.last))
        client.ends = answer.ends

    def _renewed(self, events: Sequence[JsonObject]) -> Sequence[JsonObject]:
        if not self._renews:
            return events
        seconds, rest = divmod(time.time_ns() // 1000, _MICROSECONDS)
        stamp: JsonObject = {"seconds": seconds, "microseconds": rest}
        return [{**event, "timestamp": stamp} for event in events]
