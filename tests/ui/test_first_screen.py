"""The machine at a glance below the banner, at several sizes and in both front ends."""

from __future__ import annotations

import subprocess
import sys

from qmpsh.render.theme import ASCII
from qmpsh.shell.overview.first import FirstOverview
from qmpsh.shell.steps import Answer
from tests.overviews import answer, begun, whole
from tests.ui.fakes import answers
from tests.ui.harness import LineHarness, ScreenHarness, on_line, on_screen

SIZES = [(40, 12), (60, 20), (80, 24), (100, 30), (160, 45)]


def show(ui: ScreenHarness | LineHarness, overview: FirstOverview) -> None:
    """Let the overview be what is known of the machine."""

    def arrive() -> None:
        ui.session.overview = overview
        ui.session.watcher.refresh()

    ui.session.on_poll(arrive)


def colour(ui: ScreenHarness, text: str) -> str:
    """The colour of a text, which is in one row."""
    [(row, column)] = [
        (place, line.index(text)) for place, line in enumerate(ui.lines()) if text in line
    ]
    return str(ui.terminal.buffer[row][column].fg)


@on_screen(*SIZES)
async def test_the_first_screen(ui: ScreenHarness) -> None:
    show(ui, whole())
    await ui.sees("machine ")
    await ui.matches("machine")


@on_screen((80, 24), glyphs=ASCII)
async def test_the_first_screen_without_utf_8(ui: ScreenHarness) -> None:
    ui.session.preferences.change("events", "off")
    show(ui, whole())
    await ui.sees("free ports  rp1")
    assert "\n".join(ui.lines()).isascii()


@on_screen((160, 45))
async def test_two_columns_where_there_is_room(ui: ScreenHarness) -> None:
    ui.session.preferences.change("events", "off")
    show(ui, whole())
    await ui.sees("machine  pc-q35-7.2")
    await ui.matches("machine-wide")


@on_screen((100, 30))
async def test_rows_come_one_section_after_the_other(ui: ScreenHarness) -> None:
    overview = begun()
    answer(overview, "query-kvm")
    show(ui, overview)
    await ui.sees("machine  pc-q35-7.2")
    assert "state  " not in ui.picture()
    answer(overview)
    show(ui, overview)
    await ui.sees("state       prelaunch")
    await ui.sees("try  cont")
    first = ui.lines()[:14]
    ui.session.script["query-x"] = answers(Answer("query-x", value={"a": 1}, size=20))
    ui.keys("query-x\r")
    await ui.sees('"a": 1')
    assert ui.lines()[:14] == first


@on_screen((100, 30))
async def test_rows_are_dim_unless_they_have_changed(ui: ScreenHarness) -> None:
    before = {**whole().sums, "state state": 0}
    show(ui, whole(before))
    await ui.sees("try  cont")
    dim = colour(ui, "216 commands")
    assert colour(ui, "pc-q35-7.2") == dim
    assert colour(ui, "prelaunch · name") != dim
    assert colour(ui, "try  cont") == dim


@on_screen((100, 30))
async def test_it_is_hidden_while_it_is_off(ui: ScreenHarness) -> None:
    show(ui, whole())
    await ui.sees("try  cont")
    ui.session.preferences.change("overview", "off")
    ui.session.on_poll(ui.session.watcher.refresh)
    await ui.until(lambda: "try  cont" not in ui.picture())
    ui.session.preferences.change("overview", "on")
    ui.session.on_poll(ui.session.watcher.refresh)
    await ui.sees("try  cont")


@on_screen((100, 30))
async def test_the_transcript_has_all_of_it(ui: ScreenHarness) -> None:
    show(ui, whole())
    await ui.sees("try  cont")
    ui.keys("\x04")
    await ui.until(lambda: ui.has_ended)
    said = ui.stream.getvalue()
    assert "/var/lib/libvirt/images/web-042/root-2026-11-30.qcow2" in said
    assert "free ports" in said


@on_screen((100, 30))
async def test_what_was_not_answered(ui: ScreenHarness) -> None:
    overview = begun()
    answer(overview, "query-uuid")
    assert overview.on_time(1002.0)
    show(ui, overview)
    await ui.sees("cpu      no answer yet")
    assert "try" not in ui.picture()


@on_line
async def test_the_line_prompt_prints_it_once(ui: LineHarness) -> None:
    show(ui, whole())
    await ui.sees("try  cont")
    show(ui, whole())
    ui.keys("stop\r")
    await ui.sees("(QEMU) stop")
    assert ui.picture().count("free ports  rp1") == 1


@on_line
async def test_the_line_prompt_prints_nothing_below_a_line(ui: LineHarness) -> None:
    overview = begun()
    answer(overview, "query-kvm")
    overview.freeze()
    show(ui, overview)
    ui.keys("stop\r")
    await ui.sees("(QEMU) stop")
    assert "machine" not in ui.picture()


def test_the_prompt_does_not_wait_for_its_modules() -> None:
    code = (
        "import sys, qmpsh.cli.interactive, qmpsh.ui.screen.app, qmpsh.ui.line.app\n"
        "print(*sorted(name for name in sys.modules if 'overview' in name))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["qmpsh.shell.session.overview"]
