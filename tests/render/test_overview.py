"""The layout of an overview at every width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.render.overview import overview_lines
from qmpsh.render.tables import text_columns, without_middle
from qmpsh.render.theme import ASCII, UNICODE, Glyphs, plain
from qmpsh.shell.overview.rows import OverviewRow, RowPart
from tests.protocol.strategies import patient

ROWS = [
    OverviewRow(
        "machine",
        "machine",
        (
            RowPart("pc-q35-7.2"),
            RowPart("x86_64", 2),
            RowPart("no KVM", 1),
            RowPart("QEMU 7.2.22", 3),
        ),
        is_main=True,
    ),
    OverviewRow(
        "cpu",
        "cpu",
        (
            RowPart("2 of 2"),
            RowPart("qemu64-x86_64-cpu", 2),
            RowPart("1 socket × 2 cores × 1 thread", 1),  # noqa: RUF001
        ),
    ),
    OverviewRow(
        "disks",
        "disk vda",
        (
            RowPart("disk0", 2),
            RowPart("qcow2", 3),
            RowPart("1 GiB"),
            RowPart("2 backing", 4),
            RowPart("/var/lib/libvirt/images/prod/web-042/root-2026-11-30.qcow2", is_path=True),
        ),
        is_main=True,
        is_device=True,
    ),
    OverviewRow(
        "free-ports",
        "free ports",
        tuple(RowPart(f"rp{n}", n + 1) for n in range(30)),
        is_device=True,
        is_list=True,
    ),
]


WIDTHS = {
    160: """
machine  pc-q35-7.2 · x86_64 · no KVM · QEMU 7.2.22                  disk vda    disk0 · qcow2 · 1 GiB · 2 backing · /var/lib/libvi…eb-042/root-2026-11-30.qcow2
cpu      2 of 2 · qemu64-x86_64-cpu · 1 socket × 2 cores × 1 thread  free ports  rp0 · rp1 · rp2 · rp3 · rp4 · rp5 · rp6 · rp7 · rp8 · rp9 · rp10 · rp11 · +18
""",  # noqa: E501, RUF001 - a picture
    80: """
machine     pc-q35-7.2 · x86_64 · no KVM · QEMU 7.2.22
cpu         2 of 2 · qemu64-x86_64-cpu · 1 socket × 2 cores × 1 thread
disk vda    disk0 · qcow2 · 1 GiB · 2 backing · /var/lib/l…root-2026-11-30.qcow2
free ports  rp0 · rp1 · rp2 · rp3 · rp4 · rp5 · rp6 · rp7 · rp8 · rp9 · +20
""",  # noqa: RUF001 - the same
    60: """
machine     pc-q35-7.2 · x86_64 · no KVM · QEMU 7.2.22
cpu         2 of 2 · 1 socket × 2 cores × 1 thread
disk vda    disk0 · qcow2 · 1 GiB · /var/li…2026-11-30.qcow2
free ports  rp0 · rp1 · rp2 · rp3 · rp4 · rp5 · rp6 · +23
""",  # noqa: RUF001 - the same
    40: """
machine   pc-q35-7.2 · x86_64 · no KVM
disk vda  1 GiB · /var/li…26-11-30.qcow2
""",
}


@pytest.mark.parametrize("width", WIDTHS)
def test_the_rows_at_each_width(width: int) -> None:
    shown = "\n".join(plain(line) for line in overview_lines(ROWS, width, UNICODE))
    assert shown == WIDTHS[width].strip("\n")


def test_without_a_terminal_nothing_is_left_out() -> None:
    lines = [plain(line) for line in overview_lines(ROWS, None, UNICODE)]
    assert lines[2].endswith("/var/lib/libvirt/images/prod/web-042/root-2026-11-30.qcow2")
    assert lines[3].endswith("rp29")


def test_the_twin_without_utf_8() -> None:
    lines = [plain(line) for line in overview_lines(ROWS, 80, ASCII)]
    assert all(line.isascii() for line in lines)
    assert lines[1] == "cpu         2 of 2 - qemu64-x86_64-cpu - 1 socket x 2 cores x 1 thread"


def test_labels_are_dim_and_values_are_not() -> None:
    for line in overview_lines(ROWS, 80, UNICODE):
        assert [role for role, _ in line] == ["dim", "", ""]


def test_what_a_guest_calls_itself_is_shown_and_not_obeyed() -> None:
    row = OverviewRow("disks", "disk \x1b[2J", (RowPart("a\nb\u202e"),))
    [line] = overview_lines([row], 80, UNICODE)
    assert plain(line) == "disk \\x1b[2J  a\\nb\\u202e"


texts = st.text(st.sampled_from("ab/.-é漢\u0301\x1b\n "), min_size=1, max_size=40)
parts = st.lists(
    st.builds(RowPart, texts, st.integers(0, 4), st.booleans()), min_size=1, max_size=6
)
rows = st.lists(
    st.builds(
        OverviewRow,
        st.just("disks"),
        texts,
        parts.map(tuple),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    max_size=5,
)


@patient
@given(rows, st.integers(1, 200), st.sampled_from([UNICODE, ASCII]))
def test_no_line_is_wider_than_the_terminal(
    rows: list[OverviewRow], width: int, glyphs: Glyphs
) -> None:
    for line in overview_lines(rows, width, glyphs):
        assert text_columns(plain(line)) <= max(width, 20)


@patient
@given(texts, st.integers(0, 50))
def test_a_text_without_its_middle_keeps_both_ends(text: str, columns: int) -> None:
    shown = without_middle(text, columns, UNICODE.more)
    assert text_columns(shown) <= columns or shown == text
    if shown != text and columns > 0:
        head, _, tail = shown.partition(UNICODE.more)
        assert text.startswith(head)
        assert text.endswith(tail)
