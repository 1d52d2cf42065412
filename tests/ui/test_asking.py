"""Help by keys: F1, and `?` and `/` at the start of a line."""

from __future__ import annotations

from tests.ui.fakes import changes_prompt
from tests.ui.harness import ScreenHarness, on_screen
from tests.ui.keycodes import ESCAPE, F1, F3


@on_screen()
async def test_f1_opens_help_and_goes_back(ui: ScreenHarness) -> None:
    ui.session.catalog.commands = ("stop",)
    ui.keys("stop" + F1)
    await ui.sees("stop  (command)")
    ui.keys(F1)
    await ui.until(lambda: "stop  (command)" not in ui.picture())
    assert ui.screen.buffer.text == "stop"


@on_screen()
async def test_without_help_the_keys_are_shown(ui: ScreenHarness) -> None:
    ui.keys("{" + F1)
    await ui.sees("no help is known on this")
    assert "F1 or Esc" in ui.picture()


@on_screen()
async def test_help_on_an_unknown_name_says_what_is_like_it(ui: ScreenHarness) -> None:
    ui.session.catalog.commands = ("block_resize",)
    ui.keys("block-resize" + F1)
    await ui.sees("command, event or type is called block-resize; did you mean block_resize?")


@on_screen()
async def test_f1_knows_the_verbs_without_their_dots(ui: ScreenHarness) -> None:
    ui.keys("wait job=x" + F1)
    await ui.sees(".wait")
    assert "no help is known" not in ui.picture()


@on_screen()
async def test_help_is_seen_where_the_events_were_zoomed(ui: ScreenHarness) -> None:
    ui.keys(F3)
    await ui.until(lambda: ui.screen.state.is_zoomed)
    ui.keys(F1)
    await ui.sees("F1 or Esc")


@on_screen()
async def test_a_blank_after_the_mark_begins_a_question(ui: ScreenHarness) -> None:
    ui.keys("?")
    await ui.sees("F1 or Esc")
    ui.keys(" sto")
    await ui.until(lambda: ui.screen.buffer.text == "? sto")
    assert ui.screen.state.key_sheet is None
    ui.keys("p?")
    await ui.until(lambda: ui.screen.buffer.text == "? stop?")
    assert ui.screen.state.key_sheet is None


@on_screen()
async def test_a_slash_searches(ui: ScreenHarness) -> None:
    ui.keys("/")
    await ui.sees("search output")
    ui.keys(ESCAPE)
    await ui.until(lambda: not ui.screen.state.entry_row.is_open)
    ui.keys("a/")
    await ui.until(lambda: ui.screen.buffer.text == "a/")


@on_screen()
async def test_marks_among_other_keys_and_in_a_paste_are_text(ui: ScreenHarness) -> None:
    ui.keys("?a")
    await ui.until(lambda: ui.screen.buffer.text == "?a")
    ui.keys("\x03")
    await ui.until(lambda: ui.screen.buffer.text == "")
    ui.keys("\x1b[200~/\x1b[201~")
    await ui.until(lambda: ui.screen.buffer.text == "/")
    assert ui.screen.state.key_sheet is None


@on_screen()
async def test_the_human_monitor_gets_its_marks(ui: ScreenHarness) -> None:
    ui.session.script[".hmp"] = changes_prompt("(QEMU) ", "(hmp) ")
    ui.keys(".hmp\r")
    await ui.sees("(hmp)")
    ui.keys("?")
    await ui.until(lambda: ui.screen.buffer.text == "?")
    assert ui.screen.state.key_sheet is None
