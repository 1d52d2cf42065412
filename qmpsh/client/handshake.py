"""Session options, and how a session begins; why none could be established: `session_errors`."""

from __future__ import annotations

import os

from qmpsh.address import Address
from qmpsh.client.dialect import QEMU, Dialect
from qmpsh.errors import (
    LostUnsent,
    QmpshError,
    StreamEnded,
)
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.protocol.connection import Connection
from qmpsh.protocol.framing import DEFAULT_LIMIT
from qmpsh.protocol.messages import Command

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final


class ClientOptions(NamedTuple):
    """The options of a session.

    connect_timeout: seconds until greeted and negotiated, None for no limit
    negotiate:       False for a server that neither greets nor negotiates
    dialect:         of the server as far as the user has said it
    oob:             ask for out-of-band execution where it is offered
    limit:           bytes of one message from the server at most
    notice_after:    seconds of silence after which the notice is given
    awaited:         a server may still be to come: wait for its socket as well
    shared:          go through another qmpsh that holds the monitor, where one shares it
    """

    connect_timeout: float | None = 10.0
    negotiate: bool = True
    oob: bool = True
    limit: int = DEFAULT_LIMIT
    notice_after: float = 1.0
    dialect: Dialect = QEMU
    awaited: bool = False
    shared: bool = True

    @property
    def may_be_shared(self) -> bool:
        """Whether a client with these options may go through another qmpsh."""
        return self.shared and self.negotiate and self.dialect.greets


FIRST_CHECK_SECONDS: Final = 0.1
"""seconds of silence until it is looked at what the server is; QEMU greets in a millisecond"""


def tag() -> str:
    """Return an id that no other session has."""
    return os.urandom(3).hex()


def synchronize(connection: Connection) -> tuple[Command, str, bytes]:
    """Return the first command to a guest agent, its id and its bytes, to be sent at once."""
    # Imported here: few servers are guest agents.
    from random import randrange

    from qmpsh.protocol.agent_sync import LARGEST_NUMBER

    return connection.synchronize(randrange(LARGEST_NUMBER))


class Silence(NamedTuple):
    """A connection on which nothing comes.

    fileno:   returns its descriptor, -1 for none
    since:    when that began, of the clock `time.monotonic()`
    received: returns how many bytes came all the same, and are not a greeting
    """

    fileno: Callable[[], int]
    since: float
    received: Callable[[], int] = int

    def first_check(self, options: ClientOptions) -> float:
        """Return when to look at what the server is."""
        return self.since + min(FIRST_CHECK_SECONDS, options.notice_after)


def end_of_stream(unfinished: int) -> StreamEnded:
    """Return the error for a closed stream. unfinished: bytes of an incomplete message"""
    where = " in the middle of a message" if unfinished else ""
    return StreamEnded(f"the server closed the connection{where}")


def no_connection(command: str, lost: QmpshError | None) -> LostUnsent:
    """Return the error for a command that came too late. lost: what ended the stream"""
    why = f": {lost}" if lost else ""
    return LostUnsent(f"{command} was not sent, there is no connection{why}")


def no_descriptors(address: Address) -> str:
    """Return why a descriptor cannot be sent there."""
    return (
        f"a descriptor cannot go to {address}: only a unix socket of this very machine carries one;"
        " connect to the monitor's own socket"
    )
