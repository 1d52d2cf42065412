"""A sweep: one line on many VMs in one thread; none of them waits for another.

Theory of operation. Each VM is a `SweepMember`, which never blocks; the sweep begins members while
there is room for them, waits in poll(2) for all of their descriptors at once, and gives each a
turn. A member that has not greeted for a while makes room for others, so that a hundred VMs that
hang delay nothing. When all else has ended, those that stayed silent are explained together: one
look at the processes of this machine serves all.
"""

from __future__ import annotations

import resource
import time
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from qmpsh.address import Transport
from qmpsh.client.client import Client
from qmpsh.client.poll import wait_for
from qmpsh.errors import NotQmp
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.many.member import MemberListener, Plan, SweepMember
from qmpsh.many.results import NotBegun, VmResult
from qmpsh.many.targets import Target

if TYPE_CHECKING:
    from qmpsh.many.hosts import RemoteHosts

READING: Final = 128
CHANGING: Final = 16
"""VMs at a time, if the command line does not say how many"""

TICK_SECONDS: Final = 0.25
AGAIN_SECONDS: Final = 1.0
"""seconds until a VM whose events were followed is sought again"""
_SPARE: Final = 48
"""descriptors left to the rest of the process"""
_PLENTY: Final = 4096
_SSH_STARTS: Final = 8
"""connections through ssh at a time: sshd refuses more. Source: sshd_config(5), MaxStartups"""
_SSH: Final = "ssh"
_OF_TRANSPORT: Final = 5
"""descriptors of a connection that a program carries, or that is shared"""


class Awaited(Protocol):
    """What is waited for. begun: since when, of the clock `time.monotonic()`"""

    @property
    def name(self) -> str:
        """Return what it is called."""

    @property
    def begun(self) -> float:
        """Return since when."""


class SweepListener(MemberListener, Protocol):
    """Shows what a sweep yields."""

    def ended(self, result: VmResult) -> None:
        """Take how the line ended on a VM."""

    def lost(self, result: VmResult) -> None:
        """Say that a VM is gone, which is connected to again."""

    def regained(self, name: str) -> None:
        """Say that a VM that was lost is there again."""

    def tick(self, done: int, total: int, waiting: Sequence[Awaited]) -> None:
        """Show how far it is. waiting: hosts on the way, and VMs that have not answered"""

    def listening(self) -> None:
        """Say that all VMs are listened to."""


class SweepLimits(NamedTuple):
    """How a sweep is run.

    parallel:    VMs at a time
    stops:       no further VM is begun after a failure
    first_ends:  the first success ends it
    comes_again: a VM that is lost is connected to again
    """

    parallel: int = READING
    stops: bool = False
    first_ends: bool = False
    comes_again: bool = False


