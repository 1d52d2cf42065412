"""The manual's examples as lines of the language."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.language.formatting import format_command
from qmpsh.language.lines import parse_line
from qmpsh.language.syntax import CommandLine, JsonLine
from qmpsh.language.untyped import guess_arguments
from qmpsh.schema.manual.examples import MAX_EXAMPLES, example_lines
from qmpsh.schema.manual.find import load_manual

PAGES = sorted((Path(__file__).parent.parent / "data" / "manual").iterdir())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_is_a_line_of_its_command(page: Path) -> None:
    manual = load_manual(str(page))
    found = 0
    for name in manual.names:
        entry = manual.entry(name, 78)
        for line in example_lines(entry.text, name) if entry is not None else []:
            (statement,) = parse_line(line)
            if isinstance(statement, CommandLine):
                assert statement.name.text == name
                arguments = guess_arguments(statement)
                assert format_command(name, arguments, dotted=True) == line
            else:
                assert isinstance(statement, JsonLine)
                assert statement.name == name
            found += 1
    assert found > 0


def test_an_example_may_span_lines_and_is_shown_once() -> None:
    text = """Example:
      -> { "execute": "device_add",
           "arguments": { "driver": "e1000", "id": "net 1", "a": {"b": 1} } }
      <- { "return": {} }
      -> { "execute": "device_add", "arguments": {"driver": "e1000", "id": "net 1", "a":{"b":1}}}
      -> { "execute": "device_add", ... }
      -> { "execute": "cont" }
      -> { "execute": "device_add", "arguments": [] }
      -> { "execute": "device_add" }"""
    assert example_lines(text, "device_add") == [
        'device_add driver=e1000 id="net 1" a.b=1',
        "device_add",
    ]
    assert example_lines('-> {"execute": "x", "arguments": ' + "[" * 10_000, "x") == []
    assert (
        len(
            example_lines(
                "\n".join(f'-> {{"execute": "x", "arguments": {{"a": {n}}}}}' for n in range(9)),
                "x",
            )
        )
        == MAX_EXAMPLES
    )


@given(
    st.lists(st.sampled_from(["-> {", '"execute": ', '"x"', ", ", "{", "}", "[", '"', "1", "\n"]))
)
def test_any_text_has_examples_or_none(pieces: list[str]) -> None:
    for line in example_lines("".join(pieces), "x"):
        assert parse_line(line)
