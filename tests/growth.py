"""What an interactive session takes while very much comes in: events, replies, reconnections.

The first of them are let go by before it is measured; all that come after must not add to it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import NamedTuple

from tests.console import Console, console
from tests.faults.server import LEARNT, Served, greet, server

FIRST, ALL = 2_000, 50_000
GROWTH = 1.10
"""how much more memory is too much"""

_BATCH = 100
_SECONDS = 1_763_677_831


class Grown(NamedTuple):
    """before, after: MB resident."""

    before: float
    after: float

    @property
    def is_bounded(self) -> bool:
        return self.after <= self.before * GROWTH


def event(number: int, name: str = "VSERPORT_CHANGE") -> bytes:
    """An event that is no repeat of another."""
    stamp = {"seconds": _SECONDS + number, "microseconds": number}
    data = {"open": bool(number % 2), "id": f"channel{number}"}
    return json.dumps({"timestamp": stamp, "event": name, "data": data}).encode() + b"\r\n"


def events(front: str, size: int = ALL) -> Grown:
    """So many events at a front end, "w" for the full screen or "p" for the line prompt."""
    go = threading.Event()

    def pour(peer: Served) -> None:
        greet(peer)
        peer.attend(LEARNT)
        peer.refuse(peer.request)
        for first, last in ((0, FIRST), (FIRST, size)):
            for start in range(first, last, _BATCH):
                peer.raw(b"".join(map(event, range(start, min(last, start + _BATCH)))))
            peer.raw(event(last, f"AFTER_{last}"))
            go.wait()
            go.clear()

    def measure(shown: Console) -> Grown:
        shown.sees(f"AFTER_{FIRST}")
        before = shown.memory()
        go.set()
        shown.sees(f"AFTER_{size}")
        return Grown(before, shown.memory())

    with server((pour,)) as served, console(*_front(front), served.path) as shown:
        try:
            return measure(shown)
        finally:
            served.released.set()
            go.set()


def _front(front: str) -> list[str]:
    return ["--plain"] if front == "p" else []


LOADS: dict[str, Callable[[], Grown]] = {
    f"{ALL:,} events at the full screen": lambda: events("w"),
    f"{ALL:,} events at the line prompt": lambda: events("p"),
}
"""What `make soak` does before its mixed load."""
