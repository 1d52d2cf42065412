"""Order, filter, selection and marks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qmpsh.top.columns import BY_KEY, COLUMNS
from qmpsh.top.order import Filter, Order
from qmpsh.top.record import Link, VmRecord
from tests.top.samples import NOW, running, target, usage


def names(order: Order) -> list[str]:
    return [record.name for record in order.rows]


def crew() -> list[VmRecord]:
    return [
        running("web10", cpu=0.1),
        running("web2", cpu=0.5),
        running("db", cpu=0.3, status="paused"),
    ]


def test_the_busiest_come_first_and_equals_by_name() -> None:
    order = Order()
    order.update([*crew(), running("web1", cpu=0.1)], NOW)
    assert names(order) == ["web2", "db", "web1", "web10"]
    order.sort_by(BY_KEY["cpu"])
    order.update(crew(), NOW)
    assert names(order) == ["web10", "db", "web2"]


def test_names_sort_by_their_numbers() -> None:
    order = Order(BY_KEY["name"])
    order.update(crew(), NOW)
    assert names(order) == ["db", "web2", "web10"]


def test_the_selection_follows_its_vm() -> None:
    order, records = Order(), crew()
    order.update(records, NOW)
    order.move(1, NOW - 100)
    assert order.selected == target("db").text
    order.sort_by(BY_KEY["name"])
    order.update(records, NOW)
    assert (order.selected, order.place) == (target("db").text, 0)


def test_at_the_start_the_first_row_is_selected_until_it_has_been_seen() -> None:
    order, records = Order(BY_KEY["name"]), crew()
    order.update(records[:1], NOW)
    assert order.selected == target("web10").text
    order.update(records, NOW + 1)
    assert order.selected == target("db").text
    order.update([running("aaa"), *records], NOW + 2)
    assert order.selected == target("db").text


def test_rows_stay_for_a_moment_after_a_cursor_key() -> None:
    order, records = Order(), crew()
    order.update(records, NOW)
    order.move(0, NOW)
    records[0].usage.on_process(usage(NOW + 1, 8.0))
    new = running("aaa", cpu=0.9)
    order.update([new, *records], NOW + 1)
    assert names(order) == ["web2", "db", "web10", "aaa"]
    order.update([new, *records], NOW + 4)
    assert names(order) == ["web10", "aaa", "web2", "db"]


def test_a_question_freezes_the_rows() -> None:
    order, records = Order(), crew()
    order.update(records, NOW)
    records[0].usage.on_process(usage(NOW + 1, 8.0))
    order.update(records, NOW, frozen=True)
    assert names(order) == ["web2", "db", "web10"]


def test_when_the_selected_vm_goes_the_row_below_is_selected() -> None:
    order, records = Order(BY_KEY["name"]), crew()
    order.update(records, NOW)
    order.move(1, NOW - 100)
    order.update([records[0], records[2]], NOW)
    assert order.selected == target("web10").text
    order.update([], NOW)
    assert (order.selected, order.place, order.chosen) == ("", 0, [])


def test_a_vm_that_ended_stays_a_moment_unless_it_was_named() -> None:
    order, record = Order(), running("web1")
    record.set_link(Link.GONE, NOW)
    order.update([record], NOW + 4)
    assert names(order) == ["web1"]
    order.update([record], NOW + 6)
    assert names(order) == []
    order.literal = frozenset([record.target.text])
    order.update([record], NOW + 6)
    assert names(order) == ["web1"]


def test_filters() -> None:
    fitting = {
        text: [one.name for one in crew() if Filter(text).fits(one, NOW)]
        for text in ("web", "status=paused", "name~web1*", "WEB status=running 10", "x=y", "")
    }
    assert fitting == {
        "web": ["web10", "web2"],
        "status=paused": ["db"],
        "name~web1*": ["web10"],
        "WEB status=running 10": ["web10"],
        "x=y": [],
        "": ["web10", "web2", "db"],
    }


def test_marks() -> None:
    order, records = Order(BY_KEY["name"]), crew()
    order.update(records, NOW)
    assert [one.name for one in order.chosen] == ["db"]
    order.move(1, NOW)
    order.toggle_mark()
    order.move(1, NOW)
    order.toggle_mark()
    order.move(-2, NOW)
    assert [one.name for one in order.chosen] == ["web2", "web10"]
    order.update(records[:1], NOW)
    assert [*order.marked] == [target("web10").text]
    order.toggle_mark()
    assert order.marked == {}
    order.mark_all()
    assert len(order.marked) == 1
    order.mark_all()
    assert order.marked == {}


def test_the_column_beside() -> None:
    order = Order(BY_KEY["name"])
    order.sort_beside(1, COLUMNS)
    assert order.column is BY_KEY["state"]
    order.sort_beside(-2, COLUMNS)
    assert order.column is COLUMNS[-1]


@given(
    st.lists(st.sampled_from(["up", "down", "mark", "cpu", "name", "gone", "back"]), max_size=30)
)
def test_the_selection_never_leaves_its_vm_by_itself(moves: list[str]) -> None:
    order, records, now = Order(), crew(), NOW
    order.update(records, now)
    order.move(0, now)
    shown = [*records]
    for move in moves:
        now += 1
        before = order.selected
        match move:
            case "up" | "down":
                order.move(1 if move == "down" else -1, now)
                before = order.selected
            case "mark":
                order.toggle_mark()
            case "cpu" | "name":
                order.sort_by(BY_KEY[move])
            case "gone":
                shown = shown[:-1]
            case _:
                shown = [*records]
        order.update(shown, now)
        if before in {one.target.text for one in shown}:
            assert order.selected == before
        assert all(order.rows[order.place].target.text == order.selected for _ in order.rows[:1])
