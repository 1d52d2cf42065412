"""`ssh://[USER@]HOST[:PORT]/PATH`: OpenSSH forwards the unix socket of another machine.

ssh listens on a socket in a private folder, and says on its output that it does; from then on the
stream is a connection to that socket. Source: ssh(1), -L; ssh_config(5), LocalCommand.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from typing import Final

from qmpsh.address import Transport, refusal
from qmpsh.client.connect import SocketStream
from qmpsh.client.transports.process import ChildProcess
from qmpsh.errors import CannotConnect, ConnectionLost
from qmpsh.stream import ConnectingStream, Stream
from qmpsh.system.programs import not_started

COMMAND: Final = "QMPSH_SSH"
"""The variable of the environment that names the ssh to use, with its options, for the shell."""

_ADDRESS: Final = (
    r"ssh://(?:(?P<user>[^/@:\s-][^/@\s]*)@)?(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]"
    r"|(?P<host>[\w.][\w.-]*))(?::(?P<port>[0-9]{1,5}))?(?P<path>/.+)"
)
_READY: Final = b"forwarded"
_DOLLAR: Final = "QMPSH_DOLLAR"
"""A variable that holds a dollar, for ssh. Source: ssh_config(5), "ENVIRONMENT VARIABLES"."""

# The user's own configuration decides all else: hosts, keys, jumps.
_OPTIONS: Final = (
    "ExitOnForwardFailure=yes",
    "StreamLocalBindUnlink=yes",
    "StreamLocalBindMask=0177",
    "ControlMaster=no",
    "ForwardX11=no",
    "ForwardAgent=no",
    "PermitLocalCommand=yes",
    f"LocalCommand=echo {_READY.decode()}",
)
_UNASKED: Final = ("BatchMode=yes", "ConnectTimeout=10")
"""Added where the user did not ask for this try: it asks for no password, and ends by itself."""

# Ignored signals are inherited through exec, so Ctrl-C reaches only the shell.
_START: Final = f"trap '' INT QUIT; exec ${{{COMMAND}:-ssh}} \"$@\""

_FORM: Final = "ssh://[USER@]HOST[:PORT]/PATH is expected, the path in full"
_AWAITS: Final = "ssh to reach {host}"
_SILENT: Final = "ssh {host} shows what it waits for; --connect-timeout allows more time"
_NO_WORD: Final = "ssh ended without a word"
_TRY_SSH: Final = "try ssh {host} for details"
_HINTS: Final = {
    # Of the shell that starts it.
    ": not found": "install the OpenSSH client, or name another in QMPSH_SSH",
    "Permission denied (": "ssh {host} has to get in: a key for it, ssh-add, or the right user",
    "Host key verification failed": "log in once with ssh {host}, and accept its key",
    "Could not resolve": "check the name of the host",
    # Of a socket that it does not open sshd gives no reason.
    "open failed": "no monitor there on {path}, or none that this user may open, or other clients"
    " hold it and its queue is full, or that sshd forwards no sockets (AllowStreamLocalForwarding)",
}
"""What ssh says, and what to do then."""


class SshAddress(Transport):
    """A unix socket of another machine, reached by ssh.

    text: the address as it was given; user, port: "" for those of ssh's configuration
    """

    scheme = "ssh"
    form = "ssh://[USER@]HOST[:PORT]/PATH"
    help = "a socket of another machine, through ssh (QMPSH_SSH)"
    is_local_relay = True
    needs_cleanup = True

    def __init__(self, text: str, host: str, path: str, *, user: str, port: str) -> None:
        self.text = text
        self.host = host
        self.path = path
        self.user = user
        self.port = port

    @classmethod
    def parse(cls, text: str) -> SshAddress:
        found = re.fullmatch(_ADDRESS, text, re.DOTALL)
        port = int(found["port"] or 22) if found else 0
        if not found or not 1 <= port <= 65535:
            raise refusal(text, _FORM)
        host, user = found["v6"] or found["host"], found["user"] or ""
        return cls(text, host, found["path"], user=user, port=found["port"] or "")

    def __str__(self) -> str:
        return self.text

    def open(self, timeout: float | None) -> Stream:
        # Bounded by the code that waits for the stream, the typing of a password included.
        return _SshForwarding(self, ())

    def begin(self) -> Stream:
        return _SshForwarding(self, _UNASKED)

    def words(self, local: str, more: tuple[str, ...]) -> list[str]:
        """The arguments of ssh. local: the path of the socket here."""
        # -S overrides a ControlPath of QMPSH_SSH as well, where an option would come second: ssh
        # over a master runs no LocalCommand.
        words = ["-N", "-T", "-S", "none", "-L", f"{_escaped(local)}:{_escaped(self.path)}"]
        for option in (*more, *_OPTIONS):
            words += ["-o", option]
        if self.user:
            words += ["-l", self.user]
        if self.port:
            words += ["-p", self.port]
        return [*words, "--", self.host]


def _escaped(path: str) -> str:
    """A path as -L wants it: a backslash before its own marks, no token of `TOKENS`, and no
    variable: ssh has no way to write `${`, but the value of one is taken as it stands.
    """
    path = re.sub(r"([\\:])", r"\\\1", path).replace("%", "%%")
    return path.replace("${", f"${{{_DOLLAR}}}{{")


class _SshForwarding(ConnectingStream):
    """A stream that waits for ssh to say that it listens."""

    may_ask = True

    def __init__(self, address: SshAddress, more: tuple[str, ...]) -> None:
        super().__init__(_AWAITS.format(host=address.host), _SILENT.format(host=address.host))
        self._address = address
        self._folder = tempfile.mkdtemp(prefix="qmpsh-", dir=_short_folder())
        self._local = f"{self._folder}/s"
        self._said = b""
        self._pipe, other = os.pipe()
        os.set_blocking(self._pipe, False)
        try:
            self._child = ChildProcess(
                ("/bin/sh", "-c", _START, "ssh", *address.words(self._local, more)),
                (subprocess.DEVNULL, other),
                alone=False,
                environ={**os.environ, _DOLLAR: "$"},
            )
        except OSError as error:
            os.close(self._pipe)
            shutil.rmtree(self._folder, ignore_errors=True)
            raise CannotConnect(not_started("/bin/sh", error)) from error
        finally:
            os.close(other)

    def _descriptor(self) -> int:
        return self._pipe

    def _step(self) -> Stream | None:
        try:
            piece = os.read(self._pipe, 4096)
        except BlockingIOError:
            return None
        self._said = (self._said + piece)[-4096:]
        if not piece:
            raise self._complaint()
        if _READY not in self._said:
            return None
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(self._local)
        except OSError as error:
            connection.close()
            raise self._complaint() from error
        # Only now: the new descriptor must have another number.
        os.close(self._pipe)
        self._pipe = -1
        return SocketStream(connection)

    def _explain_end(self, error: ConnectionLost | None) -> CannotConnect:
        return self._complaint()

    def _complaint(self) -> CannotConnect:
        """What ssh said at last; it has nothing more to do."""
        address = self._address
        self._child.end()
        said = self._child.last_words().rstrip(".") or _NO_WORD
        hints = (hint for beginning, hint in _HINTS.items() if beginning in said)
        todo = next(hints, _TRY_SSH).format(host=address.host, path=address.path)
        return CannotConnect(f"{address}: {said}", todo)

    def _release(self) -> None:
        self._child.end()
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        shutil.rmtree(self._folder, ignore_errors=True)


def _short_folder() -> str:
    """Where a folder's path leaves room for a socket's: ssh makes a longer name first."""
    found = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return found if len(found) <= 60 and os.access(found, os.W_OK) else "/tmp"
