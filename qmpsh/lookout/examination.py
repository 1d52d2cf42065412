"""One address, examined: first all that can be seen without connecting, then, where nobody is
disturbed by it, a session for a moment.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from typing import Final

from qmpsh.errors import CannotConnect, QmpshError
from qmpsh.jsontypes import Json
from qmpsh.link.address import Address, TcpAddress, UnixAddress
from qmpsh.link.client import Client, ClientOptions
from qmpsh.link.commandline import QMP, Channel
from qmpsh.link.dialect import listed
from qmpsh.link.discovery import STATES, user_name
from qmpsh.link.doctor import is_qmpsh, tls_form, why_not_to_connect
from qmpsh.link.owners import advice, owner_of
from qmpsh.link.probes import HTTP, TLS, tcp_kind, unix_kind
from qmpsh.link.proc import Process
from qmpsh.link.scene import Scene, channel_of, look
from qmpsh.link.sockets import tells_peers
from qmpsh.link.transport import open_stream
from qmpsh.lookout.checks import FAIL, INFO, OK, WARN, Check
from qmpsh.wire.messages import Command

GREETED_WITHIN: Final = 3.0
"""seconds until a server that nobody holds has greeted and negotiated; it takes milliseconds"""
_ROUNDS: Final = 20  # questions whose median is the latency
_SLOW: Final = 0.1  # seconds
_COMMAND: Final = 2000  # characters of a command line

Show = Callable[[Check], None]


def examine(name: str, address: Address, show: Show, announce: Callable[[str], None]) -> None:
    """Examine an address. name: as it was typed; announce: told before the monitor is taken."""
    show(Check(INFO, "address", _read_as(name, address)))
    if isinstance(address, UnixAddress) and not address.abstract and not _file(address.path, show):
        return
    scene = look(address)
    _listener(address, scene, show)
    _clients(scene, show)
    reason = why_not_to_connect(address, scene)
    if reason is not None:
        show(Check(FAIL, "session", f"not tried: {reason.what}"))
        show(Check(INFO, "next", reason.todo))
        return
    announce(f"connecting: it takes the monitor {address} for a moment")
    _session(address, show)


# ---------------------------------------------------------------------------- from outside


def _read_as(name: str, address: Address) -> str:
    match address:
        case UnixAddress(path, abstract):
            kind = "abstract unix socket" if abstract else "unix socket"
            return f"{name} is read as the {kind} {path if abstract else os.path.abspath(path)}"
        case TcpAddress(host, port):
            return f"{name} is read as TCP, host {host}, port {port}"
        case _:
            return f"{name} is read as {address}"


def _file(path: str, show: Show) -> bool:
    """The socket's file; False where the examination ends with it."""
    try:
        status = os.stat(path)
    except PermissionError:
        _refused(UnixAddress(path), "file", show)
        return False
    except OSError as error:
        show(Check(FAIL, "file", f"{path}: {error.strerror}"))
        show(Check(INFO, "next", "qmpsh ls lists the monitors that are here"))
        return False
    rights = f"{stat.filemode(status.st_mode)} of {user_name(status.st_uid)}"
    if not stat.S_ISSOCK(status.st_mode):
        show(Check(FAIL, "file", f"{path} is no socket ({rights})"))
        show(Check(INFO, "next", "name the socket that -qmp unix: made"))
        return False
    show(Check(OK, "file", f"a socket, {rights}"))
    if not os.access(path, os.W_OK):
        _refused(UnixAddress(path), "permission", show)
        return False
    return True


def _refused(address: UnixAddress, what: str, show: Show) -> None:
    """Connecting is refused at once, and the refusal says by whom."""
    try:
        Client.connect(address, ClientOptions(GREETED_WITHIN)).close()
    except CannotConnect as error:
        said, _, todo = str(error).rpartition("; ")
        show(Check(FAIL, what, said))
        show(Check(INFO, "next", todo))


def _listener(address: Address, scene: Scene, show: Show) -> None:
    process = scene.listener
    if process is None:
        _unknown_listener(address, scene, show)
        return
    state = STATES.get(process.state, "running")
    mark = OK if state == "running" else FAIL
    show(Check(mark, "listener", f"{process.title}, pid {process.pid}, {state}, user"
                                 f" {user_name(process.uid)}"))  # fmt: skip
    show(Check(INFO, "command", process.command[:_COMMAND]))
    command = scene.command_line
    if command is not None and command.name:
        show(Check(INFO, "vm", command.name))
    channel = channel_of(scene, address)
    if channel is not None:
        show(_kind(channel))
    owner = owner_of(address)
    if owner:
        name = command.name if command else ""
        show(Check(WARN, "owner", f"{owner}: {advice(address, name)}"))


