"""The same lines to QEMU over every road: nothing above a stream may notice which."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.client.checks import CHECKS, Way, needs
from tests.client.manners import QEMU
from tests.client.roads import NEEDS, ROADS
from tests.qemu import VmStarter


@pytest.fixture(scope="module", params=ROADS)
def way(request: pytest.FixtureRequest, emulator: str) -> Iterator[Way]:
    needs(*NEEDS.get(request.param, ()))
    start = VmStarter(emulator)
    found = Way(partial(ROADS[request.param], start), QEMU)
    yield found
    found.close()
    start.close()


@pytest.mark.parametrize("check", CHECKS)
def test_qemu(way: Way, check: str, tmp_path: Path) -> None:
    way.check(check, tmp_path)
