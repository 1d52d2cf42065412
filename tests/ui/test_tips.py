"""The tip on an empty line."""

from __future__ import annotations

import pytest

from qmpsh.errors import LineSyntaxError
from qmpsh.jsontypes import Json
from qmpsh.shell.steps import Answer
from qmpsh.ui.screen import tips
from qmpsh.ui.screen.tips import Happened, TipFacts, tip
from tests.ui.fakes import answers, refused
from tests.ui.harness import ScreenHarness, on_screen
from tests.ui.keycodes import ALT_UP

USUAL = TipFacts(usual="type")


@pytest.mark.parametrize(
    "facts, says",
    [
        (USUAL, "type"),
        (USUAL._replace(works=1), tips.WORKING),
        (USUAL._replace(works=1, migrating=True), tips.MIGRATING),
        (USUAL._replace(works=2, migrating=True), tips.WORKING),
        (USUAL._replace(works=2, happened=Happened.FOLD), tips.LONG),
        (USUAL._replace(happened=Happened.ERROR), tips.FAILED),
        (
            USUAL._replace(happened=Happened.ERROR, target="a\x1b", is_folded=True),
            "a\\x1b: F4 unfolds, F5 pager, Alt-c copy, Alt-s save",
        ),
        (USUAL._replace(target="stop"), "stop: F5 pager, Alt-c copy, Alt-s save"),
        (USUAL._replace(busy="migrate", target="stop"), "Ctrl-C detaches from migrate"),
    ],
)
def test_the_tip_is_on_what_happened(facts: TipFacts, says: str) -> None:
    assert tip(facts) == says


@on_screen()
async def test_tips_come_and_go_with_lines(ui: ScreenHarness) -> None:
    value: Json = list(range(100))
    ui.session.script["long"] = answers(Answer("long", value=value, size=900))
    ui.session.script["wrong"] = refused(LineSyntaxError("no", "wrong", (0, 5)))
    ui.keys("stop\rlong\r")
    await ui.sees(tips.LONG)
    ui.keys(ALT_UP)
    await ui.sees("stop: F5 pager")
    ui.keys("wrong\r")
    await ui.sees(tips.FAILED)
    ui.keys("stop\r")
    await ui.sees("type a command")
