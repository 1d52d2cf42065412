"""Which VMs the table has: its TARGETs, read again from time to time, as VMs come and go.

What is read again costs little: globs are expanded, and the processes of this machine are looked
through only when one of them is a QEMU that was not there before, or no longer is.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from typing import Final

from qmpsh.address import Transport
from qmpsh.client.discovery import qemu_command_of
from qmpsh.errors import QmpshError, UsageError
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.many.targets import ALL, DEFAULTS, Target, TargetReader
from qmpsh.system.proc import pids
from qmpsh.top.absent import AbsentHosts

if TYPE_CHECKING:
    from qmpsh.many.hosts import RemoteHosts

_OLD_SECONDS: Final = 30.0
"""seconds after which even what has not changed is read again"""
_HOST_SECONDS: Final = 5.0
"""seconds for each step onto another host, before the first table"""
_SEVERAL: Final = re.compile(r"^(?:@|libvirt:)|[*?\[{]")
_ELSEWHERE: Final = re.compile(r"^(?:@|libvirt:|exec:|ssh:)")
"""What is read once: it would wait for a program or another host."""
_LIBVIRT: Final = "libvirt:"
_LEFT_OUT: Final = (
    "left out {count} of libvirt, which marks a domain as tainted when its monitor is used; name"
    " them to see them: qmpsh top libvirt:"
)


class Discovery:
    """The VMs of some TARGETs, as they are found now.

    note:    takes remarks, each of them once: what is read again is left out again
    literal: addresses that were given one by one, whose VMs are expected to come again
    """

    def __init__(self, texts: Sequence[str], note: Callable[[str], None]) -> None:
        self.literal: frozenset[str] = frozenset()
        self._texts = tuple(texts)
        self.note = note
        self._noted: set[str] = set()
        self._reader = TargetReader(agent=False, note=self._note)
        self._hosts: RemoteHosts | None = None
        self._fixed: list[Target] = []
        self._local: list[Target] = []
        self._pids: frozenset[int] = frozenset()
        self._emulators: frozenset[int] = frozenset()
        self._read_at = float("-inf")
        self._absent = AbsentHosts()

    def _note(self, text: str) -> None:
        if text not in self._noted:
            self._noted.add(text)
            self.note(text)

    @property
    def targets(self) -> list[Target]:
        """The VMs as they were found last."""
        return [*self._fixed, *self._local]

    def find(self) -> None:
        """Find the VMs for the first time. Raises UsageError, CannotConnect."""
        self._pids = frozenset(pids())
        self._emulators = frozenset(filter(qemu_command_of, self._pids))
        try:
            fixed = self._reader.read_all([text for text in self._texts if _is_fixed(text)])
            found = self._reader.read_all(self._changing)
        except UsageError as error:
            # Its words are those of -a, which has the same targets.
            raise UsageError(str(error).removeprefix("-a ")) from error
        self._fixed = self._on_hosts(fixed)
        self._local = _untainted(found)
        if len(found) > len(self._local):
            self._note(_LEFT_OUT.format(count=len(found) - len(self._local)))
        single = [text for text in self._texts if text != ALL and not _SEVERAL.search(text)]
        self.literal = frozenset(one.text for one in self._reader.read_all(single))
        self._read_at = time.monotonic()

    def _on_hosts(self, targets: list[Target]) -> list[Target]:
        """Return the targets but those on other hosts, to each of which an ssh begins."""
        if not any(isinstance(one.address, Transport) for one in targets):
            return targets
        # Imported here: most VMs are on this machine.
        from qmpsh.many.hosts import RemoteHosts

        self._hosts = RemoteHosts(_HOST_SECONDS, self._note)
        return self._hosts.take(targets)

    @property
    def is_waiting(self) -> bool:
        """Whether VMs on other hosts are still to come."""
        return self._hosts is not None and bool(self._hosts.awaited)

    def take_arrivals(self, now: float) -> bool:
        """Take the VMs of hosts that have been reached, or have failed; return whether some came.

        now: of the clock `time.monotonic()`
        """
        if self._hosts is None:
            return False
        from qmpsh.many.hosts import is_refused_of

        found = self._hosts.turn(now)
        arrived = self._hosts.take_arrived()
        for host in arrived:
            login = host.login
            self._fixed = [one for one in self._fixed if not is_refused_of(login, one)]
            if host.is_refused:
                self._absent.add(login, host.wanted, now)
            else:
                self._absent.remove(login)
        self._fixed += found
        return bool(arrived)

    def close(self) -> None:
        """End what reaches other hosts."""
        if self._hosts is not None:
            self._hosts.close()

    def find_again(self) -> None:
        """Find VMs that came, and forget those that went; as before where none can be read.

        Hosts that could not be reached are tried again after a while.
        """
        if self._hosts is not None:
            self._hosts.take(self._absent.take_due(time.monotonic()))
        if self._changing and self._may_have_changed():
            self._read_at = time.monotonic()
            try:
                self._local = _untainted(self._reader.read_all(self._changing))
            except QmpshError:
                self._local = []  # such as a folder without a socket now

    @property
    def _changing(self) -> list[str]:
        return [text for text in self._texts if not _is_fixed(text)]

    def _may_have_changed(self) -> bool:
        """Whether a QEMU has come or gone, or a file may be another one."""
        if self._changing != [ALL]:
            return True
        present = frozenset(pids())
        gone = self._emulators - present
        come = frozenset(filter(qemu_command_of, present - self._pids))
        self._pids = present
        self._emulators = (self._emulators & present) | come
        return bool(gone or come) or time.monotonic() - self._read_at > _OLD_SECONDS


def _untainted(targets: Sequence[Target]) -> list[Target]:
    """Return the VMs of `all` that are not libvirt's."""
    return [one for one in targets if not one.text.startswith(_LIBVIRT)]


def _is_fixed(text: str) -> bool:
    """Whether a TARGET is read once: an address, or what is elsewhere."""
    if text == ALL:
        return any(map(_ELSEWHERE.search, os.environ.get(DEFAULTS, "").split()))
    return bool(_ELSEWHERE.search(text) or not _SEVERAL.search(text))
