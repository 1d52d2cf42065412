"""Lines to rows of a given width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.render.tables import text_columns
from qmpsh.render.theme import Line, plain
from qmpsh.ui.common.wrap import MAX_ROWS_PER_LINE, cut, justify, line_width, part, wrap


@pytest.mark.parametrize(
    "text, width, rows",
    [
        ("", 5, [""]),
        ("hello", 5, ["hello"]),
        ("hello!", 5, ["hello", "!"]),
        ("hello world", 8, ["hello ", "world"]),
        ("hello world", 5, ["hello ", "world"]),
        ("some reasonably long", 13, ["some reasonab", "ly long"]),
        ("some reasonably long", 15, ["some reasonably ", "long"]),
        ("a bbbbbbbbbbbbbbbbbb", 10, ["a bbbbbbbb", "bbbbbbbbbb"]),
        ("日本語日本語", 5, ["日本", "語日", "本語"]),
        ("日本", 1, ["日", "本"]),
    ],
)
def test_wrap(text: str, width: int, rows: list[str]) -> None:
    assert [plain(row) for row in wrap([("", text)], width)] == rows


@pytest.mark.parametrize(
    "text, width, rows",
    [
        ("  key=value and more", 14, ["  key=value ", "    and more"]),
        ("    xxxxxxxxxxxxxxxx", 10, ["    xxxxxx", "     xxxxx", "     xxxxx"]),
    ],
)
def test_what_belongs_to_an_indented_line_is_indented(
    text: str, width: int, rows: list[str]
) -> None:
    assert [plain(row) for row in wrap([("", text)], width)] == rows


def test_wrap_keeps_roles() -> None:
    line: Line = [("error", "GenericError"), ("", ": no")]
    assert wrap(line, 14) == [[("error", "GenericError"), ("", ": ")], [("", "no")]]


LINES = st.lists(st.tuples(st.sampled_from(["", "dim"]), st.text("ab 日\u0301")))


@given(line=LINES, width=st.integers(1, 12))
def test_wrapped_rows_are_the_line_again(line: Line, width: int) -> None:
    rows = wrap(line, width)
    shown = "".join(plain(row) for row in rows)
    if plain(line).startswith(" "):
        # Rows of an indented line begin with blanks of our own.
        assert shown.replace(" ", "") == plain(line).replace(" ", "")
    else:
        assert shown == plain(line)
    # A blank may stand beyond the edge, and a wide character in one column has nowhere to go.
    assert all(text_columns(plain(row).rstrip()) <= max(3, width) for row in rows)


@pytest.mark.parametrize(
    "text, width, shown",
    [
        ("hello", 5, "hello"),
        ("hello!", 5, "hell…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("ab", 1, "…"),
        ("ab", 0, ""),
    ],
)
def test_cut(text: str, width: int, shown: str) -> None:
    assert plain(cut([("", text)], width, "…")) == shown


@given(line=LINES, width=st.integers(0, 12), more=st.sampled_from(["…", "..."]))
def test_what_is_cut_fits(line: Line, width: int, more: str) -> None:
    assert line_width(cut(line, width, more)) <= width


def test_cut_keeps_the_role_of_what_was_cut() -> None:
    assert cut([("error", "abc"), ("dim", "def")], 4, "…") == [("error", "abc"), ("error", "…")]


@pytest.mark.parametrize(
    "left, right, width, rows",
    [
        ("ab", "", 10, ["ab"]),
        ("ab", "1 ms", 10, ["ab    1 ms"]),
        ("abcd", "1 ms", 10, ["abcd  1 ms"]),
        ("abcde", "1 ms", 10, ["abcde", "      1 ms"]),
        ("abcdefghijkl", "1 ms", 10, ["abcdefghij", "kl    1 ms"]),
        ("ab", "123456", 4, ["ab", "123456"]),
    ],
)
def test_justify(left: str, right: str, width: int, rows: list[str]) -> None:
    right_end: Line = [("dim", right)] if right else []
    assert [plain(row) for row in justify([("", left)], right_end, width)] == rows


def test_part() -> None:
    line: Line = [("a", "abc"), ("b", "def")]
    assert part(line, 2, 5) == [("a", "c"), ("b", "de")]
    assert part(line, 3, 3) == []
    assert part(line, 0, 99) == line


@pytest.mark.parametrize("char", ["x", "é", "漢", "\u0301"])
def test_a_very_long_line_is_for_a_pager(char: str) -> None:
    length = 3 * MAX_ROWS_PER_LINE * 80
    rows = wrap([("json.string", char * length)], 80)
    assert len(rows) <= MAX_ROWS_PER_LINE + 1
    shown = sum(len(plain(row)) for row in rows[:-1])
    assert plain(rows[-1]) == f"{length - shown:,} more characters: F5 pager"
    assert wrap([("", "x" * 80 * MAX_ROWS_PER_LINE)], 80)[-1] == [("", "x" * 80)]
