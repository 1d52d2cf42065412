"""Ctrl-R: the lines typed before as a list."""

from __future__ import annotations

import pytest

from qmpsh.ui.common.history import matching, newest_first
from qmpsh.ui.screen.history_list import HistoryMode
from tests.ui.harness import ScreenHarness, on_screen
from tests.ui.keycodes import CTRL_R, ESCAPE, UP


def test_newest_first_and_each_once() -> None:
    assert newest_first(["a", "b", "a", "c"]) == ["c", "a", "b"]


@pytest.mark.parametrize(
    "text,found",
    [
        ("", ["device_add Id=1", "device_del id=1", "stop"]),
        ("id", ["device_add Id=1", "device_del id=1"]),
        ("Id", ["device_add Id=1"]),
        ("1 del", ["device_del id=1"]),
        ("x", []),
    ],
)
def test_each_word_must_be_in_a_line(text: str, found: list[str]) -> None:
    assert matching(["device_add Id=1", "device_del id=1", "stop"], text) == found


def test_what_is_in_the_history_is_made_safe() -> None:
    mode = HistoryMode(["a\x1b[2J\nb" + "x" * 40], lambda line: None)
    ((row, *_),) = mode.rows(20, 5, "…")
    assert row[1].startswith(" a\\x1b[2J\\nb")
    assert len(row[1]) <= 20


async def typed_before(ui: ScreenHarness, *lines: str) -> None:
    ui.keys("".join(f"{line}\r" for line in lines))
    await ui.until(lambda: len(ui.session.lines) == len(lines))
    await ui.until(lambda: len(ui.screen.buffer.history.get_strings()) == len(lines))


@on_screen((80, 24))
async def test_the_list(ui: ScreenHarness) -> None:
    await typed_before(ui, "stop", *(f"device_del id=net{number}" for number in range(12)))
    ui.keys("dev" + CTRL_R + CTRL_R)
    await ui.sees("2/12")
    await ui.matches("history-list")
    ui.keys("net3")
    await ui.until(lambda: "1/1" not in ui.picture() and "not found" in ui.picture())
    ui.keys("\x7f" * 4 + UP)
    await ui.sees("1/12")
    ui.keys("\r")
    await ui.until(lambda: ui.screen.buffer.text == "device_del id=net11")
    assert len(ui.session.lines) == 13


@on_screen()
async def test_escape_leaves_what_was_typed(ui: ScreenHarness) -> None:
    await typed_before(ui, "stop")
    ui.keys("co" + CTRL_R)
    await ui.sees("not found")
    ui.keys(ESCAPE)
    await ui.until(lambda: not ui.screen.state.entry_row.is_open)
    assert ui.screen.buffer.text == "co"
