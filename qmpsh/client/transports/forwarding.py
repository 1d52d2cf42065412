"""OpenSSH as a carrier: one ssh forwards the unix sockets of a host to a private folder here.

Theory of operation. `ssh -N` has a `-L` for each socket, and says by its LocalCommand that it
listens; from then on a stream is a connection to a socket of the folder. A shell starts it, and
holds the read end of a pipe, the lifeline, whose other end only this process has: when that is
closed, also because this process was killed, the shell ends ssh and removes the folder.
Source: ssh(1), -L; ssh_config(5), LocalCommand.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Sequence
from typing import Final

from qmpsh.client.transports.process import ChildProcess
from qmpsh.errors import CannotConnect
from qmpsh.light_typing import NamedTuple
from qmpsh.system.programs import not_started

COMMAND: Final = "QMPSH_SSH"
"""The variable of the environment that names the ssh to use, with its options, for the shell."""

MAX_REMOTE_BYTES: Final = 107
"""Bytes of a path that ssh passes on. Source: OpenSSH, misc.c, parse_forward"""

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

UNASKED: Final = ("BatchMode=yes", "ConnectTimeout=10")
"""Added where the user did not ask for this try: it asks for no password, and ends by itself."""

WATCHED: Final = ("ServerAliveInterval=5", "ServerAliveCountMax=3")
"""Added where many VMs depend on a host: one that is gone is noticed after 20 s. A shorter cut
loses nothing; after a longer one its sshd goes on holding the monitors for a while.
"""

RUN: Final = f'${{{COMMAND}:-ssh}} "$@"'
"""How a shell runs ssh with the words that it was given."""

# Ignored signals are inherited, so Ctrl-C reaches only qmpsh.
_START: Final = f"""\
trap '' INT QUIT
exec 3<&0 </dev/null
folder=$1
shift
ulimit -n "$(ulimit -H -n)" 2>/dev/null
{RUN} 3<&- &
ssh=$!
trap 'kill "$ssh"' TERM HUP
(trap - TERM; read -r nothing <&3; rm -rf -- "$folder"; kill "$ssh") >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$ssh"
code=$?
kill "$watch" 2>/dev/null
exit "$code"
"""

_END_SECONDS: Final = 0.25
"""seconds from the end of its connections to that of ssh, on a busy machine"""
_ALIVE_SECONDS: Final = 2.0
"""seconds for which no ssh is waited for again, once one was seen alive: all of them together hold
up whoever waits only that often, with however many hosts"""

_RESTART_SECONDS: Final = 5.0
"""seconds from one start to the next: a host that refuses is not to be asked by each of its VMs"""

_HINTS: Final = {
    # Of the shell that starts it.
    ": not found": "install the OpenSSH client, or name another in QMPSH_SSH",
    "Permission denied (": "ssh {host} has to get in: a key for it, ssh-add, or the right user",
    "Host key verification failed": "log in once with ssh {host}, and accept its key",
    "Could not resolve": "check the name of the host",
    "not responding": "the link to {host} is cut, or {host} is down",
    # Of a socket that it does not open sshd gives no reason.
    "open failed": "no monitor there on {path}, or none that this user may open, or other clients"
    " hold it and its queue is full, or that sshd forwards no sockets (AllowStreamLocalForwarding)",
}
"""What ssh says, and what to do then."""

AWAITED: Final = "ssh to reach {host}"
ADVICE: Final = "ssh {host} shows what it waits for; --connect-timeout allows more time"
_NO_WORD: Final = "ssh ended without a word"
_TRY: Final = "try ssh {host} for details"


class Login(NamedTuple):
    """How to get onto a host.

    user, port: "" for those of ssh's configuration
    more:       further words for ssh, as an inventory has them
    """

    host: str
    user: str = ""
    port: str = ""
    more: tuple[str, ...] = ()

    def words(self, options: Sequence[str]) -> list[str]:
        """Return the words of ssh up to the host. options: as for `-o`"""
        words = [word for option in options for word in ("-o", option)]
        words += ["-l", self.user] if self.user else []
        words += ["-p", self.port] if self.port else []
        return [*words, *self.more, "--", self.host]

    def refusal(self, place: str, said: str, path: str = "") -> CannotConnect:
        """Return the error for what ssh said at last. place: what was to be reached, "" to omit"""
        said = said.rstrip(".") or _NO_WORD
        todo = next((hint for words, hint in _HINTS.items() if words in said), _TRY)
        what = f"{place}: {said}" if place else said
        return CannotConnect(what, todo.format(host=self.host, path=path))


class Forwarder:
    """An ssh that forwards sockets of a host.

    paths:   of the sockets there, at least one
    options: as for `-o`
    alone:   without the terminal, on which it could ask for a password
    Raises CannotConnect if it cannot be started.
    """

    _waits_from = 0.0  # when one may be waited for again, of the clock `time.monotonic()`

    def __init__(
        self, login: Login, paths: Sequence[str], options: Sequence[str], *, alone: bool
    ) -> None:
        self.login = login
        self._folder = tempfile.mkdtemp(prefix="qmpsh-", dir=_short_folder())
        self._locals = {path: f"{self._folder}/{at}" for at, path in enumerate(paths)}
        self._last: str | None = None
        self._output, output = socket.socketpair()
        self._output.setblocking(False)
        lifeline, self._lifeline = os.pipe()
        try:
            self._child = ChildProcess(
                ("/bin/sh", "-c", _START, "ssh", self._folder, *self._words(options)),
                (lifeline, output.fileno()),
                alone=alone,
                environ={**os.environ, _DOLLAR: "$"},
            )
        except OSError as error:
            os.close(self._lifeline)
            self._output.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            raise CannotConnect(not_started("/bin/sh", error)) from error
        finally:
            os.close(lifeline)
            output.close()

    def _words(self, options: Sequence[str]) -> list[str]:
        # -S overrides a ControlPath of QMPSH_SSH as well, where an option would come second: ssh
        # over a master runs no LocalCommand.
        words = ["-N", "-T", "-S", "none"]
        for path, local in self._locals.items():
            words += ["-L", f"{_escaped(local)}:{_escaped(path)}"]
        return words + self.login.words([*options, *_OPTIONS])

    def fileno(self) -> int:
        """Return what becomes readable once it listens, and at its end."""
        return self._output.fileno()

    @property
    def is_ready(self) -> bool:
        """Whether it listens, or did so before its end."""
        return _READY in (self._said() or b"")

    @property
    def has_ended(self) -> bool:
        """Whether ssh has ended."""
        return self._said() == b"" or self._child.ends_within(0)

    @property
    def has_just_ended(self) -> bool:
        """Whether ssh has ended, after one of its connections has: it closes them a little before.

        Waits for it a moment, but not for each of many connections, or of many hosts.
        """
        now = time.monotonic()
        if now >= self._waits_from and not self._child.ends_within(_END_SECONDS):
            Forwarder._waits_from = now + _ALIVE_SECONDS
        return self.has_ended

    def _said(self) -> bytes | None:
        """Return what ssh has said, b"" at its end, None for nothing so far."""
        if self._output.fileno() < 0:
            return b""
        try:
            # The words stay there for all who wait for them.
            return self._output.recv(4096, socket.MSG_PEEK)
        except BlockingIOError:
            return None

    def connect(self, path: str) -> socket.socket:
        """Connect to one of the sockets, once it listens. Raises OSError."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(self._locals[path])
        except OSError:
            connection.close()
            raise
        return connection

    def last_words(self) -> str:
        """Return the last line that ssh wrote to its stderr, "" for none. Once it has ended."""
        if self._last is None:
            self.end()
            self._last = self._child.last_words()
        return self._last

    def last_about(self, words: str) -> str:
        """Return the last line of its stderr so far with these words, "" for none."""
        return self._child.last_about(words)

    def let_go(self) -> None:
        """Have it end, and do not wait for that; may be called twice."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def end(self) -> None:
        """End it; may be called twice."""
        self.let_go()
        self._child.wait_or_end()
        self._output.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class ForwardedHost:
    """A host of which several sockets are forwarded by one ssh, which is started again once lost.

    paths:   of the sockets there
    current: the ssh, or the last one
    Raises CannotConnect if it cannot be started.
    """

    def __init__(self, login: Login, paths: Sequence[str]) -> None:
        self._login = login
        self._paths = paths
        self._started = time.monotonic()
        self.current = self._start()

    def _start(self) -> Forwarder:
        return Forwarder(self._login, self._paths, (*UNASKED, *WATCHED), alone=True)

    def forwarder(self) -> Forwarder:
        """Return the ssh, which may not listen yet. Raises CannotConnect."""
        if not self.current.has_ended:
            return self.current
        now = time.monotonic()
        if now < self._started + _RESTART_SECONDS:
            raise self._login.refusal("", self.current.last_words())
        self.current.end()
        self._started = now
        self.current = self._start()
        return self.current

    def let_go(self) -> None:
        """Have the ssh end, and do not wait for that."""
        self.current.let_go()

    def close(self) -> None:
        """End the ssh."""
        self.current.end()


def _escaped(path: str) -> str:
    """A path as -L wants it: a backslash before its own marks, no token of `TOKENS`, and no
    variable: ssh has no way to write `${`, but the value of one is taken as it stands.
    """
    path = re.sub(r"([\\:])", r"\\\1", path).replace("%", "%%")
    return path.replace("${", f"${{{_DOLLAR}}}{{")


def _short_folder() -> str:
    """Where a folder's path leaves room for a socket's: ssh makes a longer name first."""
    found = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return found if len(found) <= 60 and os.access(found, os.W_OK) else "/tmp"
