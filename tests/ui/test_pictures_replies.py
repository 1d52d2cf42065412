"""What the keys on replies act on, at the sizes of a small, a usual and a narrow window."""

from __future__ import annotations

from qmpsh.jsontypes import Json
from qmpsh.shell.steps import Answer
from tests.ui.fakes import answers, event
from tests.ui.harness import ScreenHarness, on_screen
from tests.ui.keycodes import ALT_UP, F3, F4, PAGE_DOWN

SIZES = [(80, 24), (100, 30), (60, 20)]


async def three_replies(ui: ScreenHarness) -> None:
    """Run three commands with long answers."""
    await ui.is_named()
    for name in ("query-block", "query-chardev", "query-pci"):
        value: Json = [{"id": f"{name}-{number}"} for number in range(400)]
        ui.session.script[name] = answers(Answer(name, value=value, size=9876, seconds=0.0012))
        ui.keys(f"{name}\r")
    await ui.until(lambda: len(ui.session.lines) == 3)


@on_screen(*SIZES, prepare=three_replies)
async def test_the_reply_that_was_moved_to(ui: ScreenHarness) -> None:
    ui.keys(ALT_UP)
    await ui.sees("(QEMU) query-chardev")
    await ui.matches("target")


@on_screen(*SIZES, prepare=three_replies)
async def test_an_older_reply_unfolded_and_read(ui: ScreenHarness) -> None:
    ui.keys(ALT_UP + ALT_UP + F4 + 3 * PAGE_DOWN)
    await ui.sees(" of ")
    await ui.matches("position")


@on_screen(*SIZES)
async def test_a_line_leaves_the_zoomed_events(ui: ScreenHarness) -> None:
    ui.session.send_event(event("STOP"))
    ui.keys(F3)
    await ui.sees("STOP")
    await ui.until(lambda: ui.screen.state.is_zoomed)
    ui.keys("stop\r")
    await ui.sees("{}")
    await ui.matches("unzoomed")
