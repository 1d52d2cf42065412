"""`qmpsh share`: holds a monitor and serves it to several clients, without a prompt.

It is a session as a shell has one, with its reconnecting, whose remarks go to stderr.
"""

from __future__ import annotations

import contextlib
import grp
import os
import socket
import time

from qmpsh.advice import Advice
from qmpsh.cli.argv import SplitArgv
from qmpsh.cli.inspect.options import COMMANDS
from qmpsh.cli.option_errors import read_options
from qmpsh.cli.signals import end_by_signals
from qmpsh.client.client import Client, ClientOptions, poll_beside
from qmpsh.client.names import find_vm
from qmpsh.client.poll import READ, WRITE, wait_for
from qmpsh.errors import QmpshError, UsageError
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.hmp_monitor import NEEDS_QMP
from qmpsh.render.environment import Environment
from qmpsh.render.safe import visible
from qmpsh.shell.crash import report_advice
from qmpsh.shell.session.listener import Tone
from qmpsh.shell.session.session import Session
from qmpsh.shell.session.share import Listening
from qmpsh.shell.settings import Settings

if TYPE_CHECKING:
    from qmpsh.protocol.messages import ErrorReply, Event, Reply

_NO_ADDRESS = "which monitor? qmpsh share ./monitor.sock, or set QMP_SOCKET"
_NO_MODE = "--mode takes an octal number such as 0660, not {}"
_NO_GROUP = "--group: there is no group {} here"
_NONE_OPEN = (
    "nothing is shared: another qmpsh holds this monitor, or no folder is private; give --listen"
    " PATH"
)
_SHARED = "sharing {}"

_TURN_SECONDS = 0.25
"""seconds between two turns of the session, with its own questions to the VM"""


class StderrListener:
    """The reports of a session, on stderr."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.advice = Advice(report_advice, environment.notice)

    def event(self, event: Event) -> None:
        """Show nothing: events are for the clients."""

    def stray(self, reply: Reply | ErrorReply) -> None:
        """Show nothing."""

    def refresh(self) -> None:
        """Draw nothing."""

    def facts(self) -> None:
        """Complete nothing."""

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        """Show no events in any case."""

    def connection_lost(self, error: QmpshError) -> None:
        """Report the end of the connection."""
        self._environment.notice(visible(f"{error}; waiting for the VM to come back"))

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        """Print a line."""
        self._environment.notice(visible(text))

    def open_jobs(self) -> bool:
        """There is no list of jobs here."""
        return False

    def columns(self) -> int:
        """Return the columns that a text may take."""
        return self._environment.columns or 80


def main(words: SplitArgv) -> int:
    """Share a monitor until a signal ends it. Raises QmpshError."""
    given = read_options(COMMANDS["share"], [*words.options, *words.line])
    if given is None:
        return 0
    text = given["address"] or os.environ.get("QMP_SOCKET", "")
    if not text:
        raise UsageError(_NO_ADDRESS)
    found = find_vm(text)
    address = str(found)
    mode, group = _mode(given["mode"]), _group(given["group"])
    places = [Listening(path, read_only=False, mode=mode, group=group) for path in given["listen"]]
    places += [
        Listening(path, read_only=True, mode=mode, group=group)
        for path in given["read_only_listen"]
    ]
    end_by_signals()
    environment = Environment()
    client = Client.connect(found, ClientOptions(), environment.notice)
    if not client.dialect.qmp:
        client.close()
        raise UsageError(NEEDS_QMP.format(what="qmpsh share"))
    settings = Settings(read_only=given["read_only"])
    session = Session(client, settings, StderrListener(environment), address)
    session.preferences.change("overview", "off")  # there is no screen to show it on
    session.share.places = tuple(places)
    try:
        session.poll()
        if not session.share.is_open:
            raise UsageError(_NONE_OPEN)
        environment.notice(visible(_SHARED.format(", ".join((address, *session.share.paths)))))
        _notify_systemd()
        _serve(session)
    finally:
        session.close()
    return 0


def _serve(session: Session) -> None:
    """Serve for ever."""
    while True:
        if session.share.is_open and not session.client.closed:
            _relay(session)
        else:
            _wait(session)
        session.poll()


def _wait(session: Session) -> None:
    """Wait until the session has something to do, as while its VM is gone."""
    connection = session.connection
    wanted = {
        connection.fileno(): READ | WRITE if connection.wants_write else READ,
        session.share.fileno(): READ,
    }
    wanted.pop(-1, None)  # what is closed
    wait_for(wanted, session.wait())


def _relay(session: Session) -> None:
    """Pass on what comes for a while, without a turn of the whole session for each request."""
    client, share = session.client, session.share
    seconds = session.wait()
    until = time.monotonic() + min(_TURN_SECONDS, _TURN_SECONDS if seconds is None else seconds)
    while not client.closed and share.is_open and (left := until - time.monotonic()) > 0:
        poll_beside(client, {share.fileno(): READ}, left)
        share.poll(client)


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        raise UsageError(_NO_MODE.format(text)) from None
    if not 0 <= mode <= 0o777:
        raise UsageError(_NO_MODE.format(text))
    return mode


def _group(name: str) -> int:
    if not name:
        return -1
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise UsageError(_NO_GROUP.format(name)) from None


def _notify_systemd() -> None:
    """Say that the share is ready. Source: sd_notify(3)."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path[:1] in ("/", "@"):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
            one.sendto(b"READY=1", path.replace("@", "\0", 1) if path[0] == "@" else path)
