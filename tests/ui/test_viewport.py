"""A reader's place in a store: he follows the tail until he scrolls, then nothing moves him."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.render.answers import BodyKind, text_body
from qmpsh.render.theme import Line, plain
from qmpsh.ui.screen.store import MAX_BLOCKS, FixedLines, Fold, Foldable, Store
from qmpsh.ui.screen.viewport import Viewport


def lines(*texts: str) -> FixedLines:
    return FixedLines([[("", text)] for text in texts])


def numbered(count: int, limit: int = 1_000_000) -> Store:
    store = Store(limit, "lines")
    for number in range(count):
        store.append(lines(f"line {number}"))
    return store


def seen(view: Viewport, width: int = 20, height: int = 3) -> list[str]:
    return [plain(row) for row in view.visible_rows(width, height)]


# ------------------------------------------------------------------------ the store


def test_rows_of_any_number() -> None:
    store = numbered(2)
    assert [plain(store.rows(index, 10)[0]) for index in (-5, 0, 1, 2, 99)] == [
        "",
        "line 0",
        "line 1",
        "",
        "",
    ]
    assert Store(10, "lines").rows(0, 10) == [[]]


def test_the_oldest_go_and_it_is_said() -> None:
    store = numbered(100, limit=32)
    assert len(store.blocks) <= 32
    assert plain(store.rows(store.start, 40)[0]) == f"{store.dropped} older lines dropped"
    assert plain(store.rows(store.start + 1, 40)[0]) == f"line {store.dropped}"
    assert store.end == 100
    assert store.dropped + len(store.blocks) == 100


def test_many_short_replies_give_way_too() -> None:
    store = numbered(2 * MAX_BLOCKS + 1)
    assert MAX_BLOCKS * 15 // 16 <= len(store.blocks) <= MAX_BLOCKS
    assert store.dropped + len(store.blocks) == 2 * MAX_BLOCKS + 1


def test_what_is_drawn_is_kept_until_it_changes() -> None:
    drawn: list[int] = []

    class Counted(FixedLines):
        def draw(self, index: int, width: int) -> list[Line]:
            drawn.append(index)
            return super().draw(index, width)

    store = Store(10_000, "lines")
    block = Counted([[("", str(number))] for number in range(2000)])
    store.append(lines("first"))
    store.append(block)
    for _ in range(3):
        assert plain(store.rows(2, 10)[0]) == "1"
    assert drawn == [1]
    block.invalidate()
    store.rows(2, 10)
    store.rows(2, 20)
    assert drawn == [1, 1, 1]
    for number in range(2000):
        store.rows(number, 10)
    assert len(store._drawn) <= 500


def test_a_block_that_is_too_heavy_alone_is_kept() -> None:
    store = numbered(3, limit=10)
    store.append(lines(*"abcdefghijklmnop"))
    assert len(store.blocks) == 1
    assert store.dropped == 3


def test_folded_lines_count_for_the_limit() -> None:
    store = Store(100, "lines")
    for _ in range(5):
        body = text_body("\n".join("x" * 40))
        store.append(Foldable(body, Fold(2, 10, ([("dim", "more")],))))
    assert len(store.blocks) == 2


# ------------------------------------------------------------------------ following and scrolling


def test_short_content_stands_at_the_top() -> None:
    view = Viewport(numbered(2))
    assert seen(view) == ["line 0", "line 1"]
    assert view.is_following


def test_the_tail_is_followed() -> None:
    view = Viewport(numbered(5))
    assert seen(view) == ["line 2", "line 3", "line 4"]
    view.store.append(lines("new"))
    assert seen(view) == ["line 3", "line 4", "new"]
    assert view.unseen == 0


def test_an_empty_store_shows_nothing() -> None:
    view = Viewport(Store(10, "lines"))
    assert seen(view) == []
    view.page(-1)
    view.to_start()
    view.page(1)
    assert seen(view) == []
    assert view.is_following


def test_scrolled_back_nothing_moves() -> None:
    view = Viewport(numbered(20))
    seen(view)
    view.page(-1)
    place = seen(view)
    assert place == ["line 15", "line 16", "line 17"]
    for _ in range(12):
        view.store.append(lines("new"))
    assert seen(view) == place
    assert view.unseen == 12
    view.to_tail()
    assert seen(view) == ["new"] * 3
    assert view.unseen == 0


def test_paging_down_to_the_end_follows_again() -> None:
    view = Viewport(numbered(20))
    seen(view)
    view.page(-2)
    assert not view.is_following
    view.page(1)
    assert not view.is_following
    view.page(1)
    assert view.is_following


def test_the_first_line() -> None:
    view = Viewport(numbered(20))
    seen(view)
    view.to_start()
    assert seen(view) == ["line 0", "line 1", "line 2"]
    view.page(-1)
    assert seen(view)[0] == "line 0"


def test_a_wrapped_line_scrolls_by_rows() -> None:
    store = Store(100, "lines")
    store.append(lines("aaaaabbbbbcccccdddddeeeee"))
    view = Viewport(store)
    assert seen(view, width=5) == ["ccccc", "ddddd", "eeeee"]
    view.scroll(-1)
    assert seen(view, width=5) == ["bbbbb", "ccccc", "ddddd"]
    view.to_start()
    assert seen(view, width=5) == ["aaaaa", "bbbbb", "ccccc"]


def test_another_width_keeps_the_line() -> None:
    store = numbered(10)
    store.append(lines("x" * 40))
    for number in range(10):
        store.append(lines(f"late {number}"))
    view = Viewport(store)
    seen(view)
    view.to_start()
    view.scroll(10)
    assert seen(view, width=50)[0] == "x" * 40
    assert seen(view, width=10)[0] == "x" * 10
    assert seen(view, width=50)[0] == "x" * 40


def test_dropped_under_the_reader() -> None:
    view = Viewport(numbered(30, limit=32))
    seen(view)
    view.to_start()
    for _ in range(100):
        view.store.append(lines("new"))
    assert seen(view)[0] == f"{view.store.dropped} older lines dropped"


def test_clear_starts_over_and_loses_nothing() -> None:
    view = Viewport(numbered(5))
    seen(view)
    view.clear()
    assert seen(view) == []
    view.store.append(lines("new"))
    assert seen(view) == ["new"]
    view.page(-1)
    assert seen(view) == ["line 3", "line 4", "new"]


# ------------------------------------------------------------------------ folding


def folded_view() -> tuple[Viewport, Foldable]:
    store = numbered(2)
    body = text_body("\n".join(f"reply {number}" for number in range(10)), BodyKind.TEXT)
    block = Foldable(body, Fold(2, 10, ([("dim", "8 more")],)))
    store.append(block)
    store.append(lines("after"))
    return Viewport(store), block


def test_a_reply_that_was_dropped_stays_as_it_is() -> None:
    view = Viewport(numbered(0, limit=32))
    body = text_body("\n".join(f"reply {number}" for number in range(10)), BodyKind.TEXT)
    block = Foldable(body, Fold(2, 10, ([("dim", "8 more")],)))
    view.store.append(block)
    for number in range(100):
        view.store.append(lines(f"late {number}"))
    before = [(one.start, one.count) for one in view.store.blocks]
    view.toggle(block)
    assert block.folded
    assert [(one.start, one.count) for one in view.store.blocks] == before


def test_unfolding_keeps_the_first_line_in_view() -> None:
    view, block = folded_view()
    assert seen(view, height=5) == ["line 1", "reply 0", "reply 1", "8 more", "after"]
    view.toggle(block)
    assert seen(view, height=5) == ["line 1", "reply 0", "reply 1", "reply 2", "reply 3"]
    assert view.unseen == 0
    view.toggle(block)
    assert seen(view, height=5) == ["line 1", "reply 0", "reply 1", "8 more", "after"]
    assert view.is_following


def test_folding_above_the_reader_leaves_him_where_he_is() -> None:
    view, block = folded_view()
    for number in range(10):
        view.store.append(lines(f"late {number}"))
    view.toggle(block)
    seen(view)
    view.to_tail()
    seen(view)
    view.page(-1)
    place = seen(view)
    view.toggle(block)
    assert seen(view) == place


def test_folding_what_he_reads_shows_its_first_line() -> None:
    view, block = folded_view()
    view.toggle(block)
    seen(view)
    view.to_start()
    view.scroll(8)
    assert seen(view)[0] == "reply 6"
    view.toggle(block)
    assert seen(view) == ["reply 0", "reply 1", "8 more"]


# ------------------------------------------------------------------------ for any sequence

ACTIONS = st.lists(
    st.sampled_from(["append", "long", "up", "down", "start", "tail", "narrow", "wide", "clear"]),
    max_size=30,
)


@given(actions=ACTIONS)
def test_a_view_never_fails_and_never_overflows(actions: list[str]) -> None:
    view = Viewport(numbered(3, limit=20))
    width = 20
    for action in actions:
        match action:
            case "append":
                view.store.append(lines("new", ""))
            case "long":
                view.store.append(lines("x" * 50))
            case "up":
                view.page(-1)
            case "down":
                view.page(1)
            case "start":
                view.to_start()
            case "tail":
                view.to_tail()
            case "clear":
                view.clear()
            case _:
                width = 7 if action == "narrow" else 20
        rows = view.visible_rows(width, 4)
        assert len(rows) <= 4
        assert view.unseen >= 0
        if view.is_following and view.store.blocks and "clear" not in actions:
            last = view.store.rows(view.store.end - 1, width)[-1]
            assert rows[-1] == last


@pytest.mark.parametrize("where", ["tail", "start"])
def test_one_view_costs_the_same_however_long_the_store(where: str) -> None:
    """Measured in rows that were drawn, not in time."""
    drawn = 0

    class Counting(FixedLines):
        def draw(self, index: int, width: int) -> list[list[tuple[str, str]]]:
            nonlocal drawn
            drawn += 1
            return super().draw(index, width)

    store = Store(1_000_000, "lines")
    for number in range(50_000):
        store.append(Counting([[("", f"line {number}")]]))
    view = Viewport(store)
    if where == "start":
        view.to_start()
    view.visible_rows(80, 40)
    assert drawn <= 42
