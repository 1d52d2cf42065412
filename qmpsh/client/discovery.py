"""Finds the monitors and guest agents of this machine, and asks a silent server what it is.

Finding connects to nothing: monitors come from the command lines of running programs first, then
from listening sockets with a monitor's usual name, then from libvirt. Without /proc only the usual
folders are searched.

A silent server is asked only when it is examined (`doctor`), on a connection of its own that is
closed at once. A TCP port is sent the beginning of a TLS session, which only a server that is not a
monitor could mind; a unix socket is sent what wire.md section 10 found harmless: a QMP monitor
answers it with two refusals, should it ever read it.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import time
from collections.abc import Iterator
from typing import Final, Literal

from qmpsh.address import Address, TcpAddress, UnixAddress, host_and_port
from qmpsh.client.sharing import find_share
from qmpsh.errors import AddressError, QmpshError
from qmpsh.light_typing import NamedTuple
from qmpsh.system.argv import (
    AGENT,
    HMP,
    QMP,
    ChannelKind,
    MonitorChannel,
    QemuArgv,
    maybe_command_line,
)
from qmpsh.system.diagnose import is_qmpsh
from qmpsh.system.listener import ListenerInfo, SocketTable, inspect_listener, listener_of, path_of
from qmpsh.system.owners import (
    LIBVIRT,
    SYSTEM,
    domain_of,
    libvirt_form,
    owner_of,
    spellings,
    uri_of,
)
from qmpsh.system.proc import (
    PROC,
    Process,
    maybe_link,
    maybe_process,
    pids,
    socket_inode,
    user_name,
    words_of,
)

_USUAL: Final = re.compile(
    r"(?i)(?<![a-z])qmp(?![a-z])|monitor\.sock$|guest_agent|(?<![a-z])qga(?![a-z])"
)
"""Names of sockets that are monitors or guest agents as a rule."""
_AGENTS: Final = re.compile(r"(?i)guest_agent|qga")
_FOLDERS: Final = ("/run", "/var/run", "/tmp")
_DAEMONS: Final = (
    "/run/libvirt/libvirt-sock-ro",
    "/run/libvirt/virtqemud-sock-ro",
    "/var/run/libvirt/libvirt-sock-ro",
)
"""Sockets of libvirt's daemons. Source: libvirt's manual, "Daemons"."""
_LIST_SECONDS: Final = 2.0  # seconds for libvirt to list its domains
_MAX_DEPTH: Final = 3  # folders below one of those
_MAX_ENTRIES: Final = 2000  # files looked at in each


State = Literal["running", "stopped", "traced", "hung", "ended", "unknown"]
Clients = Literal["free", "busy", "shared", "unknown"]


class Monitor(NamedTuple):
    """A monitor or guest agent that was found on this machine.

    address: a form that parses
    kind:    what is spoken there
    name:    of the VM, "" unknown
    pid:     of the listener, None unknown
    program: of the listener, "" unknown
    state:   of the listener's process
    clients: whether it takes one more; shared: through the qmpsh that holds it
    holder:  the connected client, "" if unknown
    user:    whose the process is
    owner:   "libvirt", "Proxmox", "" for the user's own
    share:   the socket at which the holder serves others, "" for none
    guests:  how many use it there
    """

    address: str
    kind: ChannelKind = QMP
    name: str = ""
    pid: int | None = None
    program: str = ""
    state: State = "unknown"
    clients: Clients = "unknown"
    holder: str = ""
    user: str = ""
    owner: str = ""
    share: str = ""
    guests: int = 0


STATES: Final[dict[str, State]] = {"T": "stopped", "t": "traced", "D": "hung", "Z": "ended"}
"""Letters of proc(5); every other is "running"."""


def find_monitors(*, libvirt: bool = True) -> list[Monitor]:
    """Return all monitors, by VM and address. libvirt: ask its daemon as well, if there is one"""
    found: dict[str, Monitor] = {}
    if os.path.isdir(f"{PROC}/self"):
        sockets = SocketTable.read_all()
        # Any process may name any socket: the one that listens there comes first.
        claims = sorted(_of_processes(sockets), key=lambda claim: not claim.listens)
        for monitor in (*(claim.monitor for claim in claims), *_of_sockets(sockets)):
            found.setdefault(_place(monitor.address), monitor)
    else:
        for path in _usual_paths():
            found.setdefault(path, Monitor(path, _kind_of(path), owner=owner_of(UnixAddress(path))))
    if libvirt:
        for name in running_domains():
            address = libvirt_form(SYSTEM, name)
            found.setdefault(address, Monitor(address, name=name, owner=LIBVIRT))
    return sorted(found.values(), key=lambda one: (one.name, one.pid or 0, one.kind, one.address))


def for_shells(found: list[Monitor]) -> list[Monitor]:
    """Return the monitors that a shell can be opened on; of HMP where a VM has no other."""
    with_qmp = {one.pid for one in found if one.kind == QMP}
    return [
        one for one in found if one.kind == QMP or (one.kind == HMP and one.pid not in with_qmp)
    ]


def _place(address: str) -> str:
    """Return the key of a monitor: two spellings of a path are one socket."""
    return spellings(address)[1] if address.startswith("/") else address


def maybe_domain(address: Address) -> Monitor | None:
    """Return the monitor, on this machine, of the domain of a libvirt address."""
    # Imported here: few machines have it.
    from qmpsh.client.transports.libvirt import LibvirtAddress

    if not isinstance(address, LibvirtAddress):
        return None
    form = libvirt_form(address.uri, address.domain) if address.uri else str(address)
    return next((one for one in find_monitors(libvirt=False) if one.address == form), None)


def running_domains() -> list[str]:
    """The names of the system's libvirt; [] without its library, without a daemon, and for all that
    goes wrong.
    """
    if not any(map(os.path.exists, _DAEMONS)):
        return []
    # Imported here: few machines have it.
    from qmpsh.client.transports.libvirt import LibvirtAddress, domains

    try:
        rows = domains(LibvirtAddress(SYSTEM, ""), _LIST_SECONDS)
    except QmpshError:
        return []
    return [str(row["name"]) for row in rows if row["id"] is not None]


# ---------------------------------------------------------------------------- command lines


class _Claim(NamedTuple):
    """A monitor by the command line of a process. listens: /proc shows that it is this process's"""

    monitor: Monitor
    listens: bool


