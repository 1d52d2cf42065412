"""Lists as tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.syntax import Modifiers
from qmpsh.render.answers import BodyKind, answer_body, table_body, text_body
from qmpsh.render.lists import LEADS, SIZES, exact_lines, items, read_table
from qmpsh.render.tables import NAMES, ColumnNeed, fit, share, text_columns
from qmpsh.render.tables import CellKind as Cells
from qmpsh.render.theme import plain
from qmpsh.shell.steps import Answer
from qmpsh.ui.screen.store import Foldable

TABLE = Modifiers(formats=frozenset({"table"}))

CPUS: Json = [
    {"cpu-index": 0, "qom-path": "/machine/unattached/device[0]", "props": {"core-id": 0}},
    {"cpu-index": 10, "qom-path": "/machine", "target": "x86_64", "props": {"core-id": 1}},
]


def shown(value: Json, width: int | None) -> list[str] | None:
    """The lines of a list for a person."""
    table = read_table(value, "…")
    return items(value) if table is None else table.lines(width)


@pytest.mark.parametrize("value", [{}, {"a": 1}, [], "text", 3, None])
def test_what_is_no_list_is_no_table(value: Json) -> None:
    assert exact_lines(value, "…") is None
    assert shown(value, None) is None


@pytest.mark.parametrize(
    "value, lines",
    [
        (
            CPUS,
            [
                "cpu-index  qom-path                       target  props",
                '        0  /machine/unattached/device[0]          {"core-id": 0}',
                '       10  /machine                       x86_64  {"core-id": 1}',
            ],
        ),
        (["a", 1, None, "", {"b": [1]}], ["a", "1", "null", '""', '{"b": [1]}']),
        ([{"a": 1}, 2], ['{"a": 1}', "2"]),
        ([{}, {}], ["{}", "{}"]),
        ([{}, {"a": ""}], ["a", "", '""']),
        ([{"a": True}, {"a": 10}], ["a", "true", "10"]),
        ([{"a": 1.5}, {"b": 2}, {"a": -10}], ["  a  b", "1.5", "     2", "-10"]),
        (
            [{"name": "日本", "x": "e\u0301"}, {"name": "abcde", "x": "f"}],
            ["name   x", "日本   e\u0301", "abcde  f"],
        ),
        ([{"a\x1b": "\x1b[2J\u202e\n\t"}], ["a\\x1b", "\\x1b[2J\\u202e\\n\\t"]),
    ],
)
def test_a_table(value: Json, lines: list[str]) -> None:
    assert exact_lines(value, "…") == lines
    assert shown(value, None) == lines


def test_nested_json_is_cut_where_nothing_else_is() -> None:
    value: Json = [{"name": "a" * 20, "x": {"b": [1, 2, 3]}}, {"x": {}, "n": 12345678}]
    assert exact_lines(value, "…", 9) == [
        "name                         n  x",
        'aaaaaaaaaaaaaaaaaaaa            {"b": [1…',
        "                      12345678  {}",
    ]
    assert shown(value, None) == [
        "name                         n  x",
        'aaaaaaaaaaaaaaaaaaaa            {"b": [1, 2, 3]}',
        "                      12345678  {}",
    ]


@pytest.mark.parametrize(
    "wanted, room, widths",
    [
        ([3, 4], 10, [3, 4]),
        ([3, 40], 10, [3, 7]),
        ([40, 3, 40], 23, [10, 3, 10]),
        ([40, 3, 40], 24, [11, 3, 10]),
        ([5, 5], 0, [0, 0]),
        ([], 5, []),
    ],
)
def test_the_widest_give_way_first(wanted: list[int], room: int, widths: list[int]) -> None:
    assert share(wanted, room) == widths


def test_a_table_is_cut_to_the_width() -> None:
    assert shown(CPUS, 58) == [
        "cpu-index  qom-path                 target  props",
        '        0  /machine/unattached/de…          {"core-id": 0}',
        '       10  /machine                 x86_64  {"core-id": 1}',
    ]
    assert shown(CPUS, 44) == [
        "cpu-index  qom-path               target  +1",
        "        0  /machine/unattached/…",
        "       10  /machine               x86_64",
    ]


def test_what_finds_no_place_is_counted_and_no_header_is_cut() -> None:
    value: Json = [{f"column-{number}": number for number in range(1, 31)}]
    lines = shown(value, 40)
    assert lines == [
        "column-1  column-2  column-3  +27",
        "       1         2         3",
    ]


def test_what_says_which_object_it_is_stands_first_and_nested_json_last() -> None:
    value: Json = [{"ro": True, "image": {"size": 1}, "type": "x", "node-name": "disk0", "id": ""}]
    assert shown(value, None) == [
        "id  node-name  type  ro    image",
        '""  disk0      x     true  {"size": 1}',
    ]
    assert {"id", "name", "node-name", "device", "label", "qdev"} <= set(NAMES)


@pytest.mark.parametrize(
    "kinds, width, widths",
    [
        # Room for all of it.
        ([(Cells.NAME, 4, 10), (Cells.TEXT, 4, 10)], 22, [10, 10]),
        # Nested JSON gives way before a text, a text before a name.
        ([(Cells.TEXT, 4, 40), (Cells.NESTED, 5, 40)], 62, [40, 20]),
        ([(Cells.NAME, 4, 40), (Cells.TEXT, 4, 40)], 78, [40, 36]),
        ([(Cells.TEXT, 4, 40), (Cells.TEXT, 4, 40)], 78, [38, 38]),
        # Numbers stay whole, headers too.
        ([(Cells.NUMBER, 2, 19), (Cells.TEXT, 30, 40)], 51, [19, 30]),
        ([(Cells.NUMBER, 2, 19), (Cells.TEXT, 30, 40)], 50, [19]),
        # The first column is cut before there is nothing.
        ([(Cells.NUMBER, 2, 19), (Cells.TEXT, 30, 40)], 10, [6]),
        ([(Cells.TEXT, 8, 19)], 3, [3]),
    ],
)
def test_widths(kinds: list[tuple[Cells, int, int]], width: int, widths: list[int]) -> None:
    assert fit([ColumnNeed(*need) for need in kinds], width) == widths


def test_wide_characters_are_never_cut_in_half() -> None:
    assert shown([{"a": "日本日本"}], 6) == ["a", "日本…"]
    assert shown([{"a": "日本日本"}], 4) == ["a", "日…"]


CELLS = st.none() | st.booleans() | st.integers() | st.text(max_size=30)
ROWS = st.lists(st.dictionaries(st.text(max_size=12), CELLS, max_size=8), min_size=1, max_size=5)


@given(rows=ROWS, width=st.integers(6, 60))
def test_no_line_is_wider_than_the_terminal_and_none_breaks(rows: Json, width: int) -> None:
    lines = shown(rows, width) or []
    if isinstance(rows, list) and any(rows):
        assert len(lines) == len(rows) + 1
        # A terminal of six columns has no room for the count of what was left out.
        assert all(text_columns(line) <= max(width, 6) for line in lines)
    assert all(line.isprintable() or "\u0301" in line for line in lines if line.isascii())


def test_an_answer_as_a_table_keeps_the_whole_for_a_file() -> None:
    answer = Answer("query-cpus-fast", value=CPUS, modifiers=TABLE)
    body = answer_body(answer, more="…")
    assert body.kind is BodyKind.TABLE
    for width in (44, 30, 58):
        assert max(text_columns(body.laid_out(index, width)) for index in range(3)) <= width
        assert body.line(0, width)[0][0] == "json.key"
        assert body.line(1, width)[0][0] == ""
    assert "/machine/unattached/device[0]" in body.text()
    assert body.text() == "\n".join(body.lines)


def test_an_answer_that_is_no_list_stays_json() -> None:
    answer = Answer("query-status", value={"a": 1}, modifiers=TABLE)
    assert answer_body(answer).kind is BodyKind.JSON
    listed = Answer("x", value=["a"], modifiers=TABLE)
    assert answer_body(listed).kind is BodyKind.TEXT


def test_rows_with_members_of_their_own_are_no_table() -> None:
    """Rows times columns would be a thousand times what the server sent."""
    rows: list[Json] = [{f"k{row}-{column}": 1 for column in range(20)} for row in range(300)]
    assert read_table(rows) is None
    lines = shown(rows, 80)
    assert lines is not None
    assert len(lines) == 300
    assert lines[0].startswith('{"k0-0": 1, ')
    assert read_table(rows[:200]) is not None


NODE: JsonObject = {
    "iops_rd": 0,
    "detect_zeroes": "off",
    "image": {"virtual-size": 10 * 2**30, "format": "qcow2", "children": []},
    "ro": False,
    "node-name": "d0",
    "cache": {"direct": True},
    "write_threshold": 7,
    "drv": "qcow2",
    "file": "d.qcow2",
}
BLOCK_NODES: Json = [NODE]
BLOCKS: Json = [
    {"type": "unknown", "qdev": "/machine/disk0", "device": "", "inserted": NODE},
    {"qdev": "/machine/cd", "device": "cd0", "inserted": "?"},
]


def test_columns_are_ordered_by_use() -> None:
    assert shown(BLOCK_NODES, 70) == [
        "node-name  drv      size  ro     file     write_threshold  iops_rd  +3",
        "d0         qcow2  10 GiB  false  d.qcow2                7        0",
    ]
    table = read_table(BLOCK_NODES)
    assert table is not None
    assert table.left_out(70) == 3
    assert table.left_out(1000) == 0
    assert set(NAMES) < set(LEADS)


def test_what_one_looks_for_in_nested_json_has_a_column() -> None:
    assert shown(BLOCKS, 80) == [
        "node-name  device  drv      size  ro     file     qdev            type     +1",
        'd0         ""      qcow2  10 GiB  false  d.qcow2  /machine/disk0  unknown',
        "           cd0                                    /machine/cd",
    ]


def test_a_program_gets_what_the_server_sent() -> None:
    lines = exact_lines(BLOCK_NODES, "…")
    assert lines is not None
    assert lines[0].split() == [
        *("node-name", "drv", "ro", "file", "iops_rd", "detect_zeroes", "write_threshold"),
        *("image", "cache"),
    ]
    assert "10737418240" in lines[1]


@pytest.mark.parametrize(
    "name, value, text",
    [
        ("size", 0, "0 B"),
        ("used-bytes", 1536, "1.5 KiB"),
        ("cluster-size", 65536, "64 KiB"),
        ("speed", True, "true"),
        ("len", 1.5, "1.5"),
        ("size", 10**400, str(10**400)),
        ("sizes", 1536, "1536"),
    ],
)
def test_sizes(name: str, value: Json, text: str) -> None:
    lines = shown([{name: value}], None)
    assert lines is not None
    assert [line.strip() for line in lines] == [name, text]
    assert "size" in SIZES


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_nothing_in_the_place_of_an_image_is_an_error(value: Json) -> None:
    rows: list[JsonObject] = [
        {"image": value},
        {"inserted": value},
        {"inserted": {"image": value}},
    ]
    for row in rows:
        assert shown([{**row, "size": value}, row], 40)


def test_a_table_that_is_cut_says_what_shows_all() -> None:
    body = table_body(BLOCK_NODES, "…")
    assert body is not None
    assert body.foot(70) == [[("dim", "+3 columns: .pager --table shows all")]]
    assert body.foot(1000) == []
    assert body.foot(30) == []
    assert text_body("x").foot(10) == []
    block = Foldable(body)
    assert [plain(row) for row in block.draw(1, 70)][1:] == ["+3 columns: .pager --table shows all"]
    assert len(block.draw(0, 70)) == 1
    assert block.texts() == body.lines
