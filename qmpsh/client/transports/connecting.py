"""The step that transports over a socket share: waits until its connection is established."""

from __future__ import annotations

import contextlib
import os
import socket

from qmpsh.client.connect import SocketStream
from qmpsh.errors import CannotConnect
from qmpsh.stream import ConnectingStream, Stream


class ConnectingSocket(ConnectingStream):
    """A stream over a socket whose non-blocking connect was begun."""

    def __init__(self, connection: socket.socket, awaits: str, advice: str) -> None:
        super().__init__(awaits, advice, wants_write=True)
        connection.setblocking(False)
        self._socket = connection

    def _refusal(self, error: OSError) -> CannotConnect:
        """Return the error for a connection that failed."""
        raise NotImplementedError

    def _is_connected(self) -> bool:
        """Whether the connection is established. Raises CannotConnect if it failed."""
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            raise self._refusal(OSError(number, os.strerror(number)))
        try:
            self._socket.getpeername()
        except OSError:
            return False
        return True

    def _step(self) -> Stream | None:
        return SocketStream(self._socket) if self._is_connected() else None

    def _descriptor(self) -> int:
        return self._socket.fileno()

    def _release(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()
