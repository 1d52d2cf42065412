"""What a list of jobs shows: work under way, and what ended while it was open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Event
from qmpsh.shell.progress import POLL_SECONDS, Progress
from qmpsh.shell.work import MAX_JOBS, JobEntry
from tests.shell.test_progress import event, job, ram, status

Step = Event | tuple[str, Json]


def watched(*steps: Step) -> Progress:
    """Return the progress after events and replies, each a second after the last."""
    progress = Progress()
    progress.watch()
    for now, step in enumerate(steps):
        take(progress, step, now)
    return progress


def take(progress: Progress, step: Step, now: float) -> None:
    """Use an event, or the reply to a query that was put after all events so far."""
    if isinstance(step, Event):
        progress.on_event(step, now)
    else:
        progress.suspect_migration()  # so that there is something to ask for
        assert progress.next_query(now)
        progress.on_reply(*step, now)


def shown(entry: JobEntry) -> tuple[str, str, str, str, bool]:
    return entry.name, entry.type, entry.status, entry.result, entry.failed


@pytest.mark.parametrize(
    "steps, entries",
    [
        pytest.param([], [], id="nothing"),
        pytest.param([("query-jobs", [job()])], [("j0", "backup", "running", "", False)], id="now"),
        pytest.param(
            [status("j0", "created"), status("j0", "running")],
            [("j0", "job", "running", "", False)],
            id="by its events",
        ),
        pytest.param(
            [
                ("query-jobs", [job()]),
                status("j0", "waiting"),
                status("j0", "pending"),
                event("BLOCK_JOB_COMPLETED", device="j0", type="backup", len=9, offset=9),
                status("j0", "concluded"),
                status("j0", "null"),
            ],
            [("j0", "backup", "null", "completed", False)],
            id="completed, dismissed by itself",
        ),
        pytest.param(
            [
                ("query-jobs", [job()]),
                status("j0", "aborting"),
                event("BLOCK_JOB_CANCELLED", device="j0", type="backup"),
                status("j0", "concluded"),
            ],
            [("j0", "backup", "concluded", "cancelled", False)],
            id="cancelled",
        ),
        pytest.param(
            [
                status("j0", "running"),
                event("BLOCK_JOB_COMPLETED", device="j0", type="mirror", error="No space left"),
                status("j0", "null"),
            ],
            [("j0", "mirror", "null", "No space left", True)],
            id="failed",
        ),
        pytest.param(
            [
                ("query-jobs", [job(type="create")]),
                status("j0", "concluded"),
                ("query-jobs", [{**job(status="concluded", type="create"), "error": "No"}]),
            ],
            [("j0", "create", "concluded", "No", True)],
            id="no block job: query-jobs has the error",
        ),
        pytest.param(
            [status("j0", "running"), status("j0", "concluded"), status("j0", "null")],
            [("j0", "job", "null", "result unknown", False)],
            id="its end was not seen",
        ),
        pytest.param(
            [("query-jobs", [job(status="concluded", type="create")])],
            [("j0", "create", "concluded", "completed", False)],
            id="ended before, and waits for job-dismiss",
        ),
        pytest.param(
            [("query-jobs", [job()]), ("query-jobs", [])],
            [("j0", "backup", "null", "result unknown", False)],
            id="vanished unannounced",
        ),
        pytest.param(
            [
                ("query-jobs", [job()]),
                event("BLOCK_JOB_COMPLETED", device="j0", type="backup"),
                status("j0", "null"),
                status("j0", "created"),
            ],
            [("j0", "backup", "null", "completed", False), ("j0", "job", "created", "", False)],
            id="another of the same name",
        ),
        pytest.param([("query-migrate", {"status": "completed"})], [], id="migrated long ago"),
        pytest.param(
            [("query-migrate", ram(9, 5, 4)), event("MIGRATION", status="completed")],
            [("", "migration", "completed", "completed", False)],
            id="migrated now",
        ),
        pytest.param(
            [
                ("query-migrate", ram(9, 5, 4)),
                event("MIGRATION", status="failed"),
                ("query-migrate", {"status": "failed", "error-desc": "no route"}),
            ],
            [("", "migration", "failed", "no route", True)],
            id="a migration failed",
        ),
        pytest.param(
            [
                ("query-migrate", ram(9, 5, 4)),
                event("MIGRATION", status="cancelled"),
                event("MIGRATION", status="setup"),
            ],
            [
                ("", "migration", "cancelled", "cancelled", False),
                ("", "migration", "setup", "", False),
            ],
            id="a migration and the next",
        ),
    ],
)
def test_entries(steps: list[Step], entries: list[tuple[str, str, str, str, bool]]) -> None:
    assert list(map(shown, watched(*steps).entries())) == entries


def test_nothing_that_ended_is_kept_unwatched() -> None:
    progress = watched(status("j0", "running"), status("j0", "null"))
    progress.unwatch()
    assert progress.entries() == []
    progress.on_event(status("j1", "running"), 9)
    progress.on_event(status("j1", "null"), 9)
    assert progress.entries() == []


def test_a_lost_connection_ends_all_and_another_begins_again() -> None:
    progress = watched(("query-jobs", [job()]), ("query-migrate", ram(9, 5, 4)))
    progress.on_connection_lost()
    progress.on_connection_lost()
    assert [(entry.result, entry.failed) for entry in progress.entries()] == [
        ("the connection was lost", True)
    ] * 2
    assert progress.works() == []
    assert progress.due(100.0) == 0.0
    progress.on_reply("query-jobs", [job()], 100.0)
    assert [entry.result for entry in progress.entries()][2:] == [""]


def test_an_end_without_a_result_is_asked_for() -> None:
    progress = watched(("query-jobs", [job("j1", type="create", status="paused")]))
    for now in range(1, 9):
        name = progress.next_query(now)
        if name is not None:
            progress.on_reply(name, [job("j1", status="paused")], now)
    assert progress.due(9.0) is None
    progress.on_event(status("j1", "concluded"), 9.0)
    assert progress.next_query(9.0) == "query-jobs"


def test_whether_a_migration_can_become_postcopy_is_asked_while_watched() -> None:
    progress = Progress()
    names = {progress.next_query(0.0)}
    progress.watch()
    for now in range(1, 9):
        progress.on_reply("query-migrate", {}, now)
        names.add(progress.next_query(now))
    assert names == {"query-jobs", "query-migrate", "query-migrate-capabilities", None}
    assert not progress.can_switch
    progress.on_reply(
        "query-migrate-capabilities", [{"capability": "postcopy-ram", "state": True}], 9.0
    )
    assert progress.can_switch


names = st.sampled_from(["a", "b"])
statuses = st.sampled_from(
    ["created", "running", "paused", "ready", "pending", "aborting", "concluded", "null", "odd"]
)
steps = st.lists(
    st.builds(status, names, statuses)
    | st.builds(
        lambda what, name: event(what, device=name, type="backup"),
        st.sampled_from(["BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED", "BLOCK_JOB_READY"]),
        names,
    )
    | st.builds(
        lambda word: event("MIGRATION", status=word), st.sampled_from(["active", "failed", "none"])
    )
    | st.builds(
        lambda name, word: ("query-jobs", [job(name, status=word)]),
        names,
        statuses,
    ),
    max_size=20,
)


@given(steps)
def test_what_is_shown_stays_and_what_has_ended_stays_ended(steps: list[Step]) -> None:
    progress, plain = Progress(), Progress()
    progress.watch()
    seen: dict[int, JobEntry] = {}
    for now, step in enumerate(steps):
        take(progress, step, now)
        take(plain, step, now)
        entries = {entry.serial: entry for entry in progress.entries()}
        assert list(entries) == sorted(entries)
        assert seen.keys() <= entries.keys()
        for serial, before in seen.items():
            assert bool(entries[serial].result) or not before.result
            assert entries[serial].name == before.name
        assert progress.works() == plain.works()
        seen = entries


def test_a_server_cannot_fill_the_memory() -> None:
    progress = Progress()
    progress.watch()
    for number in range(2 * MAX_JOBS):
        progress.on_event(status(f"j{number}", "running"), 0.0)
        progress.on_event(status(f"j{number}", "null"), 0.0)
    assert len(progress.entries()) == MAX_JOBS
    assert progress.entries()[-1].name == f"j{2 * MAX_JOBS - 1}"


def test_questions_stay_two_a_second() -> None:
    progress = Progress()
    progress.watch()
    asked = 0
    for tenth in range(100):
        name = progress.next_query(tenth / 10)
        if name:
            asked += 1
            progress.on_reply(name, [job()] if name == "query-jobs" else {}, tenth / 10)
    assert asked <= 10 / POLL_SECONDS + 1
