"""Waits for a server that is not there yet: its socket is missing, or nothing listens on it.

Only for `--connect-timeout` on the command line, and for Unix and TCP sockets; any other error ends
the wait at once.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from typing import Final, TypeVar

from qmpsh.address import Address, TcpAddress, UnixAddress
from qmpsh.errors import CannotConnect, ConnectTimeout, NotQmp

RETRY_SECONDS: Final = 0.05
"""seconds between two tries"""
HINT: Final = "--connect-timeout 30 waits for it"

T = TypeVar("T")


def may_still_come(address: Address, error: CannotConnect) -> bool:
    """Whether an error may go away by waiting: there is no socket yet, or nothing listens on it."""
    cause = error.__cause__
    if isinstance(error, NotQmp) or not isinstance(cause, OSError):
        return False
    if isinstance(address, TcpAddress):
        return cause.errno == errno.ECONNREFUSED
    if not isinstance(address, UnixAddress):
        return False
    if cause.errno == errno.ENOENT:
        return not address.abstract and os.path.isdir(os.path.dirname(address.path) or ".")
    return cause.errno == errno.ECONNREFUSED


def with_wait_hint(address: Address, error: CannotConnect) -> CannotConnect:
    """Return the same error, naming the option that waits for what may still come."""
    if not may_still_come(address, error):
        return error
    return CannotConnect(error.what, "; ".join(filter(None, (error.todo, HINT))))


def connect_awaited(
    address: Address,
    timeout: float,
    notice: Callable[[str], None] | None,
    patience: float,
    connect: Callable[[float], T],
) -> T:
    """Connect as soon as something listens there.

    timeout: seconds; connect: called with those that are left
    notice: called once with a sentence when that takes longer than patience, seconds
    Raises CannotConnect, of which Busy and ConnectTimeout.
    """
    now = started = time.monotonic()
    is_told = notice is None
    while True:
        try:
            return connect(max(0.001, started + timeout - now))
        except CannotConnect as error:
            now = time.monotonic()
            if not may_still_come(address, error):
                raise
            if now >= started + timeout:
                what = f"waited {timeout:g} s: {error.what}"
                raise ConnectTimeout(what, error.todo) from error
            if notice is not None and not is_told and now >= started + patience:
                is_told = True
                notice(f"{error.what}; waiting up to {timeout:g} s")
        time.sleep(min(RETRY_SECONDS, max(0.0, started + timeout - now)))
        now = time.monotonic()
