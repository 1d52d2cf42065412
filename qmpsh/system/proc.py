"""Reads processes and sockets from the kernel: who they are, and which belong together.

Processes come from /proc: their state, argv and the sockets they hold. What is read was written by
their user, who may be anyone: none of it raises, and all of it has a limit. Unix sockets come from
the sock_diag netlink family, which alone names the other end of a connection, else from
/proc/net/unix; TCP sockets from /proc/net/tcp and tcp6. Nothing is connected to, and no rights are
needed. Linux only: elsewhere the lists are empty, and what another user's process hides is unknown.

Source: proc(5), sock_diag(7), linux/unix_diag.h.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Collection, Iterator
from itertools import islice

from qmpsh.errors import shortened
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.patterns import LatePattern
from qmpsh.secrets.text import mask_word

if TYPE_CHECKING:
    from typing import Final

PROC: Final = "/proc"
ARGV: Final = 1 << 18
"""bytes of a command line that are read: several times those of the largest VMs"""
_STATUS: Final = 4096  # bytes of a status; what is wanted of it stands at its beginning
_DESCRIPTORS: Final = 1 << 14  # of one process that are looked at
_SHOWN: Final = 60  # characters of a command line in a sentence
_SOCKET: Final = LatePattern(r"socket:\[(\d+)\]")


class Process(NamedTuple):
    """A process, as /proc describes it.

    name: the kernel's, 15 bytes at most; words: its argv, () for a process that has ended;
    state: the letter of proc(5), R S D T t Z; uid: the effective one; tracer: pid, 0 for none.
    """

    pid: int
    name: str
    words: tuple[str, ...] = ()
    state: str = "S"
    uid: int = 0
    tracer: int = 0

    @property
    def title(self) -> str:
        """The name in full, where the command line has it; safe to show."""
        program = os.path.basename(self.words[0]) if self.words else ""
        return shortened(_printable(program if program.startswith(self.name) else self.name))

    @property
    def command(self) -> str:
        """The command line in one line, secrets masked."""
        return " ".join(_printable(mask_word(word)) for word in self.words)

    def __str__(self) -> str:
        """`socat (pid 4242: socat - UNIX:./s)`, cut to what fits into a sentence."""
        command = self.command
        if len(command) > _SHOWN:
            command = f"{command[: _SHOWN - 3]}..."
        said = f": {command}" if command else ""
        return f"{self.title} (pid {self.pid}{said})"


def maybe_process(pid: int) -> Process | None:
    """What a process is, None where it is gone."""
    try:
        with open(f"{PROC}/{pid}/status", "rb") as file:
            lines = file.read(_STATUS).decode(errors="replace").split("\n")
        rows = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        return Process(
            pid,
            rows["Name"],
            words_of(pid),
            rows["State"][:1],
            int(rows["Uid"].split()[1]),
            int(rows.get("TracerPid", "0")),
        )
    except (OSError, KeyError, IndexError, ValueError):
        return None


def maybe_start(pid: int) -> float | None:
    """When a process began, of the clock of files; None where that is not known."""
    try:
        with open(f"{PROC}/{pid}/stat", "rb") as file:
            # After the name, which stands in parentheses and may hold any.
            ticks = int(file.read(_STATUS).rpartition(b")")[2].split()[19])
        booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        return booted + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError, AttributeError):
        return None


def words_of(pid: int) -> tuple[str, ...]:
    """The argv of a process, as far as ARGV goes; () where it has none, or is gone."""
    try:
        with open(f"{PROC}/{pid}/cmdline", "rb") as file:
            data = file.read(ARGV + 1)
    except OSError:
        return ()
    if len(data) > ARGV:
        data = data[:ARGV].rpartition(b"\0")[0]  # a word that is cut off says something else
    return tuple(os.fsdecode(word) for word in data.rstrip(b"\0").split(b"\0")) if data else ()


def pids() -> list[int]:
    """All processes that can be seen, the oldest numbers first; [] without /proc."""
    try:
        return sorted(int(name) for name in os.listdir(PROC) if name.isdecimal())
    except OSError:
        return []


def maybe_link(pid: int, name: str) -> str:
    """Where a link below /proc/PID leads (cwd, exe, root, fd/3, ns/mnt); "" where it is hidden."""
    try:
        return os.readlink(f"{PROC}/{pid}/{name}")
    except OSError:
        return ""


def socket_inode(pid: int, fd: int) -> int:
    """The inode of the socket that a descriptor of a process refers to, 0 where there is none."""
    found = _SOCKET.fullmatch(maybe_link(pid, f"fd/{fd}"))
    return int(found[1]) if found else 0


def holders(inodes: Collection[int]) -> dict[int, Process]:
    """Which process holds each socket: the first of several, its children inherited theirs.

    Only root sees those of another user's process.
    """
    found: dict[int, Process] = {}
    wanted = set(inodes) - {0}
    for pid in pids() if wanted else ():
        for inode in wanted & set(_sockets_of(pid)):
            process = maybe_process(pid)
            if process is not None:
                found[inode] = process
                wanted.discard(inode)
        if not wanted:
            break
    return found


def socket_pids() -> dict[int, int]:
    """Which process holds each socket of this machine, for looks at many."""
    return {inode: pid for pid in reversed(pids()) for inode in _sockets_of(pid)}


def _sockets_of(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError), os.scandir(f"{PROC}/{pid}/fd") as entries:
        for entry in islice(entries, _DESCRIPTORS):
            found = _SOCKET.fullmatch(maybe_link(pid, f"fd/{entry.name}"))
            if found:
                yield int(found[1])


def _printable(text: str) -> str:
    """A command line may hold anything: no control reaches a terminal."""
    return text if text.isprintable() else ascii(text)[1:-1]


# Source: linux/netlink.h, linux/sock_diag.h, linux/unix_diag.h.
_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_REQUEST_DUMP: Final = 0x301
_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_HEADER: Final = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_QUESTION: Final = struct.Struct("=BBHIIIII")  # family, protocol, pad, states, inode, show, cookie
_ANSWER: Final = struct.Struct("=BBBBIII")  # family, type, state, pad, inode, cookie
_ATTRIBUTE: Final = struct.Struct("=HH")  # length, type
_SHOW: Final = 0x0F  # the name, the file, the peer, who is in the queue
_NAME, _FILE, _PEER, _QUEUE = 0, 1, 2, 3
_ESTABLISHED: Final = 1
_LISTENING: Final = 10
_STREAM: Final = 1
_ACCEPTS: Final = 0x10000  # the flag __SO_ACCEPTCON
_UNIX_ROW: Final = LatePattern(
    r"(?i)[0-9a-f]+: [0-9a-f]+ [0-9a-f]+ ([0-9a-f]{8}) 0001 ([0-9]{2}) +([0-9]{1,10})(?: (.+))?$"
)
"""flags, state, inode, name. Source: proc(5), /proc/net/unix; 0001 is a stream."""
_TCP_PLACE: Final = r"((?:[0-9A-F]{8}|[0-9A-F]{32}):[0-9A-F]{4})"
_TCP_ROW: Final = LatePattern(
    rf" *[0-9]+: {_TCP_PLACE} {_TCP_PLACE} ([0-9A-F]{{2}})(?: +\S+){{5}} +([0-9]{{1,10}})\b"
)
"""here, there, state, inode. Source: proc(5), /proc/net/tcp."""
_ANSWERS: Final = 1 << 16  # bytes; the kernel sends less at a time
_PATIENCE: Final = 1.0  # seconds for the kernel's answer, which is there at once


class UnixSocket(NamedTuple):
    """One end of a unix socket, held by a process.

    inode: its number; name: the path as it was bound, `\\0name` for
    an abstract one, "" for a client's end;
    file: device and inode of the socket's file, None where that is unknown;
    peer: inode of the other end, 0 where there is none or it is unknown;
    queue: of a listening one, how many connections are not yet accepted.
    """

    inode: int
    name: str
    listens: bool = False
    connected: bool = False
    file: tuple[int, int] | None = None
    peer: int = 0
    queue: int = 0


class TcpSocket(NamedTuple):
    """One end of a TCP socket.

    here, there: host in numbers, and port; inode: 0 where it is not yet accepted.
    """

    inode: int
    here: tuple[str, int]
    there: tuple[str, int]
    state: int

    @property
    def listens(self) -> bool:
        """Whether it waits for connections."""
        return self.state == _LISTENING

    @property
    def connected(self) -> bool:
        """Whether both ends are still open."""
        return self.state == _ESTABLISHED


def tells_peers() -> bool:
    """Whether the kernel says who is at the other end of a unix socket."""
    return _maybe_diag() is not None


def unix_sockets() -> list[UnixSocket]:
    """All stream sockets of this network namespace."""
    found = _maybe_diag()
    return _from_table() if found is None else found


# ---------------------------------------------------------------------------- netlink


def _maybe_diag() -> list[UnixSocket] | None:
    """From sock_diag; None where the kernel has no such thing."""
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        return None
    question = _QUESTION.pack(socket.AF_UNIX, 0, 0, 0xFFFFFFFF, 0, _SHOW, 0xFFFFFFFF, 0xFFFFFFFF)
    header = _HEADER.pack(_HEADER.size + len(question), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0)
    try:
        with socket.socket(family, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(_PATIENCE)
            kernel.send(header + question)
            return list(_answers(kernel))
    except OSError:
        return None


def _answers(kernel: socket.socket) -> Iterator[UnixSocket]:
    """Raises OSError where the kernel refuses."""
    while True:
        data = kernel.recv(_ANSWERS)
        while len(data) >= _HEADER.size:
            length, kind, *_ = _HEADER.unpack_from(data)
            if kind == _NLMSG_DONE:
                return
            if kind == _NLMSG_ERROR or length < _HEADER.size:
                raise OSError("the kernel has no sock_diag for unix sockets")
            found = _maybe_socket(data[_HEADER.size : length])
            if found is not None:
                yield found
            data = data[_aligned(length) :]


def _maybe_socket(data: bytes) -> UnixSocket | None:
    if len(data) < _ANSWER.size:
        return None
    _, kind, state, _, inode, *_ = _ANSWER.unpack_from(data)
    if kind != _STREAM:
        return None
    attributes = dict(_attributes(data[_ANSWER.size :]))
    place, peer = attributes.get(_FILE, b""), attributes.get(_PEER, b"")
    return UnixSocket(
        inode,
        os.fsdecode(_bound_name(attributes.get(_NAME, b""))),
        state == _LISTENING,
        state == _ESTABLISHED,
        _device_first(*struct.unpack("=II", place)) if len(place) == 8 else None,
        struct.unpack("=I", peer)[0] if len(peer) == 4 else 0,
        len(attributes.get(_QUEUE, b"")) // 4,
    )


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if length < _ATTRIBUTE.size:
            return
        yield kind, data[_ATTRIBUTE.size : length]
        data = data[_aligned(length) :]


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _bound_name(name: bytes) -> bytes:
    """A path may be padded with NUL; an abstract name begins with one and counts to its end."""
    return name if name.startswith(b"\0") else name.partition(b"\0")[0]


def _device_first(inode: int, device: int) -> tuple[int, int]:
    """The kernel's own numbering of devices (20 bits of minor) as stat(2) gives it."""
    return os.makedev(device >> 20, device & 0xFFFFF), inode


