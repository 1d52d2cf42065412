"""A guest's power: shut down, asleep, stuck, in panic."""

from __future__ import annotations

import json
import re

import qmpsh
from tests.conftest import RunQmpsh
from tests.guest import Guest
from tests.waiting import PATIENCE, wait_until

WAIT = ("--wait", "--timeout", f"{PATIENCE}")


def why_it_waits(guest: Guest) -> str:
    """The run state of a VM that is waited for in vain, and how it goes on, as qmpsh says it."""
    text = guest.waits_in_vain("balloon", "value=255M", seconds=0.2)
    with qmpsh.connect(guest.vm.path) as vm:
        vm.run("balloon", "value=256M", timeout=PATIENCE)
    said = re.fullmatch(
        r"balloon: .*; the VM does not run \((.*)\), so that its guest can do nothing(.*)", text
    )
    return "".join(said.groups()) if said else text


def test_it_shuts_down_at_the_power_button(fresh_guest: Guest, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(fresh_guest.vm.path, "-y", "system_powerdown", *WAIT)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"guest": True, "reason": "guest-shutdown"}
    fresh_guest.vm.process.wait(timeout=PATIENCE)
    assert "power button" in fresh_guest.serial()


def test_it_sleeps_and_wakes(guest: Guest, run_qmpsh: RunQmpsh) -> None:
    path = guest.vm.path
    done = run_qmpsh(guest.agent, "--guest-agent", "guest-suspend-ram", timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (
        0,
        "qmpsh: guest-suspend-ram: no reply, which means success for this command\n",
    )
    wait_until(lambda: guest.status() == "suspended", what="it sleeps")
    assert why_it_waits(guest) == "suspended; system_wakeup wakes it"
    done = run_qmpsh(path, "system_wakeup", *WAIT)
    assert (done.returncode, done.stderr) == (0, "")
    assert guest.status() == "running"
    assert guest.sh("echo awake") == "awake"


def test_a_watchdog_that_is_no_longer_fed(guest: Guest, run_qmpsh: RunQmpsh) -> None:
    assert run_qmpsh(guest.vm.path, "watchdog-set-action", "action=pause").returncode == 0
    with qmpsh.connect(guest.vm.path) as vm:
        fed_once = "watchdog -T 2 -t 1000 -F /dev/watchdog & sleep 1; kill -9 $!"
        guest.sh(f"({fed_once}) >/dev/null 2>&1 &")
        assert vm.wait("WATCHDOG", timeout=PATIENCE).data == {"action": "pause"}
    assert why_it_waits(guest) == "watchdog; cont continues it"
    assert run_qmpsh(guest.vm.path, "cont").returncode == 0
    assert guest.sh("echo up") == "up"


def test_a_panic(fresh_guest: Guest, run_qmpsh: RunQmpsh) -> None:
    path = fresh_guest.vm.path
    assert run_qmpsh(path, "set-action", "panic=pause").returncode == 0
    with qmpsh.connect(path) as vm:
        fresh_guest.sh("(sleep 1; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &")
        assert vm.wait("GUEST_PANICKED", timeout=PATIENCE).data == {"action": "pause"}
    assert why_it_waits(fresh_guest) == "guest-panicked"
