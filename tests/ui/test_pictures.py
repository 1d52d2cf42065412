"""What the screen looks like, as text drawings at several sizes.

A drawing in `pictures/` is what a terminal shows; `_` is the cursor where it stands on a blank.
"""

from __future__ import annotations

import pytest

from qmpsh.complete.candidates import Candidate
from qmpsh.errors import LineSyntaxError
from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Event
from qmpsh.render.theme import ASCII
from qmpsh.shell.session.listener import Tone
from qmpsh.shell.steps import Answer, Ask, Note, Outcome
from qmpsh.shell.work import Work, WorkState
from tests.ui.fakes import WALL, answers, asks, changes_prompt, event, held, refused
from tests.ui.harness import ScreenHarness, on_screen

SIZES = [(80, 24), (120, 40), (40, 10)]
STATUS: Json = {"status": "running", "running": True}

at_every_size = pytest.mark.parametrize("columns, rows", SIZES)


def script_of_the_day(ui: ScreenHarness) -> None:
    """The lines that the pictures run."""
    script = ui.session.script
    script["query-status"] = answers(Answer("query-status", value=STATUS, size=56, seconds=0.0004))
    script["device_del id=net9"] = answers(
        Answer(
            "device_del",
            failed=True,
            text="DeviceNotFound: Device 'net9' not found",
            size=95,
            seconds=0.0003,
        )
    )
    script["query-x"] = answers(
        Answer("query-x", value=list(range(20_000)), size=207_123, seconds=0.0125)
    )


@on_screen(*SIZES)
async def test_start(ui: ScreenHarness) -> None:
    await ui.matches("start")


@on_screen((80, 24), prepare=None)
async def test_before_anything_is_known(ui: ScreenHarness) -> None:
    await ui.matches("start-unknown")


@on_screen(*SIZES)
async def test_a_reply_and_a_live_event_beside_a_half_typed_line(ui: ScreenHarness) -> None:
    script_of_the_day(ui)
    ui.session.hints["device_add driver=virtio-net-pci id=n"] = [
        ("hint", "device_add  driver*: str  bus: str  [id: str]  +72 of virtio-net-pci")
    ]
    ui.keys("query-status\rdevice_del id=net9\r")
    await ui.sees("not found")
    ui.keys("device_add driver=virtio-net-pci id=n")
    await ui.sees("id=n_")
    ui.session.send_event(event("RESUME"))
    ui.session.send_event(
        event("DEVICE_DELETED", 5.321, device="net1", path="/machine/peripheral/net1")
    )
    await ui.matches("live")


@on_screen(*SIZES)
async def test_events_of_all_kinds(ui: ScreenHarness) -> None:
    for _ in range(37):
        ui.session.send_event(event("RTC_CHANGE", offset=12))
    ui.session.send_event(event("STOP", 0.25))
    ui.session.send_event(
        event("BLOCK_IO_ERROR", 0.5, device="disk0", reason="No space left", a=1, b=2)
    )
    await ui.matches("events")


@on_screen(*SIZES)
async def test_the_completion_menu_over_both_panes(ui: ScreenHarness) -> None:
    ui.session.send_event(event("STOP"))
    ui.session.candidates = [
        Candidate("file=", 26, "BlockdevRef", "the data source block device", True),
        Candidate("force-share=", 26, "bool", "share all permissions", unstable=True),
        Candidate("fd-x=", 26, "off | on", "", deprecated=True),
    ]
    ui.keys("blockdev-add driver=qcow2 f\t")
    await ui.sees("BlockdevRef")
    await ui.matches("menu")


@on_screen(*SIZES)
async def test_a_long_reply_is_folded(ui: ScreenHarness) -> None:
    script_of_the_day(ui)
    ui.keys("query-x\r")
    await ui.sees("more lines")
    await ui.matches("folded")


@on_screen(*SIZES)
async def test_scrolled_back_while_new_lines_come(ui: ScreenHarness) -> None:
    script_of_the_day(ui)
    ui.session.script["late"] = held("late", Note("\n".join(["one", "two", "three"])))
    for _ in range(8):
        ui.keys("query-status\r")
    ui.keys("late\r")
    await ui.until(lambda: ui.session.running is not None)
    ui.keys("\x1b[5~\x1b[5~")
    await ui.until(lambda: not ui.screen.output.view.is_following)
    ui.session.send_reply("late")
    await ui.sees("3 new")
    await ui.matches("scrolled")


@on_screen(*SIZES)
async def test_hmp_mode(ui: ScreenHarness) -> None:
    ui.session.script[".hmp"] = changes_prompt("(QEMU) ", "(hmp) ")
    ui.session.script["info status"] = answers(
        Answer(
            "human-monitor-command",
            text="VM status: running",
            value="",
            size=34,
            seconds=0.0004,
        )
    )
    ui.keys("\x1b[18~")
    await ui.sees("(hmp)")
    ui.keys("info status\r")
    await ui.sees("VM status")
    await ui.matches("hmp")


@on_screen(*SIZES)
async def test_the_vm_has_ended(ui: ScreenHarness) -> None:
    ui.session.send_event(Event("SHUTDOWN", {"guest": True, "reason": "guest-shutdown"}, WALL, {}))
    ui.session.drop_connection()
    await ui.sees("ended")
    await ui.matches("ended")


