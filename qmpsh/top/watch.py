"""All VMs under watch, on one descriptor; none of them waits for another.

Theory of operation. Each VM is a `Probe`, which never blocks. All connections are in one epoll set,
so that a turn costs as much as has happened, however many VMs there are. Whoever uses the watch
waits for `fileno()`, `wait()` seconds at most, and calls `poll`. A tick begins a round of questions
of every VM whose last round has ended, and reads what their processes use; one that hangs has an
unanswered question, and holds up nothing.

Descriptors are limited: as many VMs as there is room for are held, the others are visited, and
those that visit wait for each other.
"""

from __future__ import annotations

import contextlib
import resource
import select
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from qmpsh.many.targets import Target
from qmpsh.system.listener import SocketTable
from qmpsh.system.usage import interface_bytes
from qmpsh.top.probe import Probe, ProbePlan
from qmpsh.top.record import VmRecord

CARE_SECONDS: Final = 0.25
"""seconds between two looks at deadlines"""
_EXPLAIN_SECONDS: Final = 1.0
"""seconds between two looks at why VMs are silent"""
_SPARE: Final = 64
"""descriptors left to the rest of the process"""
_PLENTY: Final = 65536
_OF_HELD: Final = 4
"""descriptors of a VM that is held: its connection, its share, one who uses it"""
_VISITORS: Final = 128
"""VMs that are visited at a time"""


