"""`.tree` as a one-shot on a real QEMU, on a storage daemon, and on what is like one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import dedent

from tests.conftest import RunQmpsh
from tests.qemu import VmStarter

MACHINE = (
    *(
        "-blockdev",
        "null-co,node-name=d0,size=1073741824",
        "-blockdev",
        "null-co,node-name=d1,size=67108864",
    ),
    *("-device", "pcie-root-port,id=rp0,chassis=1,slot=1"),
    *("-device", "pcie-root-port,id=rp1,chassis=2,slot=2"),
    *("-device", "virtio-blk-pci,drive=d0,id=vda,bus=rp0"),
)

BLOCK = """\
    device vda
    └─ #block  mirror_top  1G
       └─ backing: d0  null-co  1G
    export e0
    └─ d1  null-co  64M
    job m0  mirror running 0%
    ├─ main node: #block  mirror_top  1G  (above)
    ├─ source: d0  null-co  1G  (above)
    └─ target: tgt  null-co  1G
"""


def test_a_mirror_its_target_and_an_export(
    start_vm: VmStarter, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    vm = start_vm(*MACHINE, machine="q35")
    for line in (
        "blockdev-add driver=null-co node-name=tgt size=1073741824",
        "blockdev-mirror job-id=m0 device=d0 target=tgt sync=full speed=1",
        f"nbd-server-start addr.type=unix addr.data.path={tmp_path}/nbd",
        "block-export-add type=nbd id=e0 node-name=d1",
    ):
        assert run_qmpsh(vm.path, line).returncode == 0
    drawn = run_qmpsh(vm.path, ".tree", "block")
    always = re.sub(r"#block\d+", "#block", re.sub(r"\d+%", "0%", drawn.stdout))
    assert always == dedent(BLOCK)
    (first, *_) = json.loads(run_qmpsh(vm.path, ".tree", "block", "-l", "--json").stdout)["roots"]
    assert (first["type"], first["name"]) == ("device", "vda")
    pci = run_qmpsh("--read-only", vm.path, ".tree", "pci").stdout
    assert "rp0  PCI bridge  1b36:000c\n" in pci
    assert re.search(r"PCI bridge  1b36:000c\n│  └─ (?:01:00.0 )?vda  ", pci), (
        "the firmware may run"
    )
    assert "rp1  PCI bridge  1b36:000c  (free)\n" in pci


def test_a_storage_daemon_has_block_nodes_and_objects(daemon: str, run_qmpsh: RunQmpsh) -> None:
    assert run_qmpsh(daemon, "blockdev-add driver=null-co node-name=n0 size=1M").returncode == 0
    assert run_qmpsh(daemon, ".tree", "block").stdout.startswith("unused n0  null-co  1M")
    assert "chardevs  container" in run_qmpsh(daemon, ".tree", "qom").stdout
    refused = run_qmpsh(daemon, ".tree", "pci")
    assert (refused.returncode, refused.stdout) == (1, "")