@on_screen(*SIZES)
async def test_the_vm_is_back(ui: ScreenHarness) -> None:
    ui.session.machine.shutdown_reason = "killed or crashed"
    ui.session.drop_connection()
    await ui.sees("reconnecting")
    ui.session.reconnect("reconnected to vm1 (QEMU 7.2.22)")
    await ui.sees("running")
    await ui.matches("reconnected")


@on_screen((80, 24))
async def test_another_vm_is_there(ui: ScreenHarness) -> None:
    ui.session.machine.shutdown_reason = "SHUTDOWN host-signal"
    ui.session.drop_connection()
    await ui.sees("reconnecting")
    ui.session.reconnect(
        "reconnected, but this is another VM: vm2 (QEMU 7.2.22); the next line asks before"
        " it runs there",
        "vm2",
        Tone.ALARMING,
    )
    ask = Ask("this is another VM: vm2; run it there?", (("n", "no"), ("y", "yes")))
    ui.session.script["stop"] = asks(ask, lambda session, key: Outcome())
    await ui.sees("running")
    ui.keys("stop\r")
    await ui.matches("another")


@on_screen(*SIZES)
async def test_inside_a_transaction(ui: ScreenHarness) -> None:
    ui.session.script["transaction("] = changes_prompt("(QEMU) ", "TRANS> ")
    ui.session.script["blockdev-snapshot-sync device=a"] = answers()
    ui.keys("transaction(\r")
    await ui.sees("TRANS>")
    ui.keys("blockdev-snapshot-sync device=a\r")
    await ui.until(lambda: len(ui.session.lines) == 2)
    await ui.matches("trans")


@on_screen(*SIZES)
async def test_a_question_in_the_prompts_place(ui: ScreenHarness) -> None:
    choices = (("l", "leave the shell"), ("q", "quit the VM"), ("c", "cancel"))
    ui.session.script["quit"] = asks(
        Ask("quit ends the VM.", choices), lambda session, key: Outcome()
    )
    ui.keys("quit\r")
    await ui.sees("[l]eave")
    await ui.matches("question")


@on_screen(*SIZES)
async def test_a_wrong_line(ui: ScreenHarness) -> None:
    line = "device_add driver=virtio-rng-pci id"
    ui.session.script[line] = refused(
        LineSyntaxError("id has no value: write id=VALUE", line, (33, 35))
    )
    ui.keys(f"{line}\r")
    await ui.sees("no value")
    await ui.matches("wrong")


@on_screen(*SIZES)
async def test_a_command_that_takes_its_time(ui: ScreenHarness) -> None:
    ui.session.script["migrate uri=x"] = held("migrate uri=x")
    ui.keys("migrate uri=x\r")
    await ui.until(lambda: ui.session.running is not None)
    ui.now += 64.0
    ui.keys("stop\r")
    await ui.sees("1:04")
    await ui.matches("running")


@on_screen(*SIZES)
async def test_the_key_sheet(ui: ScreenHarness) -> None:
    ui.keys("\x1bh")
    await ui.sees("F1")
    await ui.matches("keys")


@on_screen((60, 14))
async def test_a_line_over_several_rows(ui: ScreenHarness) -> None:
    ui.keys('blockdev-add {\rdriver: "qcow2",\rfile: {')
    await ui.matches("multiline")


@on_screen((60, 12))
async def test_events_zoomed(ui: ScreenHarness) -> None:
    ui.session.send_event(event("DEVICE_DELETED", device="net1", path="/machine/peripheral/n"))
    ui.keys("\x1bz")
    await ui.matches("zoomed")


async def show_progress(ui: ScreenHarness) -> None:
    """Let two jobs be under way before the VM's name is known."""
    ui.session.works = [
        Work("backup j0", WorkState.RUNNING, 0.68, 212e6, 4.2),
        Work("mirror m0", WorkState.READY, 1.0),
    ]
    await ui.is_named()


@on_screen((100, 8), (60, 8), prepare=show_progress)
async def test_work_in_progress(ui: ScreenHarness) -> None:
    await ui.matches("progress-utf8")


@on_screen((100, 8), (60, 8), glyphs=ASCII, prepare=show_progress)
async def test_work_in_progress_without_utf8(ui: ScreenHarness) -> None:
    await ui.matches("progress-ascii")


@on_screen((80, 12), glyphs=ASCII)
async def test_without_utf8(ui: ScreenHarness) -> None:
    script_of_the_day(ui)
    for _ in range(3):
        ui.session.send_event(event("RTC_CHANGE"))
    ui.keys("query-x\r")
    await ui.sees("more lines")
    await ui.matches("ascii")
    assert ui.picture().isascii()


@on_screen((100, 14), prepare=None)
async def test_what_the_vm_says_is_shown_and_not_obeyed(ui: ScreenHarness) -> None:
    ui.session.send_facts(name="\x1b]0;evil\x07\u202evm")
    ui.session.script["query-name"] = answers(
        Answer("query-name", value={"name": "\x1b[2J\u202e"}, size=40, seconds=0.0004)
    )
    ui.session.script["bad"] = answers(
        Answer("bad", failed=True, text="Evil\x1b[5m: \x9b31mred\r\nnext", size=40)
    )
    ui.keys("query-name\rbad\r")
    ui.session.send_event(event("EVIL\x1b[1m", id="a\x1bc\nb"))
    await ui.sees("next")
    await ui.matches("unsafe")


@on_screen((120, 40))
async def test_another_size(ui: ScreenHarness) -> None:
    script_of_the_day(ui)
    ui.keys("query-status\rdevice_del id=net9\r")
    await ui.sees("not found")
    ui.resize(80, 24)
    await ui.matches("resized")
