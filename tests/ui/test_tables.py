"""A table on the screen: laid out again whenever its pane gets another width."""

from __future__ import annotations

from qmpsh.jsontypes import Json
from qmpsh.shell.steps import Answer
from tests.ui.fakes import TABLE, answers
from tests.ui.harness import ScreenHarness, on_screen
from tests.ui.keycodes import F2

NODES: Json = [
    {
        "iops_rd": 0,
        "detect_zeroes": "off",
        "image": {"filename": f"/images/{name}.raw", "format": "raw"},
        "ro": False,
        "node-name": name,
        "drv": "raw",
    }
    for name in ("disk0", "disk1")
]


# What the terminal shows of it, by its columns.
PICTURES = {
    80: [
        "node-name  drv  ro     iops_rd  detect_zeroes  image",
        'disk0      raw  false        0  off            {"filename": "/images/disk0.raw"…',
        'disk1      raw  false        0  off            {"filename": "/images/disk1.raw"…',
    ],
    120: [
        "node-name  drv  ro     iops_rd  detect_zeroes  image                             │",
        'disk0      raw  false        0  off            {"filename": "/images/disk0.raw"… │',
        'disk1      raw  false        0  off            {"filename": "/images/disk1.raw"… │',
    ],
    60: [
        "node-name  drv  ro     iops_rd  detect_zeroes  +1",
        "disk0      raw  false        0  off",
        "disk1      raw  false        0  off",
    ],
}


@on_screen((80, 16), prepare=None)
async def test_a_table_follows_the_width_of_its_pane(ui: ScreenHarness) -> None:
    table = Answer("query-x", value=NODES, size=800, modifiers=TABLE)
    ui.session.script["query-x --table"] = answers(table)
    ui.keys("query-x --table\r")
    for columns, rows in [*PICTURES.items(), *PICTURES.items()]:
        ui.resize(columns, 16)
        await ui.sees("\n".join(rows) + "\n")
    ui.resize(120, 16)
    await ui.sees("\n".join(PICTURES[120]))
    ui.keys(F2)
    await ui.sees('"format": "raw"}')