def _of_processes(sockets: SocketTable) -> Iterator[_Claim]:
    for pid in pids():
        command = qemu_command_of(pid)
        process = maybe_process(pid) if command else None
        if command is None or process is None:
            continue
        for channel in command.monitors:
            address = _maybe_address(channel, pid, sockets)
            if address is not None:
                yield _claim(address, channel.kind, command, process, sockets)


def qemu_command_of(pid: int) -> QemuArgv | None:
    """Return a process's QEMU command line, also of one started under another name; else None."""
    words = words_of(pid)
    if not words:
        return None
    program = os.path.basename(maybe_link(pid, "exe").removesuffix(" (deleted)"))
    return maybe_command_line(words) or maybe_command_line((program, *words[1:]))


def _maybe_address(channel: MonitorChannel, pid: int, sockets: SocketTable) -> Address | None:
    """Return where a channel is; None if its words name no possible place."""
    if channel.port:
        host = "" if channel.host in ("0.0.0.0", "::") else channel.host
        address = TcpAddress(host or "localhost", channel.port)
        try:
            return host_and_port(address.place, "")
        except AddressError:
            return None
    if channel.abstract:
        return UnixAddress(channel.path, abstract=True)
    path = channel.path
    if channel.fd >= 0:
        inode = socket_inode(pid, channel.fd)
        path = next((one.name for one in sockets.unix if inode and one.inode == inode), "")
    path = path_of(pid, path) if path else ""
    return UnixAddress(path) if path else None


def _claim(
    address: Address, kind: ChannelKind, command: QemuArgv, process: Process, sockets: SocketTable
) -> _Claim:
    scene = inspect_listener(address, sockets=sockets)
    owner = owner_of(address)
    monitor = Monitor(
        _best_form(address, kind, command.name),
        kind,
        command.name or (domain_of(address) if owner else ""),
        process.pid,
        command.program,
        STATES.get(process.state, "running"),
        *_clients(scene),
        user_name(process.uid),
        owner,
    )
    monitor = _with_share(monitor, address, scene, sockets)
    return _Claim(monitor, scene.listener is not None and scene.listener.pid == process.pid)


def _best_form(address: Address, kind: ChannelKind, name: str) -> str:
    """Return the address to use: libvirt's monitors are reached through libvirt."""
    domain = domain_of(address, name) if owner_of(address) == LIBVIRT else ""
    # A QEMU that libvirt starts only to see what it can do is not a domain, and has no name there.
    is_reached = kind == QMP and domain
    return libvirt_form(uri_of(address), domain) if is_reached else str(address)


def _clients(scene: ListenerInfo) -> tuple[Clients, str]:
    """Whether a client is served, and which."""
    if not scene.known:
        return "unknown", ""
    if not scene.served:
        return "free", ""
    client = scene.served[0]
    if client.process is None:
        return "busy", client.place
    name = "qmpsh" if is_qmpsh(client.process) else client.process.title
    return "busy", f"{name} {client.process.pid}"


