"""Processes, as /proc tells of them: who they are, in which state, which sockets they hold.

Linux alone: elsewhere, and of what a foreign process hides, nothing is known and nothing is said.
What is read is what its user wrote, whoever that is: nothing of it raises, and all has a limit.
Source: proc(5).
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final, NamedTuple

from qmpsh.errors import shortened
from qmpsh.textsecrets import mask_word

PROC: Final = "/proc"
ARGV: Final = 1 << 18
"""bytes of a command line that are read: several times those of the largest VMs"""
_STATUS: Final = 4096  # bytes of a status; what is wanted of it stands at its beginning
_DESCRIPTORS: Final = 1 << 14  # of one process that are looked at
_SHOWN: Final = 60  # characters of a command line in a sentence
_SOCKET: Final = re.compile(r"socket:\[(\d+)\]")


class Process(NamedTuple):
    """name: the kernel's, 15 bytes at most; words: its argv, () for a process that has ended;
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
        """`socat (pid 4242: socat - UNIX:./s)`, cut to what a sentence bears."""
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
            # Behind the name, which stands in parentheses and may hold any.
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
    """The socket behind a descriptor of a process, 0 where there is none."""
    found = _SOCKET.fullmatch(maybe_link(pid, f"fd/{fd}"))
    return int(found[1]) if found else 0


def holders(inodes: Collection[int]) -> dict[int, Process]:
    """Which process holds each socket: the first of several, its children inherited theirs.

    Somebody else's are seen by root alone.
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
    """Which process holds each socket of this machine, for who wants to know of many."""
    return {inode: pid for pid in reversed(pids()) for inode in _sockets_of(pid)}


def _sockets_of(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError), os.scandir(f"{PROC}/{pid}/fd") as entries:
        for entry in islice(entries, _DESCRIPTORS):
            found = _SOCKET.fullmatch(maybe_link(pid, f"fd/{entry.name}"))
            if found:
                yield int(found[1])


def _printable(text: str) -> str:
    """A command line is what somebody wrote into it: no control reaches a terminal."""
    return text if text.isprintable() else ascii(text)[1:-1]
