"""Hot-plug by Tab: the menu leads from one candidate to the next, and few keys are pressed."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import qmpsh
from qmpsh.complete.candidates import Candidate, Form
from qmpsh.ui.screen.menu import scrolled
from tests.programs import need
from tests.qemu import Vm, VmStarter, new_folder
from tests.ui.harness import ScreenHarness, ScreenSetup, connect_to, on_screen, running_screen

MAX_KEYS = 35
"""keys for both lines of a hot-plug, Enter included"""


class Typist:
    """Someone who presses keys and reads on. pressed: keys so far"""

    def __init__(self, ui: ScreenHarness) -> None:
        self.ui = ui
        self.pressed = 0

    async def press(self, keys: str, end: str, shown: str = "") -> None:
        """Press keys; wait until the line ends so, and the menu shows that."""
        self.pressed += len(keys)
        self.ui.keys(keys)
        buffer = self.ui.screen.buffer
        await self.ui.until(lambda: buffer.text.endswith(end), end)
        await self.ui.sees(shown)

    async def run(self) -> None:
        """Press Enter, and wait for the empty answer and an empty line."""
        await self.press("\r", "")
        await self.ui.until(lambda: not self.ui.screen.buffer.text, "an empty line")
        await self.ui.until(lambda: self.ui.screen.session.running is None, "an answer")


def machine(start_vm: VmStarter, folder: str) -> Vm:
    """A VM with a disk, a network card and two free ports."""
    ports = [f"pcie-root-port,id=rp{number},chassis={number}" for number in range(2)]
    return start_vm(
        *(word for port in ports for word in ("-device", port)),
        *("-blockdev", f"raw,node-name=disk0,file.driver=file,file.filename={folder}/disk0.img"),
        *("-device", "virtio-blk-pci,drive=disk0,id=vda,bus=rp0"),
        *("-netdev", "user,id=net0", "-device", "virtio-net-pci,netdev=net0,romfile="),
        *("-m", "64", "-S"),
        machine="q35",
        folder=folder,
    )


def by_hand(vm: Vm, check: Callable[[Typist], Awaitable[None]]) -> int:
    """Run a check on a screen at this VM; return how many keys were pressed."""

    async def run() -> int:
        async with running_screen(ScreenSetup((100, 30), connect=connect_to(vm.path))) as ui:
            await ui.sees(" events · Tab completes")
            typist = Typist(ui)
            await check(typist)
            return typist.pressed

    return asyncio.run(run())


async def plug_a_disk(typist: Typist) -> None:
    await typist.press("b-a\t", "blockdev-add", "driver *")
    await typist.press("\t", "blockdev-add driver=", "host_device")
    await typist.press("\t\r", "driver=qcow2", "file. *")
    await typist.press("\t", "file.", "driver *")
    await typist.press("\t", "file.driver=", "host_device")
    await typist.press("\t\r", "file.driver=file", "file.filename *")
    await typist.press("\t", "file.filename=", f"{' ' * 20}/tmp/qmpsh-")
    await typist.press("\t\r", "/", "open in this VM")
    await typist.press("\t\r", "/data.qcow2", "node-name")
    await typist.press("\td1", "node-name=d1")
    await typist.run()
    await typist.press("d-a\t", "device_add", "driver *")
    await typist.press("\t", "device_add driver=", "virtio-blk-pci")
    await typist.press("\t\r", "driver=virtio-blk-pci", "drive *")
    await typist.press("\t", "drive=", "used by vda")
    await typist.press("\t\r", "drive=d1", "num-queues")
    await typist.press("\t\r", "bus=", "no hot-plug")
    await typist.press("\t\r", "bus=rp1", "num-queues")
    await typist.run()


async def plug_a_network_card(typist: Typist) -> None:
    await typist.press("n-a\t", "netdev_add", "type *")
    await typist.press("\t", "netdev_add type=", "bridge")
    await typist.press("\t\r", "type=user", "id *")
    await typist.press("\t", "id=")
    await typist.press("n1", "id=n1")
    await typist.run()
    await typist.press("d-a\t", "device_add", "driver *")
    await typist.press("\t", "device_add driver=", "virtio-scsi-pci")
    await typist.press("\t\t\r", "driver=virtio-net-pci", "bootindex")
    await typist.press("\t\r", "bus=", "no hot-plug")
    await typist.press("\t\r", "bus=rp1", "netdev ")
    await typist.press("\t\t\r", "netdev=", "used by")
    await typist.press("\t\r", "netdev=n1")
    await typist.run()


KEYS = [
    Candidate("driver=", 11, "str", required=True, form=Form.KEY, value="driver"),
    Candidate("id=", 11, "str", form=Form.KEY, value="id"),
]


def offer(ui: ScreenHarness, *candidates: Candidate) -> None:
    ui.session.candidates = list(candidates)


async def opens(ui: ScreenHarness, *names: str) -> None:
    """Wait until the menu is open and lists these."""

    def listed() -> list[str]:
        state = ui.screen.buffer.complete_state
        return [one.text for one in state.completions] if state is not None else []

    await ui.until(lambda: listed() == list(names), str(names))


@on_screen()
async def test_a_member_that_must_be_given_is_taken_by_one_tab(ui: ScreenHarness) -> None:
    offer(ui, *KEYS)
    ui.keys("device_add \t")
    await opens(ui, "driver=", "id=")
    ui.keys("\t")
    await ui.until(lambda: ui.screen.buffer.text == "device_add driver=")
    assert ui.screen.buffer.complete_state is None


@on_screen()
async def test_of_others_tab_selects_one_after_the_other(ui: ScreenHarness) -> None:
    offer(ui, KEYS[1], KEYS[0])
    ui.keys("device_add \t\t")
    await ui.until(lambda: ui.screen.buffer.text == "device_add id=")
    ui.keys("\t")
    await ui.until(lambda: ui.screen.buffer.text == "device_add driver=")


@on_screen()
async def test_after_a_value_the_next_members_are_offered_behind_a_blank(ui: ScreenHarness) -> None:
    offer(ui, Candidate("driver=nvme", 11, form=Form.TEXT, value="nvme"), *KEYS)
    ui.keys("device_add driver=n\t")
    await opens(ui, " driver=nvme", " driver=", " id=")
    assert ui.screen.buffer.text == "device_add driver=nvme"
    # A blank typed then is that blank.
    ui.keys(" ")
    await opens(ui, "driver=nvme", "driver=", "id=")
    assert ui.screen.buffer.text == "device_add driver=nvme "


@on_screen()
async def test_enter_runs_the_line_beside_what_is_offered_next(ui: ScreenHarness) -> None:
    offer(ui, Candidate("driver=nvme", 11, form=Form.TEXT, value="nvme"), *KEYS)
    ui.keys("device_add driver=n\t")
    await opens(ui, " driver=nvme", " driver=", " id=")
    ui.keys("\r")
    await ui.until(lambda: ui.session.lines == ["device_add driver=nvme"])


@on_screen()
async def test_what_comes_later_is_offered_unless_escape_closed_the_menu(
    ui: ScreenHarness,
) -> None:
    offer(ui, KEYS[0])
    ui.keys("device_add d\t")
    await ui.until(lambda: ui.screen.buffer.text == "device_add driver=")
    found = [Candidate(f"driver=n{number}", 11, form=Form.TEXT) for number in range(2)]
    offer(ui, *found)
    ui.session.watcher.facts()
    await opens(ui, "driver=n0", "driver=n1")
    ui.keys("\x1b")
    await ui.until(lambda: ui.screen.buffer.complete_state is None)
    ui.session.watcher.facts()
    assert ui.screen.buffer.complete_state is None


@on_screen((80, 24))
async def test_the_menu_says_where_one_is_and_fits_what_is_in_view(ui: ScreenHarness) -> None:
    few = [Candidate(f"name-{number}", 0, "node", "a node") for number in range(42)]
    offer(ui, *few, Candidate("name-that-is-much-longer-than-the-others", 0, "block device"))
    ui.keys("name-\t\t\t\t")
    await ui.until(lambda: ui.screen.buffer.text == "name-2")
    await ui.matches("menu-long")
    ui.keys("\x1b[Z" * 4)
    await ui.sees("much-longer")
    await ui.matches("menu-end")


@pytest.mark.parametrize(
    "top,index,rows,count,first",
    [
        (0, 0, 5, 43, 0),
        (0, 3, 5, 43, 0),
        (0, 4, 5, 43, 1),  # the one below stays in view
        (0, 42, 5, 43, 38),
        (38, 39, 5, 43, 38),
        (38, 38, 5, 43, 37),
        (0, 1, 2, 3, 0),
        (0, 2, 2, 3, 1),
        (0, 2, 1, 3, 2),
        (9, 0, 3, 3, 0),
    ],
)
def test_the_rows_in_view(top: int, index: int, rows: int, count: int, first: int) -> None:
    assert scrolled(top, index, rows, count) == first


def test_a_disk_is_plugged_with_few_keys(start_vm: VmStarter) -> None:
    folder = new_folder()
    for name, kind in (("disk0.img", "raw"), ("data.qcow2", "qcow2")):
        create = [need("qemu-img"), "create", "-q", "-f", kind, f"{folder}/{name}", "1M"]
        subprocess.run(create, check=True)
    vm = machine(start_vm, folder)
    assert by_hand(vm, plug_a_disk) <= MAX_KEYS
    with qmpsh.connect(vm.path) as monitor:
        blocks = monitor.execute("query-block")
    assert isinstance(blocks, list)
    assert len(blocks) == 2


def test_a_network_card_is_plugged_with_few_keys(start_vm: VmStarter) -> None:
    folder = new_folder()
    Path(folder, "disk0.img").write_bytes(bytes(1 << 20))
    vm = machine(start_vm, folder)
    assert by_hand(vm, plug_a_network_card) <= MAX_KEYS
    with qmpsh.connect(vm.path) as monitor:
        cards = monitor.execute("human-monitor-command", {"command-line": "info network"})
    assert str(cards).count("type=nic") == 2
