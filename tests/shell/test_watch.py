"""`.watch` against a scripted server, and the differences of two values."""

from __future__ import annotations

import pytest

from qmpsh.jsontypes import Json
from qmpsh.shell.settings import Settings
from qmpsh.shell.verbs.watch import changes
from tests.shell.scripted import Messages, ScriptedShell

RUNS: Messages = [{"return": {"status": "running", "running": True}}]
STOPPED: Messages = [{"return": {"status": "paused", "running": False}}]


@pytest.mark.parametrize(
    "old, new, lines",
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a: 1 -> 2"]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, ["a.b[1]: 2 -> 3"]),
        ([1], [1, 2], ["[1]: 2 is new"]),
        ({"a": 1, "b": 2}, {"b": 2}, ["a: 1 is gone"]),
        (1, True, ["it: 1 -> true"]),
        ("é", None, ['it: "é" -> null']),
    ],
)
def test_changes(old: Json, new: Json, lines: list[str]) -> None:
    assert list(changes(old, new)) == lines


def test_the_first_reply_is_whole_and_then_the_changes() -> None:
    shell = ScriptedShell(
        {"query-status": [RUNS, RUNS, STOPPED]}, settings=Settings(interactive=True, reader=True)
    )
    assert shell.run(".watch 1ms query-status --count 3").exit_code == 0
    first, changed = shell.answers
    assert first.value == {"status": "running", "running": True}
    assert changed.text is not None
    lines = ['  status: "running" -> "paused"', "  running: true -> false"]
    assert changed.text.splitlines()[1:] == lines


def test_a_program_gets_each_reply_that_differs_on_a_line() -> None:
    shell = ScriptedShell({"query-status": [RUNS, RUNS, STOPPED]})
    assert shell.run(".watch 1ms query-status --count 3").exit_code == 0
    assert [(answer.one_line, answer.text) for answer in shell.answers] == [(True, None)] * 2


def test_it_ends_with_its_time_or_comes_too_early_for_a_count() -> None:
    shell = ScriptedShell({"query-status": [RUNS]})
    assert shell.run(".watch 5ms --timeout 20ms query-status").exit_code == 0
    late = shell.run(".watch 5ms --timeout 20ms --count 100 query-status")
    assert late.exit_code == 124
    assert "100 replies" in str(late.error)


@pytest.mark.parametrize(
    "line, code, says",
    [
        (
            ".watch stop",
            2,
            ".watch repeats only what changes nothing, and stop may change something; it takes"
            " query-NAME, qom-get and HMP info",
        ),
        (".watch", 2, "expected one query, as in .watch 2s query-status"),
        (".watch 1ms --json query-status --json", 2, "--json is given twice"),
    ],
)
def test_what_it_does_not_repeat(line: str, code: int, says: str) -> None:
    shell = ScriptedShell()
    outcome = shell.run(line)
    assert (outcome.exit_code, shell.names) == (code, [])
    assert str(outcome.error) == says


def test_it_ends_with_the_connection() -> None:
    outcome = ScriptedShell({"query-status": [[*RUNS, None]]}).run(".watch 1ms query-status")
    assert outcome.exit_code == 4
