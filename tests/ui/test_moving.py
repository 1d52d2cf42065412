"""Moving in the output and the events, and taking replies out of it, by keys."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Event
from qmpsh.shell.steps import Answer
from qmpsh.ui.common.external import LIMIT, copy_sequence
from tests.ui.fakes import answers
from tests.ui.stage import WALL, Stage, stage

ESCAPE, SHIFT_TAB, CTRL_C, CTRL_D = "\x1b", "\x1b[Z", "\x03", "\x04"
ALT_SLASH, ALT_UP, ALT_DOWN, ALT_C, ALT_S = "\x1b/", "\x1b[1;3A", "\x1b[1;3B", "\x1bc", "\x1bs"
CTRL_UP, CTRL_DOWN, F2 = "\x1b[1;5A", "\x1b[1;5B", "\x1bOQ"
F8, CTRL_END = "\x1b[19~", "\x1b[1;5F"


def on_stage(scene: Callable[[Stage], Awaitable[None]]) -> None:
    """Run a scene on a screen that has the answers of three long commands."""

    async def run() -> None:
        async with stage(100, 20) as on:
            on.session.learn()
            await on.sees("vm1")
            for name in ("first", "second", "third"):
                value: Json = [f"{name} {number}" for number in range(60)]
                on.session.script[name] = answers(Answer(name, value=value, size=900))
                on.keys(f"{name}\r")
            await on.until(lambda: len(on.session.lines) == 3)
            await scene(on)

    asyncio.run(run())


def top(on: Stage) -> str:
    return on.picture().split("\n")[0].partition("│")[0].strip()


def test_a_search_goes_to_what_is_folded_and_on() -> None:
    async def scene(on: Stage) -> None:
        on.keys("half a line" + ALT_SLASH + "SECOND 5")
        await on.sees("not found")
        on.keys("\x15second 5")
        await on.sees("2 of 11 lines")  # the first is "second 5" itself, above what was in view
        on.keys("\r")
        await on.sees("3 of 11 lines")
        assert '"second 51"' in on.picture()
        on.keys(SHIFT_TAB + SHIFT_TAB)
        await on.sees("1 of 11 lines")
        assert '"second 5"' in on.picture()
        on.keys(ESCAPE)
        await on.until(lambda: "search output" not in on.picture())
        assert '"second 5"' in on.picture()
        assert on.screen.buffer.text == "half a line"
        on.keys(" more")
        await on.sees("half a line more")

    on_stage(scene)


def test_enter_on_an_empty_search_repeats_the_last_one() -> None:
    async def scene(on: Stage) -> None:
        on.keys(ALT_SLASH + "first 1")
        await on.sees(" of 11 lines")
        on.keys(CTRL_C + ALT_SLASH)
        await on.sees("Enter: first 1; Esc leaves")
        on.keys("\r")
        await on.sees(" of 11 lines")
        on.keys(CTRL_D)  # deletes at the cursor: leaving the shell is the prompt's
        on.keys(ESCAPE)
        await on.until(lambda: not on.screen.screen.entry.is_open)
        on.keys("stop\r")
        await on.until(lambda: on.session.lines[-1] == "stop")

    on_stage(scene)


def test_from_reply_to_reply() -> None:
    async def scene(on: Stage) -> None:
        assert top(on) != "(QEMU) third"
        on.keys(ALT_UP)
        await on.until(lambda: top(on).startswith("(QEMU) second"))
        on.keys(ALT_UP)
        await on.until(lambda: top(on).startswith("(QEMU) first"))
        on.keys(ALT_UP + ALT_DOWN)
        await on.until(lambda: top(on).startswith("(QEMU) second"))
        on.keys(ALT_DOWN + ALT_DOWN)
        await on.until(lambda: on.screen.output.view.following)

    on_stage(scene)


def test_the_last_reply_is_copied() -> None:
    async def scene(on: Stage) -> None:
        written: list[str] = []
        on.screen.app.output.write_raw = written.append  # type: ignore[assignment] # to see it
        on.keys(ALT_C)
        await on.until(lambda: written)
        sequence = next(text for text in written if text.startswith("\x1b]52;c;"))
        text = base64.b64decode(sequence.removeprefix("\x1b]52;c;").removesuffix("\x07")).decode()
        assert text.startswith('[\n  "third 0",')
        assert on.screen.screen.flash.startswith("copied ")

    on_stage(scene)


def test_what_is_too_long_is_not_copied() -> None:
    async def scene(on: Stage) -> None:
        on.session.script["long"] = answers(Answer("long", value="x" * LIMIT, size=LIMIT))
        on.keys("long\r")
        await on.until(lambda: on.session.lines[-1] == "long")
        on.keys(ALT_C)
        await on.sees("longer than 75 kB, a terminal would not take it: Alt-s saves")

    on_stage(scene)


def test_the_sequence_is_bounded() -> None:
    assert copy_sequence("ä") == "\x1b]52;c;w6Q=\x07"
    longest = copy_sequence("x" * LIMIT)
    assert longest is not None
    assert len(longest) <= 100_000
    assert copy_sequence("x" * (LIMIT + 1)) is None
    assert copy_sequence("\ud800") == "\x1b]52;c;Pw==\x07"


def test_the_last_reply_is_saved_and_no_file_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "reply.json"

    async def scene(on: Stage) -> None:
        on.keys(ALT_S + "~/reply.json\r")
        await on.sees("written to ~/reply.json, 833 B")
        assert path.read_text().startswith('[\n  "third 0",')
        path.write_text("mine")
        on.keys(ALT_S + "~/reply.json\r")
        await on.sees("it exists: Enter replaces it")
        assert path.read_text() == "mine"
        on.keys("\r")
        await on.until(lambda: path.read_text() != "mine")
        on.keys(ALT_S + "/no/such/folder\r")
        await on.sees("No such file or directory")
        on.keys("\x15\r")
        await on.until(lambda: "save the reply" not in on.picture())

    on_stage(scene)


def test_before_the_first_reply_there_is_nothing_to_take() -> None:
    async def run() -> None:
        async with stage(100, 20) as on:
            on.keys(ALT_C)
            await on.sees("there is no reply yet")
            on.keys("x\x7f")
            await on.until(lambda: "there is no reply yet" not in on.picture())
            on.keys(ALT_S)
            await on.sees("there is no reply yet")

    asyncio.run(run())


def test_the_wheel_scrolls_the_pane_under_it() -> None:
    async def scene(on: Stage) -> None:
        app, screen = on.screen.app, on.screen.screen
        assert not app.renderer.mouse_support()
        on.keys(F8)
        await on.sees("mouse on: the wheel scrolls")
        assert app.renderer.mouse_support()
        on.keys("\x1b[<64;5;5M")
        await on.until(lambda: not screen.output.view.following)
        assert screen.events.view.following
        on.keys("\x1b[<65;5;5M")
        await on.until(lambda: screen.output.view.following)
        on.keys("\x1b[<0;5;5M\x1b[<0;5;5m" + F8)
        await on.sees("mouse off")

    on_stage(scene)


# ------------------------------------------------------------------------ events


def test_an_event_is_selected_and_opened() -> None:
    async def scene(on: Stage) -> None:
        raw: JsonObject = {"event": "SHUTDOWN", "data": {"guest": True}}
        on.session.tell(Event("SHUTDOWN", {"guest": True}, WALL, raw))
        on.session.tell(Event("STOP", {}, WALL, {"event": "STOP"}))
        await on.sees("STOP")
        on.keys(CTRL_UP + CTRL_UP)
        await on.sees("Enter on an empty line opens the event")
        on.keys("x\r")
        await on.until(lambda: on.session.lines[-1] == "x")
        on.keys("\r")
        await on.sees('  "event": "SHUTDOWN",')
        assert "event 22:30:31.120 SHUTDOWN" in on.picture()
        on.keys(CTRL_DOWN + "\r")
        await on.sees('  "event": "STOP"')
        on.keys(ESCAPE)
        await on.until(lambda: on.screen.screen.events.selected is None)
        on.keys("\r" + F2)
        await on.until(lambda: not on.screen.screen.events_shown)
        on.keys(CTRL_UP)
        await on.sees("the events are hidden: F3 shows them")
        assert on.screen.screen.events.selected is None

    on_stage(scene)


def test_the_title_shows_the_filter() -> None:
    async def scene(on: Stage) -> None:
        on.session.tell(Event("STOP", {}, WALL, {}))
        await on.sees("STOP")
        on.session.watcher.filter_events(("BLOCK_*", "\x1b[2J"))
        await on.sees("events 1  only BLOCK_* \\x1b[2J")
        assert "STOP" not in on.picture()

    on_stage(scene)
