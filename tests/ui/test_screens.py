"""The VM's screen in the panes: text in its colours, pictures, in place when watched."""

from __future__ import annotations

import pytest

from qmpsh.display.glyphs import read_text
from qmpsh.display.picture import Picture
from qmpsh.display.screen import Screen
from qmpsh.shell.steps import Answer, Outcome, Steps, WaitFor
from tests.display.drawing import FONT, draw
from tests.ui.fakes import FakeSession
from tests.ui.harness import LineHarness, ScreenHarness, on_line, on_screen
from tests.ui.keycodes import F5

LINE = ".screen --watch"


def showing(*lines: str, form: str = "auto") -> Answer:
    picture = draw([*lines], columns=30)
    text = read_text(picture, [FONT])
    return Answer("", text="\n".join(text.lines), screen=Screen(picture, text, form))


def shaded() -> Answer:
    """A picture: red from the left, blue from above."""
    pixels = b"".join(bytes((x, 0, 4 * y)) for y in range(64) for x in range(256))
    picture = Picture(256, 64, pixels)
    return Answer("", text="a picture", screen=Screen(picture, read_text(picture, [FONT])))


def watching(session: FakeSession) -> Steps:
    yield showing("login: root", "# ")
    yield WaitFor(lambda: "more" in session.replied)
    yield showing("login: root", "# date", "Mon", "#")
    yield WaitFor(lambda: "end" in session.replied)
    return Outcome()


async def watch(ui: ScreenHarness | LineHarness) -> None:
    """Run the line until it has shown both of its texts."""
    ui.session.script[LINE] = watching
    ui.keys(f"{LINE}\r")
    await ui.sees("login: root")
    ui.session.send_reply("more")
    await ui.sees("Mon")
    ui.session.send_reply("end")


@on_screen((80, 24), (40, 12), (120, 40))
async def test_a_picture(ui: ScreenHarness) -> None:
    await ui.is_named()
    ui.session.script[".screen"] = lambda session: one(shaded())
    ui.keys(".screen\r")
    await ui.sees("\u2580\u2580")
    await ui.matches("screen-picture")


@on_screen((80, 24), (120, 40))
async def test_a_text_is_drawn_in_place(ui: ScreenHarness) -> None:
    await ui.is_named()
    await watch(ui)
    await ui.until(lambda: ui.session.running is None)
    await ui.matches("screen-text")


@on_screen((80, 24))
async def test_a_picture_follows_the_size_of_the_window(ui: ScreenHarness) -> None:
    await ui.is_named()
    ui.session.script[".screen"] = lambda session: one(shaded())
    ui.keys(".screen\r")
    await ui.until(lambda: "\u2580" * 60 in ui.picture())
    ui.resize(40, 14)
    await ui.until(lambda: max(map(len, ui.lines())) <= 40)
    await ui.sees("\u2580" * 39)


@on_screen((80, 24))
async def test_the_terminal_shows_it_itself_until_enter(
    ui: ScreenHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    shown: list[int] = []

    def encode(picture: Picture, columns: int, rows: int) -> str:
        shown.append(columns)
        return ""

    monkeypatch.setattr("qmpsh.display.screen.ENCODERS", {"kitty": encode})
    await ui.is_named()
    ui.session.script[".screen"] = lambda session: one(shaded())
    ui.keys(".screen\r")
    await ui.sees("\u2580\u2580")
    ui.keys(F5)
    await ui.until(lambda: shown)
    assert shown == [32]
    assert ui.screen.state.is_paging
    ui.keys("\r")
    await ui.until(lambda: not ui.screen.state.is_paging)


@on_line
async def test_at_the_line_prompt_too(ui: LineHarness) -> None:
    await watch(ui)
    await ui.ends_with("(QEMU)")
    assert ui.picture().count("login: root") == 1


def one(answer: Answer) -> Steps:
    yield answer
    return Outcome()
