"""What can be done with a job, in each state, and how it is sent."""

from __future__ import annotations

import json

import pytest

from qmpsh.protocol.messages import command_object
from qmpsh.shell.jobs import (
    ACTION_KEYS,
    JOB_ACTIONS,
    MIGRATION_ACTIONS,
    Allowance,
    JobAction,
    action_command,
    action_line,
    offered_actions,
    wait_line,
    why_not,
)
from qmpsh.shell.work import JobEntry, Work
from tests.shell.scripted import ScriptedShell

ANY = Allowance(can_switch=True)

# Source: JobVerbTable of QEMU's job.c.
ALLOWED_BY_QEMU = {
    "job-cancel": "created running paused ready standby waiting pending",
    "job-pause": "created running paused ready standby",
    "job-resume": "created running paused ready standby",
    "job-complete": "ready",
    "job-finalize": "pending",
    "job-dismiss": "concluded",
}


def entry(status: str, name: str = "j0", result: str = "", *, migration: bool = False) -> JobEntry:
    kind = "migration" if migration else "backup"
    name = "" if migration else name
    return JobEntry(1, name, kind, status, Work(kind), result, is_migration=migration)


def keys(entry: JobEntry, allowance: Allowance = ANY) -> str:
    return " ".join(f"{action.key}:{action.does}" for action in offered_actions(entry, allowance))


@pytest.mark.parametrize(
    "status, offered",
    [
        ("created", "p:pause x:cancel"),
        ("running", "p:pause x:cancel"),
        ("paused", "r:resume x:cancel"),
        ("ready", "p:pause f:complete x:cancel"),
        ("standby", "r:resume x:cancel"),
        ("waiting", "x:cancel"),
        ("pending", "f:finalize x:cancel"),
        ("aborting", ""),
        ("concluded", "d:dismiss"),
        ("null", ""),
        ("of-the-future", ""),
    ],
)
def test_job(status: str, offered: str) -> None:
    assert keys(entry(status)) == offered


@pytest.mark.parametrize("action", JOB_ACTIONS, ids=lambda action: action.command)
def test_qemu_allows_what_is_offered(action: JobAction) -> None:
    assert set(action.statuses.split()) <= set(ALLOWED_BY_QEMU[action.command].split())


@pytest.mark.parametrize(
    "status, offered",
    [
        ("setup", "x:cancel"),
        ("active", "s:switch to postcopy x:cancel"),
        ("pre-switchover", "f:continue x:cancel"),
        ("postcopy-active", "p:pause"),
        ("postcopy-paused", ""),
        ("cancelling", ""),
        ("completed", ""),
    ],
)
def test_migration(status: str, offered: str) -> None:
    assert keys(entry(status, migration=True)) == offered


def test_postcopy_needs_its_capability() -> None:
    assert keys(entry("active", migration=True), Allowance()) == "x:cancel"


def test_a_command_that_the_server_lacks_is_not_offered() -> None:
    few = Allowance(commands=("job-cancel",))
    assert keys(entry("running"), few) == "x:cancel"
    assert why_not(entry("running"), "p", few) == "this server has no job-pause"


def test_every_key_is_known_once() -> None:
    rows = (*JOB_ACTIONS, *MIGRATION_ACTIONS)
    assert {action.key for action in rows} == ACTION_KEYS
    for table in (JOB_ACTIONS, MIGRATION_ACTIONS):
        for status in {word for action in table for word in action.statuses.split()}:
            offered = [action.key for action in table if status in action.statuses.split()]
            assert len(offered) == len(set(offered))


@pytest.mark.parametrize(
    "shown, key, why",
    [
        (entry("running"), "r", "resume is not possible while it is running; p pause, x cancel"),
        (entry("null", result="completed"), "x", "it has ended"),
        (entry("aborting"), "x", "nothing can be done with it now"),
        (entry("running"), "s", "nothing can be done with it now"),
    ],
)
def test_why_not(shown: JobEntry, key: str, why: str) -> None:
    assert why_not(shown, key, ANY) == why


def test_an_incoming_migration_is_left_to_its_source() -> None:
    incoming = Allowance(can_switch=True, is_incoming=True)
    migration = entry("active", migration=True)
    assert keys(migration, incoming) == ""
    assert (
        why_not(migration, "x", incoming) == "a migration to this VM is ended where it comes from"
    )


@pytest.mark.parametrize("name", ["j0", "#block123", "a b", 'q"uote', "esc\x1b[2J", "", "x=y;z"])
@pytest.mark.parametrize("action", [*JOB_ACTIONS, *MIGRATION_ACTIONS], ids=lambda a: a.command)
def test_the_line_means_the_command(action: JobAction, name: str) -> None:
    shown = entry("pre-switchover", name, migration=action in MIGRATION_ACTIONS)
    shell = ScriptedShell()
    assert shell.run(f".json {action_line(shown, action)}").exit_code == 0
    (answer,) = shell.answers
    assert json.loads(answer.text or "") == command_object(action_command(shown, action))


def test_only_a_job_under_way_is_waited_for() -> None:
    assert wait_line(entry("running", "a b")) == '.wait job="a b"'
    assert wait_line(entry("concluded", result="completed")) == ""
    assert wait_line(entry("active", migration=True)) == ""
