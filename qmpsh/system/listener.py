"""Who listens at an address, who is served there, who waits and who owns it, without connecting.

Where nothing can be known (another machine, another network namespace, no /proc) nothing is said.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Collection, Iterable, Mapping

from qmpsh.address import Address, TcpAddress, UnixAddress
from qmpsh.light_typing import NamedTuple
from qmpsh.system.argv import MonitorChannel, QemuArgv, maybe_command_line
from qmpsh.system.owners import spellings
from qmpsh.system.peer import peer_pid
from qmpsh.system.proc import (
    PROC,
    Process,
    TcpSocket,
    UnixSocket,
    file_of,
    holders,
    maybe_link,
    maybe_process,
    pids,
    socket_inode,
    socket_pids,
    tcp_sockets,
    unix_sockets,
    words_of,
)

_ANY = ("0.0.0.0", "::")


class ServedClient(NamedTuple):
    """A client that was accepted.

    process: None where it is hidden, or on another machine;
    place: where a TCP client calls from, "" for a local one; inode: of a local one's socket, 0
    where the kernel does not say which that is.
    """

    process: Process | None
    place: str = ""
    inode: int = 0

    def __str__(self) -> str:
        if self.process is not None:
            return str(self.process)
        if self.place:
            return f"a client at {self.place}"
        return "a client that /proc hides from you" if self.inode else "a client"


class ListenerInfo(NamedTuple):
    """The state of an address as seen from outside: its listener, and who is served or waits.

    known: whether a listener was found at all; listener: its process, None where it is hidden;
    served: accepted clients that are still there, our own connection left out;
    waiting: how many connections are not yet accepted, our own among them;
    inode, bound: of the listening socket, and the path that it was bound to, as it was spelt.
    """

    known: bool = False
    listener: Process | None = None
    served: tuple[ServedClient, ...] = ()
    waiting: int = 0
    inode: int = 0
    bound: str = ""

    @property
    def command_line(self) -> QemuArgv | None:
        """The listener's QEMU command line."""
        return maybe_command_line(self.listener.words) if self.listener is not None else None


class SocketTable(NamedTuple):
    """All sockets of this machine at one moment.

    pids: whose each is, None where that is looked up one by one.
    """

    unix: list[UnixSocket]
    tcp: list[TcpSocket]
    pids: Mapping[int, int] | None = None

    @classmethod
    def read(cls) -> SocketTable:
        """As they are now."""
        return cls(unix_sockets(), tcp_sockets())

    @classmethod
    def read_all(cls) -> SocketTable:
        """The same for looks at many addresses."""
        return cls(unix_sockets(), tcp_sockets(), socket_pids())

    def holders(self, inodes: Collection[int]) -> dict[int, Process]:
        """See `proc.holders`."""
        if self.pids is None:
            return holders(inodes)
        known = {inode: maybe_process(self.pids[inode]) for inode in inodes if inode in self.pids}
        return {inode: process for inode, process in known.items() if process is not None}


def inspect_listener(
    address: Address, fd: int = -1, sockets: SocketTable | None = None
) -> ListenerInfo:
    """Return who listens, who is served and who waits. fd: our own connection, -1 for none.

    sockets: of a look at many, whose addresses anybody may have written: it looks up no name, and
             does not search for a process that is hidden
    """
    own, one_of_many = _inode(fd), sockets is not None
    sockets = sockets or SocketTable.read()
    if isinstance(address, UnixAddress):
        scene = _unix_scene(address, own, sockets)
    elif isinstance(address, TcpAddress):
        numbers = _numbers(address, fd, may_ask=not one_of_many)
        hosts = {number.removeprefix("::ffff:") for number in numbers if _is_ours(number)}
        scene = _tcp_scene(address.port, hosts, own, sockets)
    else:
        return ListenerInfo()
    scene = scene._replace(served=_still_there(scene.served))
    if scene.listener is None and (scene.known or fd >= 0) and not one_of_many:
        # The descriptors of another user's process are hidden; who it is, is not.
        pid = peer_pid(fd) or (_pid_by_command_line(address, scene) if scene.known else None)
        scene = scene._replace(listener=maybe_process(pid) if pid else None)
    return scene


def _still_there(served: tuple[ServedClient, ...]) -> tuple[ServedClient, ...]:
    """Without those who went while /proc was read: only who is there, and was not found, hides."""
    missed = {one.inode for one in served if one.process is None} - {0}
    if not missed:
        return served
    found = SocketTable.read()
    gone = missed - {one.inode for one in found.unix if one.connected}
    gone -= {one.inode for one in found.tcp if one.connected}
    return tuple(one for one in served if one.inode not in gone)


def _pid_by_command_line(address: Address, scene: ListenerInfo) -> int | None:
    """Return the process whose command line makes it listen there; None if ambiguous."""
    found = [
        pid
        for pid in pids()
        if (command := maybe_command_line(words_of(pid))) is not None
        and any(_is_at(one, pid, address, scene) for one in command.channels)
    ]
    return found[0] if len(found) == 1 else None


def channel_of(scene: ListenerInfo, address: Address) -> MonitorChannel | None:
    """Return what the listener's command line says of its socket; None for nothing."""
    command = scene.command_line
    if command is None or scene.listener is None:
        return None
    pid = scene.listener.pid
    return next((one for one in command.channels if _is_at(one, pid, address, scene)), None)


