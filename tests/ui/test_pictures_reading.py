"""What reading looks like: a table, a search, a selected event, a menu that offers itself."""

from __future__ import annotations

import pytest

from qmpsh.complete.candidates import Candidate
from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Event
from qmpsh.shell.steps import Answer
from tests.ui.fakes import TABLE, WALL, answers
from tests.ui.harness import ScreenHarness, on_screen

at_two_sizes = pytest.mark.parametrize("columns, rows", [(100, 20), (60, 14)])

CHARDEVS: Json = [
    {"frontend-open": True, "filename": "unix:/run/vm1.sock,server=on", "label": "compat_monitor0"},
    {"frontend-open": False, "filename": "vc", "label": "parallel0", "bytes": 1024},
    {"frontend-open": False, "filename": "null", "label": "日本\x1b[2J", "bytes": 7},
]


@on_screen((100, 20), (60, 14))
async def test_a_table(ui: ScreenHarness) -> None:
    ui.session.script["query-chardev --table"] = answers(
        Answer("query-chardev", value=CHARDEVS, size=300, modifiers=TABLE)
    )
    ui.keys("query-chardev --table\r")
    await ui.sees("compat")
    await ui.matches("table")


@on_screen((100, 20), (60, 14))
async def test_a_search(ui: ScreenHarness) -> None:
    value: Json = [{"name": f"command-{number}"} for number in range(200)]
    ui.session.script["query-commands"] = answers(Answer("query-commands", value=value, size=4321))
    ui.keys("query-commands\rquery-st\x1b/command-12")
    await ui.sees(" of 11 lines")
    ui.keys("\r\r")
    await ui.sees("3 of 11 lines")
    await ui.matches("search")


@on_screen()
async def test_a_selected_event_and_its_json(ui: ScreenHarness) -> None:
    raw: Json = {
        "event": "DEVICE_DELETED",
        "data": {"device": "net1", "path": "/machine/peripheral/net1"},
        "timestamp": {"seconds": 1_763_677_831, "microseconds": 120_000},
    }
    assert isinstance(raw, dict)
    data = {"device": "net1", "path": "/machine/peripheral/net1"}
    ui.session.send_event(Event("DEVICE_DELETED", dict(data), WALL, raw))
    ui.session.send_event(Event("STOP", {}, WALL, {}))
    await ui.sees("STOP")
    ui.keys("\x1b[1;5A\x1b[1;5A\r")
    await ui.sees('"microseconds"')
    await ui.matches("event")


@on_screen((80, 14))
async def test_a_menu_that_offers_itself_above_a_line_of_several_rows(ui: ScreenHarness) -> None:
    ui.session.candidates = [
        Candidate("force-share: ", 32, "bool", "share all permissions"),
        Candidate("file: ", 32, "BlockdevRef", "the data source", True),
    ]
    ui.keys("blockdev-add node-name=a file={\rf")
    await ui.sees("BlockdevRef")
    await ui.matches("auto-menu")
