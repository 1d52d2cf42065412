"""The wrong line and the marks below it, in columns of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import LineSyntaxError
from qmpsh.render.answers import caret_lines
from qmpsh.render.tables import text_columns
from tests.fuzzing import examples


def marked(before: str, wrong: str, behind: str = "", columns: int | None = None) -> list[str]:
    source = before + wrong + behind
    error = LineSyntaxError("wrong", source, (len(before), len(before + wrong)))
    return list(caret_lines(error, columns))


@pytest.mark.parametrize(
    "before,wrong,behind,line,marks",
    [
        ("x a=", "b", " c", "x a=b c", "    ^"),
        ("x ", "", "", "x ", "  ^"),
        # wide, combining and control characters, tabs
        ("x a=日本 ", "b", "", "x a=日本 b", "         ^"),
        ("x a=", "日本", " c", "x a=日本 c", "    ^^^^"),
        ("x a=e\u0301 ", "b", "", "x a=e\u0301 b", "      ^"),
        ("x a=\x1b[0m ", "b", "", "x a=\\x1b[0m b", "            ^"),
        ("x a=", "\u202e", "b", "x a=\\u202eb", "    ^^^^^^"),
        ("x\ta\t", "b", "\tc", "x       a       b       c", "                ^"),
        ("日\t", "b", "", "日      b", "        ^"),
        # one physical line of several
        ("x a=[\n  b, ", "c", "\n]", "  b, c", "     ^"),
        ("x a=", "[b,\n c", "]", "x a=[b,", "    ^^^"),
    ],
)
def test_marks_stand_below(before: str, wrong: str, behind: str, line: str, marks: str) -> None:
    assert marked(before, wrong, behind) == [line, marks]


@pytest.mark.parametrize(
    "before,wrong,behind,line,marks",
    [
        ("x a=", "b", " c", "x a=b c", "    ^"),
        ("x a=", "b", " " + "c" * 40, "x a=b cccccccccccccccc...", "    ^"),
        ("x a=" + "v" * 40 + " ", "b=", "1", "...vvvvvvvvvvvvvvvv b=1", " " * 20 + "^^"),
        ("x a=" + "v" * 40 + " ", "b=", "1" * 40, "...vvvvvvvvvvvvvvvv b=...", " " * 20 + "^^"),
        ("x a=" + "v" * 40 + " ", "b" * 60, "", "...vvv bbbbbbbbbbbbbbb...", "       " + "^" * 15),
        ("x a=" + "日" * 40 + " ", "b", "", "... 日日日日日日日日 b", " " * 21 + "^"),
    ],
)
def test_a_line_that_is_too_long_is_cut(
    before: str, wrong: str, behind: str, line: str, marks: str
) -> None:
    assert marked(before, wrong, behind, 25) == [line, marks]


TEXTS = st.text(st.sampled_from("ab =日\u0301\x1b\t\u202e"), max_size=40)


@examples(2)
@given(TEXTS, TEXTS, TEXTS, st.integers(10, 60))
def test_no_row_is_too_wide_and_some_mark_is_always_there(
    before: str, wrong: str, behind: str, columns: int
) -> None:
    line, marks = marked(before, wrong, behind, columns)
    assert text_columns(line) <= columns
    assert len(marks) <= columns
    assert marks.lstrip(" ").strip("^") == ""
    assert "^" in marks
