"""What a pipe printed: JSON and colours pass, nothing else that steers a terminal."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.render.answers import BodyKind
from qmpsh.render.piped import piped_body
from qmpsh.render.theme import Line, painter
from tests.fuzzing import examples


@pytest.mark.parametrize(
    "text,kind",
    [
        ('{\n  "a": 1\n}\n', BodyKind.JSON),
        ('"vda"\n"vdb"\n', BodyKind.JSON),
        ("[1, 2]", BodyKind.JSON),
        ("true", BodyKind.JSON),
        ("42\n", BodyKind.TEXT),
        ("1\n2\n", BodyKind.TEXT),
        ("written to x", BodyKind.TEXT),
        ('{"a": 1} rest', BodyKind.TEXT),
        ("{'a': 1}", BodyKind.TEXT),
        ("[" * 100_000, BodyKind.TEXT),
        ("", BodyKind.TEXT),
    ],
)
def test_what_is_json(text: str, kind: BodyKind) -> None:
    body = piped_body(text)
    assert body.kind is kind
    assert body.text() == text.rstrip("\n")


@pytest.mark.parametrize(
    "text,line",
    [
        ("\x1b[31mred\x1b[0m plain", [("=ansired", "red"), ("", " plain")]),
        ("\x1b[1;34mx\x1b[22my\x1b[mz", [("=bold ansiblue", "x"), ("=ansiblue", "y"), ("", "z")]),
        ("\x1b[97;41mx\x1b[39;49my", [("=ansiwhite bg:ansired", "x"), ("", "y")]),
        ("\x1b[38;5;208mx", [("=#ff8700", "x")]),
        ("\x1b[38;5;1mx", [("=ansired", "x")]),
        ("\x1b[48;2;1;2;255mx", [("=bg:#0102ff", "x")]),
        ("\x1b[38;5mx", [("", "x")]),
        ("\x1b[38;9;1mx", [("=bold", "x")]),
        ("\x1b[5;8;53mx", [("", "x")]),  # neither blinks nor hides
        ("\x1b[31ma\x1b[2Jb\x07", [("=ansired", "a\\x1b[2Jb\\x07")]),
        ("\x1b[31m\ta", [("=ansired", "        a")]),
    ],
)
def test_colours(text: str, line: Line) -> None:
    body = piped_body(text)
    assert body.line(0) == line
    assert body.lines == ["".join(text for _, text in line)]


def test_a_colour_holds_over_lines_and_is_printed_on_leaving() -> None:
    body = piped_body("\x1b[32ma\n\nb\x1b[0m\nc\n")
    lines = [body.line(index) for index in range(4)]
    assert lines == [[("=ansigreen", "a")], [("", "")], [("=ansigreen", "b")], [("", "c")]]
    assert painter({})(lines[0]) == "\x1b[32ma\x1b[0m"


@examples(2)
@given(st.text(st.sampled_from('\x1b[;m0123456789ab\n\t\u202e{}"')))
@example("\x1b[" + "9" * 5000 + "m")
def test_nothing_else_passes(text: str) -> None:
    body = piped_body(text)
    for index, plain in enumerate(body.lines):
        assert plain.isprintable()
        assert "".join(part for _, part in body.line(index)) == plain
