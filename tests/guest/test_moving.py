"""The state of a guest: kept in a snapshot, and moved to another VM while it works."""

from __future__ import annotations

import json

import qmpsh
from qmpsh.errors import CommandFailed
from qmpsh.jsontypes import as_dict
from tests.conftest import RunQmpsh
from tests.guest import Guest, restore, waiting_machine
from tests.programs import unavailable
from tests.qemu import VmStarter
from tests.waiting import PATIENCE, wait_until

WAIT = ("--wait", "--timeout", f"{PATIENCE}")
LOAD = "(while :; do cat /tmp/noise >/tmp/copy; done) >/dev/null 2>&1 & echo $!"
"""changes memory faster than it may be moved"""


def test_snapshots(fresh_guest: Guest, run_qmpsh: RunQmpsh) -> None:
    """On a disk that is made, plugged and written to meanwhile."""
    script = f"""
        blockdev-create job-id=c0 options.driver=file options.size=0 \\
            options.filename={fresh_guest.vm.folder}/disk --wait
        blockdev-add driver=file node-name=f0 filename={fresh_guest.vm.folder}/disk
        blockdev-create job-id=c1 options.driver=qcow2 options.file=f0 options.size=1G --wait
        blockdev-add driver=qcow2 node-name=q0 file=f0
        device_add driver=virtio-blk-pci id=vda drive=q0 bus=rp0
    """
    done = run_qmpsh(fresh_guest.vm.path, "-f", "-", stdin=script)
    assert (done.returncode, done.stderr) == (0, "")
    fresh_guest.sh("until [ -b /dev/vda ]; do sleep 1; done; echo before | dd of=/dev/vda")

    def snapshot(verb: str) -> tuple[int, str]:
        where = ("tag=s", "devices=[q0]", *(() if verb == "delete" else ("vmstate=q0",)))
        done = run_qmpsh(fresh_guest.vm.path, f"snapshot-{verb}", "job-id=j", *where, *WAIT)
        return done.returncode, done.stderr

    assert snapshot("save") == (0, "")
    fresh_guest.sh("echo later >/tmp/when; echo after | dd of=/dev/vda; sync")
    assert snapshot("load") == (0, "")
    assert fresh_guest.status() == "running"
    assert fresh_guest.sh("ls /tmp/when 2>/dev/null; head -c 6 /dev/vda") == "before"
    assert snapshot("delete") == (0, "")
    missing = "snapshot-load: job j: Snapshot 's' does not exist in one or more devices"
    assert snapshot("load") == (1, f"qmpsh: {missing}\n")
    # QEMU leaves the VM stopped; the one who waits for its guest hears how it goes on.
    assert fresh_guest.waits_in_vain("balloon", "value=224M", seconds=0.2).endswith(
        "the VM does not run (restore-vm), so that its guest can do nothing; cont continues it"
    )
    assert run_qmpsh(fresh_guest.vm.path, "cont").returncode == 0
    assert fresh_guest.sh("echo up") == "up"


def test_a_move_under_load(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    """It would not end, so that the memory follows the guest (post-copy)."""
    source, target = restore(start_vm), Guest(waiting_machine(start_vm))
    for guest in (source, target):
        allow_postcopy(guest)
    uri = f"uri=unix:{target.vm.folder}/m"
    assert run_qmpsh(target.vm.path, "migrate-incoming", uri).returncode == 0
    assert run_qmpsh(source.vm.path, "migrate-set-parameters", "max-bandwidth=4M").returncode == 0
    source.sh("dd if=/dev/urandom of=/tmp/noise bs=1M count=16")
    load = source.sh(LOAD)
    assert source.waits_in_vain("migrate", uri, seconds=2) == (
        "migrate: waited 2 s for the end of the migration; it is active"
    )
    done = run_qmpsh(source.vm.path, "migrate-start-postcopy", *WAIT)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "completed")
    assert source.status() == "postmigrate"
    wait_until(lambda: target.status() == "running", what="it goes on")
    assert target.sh(f"kill {load}; wc -c </tmp/noise") == f"{16 << 20}"


def allow_postcopy(guest: Guest) -> None:
    """Switch it on, or skip the test where the system does not have it."""
    with qmpsh.connect(guest.vm.path) as vm:
        on = "capabilities=[{capability: postcopy-ram, state: true}]"
        try:
            vm.run("migrate-set-capabilities", on)
        except CommandFailed as error:
            unavailable(f"this system has no post-copy: {error.desc}")
        assert as_dict(vm.execute("query-status"))["status"] in ("running", "inmigrate")
