"""Why there is no session at an address, and what to do next, as one sentence.

Two cases: a server that does not greet, examined from outside, and the OSError of a connection that
failed. Nothing is sent and nothing is connected to: what is said comes from /proc and the command
lines, and where these do not help nothing is said. Knows nothing of QMP beyond the options that
make QEMU listen.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable
from typing import Final

from qmpsh.address import Address, TcpAddress, UnixAddress, looks_like_address
from qmpsh.errors import Busy, CannotConnect, ConnectTimeout, NotQmp, os_reason
from qmpsh.light_typing import NamedTuple
from qmpsh.system.argv import AGENT, HMP, QMP, SERIAL
from qmpsh.system.listener import (
    ListenerInfo,
    advice,
    channel_of,
    inspect_listener,
    owner_of,
    path_of,
)
from qmpsh.system.proc import Process, user_name

SECOND: Final = "or give QEMU a second -qmp"
SHARES: Final = "holds this monitor, which serves one client at a time"


SILENT_SECONDS: Final = 1.0
"""Seconds without a greeting after which the server counts as unresponsive (wire.md section 2)"""


class Finding(NamedTuple):
    """A problem, the suggested action, and the class of the error that reports them."""

    what: str
    todo: str
    error: type[CannotConnect]


def why_silent(address: Address, fd: int = -1, seconds: float = SILENT_SECONDS) -> Finding | None:
    """Why a server that was connected to does not greet; None where that is unknown.

    fd: our own connection, -1 for none; seconds: how long it was silent
    """
    scene = inspect_listener(address, fd)
    return why_not_to_connect(address, scene) or _hung(address, scene, seconds)


def why_not_to_connect(address: Address, scene: ListenerInfo) -> Finding | None:
    """Why a server would not greet, seen from outside: a client of a busy or a stopped one all
    the same stays in its queue for a while. None where only trying can show it.
    """
    return next(filter(None, (cause(address, scene) for cause in _CAUSES)), None)


def _stopped(_: Address, scene: ListenerInfo) -> Finding | None:
    process = scene.listener
    if process is None or process.state not in _STATES:
        return None
    what, todo = _STATES[process.state]
    place = {"pid": process.pid, "tracer": process.tracer or "the debugger"}
    return Finding(
        f"{_briefly(process)} {what.format(**place)}", todo.format(**place), ConnectTimeout
    )


_STATES: Final = {
    "T": ("is stopped", "continue it with kill -CONT {pid}"),
    "t": ("is held by a debugger (pid {tracer})", "continue it there"),
    "D": (
        "hangs in the kernel (state D), for a disk or a network file system as a rule",
        "see dmesg and /proc/{pid}/stack for what it waits for",
    ),
    "Z": (
        "is a zombie (state Z): it has exited, and its parent has not collected it",
        "end its parent, or start the VM again",
    ),
}
"""Letters of proc(5), and what keeps such a process from greeting."""


def _owned(address: Address, scene: ListenerInfo) -> Finding | None:
    owner = owner_of(address)
    if not owner:
        return None
    command = scene.command_line
    return Finding(
        f"this monitor is {owner}'s own, which holds it for good",
        advice(address, command.name if command else ""),
        Busy,
    )


def _other_kind(address: Address, scene: ListenerInfo) -> Finding | None:
    """Recognise another kind of server by the listener's command line or name."""
    channel = channel_of(scene, address)
    if channel is None:
        return None
    if channel.kind == AGENT:
        return Finding("this is a guest agent, which does not greet", _AGENT_NEXT, NotQmp)
    if channel.kind == HMP:
        return Finding("this is an HMP socket, not QMP", _hmp_next(scene), NotQmp)
    if channel.kind == SERIAL:
        return Finding("this is the VM's serial line, not a monitor", _monitor_of(scene), NotQmp)
    if channel.wrap == "tls" and isinstance(address, TcpAddress):
        return Finding("this monitor speaks TLS", f"use {tls_form(address)}", NotQmp)
    if channel.wrap == "websocket":
        return Finding(
            "this monitor speaks WebSocket, in which QEMU answers no command",
            "start it without websocket=on",
            NotQmp,
        )
    return None


