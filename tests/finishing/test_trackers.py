"""Courses told of events as QEMU sends them, where no machine at hand would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Event
from qmpsh.shell.events import read_wanted
from qmpsh.shell.waiting.jobs import AttachedJobTracker, JobTracker
from qmpsh.shell.waiting.rules import BY_COMMAND, RuleKind
from qmpsh.shell.waiting.trackers import CompletionTracker, EventTracker, MigrationTracker
from tests.protocol.strategies import replies


def event(name: str, **data: Json) -> Event:
    members: JsonObject = {key.replace("_", "-"): value for key, value in data.items()}
    return Event(name, members, None, {"event": name, "data": members})


def job(status: str, id: str = "j0") -> Event:
    return event("JOB_STATUS_CHANGE", id=id, status=status)


def by_event(command: str, **arguments: Json) -> EventTracker:
    return EventTracker(command, BY_COMMAND[command], arguments)


def jobs(command: str, *ids: str, goal: str = "") -> JobTracker:
    return JobTracker(command, BY_COMMAND[command], {"target": "d1"}, list(ids) or ["j0"], goal)


def ost(device: str | None, source: int, status: int) -> Event:
    """What a guest reports by ACPI's _OST."""
    named: JsonObject = {} if device is None else {"device": device}
    info = {**named, "source": source, "status": status, "slot": "0", "slot-type": "DIMM"}
    return event("ACPI_DEVICE_OST", info=info)


def told(course: CompletionTracker, *events: Event) -> tuple[str, str] | None:
    """What went wrong and what to do next, None before the end."""
    for each in events:
        course.on_event(each)
    ending = course.completion()
    return None if ending is None else (ending.failed, ending.note)


def test_a_device_is_matched_by_id_or_by_its_whole_path() -> None:
    path = "/machine/peripheral/net1"
    below = event("DEVICE_DELETED", path=f"{path}/virtio-backend")
    gone = event("DEVICE_DELETED", device="net1", path=path)
    assert told(by_event("device_del", id="net1"), below) is None
    assert told(by_event("device_del", id="net1"), gone) == ("", "")
    assert told(by_event("device_del", id=path), below) is None
    assert told(by_event("device_del", id=path), gone) == ("", "")
    assert told(by_event("device_del", id="net"), gone) is None


@pytest.mark.parametrize("name", ["DEVICE_UNPLUG_GUEST_ERROR", "MEM_UNPLUG_ERROR"])
def test_a_guest_that_refuses(name: str) -> None:
    said = event(name, device="d0", path="/x")
    assert told(by_event("device_del", id="d0"), said) == (f"device_del d0: {name}", "")
    said = event(name, device="d0", msg="in use")
    assert told(by_event("device_del", id="d0"), said) == ("device_del d0: in use", "")


@pytest.mark.parametrize("source", [3, 259])
@pytest.mark.parametrize(
    "status, why",
    [
        (1, "it failed there"),
        (2, "the guest does not know the request"),
        (128, "the guest does not support it"),
        (129, "the device is in use"),
        (130, "the device is busy"),
        (131, "something that depends on the device is busy"),
    ],
)
def test_a_guest_that_refuses_by_acpi(source: int, status: int, why: str) -> None:
    said = ost("d0", source, status)
    failed = f"device_del d0: the guest refused: {why} (ACPI status {status})"
    assert told(by_event("device_del", id="d0"), said) == (failed, "")
    path = "/machine/peripheral/d0"
    assert told(by_event("device_del", id=path), said) == (failed.replace("d0", path, 1), "")


@pytest.mark.parametrize(
    "device, source, status",
    [
        ("d0", 3, 132),  # it is under way
        ("d0", 259, 132),
        ("d0", 3, 0),  # DEVICE_DELETED is still to come
        ("d0", 1, 1),  # about a plug
        ("d0", 3, 77),
        ("d1", 3, 130),
        (None, 3, 130),
    ],
)
def test_acpi_says_more_than_refusals(device: str | None, source: int, status: int) -> None:
    course = by_event("device_del", id="d0")
    assert told(course, ost(device, source, status)) is None
    assert told(course, event("DEVICE_DELETED", device="d0", path="/x")) == ("", "")


