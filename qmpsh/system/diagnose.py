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
from qmpsh.errors import ADD_QMP, Busy, CannotConnect, ConnectTimeout, NotQmp, os_reason
from qmpsh.light_typing import NamedTuple
from qmpsh.system.argv import AGENT, HMP, QMP, SERIAL, maybe_command_line
from qmpsh.system.listener import ListenerInfo, SocketTable, channel_of, inspect_listener, path_of
from qmpsh.system.owners import advice, owner_of
from qmpsh.system.proc import Process, user_name

SECOND: Final = "or give QEMU a second -qmp"
SHARES: Final = "holds this monitor, which serves one client at a time"
LIST: Final = "qmpsh ls lists the monitors of this machine"
_NAME_ONE: Final = "name the socket that -qmp made"
_ITS_MONITOR: Final = "its QMP monitor is {path}"

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

_OWNED: Final = "this monitor is {owner}'s own, which holds it for good"
_IS_AGENT: Final = ("this is a guest agent, which does not greet", "say --guest-agent")
_IS_MUX: Final = (
    "this socket is a serial line and an HMP monitor at once (mux=on), and the serial line is in"
    " front"
)
_TO_FRONT: Final = "Ctrl-a c brings the monitor to the front, typed there with socat"
_IS_SERIAL: Final = "this is the VM's serial line, not a monitor"
_IS_TLS: Final = ("this monitor speaks TLS", "use {form}")
_IS_WEBSOCKET: Final = (
    "this monitor speaks WebSocket, in which QEMU answers no command",
    "start it without websocket=on",
)
_NOT_SHARED: Final = ", and does not share it: it is an older one, or keeps it to itself"
_HELD_BY_QMPSH: Final = f"another qmpsh, pid {{pid}}, {SHARES}{_NOT_SHARED}"
_HELD_HMP: Final = f"another qmpsh, pid {{pid}}, {SHARES}, and does not share it, since it is HMP"
_LEAVE_HMP: Final = f"type .disconnect at its prompt, or end it, {SECOND}"
_KEPT: Final = f"another qmpsh, pid {{pid}}, {SHARES}; its --no-share keeps it to itself"
_HELD_BY_OTHER: Final = f"qmpsh, pid {{pid}}, of {{user}} {SHARES}"
_ASK_OTHER: Final = f"there: qmpsh share {{address}} --listen PATH serves others too; {SECOND}"
_ASK_HIDDEN: Final = (
    f"let its user run qmpsh share {{address}} --listen PATH, which serves others too, {SECOND}"
)
_AT_A_PROMPT: Final = f"type .set share on or .disconnect at its prompt, or end it, {SECOND}"
_WITHOUT_PROMPT: Final = (
    f"it runs a line or a script: wait for its end, end it with kill {{pid}}, {SECOND}"
)
_HELD: Final = (f"{{client}} {SHARES}", f"close that client, {SECOND}")
_RUNS: Final = "{process} is running and no other client is connected"
_SLOW: Final = "--connect-timeout allows more time"
_STUCK: Final = (
    "{runs}, but its main loop is stuck",
    "wait for what it does, a savevm or a dead disk, or end it with kill {pid}",
)
_AT_WORK: Final = (
    "{runs}, but it still carries out the line of a client that has left, a migrate without -d for"
    " instance, or its main loop is stuck",
    "wait for its end, or end it with kill {pid}",
)
_BUSY: Final = (
    "{process} is running, but its main loop is busy with this command or with something else, or"
    " stuck"
)
_SLOW_VM: Final = "the VM is stopped or busy, or the way to it is slow"
_END_WAIT: Final = "Ctrl-C ends the wait"
_SILENT: Final = ("{process} listens there, and says nothing", "name a QMP socket")
_CROWD: Final = (
    "a client holds this monitor, which serves one at a time, and others are waiting",
    f"close them, {SECOND}",
)
_NO_MORE: Final = "{path} takes no more clients: {why}"
_ABSTRACT_FAILED: Final = "cannot connect to the abstract socket {path}: {reason}"
_NO_SOCKET: Final = "{path} is {kind}, not a socket"
_ENDED: Final = (
    "nothing listens on {path}: the VM that made this socket has ended",
    "start it again",
)
_OTHER_TYPE: Final = "{path} is a socket of another type, not a stream as -qmp makes it"
_FAILED: Final = "cannot connect to {where}: {reason}"
_NO_FOLDER: Final = "no such socket: {path}: no such folder: {folder}"
_NO_FILE: Final = (
    "no such socket: {path}",
    f"start QEMU with -qmp unix:{{option}},server=on,wait=off; {LIST}",
)
_NO_PERMISSION: Final = (
    "no permission to connect to {path}: {what} belongs to {owner}",
    "run qmpsh as that user",
)
_UNKNOWN_HOST: Final = "cannot resolve {host}: {reason}"
_NO_ANSWER: Final = (
    "no answer from {where}{within}",
    "check the address, and whether a firewall or another client of this monitor is in the way",
)
_PORT_CLOSED: Final = (
    "connection refused at {place}: nothing listens there",
    "is QEMU running with {options}?",
)
"""What is said, and what to do next."""

