"""Any line against real schemas: what they accept can be typed, and no line makes a check fail."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.language.parser import parse_line
from qmpsh.language.syntax import CommandLine, JsonLine
from qmpsh.schema.check import check_arguments, check_json
from tests.language.helpers import fault
from tests.samples import VERSIONS, schema
from tests.schema.strategies import as_line, commands, near_lines

BOTH = pytest.mark.parametrize("version", VERSIONS)


@BOTH
@given(data=st.data())
def test_what_the_schema_accepts_can_be_typed(version: str, data: st.DataObject) -> None:
    known = schema(version)
    name, arguments = data.draw(commands(known))
    [statement] = parse_line(as_line(name, arguments))
    assert isinstance(statement, CommandLine)
    read = check_arguments(known, statement, None)
    assert json.dumps(read) == json.dumps(arguments)


@BOTH
@given(data=st.data())
def test_and_its_json_is_not_warned_of(version: str, data: st.DataObject) -> None:
    known = schema(version)
    name, arguments = data.draw(commands(known))
    [statement] = parse_line(json.dumps({"execute": name, "arguments": arguments}))
    assert isinstance(statement, JsonLine)
    assert check_json(known, statement) == ""


@BOTH
@given(data=st.data())
def test_any_line_is_read_or_refused_at_a_place_in_it(version: str, data: st.DataObject) -> None:
    known = schema(version)
    line = data.draw(near_lines(known))

    def read() -> None:
        for statement in parse_line(line):
            assert isinstance(statement, CommandLine)
            json.dumps(check_arguments(known, statement, None))

    error = fault(read)
    if error is not None:
        start, end = error.span
        assert 0 <= start <= end <= len(error.source)
        assert "\n" not in str(error)
