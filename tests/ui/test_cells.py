"""What a frame writes to the terminal: the cells that it should show, in few bytes."""

from __future__ import annotations

import asyncio

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyte.screens import Char

from qmpsh.ui.screen import cells as terminal_cells
from qmpsh.ui.screen.cells import Cells, change_of_look, move
from tests.fuzzing import examples
from tests.qemu import VmStarter
from tests.ui.harness import ScreenHarness, ScreenSetup, connect_to, running_screen
from tests.ui.keycodes import DOWN

COLUMNS, ROWS = 12, 4
LOOKS = ["", "31", "38;5;231", "38;5;231;48;5;239", "38;2;1;2;3;1", "7", "4", "1", "48;5;239;1"]

Put = tuple[int, int, str, str]
cells = st.tuples(
    st.integers(0, COLUMNS - 2),
    st.integers(0, ROWS - 1),
    st.sampled_from(["a", "b", " ", "é", "e\u0301"]),
    st.sampled_from(LOOKS),
)
texts = st.tuples(cells, st.integers(1, COLUMNS))
clears = st.tuples(st.integers(0, COLUMNS - 1), st.integers(0, ROWS - 1))
frames = st.lists(
    st.tuples(st.lists(texts, max_size=5), st.lists(clears, max_size=1), clears), max_size=4
)


class Drawn:
    """A terminal of pyte, compared with one on which each cell is drawn by itself."""

    def __init__(self) -> None:
        self.screens = [pyte.Screen(COLUMNS, ROWS) for _ in range(2)]
        for screen in self.screens:
            screen.reset_mode(pyte.modes.DECAWM)

    def feed(self, number: int, text: str) -> None:
        """Write to one of them."""
        pyte.Stream(self.screens[number]).feed(text)

    def draw(self, x: int, y: int, text: str, look: str) -> None:
        """Draw one cell in the plain way."""
        self.feed(1, f"\x1b[{y + 1};{x + 1}H\x1b[0;{look}m{text}\x1b[0m")

    def pictures(self) -> list[list[Char]]:
        """Return the cells of both, without the colour of blanks."""
        return [
            [bare(screen.buffer[y][x]) for y in range(ROWS) for x in range(COLUMNS)]
            for screen in self.screens
        ]


def bare(cell: Char) -> Char:
    """Return a cell without what is not seen in a blank."""
    if cell.data == " " and not (cell.reverse or cell.underscore):
        return Char(" ", bg=cell.bg)
    return cell


@pytest.mark.hypothesis
@examples(0.3)
@given(frames)
def test_a_terminal_shows_what_was_put(
    written: list[tuple[list[tuple[Put, int]], list[tuple[int, int]], tuple[int, int]]],
) -> None:
    both, shown = Drawn(), Cells(COLUMNS)
    for puts, cleared, (cursor_x, cursor_y) in written:
        for (x, y, text, look), count in puts:
            for column in range(x, min(x + count, COLUMNS)):
                shown.put(column, y, text, 1, look)
                both.draw(column, y, text, look)
        for x, y in cleared:
            shown.clear_after(x, y)
            both.feed(1, f"\x1b[{y + 1};{x + 1}H\x1b[K")
        both.feed(0, shown.changes(cursor_x, cursor_y))
        ours, theirs = both.pictures()
        assert ours == theirs
        assert (both.screens[0].cursor.x, both.screens[0].cursor.y) == (cursor_x, cursor_y)


