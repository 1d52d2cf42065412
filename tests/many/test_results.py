"""Exit codes, the summary, folded answers and the JSON line of `-a`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.address import UnixAddress
from qmpsh.errors import Busy, CannotConnect, ConnectionLost, QmpshError, ReplyTimeout, UsageError
from qmpsh.jsontypes import Json
from qmpsh.many.output import table_rows
from qmpsh.many.results import NotBegun, VmResult, exit_code, fold, json_line, summary
from qmpsh.many.targets import Target
from qmpsh.shell.steps import Answer


def result(
    name: str, value: Json = None, code: int = 0, error: QmpshError | None = None, state: str = ""
) -> VmResult:
    path = f"/run/{name}.sock"
    answers = () if value is None else (Answer("query-x", value=value),)
    return VmResult(Target(UnixAddress(path), path), name, answers, code, error, state)


def failed(code: int) -> VmResult:
    return result("a", code=code, error=UsageError("x") if code == 2 else None)


@pytest.mark.parametrize(
    "codes,expected",
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 1], 1),
        ([0, 3, 3], 3),
        ([0, 124], 124),
        ([4, 4], 4),
        ([0, 3, 1], 1),
        ([2, 2], 2),
        ([0, 2], 1),
        ([2, 3], 1),
        ([0, 7], 1),  # of a program in the guest
    ],
)
def test_exit_code(codes: list[int], expected: int) -> None:
    assert exit_code([failed(code) for code in codes]) == expected


def test_what_was_not_begun_has_no_code_of_its_own() -> None:
    results = [result("a", code=4), result("b", code=2, error=NotBegun())]
    assert exit_code(results) == 4
    assert summary(results) == "1 failed, 1 not begun"


@pytest.mark.parametrize(
    "error,state,word",
    [
        (None, "", "failed"),
        (Busy("x"), "", "busy"),
        (Busy("x"), "stopped", "busy"),
        (CannotConnect("x"), "", "unreachable"),
        (CannotConnect("x"), "stopped", "stopped"),
        (ReplyTimeout("x"), "", "timed out"),
        (ReplyTimeout("x"), "hung", "hung"),
        (ConnectionLost("x"), "", "lost"),
        (UsageError("x"), "", "not sent"),
    ],
)
def test_each_end_has_a_word(error: QmpshError | None, state: str, word: str) -> None:
    assert result("a", code=1, error=error, state=state).word == word


def test_the_summary_begins_with_what_is_well() -> None:
    several = [result("a", code=3, error=Busy("x")), result("b", {}), result("c", {})]
    assert summary(several) == "2 ok, 1 busy"


def test_a_json_line_names_the_vm_first() -> None:
    assert json_line(result("web1", {"status": "running"})) == {
        "vm": "web1",
        "address": "/run/web1.sock",
        "return": {"status": "running"},
        "ms": 0,
    }
    assert json_line(result("web1", code=3, error=Busy("held", "wait"))) == {
        "vm": "web1",
        "address": "/run/web1.sock",
        "error": {"class": "CannotConnect", "desc": "held; wait"},
        "code": 3,
        "ms": 0,
    }


def test_an_error_of_the_server_is_its_own() -> None:
    said: Json = {"class": "DeviceNotFound", "desc": "no x"}
    answer = Answer("device_del", failed=True, text="DeviceNotFound: no x", reply={"error": said})
    one = result("a", code=1)._replace(answers=(answer,))
    assert (json_line(one)["error"], one.reason) == (said, "DeviceNotFound: no x")


def test_several_answers_are_a_list_and_several_texts_are_one() -> None:
    values = [Answer("a", value={"x": 1}), Answer("b", value=[])]
    assert result("a")._replace(answers=tuple(values)).value == [{"x": 1}, []]
    texts = [Answer("", data=b"out\n"), Answer("", data=b"err\xff", aside=True)]
    assert result("a")._replace(answers=tuple(texts)).value == "out\nerr\ufffd"


def test_equal_answers_are_folded() -> None:
    results = [result(f"web{n}", {"status": "running"}) for n in (1, 2, 3)]
    results.append(result("db", {"status": "paused"}))
    groups = fold(results)
    assert [group.title for group in groups] == ["web[1-3] (3)", "db"]
    assert len(fold(results, apart=True)) == 4
    assert table_rows(groups) == [
        {"vm": "web[1-3] (3)", "status": "running"},
        {"vm": "db", "status": "paused"},
    ]


def test_the_same_failure_on_several_sockets_is_one() -> None:
    results = [
        result(name, code=3, error=CannotConnect(f"nothing listens on /run/{name}.sock"))
        for name in ("a", "b")
    ]
    (group,) = fold(results, failures=True)
    assert (group.title, group.reason) == ("a,b (2)", "nothing listens on its socket")


@pytest.mark.parametrize("value", ["text", {"a": {"b": 1}}, [1, 2], [], [{"a": 1}, 2]])
def test_other_answers_are_blocks(value: Json) -> None:
    assert table_rows(fold([result("a", value)])) is None


def test_a_name_cannot_write_on_the_terminal() -> None:
    (group,) = fold([result("a\x1b[2J\n", {})])
    assert group.title == "a\\x1b[2J\n" or group.title.isprintable()


@given(st.lists(st.sampled_from([0, 1, 2, 3, 4, 7, 124])))
def test_the_code_is_0_only_if_all_is_well(codes: list[int]) -> None:
    code = exit_code([failed(one) for one in codes])
    assert (code == 0) == (not any(codes))
    assert code in (0, 1, 2, 3, 4, 124)


def test_names_of_sockets_and_vms_stay_on_their_line() -> None:
    name = "a\nqmpsh: 9 ok\x1b[31m"
    one = result(name, code=3, error=CannotConnect(f"nothing listens on /run/{name}.sock"))
    for results in ([one], [one, one._replace(name=f"{name}2")]):
        (group,) = fold(results, failures=True)
        assert "\n" not in group.title + group.reason
        assert "\x1b" not in group.title
