"""What the screen looks like, as text drawings at several sizes.

A drawing in `pictures/` is what a terminal shows; `_` is the cursor where it stands on a blank.
"""

from __future__ import annotations

import asyncio

import pytest

from qmpsh.complete.candidates import Candidate
from qmpsh.errors import LineSyntaxError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Event
from qmpsh.render.theme import ASCII, UNICODE, Glyphs
from qmpsh.shell.progress import Work, WorkState
from qmpsh.shell.session.connection import Tone
from qmpsh.shell.steps import Answer, Ask, Note, Outcome
from tests.ui.fakes import answers, asks, changes_prompt, held, refused
from tests.ui.stage import WALL, Setting, Stage, stage

SIZES = [(80, 24), (120, 40), (40, 10)]
STATUS: Json = {"status": "running", "running": True}

at_every_size = pytest.mark.parametrize("columns, rows", SIZES)


def event(name: str, later: float = 0.0, **data: str | int) -> Event:
    values: JsonObject = dict(data)
    return Event(name, values, WALL + later, {})


async def started(on: Stage) -> None:
    """The background replies have come."""
    on.session.learn()
    await on.sees("vm1")


def script_of_the_day(on: Stage) -> None:
    """The lines that the pictures run."""
    script = on.session.script
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


@at_every_size
def test_start(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            await on.matches(f"start-{columns}x{rows}")

    asyncio.run(scene())


def test_before_anything_is_known() -> None:
    async def scene() -> None:
        async with stage(80, 24) as on:
            await on.matches("start-unknown-80x24")

    asyncio.run(scene())


@at_every_size
def test_a_reply_and_a_live_event_beside_a_half_typed_line(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            script_of_the_day(on)
            on.session.hints["device_add driver=virtio-net-pci id=n"] = [
                ("hint", "device_add  driver*: str  bus: str  [id: str]  +72 of virtio-net-pci")
            ]
            on.keys("query-status\rdevice_del id=net9\r")
            await on.sees("not found")
            on.keys("device_add driver=virtio-net-pci id=n")
            await on.sees("id=n_")
            on.session.tell(event("RESUME"))
            on.session.tell(
                event("DEVICE_DELETED", 5.321, device="net1", path="/machine/peripheral/net1")
            )
            await on.matches(f"live-{columns}x{rows}")

    asyncio.run(scene())


@at_every_size
def test_events_of_all_kinds(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            for _ in range(37):
                on.session.tell(event("RTC_CHANGE", offset=12))
            on.session.tell(event("STOP", 0.25))
            on.session.tell(
                event("BLOCK_IO_ERROR", 0.5, device="disk0", reason="No space left", a=1, b=2)
            )
            await on.matches(f"events-{columns}x{rows}")

    asyncio.run(scene())


@at_every_size
def test_the_completion_menu_over_both_panes(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            on.session.tell(event("STOP"))
            on.session.candidates = [
                Candidate("file=", 26, "BlockdevRef", "the data source block device", True),
                Candidate("force-share=", 26, "bool", "share all permissions", unstable=True),
                Candidate("fd-x=", 26, "off | on", "", deprecated=True),
            ]
            on.keys("blockdev-add driver=qcow2 f\t")
            await on.sees("BlockdevRef")
            await on.matches(f"menu-{columns}x{rows}")

    asyncio.run(scene())


@at_every_size
def test_a_long_reply_is_folded(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            script_of_the_day(on)
            on.keys("query-x\r")
            await on.sees("more lines")
            await on.matches(f"folded-{columns}x{rows}")

    asyncio.run(scene())


@at_every_size
def test_scrolled_back_while_new_lines_come(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            script_of_the_day(on)
            on.session.script["late"] = held("late", Note("\n".join(["one", "two", "three"])))
            for _ in range(8):
                on.keys("query-status\r")
            on.keys("late\r")
            await on.until(lambda: on.session.running is not None)
            on.keys("\x1b[5~\x1b[5~")
            await on.until(lambda: not on.screen.output.view.following)
            on.session.release("late")
            await on.sees("3 new")
            await on.matches(f"scrolled-{columns}x{rows}")

    asyncio.run(scene())


@at_every_size
def test_hmp_mode(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            on.session.script[".hmp"] = changes_prompt("(QEMU) ", "(hmp) ")
            on.session.script["info status"] = answers(
                Answer(
                    "human-monitor-command",
                    text="VM status: running",
                    value="",
                    size=34,
                    seconds=0.0004,
                )
            )
            on.keys("\x1b[18~")
            await on.sees("(hmp)")
            on.keys("info status\r")
            await on.sees("VM status")
            await on.matches(f"hmp-{columns}x{rows}")

    asyncio.run(scene())


@at_every_size
def test_the_vm_has_ended(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            on.session.tell(
                Event("SHUTDOWN", {"guest": True, "reason": "guest-shutdown"}, WALL, {})
            )
            on.session.lose()
            await on.sees("ended")
            await on.matches(f"ended-{columns}x{rows}")

    asyncio.run(scene())


@at_every_size
def test_the_vm_is_back(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            on.session.machine.farewell = "killed or crashed"
            on.session.lose()
            await on.sees("reconnecting")
            on.session.come_back("reconnected to vm1 (QEMU 7.2.22)")
            await on.sees("running")
            await on.matches(f"reconnected-{columns}x{rows}")

    asyncio.run(scene())


def test_another_vm_is_there() -> None:
    async def scene() -> None:
        async with stage(80, 24) as on:
            await started(on)
            on.session.machine.farewell = "SHUTDOWN host-signal"
            on.session.lose()
            await on.sees("reconnecting")
            on.session.come_back(
                "reconnected, but this is another VM: vm2 (QEMU 7.2.22); the next line asks before"
                " it runs there",
                "vm2",
                Tone.ALARMING,
            )
            ask = Ask("this is another VM: vm2; run it there?", (("n", "no"), ("y", "yes")))
            on.session.script["stop"] = asks(ask, lambda session, key: Outcome())
            await on.sees("running")
            on.keys("stop\r")
            await on.matches("another-80x24")

    asyncio.run(scene())


@at_every_size
def test_inside_a_transaction(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            on.session.script["transaction("] = changes_prompt("(QEMU) ", "TRANS> ")
            on.session.script["blockdev-snapshot-sync device=a"] = answers()
            on.keys("transaction(\r")
            await on.sees("TRANS>")
            on.keys("blockdev-snapshot-sync device=a\r")
            await on.until(lambda: len(on.session.lines) == 2)
            await on.matches(f"trans-{columns}x{rows}")

    asyncio.run(scene())


@at_every_size
def test_a_question_in_the_prompts_place(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            choices = (("l", "leave the shell"), ("q", "quit the VM"), ("c", "cancel"))
            on.session.script["quit"] = asks(
                Ask("quit ends the VM.", choices), lambda session, key: Outcome()
            )
            on.keys("quit\r")
            await on.sees("[l]eave")
            await on.matches(f"question-{columns}x{rows}")

    asyncio.run(scene())


@at_every_size
def test_a_wrong_line(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            line = "device_add driver=virtio-rng-pci id"
            on.session.script[line] = refused(
                LineSyntaxError("id has no value: write id=VALUE", line, (33, 35))
            )
            on.keys(f"{line}\r")
            await on.sees("no value")
            await on.matches(f"wrong-{columns}x{rows}")

    asyncio.run(scene())


@at_every_size
def test_a_command_that_takes_its_time(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            on.session.script["migrate uri=x"] = held("migrate uri=x")
            on.keys("migrate uri=x\r")
            await on.until(lambda: on.session.running is not None)
            on.now += 64.0
            on.keys("stop\r")
            await on.sees("1:04")
            await on.matches(f"running-{columns}x{rows}")

    asyncio.run(scene())


@at_every_size
def test_the_key_sheet(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            await started(on)
            on.keys("\x1bh")
            await on.sees("F1")
            await on.matches(f"keys-{columns}x{rows}")

    asyncio.run(scene())


def test_a_line_over_several_rows() -> None:
    async def scene() -> None:
        async with stage(60, 14) as on:
            await started(on)
            on.keys('blockdev-add {\rdriver: "qcow2",\rfile: {')
            await on.matches("multiline-60x14")

    asyncio.run(scene())


def test_events_zoomed() -> None:
    async def scene() -> None:
        async with stage(60, 12) as on:
            await started(on)
            on.session.tell(event("DEVICE_DELETED", device="net1", path="/machine/peripheral/n"))
            on.keys("\x1bz")
            await on.matches("zoomed-60x12")

    asyncio.run(scene())


@pytest.mark.parametrize("columns", [100, 60])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["utf8", "ascii"])
def test_work_in_progress(columns: int, glyphs: Glyphs) -> None:
    async def scene() -> None:
        async with stage(columns, 8, Setting(glyphs=glyphs)) as on:
            on.session.works = [
                Work("backup j0", WorkState.RUNNING, 0.68, 212e6, 4.2),
                Work("mirror m0", WorkState.READY, 1.0),
            ]
            await started(on)
            kind = "ascii" if glyphs is ASCII else "utf8"
            await on.matches(f"progress-{kind}-{columns}x8")

    asyncio.run(scene())


def test_without_utf8() -> None:
    async def scene() -> None:
        async with stage(80, 12, Setting(glyphs=ASCII)) as on:
            await started(on)
            script_of_the_day(on)
            for _ in range(3):
                on.session.tell(event("RTC_CHANGE"))
            on.keys("query-x\r")
            await on.sees("more lines")
            await on.matches("ascii-80x12")
            assert on.picture().isascii()

    asyncio.run(scene())


def test_what_the_vm_says_is_shown_and_not_obeyed() -> None:
    async def scene() -> None:
        async with stage(100, 14) as on:
            on.session.learn(name="\x1b]0;evil\x07\u202evm")
            on.session.script["query-name"] = answers(
                Answer("query-name", value={"name": "\x1b[2J\u202e"}, size=40, seconds=0.0004)
            )
            on.session.script["bad"] = answers(
                Answer("bad", failed=True, text="Evil\x1b[5m: \x9b31mred\r\nnext", size=40)
            )
            on.keys("query-name\rbad\r")
            on.session.tell(event("EVIL\x1b[1m", id="a\x1bc\nb"))
            await on.sees("next")
            await on.matches("unsafe-100x14")

    asyncio.run(scene())


def test_another_size() -> None:
    async def scene() -> None:
        async with stage(120, 40) as on:
            await started(on)
            script_of_the_day(on)
            on.keys("query-status\rdevice_del id=net9\r")
            await on.sees("not found")
            on.resize(80, 24)
            await on.matches("resized-80x24")

    asyncio.run(scene())