def test_an_unplug_under_way_goes_on() -> None:
    text = "GenericError: Device d0 is already in the process of unplug"
    assert by_event("device_del", id="d0").tolerates(text)
    assert not by_event("balloon", value=1).tolerates(text)


@pytest.mark.parametrize(
    "course, left",
    [
        (jobs("blockdev-backup"), "backup j0 goes on; job-cancel id=j0 ends it"),
        (jobs("drive-mirror"), "mirror j0 goes on; job-cancel id=j0 ends it"),
        (jobs("snapshot-save"), "job j0 goes on; job-cancel id=j0 ends it"),
        (jobs("job-cancel"), ""),
        (by_event("device_del", id="d0"), "device_del d0 goes on"),
        (MigrationTracker("migrate", BY_COMMAND["migrate"]),
         "the migration continues; migrate_cancel ends it"),
        (MigrationTracker("migrate_cancel", BY_COMMAND["migrate_cancel"]), ""),
    ],
)  # fmt: skip
def test_what_goes_on_without_us(course: CompletionTracker, left: str) -> None:
    course.on_event(job("running"))
    assert course.left() == left


def test_a_job_that_never_began_does_not_go_on() -> None:
    assert jobs("blockdev-backup").left() == ""


def listing(*names: str) -> Json:
    """An answer of QEMU's to qom-list."""
    return [{"name": name, "type": "string"} for name in ("type", *names)]


def test_a_device_that_is_no_longer_listed_has_gone() -> None:
    """After some looks: DEVICE_DELETED follows at once, if it comes."""
    course = by_event("device_del", id="d0")
    for reply in (listing("d0", "d1"), *[listing("d1")] * 5, listing("d0"), *[listing("d1")] * 5):
        course.on_reply(reply)
        assert course.completion() is None
    course.on_reply(listing("d1"))
    ending = course.completion()
    assert ending is not None
    assert ending.value == {"device": "d0", "path": "/machine/peripheral/d0"}
    assert course.awaited() == "DEVICE_DELETED of d0; the guest has not released it"


@pytest.mark.parametrize(
    "id, reply",
    [
        ("d0", []),  # StratoVirt's
        ("d0", None),  # refused
        ("/machine/peripheral/d0", listing()),  # of devices by their ids alone
    ],
)
def test_what_does_not_show_that_it_has_gone(id: str, reply: Json) -> None:
    course = by_event("device_del", id=id)
    for _ in range(20):
        course.on_reply(reply)
    assert course.completion() is None


def test_balloon_within_a_page() -> None:
    course = by_event("balloon", value=1 << 20)
    assert told(course, event("BALLOON_CHANGE", actual=(1 << 20) + 4097)) is None
    assert told(course, event("BALLOON_CHANGE", actual=(1 << 20) + 4096)) == ("", "")
    course = by_event("balloon", value=1 << 20)
    course.on_reply({"actual": 5})
    assert course.completion() is None
    course.on_reply({"actual": 1 << 20})
    assert course.completion() is not None


@pytest.mark.parametrize(
    "status, running, said",
    [
        ("running", True, ""),
        ("paused", False, "; cont continues it"),
        ("prelaunch", False, "; cont continues it"),
        ("restore-vm", False, "; cont continues it"),
        ("suspended", False, "; system_wakeup wakes it"),
        ("guest-panicked", False, ""),
    ],
)
def test_who_waits_for_a_guest_tells_whether_it_runs(status: str, running: bool, said: str) -> None:
    course = by_event("device_del", id="d0")
    assert course.last_queries == ("query-status",)
    course.on_reply(listing("d0"))
    course.on_last_reply("query-status", {"status": status, "running": running})
    state = f"the VM does not run ({status}), so that its guest can do nothing{said}"
    assert course.awaited() == (
        f"DEVICE_DELETED of d0; {'the guest has not released it' if running else state}"
    )


def test_a_balloon_tells_its_size() -> None:
    course = by_event("balloon", value=1 << 20)
    assert course.awaited() == "BALLOON_CHANGE; it has not come"
    course.on_reply({"actual": 5 << 20})
    assert course.awaited() == "BALLOON_CHANGE; the guest has 5242880 bytes"
    course.on_last_reply("query-status", {"status": "paused", "running": False})
    assert course.awaited().startswith(
        "BALLOON_CHANGE; the guest has 5242880 bytes; the VM does not run (paused)"
    )


