"""The soak of the live table in its short form: few VMs, one of them killed, one frozen."""

from __future__ import annotations

import pytest

from tests.growth import soak_shortly
from tests.qemu import emulators
from tests.top.soaking import TopLoad


@pytest.mark.qemu
def test_vms_that_come_and_go_leave_nothing_behind() -> None:
    load = TopLoad(3, emulators())
    after = soak_shortly(load, load.disturb)
    assert after.done == {"killed": 2, "frozen": 2, "used": 2}