def _monitor_of(scene: ListenerInfo) -> str:
    """Return the action that names the same program's monitor."""
    command, process = scene.command_line, scene.listener
    if command is not None and process is not None:
        paths = (path_of(process.pid, one.path) for one in command.monitors
                 if one.kind == QMP and one.path and not one.abstract)  # fmt: skip
        path = next(filter(None, paths), "")
        if path:
            return f"its QMP monitor is {path}"
    return _NAME_ONE


def _hmp_next(scene: ListenerInfo) -> str:
    """Return the way to QMP: an existing monitor, else one to add."""
    found = _monitor_of(scene)
    if found != _NAME_ONE:
        return found
    return ADD_QMP


ADD_QMP: Final = "start QEMU with -qmp unix:PATH,server=on,wait=off as well"
_NAME_ONE: Final = "name the socket that -qmp made"
_AGENT_NEXT: Final = "say --guest-agent"


def tls_form(address: TcpAddress) -> str:
    """Return the address of a TLS monitor, with what is still to be filled in."""
    return f"tls:{address.place}?ca=FILE"


def _held(_: Address, scene: ListenerInfo) -> Finding | None:
    if not scene.served:
        return None
    first = scene.served[0]
    if first.process is not None and is_qmpsh(first.process):
        pid = first.process.pid
        todo = f"type .disconnect at its prompt or end it, {SECOND}"
        if not has_prompt(first.process):
            todo = f"it runs a line or a script: wait for its end, end it with kill {pid}, {SECOND}"
        return Finding(f"another qmpsh, pid {pid}, {SHARES}", todo, Busy)
    return Finding(f"{first} {SHARES}", f"close that client, {SECOND}", Busy)


def has_prompt(process: Process) -> bool:
    """Whether a qmpsh may have a prompt: no line stands after its address, and no script."""
    names = [os.path.basename(word) for word in process.words[:3]]
    words = process.words[names.index("qmpsh") + 1 :] if "qmpsh" in names else ()
    if not {"-f", "--file"}.isdisjoint(words):
        return False
    place = next((at for at, word in enumerate(words) if looks_like_address(word)), len(words))
    behind = words[place + 1 : place + 2]
    return not behind or behind[0].startswith("-")


def is_qmpsh(process: Process) -> bool:
    """Whether a process is one of ours: the script, or python -m qmpsh."""
    words = process.words[:3]
    return "qmpsh" in (os.path.basename(word) for word in words[:2]) or words[1:3] == (
        "-m",
        "qmpsh",
    )


def _hung(address: Address, scene: ListenerInfo, seconds: float) -> Finding | None:
    process = scene.listener
    if process is None:
        return None
    channel = channel_of(scene, address)
    if channel is not None and channel.kind == QMP:
        runs = f"{_briefly(process)} is running and no other client is connected"
        if seconds < SILENT_SECONDS:
            return Finding(runs, "--connect-timeout allows more time", ConnectTimeout)
        return Finding(
            f"{runs}, but its main loop is stuck",
            f"wait for what it does, a savevm or a dead disk, or end it with kill {process.pid}",
            ConnectTimeout,
        )
    if scene.command_line is not None:
        return None
    return Finding(f"{process} listens there, and says nothing", "name a QMP socket", NotQmp)


_CAUSES: Final[tuple[Callable[[Address, ListenerInfo], Finding | None], ...]] = (
    _stopped,
    _owned,
    _other_kind,
    _held,
)
"""What may be the matter, the likeliest to be the only matter first."""


def _briefly(process: Process) -> str:
    return f"{process.title} (pid {process.pid})"


