"""Searching a store: what is found, in which order, and that it costs what there is to read."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from qmpsh.render.answers import BodyKind, text_body
from qmpsh.ui.screen.search import Search, highlighted
from qmpsh.ui.screen.store import FixedLines, Fold, Foldable, Store


def store_of(*blocks: Sequence[str], limit: int = 1000) -> Store:
    store = Store(limit, "lines")
    for block in blocks:
        store.append(FixedLines([[("", text)] for text in block]))
    return store


def searched(store: Store, needle: str) -> Search:
    search = Search(store)
    search.start(needle)
    while search.step():
        pass
    return search


def lines(search: Search) -> list[int]:
    return [match.line for match in search.matches]


@pytest.mark.parametrize(
    "needle, found",
    [("disk", [0, 1, 3]), ("Disk", [1]), ("disk0", [0, 3]), ("none", []), ("", []), ("a.c", [4])],
)
def test_smart_case_and_plain_text(needle: str, found: list[int]) -> None:
    store = store_of(["disk0", "Disk1"], ["x", "the disk0", "a.c", "abc"])
    assert lines(searched(store, needle)) == found


def test_next_and_previous_go_round() -> None:
    search = searched(store_of(["a", "b", "a"], ["b", "a"]), "a")
    assert search.number == 0
    assert search.next() is None
    assert [match.line for match in [search.find(1)] if match] == [2]
    assert search.number == 2
    assert [match.line for match in [search.next(), search.next(), search.next()] if match] == [
        4,
        0,
        2,
    ]
    assert [m.line for m in [search.previous(), search.previous()] if m] == [0, 4]


def test_nothing_below_is_the_nearest_above() -> None:
    search = searched(store_of(["a", "a", "b", "b"]), "a")
    found = search.find(3)
    assert found is not None
    assert found.line == 1
    assert searched(store_of(["b"]), "a").find(0) is None


def test_what_is_folded_is_found() -> None:
    store = Store(1000, "lines")
    body = text_body("\n".join(f"reply {number}" for number in range(100)), BodyKind.TEXT)
    store.append(Foldable(body, Fold(2, 10, ([("dim", "98 more")],))))
    search = searched(store, "reply 77")
    assert [(match.offset, match.block) for match in search.matches] == [(77, store.blocks[0])]


def test_what_comes_later_is_read_later_and_nothing_twice() -> None:
    store = store_of(["a"])
    search = searched(store, "a")
    store.append(FixedLines([[("", "a")]]))
    assert lines(search) == [0]
    assert not search.step()
    assert lines(search) == [0, 1]
    assert not search.step()
    assert lines(search) == [0, 1]


def test_what_was_dropped_is_no_longer_found() -> None:
    store = store_of(*[["a"]] * 20, limit=32)
    search = searched(store, "a")
    search.find(0)
    for _ in range(30):
        store.append(FixedLines([[("", "a")]]))
    search.step()
    assert lines(search) == list(range(store.dropped, 50))
    found = search.next()
    assert found is not None
    assert found.line == store.dropped


def test_a_step_reads_no_more_than_it_may() -> None:
    """The work of one turn of the event loop does not grow with what there is to read."""
    read = 0

    class Counted(str):
        __slots__ = ()

        def lower(self) -> str:
            nonlocal read
            read += 1
            return "x"

    class Counting(FixedLines):
        def texts(self) -> Sequence[str]:
            return counted

    counted = [Counted("x")] * 1000
    store = Store(1_000_000, "lines")
    for _ in range(100):
        store.append(Counting([[("", "x")]] * 1000))
    search = Search(store)
    search.start("x")
    steps = 0
    while search.step(2_500):
        steps += 1
        assert read <= steps * 2_500
    assert (steps, read) == (40, 100_000)


def test_the_text_is_marked_in_a_row() -> None:
    row = [("json.key", '"disk"'), ("", ": the DISK")]
    assert highlighted(row, re.compile("disk", re.IGNORECASE), "match") == [
        ("json.key", '"'),
        ("match", "disk"),
        ("json.key", '"'),
        ("", ": the "),
        ("match", "DISK"),
    ]
    assert highlighted(row, re.compile("none"), "match") == row
    assert highlighted(row, re.compile('k":'), "match")[1] == ("match", 'k":')


def test_the_current_line_is_marked_otherwise() -> None:
    search = searched(store_of(["a", "a"]), "a")
    search.find(1)
    assert search.mark(0, [[("", "a")]]) == [[("match", "a")]]
    assert search.mark(1, [[("", "a")]]) == [[("match.current", "a")]]
    search.needle = ""
    assert search.mark(1, [[("", "a")]]) == [[("", "a")]]