def _kind(channel: Channel) -> Check:
    wrap = f", {channel.wrap}" if channel.wrap else ""
    is_usual = channel.kind == QMP and channel.wrap in ("", "telnet")
    return Check(OK if is_usual else WARN, "kind", f"{channel.kind}{wrap}")


def _unknown_listener(address: Address, scene: Scene, show: Show) -> None:
    if scene.known:
        show(Check(WARN, "listener", "somebody's whose process is hidden: root sees more"))
    elif isinstance(address, UnixAddress) and tells_peers():
        show(Check(WARN, "listener", "nobody in this network namespace"))
    else:
        show(Check(INFO, "listener", "not on this machine, as far as can be seen"))


def _clients(scene: Scene, show: Show) -> None:
    if not scene.known:
        return
    for client in scene.served:
        process = client.process
        ours = " (another qmpsh)" if process is not None and is_qmpsh(process) else ""
        show(Check(WARN, "connected", f"{_briefly(process) if process else client}{ours}"))
    if not scene.served:
        show(Check(OK, "connected", "nobody"))
    if scene.waiting:
        show(Check(WARN, "waiting", f"{scene.waiting} in the queue behind"))


def _briefly(process: Process) -> str:
    return f"{process.title}, pid {process.pid}: {process.command[:_COMMAND]}"


# ---------------------------------------------------------------------------- a session


def _session(address: Address, show: Show) -> None:
    started = time.monotonic()
    client: Client | None = None
    try:
        stream = open_stream(address, GREETED_WITHIN)
        client = Client(stream, address, ClientOptions(GREETED_WITHIN))
        client.begin(started)
        _greeted(client, time.monotonic() - started, show)
        _asked(client, show)
    except CannotConnect as error:
        _failed(error, client, show)
    except QmpshError as error:
        show(Check(FAIL, "session", str(error)))
    finally:
        if client is not None:
            client.close()


def _failed(error: CannotConnect, client: Client | None, show: Show) -> None:
    """Why no session began. client: None where the connection itself was refused."""
    said, separator, todo = str(error).rpartition("; ")
    show(Check(FAIL, "session", said if separator else todo))
    found = ""
    if client is not None and client.greeting is None and client.lost is None:
        address = client.address
        client.close()
        found = _maybe_probed(address)
    show(Check(INFO, "next", found or (todo if separator else _LS)))


_LS: Final = "qmpsh ls lists the monitors that are here"


def _maybe_probed(address: Address) -> str:
    """What a silent server is, found by asking it something else than QMP; "" for nothing found."""
    if isinstance(address, TcpAddress):
        kind = tcp_kind(address)
        answers = {TLS: f"it speaks TLS: use {tls_form(address)}", HTTP: "it is a web server"}
        return answers.get(kind, "")
    if isinstance(address, UnixAddress) and look(address).known and unix_kind(address):
        return "it is a guest agent, and answers: say --guest-agent"
    return ""


def _greeted(client: Client, took: float, show: Show) -> None:
    greeting = client.greeting
    if greeting is None:
        return
    package = f" ({greeting.package})" if greeting.package else ""
    show(Check(OK, "greeting", f"QEMU {greeting.version}{package}"))
    offered = ", ".join(greeting.capabilities) or "none"
    show(Check(OK, "negotiated", f"in {took * 1000:.1f} ms; capabilities offered: {offered}"))


def _asked(client: Client, show: Show) -> None:
    """The commands, what dialect they make it, and how long a reply takes."""
    names = _names(client.execute(Command("query-commands"), GREETED_WITHIN).value)
    if not names:
        show(Check(FAIL, "commands", "query-commands did not answer with names"))
        show(Check(INFO, "next", "what answers is no QEMU: see who listens there, and what it is"))
        return
    show(Check(OK, "dialect", listed(client.dialect, names).title))
    show(Check(OK, "commands", f"{len(names)}"))
    times = sorted(_round_trip(client) for _ in range(_ROUNDS))
    median = times[len(times) // 2]
    mark = OK if median < _SLOW else WARN
    show(Check(mark, "latency", f"{median * 1000:.2f} ms for query-version, {_ROUNDS} times"))
    show(Check(OK, "session", "works"))


def _names(value: Json) -> tuple[str, ...]:
    rows = value if isinstance(value, list) else []
    named = (row.get("name") for row in rows if isinstance(row, dict))
    return tuple(name for name in named if isinstance(name, str))


def _round_trip(client: Client) -> float:
    started = time.monotonic()
    client.execute(Command("query-version"), GREETED_WITHIN)
    return time.monotonic() - started
