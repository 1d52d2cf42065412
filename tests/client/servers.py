"""Servers of a few lines, on real sockets, in a thread of their own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator

from qmpsh.jsontypes import Json, JsonObject
from tests.waiting import PATIENCE

GREETING: JsonObject = {"QMP": {"version": {}, "capabilities": ["oob"]}}


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._rest = b""

    def send(self, *messages: JsonObject) -> None:
        self.connection.sendall(b"".join(json.dumps(m).encode() + b"\r\n" for m in messages))

    def receive(self) -> JsonObject:
        """The next request. Raises EOFError at the end."""
        while True:
            with contextlib.suppress(json.JSONDecodeError):
                request, end = json.JSONDecoder().raw_decode(self._rest.decode())
                self._rest = self._rest[end:].lstrip()
                assert isinstance(request, dict)
                return request
            piece = self.connection.recv(1 << 20)
            if not piece:
                raise EOFError
            self._rest += piece

    def reply(self, request: JsonObject, value: Json = None) -> None:
        self.send({"return": {} if value is None else value, "id": request["id"]})

    def greet(self) -> None:
        """Greeting and negotiation."""
        self.send(GREETING)
        self.reply(self.receive())


Behaviour = Callable[[Peer], None]


@contextlib.contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """The path of a socket whose first client is served so; yields when it listens."""
    folder = tempfile.mkdtemp(prefix="qmpsh-", dir="/tmp")
    path = f"{folder}/s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(PATIENCE)
        thread = threading.Thread(target=_serve, args=(listener, behaviour), daemon=True)
        thread.start()
        try:
            yield path
        finally:
            thread.join(PATIENCE)
            shutil.rmtree(folder, ignore_errors=True)
            assert not os.path.exists(path)


def _serve(listener: socket.socket, behaviour: Behaviour) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(PATIENCE)
        # A client that leaves early ends the script of its server.
        with contextlib.suppress(EOFError, ConnectionError):
            behaviour(Peer(connection))
