"""Examines one address, and shows the results: one marked line per check, coloured if wanted.

It looks without connecting first, then opens a brief session if that disturbs no other client.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Final

from qmpsh.address import Address, TcpAddress, UnixAddress
from qmpsh.client.client import (
    Client,
    ClientOptions,
    client_through,
    poll_until,
    wait_until_ready,
)
from qmpsh.client.connect import open_stream
from qmpsh.client.dialect import command_names, dialect_of_commands, remark
from qmpsh.client.discovery import (
    HTTP,
    STATES,
    TLS,
    maybe_domain,
    tcp_kind,
    unix_kind,
)
from qmpsh.client.shares import SILENT_SECONDS, FoundShare, connect_share
from qmpsh.client.sharing import holder_text, why_not_through
from qmpsh.errors import ADD_QMP, CannotConnect, QmpshError
from qmpsh.jsontypes import JsonObject, get_str
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.render.safe import visible_word
from qmpsh.render.theme import Line, painter, plain, printed_theme
from qmpsh.shell.hmp import hmp_command
from qmpsh.system.argv import HMP, QMP, MonitorChannel
from qmpsh.system.diagnose import LIST, is_qmpsh, tls_form, why_not_to_connect
from qmpsh.system.listener import ListenerInfo, channel_of, inspect_listener
from qmpsh.system.owners import advice, owner_of
from qmpsh.system.proc import Process, tells_peers, user_name

_READ_AS: Final = "{name} is read as {what}"
_UNIX: Final = "the unix socket {path}"
_ABSTRACT: Final = "the abstract unix socket {path}"
_TCP: Final = "TCP, host {host}, port {port}"
_MAY_TAINT: Final = "connecting through libvirt, which may mark the domain as tainted"
_OCCUPIES: Final = "connecting: this occupies the monitor {address} for a moment"
_NOT_TRIED: Final = "not tried: {what}"
_NO_SOCKET: Final = "{path} is not a socket ({rights})"
_SOCKET: Final = "a socket, {rights}"
_LISTENER: Final = "{program}, pid {pid}, {state}, user {user}"
_OF_OTHERS: Final = "a process of another user; run as root to see which"
_OTHER_NAMESPACE: Final = "none in this network namespace"
_ELSEWHERE: Final = "not on this machine, as far as can be seen"
_IN_QUEUE: Final = "{waiting} more in the queue"
_THROUGH_FAILED: Final = "through {holder}: {error}"
_NEGOTIATED: Final = "in {milliseconds:.1f} ms; capabilities offered: {offered}"
_SPEAKS_TLS: Final = "it speaks TLS: use {form}"
_WEB_SERVER: Final = "it is a web server"
_AGENT: Final = "it is a guest agent, and it answers: use --guest-agent"
_NO_NAMES: Final = "{query} returned no names"
_NO_QEMU: Final = "the server is not a QEMU; check which program listens there"
_HMP_ONLY: Final = "an HMP monitor: its lines are those of the human monitor; for QMP, {todo}"
_LATENCY: Final = "{milliseconds:.2f} ms for {name}, {times} times"

OK: Final = "ok"
INFO: Final = "info"
WARN: Final = "warn"
FAIL: Final = "fail"

_MARKS: Final = {OK: ("json.string", "ok  "), INFO: ("dim", " -  "), WARN: ("warning", "warn"),
                 FAIL: ("error", "FAIL")}  # fmt: skip
"""The role and the text of each mark: no meaning depends on colour alone."""


class Check(NamedTuple):
    """One result of an examination.

    mark: OK, INFO, WARN or FAIL
    what: what was checked, in a word or two
    text: one line, not yet safe to show
    """

    mark: str
    what: str
    text: str


def lines_of(checks: Sequence[Check], *, colour: bool) -> list[str]:
    """Return one aligned line per check."""
    width = max((len(check.what) for check in checks), default=0)
    draw = painter(printed_theme(os.environ)) if colour else plain
    return [draw(_line(check, width)) for check in checks]


def _line(check: Check, width: int) -> Line:
    role, mark = _MARKS[check.mark]
    return [(role, mark), ("", f"  {check.what:{width}}  {visible_word(check.text)}")]


def as_json(checks: Iterable[Check]) -> list[JsonObject]:
    """Return the checks as JSON, for programs."""
    return [{"check": check.what, "result": check.mark, "text": check.text} for check in checks]


def has_failed(checks: Iterable[Check]) -> bool:
    """Whether any check is a FAIL."""
    return any(check.mark == FAIL for check in checks)


GREETING_SECONDS: Final = 3.0
"""seconds for a server without a client to greet and negotiate, which takes milliseconds"""
_ROUND_TRIPS: Final = 20  # round trips; their median is the latency
_SLOW_SECONDS: Final = 0.1  # seconds
_MAX_COMMAND_CHARACTERS: Final = 2000  # characters shown of a command line


def examine(name: str, address: Address, announce: Callable[[str], None]) -> Iterator[Check]:
    """Examine an address.

    name:     the address as typed
    announce: called with a sentence before the monitor is connected to
    """
    yield Check(INFO, "address", _read_as(name, address))
    if isinstance(address, UnixAddress) and not address.abstract:
        checks = [*_file(address.path)]
        yield from checks
        if has_failed(checks):
            return
    listener = inspect_listener(address)
    yield from _listener(address, listener)
    share = connect_share(address)
    yield from _clients(listener, WARN if share is None else INFO)
    if share is not None and (yield from _shared(address, share)):
        return
    reason = why_not_to_connect(address, listener)
    if reason is not None:
        yield Check(FAIL, "session", _NOT_TRIED.format(what=reason.what))
        yield Check(INFO, "next", reason.todo)
        return
    if address.makes_greeting:
        announce(_MAY_TAINT)
    else:
        announce(_OCCUPIES.format(address=address))
    yield from _session(address)


# ---------------------------------------------------------------------------- from outside


def _read_as(name: str, address: Address) -> str:
    match address:
        case UnixAddress(path, abstract):
            what = (
                _ABSTRACT.format(path=path)
                if abstract
                else _UNIX.format(path=os.path.abspath(path))
            )
        case TcpAddress(host, port):
            what = _TCP.format(host=host, port=port)
        case _:
            what = str(address)
    return _READ_AS.format(name=name, what=what)


def _file(path: str) -> Iterator[Check]:
    """Check the socket's file; a FAIL here ends the examination."""
    try:
        status = os.stat(path)
    except PermissionError:
        yield from _refused(UnixAddress(path), "file")
        return
    except OSError as error:
        yield Check(FAIL, "file", f"{path}: {error.strerror}")
        yield Check(INFO, "next", LIST)
        return
    rights = f"{stat.filemode(status.st_mode)} of {user_name(status.st_uid)}"
    if not stat.S_ISSOCK(status.st_mode):
        yield Check(FAIL, "file", _NO_SOCKET.format(path=path, rights=rights))
        yield Check(INFO, "next", LIST)
        return
    yield Check(OK, "file", _SOCKET.format(rights=rights))
    if not os.access(path, os.W_OK):
        yield from _refused(UnixAddress(path), "permission")


