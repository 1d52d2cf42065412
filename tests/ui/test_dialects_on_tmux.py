"""The whole program in a real terminal, on servers that are no emulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ui.tmux import Terminal, terminal

pytestmark = pytest.mark.tmux


@pytest.fixture
def screen() -> Iterator[Terminal]:
    with terminal() as on:
        yield on


def test_stratovirt(screen: Terminal, stratovirt: str) -> None:
    screen.qmpsh(stratovirt)
    screen.sees("Connected to StratoVirt 2.5.0", "69 commands", " running  StratoVirt 2.5.0 ")
    screen.keys("device_add driver=virtio-net-pci id=net0", "Enter", "stop", "Enter")
    screen.sees("STOP", " paused  StratoVirt")
    screen.keys("device_del id=net0", "Enter", "query-workloads", "Enter")
    picture = screen.sees("DEVICE_DELETED", "[]", "2 events")
    assert "rror" not in picture


def test_storage_daemon(screen: Terminal, daemon: str) -> None:
    screen.qmpsh(daemon)
    screen.sees("Connected to storage daemon ", " commands ", "Tab completes", "\n storage daemon ")
    screen.keys(".hmp", "Enter")
    screen.sees("error: .hmp: a storage daemon has no human monitor")
    screen.keys("query-jobs", "Enter")
    screen.sees("[]", "0 events")
