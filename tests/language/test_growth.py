"""A line twice as long takes twice the steps, whatever it is made of.

Steps are calls of functions, C's included: they are the same on a busy machine.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import FrameType

import pytest

from qmpsh.errors import LineError
from qmpsh.language.analysis import keep
from qmpsh.language.cursor import find_context
from qmpsh.language.parser import parse_line, parse_words
from qmpsh.language.reader import split_lines
from qmpsh.language.scanner import Scanner
from qmpsh.language.syntax import PLAIN, CommandLine, JsonLine, Statement
from qmpsh.language.untyped import guess_arguments
from qmpsh.render.answers import caret_lines
from qmpsh.schema.check import MAX_CHECKED_CHARACTERS, check_arguments, check_json
from qmpsh.secrets.masker import mask_error, mask_line
from tests.measuring import unmeasured
from tests.samples import schema

SIZE = 150
Line = Callable[[int], str]


def numbered(count: int, form: str, mark: str) -> str:
    return mark.join(form.format(number) for number in range(count))


LINES: dict[str, Line] = {
    "raw": lambda n: f'{{"execute": "x", "arguments": {{"a": [{"1," * n}1]}}}}',
    "raw, known": lambda n: (
        '{"execute": "qom-set", "arguments": {"path": "/", "property": "p", "value": '
        f"[{'1,' * n}1]}}}}"
    ),
    "raw, single quotes": lambda n: f"{{'execute': 'x', 'arguments': {{'a': [{'1,' * n}True]}}}}",
    "raw, not JSON": lambda n: f'{{"execute": "x", "arguments": [{"1," * n}],}}',
    "raw, several": lambda n: '{"execute": "x"} ' * n,
    "raw, secrets": lambda n: (
        '{"execute": "x", "arguments": {"a": ['
        + numbered(n, '{{"qom-type": "secret", "id": "i{0}"}}', ",")
        + "]}}"
    ),
    "reply": lambda n: f'{{"return": [{"{...}," * n} ...]}}',
    "echo": lambda n: f'(QEMU) x a=1\n{{"execute": "x", "arguments": {{"a": [{"1," * n}1]}}}}',
    "arguments": lambda n: "x " + numbered(n, "a{0}=1", " "),
    "dotted": lambda n: "x " + numbered(n, "a.b.c{0}=1", " "),
    "indexes": lambda n: "x " + numbered(n, "a.{0}=1", " "),
    "brackets": lambda n: f"x a=[{'1,' * n}]",
    "members": lambda n: "x a={" + numbered(n, "a{0}: b", ",") + "}",
    "typed": lambda n: (
        "migrate-set-capabilities capabilities=[" + "{capability: xbzrle, state: on}," * n + "]"
    ),
    "unknown members": lambda n: "stop " + numbered(n, "a{0}=1", " "),
    "rows": lambda n: "x a=[" + "\n1,\n\t2," * n + "]",
    "escapes": lambda n: 'x a="' + "\\n" * n + '"',
    "backslashes": lambda n: "x a=" + "\\ " * n,
    "words": lambda n: "device_del " + "a " * n,
    "open quotes": lambda n: "x " + '"a ' * n,
    "open brackets": lambda n: "x " + "a={ " * n,
    "marks": lambda n: "-> " * n + "stop",
    "dashes": lambda n: "x " + "-a " * n,
    "modifiers": lambda n: "x " + "--a " * n,
    "passwords": lambda n: "x " + numbered(n, "password=a{0}", " "),
    "pipe": lambda n: "x | " + "a " * n,
    "commands": lambda n: "query-status\n" * n,
}


def everything(line: str) -> None:
    """What becomes of a line on its way, errors and masks included."""
    for logical in split_lines(line).lines:
        try:
            for statement in parse_line(logical.text):
                read(statement)
        except LineError as error:
            mask_error(error)
            caret_lines(error, 80)
        mask_line(logical.text)
    find_context(line, len(line), PLAIN)


def read(statement: Statement) -> None:
    if isinstance(statement, JsonLine):
        check_json(schema("10.0"), statement)
    elif isinstance(statement, CommandLine):
        if statement.name.text == "x":
            guess_arguments(statement)
        else:
            check_arguments(schema("10.0"), statement)


def words(line: str) -> None:
    try:
        for statement in parse_words(line.split()):
            read(statement)
    except LineError as error:
        mask_error(error, line.split())


def steps(work: Callable[[str], None], line: str) -> int:
    count = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    re.purge()  # else it is chance which patterns are compiled already
    keep.cache_clear()
    with unmeasured():
        sys.setprofile(profile)
        try:
            work(line)
        finally:
            sys.setprofile(None)
    return count


@pytest.mark.parametrize("work", [everything, words])
@pytest.mark.parametrize("name", LINES)
def test_twice_the_line_takes_twice_the_steps(name: str, work: Callable[[str], None]) -> None:
    line = LINES[name]
    work(line(SIZE))  # what is done only once is done
    once, twice = steps(work, line(SIZE)), steps(work, line(2 * SIZE))
    assert twice <= 2.3 * once + 100


@pytest.mark.parametrize("name", ["raw", "raw, known", "raw, secrets"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_long_raw_line_is_read_by_the_decoder_alone(
    name: str, quote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = LINES[name](MAX_CHECKED_CHARACTERS).replace('"', quote)

    def feed(self: Scanner, *args: object) -> None:
        raise AssertionError("scanned")

    monkeypatch.setattr(Scanner, "feed", feed)
    [logical] = split_lines(line).lines
    [statement] = parse_line(logical.text)
    assert isinstance(statement, JsonLine)
    assert check_json(schema("10.0"), statement) == ""
    if name != "raw, secrets":
        assert mask_line(line) == line


def test_what_is_wrong_with_a_long_line_is_shown_in_part() -> None:
    with pytest.raises(LineError) as caught:
        parse_line("x " + "a=1 " * 10_000 + "b")
    shown = caret_lines(caught.value, 2000)
    assert [len(row) <= 2000 for row in shown] == [True, True]