def _refused(address: UnixAddress, what: str) -> Iterator[Check]:
    """Connect, which the kernel refuses at once, to report who refused it."""
    try:
        Client.connect(address, ClientOptions(GREETING_SECONDS)).close()
    except CannotConnect as error:
        yield Check(FAIL, what, error.what)
        yield Check(INFO, "next", error.todo or LIST)


def _listener(address: Address, listener: ListenerInfo) -> Iterator[Check]:
    process = listener.listener
    if process is None:
        yield from _unknown_listener(address, listener)
        return
    state = STATES.get(process.state, "running")
    yield _listens(process.title, process.pid, state, user_name(process.uid))
    yield Check(INFO, "command", process.command[:_MAX_COMMAND_CHARACTERS])
    command = listener.command_line
    if command is not None and command.name:
        yield Check(INFO, "vm", command.name)
    channel = channel_of(listener, address)
    if channel is not None:
        yield _kind(channel)
    owner = owner_of(address)
    if owner:
        name = command.name if command else ""
        yield Check(WARN, "owner", f"{owner}: {advice(address, name)}")


def _kind(channel: MonitorChannel) -> Check:
    wrap = f", {channel.wrap}" if channel.wrap else ""
    is_usual = channel.kind in (QMP, HMP) and channel.wrap in ("", "telnet")
    return Check(OK if is_usual else WARN, "kind", f"{channel.kind}{wrap}")


def _unknown_listener(address: Address, listener: ListenerInfo) -> Iterator[Check]:
    if address.makes_greeting:
        # A libvirt domain on this machine is found among the processes.
        if one := maybe_domain(address):
            yield _listens(one.program, one.pid, one.state, one.user)
    elif listener.known:
        yield Check(WARN, "listener", _OF_OTHERS)
    elif isinstance(address, UnixAddress) and tells_peers():
        yield Check(WARN, "listener", _OTHER_NAMESPACE)
    else:
        yield Check(INFO, "listener", _ELSEWHERE)


def _listens(program: str, pid: int | None, state: str, user: str) -> Check:
    mark = OK if state == "running" else FAIL
    text = _LISTENER.format(program=program, pid=pid, state=state, user=user)
    return Check(mark, "listener", text)


def _clients(listener: ListenerInfo, mark: str) -> Iterator[Check]:
    """List who is connected. mark: of a client that is"""
    if not listener.known:
        return
    for client in listener.served:
        process = client.process
        ours = " (another qmpsh)" if process is not None and is_qmpsh(process) else ""
        yield Check(mark, "connected", f"{_briefly(process) if process else client}{ours}")
    if not listener.served:
        yield Check(OK, "connected", "no client")
    if listener.waiting:
        yield Check(WARN, "waiting", _IN_QUEUE.format(waiting=listener.waiting))


