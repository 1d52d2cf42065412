"""`ssh://[USER@]HOST[:PORT]/PATH`: OpenSSH forwards the unix socket of another machine."""

from __future__ import annotations

import os
import re
from typing import Final

from qmpsh.address import Transport, refusal
from qmpsh.client.connect import SocketStream
from qmpsh.client.transports.forwarding import (
    ADVICE,
    AWAITED,
    UNASKED,
    ForwardedHost,
    Forwarder,
    Login,
)
from qmpsh.errors import CannotConnect, ConnectionLost
from qmpsh.stream import ConnectingStream, Stream

_ADDRESS: Final = (
    r"ssh://(?:(?P<user>[^/@:\s-][^/@\s]*)@)?(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]"
    r"|(?P<host>[\w.][\w.-]*))(?::(?P<port>[0-9]{1,5}))?(?P<path>/.+)"
)
_SSH_ENDED: Final = "the ssh to {host} has ended: {said}"
_NO_WORD: Final = "it gave no reason, as where its LogLevel hides that {host} does not respond"
_REFUSED: Final = "open failed"


class SshAddress(Transport):
    """A unix socket of another machine, reached by ssh.

    text:    the address as it was given
    through: the ssh that forwards it together with others, None for one of its own
    """

    scheme = "ssh"
    form = "ssh://[USER@]HOST[:PORT]/PATH"
    help = "a socket of another machine, through ssh (QMPSH_SSH)"
    is_local_relay = True
    needs_cleanup = True

    def __init__(
        self, text: str, login: Login, path: str, *, through: ForwardedHost | None = None
    ) -> None:
        self.text = text
        self.login = login
        self.path = path
        self.through = through

    @classmethod
    def parse(cls, text: str) -> SshAddress:
        found = re.fullmatch(_ADDRESS, text, re.DOTALL)
        port = int(found["port"] or 22) if found else 0
        if not found or not 1 <= port <= 65535:
            raise refusal(text, "ssh://[USER@]HOST[:PORT]/PATH is expected, the path in full")
        host, user = found["v6"] or found["host"], found["user"] or ""
        return cls(text, Login(host, user, found["port"] or ""), found["path"])

    def __str__(self) -> str:
        return self.text

    @property
    def realm(self) -> str:
        return f"{self.scheme}:{self.login}"

    @property
    def is_settled(self) -> bool:
        """Whether it needs no login of its own: the host was reached, or is known to refuse."""
        return self.through is not None

    def open(self, timeout: float | None) -> Stream:
        # Bounded by the code that waits for the stream, the typing of a password included.
        return _SshStream(self, Forwarder(self.login, [self.path], (), alone=False), owned=True)

    def begin(self) -> Stream:
        if self.through is not None:
            return _SshStream(self, self.through.forwarder(), owned=False)
        own = Forwarder(self.login, [self.path], UNASKED, alone=False)
        return _SshStream(self, own, owned=True)


class RefusedSshAddress(SshAddress):
    """A socket of a host that cannot be reached. error: why"""

    def __init__(self, text: str, login: Login, path: str, error: CannotConnect) -> None:
        super().__init__(text, login, path)
        self._error = error

    @property
    def is_settled(self) -> bool:
        return True

    def begin(self) -> Stream:
        raise self._error


class _SshStream(ConnectingStream):
    """A stream that waits for ssh to say that it listens. owned: ssh ends with the stream"""

    may_ask = True

    def __init__(self, address: SshAddress, forwarder: Forwarder, *, owned: bool) -> None:
        host = address.login.host
        super().__init__(AWAITED.format(host=host), ADVICE.format(host=host))
        self._address = address
        self._forwarder = forwarder
        self._owned = owned
        # Of its own: several streams may wait for one ssh, each by a number of its own.
        self._waiting = os.dup(forwarder.fileno())

    def _descriptor(self) -> int:
        return self._waiting

    def _step(self) -> Stream | None:
        if not self._forwarder.is_ready:
            if self._forwarder.has_ended:
                raise self._complaint()
            return None
        try:
            connection = self._forwarder.connect(self._address.path)
        except OSError as error:
            raise self._complaint() from error
        # Only now: the new descriptor must have another number.
        self._stop_waiting()
        return SocketStream(connection)

    def recv(self, size: int) -> bytes | None:
        data = super().recv(size)
        if data == b"" and self._forwarder.has_just_ended:
            host = self._address.login.host
            said = self._forwarder.last_words() or _NO_WORD.format(host=host)
            raise ConnectionLost(_SSH_ENDED.format(host=host, said=said))
        return data

    def _explain_end(self, error: ConnectionLost | None) -> CannotConnect:
        return self._complaint()

    def _complaint(self) -> CannotConnect:
        """Return what ssh said at last; one that carries no other stream has nothing more to do."""
        if self._owned or self._forwarder.has_just_ended:
            said = self._forwarder.last_words()
        else:
            said = self._forwarder.last_about(_REFUSED) or _REFUSED
        address = self._address
        return address.login.refusal(str(address), said, address.path)

    def _stop_waiting(self) -> None:
        if self._waiting >= 0:
            os.close(self._waiting)
            self._waiting = -1

    def _release(self) -> None:
        self._stop_waiting()
        if self._owned:
            self._forwarder.end()