def test_a_job_tells_how_far_it_is() -> None:
    course = jobs("blockdev-backup", "j0", "j1")
    course.on_event(job("running"))
    course.on_last_reply(
        "query-jobs", [{"id": "j1", "status": "ready"}, {"id": "j2", "status": "x"}]
    )
    assert course.awaited() == "jobs j0, j1 to end; j0 is running, j1 is ready"
    running: JsonObject = {"status": "running", "current-progress": 5, "total-progress": 12}
    course.on_last_reply("query-jobs", [{"id": "j0", **running}])
    assert course.awaited().endswith("; j0 is running, 41 % done, j1 is as it was")
    course.on_last_reply("query-jobs", None)
    assert course.awaited().endswith("; j0 is running, j1 is as it was")


# ---------------------------------------------------------------------------- .wait job=ID


def attached(*events: Event, asks: bool = True) -> AttachedJobTracker:
    course = AttachedJobTracker("j0")
    for each in events:
        course.on_event(each)
    course.attach(asks=asks)
    return course


def listed(status: str, **more: Json) -> Json:
    return [{"id": "other", "status": "running"}, {"id": "j0", "status": status, **more}]


@pytest.mark.parametrize("stale", ["running", "pending"])
def test_a_reply_older_than_the_last_event_is_asked_again(stale: str) -> None:
    course = attached()
    course.on_event(job("concluded"))
    course.on_reply(listed(stale))
    assert course.completion() is None
    assert course.query == "query-jobs"
    course.on_reply(listed("concluded"))
    assert course.completion() is not None


COMPLETED = event("BLOCK_JOB_COMPLETED", device="j0")


def test_a_kept_event_decides_once_the_job_is_no_longer_listed() -> None:
    course = attached(job("running"), COMPLETED, job("concluded"), job("null"))
    assert (course.completion(), course.query, course.urgent) == (None, "query-jobs", True)
    course.on_reply([])
    ending = course.completion()
    assert ending is not None
    assert (ending.failed, ending.details["event"]) == ("", COMPLETED.raw)


def test_a_kept_event_alone_decides_where_nobody_can_be_asked() -> None:
    failed = event("BLOCK_JOB_COMPLETED", device="j0", error="no space")
    ending = attached(failed, asks=False).completion()
    assert ending is not None
    assert ending.failed == ".wait: job j0: no space"
    assert attached(job("running"), asks=False).completion() is None


def test_a_listed_job_is_a_later_one() -> None:
    course = attached(COMPLETED, job("concluded"), job("null"))
    course.on_reply(listed("running"))
    assert (course.completion(), course.query) == (None, "")
    assert told(course, event("BLOCK_JOB_CANCELLED", device="j0")) is None
    assert told(course, job("concluded")) == (".wait: job j0: it was cancelled", "")


@pytest.mark.parametrize(
    "events, value, failed",
    [
        ((), [], "no job j0: it never was, or has ended and was dismissed"),
        ((), None, "no job j0: query-jobs was refused"),
        ((job("null"),), [], ".wait: job j0: it is gone, and its result is unknown"),
        ((), listed("concluded"), ""),
        ((), listed("concluded", error="no space"), ".wait: job j0: no space"),
    ],
)
def test_what_is_learnt_of_a_job(events: tuple[Event, ...], value: Json, failed: str) -> None:
    course = attached(*events)
    course.on_reply(value)
    ending = course.completion()
    assert ending is not None
    assert ending.failed == failed


@pytest.mark.parametrize(
    "status, failed, note",
    [
        ("ready", "", "ready: job-complete id=j0 --wait finishes it"),
        ("pending", "", "pending: job-finalize id=j0 --wait finishes it"),
        (
            "paused",
            ".wait: job j0 is paused; job-resume id=j0 --wait goes on, job-cancel id=j0 gives up",
            "",
        ),
    ],
)
def test_a_state_that_lasts_is_the_end(status: str, failed: str, note: str) -> None:
    course = attached(event("BLOCK_JOB_READY", device="j0"))
    for value in (status, status, status, "running", status, status, status):
        course.on_reply(listed(value))
        assert course.completion() is None
    course.on_reply(listed(status))
    assert told(course) == (failed, note)


