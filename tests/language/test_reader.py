"""Physical lines to logical ones."""

from __future__ import annotations

import pytest

from qmpsh.language.reader import LineAssembler, LogicalLine, needs_more
from qmpsh.language.syntax import Mode
from tests.language.helpers import DATA, HMP, assembled, refusal

WHOLE = [
    "query-status",
    "",
    "   ",
    "x a='b' c=\"d\" e={f: [1]}",
    "x a=it's b=c{ d=e[",
    "x a=b\\",
    "x # 'a",
    "x # \\",
    "# {",
    "x | jq 'a",
    "x | jq '.[",
    "[1,",
    '"a',
    "x {a:",
    "x a={b: 1]",
    "x a={b: ]",
    "x a='b'\"c",
    "transaction(",
    ")",
    "(QEMU)",
    "-> query-status",
    '{"execute": "x"} <- {"return": {}}',
    ".hmp x 'a {",
    ".hmp x \\",
    "```json",
    "x > a{",
]


@pytest.mark.parametrize("text", WHOLE)
def test_a_line_that_is_whole(text: str) -> None:
    assert not needs_more(text)
    assert LineAssembler().push(text) == LogicalLine(text, 1)


OPEN = [
    ("x a={", "}"),
    ("x a={b: [1,", "2]} c=d"),
    ("x a={b: '}", "'}"),
    ("x a='b", "c' d=e"),
    ("x a='b\\'", "c'"),
    ('x a="b\\', '"c"'),
    ("x 'a=b", "c'"),
    ("x 'a", ".b'.c=d"),
    ("x a=b \\", "c=d"),
    ("x a=b \\  ", "c=d"),
    ("x \\", ""),
    ("\\", "x"),
    ("x | jq \\", "."),
    ("x > 'a", "b'"),
    ("x --fd 'a", "b'"),
    ("x --timeout \\", "5"),
    ('{"execute":', '"x"}'),
    ("-> {", "}"),
    ("<- {", '"return": [{}]}'),
    ('S: {"return": {}} C: {', '"execute": "x"}'),
    (".json x a={", "}"),
    ('.export bash {"execute":', '"x"}'),
    (".watch 2 x a='", "'"),
    (".exec sh -c 'a", "b'"),
    ("transaction( x a='", "' )"),
    (".wait X a={", "}"),
]


@pytest.mark.parametrize("first,second", OPEN)
def test_a_line_that_goes_on(first: str, second: str) -> None:
    assert needs_more(first)
    assert not needs_more(f"{first}\n{second}")
    assembler = LineAssembler()
    assert assembler.push(first) is None
    assert assembler.pending
    assert assembler.push(second) == LogicalLine(f"{first}\n{second}", 1)
    assert not assembler.pending


@pytest.mark.parametrize("text", ["x a={", "x 'a", "x \\", '{"execute":', ".wait X a={"])
def test_in_hmp_no_line_goes_on(text: str) -> None:
    assert not needs_more(text, HMP)
    assert LineAssembler(HMP).push(text) == LogicalLine(text, 1)


def test_the_mode_may_change_between_lines() -> None:
    assembler = LineAssembler()
    assert assembler.push("x 'a") is None
    assembler.reset()
    assembler.mode = HMP
    assert assembler.push("x 'a") == LogicalLine("x 'a", 2)


def test_verbs_without_their_dot() -> None:
    mode = Mode(bare_verbs=frozenset({"hmp"}))
    assert needs_more("hmp x a={")
    assert not needs_more("hmp x a={", mode)


def test_lines_are_numbered_by_their_first() -> None:
    assembler = LineAssembler()
    script = ["# a\r\n", "x a={\r\n", "b: 1}\r\n", "\n", "y \\\n", "z=1\n", "w"]
    lines = [assembler.push(line) for line in script]
    assert [line for line in lines if line is not None] == [
        LogicalLine("# a", 1),
        LogicalLine("x a={\nb: 1}", 2),
        LogicalLine("", 4),
        LogicalLine("y \\\nz=1", 5),
        LogicalLine("w", 7),
    ]
    assembler.close()


AT_THE_END = [
    (
        ["x", "", "y a={", "b: ["],
        "end of file inside an open bracket that began on line 3\ny a={\n    ^",
    ),
    (
        ["x a={", "b: 1} c='", "d"],
        "end of file inside an open quote that began on line 2\nb: 1} c='\n        ^",
    ),
    (["x a=b \\"], "end of file after the lone backslash of line 1\nx a=b \\\n      ^"),
    (["x a='b", "c' \\"], "end of file after the lone backslash of line 2\nc' \\\n   ^"),
    (["<- {"], "end of file inside an open bracket that began on line 1\n<- {\n   ^"),
    (["x a={'b"], "end of file inside an open bracket that began on line 1\nx a={'b\n    ^"),
]


@pytest.mark.parametrize("lines,expected", AT_THE_END)
def test_the_end_inside_an_open_line(lines: list[str], expected: str) -> None:
    assembler = LineAssembler()
    for line in lines:
        assembler.push(line)
    assert refusal(assembler.close) == expected
    assert not assembler.pending
    assembler.close()


def test_a_reset_forgets_what_has_begun() -> None:
    assembler = LineAssembler()
    assembler.push("x a={")
    assembler.reset()
    assert not assembler.pending
    assert assembler.push("y") == LogicalLine("y", 2)


def test_objects_over_several_lines() -> None:
    lines = assembled((DATA / "qemu-slides.txt").read_text())
    objects = [line for line in lines if "{" in line]
    assert [line.count("\n") for line in objects] == [5, 2, 5, 8, 11]


def test_a_long_object_is_scanned_once() -> None:
    assembler = LineAssembler()
    assert assembler.push('{"execute": "x", "arguments": {"a": [') is None
    for number in range(20_000):
        assert assembler.push(f'{{"b": {number}}},') is None
    line = assembler.push("{}]}}")
    assert line is not None
    assert line.text.count("\n") == 20_001
