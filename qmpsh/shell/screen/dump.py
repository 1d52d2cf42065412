"""A VM's display as a picture, without a file: the VM writes it into memory of ours.

The memory is a descriptor that is passed to the VM and named `/dev/fdset/N` there, so that the VM
opens nothing. What has been found with QEMU 7.2 and 10.0:

- it must be opened for writing alone: one for both is refused, and of a pipe the truncation is;
- the VM's copy of the descriptor has our offset, which its truncation leaves: we go back each time;
- a 7.2 that is stopped keeps a set that was removed until it runs again and its client has left.
  Such a set still works, so a session has one of them at the most; one-shots leave one each.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Generator

from qmpsh.client.client import Client, Pending
from qmpsh.client.connect import carries_descriptors
from qmpsh.client.dialect import QEMU
from qmpsh.client.handshake import tag
from qmpsh.display.picture import MAX_PPM_BYTES, Picture, PictureError, read_ppm
from qmpsh.errors import CommandFailed, LineFailed, UsageError
from qmpsh.jsontypes import Json, JsonObject, as_dict, as_dicts, get_dicts, get_str
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.shell.steps import WaitFor, Wish

_NO_SCREEN = "{title} has no screen; .screen shows that of a VM, at its QMP monitor"
_WRITES_FILE = "write a file on the VM's host with `screendump filename=/tmp/screen.png format=png`"
_NO_DESCRIPTORS = (
    "the screen's picture comes through a descriptor, which {address} does not carry: use the"
    f" monitor's own unix socket, or {_WRITES_FILE}"
)
_NO_MEMORY = (
    "the screen's picture comes through memory that is passed to the VM, which qmpsh can do on"
    f" Linux alone: {_WRITES_FILE}"
)
_TOO_MANY = (
    "the VM holds {number} pictures that were taken of its screen: QEMU 7.2 frees them once it runs"
    " and their clients have left; `cont`, or go on in one session"
)
_TOO_LARGE = "the VM's picture has {size} bytes, more than any screen's"
_NO_NUMBER = "the VM's answer to add-fd names no set"

_HINTS = {
    "There is no console": "the VM has no display; QEMU is started with one, as in -device VGA",
    "is read-only": "a picture takes add-fd and screendump; connect to the monitor itself",
    "No such file or directory": "another client has removed the descriptor; try again",
}
"""What a refusal says, and what to do about it."""

MAX_SETS = 32
"""sets of our name that a VM may hold"""

_NAME = "qmpsh screen"
_CLOSE_SECONDS = 1.0
"""seconds for putting the descriptor away when something went wrong before"""


class Display(NamedTuple):
    """The display of a VM that is meant. device, head: "" and None for the first one"""

    device: str = ""
    head: int | None = None

    @property
    def arguments(self) -> JsonObject:
        """The members of `screendump` that name it."""
        named: JsonObject = {"device": self.device} if self.device else {}
        return named if self.head is None else {**named, "head": self.head}


def dump_command(number: int, display: Display) -> Command:
    """Return the command that writes a picture into a set. number: of the set"""
    return Command("screendump", {"filename": f"/dev/fdset/{number}", **display.arguments})


FIRST = Display()
"""the one that QEMU shows first"""


def refuse_without_screen(client: Client) -> None:
    """Raise UsageError where no picture can come from."""
    if client.dialect is not QEMU:
        raise UsageError(_NO_SCREEN.format(title=client.dialect.title))
    if not carries_descriptors(client.stream):
        raise UsageError(_NO_DESCRIPTORS.format(address=client.address))
    if not hasattr(os, "memfd_create"):
        raise UsageError(_NO_MEMORY)


class ScreenDump:
    """The memory of a session that pictures are written into. client: of the VM"""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._opaque = f"{_NAME} {tag()}"
        self._number = 0
        self._is_there = False
        self._file = os.memfd_create("qmpsh-screen", os.MFD_CLOEXEC)
        self._written = os.open(f"/proc/self/fd/{self._file}", os.O_WRONLY | os.O_CLOEXEC)
        # A session has no end that it could be put away at.
        weakref.finalize(self, _close, self._file, self._written)

    def begin(self, deadline: float | None) -> Generator[Wish, str, None]:
        """Hand the VM the descriptor, unless it still has it. deadline: of `time.monotonic()`

        Raises UsageError for a VM that holds too many, CommandFailed, ReplyTimeout, ConnectionLost.
        """
        sets = as_dicts((yield from self._ask(Command("query-fdsets"), deadline)))
        ours = [each for each in sets if _opaque_of(each).startswith(_NAME)]
        if any(_opaque_of(each) == self._opaque for each in ours):
            self._is_there = True
            return
        if len(ours) >= MAX_SETS:
            raise UsageError(_TOO_MANY.format(number=len(ours)))
        command = Command("add-fd", {"opaque": self._opaque}, fd=os.dup(self._written))
        number = as_dict((yield from self._ask(command, deadline))).get("fdset-id")
        if not isinstance(number, int):
            raise LineFailed(_NO_NUMBER)
        self._number, self._is_there = number, True

    def take(self, display: Display, deadline: float | None) -> Generator[Wish, str, Picture]:
        """Return what the display shows now, after `begin`.

        Raises PictureError, CommandFailed, ReplyTimeout, ConnectionLost.
        """
        os.lseek(self._written, 0, os.SEEK_SET)
        os.ftruncate(self._file, 0)
        yield from self._ask(dump_command(self._number, display), deadline)
        size = os.fstat(self._file).st_size
        if size > MAX_PPM_BYTES:
            raise PictureError(_TOO_LARGE.format(size=size))
        return read_ppm(os.pread(self._file, size, 0))

    def end(self) -> Generator[Wish, str, None]:
        """Take the descriptor back, and wait for that: the connection may be closed next."""
        pending = self.let_go()
        if pending is not None:
            yield WaitFor(lambda: pending.done, time.monotonic() + _CLOSE_SECONDS)

    def let_go(self) -> Pending | None:
        """Take the descriptor back, at an interrupt; return the command for it, None without one.

        The picture's memory is freed.
        """
        os.ftruncate(self._file, 0)
        is_there, self._is_there = self._is_there, False
        if not is_there or self.client.closed:
            return None
        return self.client.submit(Command("remove-fd", {"fdset-id": self._number}))

    def _ask(self, command: Command, deadline: float | None) -> Generator[Wish, str, Json]:
        pending = self.client.submit(command)
        started = time.monotonic()
        yield WaitFor(lambda: pending.done, deadline, for_reply=True)
        if not pending.done:
            raise self.client.overdue(pending, round(time.monotonic() - started, 1))
        try:
            return pending.result().value
        except CommandFailed as error:
            hint = next((hint for said, hint in _HINTS.items() if said in error.desc), "")
            if hint:
                error.add(hint)
            raise


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _opaque_of(fdset: JsonObject) -> str:
    """Return the name that was given to the first descriptor of a set."""
    return next((get_str(each, "opaque") for each in get_dicts(fdset, "fds")), "")