def _with_share(
    monitor: Monitor, address: Address, scene: ListenerInfo, sockets: SocketTable
) -> Monitor:
    """Return a monitor with its share, where a qmpsh holds it."""
    holder = scene.served[0].process if scene.served else None
    if holder is None or not is_qmpsh(holder):
        return monitor
    share = find_share(address, holder.uid, sockets)
    if share is None:
        return monitor
    return monitor._replace(clients="shared", share=share.path, guests=share.guests)


# ---------------------------------------------------------------------------- sockets


def _of_sockets(sockets: SocketTable) -> Iterator[Monitor]:
    """Yield listeners with a usual name that no command line mentions."""
    for one in sockets.unix:
        if not (one.listens and one.name.startswith("/") and _is_usual(one.name)):
            continue
        address = UnixAddress(one.name)
        if listener_of(address, sockets.unix) != one:
            continue  # the file belongs to another socket by now
        scene = inspect_listener(address, sockets=sockets)
        process = scene.listener
        kind, owner = _kind_of(one.name), owner_of(address)
        monitor = Monitor(
            _best_form(address, kind, ""),
            kind,
            domain_of(address) if owner else "",
            process.pid if process else None,
            process.title if process else "",
            STATES.get(process.state, "running") if process else "unknown",
            *_clients(scene),
            user_name(process.uid) if process else "",
            owner,
        )
        yield _with_share(monitor, address, scene, sockets)


def _is_usual(path: str) -> bool:
    """Whether a socket is a monitor by its name. Proxmox has one more in that folder, a VNC."""
    return _USUAL.search(os.path.basename(path)) is not None and not path.endswith(".vnc")


def _kind_of(path: str) -> ChannelKind:
    return AGENT if _AGENTS.search(os.path.basename(path)) else QMP


def _usual_paths() -> Iterator[str]:
    """Yield the sockets of a usual name in the usual folders."""
    folders = [*_FOLDERS, os.environ.get("XDG_RUNTIME_DIR", "")]
    for folder in dict.fromkeys(spellings(one)[1] for one in folders if one):
        left = _MAX_ENTRIES
        for place, below, files in os.walk(folder):
            left -= len(files) + len(below)
            if left < 0:
                break
            if place.count("/") - folder.count("/") >= _MAX_DEPTH:
                below.clear()
            yield from (path for name in files if _is_monitor(path := os.path.join(place, name)))


def _is_monitor(path: str) -> bool:
    try:
        return _is_usual(path) and stat.S_ISSOCK(os.lstat(path).st_mode)
    except OSError:
        return False


# ---------------------------------------------------------------------------- a silent server

ANSWER_SECONDS: Final = 2.0
"""seconds for an answer"""

TLS, HTTP, GUEST_AGENT = "TLS", "HTTP", "guest agent"

_HELLO: Final = bytes.fromhex(
    # record: handshake, TLS 1.0, 47 bytes; client hello of 43 bytes, TLS 1.2
    "160301002f" "0100002b" "0303"
) + bytes(32) + bytes.fromhex(
    "00" "0002" "002f" "0100" "0000"  # no session, one cipher, no compression, no extensions
)  # fmt: skip
"""As short as a server accepts: it answers with a hello or an alert. Source: RFC 5246, 7.4.1.2."""

_TLS_RECORDS: Final = (b"\x16\x03", b"\x15\x03")  # handshake, alert
_SYNC: Final = b'\xff{"execute":"guest-sync-delimited","arguments":{"id":1}}\n'


def tcp_kind(address: TcpAddress) -> str:
    """Return TLS or HTTP, "" if the answer is neither, or none comes."""
    answer = _answer(socket.AF_UNSPEC, address, _HELLO, 2)
    if answer.startswith(_TLS_RECORDS):
        return TLS
    return HTTP if answer.startswith(b"HT") else ""


def unix_kind(address: UnixAddress) -> str:
    """Return GUEST_AGENT, or "" for silence."""
    place = f"\0{address.path}" if address.abstract else address.path
    # It ends what a client before us left half said with complaints, then comes the answer.
    return GUEST_AGENT if b"\xff" in _answer(socket.AF_UNIX, place, _SYNC, 1 << 16) else ""


def _answer(family: int, place: str | TcpAddress, question: bytes, most: int) -> bytes:
    """Return what comes back, `most` bytes at most, until the time is over."""
    data, deadline = b"", time.monotonic() + ANSWER_SECONDS
    try:
        with _connected(family, place) as connection:
            connection.sendall(question)
            while len(data) < most and b"\xff" not in data:
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                piece = connection.recv(most - len(data))
                if not piece:
                    break
                data += piece
    except OSError:
        pass
    return data


def _connected(family: int, place: str | TcpAddress) -> socket.socket:
    if isinstance(place, TcpAddress):
        return socket.create_connection(place, ANSWER_SECONDS)
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(ANSWER_SECONDS)
    connection.connect(place)
    return connection
