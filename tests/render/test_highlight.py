"""JSON text in colour: what is what, and what a long string costs."""

from __future__ import annotations

import tracemalloc

import pytest

from qmpsh.render.answers import json_line
from qmpsh.render.theme import Line, plain


@pytest.mark.parametrize(
    "text, line",
    [
        (
            '  "a": -1.5e3,',
            [
                ("", "  "),
                ("json.key", '"a"'),
                ("json.punctuation", ":"),
                ("", " "),
                ("json.number", "-1.5e3"),
                ("json.punctuation", ","),
            ],
        ),
        (
            r'"\"\\":"\\"',
            [("json.key", r'"\"\\"'), ("json.punctuation", ":"), ("json.string", r'"\\"')],
        ),
        ('"a" :', [("json.string", '"a"'), ("", " "), ("json.punctuation", ":")]),
        ("true", [("json.literal", "true")]),
        ('"open', [("", '"open')]),
        ("", []),
    ],
)
def test_what_is_what(text: str, line: Line) -> None:
    assert json_line(text) == line


@pytest.mark.parametrize("character", ["x", r"\n", r"\\"])
def test_a_long_string_costs_little_more_than_itself(character: str) -> None:
    text = f'"{character * 200_000}"'
    json_line('""')
    tracemalloc.start()
    line = json_line(text)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert plain(line) == text
    assert most < 4 * len(text)


def test_the_rest_of_a_very_long_line_has_no_colour() -> None:
    text = "[" + "1, " * 100_000 + "1]"
    line = json_line(text)
    assert "".join(part for _, part in line) == text
    assert len(line) < 100_000
    assert line[-1][0] == ""
    assert json_line(f'"{"x" * 10**6}": 1')[0][0] == "json.key"