def path_of(pid: int, path: str) -> str:
    """A path that a process named, as seen from here: from its folder, in its own file system.

    "" where it is relative and the folder hidden.
    """
    path = os.path.normpath(os.path.join(maybe_link(pid, "cwd"), path))
    if not path.startswith("/"):
        return ""
    elsewhere = maybe_link(pid, "ns/mnt") not in ("", maybe_link(os.getpid(), "ns/mnt"))
    root = f"{PROC}/{pid}/root"
    if (elsewhere or maybe_link(pid, "root") not in ("", "/")) and os.path.exists(root + path):
        ours = file_of(path)
        return path if ours is not None and ours == file_of(root + path) else root + path
    return path


def _is_at(channel: MonitorChannel, pid: int, address: Address, scene: ListenerInfo) -> bool:
    if isinstance(address, TcpAddress):
        return channel.port == address.port
    if not isinstance(address, UnixAddress):
        return False
    if address.abstract or channel.abstract:
        return (channel.path, channel.abstract) == address
    if not channel.path:
        return channel.fd >= 0 and socket_inode(pid, channel.fd) == scene.inode > 0
    there = path_of(pid, channel.path)
    if not there:
        return channel.path == scene.bound
    return there == os.path.abspath(address.path) or (
        file_of(there) == file_of(address.path) is not None
    )


def _inode(fd: int) -> int:
    try:
        return os.fstat(fd).st_ino if fd >= 0 else 0
    except OSError:
        return 0


# ---------------------------------------------------------------------------- unix


def listener_of(address: UnixAddress, sockets: Iterable[UnixSocket]) -> UnixSocket | None:
    """The listening socket of a path. Its name is as it was bound: another spelling of the path is
    known by the file.
    """
    listening = [one for one in sockets if one.listens]
    if address.abstract:
        return next((one for one in listening if one.name == f"\0{address.path}"), None)
    file = file_of(address.path)
    by_file = (one for one in listening if file is not None and one.file == file)
    names = spellings(address.path)
    by_name = (one for one in listening if one.name in names)
    return next(by_file, None) or next(by_name, None)


def accepted_of(listener: UnixSocket, sockets: Iterable[UnixSocket]) -> list[UnixSocket]:
    """Return the server's ends of a listener's connections."""
    return [
        one
        for one in sockets
        if one.connected and (one.name, one.file) == (listener.name, listener.file)
    ]


def _unix_scene(address: UnixAddress, own: int, sockets: SocketTable) -> ListenerInfo:
    listener = listener_of(address, sockets.unix)
    if listener is None:
        return ListenerInfo()
    # Of a client that has gone the server's end stays until that looks: it has no peer any more.
    has_peers = any(one.peer for one in sockets.unix)
    ends = accepted_of(listener, sockets.unix)
    served = [end for end in ends if not has_peers or end.peer not in (0, own)]
    found = sockets.holders({listener.inode, *(end.peer for end in served)})
    return ListenerInfo(
        known=True,
        listener=found.get(listener.inode),
        served=tuple(ServedClient(found.get(end.peer), inode=end.peer) for end in served),
        waiting=listener.queue,
        inode=listener.inode,
        bound=listener.name,
    )


# ---------------------------------------------------------------------------- TCP


def _tcp_scene(port: int, hosts: set[str], own: int, sockets: SocketTable) -> ListenerInfo:
    """hosts: in numbers, those that are this machine's own."""
    at_port = [one for one in sockets.tcp if one.here[1] == port]
    listeners = (one for one in at_port if one.listens and one.here[0] in {*hosts, *_ANY})
    listener = next(listeners, None)
    if not hosts or listener is None:
        return ListenerInfo()
    ends = [one for one in at_port if one.connected and one.here[0] in hosts]
    others = {one.here: one.inode for one in sockets.tcp if one.connected and one.inode}
    served = [end for end in ends if end.inode and others.get(end.there, 0) != (own or -1)]
    found = sockets.holders({listener.inode, *(others.get(end.there, 0) for end in served)})
    return ListenerInfo(
        known=True,
        listener=found.get(listener.inode),
        served=tuple(
            ServedClient(
                found.get(others.get(end.there, 0)),
                "" if end.there in others else TcpAddress(*end.there).place,
                others.get(end.there, 0),
            )
            for end in served
        ),
        waiting=sum(not end.inode for end in ends),
        inode=listener.inode,
    )


def _numbers(address: TcpAddress, fd: int, *, may_ask: bool) -> set[str]:
    """The numbers of a host.

    may_ask: a name is looked up, which may take its time, where no connection shows what became of
             it
    """
    with contextlib.suppress(OSError, UnicodeError):
        if fd >= 0:
            with socket.socket(fileno=os.dup(fd)) as copy:
                return {copy.getpeername()[0]}
        if not may_ask and address.host == "localhost":
            return {"127.0.0.1", "::1"}
        flags = 0 if may_ask else socket.AI_NUMERICHOST
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM, flags=flags)
        return {str(place[0]) for *_, place in found}
    return set()


def _is_ours(host: str) -> bool:
    """Whether a socket could be bound there: to nothing but an address of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.bind((host, 0))
    except OSError:
        return False
    return True