def unix_refusal(address: UnixAddress, error: OSError) -> CannotConnect:
    """Return the error for a failed connection to a unix socket."""
    path = address.path
    if error.errno == errno.EAGAIN:
        why = crowd(address)
        return why.error(f"{path} takes no more clients: {why.what}", why.todo)
    if address.abstract:
        return CannotConnect(f"cannot connect to the abstract socket {path}: {os_reason(error)}")
    # A path of one word is shown as the first word of a command line has to write it.
    path = path if "/" in path else f"./{path}"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return _not_there(path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return _no_permission(address)
    kind = _maybe_other_kind(path)
    if kind:
        return NotQmp(f"{path} is {kind}, not a socket", LIST)
    if error.errno == errno.ECONNREFUSED:
        return CannotConnect(
            f"nothing listens on {path}: the VM that made this socket has ended", "start it again"
        )
    if error.errno == errno.EPROTOTYPE:
        return CannotConnect(f"{path} is a socket of another type, not a stream as -qmp makes it")
    return CannotConnect(f"cannot connect to {path}: {os_reason(error)}")


LIST: Final = "qmpsh ls lists the monitors of this machine"


def _not_there(path: str) -> CannotConnect:
    """Return the error for a missing file or folder."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        return CannotConnect(f"no such socket: {path}: no such folder: {folder}", LIST)
    return CannotConnect(
        f"no such socket: {path}",
        f"start QEMU with -qmp unix:{path.replace(',', ',,')},server=on,wait=off; {LIST}",
    )


def crowd(address: UnixAddress) -> Finding:
    """Return why the backlog is full: one client is served, two wait (wire.md section 2)."""
    return why_not_to_connect(address, inspect_listener(address)) or Finding(
        "a client holds this monitor, which serves one at a time, and others are waiting",
        f"close them, {SECOND}",
        Busy,
    )


def _maybe_other_kind(path: str) -> str:
    """Return what a file is; "" for a socket, or if unknown."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return ""
    if stat.S_ISSOCK(mode):
        return ""
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a regular file" if stat.S_ISREG(mode) else "a device or a pipe"


def _no_permission(address: UnixAddress) -> CannotConnect:
    """Return the error, which names the owner of the socket or of the first closed folder."""
    path = address.path
    what, place = "it", os.path.abspath(path)
    while not os.path.exists(place) and place != "/":
        place = os.path.dirname(place)
        what = f"the folder {place}"
    return CannotConnect(
        f"no permission to connect to {path}: {what} belongs to {_owner(place)}",
        advice(address) or "run qmpsh as that user",
    )


def _owner(path: str) -> str:
    name = user_name(os.stat(path).st_uid)
    return f"user {name}" if name.isdigit() else name


def tcp_refusal(
    address: TcpAddress, timeout: float | None, error: OSError, *, tls: bool = False
) -> CannotConnect:
    """Return the error for a failed TCP connection. tls: TLS was to follow"""
    host, port = address
    if isinstance(error, socket.gaierror):
        return CannotConnect(f"cannot resolve {host}: {os_reason(error)}")
    if isinstance(error, TimeoutError):
        within = "" if timeout is None else f" within {timeout:g} s"
        return ConnectTimeout(
            f"no answer from {host} port {port}{within}",
            "check the address, and whether a firewall or another client of this monitor is in the"
            " way",
        )
    if isinstance(error, ConnectionRefusedError):
        return CannotConnect(
            f"connection refused at {address.place}: nothing listens there",
            f"is QEMU running with {_tls_options(address) if tls else _tcp_options(address)}?",
        )
    return CannotConnect(f"cannot connect to {host} port {port}: {os_reason(error)}")


def _tcp_options(address: TcpAddress) -> str:
    """Return what makes QEMU listen there; -qmp tcp: cannot take an IPv6 address (7.2)."""
    host, port = address
    if ":" not in host:
        return f"-qmp tcp:{host}:{port},server=on,wait=off"
    return _chardev(address, "")


def _tls_options(address: TcpAddress) -> str:
    """Return the same with TLS; one without is never suggested to a user who wants TLS."""
    credentials = "-object tls-creds-x509,id=tls,endpoint=server,dir=FOLDER"
    return f"{credentials} {_chardev(address, ',tls-creds=tls')}"


def _chardev(address: TcpAddress, more: str) -> str:
    host, port = address
    return (
        f"-chardev socket,id=qmp,host={host},port={port},server=on,wait=off{more}"
        " -mon chardev=qmp,mode=control"
    )