SILENT_SECONDS: Final = 1.0
"""Seconds without a greeting after which the server counts as unresponsive (wire.md section 2)"""


class Finding(NamedTuple):
    """A problem, the suggested action, and the class of the error that reports them."""

    what: str
    todo: str
    error: type[CannotConnect]


def why_silent(
    address: Address,
    fd: int = -1,
    seconds: float = SILENT_SECONDS,
    sockets: SocketTable | None = None,
) -> Finding | None:
    """Why a server that was connected to does not greet; None where that is unknown.

    fd: our own connection, -1 for none; seconds: how long it was silent
    sockets: see `inspect_listener`
    """
    scene = inspect_listener(address, fd, sockets)
    return (
        why_not_to_connect(address, scene)
        or _hidden(address, scene)
        or _hung(address, scene, seconds)
    )


def why_not_to_connect(address: Address, scene: ListenerInfo) -> Finding | None:
    """Why a server would not greet, seen from outside: a client of a busy or a stopped one all
    the same stays in its queue for a while. None where only trying can show it.
    """
    return next(filter(None, (cause(address, scene) for cause in _CAUSES)), None)


def why_no_reply(process: Process | None) -> Finding:
    """Why a server that served us does not answer a command.

    process: that listens, None if unknown
    """
    halted = _halted(process)
    if halted is not None:
        return halted
    is_qemu = process is not None and maybe_command_line(process.words) is not None
    what = _BUSY.format(process=_briefly(process)) if is_qemu and process else _SLOW_VM
    return Finding(what, _END_WAIT, ConnectTimeout)


def _stopped(_: Address, scene: ListenerInfo) -> Finding | None:
    return _halted(scene.listener)


def _halted(process: Process | None) -> Finding | None:
    if process is None or process.state not in _STATES:
        return None
    what, todo = _STATES[process.state]
    place = {"pid": process.pid, "tracer": process.tracer or "the debugger"}
    return Finding(
        f"{_briefly(process)} {what.format(**place)}", todo.format(**place), ConnectTimeout
    )


def _owned(address: Address, scene: ListenerInfo) -> Finding | None:
    owner = owner_of(address)
    if not owner:
        return None
    command = scene.command_line
    return Finding(
        _OWNED.format(owner=owner),
        advice(address, command.name if command else ""),
        Busy,
    )


def _other_kind(address: Address, scene: ListenerInfo) -> Finding | None:
    """Recognise another kind of server by the listener's command line or name."""
    channel = channel_of(scene, address)
    if channel is None:
        return None
    if channel.kind == AGENT:
        return Finding(*_IS_AGENT, NotQmp)
    if channel.kind == SERIAL:
        return Finding(_IS_SERIAL, _monitor_of(scene), NotQmp)
    if channel.wrap == "tls" and isinstance(address, TcpAddress):
        what, todo = _IS_TLS
        return Finding(what, todo.format(form=tls_form(address)), NotQmp)
    if channel.wrap == "websocket":
        return Finding(*_IS_WEBSOCKET, NotQmp)
    return None


def _monitor_of(scene: ListenerInfo) -> str:
    """Return the action that names the same program's monitor."""
    command, process = scene.command_line, scene.listener
    if command is not None and process is not None:
        paths = (path_of(process.pid, one.path) for one in command.monitors
                 if one.kind == QMP and one.path and not one.abstract)  # fmt: skip
        path = next(filter(None, paths), "")
        if path:
            return _ITS_MONITOR.format(path=path)
    return _NAME_ONE


def _hidden(address: Address, scene: ListenerInfo) -> Finding | None:
    """Recognise a monitor that has a serial line in front of it."""
    channel, command = channel_of(scene, address), scene.command_line
    if channel is None or command is None or channel.kind != HMP:
        return None
    if channel._replace(kind=SERIAL) not in command.channels:
        return None
    found = _monitor_of(scene)
    return Finding(_IS_MUX, f"{_TO_FRONT}; {ADD_QMP if found == _NAME_ONE else found}", NotQmp)


def tls_form(address: TcpAddress) -> str:
    """Return the address of a TLS monitor, with what is still to be filled in."""
    return f"tls:{address.place}?ca=FILE"


