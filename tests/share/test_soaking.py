"""The soak of a share in its short form: clients of each kind, some killed, and the VM as well."""

from __future__ import annotations

import pytest

from tests.growth import soak_shortly
from tests.qemu import emulators
from tests.share.soaking import SharingLoad


@pytest.mark.qemu
def test_clients_of_each_kind_leave_nothing_behind() -> None:
    load = SharingLoad({}, emulators())
    after = soak_shortly(load, lambda: load.run_until_all_had(1))
    assert after.done["VM killed"] == 1
    assert after.done["events"]