def _briefly(process: Process) -> str:
    return f"{process.title}, pid {process.pid}: {process.command[:_MAX_COMMAND_CHARACTERS]}"


# ---------------------------------------------------------------------------- a session


def _shared(address: Address, share: FoundShare) -> Generator[Check, None, bool]:
    """Examine the session through the qmpsh that holds the monitor and shares it.

    Returns False if that one has just gone.
    """
    options = ClientOptions(GREETING_SECONDS)
    client = client_through(share, address, options, None)
    started = time.monotonic()
    holder = holder_text(share.peer)
    try:
        if poll_until(client, lambda: client.ready, started + SILENT_SECONDS) and client.ready:
            yield from _greeted(client, time.monotonic() - started)
            yield from _asked(client, f"through {holder}")
            return True
    except QmpshError as error:
        yield Check(FAIL, "session", _THROUGH_FAILED.format(holder=holder, error=error))
        return True
    finally:
        client.close()
    reason = why_not_through(address)
    if reason is not None:
        yield Check(FAIL, "session", reason.what)
        yield Check(INFO, "next", reason.todo)
    return reason is not None


def _session(address: Address) -> Iterator[Check]:
    started = time.monotonic()
    client: Client | None = None
    try:
        stream = open_stream(address, GREETING_SECONDS)
        client = Client(stream, address, ClientOptions(GREETING_SECONDS))
        wait_until_ready(client, started)
        yield from _greeted(client, time.monotonic() - started)
        yield from _asked(client)
    except CannotConnect as error:
        yield from _failed(error, client)
    except QmpshError as error:
        yield Check(FAIL, "session", str(error))
    finally:
        if client is not None:
            client.close()


def _failed(error: CannotConnect, client: Client | None) -> Iterator[Check]:
    """Report why no session began. client: None if the connection itself was refused."""
    yield Check(FAIL, "session", error.what)
    found = ""
    if client is not None and client.connection.greeting is None and client.lost is None:
        address = client.address
        client.close()
        found = _maybe_probed(address)
    yield Check(INFO, "next", found or error.todo or LIST)


def _maybe_probed(address: Address) -> str:
    """Find out what a silent server is by speaking other protocols to it; "" if that fails."""
    if isinstance(address, TcpAddress):
        kind = tcp_kind(address)
        answers = {TLS: _SPEAKS_TLS.format(form=tls_form(address)), HTTP: _WEB_SERVER}
        return answers.get(kind, "")
    if isinstance(address, UnixAddress) and inspect_listener(address).known and unix_kind(address):
        return _AGENT
    return ""


def _greeted(client: Client, took: float) -> Iterator[Check]:
    greeting = client.connection.greeting
    if greeting is None:
        return
    package = f" ({greeting.package})" if greeting.package else ""
    yield Check(OK, "greeting", f"QEMU {greeting.version}{package}")
    offered = ", ".join(greeting.capabilities) or "none"
    if said := remark(str(client.address), greeting):
        yield Check(WARN, "remark", said)
    yield Check(OK, "negotiated", _NEGOTIATED.format(milliseconds=took * 1000, offered=offered))


def _asked(client: Client, verdict: str = "works") -> Iterator[Check]:
    """Check the commands, the dialect they indicate, and how long a reply takes."""
    if not client.dialect.qmp:
        yield Check(INFO, "dialect", _HMP_ONLY.format(todo=ADD_QMP))
        yield from _timed(client, hmp_command("info version"), verdict)
        return
    asked = client.dialect.names
    names = command_names(client.execute(Command(asked), GREETING_SECONDS).value)
    if not names:
        yield Check(FAIL, "commands", _NO_NAMES.format(query=asked))
        yield Check(INFO, "next", _NO_QEMU)
        return
    yield Check(OK, "dialect", dialect_of_commands(client.dialect, names).title)
    yield Check(OK, "commands", f"{len(names)}")
    yield from _timed(client, Command("query-version"), verdict)


def _timed(client: Client, command: Command, verdict: str) -> Iterator[Check]:
    times = sorted(_round_trip(client, command) for _ in range(_ROUND_TRIPS))
    median = times[len(times) // 2]
    name = get_str(command.arguments, "command-line") or command.name
    mark = OK if median < _SLOW_SECONDS else WARN
    yield Check(
        mark, "latency", _LATENCY.format(milliseconds=median * 1000, name=name, times=_ROUND_TRIPS)
    )
    yield Check(OK, "session", verdict)


def _round_trip(client: Client, command: Command) -> float:
    started = time.monotonic()
    client.execute(command, GREETING_SECONDS)
    return time.monotonic() - started