def _held(address: Address, scene: ListenerInfo) -> Finding | None:
    if not scene.served:
        return None
    first = scene.served[0]
    if first.process is not None and is_qmpsh(first.process):
        channel = channel_of(scene, address)
        is_hmp = channel is not None and channel.kind == HMP
        return _held_by_qmpsh(address, first.process, is_hmp=is_hmp)
    what, todo = _HELD
    if first.process is None and first.inode and not first.place:
        todo = _ASK_HIDDEN.format(address=address)
    return Finding(what.format(client=first), todo, Busy)


def _held_by_qmpsh(address: Address, holder: Process, *, is_hmp: bool) -> Finding:
    """Return the finding for a monitor that a qmpsh holds, and does not share with us."""
    pid = holder.pid
    if is_hmp:
        return Finding(_HELD_HMP.format(pid=pid), _LEAVE_HMP, Busy)
    if holder.uid != os.geteuid():
        what = _HELD_BY_OTHER.format(pid=pid, user=user_name(holder.uid))
        return Finding(what, _ASK_OTHER.format(address=address), Busy)
    todo = _AT_A_PROMPT if has_prompt(holder) else _WITHOUT_PROMPT.format(pid=pid)
    what = _KEPT if "--no-share" in holder.words else _HELD_BY_QMPSH
    return Finding(what.format(pid=pid), todo, Busy)


def has_prompt(process: Process) -> bool:
    """Whether a qmpsh may have a prompt: no line stands after its address, and no script."""
    names = [os.path.basename(word) for word in process.words[:3]]
    words = process.words[names.index("qmpsh") + 1 :] if "qmpsh" in names else ()
    if not {"-f", "--file"}.isdisjoint(words):
        return False
    place = next((at for at, word in enumerate(words) if looks_like_address(word)), len(words))
    following = words[place + 1 : place + 2]
    return not following or following[0].startswith("-")


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
    if channel is not None and channel.kind in (QMP, HMP):
        runs = _RUNS.format(process=_briefly(process))
        if seconds < SILENT_SECONDS:
            return Finding(runs, _SLOW, ConnectTimeout)
        what, todo = _STUCK if channel.kind == QMP else _AT_WORK
        return Finding(what.format(runs=runs), todo.format(pid=process.pid), ConnectTimeout)
    if scene.command_line is not None:
        return None
    what, todo = _SILENT
    return Finding(what.format(process=process), todo, NotQmp)


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
        return why.error(_NO_MORE.format(path=path, why=why.what), why.todo)
    if address.abstract:
        return CannotConnect(_ABSTRACT_FAILED.format(path=path, reason=os_reason(error)))
    # A path of one word is shown as the first word of a command line has to write it.
    path = path if "/" in path else f"./{path}"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return _not_there(path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return _no_permission(address)
    kind = _maybe_other_kind(path)
    if kind:
        return NotQmp(_NO_SOCKET.format(path=path, kind=kind), LIST)
    if error.errno == errno.ECONNREFUSED:
        what, todo = _ENDED
        return CannotConnect(what.format(path=path), todo)
    if error.errno == errno.EPROTOTYPE:
        return CannotConnect(_OTHER_TYPE.format(path=path))
    return CannotConnect(_FAILED.format(where=path, reason=os_reason(error)))


def _not_there(path: str) -> CannotConnect:
    """Return the error for a missing file or folder."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        return CannotConnect(_NO_FOLDER.format(path=path, folder=folder), LIST)
    what, todo = _NO_FILE
    option = path.replace(",", ",,")
    return CannotConnect(what.format(path=path), todo.format(option=option))


def crowd(address: UnixAddress) -> Finding:
    """Return why the backlog is full: one client is served, two wait (wire.md section 2)."""
    return why_not_to_connect(address, inspect_listener(address)) or Finding(*_CROWD, Busy)


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
    said, todo = _NO_PERMISSION
    said = said.format(path=path, what=what, owner=_owner(place))
    return CannotConnect(said, advice(address) or todo)


def _owner(path: str) -> str:
    name = user_name(os.stat(path).st_uid)
    return f"user {name}" if name.isdigit() else name


def tcp_refusal(
    address: TcpAddress, timeout: float | None, error: OSError, *, tls: bool = False
) -> CannotConnect:
    """Return the error for a failed TCP connection. tls: TLS was to follow"""
    host, port = address
    where = f"{host} port {port}"
    if isinstance(error, socket.gaierror):
        return CannotConnect(_UNKNOWN_HOST.format(host=host, reason=os_reason(error)))
    if isinstance(error, TimeoutError):
        within = "" if timeout is None else f" within {timeout:g} s"
        what, todo = _NO_ANSWER
        return ConnectTimeout(what.format(where=where, within=within), todo)
    if isinstance(error, ConnectionRefusedError):
        what, todo = _PORT_CLOSED
        options = _tls_options(address) if tls else _tcp_options(address)
        return CannotConnect(what.format(place=address.place), todo.format(options=options))
    return CannotConnect(_FAILED.format(where=where, reason=os_reason(error)))


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