class Sweep:
    """A run of one line on many VMs.

    hosts:    reach those on other hosts; None has an ssh for each
    targets:  those that are known so far
    results:  how it ended on each
    left_out: those that a glob found and that are no monitors
    """

    def __init__(
        self,
        targets: Sequence[Target],
        plan: Plan,
        limits: SweepLimits,
        listener: SweepListener,
        hosts: RemoteHosts | None = None,
    ) -> None:
        self._hosts = hosts
        self._waiting = deque(targets if hosts is None else hosts.take(targets))
        self.targets = [*self._waiting]
        self._later: deque[tuple[float, Target]] = deque()
        self._plan = plan
        self._limits = limits
        self._listener = listener
        self._active: list[SweepMember] = []
        self._unexplained: list[SweepMember] = []
        self._lost: dict[str, VmResult] = {}
        self._names: dict[str, str] = {}
        self._descriptors = descriptor_limit(targets, plan, forwarded=hosts is not None)
        self._has_announced = False
        self.results: list[VmResult] = []
        self.left_out: list[VmResult] = []

    def run(self) -> list[VmResult]:
        """Run to the end; return how it ended on each VM."""
        try:
            while not self._is_over():
                self._begin()
                self._turn()
                self._collect()
                self._announce()
            self._explain()
            self._finish()
        finally:
            for member in self._active:
                member.close()
        return self.results

    # -------------------------------------------------------------------- one turn

    def _begin(self) -> None:
        """Begin as many as there is room for."""
        now = time.monotonic()
        while self._later and self._later[0][0] <= now:
            self._waiting.append(self._later.popleft()[1])
        busy = sum(not member.is_quiet for member in self._active)
        while self._waiting and not self._is_halted:
            if busy >= self._limits.parallel or len(self._active) >= self._descriptors:
                break
            member = SweepMember(
                self._waiting.popleft(), self._plan, self._listener, self._own_name
            )
            self._active.append(member)
            if member.has_ended and self._limits.stops:
                break  # it may be the failure that stops the rest
            busy += not member.has_ended

    def _turn(self) -> None:
        """Wait for the first of all descriptors and deadlines, and let every member go on."""
        wanted = self._hosts.descriptors() if self._hosts is not None else {}
        clients: dict[int, Client] = {}
        for member in self._active:
            found = member.descriptors()
            wanted |= found
            if found and member.client is not None:
                clients[member.client.fileno()] = member.client
        for fd in wait_for(wanted, self._patience()):
            if fd in clients:
                clients[fd].poll(0)
        now = time.monotonic()
        self._ask_hosts(now)
        for member in self._active:
            client = member.client
            if client is not None and client.due is not None and client.due <= now:
                client.poll(0)
            member.turn(now)
            if member.is_ready and self._lost.pop(member.target.text, None) is not None:
                self._listener.regained(member.name)
        running = [member for member in self._active if not member.has_ended]
        self._listener.tick(len(self.results), len(self.targets), [*self._awaited, *running])

    @property
    def _awaited(self) -> Sequence[Awaited]:
        """The hosts that are not there yet."""
        return self._hosts.awaited if self._hosts is not None else ()

    def _ask_hosts(self, now: float) -> None:
        """Take the VMs of the hosts that are there now."""
        if self._hosts is not None:
            found = self._hosts.turn(now)
            self._waiting += found
            self.targets += found

    def _patience(self) -> float:
        """Return the seconds until something is due."""
        if any(member.has_ended for member in self._active):
            return 0.0
        dues = [due for member in self._active if (due := member.due) is not None]
        dues += [when for when, _ in self._later]
        if self._hosts is not None and self._hosts.due is not None:
            dues.append(self._hosts.due)
        now = time.monotonic()
        return max(0.0, min([*dues, now + TICK_SECONDS]) - now)

    def _collect(self) -> None:
        """Report the members that have ended, and put away those that are to be explained."""
        ended = [member for member in self._active if member.has_ended]
        if not ended:
            return
        self._active = [member for member in self._active if not member.has_ended]
        for member in ended:
            if member.target.text in self._lost and member.needs_reason:
                member.close()
                self._later.append((time.monotonic() + AGAIN_SECONDS, member.target))
            elif member.needs_reason:
                self._unexplained.append(member)
            elif member.result is not None:
                self._report(member.result)

    def _report(self, result: VmResult) -> None:
        if self._has_first:
            return
        if result.target.is_found and isinstance(result.error, NotQmp):
            self.left_out.append(result)
            return
        place = result.target.text
        if self._limits.comes_again and (place in self._lost or result.was_served):
            if place not in self._lost:
                self._listener.lost(result)
            self._lost[place] = self._lost.get(place, result)
            self._later.append((time.monotonic() + AGAIN_SECONDS, result.target))
            return
        self.results.append(result)
        self._listener.ended(result)

    def _own_name(self, target: Target, name: str) -> str:
        """Return a name that no other VM of the sweep has. name: of its own, or of its socket"""
        own = target.called(name)
        apart = [f"{own}@{part}" for part in target.apart if part not in ("", name)]
        for one in (own, *apart):
            if self._names.setdefault(one, target.text) == target.text:
                return one
        return target.text

    # -------------------------------------------------------------------- the end

    @property
    def _is_halted(self) -> bool:
        """Whether no further VM is begun, after a failure."""
        return self._limits.stops and any(one.code for one in self.results)

    @property
    def _has_first(self) -> bool:
        """Whether the one success that was wanted is there."""
        return self._limits.first_ends and any(not one.code for one in self.results)

    def _is_over(self) -> bool:
        """Whether the rest is of no use: the first is enough, or no VM is left to come again."""
        if self._has_first:
            self._unexplained.clear()
            return True
        return not self._active and (self._is_halted or not (self._waiting or self._awaited))

    def _announce(self) -> None:
        """Say once that all VMs are listened to."""
        if self._has_announced or self._waiting or self._awaited or not self._active:
            return
        if all(member.has_announced or member.is_quiet for member in self._active):
            self._has_announced = any(member.has_announced for member in self._active)
            if self._has_announced:
                self._listener.listening()

    def _explain(self) -> None:
        """Say of those that stayed silent why, and of late ones what their process does."""
        if not self._unexplained:
            return
        # Imported here, as below: most sweeps find no VM silent.
        from qmpsh.many.silence import explain

        answered = {one.target.host for one in self.results if not one.code}
        waits = self._plan.line is not None and self._plan.line.waits
        explain(self._unexplained, self._plan.options, answered, waits=waits)
        for member in self._unexplained:
            if member.result is not None:
                self._report(member.result)

    def _finish(self) -> None:
        """Report what was not begun, and what was lost and did not come again."""
        for target in self._waiting if self._limits.stops else ():
            error = NotBegun()
            self._report(VmResult(target, target.name or target.stem, (), error.exit_code, error))
        self.results += self._lost.values()
        if not self.results:
            # Of a socket that is the only one the reason is wanted.
            self.results, self.left_out = self.left_out, []
            for result in self.results:
                self._listener.ended(result)


def descriptor_limit(targets: Sequence[Target], plan: Plan, *, forwarded: bool = False) -> int:
    """Return how many of the targets may be connected to at a time.

    forwarded: sockets of other hosts come through an ssh for each host, not for each VM
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = (_PLENTY if soft == resource.RLIM_INFINITY else soft) - _SPARE
    schemes = {one.address.scheme for one in targets if isinstance(one.address, Transport)}
    if forwarded:
        schemes.discard(_SSH)
    if _SSH in schemes:
        room = min(room, _SSH_STARTS * _OF_TRANSPORT)
    shares = plan.line is not None and plan.line.waits
    return max(1, room // _OF_TRANSPORT if schemes or shares else room)
