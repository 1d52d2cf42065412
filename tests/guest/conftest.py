"""VMs that run the small Linux: `guest` for all tests of a module, `fresh_guest` for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.guest import Guest, restore
from tests.qemu import VmStarter


@pytest.fixture(scope="module")
def guest(emulator: str) -> Iterator[Guest]:
    """A guest on the text console, for tests that leave it as it was."""
    with closing(VmStarter(emulator)) as starter:
        yield restore(starter)


@pytest.fixture
def fresh_guest(start_vm: VmStarter) -> Guest:
    """A guest for one test alone: to end, stop or change."""
    return restore(start_vm)
