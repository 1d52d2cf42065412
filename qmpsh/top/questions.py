"""What a VM is asked, and how often. Pure.

A round is what is asked at one tick: one question as a rule, so that a hundred VMs take a few
milliseconds. Events say when something else has changed; where there are none, it is asked again
from time to time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from qmpsh.jsontypes import JsonObject
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.shell.machine import RUN_STATE_EVENTS

SIGN_OF_LIFE: Final = "query-version"
"""what is asked where nothing else is due: whoever answers is well"""
NEVER: Final = -1
_SELDOM: Final = 5
"""rounds between two questions for counters that do not exist"""
_PLUGGED: Final = frozenset({"RESET", "ACPI_DEVICE_OST", "DEVICE_DELETED", "MEM_UNPLUG_ERROR"})


EXITS: Final[JsonObject] = {
    "target": "vcpu",
    "providers": [{"provider": "kvm", "names": ["exits"]}],
}
"""what of KVM's counters is asked for"""


class VmQuestion(NamedTuple):
    """A query that a VM is asked.

    every:   rounds from one to the next, 0 to ask once, NEVER
    visited: the same for a VM that is left after each round, and whose events are not heard
    events:  after which it is asked as well
    arguments: of the command
    """

    command: str
    every: int
    visited: int
    events: frozenset[str] = frozenset()
    arguments: JsonObject | None = None


QUESTIONS: Final = (
    VmQuestion("query-blockstats", 1, 1),
    VmQuestion("query-stats", 1, 1, arguments=EXITS),
    VmQuestion("query-status", 5, 1, RUN_STATE_EVENTS),
    VmQuestion("query-cpus-fast", 30, 30, _PLUGGED),
    VmQuestion("query-memory-size-summary", 30, 30, _PLUGGED),
    VmQuestion("query-balloon", 0, 5),
    # While it is followed by its events, `Progress` says when these are due.
    VmQuestion("query-jobs", NEVER, 5),
    VmQuestion("query-migrate", NEVER, 5),
)


_ARGUMENTS: Final = {one.command: one.arguments for one in QUESTIONS}


def command_of(name: str) -> Command:
    """Return the command that asks a question."""
    return Command(name, _ARGUMENTS.get(name))


class Rota:
    """The questions of one VM, round by round.

    visits: the VM is left after each round
    """

    __slots__ = ("_round", "_seldom", "_unknown", "_visits", "_wanted")

    def __init__(self, *, visits: bool) -> None:
        self._visits = visits
        self._unknown: set[str] = set()
        self._seldom: set[str] = set()
        self.start()

    def start(self) -> None:
        """Ask everything in the next round, as of a VM that is new."""
        self._round = 0
        self._unknown.clear()
        self._wanted: set[str] = set()

    def next_round(self) -> list[str]:
        """Return what to ask now."""
        due = [one.command for one in QUESTIONS if self._is_due(one)]
        self._round += 1
        self._wanted.clear()
        return due or [SIGN_OF_LIFE]

    def _is_due(self, question: VmQuestion) -> bool:
        command = question.command
        if command in self._unknown:
            return False
        every = question.visited if self._visits else question.every
        every = _SELDOM if command in self._seldom else every
        if command in self._wanted or every == NEVER:
            return command in self._wanted
        return not (self._round % every if every else self._round)

    def want(self, *commands: str) -> None:
        """Ask something in the next round in any case."""
        self._wanted.update(commands)

    def on_event(self, name: str) -> list[str]:
        """Return what an event makes worth asking at once."""
        return [
            one.command
            for one in QUESTIONS
            if name in one.events and one.command not in self._unknown
        ]

    def on_refusal(self, command: str) -> None:
        """Ask this no more: the server does not know it, or has nothing of the kind."""
        self._unknown.add(command)

    def on_counters(self, command: str, found: Iterable[object]) -> None:
        """Ask for counters that do not exist only now and then."""
        if any(True for _ in found):
            self._seldom.discard(command)
        else:
            self._seldom.add(command)
