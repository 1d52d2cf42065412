""" "A Quick Tour of the QEMU Monitor Protocol": a medium is ejected, a disk fails under a guest."""

from __future__ import annotations

import json

import qmpsh
from tests.articles.test_wiki import PC
from tests.conftest import RunQmpsh
from tests.guest import restore
from tests.language.helpers import DATA
from tests.qemu import VmStarter
from tests.waiting import PATIENCE

EXAMPLES = (DATA / "qemu-slides.txt").read_text()
BAD_DISK = (
    "driver=blkdebug node-name=bad image.driver=null-co image.size=1M"
    " inject-error=[{event: none, iotype: write, errno: 5, once: true}]"
)


def test_a_medium_is_ejected_and_one_is_not(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm(*PC, machine="pc")
    done = run_qmpsh(vm.path, "-k", "--json", stdin=EXAMPLES)
    success, failure = (json.loads(line) for line in done.stdout.splitlines())
    assert done.returncode == 1
    assert success["return"] == {}
    assert failure["error"] == {"class": "DeviceNotFound", "desc": "Device 'foobar' not found"}


def test_a_disk_that_fails_stops_the_guest(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    guest = restore(start_vm)
    with qmpsh.connect(guest.vm.path) as vm:
        vm.run(f"blockdev-add {BAD_DISK}")
        vm.run("device_add driver=virtio-blk-pci id=vda drive=bad bus=rp0 werror=stop")
        guest.sh("until [ -b /dev/vda ]; do sleep 1; done")
        write = "echo text | dd of=/dev/vda bs=512 conv=sync oflag=direct"
        guest.sh(f"(sleep 1; {write}) >/dev/null 2>&1 &")
        event = vm.wait("BLOCK_IO_ERROR", timeout=PATIENCE)
    assert isinstance(event.data, dict)
    assert (event.data["operation"], event.data["action"]) == ("write", "stop")
    assert event.data["node-name"] == "bad"
    assert guest.status() == "io-error"
    assert run_qmpsh(guest.vm.path, "cont").returncode == 0
    assert guest.sh("until ! pidof dd; do sleep 1; done; head -c 4 /dev/vda | wc -c") == "4"
