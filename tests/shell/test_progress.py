"""What goes on and how far it is: tables of events and replies, with the clock as an argument."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Event
from qmpsh.shell.progress import POLL_SECONDS, SLOW_POLL_SECONDS, Progress
from qmpsh.shell.work import MAX_JOBS, RateMeter, Work, WorkState

GIB = 2**30


def event(name: str, **data: Json) -> Event:
    return Event(name, dict(data), None, {})


def status(id: str, status: str) -> Event:
    return event("JOB_STATUS_CHANGE", id=id, status=status)


def job(
    id: str = "j0",
    done: Json = 0,
    total: Json = 1000,
    status: str = "running",
    type: str = "backup",
) -> JsonObject:
    return {
        "id": id,
        "type": type,
        "status": status,
        "current-progress": done,
        "total-progress": total,
    }


def ram(total: Json, remaining: Json, transferred: Json, status: str = "active") -> JsonObject:
    return {
        "status": status,
        "ram": {"total": total, "remaining": remaining, "transferred": transferred},
    }


def after(*replies: tuple[float, str, Json]) -> list[Work]:
    """What continues after replies, each with its time."""
    progress = Progress()
    for now, name, value in replies:
        progress.on_reply(name, value, now)
    return progress.works()


@pytest.mark.parametrize(
    "replies, works",
    [
        pytest.param([], [], id="nothing"),
        pytest.param([(0, "query-jobs", [])], [], id="no jobs"),
        pytest.param([(0, "query-jobs", None)], [], id="refused"),
        pytest.param(
            [(0, "query-jobs", [job(done=250)])],
            [Work("backup j0", WorkState.RUNNING, 0.25)],
            id="seen once: no rate",
        ),
        pytest.param(
            [(0, "query-jobs", [job(done=100)]), (2, "query-jobs", [job(done=300)])],
            [Work("backup j0", WorkState.RUNNING, 0.3, 100.0, 7.0)],
            id="seen twice",
        ),
        pytest.param(
            [(0, "query-jobs", [job(done=0)]), (0.01, "query-jobs", [job(done=300)])],
            [Work("backup j0", WorkState.RUNNING, 0.3)],
            id="too soon to tell a rate",
        ),
        pytest.param(
            [(0, "query-jobs", [job(done=0)]), (1, "query-jobs", [job(done=0)])],
            [Work("backup j0", WorkState.RUNNING, 0.0, 0.0)],
            id="stuck: no end in sight",
        ),
        pytest.param(
            [(0, "query-jobs", [job(done=1)]), (9, "query-jobs", [job(done=2, total=2**64)])],
            [Work("backup j0", WorkState.RUNNING, 2 / 2**64, 1 / 9)],
            id="longer than anybody waits",
        ),
        pytest.param(
            [(0, "query-jobs", [job(done=500)]), (1, "query-jobs", [job(done=100)])],
            [Work("backup j0", WorkState.RUNNING, 0.1)],
            id="begun anew",
        ),
        pytest.param(
            [(0, "query-jobs", [job(done=0)]), (1, "query-jobs", [job(done=1000, total=2000)])],
            [Work("backup j0", WorkState.RUNNING, 0.5, 1000.0, 1.0)],
            id="more to do than it seemed",
        ),
        pytest.param(
            [(0, "query-jobs", [job()]), (1, "query-jobs", [])], [], id="vanished unannounced"
        ),
        pytest.param(
            [
                (0, "query-jobs", [job(type="create", done=0, total=1)]),
                (1, "query-jobs", [job(type="create", done=1, total=2)]),
            ],
            [Work("create j0", WorkState.RUNNING, 0.5, None, 1.0)],
            id="not counted in bytes",
        ),
        pytest.param(
            [(0, "query-jobs", [job(done=10)]), (1, "query-jobs", [job(done=20, status="paused")])],
            [Work("backup j0", WorkState.PAUSED, 0.02)],
            id="paused: the rate is forgotten",
        ),
        pytest.param(
            [(0, "query-jobs", [job(done=1000, status="ready", type="mirror")])],
            [Work("mirror j0", WorkState.READY, 1.0)],
            id="ready",
        ),
        pytest.param(
            [(0, "query-jobs", [job(status="pending")])],
            [Work("backup j0", WorkState.WAITING, 0.0)],
            id="waits for job-finalize",
        ),
        pytest.param([(0, "query-jobs", [job(status="concluded")])], [], id="over"),
        pytest.param([(0, "query-migrate", {})], [], id="never migrated"),
        pytest.param([(0, "query-migrate", {"status": "completed"})], [], id="migrated"),
        pytest.param(
            [(0, "query-migrate", {"status": "setup"})],
            [Work("migration", WorkState.WAITING)],
            id="migration begins",
        ),
        pytest.param(
            [(0, "query-migrate", ram(GIB, GIB, 0)), (2, "query-migrate", ram(GIB, GIB // 2, 600))],
            [Work("migration", WorkState.RUNNING, 0.5, 300.0, 2.0)],
            id="migration: empty pages are done, not sent",
        ),
        pytest.param(
            [(0, "query-migrate", ram(100, 10, 5)), (1, "query-migrate", ram(100, 50, 9))],
            [Work("migration", WorkState.RUNNING, 0.5, 4.0)],
            id="migration: pages to be sent again",
        ),
        pytest.param(
            [(0, "query-migrate", ram(100, 10, 5)), (1, "query-migrate", ram(1, 0, 9, "failed"))],
            [],
            id="migration failed",
        ),
    ],
)
def test_replies(replies: list[tuple[float, str, Json]], works: list[Work]) -> None:
    assert after(*replies) == works


@pytest.mark.parametrize(
    "value",
    [
        job(done=5, total=0),
        job(done=-5, total=-10),
        job(done=True, total="1000"),
        job(done=1.5, total=None),
        {"id": "j0", "type": "backup", "status": "running"},
    ],
)
def test_numbers_that_say_nothing(value: JsonObject) -> None:
    assert after((0, "query-jobs", [value])) == [Work("backup j0")]


@pytest.mark.parametrize(
    "value", [[None], [[]], ["j0"], [{}], {"id": "j0"}, 5, [{"id": 5, "status": []}]]
)
def test_shapes_that_say_nothing(value: Json) -> None:
    assert after((0, "query-jobs", value), (0, "query-migrate", value)) == []


def test_more_done_than_there_is() -> None:
    assert after((0, "query-jobs", [job(done=2**80, total=7)]))[0].fraction == 1.0


json_numbers = st.integers() | st.floats() | st.none() | st.text(max_size=3) | st.booleans()


@given(st.lists(st.tuples(st.floats(0, 1e9), json_numbers, json_numbers), max_size=5))
def test_any_numbers_come_out_bounded(readings: list[tuple[float, Json, Json]]) -> None:
    progress = Progress()
    for now, done, total in readings:
        progress.on_reply("query-jobs", [job(done=done, total=total)], now)
        progress.on_reply("query-migrate", ram(total, done, done), now)
    for work in progress.works():
        assert work.fraction is None or 0 <= work.fraction <= 1
        assert work.rate is None or 0 <= work.rate <= 2**64 * 20
        assert work.left is None or 0 <= work.left <= 100 * 3600


def test_a_rate_is_smoothed() -> None:
    meter = RateMeter()
    for second in range(10):
        meter.read(100 * second, second)
    assert meter.rate == pytest.approx(100)
    meter.read(900 + 1000, 10)
    assert 100 < (meter.rate or 0) < 500


def test_what_ends_first_comes_first() -> None:
    jobs: list[Json] = [
        job("slow", 0),
        job("fast", 0),
        job("unknown", 0, 0),
        job("done", 9, 9, "ready"),
    ]
    later: list[Json] = [
        job("slow", 10),
        job("fast", 500),
        job("unknown", 0, 0),
        job("done", 9, 9, "ready"),
    ]
    works = after((0, "query-jobs", jobs), (1, "query-jobs", later))
    assert [work.label.split()[1] for work in works] == ["fast", "slow", "unknown", "done"]


# ------------------------------------------------------------------------ events


@pytest.mark.parametrize(
    "events, works",
    [
        ([status("j0", "created")], [Work("job j0", WorkState.WAITING)]),
        ([status("j0", "created"), status("j0", "running")], [Work("job j0")]),
        ([status("j0", "running"), status("j0", "standby")], [Work("job j0", WorkState.PAUSED)]),
        ([status("j0", "running"), status("j0", "concluded"), status("j0", "null")], []),
        ([status("j0", "null")], []),
        ([status("j0", "of-the-future")], []),
        ([event("BLOCK_JOB_COMPLETED", device="j0", type="backup", len=1, offset=1)], []),
        (
            [event("BLOCK_JOB_READY", device="d", type="mirror", len=10, offset=5)],
            [Work("mirror d", WorkState.READY, 0.5)],
        ),
        (
            [
                event("BLOCK_JOB_READY", device="d", type="mirror", len=10, offset=5),
                event("BLOCK_JOB_CANCELLED", device="d", type="mirror", len=10, offset=5),
            ],
            [],
        ),
        ([event("MIGRATION", status="setup")], [Work("migration", WorkState.WAITING)]),
        ([event("MIGRATION_PASS", **{"pass": 1})], [Work("migration")]),
        ([event("MIGRATION", status="postcopy-paused")], [Work("migration", WorkState.PAUSED)]),
        ([event("MIGRATION", status="active"), event("MIGRATION", status="completed")], []),
        ([event("MIGRATION", status="active"), event("MIGRATION")], []),
        ([event("STOP"), event("BLOCK_JOB_ERROR", device="d")], []),
    ],
)
def test_events(events: list[Event], works: list[Work]) -> None:
    progress = Progress()
    for heard in events:
        progress.on_event(heard, 0.0)
    assert progress.works() == works


def idle() -> Progress:
    """One whose first questions were answered: nothing goes on."""
    progress = Progress()
    for now in (-20.0, -10.0):
        name = progress.next_query(now)
        assert name
        progress.on_reply(name, None, now)
    return progress


def test_the_first_questions_then_none() -> None:
    progress = Progress()
    assert progress.due(0.0) == 0.0
    assert progress.next_query(0.0) == "query-jobs"
    # One at a time.
    assert progress.due(0.0) is None
    assert progress.next_query(5.0) is None
    progress.on_reply("query-jobs", [], 0.0)
    assert progress.due(0.0) == POLL_SECONDS
    assert progress.next_query(0.4) is None
    assert progress.next_query(0.5) == "query-migrate"
    progress.on_reply("query-migrate", {}, 0.5)
    assert progress.due(100.0) is None


def test_jobs_are_asked_for_while_one_runs() -> None:
    progress = idle()
    progress.on_event(status("j0", "running"), 0.0)
    assert progress.next_query(0.0) == "query-jobs"
    progress.on_reply("query-jobs", [job()], 0.0)
    assert progress.next_query(0.5) == "query-jobs"
    progress.on_reply("query-jobs", [job(status="ready")], 0.5)
    # An event will tell when it goes on.
    assert progress.due(1.0) is None
    progress.on_event(status("j0", "running"), 7.0)
    assert progress.due(7.0) == 0.0


def test_a_job_that_came_and_went_costs_one_question_at_most() -> None:
    progress = idle()
    for word in ("created", "running", "waiting", "pending", "concluded", "null"):
        progress.on_event(status("j0", word), 0.0)
    assert progress.next_query(0.0) == "query-jobs"
    progress.on_reply("query-jobs", [], 0.0)
    assert progress.due(9.0) is None


def test_a_migration_without_events() -> None:
    progress = idle()
    progress.suspect_migration()
    assert progress.next_query(0.0) == "query-migrate"
    progress.on_reply("query-migrate", ram(100, 50, 0), 0.0)
    assert progress.due(0.0) == POLL_SECONDS
    assert progress.next_query(0.5) == "query-migrate"
    progress.on_reply("query-migrate", {"status": "pre-switchover"}, 0.5)
    # It may stand there for hours.
    assert progress.due(0.5) == SLOW_POLL_SECONDS
    assert progress.next_query(2.5) == "query-migrate"
    progress.on_reply("query-migrate", {"status": "completed"}, 2.5)
    assert progress.due(9.0) is None


def test_both_are_asked_for_in_turn() -> None:
    progress = idle()
    progress.on_event(status("j0", "running"), 0.0)
    progress.on_event(event("MIGRATION", status="active"), 0.0)
    asked = []
    for turn in range(4):
        name = progress.next_query(turn * POLL_SECONDS)
        assert name
        asked.append(name)
        progress.on_reply(
            name, [job()] if name == "query-jobs" else ram(9, 9, 9), turn * POLL_SECONDS
        )
    assert asked == ["query-jobs", "query-migrate"] * 2


def test_what_an_event_said_is_newer_than_the_reply() -> None:
    progress = idle()
    progress.on_event(status("old", "running"), 0.0)
    assert progress.next_query(0.0) == "query-jobs"
    progress.on_event(status("old", "concluded"), 0.0)
    progress.on_event(status("new", "running"), 0.0)
    progress.on_reply("query-jobs", [job("old")], 0.0)
    assert progress.works() == [Work("job new")]
    assert progress.next_query(0.5) == "query-jobs"
    progress.on_reply("query-jobs", [job("new")], 0.5)
    progress.suspect_migration()
    assert progress.next_query(1.0) == "query-migrate"
    progress.on_event(event("MIGRATION", status="active"), 1.0)
    progress.on_reply("query-migrate", {}, 1.0)
    assert [work.label for work in progress.works()] == ["backup new", "migration"]


def test_jobs_that_are_made_up_do_not_add_up() -> None:
    progress = Progress()
    for number in range(3 * MAX_JOBS):
        progress.on_event(status(f"j{number}", "running"), 0.0)
        progress.on_event(event("BLOCK_JOB_READY", device=f"b{number}", len=1, offset=1), 0.0)
    assert len(progress.works()) == MAX_JOBS
    assert progress.next_query(1.0) is not None
    listed: list[Json] = [job(f"k{number}") for number in range(3 * MAX_JOBS)]
    progress.on_reply("query-jobs", listed, 1.0)
    assert len(progress.works()) == MAX_JOBS
    progress.on_event(status("x" * 10**6, "running"), 2.0)
    assert max(len(work.label) for work in progress.works()) < 300
