"""An overview of a machine that is always the same, and what its server answers."""

from __future__ import annotations

from qmpsh.client.dialect import QEMU
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.shell.overview.first import FirstOverview
from qmpsh.shell.overview.seen import Sums
from qmpsh.shell.overview.survey import Survey

SERVER: JsonObject = {"kind": "QEMU", "version": "7.2.22"}

REPLIES: dict[str, Json] = {
    "type": "pc-q35-7.2-machine",
    "query-target": {"arch": "x86_64"},
    "query-kvm": {"enabled": False},
    "query-status": {"status": "prelaunch", "running": False},
    "query-name": {"name": "vm1"},
    "query-cpus-fast": [{}, {}],
    "smp": {"maxcpus": 4, "sockets": 1, "cores": 4, "threads": 1},
    "query-hotpluggable-cpus": [{"type": "qemu64-x86_64-cpu"}],
    "query-memory-size-summary": {"base-memory": 256 << 20, "plugged-memory": 0},
    "query-balloon": {"actual": 256 << 20},
    "query-block": [
        {
            "qdev": "/machine/peripheral/vda/virtio-backend",
            "inserted": {
                "node-name": "disk0",
                "drv": "qcow2",
                "ro": False,
                "file": "/var/lib/libvirt/images/web-042/root-2026-11-30.qcow2",
                "image": {"virtual-size": 1 << 30, "backing-image": {"filename": "base.qcow2"}},
            },
        },
        {"qdev": "cd0"},
    ],
    "info network": (
        "nic0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:56\r\n"
        " \\ n0: index=0,type=user,net=10.0.2.0,restrict=off\r\n"
    ),
    "query-vnc-servers": [
        {"server": [{"family": "unix", "service": "/var/vm/vm1.vnc"}], "clients": []}
    ],
    "query-spice": {"enabled": False},
    "query-chardev": [
        {"label": "ser0", "filename": "pty:/dev/pts/1", "frontend-open": True},
        {
            "label": "ga0",
            "filename": "disconnected:unix:/var/vm/vm1.ga,server=on",
            "frontend-open": False,
        },
    ],
    "peripheral": [
        {"name": "rp0", "type": "child<pcie-root-port>"},
        {"name": "rp1", "type": "child<pcie-root-port>"},
    ],
    "port rp0": [{"name": "child[0]", "type": "link<virtio-blk-pci>"}],
    "port rp1": [],
    "query-jobs": [],
    "query-migrate": {},
}


def begun(before: Sums | None = None) -> FirstOverview:
    """An overview of which nothing is answered so far, with 2 seconds until 1002."""
    return FirstOverview(SERVER, Survey(QEMU, ()), 1002.0, before)


def answer(overview: FirstOverview, last: str = "") -> None:
    """Answer its questions, up to one of this key or all."""
    while (question := overview.next_question()) is not None:
        if question.key in REPLIES:
            overview.on_value(question, REPLIES[question.key])
        else:
            overview.on_refusal(question, "no such command")
        if question.key == last:
            return


def whole(before: Sums | None = None) -> FirstOverview:
    """An overview of which everything is answered."""
    overview = begun(before)
    answer(overview)
    return overview