@pytest.mark.hypothesis
@given(st.lists(st.text("ab ", max_size=COLUMNS), min_size=ROWS, max_size=12), st.integers(1, 3))
def test_rows_that_move_up_are_scrolled(lines: list[str], step: int) -> None:
    """The lines of an output, of which the last ROWS are shown."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terminal_cells, "_WORTH", 4)
        patch.setattr(terminal_cells, "_ROWS", 1)
        screen, shown = pyte.Screen(COLUMNS, ROWS), Cells(COLUMNS)
        for end in range(ROWS, len(lines) + 1, step):
            window = [line.ljust(COLUMNS) for line in lines[end - ROWS : end]]
            for y, line in enumerate(window):
                for x, text in enumerate(line):
                    shown.put(x, y, text, 1, "")
            pyte.Stream(screen).feed(shown.changes(0, 0))
            assert list(screen.display) == window


def test_a_screen_that_scrolls_is_not_written_again() -> None:
    shown = Cells(80)
    for first in (0, 3):
        for y in range(20):
            for x, text in enumerate(f"line {first + y} ".ljust(40, "x")):
                shown.put(x, y, text, 1, "31")
        text = shown.changes(0, 0)
    assert text.startswith("\x1b[1;20r\x1b[20H\n\n\n\x1b[r\x1b[18H\x1b[31mline 20 xxx")
    assert len(text) < 3 * 60


def test_what_is_shown_is_not_written_again() -> None:
    shown = Cells(COLUMNS)
    shown.put(0, 0, "a", 1, "31")
    assert shown.changes(0, 0) == "\x1b[1H\x1b[31ma\x1b[m\r"
    shown.put(0, 0, "a", 1, "31")
    shown.put(5, 1, " ", 1, "31")
    shown.clear_after(3, 0)
    assert shown.changes(0, 0) == ""


def test_after_a_wide_character_the_place_is_said() -> None:
    shown = Cells(COLUMNS)
    shown.put(0, 0, "你", 2, "")
    shown.put(2, 0, "a", 1, "")
    assert shown.changes(3, 0) == "\x1b[1H你\x1b[1;3Ha"
    shown.put(0, 0, "b", 1, "")
    shown.put(1, 0, "c", 1, "")
    assert shown.changes(0, 0) == "\rbc\r"


@pytest.mark.parametrize(
    "old, new, sequence",
    [
        ("", "31", "\x1b[31m"),
        ("31;1", "", "\x1b[m"),
        ("38;5;1;48;5;2", "38;5;3;48;5;2", "\x1b[38;5;3m"),
        ("38;5;1;48;5;2;1", "38;5;1;48;5;2", "\x1b[0;38;5;1;48;5;2m"),
        ("31;41", "38;2;1;2;3;48;2;4;5;6", "\x1b[38;2;1;2;3;48;2;4;5;6m"),
    ],
)
def test_a_look_is_changed_by_what_is_new(old: str, new: str, sequence: str) -> None:
    assert change_of_look(old, new) == sequence


@pytest.mark.parametrize(
    "at, to, sequence",
    [
        (None, (0, 0), "\x1b[1H"),
        ((3, 2), (9, 2), "\x1b[6C"),
        ((9, 2), (8, 2), "\x1b[D"),
        ((9, 2), (0, 2), "\r"),
        ((9, 2), (9, 1), "\x1b[A"),
        ((9, 2), (5, 3), "\x1b[4;6H"),
    ],
)
def test_the_shortest_way(at: tuple[int, int] | None, to: tuple[int, int], sequence: str) -> None:
    assert move(at, *to) == sequence


STILL = 5
"""looks without a change after which nothing more is taken to come"""


class Meter:
    """What the screen writes for each key."""

    def __init__(self, ui: ScreenHarness) -> None:
        self.ui = ui

    async def most(self, keys: list[str]) -> int:
        """Press keys one by one; return the most bytes that one has cost, to the end of rest."""
        found = []
        for key in keys:
            before = len(self.ui.sent.encode())
            self.ui.keys(key)
            await self.rest()
            found.append(len(self.ui.sent.encode()) - before)
        return max(found)

    async def rest(self) -> None:
        """Wait until nothing more is written."""
        looks = ["", self.ui.sent]
        while len({*looks[-STILL:]}) > 1:
            await asyncio.sleep(0.03)
            looks.append(self.ui.sent)


def has_overview(picture: str) -> bool:
    """Whether the last rows of the overview are there, or what it says of a VM that is slow."""
    return "try  cont" in picture or "no answer yet" in picture


def test_keys_cost_few_bytes(start_vm: VmStarter) -> None:
    """A key costs little, a menu its text: a row that is left or selected is written once more."""
    vm = start_vm("-S", machine="q35")

    async def run() -> list[int]:
        async with running_screen(ScreenSetup((80, 24), connect=connect_to(vm.path))) as ui:
            await ui.until(lambda: has_overview(ui.picture()), "the overview")
            ui.keys("device_ad")
            await ui.sees("Add a device")
            meter = Meter(ui)
            await meter.rest()
            narrowed = await meter.most(["d"])
            typed = await meter.most(list(" driver=v"))
            ui.keys("\x15device_add driver=\t")
            await ui.sees("virtio-blk-pci")
            await meter.rest()
            moved = await meter.most([DOWN, DOWN, DOWN])
            ui.keys("\x15blockdev-add driver=qcow2 ")
            await ui.sees("file*:")
            await meter.rest()
            opened = await meter.most(["\t"])
            return [narrowed, typed, moved, opened]

    narrowed, typed, moved, opened = asyncio.run(run())
    row = len(" virtio-net-pci  ")
    assert narrowed <= 120
    assert typed <= 120
    assert moved <= 100 + 2 * row
    assert opened <= 8 * (80 + 30)
