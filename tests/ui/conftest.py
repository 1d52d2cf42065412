"""Times of day in pictures are UTC; a picture that differs is shown as a diff."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest


@pytest.fixture
def dumb_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that cannot place its cursor."""
    monkeypatch.setenv("TERM", "dumb")


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()
