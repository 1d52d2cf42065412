"""What an answer, a note and an error show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import CommandFailed, ConnectionLost, LineSyntaxError, QmpshError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.syntax import FORMATS, Modifiers
from qmpsh.render.answers import BodyKind, answer_body, cost, error_body, text_body
from qmpsh.render.layouts import row_body
from qmpsh.render.theme import UNICODE, Line, plain
from qmpsh.shell.overview.rows import OverviewRow, RowPart
from qmpsh.shell.steps import Answer
from tests.protocol.strategies import replies
from tests.render.test_safe import obeyed

JSON = Modifiers(formats=frozenset({"json"}))
RAW = Modifiers(formats=frozenset({"raw"}))


@pytest.mark.parametrize(
    "answer, text",
    [
        (Answer("stop", value={}), "{}"),
        (Answer("query-x", value={"a": [1]}), '{\n  "a": [\n    1\n  ]\n}'),
        (Answer("query-x", value=None), "null"),
        (Answer("query-x", value="a\nb"), '"a\\nb"'),
        (Answer("query-x", value="a\nb", modifiers=RAW), "a\nb"),
        (Answer("query-x", value="\x1b[2J", modifiers=RAW), "\\x1b[2J"),
        (Answer("query-x", value=3, modifiers=RAW), "3"),
        (Answer("query-x", value="\u202e"), '"\\u202e"'),
        (Answer("human-monitor-command", value="x", text="VM status: ok"), "VM status: ok"),
        (Answer("human-monitor-command", value="", text=""), ""),
        (Answer("", text="a\tb\n\x07"), "a       b\n\\x07"),
        (
            Answer("x", value=1, reply={"return": 1, "id": "u"}, modifiers=JSON),
            '{\n  "return": 1,\n  "id": "u"\n}',
        ),
        (Answer("x", failed=True, text="GenericError: no"), "GenericError: no"),
        (
            Answer("x", failed=True, text="E: no", reply={"error": 1}, modifiers=JSON),
            '{\n  "error": 1\n}',
        ),
    ],
)
def test_text(answer: Answer, text: str) -> None:
    assert answer_body(answer).text() == text


def test_one_line() -> None:
    answer = Answer("query-x", value={"a": [1]})
    assert answer_body(answer, in_lines=False).text() == '{"a": [1]}'


@pytest.mark.parametrize(
    "answer, line",
    [
        (
            Answer("x", failed=True, text="DeviceNotFound: Device 'net9' not found"),
            [("error", "DeviceNotFound"), ("", ": Device 'net9' not found")],
        ),
        (Answer("x", failed=True, text="Error: no"), [("error", "Error"), ("", ": no")]),
        (Answer("x", failed=True, text="unknown command: x"), [("error", "unknown command: x")]),
        (Answer("x", text="plain"), [("", "plain")]),
        (Answer("x", value=12), [("json.number", "12")]),
    ],
)
def test_first_line_styled(answer: Answer, line: Line) -> None:
    assert answer_body(answer).line(0) == line


def test_a_wrong_line_is_repeated_and_marked() -> None:
    body = error_body(LineSyntaxError("x has no value", "device_add x", (11, 12)))
    assert [body.line(index) for index in range(3)] == [
        [("echo", "device_add x")],
        [("error", "           ^")],
        [("error", "x has no value")],
    ]


def test_marks_stand_below_what_they_mark_behind_a_tab() -> None:
    source, marks, _ = error_body(LineSyntaxError("no", "a\tbad", (2, 5))).lines
    assert (source, marks) == ("a       bad", "        ^^^")


@pytest.mark.parametrize(
    "error, text",
    [
        (CommandFailed("GenericError", "a\x1bb"), "GenericError: a\\x1bb"),
        (ConnectionLost("the server went"), "error: the server went"),
        (QmpshError("two\nlines"), "error: two\nlines"),
    ],
)
def test_other_errors(error: QmpshError, text: str) -> None:
    assert "\n".join(error_body(error).lines) == text


@pytest.mark.parametrize(
    "kind, role", [(BodyKind.DIM, "dim"), (BodyKind.WARNING, "warning"), (BodyKind.TEXT, "")]
)
def test_kinds(kind: BodyKind, role: str) -> None:
    assert text_body("a\n", kind).line(0) == [(role, "a")]


def test_an_empty_text_has_no_lines() -> None:
    assert text_body("").lines == []
    assert text_body("\n").lines == []


@pytest.mark.parametrize(
    "answer, text",
    [
        (Answer("x", value={"a": 1}, seconds=0.0004, size=56), "0.4 ms 56 B"),
        (Answer("x", value={}, seconds=0.0003, size=14), "0.3 ms"),
        (Answer("x", failed=True, text="E: no", seconds=0.0003, size=80), "0.3 ms"),
        (Answer("", text="verb"), ""),
    ],
)
def test_cost(answer: Answer, text: str) -> None:
    assert cost(answer) == text


def test_styling_keeps_the_text() -> None:
    body = answer_body(Answer("x", value={"a": [1, "b", None, True, {"c": -1.5e9}]}))
    assert [plain(body.line(index)) for index in range(len(body.lines))] == body.lines


def test_an_overview_is_laid_out_with_its_labels_dim() -> None:
    row = OverviewRow("state", "state", (RowPart("running"),))
    answer = Answer("", text="state  running", rows=(row,), reply={"a": 1})
    body = answer_body(answer, layout=lambda rows: row_body(rows, 80, UNICODE))
    assert body.text() == "state  running"
    assert body.line(0) == [("dim", "state"), ("", "  "), ("", "running")]
    assert answer_body(answer).line(0) == [("", "state  running")]
    whole = answer._replace(modifiers=JSON)
    shown = answer_body(whole, layout=lambda rows: row_body(rows, 80, UNICODE))
    assert shown.kind is BodyKind.JSON


VALUES = replies("node-name", "size", "actual-size", "image", "filename", "return", "\u202e")


@given(
    VALUES,
    st.none() | st.text(st.sampled_from("a\t\n\x1b\x9b\u202e\ud800")),
    st.sets(st.sampled_from(sorted(FORMATS))),
    st.booleans(),
    st.integers(5, 90),
)
def test_any_answer_is_shown_in_any_format(
    value: Json, text: str | None, formats: set[str], failed: bool, width: int
) -> None:
    modifiers = Modifiers(formats=frozenset(formats))
    reply: JsonObject = {"return": value}
    answer = Answer("x", failed, value, text, reply, modifiers=modifiers)
    body = answer_body(answer)
    assert obeyed(body.text()) <= {"\n"}
    for index in range(len(body.lines)):
        assert obeyed(plain(body.line(index, width))) == set()
    assert isinstance(cost(answer), str)
