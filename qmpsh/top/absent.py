"""Hosts that could not be logged in to, and when each is tried again. Pure.

The pause grows, so that a host that is down costs little, and one that refuses a login does not
take the repeated tries for an attack.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from qmpsh.client.transports.forwarding import Login
from qmpsh.light_typing import NamedTuple
from qmpsh.many.targets import Target

FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 300.0
"""seconds until a host is tried again"""
_GROWTH: Final = 3
"""With these a host is tried four times in ten minutes: fewer than fail2ban counts by itself."""


class _Absent(NamedTuple):
    """A host. at: when it is tried again"""

    targets: tuple[Target, ...]
    pause: float
    at: float


class AbsentHosts:
    """The hosts that are not there."""

    def __init__(self) -> None:
        self._hosts: dict[Login, _Absent] = {}

    def add(self, login: Login, targets: Sequence[Target], now: float) -> None:
        """Note that a host could not be reached. targets: what was wanted of it"""
        known = self._hosts.get(login)
        pause = FIRST_PAUSE if known is None else min(known.pause * _GROWTH, LONGEST_PAUSE)
        self._hosts[login] = _Absent(tuple(targets), pause, now + pause)

    def remove(self, login: Login) -> None:
        """Note that a host is there."""
        self._hosts.pop(login, None)

    def take_due(self, now: float) -> list[Target]:
        """Return what is wanted of the hosts to try now, each once until it is added again."""
        due = {login: one for login, one in self._hosts.items() if now >= one.at}
        self._hosts |= {login: one._replace(at=float("inf")) for login, one in due.items()}
        return [target for one in due.values() for target in one.targets]
