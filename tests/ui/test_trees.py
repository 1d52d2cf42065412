"""A tree in the full screen, and the place in QOM in the prompt."""

from __future__ import annotations

from qmpsh.render.theme import ASCII
from qmpsh.shell.steps import Answer, Outcome, Steps
from qmpsh.shell.trees.block import ask_block
from qmpsh.shell.trees.node import TreeRequest, plain_text
from tests.trees import grown, recorded
from tests.ui.fakes import FakeSession
from tests.ui.harness import ScreenHarness, on_screen

LINE = ".tree block"


def drawing(session: FakeSession) -> Steps:
    """Answer with the recorded block layer."""
    roots = grown(ask_block(TreeRequest()), recorded("7.2")).roots
    yield Answer("", text=plain_text(roots), rows=roots)
    return Outcome()


@on_screen((80, 24), (40, 12), (160, 45))
async def test_a_tree_is_as_wide_as_the_screen(ui: ScreenHarness) -> None:
    ui.session.script[LINE] = drawing
    ui.keys(f"{LINE}\r")
    await ui.sees("mirror_top")
    await ui.until(lambda: ui.session.running is None)
    await ui.matches("tree")


@on_screen((80, 24))
async def test_a_tree_follows_the_size_of_the_window(ui: ScreenHarness) -> None:
    ui.session.script[LINE] = drawing
    ui.keys(f"{LINE}\r")
    await ui.sees("#block402  file  64M  /var/vm/data.raw")
    ui.resize(36, 24)
    await ui.sees("#block402  /var/vm/data.raw")
    ui.resize(80, 24)
    await ui.sees("#block402  file  64M  /var/vm/data.raw")


@on_screen((60, 24), glyphs=ASCII)
async def test_a_terminal_without_unicode_gets_ascii(ui: ScreenHarness) -> None:
    ui.session.script[LINE] = drawing
    ui.keys(f"{LINE}\r")
    await ui.sees("`-- backing: disk0  qcow2  1G")
    assert not any("└" in row for row in ui.lines())
