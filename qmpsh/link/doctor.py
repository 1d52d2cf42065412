"""Why there is no session: one address examined from outside, and what to do next.

Nothing is sent and nobody connected to: /proc and the command lines tell, or nothing is said.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, NamedTuple

from qmpsh.errors import Busy, CannotConnect, ConnectTimeout, NotQmp
from qmpsh.link.address import Address, TcpAddress, looks_like_address
from qmpsh.link.commandline import AGENT, HMP, QMP, SERIAL
from qmpsh.link.owners import advice, owner_of
from qmpsh.link.proc import Process
from qmpsh.link.scene import Scene, channel_of, look, path_of

SECOND: Final = "or give QEMU a second -qmp"
SHARES: Final = "holds this monitor, which serves one client at a time"


SILENT: Final = 1.0
"""seconds without a greeting, which comes within a millisecond, that are no chance (WIRE.md 2)"""


class Finding(NamedTuple):
    """Two halves of a sentence: what is the matter, what to do next; and the error it makes."""

    what: str
    todo: str
    error: type[CannotConnect]


def why_silent(address: Address, fd: int = -1, seconds: float = SILENT) -> Finding | None:
    """Why a server that was connected to does not greet; None where nothing tells.

    fd: our own connection, -1 for none; seconds: how long it was silent
    """
    scene = look(address, fd)
    return why_not_to_connect(address, scene) or _hung(address, scene, seconds)


def why_not_to_connect(address: Address, scene: Scene) -> Finding | None:
    """Why a server would not greet, seen from outside: who connects to a busy or a stopped one all
    the same stays in its queue for a while. None where only trying can tell.
    """
    return next(filter(None, (cause(address, scene) for cause in _CAUSES)), None)


def _stopped(_: Address, scene: Scene) -> Finding | None:
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
    "Z": ("has ended and is not yet waited for (state Z)", "end its parent, or start the VM again"),
}
"""Letters of proc(5), and what keeps such a process from greeting."""


def _owned(address: Address, scene: Scene) -> Finding | None:
    owner = owner_of(address)
    if not owner:
        return None
    command = scene.command_line
    return Finding(
        f"this monitor is {owner}'s own, which holds it for good",
        advice(address, command.name if command else ""),
        Busy,
    )


def _other_kind(address: Address, scene: Scene) -> Finding | None:
    """What the listener's command line says, or its name."""
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


def _monitor_of(scene: Scene) -> str:
    """Where the same program has a monitor, as what to do next."""
    command, process = scene.command_line, scene.listener
    if command is not None and process is not None:
        paths = (path_of(process.pid, one.path) for one in command.monitors
                 if one.kind == QMP and one.path and not one.abstract)  # fmt: skip
        path = next(filter(None, paths), "")
        if path:
            return f"its QMP monitor is {path}"
    return _NAME_ONE


def _hmp_next(scene: Scene) -> str:
    """The way to QMP: a monitor that is there already, else one to add."""
    found = _monitor_of(scene)
    if found != _NAME_ONE:
        return found
    return "start QEMU with -qmp unix:PATH,server=on,wait=off as well"


_NAME_ONE: Final = "name the socket that -qmp made"
_AGENT_NEXT: Final = "say --guest-agent"


def tls_form(address: TcpAddress) -> str:
    """The address of a TLS monitor, with what is still to be filled in."""
    return f"tls:{str(address).removeprefix('tcp:')}?ca=FILE"


def _held(_: Address, scene: Scene) -> Finding | None:
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
    """Whether a qmpsh may have a prompt: no line stands behind its address, and no script."""
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


def _hung(address: Address, scene: Scene, seconds: float) -> Finding | None:
    process = scene.listener
    if process is None:
        return None
    channel = channel_of(scene, address)
    if channel is not None and channel.kind == QMP:
        runs = f"{_briefly(process)} runs and nobody else is connected"
        if seconds < SILENT:
            return Finding(runs, "--connect-timeout gives it longer", ConnectTimeout)
        return Finding(
            f"{runs}, but its main loop is stuck",
            f"wait for what it does, a savevm or a dead disk, or end it with kill {process.pid}",
            ConnectTimeout,
        )
    if scene.command_line is not None:
        return None
    return Finding(f"{process} listens there, and says nothing", "name a QMP socket", NotQmp)


_CAUSES: Final[tuple[Callable[[Address, Scene], Finding | None], ...]] = (
    _stopped,
    _owned,
    _other_kind,
    _held,
)
"""What may be the matter, the likeliest to be the only matter first."""


def _briefly(process: Process) -> str:
    return f"{process.title} (pid {process.pid})"
