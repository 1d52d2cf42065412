"""Waits for descriptors: as long as they are asked to be, made of short ones."""

from __future__ import annotations

import os
import select

import pytest

from qmpsh.client.poll import READ, Poller, wait_for


class FakePoll:
    """A poll(2) that is ready at a certain call, and keeps how long each was to wait."""

    def __init__(self, ready_at: int) -> None:
        self.waits: list[int] = []
        self._ready_at = ready_at

    def register(self, fd: int, flags: int) -> None:
        """Take a descriptor."""

    def poll(self, milliseconds: int) -> list[tuple[int, int]]:
        self.waits.append(milliseconds)
        return [(0, READ)] if len(self.waits) == self._ready_at else []


@pytest.mark.parametrize(
    "seconds, ready_at, waits",
    [
        (0.0, 0, [0]),
        (-1.0, 0, [0]),
        (0.25, 0, [250]),
        (1.0, 0, [1000]),
        (2.5, 0, [1000, 1000, 500]),
        (2.5, 2, [1000, 1000]),
        (None, 4, [1000] * 4),
        (1e12, 3, [1000] * 3),
    ],
)
def test_a_long_wait_is_made_of_short_ones(
    monkeypatch: pytest.MonkeyPatch, seconds: float | None, ready_at: int, waits: list[int]
) -> None:
    """A signal in the moment before the system call would be handled only after it."""
    fake = FakePoll(ready_at)
    monkeypatch.setattr(select, "poll", lambda: fake)
    found = Poller().wait({0: READ}, seconds)
    assert fake.waits == waits
    assert found == ({0: READ} if ready_at else {})


def test_what_is_ready_ends_the_wait() -> None:
    reader, writer = os.pipe()
    try:
        assert wait_for({reader: READ}, 0.0) == set()
        os.write(writer, b"x")
        assert wait_for({reader: READ, writer: READ}, None) == {reader}
    finally:
        os.close(reader)
        os.close(writer)