def test_an_error_that_was_told_before_is_named() -> None:
    stopped = event("BLOCK_JOB_ERROR", device="j0", action="stop", operation="write")
    course = attached(job("running"), stopped, job("paused"))
    for _ in range(4):
        course.on_reply(listed("paused"))
    ending = told(course)
    assert ending is not None
    assert ending[0].startswith(".wait: job j0 is paused, it could not write; job-resume")


def test_a_course_takes_what_is_about_its_jobs() -> None:
    course = jobs("blockdev-backup")
    assert [
        course.on_event(each)
        for each in (job("running"), COMPLETED, job("running", "j1"), event("STOP"))
    ] == [True, True, False, False]
    assert not course.on_event(event("DEVICE_DELETED", device="j0"))


def test_a_dump_that_fails() -> None:
    said = event("DUMP_COMPLETED", result={}, error="disk full")
    assert told(by_event("dump-guest-memory"), said) == ("dump-guest-memory: disk full", "")


def test_null_alone_is_no_success() -> None:
    course = jobs("blockdev-create")
    assert told(course, job("created"), job("running"), job("null")) is None
    assert (course.query, course.urgent) == ("query-jobs", True)
    course.on_reply([])
    assert told(course) == (
        "blockdev-create: job j0: it is gone, and its result is unknown",
        "",
    )


def test_an_earlier_job_of_the_same_name_does_not_count() -> None:
    course = jobs("blockdev-backup")
    before = (event("BLOCK_JOB_COMPLETED", device="j0", error="old"), job("concluded"), job("null"))
    assert told(course, *before, job("created"), job("running")) is None
    done = event("BLOCK_JOB_COMPLETED", device="j0")
    assert told(course, done) is None
    assert told(course, job("concluded")) == ("", "")


def test_cancelling_is_an_end_for_who_cancels() -> None:
    events = (job("aborting"), event("BLOCK_JOB_CANCELLED", device="j0"), job("concluded"))
    assert told(jobs("job-cancel"), *events) == ("", "")
    assert told(jobs("block-commit"), job("created"), *events) == (
        "block-commit: job j0: it was cancelled",
        "",
    )


def test_every_job_of_a_transaction() -> None:
    course = jobs("transaction", "a", "b")
    ends = (event("BLOCK_JOB_COMPLETED", device="a"), job("concluded", "a"))
    assert told(course, *ends) is None
    assert course.awaited() == "jobs a, b to end; b is as it was"
    bad = (event("BLOCK_JOB_COMPLETED", device="b", error="no"), job("concluded", "b"))
    assert told(course, *bad) == ("transaction: job b: no", "")


def test_paused_by_an_error_names_the_target_and_the_next_command() -> None:
    course = jobs("blockdev-backup")
    error = event("BLOCK_JOB_ERROR", device="j0", operation="write", action="stop")
    assert told(course, job("created"), job("paused"), job("running"), error) is None
    assert told(course, job("paused")) == (
        "blockdev-backup: job j0 is paused, it could not write d1; job-resume id=j0 --wait goes"
        " on, job-cancel id=j0 gives up",
        "",
    )


def migration(command: str = "migrate") -> MigrationTracker:
    return MigrationTracker(command, BY_COMMAND[command])


def test_migration_by_asking() -> None:
    course = migration()
    course.on_reply({"status": "active"})
    assert course.awaited() == "the end of the migration; it is active"
    course.on_reply({"status": "failed", "error-desc": "no route"})
    assert told(course) == ("migrate: the migration has failed: no route", "")


def test_an_event_of_the_migration_makes_the_question_urgent() -> None:
    course = migration()
    assert told(course, event("MIGRATION", status="completed")) is None
    assert course.urgent
    course.on_reply({"status": "completed", "total-time": 3})
    assert told(course) == ("", "")


def test_a_migration_halts_where_another_command_is_needed() -> None:
    course = migration()
    course.on_reply({"status": "pre-switchover"})
    note = "pre-switchover: migrate-continue state=pre-switchover --wait goes on"
    assert told(course) == ("", note)
    course = migration("migrate-continue")
    course.on_reply({"status": "pre-switchover"})
    assert told(course) is None
    # QEMU may answer with the state before that of an event that went out first.
    assert told(course, event("MIGRATION", status="device")) is None
    course.on_reply({"status": "pre-switchover"})
    assert told(course) is None
    course.on_reply({"status": "completed"})
    assert told(course) == ("", "")


