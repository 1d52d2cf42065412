"""The same lines to QEMU over every transport: nothing above a stream may notice which."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.client.behaviours import QEMU
from tests.client.checks import CHECKS, ServerUnderTest, needs
from tests.client.transports import NEEDS, TRANSPORTS
from tests.qemu import VmStarter


@pytest.fixture(scope="module", params=TRANSPORTS)
def server_under_test(request: pytest.FixtureRequest, emulator: str) -> Iterator[ServerUnderTest]:
    needs(*NEEDS.get(request.param, ()))
    start = VmStarter(emulator)
    found = ServerUnderTest(partial(TRANSPORTS[request.param], start), QEMU)
    yield found
    found.close()
    start.close()


@pytest.mark.parametrize("check", CHECKS)
def test_qemu(server_under_test: ServerUnderTest, check: str, tmp_path: Path) -> None:
    server_under_test.check(check, tmp_path)
