"""Texts of the human monitor: which of them tell of a failure, on real QEMUs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.protocol.messages import Command, Reply
from qmpsh.shell.hmp import hmp_command, hmp_text
from qmpsh.shell.hmp_texts import _SILENT, _SPEAKING, hmp_failed
from tests.conftest import RunQmpsh
from tests.ports import free_port
from tests.qemu import ROOT, Vm, VmStarter

LINES = [
    line
    for line in (ROOT / "tests/data/hmp-lines.txt").read_text().splitlines()
    if not line.startswith("#")
]
ONLY_IN_SOME = {"one-insn-per-tb", "singlestep", "xen-event-inject", "xen-event-list"}
"""commands that one of the two releases lacks"""

NEVER_WELL = {
    "block_job_complete", "client_migrate_info", "closefd", "dumpdtb", "exit_preconfig", "getfd",
    "migrate_continue", "migrate_incoming", "migrate_pause", "migrate_recover",
    "migrate_start_postcopy", "replay_break", "replay_delete_break", "replay_seek", "set_password",
    "set_vcpu_dirty_limit", "system_wakeup", "x_colo_lost_heartbeat", "xen-event-inject",
}  # fmt: skip
"""commands that this machine does not carry out: they need SPICE, KVM, a recording, a guest, ..."""

NEVER_BADLY = {"cancel_vcpu_dirty_limit", "delvm"}
"""commands whose failures print nothing, or the same"""


def names(mark: str) -> set[str]:
    aliases = {"c": "cont", "s": "stop", "q": "quit"}
    found = {re.split(r"[ /]", line[2:])[0] for line in LINES if line.startswith(mark)}
    return {aliases.get(name, name) for name in found}


def test_every_row_is_tried_for_success_and_for_failure() -> None:
    rows = {*_SILENT, *_SPEAKING}
    assert rows - names("+") == NEVER_WELL
    assert rows - names("-") == NEVER_BADLY
    assert not _SILENT & set(_SPEAKING)


@pytest.mark.parametrize("version", ["7.2", "10.0"])
def test_every_command_of_help_is_tried(version: str) -> None:
    text = (ROOT / "tests" / "data" / f"hmp-help-qemu-{version}.txt").read_text()
    heads = re.findall(r"^([a-z_][\w|?-]*) ", text, re.MULTILINE)
    assert len(heads) > 100
    known = {name for head in heads for name in head.split("|")}
    assert known <= names("+") | names("-") | {"c", "s", "q", "?", "p"}


def test_the_verdict_on_each_line(start_vm: VmStarter) -> None:
    vm = start_vm(
        *("-m", "64", "-S", "-vga", "std", "-vnc", "unix:{folder}/vnc"),
        *("-netdev", "user,id=n0", "-device", "e1000,netdev=n0,id=nic0"),
        *("-device", "pcie-root-port,id=rp0,chassis=1", "-device", "pcie-root-port,id=rp1,slot=2"),
        *("-drive", "if=none,id=cd0,media=cdrom", "-device", "ide-cd,drive=cd0"),
        *("-drive", "if=none,id=fl0,file=null-co://,format=raw,readonly=on"),
        *("-audiodev", "none,id=a0", "-device", "intel-hda", "-device", "hda-duplex,audiodev=a0"),
        *("-chardev", "ringbuf,id=rb", "-device", "qemu-xhci", "-device", "usb-tablet"),
        *("-device", "virtio-balloon-pci"),
        machine="q35",
    )
    client, port = Client.connect(parse_address(vm.path)), free_port()
    make_image(client, f"{vm.folder}/a.qcow2")
    wrong = []
    for line in LINES:
        mark, command = line[0], line[2:].format(folder=vm.folder, port=port)
        text = said(client, command)
        if text.startswith("unknown command: ") and command.split()[0] in ONLY_IN_SOME:
            continue
        verdict = "-" if text and hmp_failed(command, text) else "+"
        if verdict != {"0": "+"}.get(mark, mark) or (mark == "0" and text):
            wrong.append(f"{line}: {text}")
    client.close()
    assert wrong == []


def said(client: Client, line: str) -> str:
    pending = client.submit(hmp_command(line))
    while not pending.done:
        client.poll(30)
    return (hmp_text(pending.reply.value) if isinstance(pending.reply, Reply) else "") or ""


def make_image(client: Client, path: str) -> None:
    """An empty qcow2 image."""

    def run(name: str, **arguments: object) -> object:
        options = json.loads(json.dumps(arguments))
        reply = client.execute(Command(name, options or None), 30)
        assert isinstance(reply, Reply), reply
        return reply.value

    size = 256 << 20
    run(
        "blockdev-create",
        **{"job-id": "c", "options": {"driver": "file", "filename": path, "size": 0}},
    )
    ended(client)
    run("blockdev-add", **{"node-name": "f", "driver": "file", "filename": path})
    run(
        "blockdev-create",
        **{"job-id": "c", "options": {"driver": "qcow2", "file": "f", "size": size}},
    )
    ended(client)
    run("blockdev-del", **{"node-name": "f"})


def ended(client: Client) -> None:
    """Wait for the job c, and dismiss it."""
    while '"concluded"' not in json.dumps(client.execute(Command("query-jobs"), 30).raw):
        client.poll(0.05)
    assert isinstance(client.execute(Command("job-dismiss", {"id": "c"}), 30), Reply)


@pytest.mark.parametrize(
    "line, text, failed",
    [
        ("device_add x", "warning: this is old", False),
        ("device_add x", "warning: this is old\nError: no", True),
        ("device_add x", "no such thing", True),
        ("drive_add 0 x", "warning: x\nOK", False),
        ("info status", "VM status: running", False),
        ("info nosuch", "unknown command: 'info nosuch'", True),
        ("info usbhost", 'Command "info usbhost" is not available.', True),
        ("stop", 'Command "stop" not available with -preconfig until machine initialization', True),
        ("of-tomorrow x", "done", False),
        ("of-tomorrow x", "Error: no", True),
        ("of-tomorrow", 'of-tomorrow: string expected\nTry "help of-tomorrow" for more', True),
        ("commit help", "Device 'help' not found", True),
        ("mce -b 0 1 0 0 0 0", "Guest CPU does not support MCA broadcast", True),
        ("  drive_del x", "Device 'x' not found", True),
        ("q x", "quit|q: extraneous characters", True),
        ("ringbuf_read rb 9", "Try this", False),
        ("", "anything", False),
    ],
)
def test_a_text(line: str, text: str, failed: bool) -> None:
    assert hmp_failed(line, text) is failed


def test_a_failure_is_on_stderr_and_exit_1(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, "-H", "drive_del", "nothere")
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr == "qmpsh: Device 'nothere' not found\n"
    done = run_qmpsh(q35.path, ".hmp", "commit nothere")
    assert (done.stdout, done.returncode) == ("", 1)
    done = run_qmpsh(q35.path, "-H", "device_add", "virtio-rng-pci,help")
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.startswith("virtio-rng-pci options:")


def test_the_silent_failures_are_listed() -> None:
    page = Path(ROOT, "docs/language.md").read_text()
    assert [name for name in names("0") if f"`{name}" not in page] == []


PIECES = st.sampled_from([
    *sorted(_SPEAKING), "stop", "info ", "x/4xb 0", "help", "?", " ", "=", ",", "/", "c",
    "device_add", "Error: ", "unknown command: '", "Command \"", "\" not available", "\n",
    "Device 'x' not found",
    'Try "help', "warning: ", "info: ", "OK", "gpa: ", "\x1b", "host forwarding rule for ",
])  # fmt: skip


@given(st.lists(PIECES).map("".join), st.lists(PIECES | st.text(max_size=5)).map("".join))
def test_any_text_is_a_failure_or_not(line: str, text: str) -> None:
    assert hmp_failed(line, text) in (False, True)
    assert not hmp_failed(line, " \n")
    assert hmp_failed(line, f"Error: {text}")
