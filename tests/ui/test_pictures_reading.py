"""What reading looks like: a table, a search, a selected event, a menu that offers itself."""

from __future__ import annotations

import asyncio

import pytest

from qmpsh.complete.candidates import Candidate
from qmpsh.jsontypes import Json
from qmpsh.language.syntax import Modifiers
from qmpsh.protocol.messages import Event
from qmpsh.shell.steps import Answer
from tests.ui.fakes import answers
from tests.ui.stage import WALL, stage

TABLE = Modifiers(formats=frozenset({"table"}))

at_two_sizes = pytest.mark.parametrize("columns, rows", [(100, 20), (60, 14)])

CHARDEVS: Json = [
    {"frontend-open": True, "filename": "unix:/run/vm1.sock,server=on", "label": "compat_monitor0"},
    {"frontend-open": False, "filename": "vc", "label": "parallel0", "bytes": 1024},
    {"frontend-open": False, "filename": "null", "label": "日本\x1b[2J", "bytes": 7},
]


@at_two_sizes
def test_a_table(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            on.session.learn()
            await on.sees("vm1")
            on.session.script["query-chardev --table"] = answers(
                Answer(
                    "query-chardev",
                    value=CHARDEVS,
                    size=300,
                    modifiers=TABLE,
                )
            )
            on.keys("query-chardev --table\r")
            await on.sees("compat")
            await on.matches(f"table-{columns}x{rows}")

    asyncio.run(scene())


@at_two_sizes
def test_a_search(columns: int, rows: int) -> None:
    async def scene() -> None:
        async with stage(columns, rows) as on:
            on.session.learn()
            await on.sees("vm1")
            value: Json = [{"name": f"command-{number}"} for number in range(200)]
            on.session.script["query-commands"] = answers(
                Answer("query-commands", value=value, size=4321)
            )
            on.keys("query-commands\rquery-st\x1b/command-12")
            await on.sees(" of 11 lines")
            on.keys("\r\r")
            await on.sees("3 of 11 lines")
            await on.matches(f"search-{columns}x{rows}")

    asyncio.run(scene())


def test_a_selected_event_and_its_json() -> None:
    async def scene() -> None:
        async with stage(100, 20) as on:
            on.session.learn()
            await on.sees("vm1")
            raw: Json = {
                "event": "DEVICE_DELETED",
                "data": {"device": "net1", "path": "/machine/peripheral/net1"},
                "timestamp": {"seconds": 1_763_677_831, "microseconds": 120_000},
            }
            assert isinstance(raw, dict)
            data = {"device": "net1", "path": "/machine/peripheral/net1"}
            on.session.tell(Event("DEVICE_DELETED", dict(data), WALL, raw))
            on.session.tell(Event("STOP", {}, WALL, {}))
            await on.sees("STOP")
            on.keys("\x1b[1;5A\x1b[1;5A\r")
            await on.sees('"microseconds"')
            await on.matches("event-100x20")

    asyncio.run(scene())


def test_a_menu_that_offers_itself_above_a_line_of_several_rows() -> None:
    async def scene() -> None:
        async with stage(80, 14) as on:
            on.session.learn()
            await on.sees("vm1")
            on.session.candidates = [
                Candidate("force-share: ", 32, "bool", "share all permissions"),
                Candidate("file: ", 32, "BlockdevRef", "the data source", True),
            ]
            on.keys("blockdev-add node-name=a file={\rf")
            await on.sees("BlockdevRef")
            await on.matches("offer-80x14")

    asyncio.run(scene())
