"""What the client needs of a transport, and streams that are still connecting.

A connecting stream has a descriptor at once and becomes a connected stream in steps. What it waits
for on the way, and why it ended before any data came, its transport says.
"""

from __future__ import annotations

from typing import Protocol

from qmpsh.errors import CannotConnect, ConnectionLost, ConnectTimeout


class Stream(Protocol):
    """A flow of bytes to and from a server, as the client needs it; nothing here ever blocks."""

    @property
    def awaits(self) -> str:
        """What it waits for while it is on its way, as in "waiting for ..."; "" once there."""
        ...

    @property
    def wants_write(self) -> bool:
        """Whether recv is to be called when the descriptor can be written to, too."""
        ...

    def fileno(self) -> int:
        """The descriptor to wait on; -1 once closed.

        May become another one, of another number, until something was received.
        """
        ...

    def recv(self, size: int) -> bytes | None:
        """At most `size` bytes; b"" at the end, None while there are none.

        Fewer than `size` mean that there are no more just now, and spare the asking.
        Raises ConnectionLost; CannotConnect while nothing came, by a stream that knows why.
        """
        ...

    def send(self, data: bytes) -> int:
        """Write what fits; the number of bytes taken, 0 while there is no room.

        Raises ConnectionLost.
        """
        ...

    def close(self) -> None:
        """Give up the stream; may be called twice."""
        ...


class ConnectingStream:
    """A stream that is still connecting; each transport has a subclass, which says how.

    awaits:      what it waits for, "" once it is connected
    advice:      what to do if that does not come
    wants_write: whether it waits for the descriptor to take something
    may_ask:     whether it asks on the terminal (an ssh password), so that no notice is printed
                 meanwhile
    """

    may_ask = False

    def __init__(self, awaits: str = "", advice: str = "", *, wants_write: bool = False) -> None:
        self.awaits = awaits
        self.advice = advice
        self.wants_write = wants_write
        self._stream: Stream | None = None
        self._has_received = False

    def _step(self) -> Stream | None:
        """Go on as far as possible; return the stream once connected. Raises CannotConnect."""
        raise NotImplementedError

    def _descriptor(self) -> int:
        """Return what to wait on before that."""
        raise NotImplementedError

    def _release(self) -> None:
        """Give up what is held besides the stream; may be called twice."""

    def _explain_end(self, error: ConnectionLost | None) -> CannotConnect | None:
        """Return why the stream ended before any data came, or None if that is unknown."""
        return None

    def overdue(self, timeout: float) -> ConnectTimeout:
        """Return the error for a connection that took too long. timeout: seconds"""
        return ConnectTimeout(f"waited {timeout:g} s for {self.awaits}", self.advice)

    def advance(self) -> None:
        """Go on as far as possible. Raises CannotConnect."""
        if self._stream is None:
            self._stream = self._step()
            if self._stream is not None:
                self.awaits, self.wants_write = "", False

    def fileno(self) -> int:
        return self._descriptor() if self._stream is None else self._stream.fileno()

    def recv(self, size: int) -> bytes | None:
        self.advance()
        if self._stream is None:
            return None
        if self._has_received:
            return self._stream.recv(size)
        try:
            data = self._stream.recv(size)
        except ConnectionLost as error:
            raise self._explain_end(error) or CannotConnect(str(error)) from error
        if data == b"" and (why := self._explain_end(None)) is not None:
            raise why
        self._has_received = bool(data)
        return data

    def send(self, data: bytes) -> int:
        return 0 if self._stream is None else self._stream.send(data)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._release()
