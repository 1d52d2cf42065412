"""The fixture `guest`: one VM for each console and each QEMU, for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.guest import CONSOLES, Guest, boot
from tests.qemu import VmStarter


@pytest.fixture(scope="module", params=CONSOLES)
def guest(emulator: str, request: pytest.FixtureRequest) -> Iterator[Guest]:
    starter = VmStarter(emulator)
    yield boot(starter, str(request.param))
    starter.close()
