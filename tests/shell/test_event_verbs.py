"""`.wait` and `.events` against a scripted server."""

from __future__ import annotations

import pytest

from qmpsh.jsontypes import JsonObject
from qmpsh.shell.context import FrontEnd
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Note
from tests.shell.scripted import OK, ScriptedShell, event

STOP, RESUME = event("STOP"), event("RESUME")
STOPS = {"stop": [[OK, STOP]], "cont": [[OK, RESUME]]}


def keeping(shell: ScriptedShell) -> ScriptedShell:
    """A shell that keeps events from its first line on, as that of a script does."""
    shell.context.keep_events()
    return shell


def test_an_event_since_the_last_command_counts() -> None:
    shell = keeping(ScriptedShell(STOPS))
    shell.run("stop")
    assert shell.run(".wait STOP --timeout 5").exit_code == 0
    assert shell.answers[-1].reply == STOP


def test_it_is_taken_once() -> None:
    shell = keeping(ScriptedShell(STOPS))
    shell.run("stop")
    shell.run(".wait STOP --timeout 5")
    assert shell.run(".wait STOP --timeout 10ms").exit_code == 124


def test_a_command_in_between_makes_it_old_and_a_query_does_not() -> None:
    shell = keeping(ScriptedShell(STOPS))
    shell.run("stop")
    shell.run("query-status")
    shell.run("cont")
    outcome = shell.run(".wait STOP --timeout 10ms")
    assert outcome.exit_code == 124
    assert "1 other event came, the last RESUME" in str(outcome.error)


def test_new_ignores_what_came_before() -> None:
    shell = keeping(ScriptedShell(STOPS))
    shell.run("stop")
    assert shell.run(".wait STOP --new --timeout 10ms").exit_code == 124


def test_with_a_value_it_looks_back_and_reports_the_age() -> None:
    gone = event("DEVICE_DELETED", device="d0")
    shell = keeping(ScriptedShell({"device_del": [[OK, gone]]}))
    shell.run("device_del id=d0")
    shell.run("cont")
    assert shell.run(".wait DEVICE_DELETED device=d0 --timeout 5").exit_code == 0
    notes = [item.text for item in shell.said if isinstance(item, Note)]
    assert any("before the last command" in note for note in notes)


@pytest.mark.parametrize(
    "line, says",
    [
        (".wait NO_SUCH", "NO_SUCH"),
        (".wait job=j --new", "takes no --new"),
        (".events NO_SUCH", "NO_SUCH"),
    ],
)
def test_what_cannot_come_is_refused(line: str, says: str) -> None:
    outcome = ScriptedShell().run(line)
    assert outcome.exit_code == 2
    assert says in str(outcome.error)


def test_the_end_of_the_connection_ends_a_wait() -> None:
    shell = ScriptedShell(before=[STOP, None])
    outcome = shell.run(".wait RESUME")
    assert outcome.exit_code == 4
    assert "lost the connection before RESUME; 1 other event came" in str(outcome.error)


def test_a_job_that_has_ended_unnoticed() -> None:
    entry: JsonObject = {"return": [{"id": "j", "status": "concluded", "error": "no space"}]}
    shell = ScriptedShell({"query-jobs": [[entry]]})
    assert shell.run(".wait job=j --timeout 5").exit_code == 1
    assert shell.answers[-1].text == ".wait: job j: no space"


def test_a_job_that_never_was() -> None:
    shell = ScriptedShell({"query-jobs": [[{"return": []}]]})
    assert shell.run(".wait job=j --timeout 5").exit_code == 1
    assert str(shell.answers[-1].text).startswith("no job j: ")


def test_events_are_counted_from_the_line_on() -> None:
    shell = ScriptedShell(before=[STOP])
    outcome = shell.run(".events --count 1 --timeout 10ms")
    assert outcome.exit_code == 124
    assert "0 of 1 came" in str(outcome.error)
    assert shell.said == [Note("listening", bare=True)]


def test_events_without_a_count_end_with_their_time() -> None:
    assert ScriptedShell().run(".events --timeout 10ms").exit_code == 0


class Pane(FrontEnd):
    """A front end that shows events."""

    shows_events = True

    def __init__(self) -> None:
        self.patterns: tuple[str, ...] | None = None

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        self.patterns = patterns


def test_a_front_end_with_a_pane_filters_there() -> None:
    pane = Pane()
    shell = ScriptedShell(settings=Settings(interactive=True), front_end=pane)
    assert shell.run(".events BLOCK_* STOP").exit_code == 0
    assert pane.patterns == ("BLOCK_*", "STOP")
    assert shell.said[-1] == Note("events shown: BLOCK_* STOP")
    assert shell.run(".events device=d0").exit_code == 2
