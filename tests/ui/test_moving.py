"""Moving in the output and the events, and taking replies out of it, by keys."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Event
from qmpsh.shell.steps import Answer
from qmpsh.ui.common.external import CLIPBOARD_LIMIT_BYTES, copy_sequence
from tests.ui.fakes import WALL, answers
from tests.ui.harness import ScreenHarness, on_screen
from tests.ui.keycodes import (
    ALT_C,
    ALT_DOWN,
    ALT_S,
    ALT_SLASH,
    ALT_UP,
    CTRL_C,
    CTRL_D,
    CTRL_DOWN,
    CTRL_UP,
    ESCAPE,
    F2,
    F8,
    SHIFT_TAB,
)


async def three_replies(ui: ScreenHarness) -> None:
    """Run three commands with long answers."""
    await ui.is_named()
    for name in ("first", "second", "third"):
        value: Json = [f"{name} {number}" for number in range(60)]
        ui.session.script[name] = answers(Answer(name, value=value, size=900))
        ui.keys(f"{name}\r")
    await ui.until(lambda: len(ui.session.lines) == 3)


def top(ui: ScreenHarness) -> str:
    return ui.picture().split("\n")[0].partition("│")[0].strip()


@on_screen(prepare=three_replies)
async def test_a_search_goes_to_what_is_folded_and_on(ui: ScreenHarness) -> None:
    ui.keys("half a line" + ALT_SLASH + "SECOND 5")
    await ui.sees("not found")
    ui.keys("\x15second 5")
    await ui.sees("2 of 11 lines")  # the first is "second 5" itself, above what was in view
    ui.keys("\r")
    await ui.sees("3 of 11 lines")
    assert '"second 51"' in ui.picture()
    ui.keys(SHIFT_TAB + SHIFT_TAB)
    await ui.sees("1 of 11 lines")
    assert '"second 5"' in ui.picture()
    ui.keys(ESCAPE)
    await ui.until(lambda: "search output" not in ui.picture())
    assert '"second 5"' in ui.picture()
    assert ui.screen.buffer.text == "half a line"
    ui.keys(" more")
    await ui.sees("half a line more")


@on_screen(prepare=three_replies)
async def test_enter_on_an_empty_search_repeats_the_last_one(ui: ScreenHarness) -> None:
    ui.keys(ALT_SLASH + "first 1")
    await ui.sees(" of 11 lines")
    ui.keys(CTRL_C + ALT_SLASH)
    await ui.sees("Enter: first 1; Esc leaves")
    ui.keys("\r")
    await ui.sees(" of 11 lines")
    ui.keys(CTRL_D)  # deletes at the cursor: leaving the shell is the prompt's
    ui.keys(ESCAPE)
    await ui.until(lambda: not ui.screen.state.entry_row.is_open)
    ui.keys("stop\r")
    await ui.until(lambda: ui.session.lines[-1] == "stop")


@on_screen(prepare=three_replies)
async def test_from_reply_to_reply(ui: ScreenHarness) -> None:
    assert top(ui) != "(QEMU) third"
    ui.keys(ALT_UP)
    await ui.until(lambda: top(ui).startswith("(QEMU) second"))
    ui.keys(ALT_UP)
    await ui.until(lambda: top(ui).startswith("(QEMU) first"))
    ui.keys(ALT_UP + ALT_DOWN)
    await ui.until(lambda: top(ui).startswith("(QEMU) second"))
    ui.keys(ALT_DOWN + ALT_DOWN)
    await ui.until(lambda: ui.screen.output.view.is_following)


@on_screen(prepare=three_replies)
async def test_the_last_reply_is_copied(ui: ScreenHarness) -> None:
    ui.keys(ALT_C)
    await ui.until(lambda: "\x1b]52;c;" in ui.sent)
    sequence = ui.sent.partition("\x1b]52;c;")[2].partition("\x07")[0]
    text = base64.b64decode(sequence).decode()
    assert text.startswith('[\n  "third 0",')
    assert ui.screen.state.message.startswith("copied ")


@on_screen(prepare=three_replies)
async def test_what_is_too_long_is_not_copied(ui: ScreenHarness) -> None:
    ui.session.script["long"] = answers(
        Answer("long", value="x" * CLIPBOARD_LIMIT_BYTES, size=CLIPBOARD_LIMIT_BYTES)
    )
    ui.keys("long\r")
    await ui.until(lambda: ui.session.lines[-1] == "long")
    ui.keys(ALT_C)
    await ui.sees("longer than 75 kB, which no terminal takes; Alt-s saves it")


def test_the_sequence_is_bounded() -> None:
    assert copy_sequence("ä") == "\x1b]52;c;w6Q=\x07"
    longest = copy_sequence("x" * CLIPBOARD_LIMIT_BYTES)
    assert longest is not None
    assert len(longest) <= 100_000
    assert copy_sequence("x" * (CLIPBOARD_LIMIT_BYTES + 1)) is None
    assert copy_sequence("\ud800") == "\x1b]52;c;Pw==\x07"


@on_screen(prepare=three_replies)
async def test_the_last_reply_is_saved_and_no_file_is_lost(
    ui: ScreenHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "reply.json"
    ui.keys(ALT_S + "~/reply.json\r")
    await ui.sees("written to ~/reply.json, 833 B")
    assert path.read_text().startswith('[\n  "third 0",')
    path.write_text("mine")
    ui.keys(ALT_S + "~/reply.json\r")
    await ui.sees("the file exists: Enter replaces it")
    assert path.read_text() == "mine"
    ui.keys("\r")
    await ui.until(lambda: path.read_text() != "mine")
    ui.keys(ALT_S + "/no/such/folder\r")
    await ui.sees("No such file or directory")
    ui.keys("\x15\r")
    await ui.until(lambda: "save the reply" not in ui.picture())


@on_screen(prepare=None)
async def test_before_the_first_reply_there_is_nothing_to_take(ui: ScreenHarness) -> None:
    ui.keys(ALT_C)
    await ui.sees("there is no reply yet")
    ui.keys("x\x7f")
    await ui.until(lambda: "there is no reply yet" not in ui.picture())
    ui.keys(ALT_S)
    await ui.sees("there is no reply yet")


@on_screen(prepare=three_replies)
async def test_the_wheel_scrolls_the_pane_under_it(ui: ScreenHarness) -> None:
    app, screen = ui.screen.app, ui.screen.state
    assert not app.renderer.mouse_support()
    ui.keys(F8)
    await ui.sees("mouse on: the wheel scrolls")
    assert app.renderer.mouse_support()
    ui.keys("\x1b[<64;5;5M")
    await ui.until(lambda: not screen.output.view.is_following)
    assert screen.events.view.is_following
    ui.keys("\x1b[<65;5;5M")
    await ui.until(lambda: screen.output.view.is_following)
    ui.keys("\x1b[<0;5;5M\x1b[<0;5;5m" + F8)
    await ui.sees("mouse off")


# ------------------------------------------------------------------------ events


@on_screen(prepare=three_replies)
async def test_an_event_is_selected_and_opened(ui: ScreenHarness) -> None:
    raw: JsonObject = {"event": "SHUTDOWN", "data": {"guest": True}}
    ui.session.send_event(Event("SHUTDOWN", {"guest": True}, WALL, raw))
    ui.session.send_event(Event("STOP", {}, WALL, {"event": "STOP"}))
    await ui.sees("STOP")
    ui.keys(CTRL_UP + CTRL_UP)
    await ui.sees("Enter on an empty line opens the event")
    ui.keys("x\r")
    await ui.until(lambda: ui.session.lines[-1] == "x")
    ui.keys("\r")
    await ui.sees('  "event": "SHUTDOWN",')
    assert "event 22:30:31.120 SHUTDOWN" in ui.picture()
    ui.keys(CTRL_DOWN + "\r")
    await ui.sees('  "event": "STOP"')
    ui.keys(ESCAPE)
    await ui.until(lambda: ui.screen.state.events.selected is None)
    ui.keys("\r" + F2)
    await ui.until(lambda: not ui.screen.state.events_shown)
    ui.keys(CTRL_UP)
    await ui.sees("the events are hidden: F3 shows them")
    assert ui.screen.state.events.selected is None


@on_screen((140, 20), prepare=three_replies)
async def test_the_title_shows_the_filter(ui: ScreenHarness) -> None:
    ui.session.send_event(Event("STOP", {}, WALL, {}))
    await ui.sees("STOP")
    ui.session.watcher.filter_events(("BLOCK_*", "\x1b[2J"))
    await ui.sees("events 1  only BLOCK_* \\x1b[2J")
    assert "STOP" not in ui.picture()