def file_of(path: str) -> tuple[int, int] | None:
    """What `UnixSocket.file` is for a path; None where there is no such file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino & 0xFFFFFFFF


# ---------------------------------------------------------------------------- /proc/net


def _from_table() -> list[UnixSocket]:
    """From /proc/net/unix. Source: proc(5): state 3 is connected, 2 not accepted yet."""
    found: list[UnixSocket] = []
    queued: list[str] = []
    for line in _rows("unix"):
        row = _UNIX_ROW.match(line)
        if row is None:
            continue  # of another type, or the rest of a name that holds a line's end
        flags, state, inode, name = row.groups(default="")
        name = f"\0{name[1:]}" if name.startswith("@") else name
        if state == "02":
            queued.append(name)
        else:
            listens = bool(int(flags, 16) & _ACCEPTS)
            found.append(UnixSocket(int(inode), name, listens, state == "03"))
    return [
        one._replace(queue=queued.count(one.name)) if one.listens and queued else one
        for one in found
    ]


def tcp_sockets() -> list[TcpSocket]:
    """All TCP sockets of this network namespace."""
    found = []
    for line in (*_rows("tcp"), *_rows("tcp6")):
        row = _TCP_ROW.match(line)
        if row is not None:
            here, there, state, inode = row.groups()
            found.append(TcpSocket(int(inode), _place(here), _place(there), int(state, 16)))
    return found


def _rows(table: str) -> list[str]:
    """The lines of a table below the one with its heading."""
    try:
        with open(f"{PROC}/net/{table}", encoding="utf-8", errors="surrogateescape") as file:
            return [line.rstrip("\n") for line in file][1:]
    except OSError:
        return []


def _place(text: str) -> tuple[str, int]:
    """`0100007F:1F90`: words of 32 bits in the machine's order."""
    host, _, port = text.partition(":")
    words = [int(host[at : at + 8], 16) for at in range(0, len(host), 8)]
    data = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, data).removeprefix("::ffff:"), int(port, 16)


def user_name(uid: int) -> str:
    """Return the name of a user, or the number as text."""
    # Imported here: only lists and refusals name users.
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
