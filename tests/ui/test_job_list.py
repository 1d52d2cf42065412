"""The list of jobs: its selection, its keys, its questions and how it looks; without a screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.render.tables import text_columns
from qmpsh.render.theme import ASCII, UNICODE, plain
from qmpsh.shell.jobs import ACTION_KEYS, Allowance, offered_actions
from qmpsh.shell.work import JobEntry, Work
from qmpsh.ui.screen.job_rows import job_hint, job_keys, job_rows
from qmpsh.ui.screen.jobs import JobList, ListPolicy
from tests.fuzzing import examples

ANY = Allowance(can_switch=True)
SILENT = ListPolicy({}, asks=False)
STANDARD = ListPolicy({})


def entry(
    serial: int, name: str = "", status: str = "running", result: str = "", *, failed: bool = False
) -> JobEntry:
    work = Work("", fraction=0.68, rate=212e6, left=4.2)
    name = name or f"j{serial}"
    return JobEntry(
        serial, name, "backup", status, work, result, failed, False, 68_000_000, 100_000_000, True
    )


MIGRATION = JobEntry(9, "", "migration", "active", Work("", fraction=0.31), is_migration=True)


def listed(
    *entries: JobEntry, policy: ListPolicy = SILENT, refusal: Callable[[], str] = str
) -> JobList:
    jobs = JobList(policy, refusal)
    jobs.update(entries, ANY)
    return jobs


# ------------------------------------------------------------------------ the selection


def test_the_selection_follows_the_job() -> None:
    jobs = listed(entry(1), entry(2), entry(3))
    jobs.move(1)
    assert jobs.selected == entry(2)
    jobs.update([entry(0), entry(1), entry(2, status="paused"), entry(3)], ANY)
    assert jobs.selected == entry(2, status="paused")
    jobs.update([entry(0), entry(3)], ANY)  # it is gone: what is in its place
    assert jobs.selected == entry(3)
    jobs.update([], ANY)
    assert jobs.selected is None


@pytest.mark.parametrize("steps, place", [((5,), 2), ((-9,), 0), ((9, -1), 1)])
def test_moving_stops_at_the_ends(steps: tuple[int, ...], place: int) -> None:
    jobs = listed(entry(1), entry(2), entry(3))
    for step in steps:
        jobs.move(step)
    assert jobs.place == place


@given(st.lists(st.integers(-300, 300), max_size=9), st.integers(1, 30))
def test_the_selected_row_is_always_in_view(steps: list[int], height: int) -> None:
    jobs = listed(*map(entry, range(200)))
    for step in steps:
        jobs.move(step)
        first = jobs.first_row(height)
        assert first <= jobs.place < first + height
        assert 0 <= first <= 200 - height


# ------------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    "shown, key, line",
    [
        (entry(1), "p", "job-pause id=j1"),
        (entry(1, status="paused"), "r", "job-resume id=j1"),
        (entry(1, status="ready"), "f", "job-complete id=j1"),
        (entry(1, status="pending"), "f", "job-finalize id=j1"),
        (entry(1, "a b"), "x", 'job-cancel id="a b"'),
        (entry(1, status="concluded", result="completed"), "d", "job-dismiss id=j1"),
        (MIGRATION, "x", "migrate_cancel"),
        (MIGRATION, "s", "migrate-start-postcopy"),
    ],
)
def test_a_key_runs_a_line(shown: JobEntry, key: str, line: str) -> None:
    assert listed(shown).press(key) == line


def test_a_key_that_would_be_refused_says_why() -> None:
    jobs = listed(entry(1))
    assert jobs.press("r") == ""
    assert jobs.message == "resume is not possible while it is running; p pause, x cancel"
    jobs.move(0)
    assert jobs.message == ""
    assert listed().press("x") == ""


def test_cancelling_asks_first() -> None:
    jobs = listed(entry(1), policy=STANDARD)
    assert jobs.press("x") == ""
    assert plain(job_keys(jobs, 80)) == "Cancel backup j1? [n]o, [y]es"
    assert plain(job_hint(jobs, "", UNICODE)) == "Enter: no; Esc cancels"
    assert jobs.press("p") == ""  # not while it asks
    assert jobs.answer("z") == ""
    assert jobs.question is not None
    assert jobs.answer("n") == ""
    jobs.press("x")
    assert jobs.answer("y") == "job-cancel id=j1"


def test_the_question_is_about_one_job_whatever_moves() -> None:
    jobs = listed(entry(1), entry(2), policy=STANDARD)
    jobs.press("x")
    jobs.move(1)
    jobs.update([entry(0), entry(1), entry(2)], ANY)
    assert jobs.answer("y") == "job-cancel id=j1"


def test_a_question_ends_with_its_job() -> None:
    jobs = listed(entry(1), policy=STANDARD)
    jobs.press("x")
    jobs.update([entry(1, status="null", result="completed")], ANY)
    assert (jobs.question, jobs.message) == (None, "it has ended")
    assert jobs.answer("y") == ""


@pytest.mark.parametrize(
    "policy, key, line",
    [
        (ListPolicy({"job-cancel": False}), "x", "job-cancel id=j1"),
        (ListPolicy({"job-cancel": True}), "xy", "job-cancel id=j1 --yes"),
        (ListPolicy({"job-pause": True}), "py", "job-pause id=j1 --yes"),
        (ListPolicy({"job-pause": True}), "pn", ""),
        (ListPolicy({"job-pause": True}, asks=False), "p", "job-pause id=j1"),
    ],
)
def test_what_the_settings_say_of_questions(policy: ListPolicy, key: str, line: str) -> None:
    jobs = listed(entry(1), policy=policy)
    lines = [jobs.press(key[0]), *(jobs.answer(choice) for choice in key[1:])]
    assert lines[-1] == line
    assert not any(lines[:-1])


def test_read_only_refuses_with_the_reason() -> None:
    jobs = listed(entry(1), policy=ListPolicy({}, read_only=True))
    assert jobs.press("x") == ""
    assert jobs.question is None
    assert jobs.message.startswith("job-cancel was not sent: --read-only allows only commands")


def test_no_line_runs_while_another_has_no_answer() -> None:
    jobs = listed(entry(1), refusal=lambda: "no answer yet to job-pause")
    assert (jobs.press("x"), jobs.wait()) == ("", "")
    assert jobs.message == "no answer yet to job-pause"


def test_waiting() -> None:
    assert listed(entry(1)).wait() == ".wait job=j1"
    jobs = listed(entry(1, result="completed"))
    assert (jobs.wait(), jobs.message) == ("", "only a job under way can be waited for")
    assert listed().wait() == ""


STATUSES = ("created", "running", "paused", "ready", "pending", "aborting", "concluded", "null")
entries = st.builds(
    lambda serial, status, over: entry(serial, status=status, result=over),
    st.integers(0, 5),
    st.sampled_from(STATUSES),
    st.sampled_from(["", "", "completed"]),
)
lists = st.lists(entries, max_size=6, unique_by=lambda each: each.serial)
moves = st.lists(
    lists | st.sampled_from([*sorted(ACTION_KEYS), "y", "n", "up", "down", "wait"]), max_size=30
)


@examples(0.3)
@given(moves)
def test_only_what_the_state_allows_is_ever_run(moves: list[list[JobEntry] | str]) -> None:
    jobs = JobList(STANDARD)
    for move in moves:
        before = jobs.question
        line = ""
        match move:
            case list():
                selected = jobs.selected
                jobs.update(move, ANY)
                if selected in move:
                    assert jobs.selected == selected
            case "y" | "n":
                line = jobs.answer(move)
                assert not line or before is not None
            case "up" | "down":
                jobs.move(1 if move == "down" else -1)
            case "wait":
                jobs.wait()
            case _:
                line = jobs.press(move)
        if line:
            name, _, id = line.partition(" id=j")
            (one,) = [each for each in jobs.entries if each.serial == int(id)]
            assert name in [action.command for action in offered_actions(one, ANY)]


# ------------------------------------------------------------------------ how it looks

SOME = (
    entry(1),
    entry(2, status="paused"),
    entry(3, status="concluded", result="No space left on device", failed=True),
    entry(4, status="null", result="completed"),
    MIGRATION,
)

WIDE = """\
JOB        TYPE    STATUS     PROGRESS               RATE     LEFT
j1         backup  running    ███████░░░  68 %   212 MB/s     0:04
j2         backup  paused     ███████░░░  68 %   212 MB/s     0:04
j3         backup  concluded  No space left on device
j4         backup  ended      completed
migration          active     ███░░░░░░░  31 %"""

MIDDLE = """\
JOB        STATUS     PROGRESS               RATE     LEFT
j1         running    ███████░░░  68 %   212 MB/s     0:04
j2         paused     ███████░░░  68 %   212 MB/s     0:04
j3         concluded  No space left on device
j4         ended      completed
migration  active     ███░░░░░░░  31 %"""

NARROW = """\
JOB        STATUS      DONE     LEFT
j1         running     68 %     0:04
j2         paused      68 %     0:04
j3         concluded  No space left o…
j4         ended      completed
migration  active      31 %"""


@pytest.mark.parametrize("width, drawing", [(160, WIDE), (69, WIDE), (60, MIDDLE), (38, NARROW)])
def test_rows(width: int, drawing: str) -> None:
    rows = job_rows(listed(*SOME), width, 20, UNICODE)
    assert "\n".join(plain(row).rstrip() for row in rows) == drawing


def test_the_selected_row_is_marked_from_edge_to_edge() -> None:
    jobs = listed(*SOME)
    jobs.move(2)
    marked = [row for row in job_rows(jobs, 60, 20, UNICODE) if row[0][0] == "menu.current"]
    assert [len(plain(row)) for row in marked] == [60]


def test_nothing_to_list() -> None:
    jobs = listed()
    assert [plain(row) for row in job_rows(jobs, 60, 20, UNICODE)] == [
        "no jobs, and no migration under way"
    ]
    assert plain(job_keys(jobs, 60)) == "q back"


@pytest.mark.parametrize(
    "shown, width, keys",
    [
        (entry(1), 80, "p pause  x cancel  w wait  q back"),
        (entry(1, status="ready"), 80, "p pause  f complete  x cancel  w wait  q back"),
        (entry(1, status="ready"), 40, "p pause  f complete  x cancel  q back"),
        (entry(1, status="null", result="completed"), 80, "q back"),
        (MIGRATION, 80, "s switch to postcopy  x cancel  q back"),
        (entry(1), 3, "q back"),
    ],
)
def test_the_keys_of_the_state(shown: JobEntry, width: int, keys: str) -> None:
    assert plain(job_keys(listed(shown), width)) == keys


@pytest.mark.parametrize(
    "shown, busy, hint",
    [
        (entry(1), "", "1/1 · backup j1: 68 MB of 100 MB"),
        (entry(1, result="No space", failed=True), "", "1/1 · backup j1: No space"),
        (entry(1), "job-pause 0:05", "no answer yet to job-pause 0:05"),
        (MIGRATION, "", "1/1 · migration"),
    ],
)
def test_the_hint(shown: JobEntry, busy: str, hint: str) -> None:
    assert plain(job_hint(listed(shown), busy, UNICODE)) == hint


EVIL = "a\x1b[2J\u202e\nb" * 20


@given(st.integers(1, 200), st.integers(2, 40), st.sampled_from([EVIL, "任" * 90, "e\u0301" * 50]))
def test_rows_fit_and_are_safe(width: int, height: int, text: str) -> None:
    odd = (entry(1, text), entry(2, text, text, text, failed=True))
    jobs = listed(*odd, *map(entry, range(3, 99)))
    rows = job_rows(jobs, width, height, ASCII)
    assert len(rows) <= height
    for row in rows:
        assert text_columns(plain(row)) <= width
        assert "\x1b" not in plain(row)
        assert "\n" not in plain(row)
    jobs.message = text
    for line in (job_hint(jobs, text, ASCII), job_keys(jobs, 80)):
        assert "\x1b" not in plain(line)