def test_cancelling_a_migration() -> None:
    course = migration("migrate_cancel")
    course.on_reply({"status": "cancelling"})
    assert told(course) is None
    course.on_reply({"status": "cancelled"})
    assert told(course) == ("", "")
    course = migration("migrate_cancel")
    course.on_reply({})
    assert told(course) == ("", "no migration was under way")


@pytest.mark.parametrize(
    "text,data,fits",
    [
        ("X", {}, True),
        ("x*", {}, True),
        ("Y", {}, False),
        ("X guest=true", {"guest": True}, True),
        ("X guest=no", {"guest": True}, False),
        ("X id=007", {"id": "007"}, True),
        ("X n=1K", {"n": 1024}, True),
        ("X n='1'", {"n": 1}, False),
        ("X a.b=c", {"a": {"b": "c"}}, True),
        ("X a.b=c", {"a.b": "c"}, True),
        ("X a.0=c", {"a": ["c"]}, True),
        ("X a.1=c", {"a": ["c"]}, False),
        ("X a={b: 1}", {"a": {"b": 1}}, True),
        ("X gone=null", {}, False),
        ("X id='a b' n=2", {"id": "a b", "n": 2}, True),
    ],
)
def test_matching(text: str, data: JsonObject, fits: bool) -> None:
    assert read_wanted(text).matches(Event("X", data, None, {})) is fits


@pytest.mark.parametrize("said", ["", None])
def test_a_failure_that_says_nothing_is_one(said: str | None) -> None:
    refused = event("MEM_UNPLUG_ERROR", device="d0", msg=said)
    assert told(by_event("device_del", id="d0"), refused) == ("device_del d0: MEM_UNPLUG_ERROR", "")
    dumped = event("DUMP_COMPLETED", error=said)
    assert told(by_event("dump-guest-memory"), dumped) == ("dump-guest-memory: DUMP_COMPLETED", "")


def test_a_change_to_no_status_changes_nothing() -> None:
    course = jobs("job-complete")
    done = event("BLOCK_JOB_COMPLETED", device="j0")
    odd = event("JOB_STATUS_CHANGE", id="j0", status=["null"])
    assert told(course, job("concluded"), odd, done) == ("", "")


# ------------------------------------------------------------------------ whatever comes

MEMBERS = (
    *("id", "device", "path", "info", "source", "status", "error", "error-class", "type", "len"),
    *("offset", "speed", "paused", "io-status", "current-progress", "total-progress", "actual"),
    *("ram", "total", "remaining", "completed", "failed", "concluded", "pending", "ready", "j0"),
)
EVENT_NAMES = sorted(
    {"JOB_STATUS_CHANGE", "MIGRATION", "STOP", "RESUME", "SHUTDOWN"}.union(
        *(f"{row.success} {row.failure} {row.pauses_in}".split() for row in BY_COMMAND.values())
    )
)


def tracker(command: str, arguments: JsonObject) -> CompletionTracker:
    row = BY_COMMAND[command]
    match row.kind:
        case RuleKind.EVENT:
            return EventTracker(command, row, arguments)
        case RuleKind.MIGRATION:
            return MigrationTracker(command, row)
        case _:
            return JobTracker(command, row, arguments, ["j0", "j1"])


@given(
    st.sampled_from(sorted(BY_COMMAND)),
    st.dictionaries(st.sampled_from(["id", "device", "value"]), replies("j0", "id"), max_size=2),
    st.lists(st.tuples(st.sampled_from(EVENT_NAMES), replies(*MEMBERS)), max_size=6),
)
def test_whatever_comes_is_followed(
    command: str, arguments: JsonObject, course: list[tuple[str, Json]]
) -> None:
    followed = tracker(command, arguments)
    for name, value in course:
        data = value if isinstance(value, dict) else {}
        followed.on_event(Event(name, data, None, {"event": name, "data": data}))
        followed.on_reply(value)
        followed.on_last_reply("query-status", value)
        assert isinstance(followed.awaited(), str)
        assert isinstance(followed.left(), str)
        ended = followed.completion()
        assert ended is None or isinstance(ended.failed, str)
