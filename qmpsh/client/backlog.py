"""Waits for a slot in the full listen backlog of a unix socket, which the kernel grants in order.

A monitor's backlog holds two clients; a non-blocking connect then fails with EAGAIN (wire.md
section 2). A blocking one sleeps in connect(2) until a client was accepted, for as long as
SO_SNDTIMEO says (socket(7)).
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import socket
import struct
import time
from collections.abc import Callable
from typing import Final

from qmpsh.address import UnixAddress
from qmpsh.system.diagnose import crowd

_MAX_WAIT_SECONDS: Final = 86400.0  # seconds of one wait; the loop takes another


class BacklogWait:
    """A wait for a place in the queue of one unix socket.

    address: for the notice; connection: a socket; connect: what connects it, as often as that is
    tried.
    """

    def __init__(
        self, address: UnixAddress, connection: socket.socket, connect: Callable[[], None]
    ) -> None:
        self._address = address
        self._connection = connection
        self._connect = connect

    def wait(
        self, timeout: float | None, notice: Callable[[str], None] | None, patience: float
    ) -> None:
        """Connect once there is a place.

        timeout: seconds, None for no limit
        notice: called once with a sentence when it takes longer than patience, seconds
        Raises BlockingIOError when the time has run out, else what connecting raises.
        """
        self._connection.setblocking(True)
        started = time.monotonic()
        deadline = math.inf if timeout is None else started + timeout
        if notice is not None and started + patience < deadline:
            if self._has_come(started + patience):
                return
            limit = "" if timeout is None else f" up to {timeout:g} s"
            what = crowd(self._address).what
            notice(f"{self._address} accepts no more clients for now: {what}; waiting{limit}")
        if not self._has_come(deadline):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def _has_come(self, deadline: float) -> bool:
        """Whether it is connected before that, of the clock `time.monotonic()`."""
        while (left := deadline - time.monotonic()) > 0:
            seconds, rest = divmod(min(left, _MAX_WAIT_SECONDS), 1.0)
            limit = struct.pack("@ll", int(seconds), int(rest * 1e6) or 1)  # all zero is no limit
            self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
            with contextlib.suppress(BlockingIOError):
                self._connect()
                if self._has_peer():
                    return True
        return False

    def _has_peer(self) -> bool:
        """Python takes a wait that a signal broke off (a SIGCONT, whose handler raises nothing) for
        a connection that is under way, as it would be over TCP, and then for one that is there.
        """
        try:
            self._connection.getpeername()
        except OSError:
            return False
        return True
