"""How many connections wait at the monitors of this machine, without joining them."""

from __future__ import annotations

from typing import Final

from qmpsh.address import Address, UnixAddress
from qmpsh.system.owners import spellings
from qmpsh.system.proc import file_of, unix_sockets

LOOK_SECONDS: Final = 0.1
"""seconds for which what the kernel has said is good enough"""


class MonitorQueues:
    """The listening sockets of this machine at which connections wait, looked up now and then."""

    def __init__(self) -> None:
        self._looked = float("-inf")
        self._by_file: dict[tuple[int, int], int] = {}
        self._by_name: dict[str, int] = {}

    def waiting(self, address: Address, now: float) -> int:
        """Return how many connections were not accepted so far; 0 where that cannot be known.

        now: of the clock `time.monotonic()`
        """
        if not isinstance(address, UnixAddress):
            return 0
        if now - self._looked >= LOOK_SECONDS:
            self._look(now)
        if address.abstract:
            return self._by_name.get(f"\0{address.path}", 0)
        file = file_of(address.path)
        if file in self._by_file:
            return self._by_file[file]
        return max((self._by_name.get(name, 0) for name in spellings(address.path)), default=0)

    def _look(self, now: float) -> None:
        self._looked = now
        queued = [one for one in unix_sockets() if one.listens and one.queue]
        self._by_file = {one.file: one.queue for one in queued if one.file is not None}
        self._by_name = {one.name: one.queue for one in queued if one.file is None}
