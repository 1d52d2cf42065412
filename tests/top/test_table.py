"""The table as lines, and its cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json
from qmpsh.render.tables import text_columns
from qmpsh.render.theme import ASCII, UNICODE, plain
from qmpsh.top.columns import COLUMNS, Look, cpu_sparkline, read_columns
from qmpsh.top.header import totals_of
from qmpsh.top.record import Link, VmRecord
from qmpsh.top.table import place_columns, row_line, table_text
from tests.evil import EVIL, obeyed
from tests.top.samples import NOW, event, running, start_backup, target

LOOK = Look(NOW, UNICODE)


def shown(*records: VmRecord, width: int | None = None) -> list[str]:
    return [plain(line).rstrip() for line in table_text(records, COLUMNS, LOOK, width)]


def test_at_80_columns() -> None:
    busy = running("db", cpu=1.234)
    start_backup(busy)
    hung = running("web1")
    hung.asked_at = NOW - 12
    assert shown(busy, hung, width=80) == [
        " NAME       STATE        %CPU   MEM  RD/s  WR/s  RX/s  TX/s ACTIVITY",
        " db         running       123   64M  1.2M   340   70k   300 68 % backup j0",
        " web1       no answer     0.0   64M  1.2M   340   70k   300 no answer for 12 s",
    ]


def test_at_60_columns() -> None:
    assert shown(running("db"), width=60) == [
        " NAME       STATE        %CPU   MEM  RD/s  WR/s  RX/s  TX/s",
        " db         running       0.0   64M  1.2M   340   70k   300",
    ]


def test_without_a_limit_all_columns_are_there() -> None:
    with_kvm = running("db", cpu=0.5)
    for at, exits in ((NOW - 1, 1000), (NOW, 4000)):
        stats: Json = [{"name": "exits", "value": exits}]
        with_kvm.on_reply("query-stats", [{"provider": "kvm", "stats": stats}], at)
    header, row = shown(with_kvm)
    assert header.split() == [column.title for column in COLUMNS]
    assert " ".join(row.split()) == (
        "db running 50.0 25.0 2 ▄ 64M 2.1G 1.1G 1.2M 340 16 2.0ms 3.0k 70k 300 10.0.2"
    )


def test_without_kvm_there_are_no_exits() -> None:
    assert "EXITS/s" not in shown(running("db"))[0]


def test_what_is_not_known_is_a_dash() -> None:
    record = VmRecord(target("web1"), NOW)
    assert shown(record, width=80)[1] == (
        " web1       connecting      -     -     -     -     -     -"
    )


def test_a_vm_that_has_ended_uses_no_memory() -> None:
    left, ended = running("db"), running("web")
    assert totals_of([left, ended], NOW).memory == 2 << 31
    ended.set_link(Link.GONE, NOW)
    assert totals_of([left, ended], NOW).memory == 2 << 30


def test_a_long_name_is_cut() -> None:
    record = running("x" * 100)
    assert shown(record, width=60)[1].startswith(f" {'x' * 9}… running")


@given(
    st.integers(20, 250),
    st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=4),
)
def test_every_row_fits_and_no_name_is_obeyed(width: int, found: list[str]) -> None:
    records = [running(name) for name in found]
    records[0].set_link(Link.GONE, NOW)
    placed = place_columns(COLUMNS, records, LOOK, width)
    for record in records:
        text = plain(row_line(record, placed, LOOK))
        assert text_columns(text) <= width
        assert not obeyed(text)


def test_a_hostile_vm_is_not_obeyed() -> None:
    record = running(EVIL, status=EVIL)
    record.on_event(event(EVIL), NOW)
    record.machine.version = EVIL
    assert not obeyed("".join(shown(record)))


def test_a_sparkline_is_of_all_of_a_cpu_at_least() -> None:
    assert cpu_sparkline([0, 1, 50, 100, 100], UNICODE) == " ▁▄██"
    assert cpu_sparkline([0, 200, 400], UNICODE) == " ▄█"
    assert cpu_sparkline([], UNICODE) == ""


def test_ascii() -> None:
    look = Look(NOW, ASCII)
    lines = table_text([running("x" * 100, cpu=0.5)], COLUMNS, look, 100)
    assert "".join(map(plain, lines)).isascii()


def test_columns_by_name() -> None:
    assert [one.key for one in read_columns("name, CPU")] == ["name", "cpu"]
    assert read_columns("") is COLUMNS
    with pytest.raises(UsageError, match=r"^there is no column cpus; did you mean "):
        read_columns("cpus")
