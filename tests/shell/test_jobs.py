"""`.jobs` where there is no screen: a table, or JSON with raw numbers."""

from __future__ import annotations

import pytest

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.render.answers import answer_body
from qmpsh.shell.context import FrontEnd
from qmpsh.shell.steps import Note
from tests.shell.scripted import ScriptedShell, error
from tests.shell.test_progress import job, ram

CONCLUDED: Json = {**job("j1", 7, 7, "concluded", "create"), "error": "No space left"}
JOBS: Json = [CONCLUDED, job(done=250)]


def shell(
    jobs: Json = JOBS, migration: Json = None, front_end: FrontEnd | None = None
) -> ScriptedShell:
    migrated: JsonObject = {"return": migration}
    migrate = error("no such command") if migration is None else migrated
    answers = {"query-jobs": [[{"return": jobs}]], "query-migrate": [[migrate]]}
    return ScriptedShell(answers, front_end=front_end)


def test_a_table() -> None:
    screen = shell(migration=ram(100, 69, 20))
    assert screen.run(".jobs").exit_code == 0
    assert screen.names == ["query-jobs", "query-migrate"]
    (answer,) = screen.answers
    assert answer_body(answer).lines == [
        "id  type       status     progress  error",
        "j0  backup     running    25 %",
        "j1  create     concluded  100 %     No space left",
        "-   migration  active     31 %",
    ]


def test_json_has_raw_numbers() -> None:
    screen = shell(migration=ram(100, 69, 20))
    assert screen.run(".jobs --json").exit_code == 0
    (answer,) = screen.answers
    assert answer.value == [
        {"id": "j0", "type": "backup", "status": "running", "done": 250, "total": 1000}
        | {"error": None},
        {"id": "j1", "type": "create", "status": "concluded", "done": 7, "total": 7}
        | {"error": "No space left"},
        {"id": None, "type": "migration", "status": "active", "done": 31, "total": 100}
        | {"error": None},
    ]


def test_nothing_is_said_beside_the_answers() -> None:
    screen = shell([])
    assert screen.run(".jobs").exit_code == 0
    assert screen.said == [Note("no jobs, and no migration under way")]
    screen.said.clear()
    screen.run(".jobs --json")
    assert [answer.value for answer in screen.answers] == [[]]


def test_a_server_without_jobs_says_so() -> None:
    screen = ScriptedShell({"query-jobs": [[error("not permitted in preconfig")]]})
    outcome = screen.run(".jobs")
    assert outcome.exit_code == 1
    assert "not permitted in preconfig" in str(outcome.error)


def test_it_takes_no_words() -> None:
    assert shell().run(".jobs j0").exit_code == 2


class WithList(FrontEnd):
    """A front end that has a list of jobs."""

    opened = 0

    def open_jobs(self) -> bool:
        self.opened += 1
        return True


@pytest.mark.parametrize(
    "line, opened, asked",
    [
        (".jobs", 1, []),
        (".jobs --json", 0, ["query-jobs", "query-migrate"]),
        (".jobs --table", 0, ["query-jobs", "query-migrate"]),
        (".jobs > /dev/null", 0, ["query-jobs", "query-migrate"]),
    ],
)
def test_a_screen_opens_its_list(line: str, opened: int, asked: list[str]) -> None:
    front_end = WithList()
    screen = shell(front_end=front_end)
    assert screen.run(line).exit_code == 0
    assert (front_end.opened, screen.names) == (opened, asked)