class Watch:
    """All VMs under watch. seconds: from one tick to the next; may be changed"""

    def __init__(self, plan: ProbePlan, seconds: float) -> None:
        self.seconds = seconds
        self._plan = plan
        self._probes: dict[str, Probe] = {}
        self._by_fd: dict[int, Probe] = {}
        self._epoll = select.epoll()
        self._room = _descriptors() - _SPARE
        self._queue: deque[Probe] = deque()
        self._soon: set[Probe] = set()
        self._restless: set[Probe] = set()
        self._next_tick = self._next_care = self._next_reasons = 0.0

    # -------------------------------------------------------------------- what is watched

    @property
    def probes(self) -> Iterable[Probe]:
        """All of them, in the order in which they came."""
        return self._probes.values()

    @property
    def records(self) -> list[VmRecord]:
        """What is known of each."""
        return [probe.record for probe in self._probes.values()]

    def find(self, text: str) -> Probe | None:
        """Return the one of an address; None if it is not watched."""
        return self._probes.get(text)

    def set_targets(self, targets: Sequence[Target]) -> None:
        """Watch these VMs, and no others but those that are still connected."""
        now = time.monotonic()
        wanted = {target.text: target for target in targets}
        for text in [*self._probes]:
            probe = self._probes[text]
            is_wanted = text in wanted and _is_same_way(probe.record.target, wanted[text])
            if not (is_wanted or probe.is_connected):
                self._drop(text)
        held = sum(probe.holds for probe in self._probes.values())
        most = (self._room - _VISITORS) // _OF_HELD
        for text, target in wanted.items():
            if text not in self._probes:
                holds = self._plan.holds and held < most
                held += holds
                plan = self._plan._replace(holds=holds)
                self._probes[text] = probe = Probe(target, plan, now)
                self._queue.append(probe)
        self._next_care = now

    def _drop(self, text: str) -> None:
        probe = self._probes.pop(text)
        probe.close()
        self._follow(probe)
        self._soon.discard(probe)
        self._restless.discard(probe)

    # -------------------------------------------------------------------- turns

    def fileno(self) -> int:
        """Return the descriptor to watch for reading."""
        return self._epoll.fileno()

    def wait(self) -> float:
        """Return the seconds until `poll` is due in any case."""
        now = time.monotonic()
        dues = [self._next_care, self._next_tick]
        clients = [probe.client for probe in self._soon]
        dues += [client.due for client in clients if client is not None and client.due is not None]
        return max(0.0, min(dues) - now)

    def poll(self) -> bool:
        """Go on as far as possible without waiting; return whether a tick has begun."""
        for fd, _ in self._epoll.poll(0):
            probe = self._by_fd.get(fd)
            if probe is not None:
                self.turn(probe, fd)
        for probe in [*self._soon]:
            self.turn(probe)
        now = time.monotonic()
        self._reach(now)
        if now >= self._next_care:
            self._next_care = now + CARE_SECONDS
            self._care(now)
        if now < self._next_tick:
            return False
        is_late = now - self._next_tick > self.seconds / 2  # as the first one is
        self._next_tick = (now if is_late else self._next_tick) + self.seconds
        self.tick(now)
        return True

    def tick(self, now: float) -> None:
        """Begin a round of questions, and read what the processes use."""
        queued = set(self._queue)
        for probe in self._probes.values():
            if probe.is_due and probe not in queued:
                self._queue.append(probe)
            elif not probe.is_due:
                probe.begin_round(now)
                self._follow(probe)
        self._reach(now)
        self.look(now)

    def look(self, now: float) -> None:
        """Read what the processes use."""
        interfaces = None
        for probe in self._probes.values():
            taps = probe.look_at_process(now)
            if taps:
                interfaces = interface_bytes() if interfaces is None else interfaces
                probe.record.usage.on_interfaces(taps, interfaces, time.monotonic())

    def turn(self, probe: Probe, fd: int = -1) -> None:
        """Go on with one of which a descriptor is ready, or which was given an order."""
        client = probe.client
        if client is not None:
            client.poll(0)
        probe.turn(time.monotonic(), fd)
        self._follow(probe)

    def _reach(self, now: float) -> None:
        """Reach as many of those that wait for it as there is room for."""
        if not self._queue:
            return
        visitors = sum(probe.is_visiting for probe in self._probes.values())
        while self._queue and len(self._by_fd) < self._room:
            probe = self._queue[0]
            if not probe.holds and visitors >= _VISITORS:
                break
            self._queue.popleft()
            probe.begin_round(now)
            self._follow(probe)
            visitors += probe.is_visiting

    def _care(self, now: float) -> None:
        """See to deadlines, to those that wait for room, and to those that are not understood."""
        self._reach(now)
        puzzling = []
        for probe in [*self._restless]:
            probe.turn(now)
            self._follow(probe)
            if probe.needs_sockets:
                puzzling.append(probe)
        if puzzling and now >= self._next_reasons:
            self._next_reasons = now + _EXPLAIN_SECONDS
            sockets = SocketTable.read_all()
            for probe in puzzling:
                probe.explain(sockets, now)

    def _follow(self, probe: Probe) -> None:
        """Wait for what a probe waits for now: its connection may be another one."""
        client = probe.client
        fd = client.fileno() if client is not None and not client.closed else -1
        wanted = (client, fd, probe.flags if fd >= 0 else 0, probe.share_fd)
        if client is not None and client.due is not None:
            self._soon.add(probe)
        else:
            self._soon.discard(probe)
        if probe.is_at_rest:
            self._restless.discard(probe)
        else:
            self._restless.add(probe)
        if wanted == probe.watched:
            return
        for old in probe.watched[1::2]:
            self._forget(old, probe)
        probe.watched = wanted if fd >= 0 or probe.share_fd >= 0 else ()
        self._register(fd, wanted[2], probe)
        self._register(probe.share_fd, select.EPOLLIN, probe)

    def _register(self, fd: int, flags: int, probe: Probe) -> None:
        if fd >= 0:
            self._by_fd[fd] = probe
            try:
                self._epoll.register(fd, flags)
            except FileExistsError:
                self._epoll.modify(fd, flags)

    def _forget(self, fd: object, probe: Probe) -> None:
        """Wait no longer for a descriptor, whose number may be another probe's by now."""
        if isinstance(fd, int) and self._by_fd.get(fd) is probe:
            del self._by_fd[fd]
            with contextlib.suppress(OSError):  # it was closed, and is out of the set already
                self._epoll.unregister(fd)

    def release(self) -> None:
        """Leave all monitors; the next tick reaches the VMs again."""
        for probe in self._probes.values():
            probe.close()
            self._follow(probe)

    def close(self) -> None:
        """Give all of them up."""
        for probe in self._probes.values():
            probe.close()
        self._probes.clear()
        self._restless.clear()
        self._by_fd.clear()
        self._epoll.close()


def _is_same_way(one: Target, other: Target) -> bool:
    """Whether a VM is still reached as it was: a host that was absent may be there by now."""
    return type(one.address) is type(other.address)


def _descriptors() -> int:
    """Return how many descriptors the process may have, after asking for as many as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _PLENTY if hard == resource.RLIM_INFINITY else min(hard, _PLENTY)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    return _PLENTY if soft == resource.RLIM_INFINITY else soft
