"""The live table as pictures, and its keys."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

import pytest

from qmpsh.errors import Busy
from qmpsh.top.record import Link, VmRecord
from tests.evil import EVIL, obeyed
from tests.top.samples import NOW, event, running, start_backup, target
from tests.top.still import StillScreen, still

Coroutine = Callable[[], Awaitable[None]]


def in_loop(test: Coroutine) -> Callable[[], None]:
    """Run a coroutine as a test."""

    @functools.wraps(test)
    def run() -> None:
        asyncio.run(test())  # type: ignore[arg-type]  # a coroutine is what it is

    return run


def crew() -> list[VmRecord]:
    """One that works, one that is paused, one that hangs, one that is busy."""
    works = running("db", cpu=1.04)
    start_backup(works)
    paused = running("web1", cpu=0.2, status="paused")
    paused.on_event(event("STOP"), NOW - 40)
    hung = running("web2")
    hung.asked_at = NOW - 12
    busy = VmRecord(target("web3"), NOW)
    busy.set_link(Link.BUSY, NOW, Busy("socat (pid 4711) holds this monitor"))
    return [works, paused, hung, busy]


@in_loop
async def test_80_columns() -> None:
    async with still(crew(), 80, 12) as (_, terminal):
        await terminal.matches("top")


@in_loop
async def test_60_columns() -> None:
    async with still(crew(), 60, 9) as (_, terminal):
        await terminal.matches("top")


@in_loop
async def test_120_columns_with_marks_and_details() -> None:
    async with still(crew(), 120, 14) as (_, terminal):
        terminal.keys(" d")
        await terminal.sees("── details")
        await terminal.matches("top-details")


@in_loop
async def test_the_selected_row_stays_on_the_screen() -> None:
    records = [running(f"vm{number}") for number in range(50)]
    async with still(records, 80, 12) as (screen, terminal):
        assert screen.state.page == 8
        terminal.keys("\x1b[F")
        await terminal.sees("vm49")
        assert screen.state.order.selected == target("vm49").text
        terminal.keys("\x1b[5~")
        await terminal.until(lambda: screen.state.order.place == 41)
        terminal.keys("\x1b[H")
        await terminal.sees(" vm0 ")


@in_loop
async def test_a_question_names_the_vms_and_no_is_no() -> None:
    async with still(crew(), 80, 12) as (screen, terminal):
        terminal.keys("X")
        await terminal.sees(" reset db? [y]es [n]o")
        terminal.keys("\r")
        await terminal.until(lambda: screen.state.asking is None)
        terminal.keys("*P")
        await terminal.sees(" power down 3 VMs: db, web[1-2]? [y]es [n]o")
        terminal.keys("n")
        await terminal.sees("Enter shell")


@in_loop
async def test_a_vm_that_takes_no_commands_is_not_asked_about() -> None:
    async with still(crew()[3:], 80, 12) as (screen, terminal):
        terminal.keys("p")
        await terminal.sees("none of them takes commands now")
        assert screen.state.asking is None


@in_loop
async def test_read_only_has_no_keys_that_change_something() -> None:
    async with still(crew(), 120, 12, read_only=True) as (screen, terminal):
        assert "p pause" not in terminal.picture()
        terminal.keys("XPp")
        terminal.keys("?")
        await terminal.sees("any key goes back")
        assert "X  reset" not in terminal.picture()
        assert screen.state.asking is None


@in_loop
async def test_the_filter_is_typed_in_the_last_row() -> None:
    async with still(crew(), 80, 12) as (screen, terminal):
        terminal.keys("/web1")
        await terminal.until(lambda: len(screen.state.order.rows) == 1)
        assert terminal.lines()[-1] == " filter web1"
        terminal.keys("\r")
        await terminal.sees("filter web1 · every 1 s")
        terminal.keys("/")
        await terminal.until(lambda: screen.entry)
        terminal.keys("\x03")
        await terminal.until(lambda: len(screen.state.order.rows) == 4)


@in_loop
async def test_nothing_fits() -> None:
    async with still(crew(), 80, 12) as (_, terminal):
        terminal.keys("/zzz\r")
        await terminal.sees("no VM fits the filter zzz")


def is_sorted_by(screen: StillScreen, name: str) -> bool:
    return screen.state.order.column.key == name


@in_loop
async def test_keys_sort() -> None:
    async with still(crew(), 80, 12) as (screen, terminal):
        for key, name in (("c", "cpu"), (">", "mem"), ("<", "cpu"), ("s", "state"), ("n", "name")):
            terminal.keys(key)
            await terminal.until(functools.partial(is_sorted_by, screen, name))
        terminal.keys("R")
        await terminal.sees("NAME↑")


@in_loop
async def test_frozen() -> None:
    records = crew()
    async with still(records, 80, 12) as (screen, terminal):
        terminal.keys("z")
        await terminal.sees("FROZEN")
        screen.records = records[:1]
        screen.draw()
        assert len(screen.state.order.rows) == 4
        terminal.keys("z")
        await terminal.until(lambda: len(screen.state.order.rows) == 1)


@in_loop
async def test_the_pace() -> None:
    async with still(crew(), 80, 12) as (screen, terminal):
        terminal.keys("+")
        await terminal.sees("every 2 s")
        terminal.keys("----")
        await terminal.sees("every 0.25 s")
        assert screen.watch.seconds == 0.25


@in_loop
async def test_events() -> None:
    async with still(crew(), 100, 14) as (screen, terminal):
        terminal.keys("e")
        await terminal.sees("no event so far")
        seen = event("BLOCK_IO_ERROR", device=EVIL)
        screen.state.on_event(screen.records[0], seen)
        screen.draw()
        await terminal.sees("BLOCK_IO_ERROR")
        assert not obeyed("".join(terminal.lines()))


@in_loop
async def test_a_hostile_vm_is_not_obeyed() -> None:
    record = running(EVIL, status=EVIL)
    record.machine.version = record.machine.server = EVIL
    record.on_event(event(EVIL, x=EVIL), NOW)
    async with still([record], 200, 20) as (screen, terminal):
        terminal.keys("d")
        await terminal.sees("── details")
        terminal.keys("X")
        await terminal.sees("[y]es")
        assert "pwned" in terminal.picture()
        assert not obeyed("".join(terminal.lines()))
        assert "\x1b]0;" not in terminal.sent
        assert screen.state.asking is not None


@in_loop
async def test_a_wide_name_takes_two_columns_a_character() -> None:
    async with still([running("虚拟机")], 80, 8) as (_, terminal):
        row = next(line for line in terminal.terminal.display if "虚" in line)
        assert row.startswith(" 虚拟机     running")


def test_a_garbled_screen_is_drawn_again() -> None:
    async def garble() -> None:
        async with still(crew(), 80, 12) as (_, terminal):
            before = terminal.lines()
            terminal.terminal.erase_in_display(2)
            assert terminal.lines() != before
            terminal.keys("\x0c")
            await terminal.until(lambda: terminal.lines() == before)

    asyncio.run(garble())


@pytest.mark.parametrize("keys, code", [("q", 0), ("\x04", 0), ("\x03", 130)])
def test_leaving(keys: str, code: int) -> None:
    async def leaves() -> None:
        async with still(crew(), 80, 12) as (screen, terminal):
            terminal.keys(keys)
            await terminal.until(lambda: screen.app.is_done or not screen.app.is_running)

    asyncio.run(leaves())


def mouse(button: int, column: int, row: int) -> str:
    """A button pressed, in the form of SGR; 64 and 65 are the wheel. column, row: from 0"""
    return f"\x1b[<{button};{column + 1};{row + 1}M"


@in_loop
async def test_the_mouse_selects_scrolls_and_sorts() -> None:
    records = [running(f"vm{number:02}", cpu=number / 50) for number in range(50)]
    async with still(records, 80, 12) as (screen, terminal):
        order = screen.state.order
        terminal.keys("\x1b[19~")  # F8
        await terminal.sees("mouse on: a click selects or sorts")
        terminal.keys(mouse(0, 5, 6))
        await terminal.until(lambda: order.place == 3)
        terminal.keys(mouse(65, 5, 6) * 3)
        await terminal.until(lambda: order.place == 12)
        terminal.keys(mouse(64, 5, 6))
        await terminal.until(lambda: order.place == 9)
        terminal.keys(mouse(0, terminal.lines()[2].index("%CPU"), 2))
        await terminal.until(lambda: order.column.key == "cpu")
        terminal.keys("X")
        await terminal.sees(" reset vm09? [y]es [n]o")
        terminal.keys(mouse(0, 5, 6) + mouse(65, 5, 6))
        terminal.keys("n")
        await terminal.until(lambda: screen.state.asking is None)
        assert order.selected == target("vm09").text


@in_loop
async def test_without_f8_the_mouse_is_the_terminals() -> None:
    async with still(crew(), 80, 12) as (screen, terminal):
        assert "\x1b[?1000h" not in terminal.sent
        screen.state.has_mouse = True
        screen.draw()
        await terminal.until(lambda: "\x1b[?1000h" in terminal.sent)
