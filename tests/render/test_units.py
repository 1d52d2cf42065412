"""Numbers as a person reads them."""

from __future__ import annotations

import time

import pytest

from qmpsh.render.units import clock, duration, elapsed, number, size


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0.0, "0.0 ms"),
        (0.0004, "0.4 ms"),
        (0.00994, "9.9 ms"),
        (0.00996, "10 ms"),
        (0.0125, "12 ms"),
        (0.999, "999 ms"),
        (0.9996, "1.0 s"),
        (3.14, "3.1 s"),
        (59.94, "59.9 s"),
        (59.96, "0:59"),
        (125.0, "2:05"),
        (3725.0, "1:02:05"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("seconds, text", [(0.0, "0:00"), (4.9, "0:04"), (3600.0, "1:00:00")])
def test_elapsed(seconds: float, text: str) -> None:
    assert elapsed(seconds) == text


@pytest.mark.parametrize(
    "count, text",
    [
        (0, "0 B"),
        (56, "56 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9949, "9.9 kB"),
        (9951, "10 kB"),
        (207_123, "207 kB"),
        (999_600, "1.0 MB"),
        (64_000_000, "64 MB"),
        (3_000_000_000, "3.0 GB"),
    ],
)
def test_size(count: int, text: str) -> None:
    assert size(count) == text


def test_number() -> None:
    assert number(20931) == "20,931"


@pytest.mark.parametrize(
    "seconds, text",
    [
        (1_763_677_831.12, "22:30:31.120"),
        (1_763_677_831.9996, "22:30:32.000"),
        (0.0, "00:00:00.000"),
        (-1.0, "23:59:59.000"),
        (1e300, "--:--:--.---"),
    ],
)
def test_clock(seconds: float, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert clock(seconds) == text
    monkeypatch.undo()
    time.tzset()
