"""What help looks like, at the sizes of a small, a usual and a narrow window."""

from __future__ import annotations

from tests.samples import schema
from tests.ui.harness import ScreenHarness, on_screen
from tests.ui.keycodes import F1

SIZES = [(80, 24), (100, 30), (60, 20)]


@on_screen(*SIZES)
async def test_help_on_what_the_cursor_is_on(ui: ScreenHarness) -> None:
    declared = schema("10.0")
    ui.session.catalog.set_schema(declared.commands, declared)
    ui.keys("blockdev-add driver=qcow2 file" + F1)
    await ui.sees("F1 or Esc")
    await ui.matches("help")


@on_screen(*SIZES)
async def test_a_mark_on_an_empty_line_shows_the_keys(ui: ScreenHarness) -> None:
    ui.keys("?")
    await ui.sees("F1 or Esc")
    await ui.matches("sheet")
