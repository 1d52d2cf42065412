"""The session on a real QEMU, without a terminal: what both interactive front ends rely on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from qmpsh.complete.live import LOADS_MODULES, LiveQuery
from qmpsh.shell.interpreter import run_line
from qmpsh.shell.session import queries
from qmpsh.shell.steps import Answer, Note, Outcome, Task
from qmpsh.shell.work import Work, WorkState
from tests.qemu import Vm
from tests.shell.harness import SessionHarness
from tests.waiting import wait_until


@pytest.fixture
def harness(fresh_q35: Vm) -> Iterator[SessionHarness]:
    harness = SessionHarness(fresh_q35.path)
    harness.wait("the schema", learnt=True)
    yield harness
    harness.session.close()


def test_what_is_learnt_at_the_start(harness: SessionHarness) -> None:
    machine, catalog = harness.session.machine, harness.session.catalog
    assert (machine.name, machine.long_state) == ("demo", "paused (prelaunch)")
    assert len(machine.commands) > 200
    assert "STOP" in catalog.events
    assert "info" in catalog.hmp
    assert "block" in catalog.hmp_info


def test_run_state_follows_events(harness: SessionHarness) -> None:
    harness.run("cont")
    assert harness.listener.events[0] == "RESUME"
    states = [harness.session.machine.state]
    harness.run("stop")
    states.append(harness.session.machine.state)
    assert states == ["running", "paused"]


def test_an_offer_never_asks_what_loads_modules(harness: SessionHarness) -> None:
    asked: list[str] = []
    facts = harness.session.catalog.live
    take = facts.take_missing

    def noted() -> list[LiveQuery]:
        wanted = take()
        asked.extend(query.command for query in wanted)
        return wanted

    facts.take_missing = noted  # type: ignore[method-assign] # to see what is asked
    line = "device_add driver="
    harness.session.complete(line, len(line), asked=False)
    assert not LOADS_MODULES.intersection(asked)
    harness.session.complete(line, len(line))
    assert LOADS_MODULES.intersection(asked)


@pytest.mark.parametrize("line", ["device_add driver=", "qom-list-types ", "device_del id="])
def test_a_replaced_program_is_not_asked_to_load_modules(
    harness: SessionHarness, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(queries, "replaced_program", lambda address, fd: "its program is newer")
    harness.session.complete(line, len(line))
    assert not harness.session.catalog.live.missing
    harness.poll_until(lambda: harness.session.queries.is_idle)
    hint = "".join(text for _, text in harness.session.hint(line, len(line)))
    warning = "not queried: its program is newer; loading modules of another build can end the VM"
    assert (hint == warning) is not line.startswith("device_del")
    assert harness.session.queries.is_idle


def test_events_are_filtered_by_whoever_shows_them(harness: SessionHarness) -> None:
    assert harness.run(".events BLOCK_* stop").exit_code == 0
    assert harness.shown == [Note("events shown: BLOCK_* stop")]
    harness.run(".events")
    assert harness.listener.patterns == [("BLOCK_*", "stop"), ()]
    assert harness.shown[-1] == Note("events shown: all")


def test_bare_verbs_and_unknown_commands(harness: SessionHarness) -> None:
    assert harness.run("help").exit_code == 0
    outcome = harness.run("blockdev-ad")
    assert outcome.exit_code == 2
    assert "did you mean blockdev-add" in str(outcome.error)
    assert harness.run("exit").leave


def test_help_is_as_wide_as_what_shows_it(harness: SessionHarness) -> None:
    for line in (".help", ".help blockdev-backup"):
        harness.run(line)
        answer = harness.shown[-1]
        assert isinstance(answer, Answer)
        assert answer.text is not None
        assert 50 < max(map(len, answer.text.split("\n"))) <= 60, line


def test_quit_asks_and_leaving_is_the_default(harness: SessionHarness) -> None:
    assert harness.run("quit", "l").leave
    outcome = harness.run("quit", "c")
    assert (outcome.leave, outcome.exit_code) == (False, 0)
    assert harness.run("quit", "q").exit_code == 0
    harness.poll_until(lambda: harness.listener.losses)
    assert harness.session.machine.shutdown_reason == "SHUTDOWN host-qmp-quit"
    assert harness.run("query-status").exit_code == 4
    assert len(harness.listener.losses) == 1


def test_hmp_mode_and_transactions_change_the_prompt(harness: SessionHarness) -> None:
    session = harness.session
    prompts = [session.prompt]
    harness.run(".hmp")
    prompts.append(session.prompt)
    harness.run("info status")
    assert isinstance(harness.shown[-1], Answer)
    assert harness.shown[-1].text == "VM status: paused (prelaunch)"
    harness.run(".hmp")
    harness.run("transaction(")
    prompts.append(session.prompt)
    assert session.interrupt()
    prompts.append(session.prompt)
    assert prompts == ["(QEMU) ", "(hmp) ", "TRANS 1> ", "(QEMU) "]


def test_a_detached_line_shows_its_reply_when_it_comes(harness: SessionHarness) -> None:
    outcomes: list[Outcome] = []
    harness.session.start("query-qmp-schema", harness.shown.append, outcomes.append)
    assert harness.session.running is not None
    assert harness.session.interrupt()
    assert harness.session.running is None
    harness.poll_until(lambda: outcomes)
    assert outcomes[0].exit_code == 0
    assert isinstance(harness.shown[-1], Answer)


def test_live_values(harness: SessionHarness) -> None:
    assert harness.candidates("device_del id=") == ["net0", "rp0"] or harness.candidates(
        "device_del id="
    )
    assert "disk0" in harness.candidates("blockdev-add driver=raw file=")
    assert "/machine/peripheral" in harness.candidates("qom-list path=/machine/peri")
    assert "mq=" in harness.candidates("device_add driver=virtio-net-pci m")
    assert "on" in harness.candidates("device_add driver=virtio-net-pci mq=")
    assert "virtio-rng-pci" in harness.candidates("device_add driver=virtio-r")
    assert "rp0" in harness.candidates("device_add driver=virtio-rng-pci bus=")


def test_live_questions_can_be_switched_off(harness: SessionHarness) -> None:
    harness.run(".set live off")
    harness.session.complete("device_del id=", 14)
    assert harness.session.complete("device_del id=", 14) == []
    assert harness.session.queries.is_idle
    harness.run(".set")
    assert isinstance(harness.shown[-1], Answer)
    assert "live         off " in str(harness.shown[-1].text)
    assert harness.run(".set live perhaps").exit_code == 2
    assert harness.run(".set liev on").exit_code == 2
    harness.run(".set live on")
    assert "vda" in harness.candidates("device_del id=")


# ------------------------------------------------------------------------ work in progress

NODES = "blockdev-add driver=null-co size=1073741824 node-name="


def start_backup(harness: SessionHarness, speed: int) -> None:
    """A job j0 that copies nothing, `speed` bytes a second."""
    harness.run(f"{NODES}src")
    harness.run(f"{NODES}dst")
    line = f"blockdev-backup device=src target=dst sync=full job-id=j0 speed={speed}"
    assert harness.run(line).exit_code == 0


def the_work(harness: SessionHarness) -> Work | None:
    works = harness.session.works
    return works[0] if works else None


def test_a_job_is_followed_to_its_end(harness: SessionHarness) -> None:
    assert harness.session.works == []
    start_backup(harness, 10_000_000)

    def has_a_rate() -> bool:
        work = the_work(harness)
        return work is not None and work.rate is not None and work.left is not None

    harness.poll_until(has_a_rate)
    work = the_work(harness)
    assert work is not None
    assert (work.label, work.state) == ("backup j0", WorkState.RUNNING)
    assert work.fraction is not None
    assert 0 < work.fraction < 1
    harness.run("job-pause id=j0")
    harness.poll_until(lambda: [work.state for work in harness.session.works] == [WorkState.PAUSED])
    harness.run("job-resume id=j0")
    harness.run("block-job-set-speed device=j0 speed=0")
    harness.poll_until(lambda: harness.session.works == [])
    assert "BLOCK_JOB_COMPLETED" in harness.listener.events


def test_a_job_that_runs_already_when_the_shell_comes(
    harness: SessionHarness, fresh_q35: Vm
) -> None:
    start_backup(harness, 1_000_000)
    harness.session.close()
    other = SessionHarness(fresh_q35.path)
    other.poll_until(lambda: "backup j0" in [work.label for work in other.session.works])
    other.session.close()


def test_a_job_of_a_storage_daemon_which_knows_no_migration(daemon: str) -> None:
    harness = SessionHarness(daemon)
    assert harness.session.works == []
    harness.poll_until(lambda: harness.session.catalog.schema is not None)
    start_backup(harness, 10_000_000)
    harness.poll_until(lambda: [work.rate for work in harness.session.works if work.rate])
    harness.session.close()


def test_a_migration_that_no_event_announces(harness: SessionHarness) -> None:
    assert harness.session.works == []
    harness.run("migrate-set-parameters max-bandwidth=1000")
    assert harness.run("migrate uri='exec:cat>/dev/null'").exit_code == 0

    def moves() -> bool:
        work = the_work(harness)
        return work is not None and work.fraction is not None and work.state is WorkState.RUNNING

    harness.poll_until(moves)
    assert [work.label for work in harness.session.works] == ["migration"]
    harness.run("migrate_cancel")
    harness.poll_until(lambda: harness.session.works == [])
    assert "MIGRATION" not in harness.listener.events
    assert [item for item in harness.shown if isinstance(item, Answer) and item.failed] == []


def test_without_live_questions_events_alone_tell(harness: SessionHarness) -> None:
    assert harness.session.works == []
    harness.run(".set live off")
    start_backup(harness, 1_000_000)
    harness.poll_until(lambda: harness.session.works)
    assert harness.session.works == [Work("job j0")]
    harness.run("job-cancel id=j0")
    harness.poll_until(lambda: harness.session.works == [])


def test_the_vm_that_is_killed(harness: SessionHarness, fresh_q35: Vm) -> None:
    fresh_q35.kill()
    harness.poll_until(lambda: harness.listener.losses)
    assert harness.session.machine.state == "ended"


def test_letting_go_of_a_wait_shows_its_end_when_it_comes(fresh_q35: Vm) -> None:
    harness = SessionHarness(fresh_q35.path)
    try:
        harness.session.start("stop --wait=RESUME", harness.shown.append, lambda outcome: None)
        harness.poll_until(
            lambda: harness.session.running and harness.session.client.in_flight == 0
        )
        assert harness.session.interrupt()
        assert not harness.shown
        harness.run("cont")
        harness.poll_until(lambda: len(harness.shown) == 2)
        assert {answer.command for answer in harness.shown if isinstance(answer, Answer)} == {
            "cont",
            "stop",
        }
    finally:
        harness.session.close()


def test_interrupting_a_watch_ends_it(vm: Vm) -> None:
    harness = SessionHarness(vm.path)
    ended: list[Outcome] = []
    try:
        harness.session.start("watch 10ms query-status", harness.shown.append, ended.append)
        harness.poll_until(lambda: harness.shown)
        assert harness.session.interrupt()
        assert [outcome.exit_code for outcome in ended] == [130]
        shown = len(harness.shown)
        harness.run("query-name")
        assert len(harness.shown) == shown + 1
    finally:
        harness.session.close()


def test_a_watch_shows_what_changed(vm: Vm) -> None:
    harness = SessionHarness(vm.path)
    try:
        watching = Task(
            run_line(harness.session.context, "watch 10ms query-status"), harness.shown.append
        )

        def turn() -> bool:
            harness.session.poll()
            watching.advance(time.monotonic())
            return bool(harness.shown)

        wait_until(turn)
        harness.run("stop")
        wait_until(lambda: turn() and len(harness.shown) == 3)
        changed = harness.shown[-1]
        assert isinstance(changed, Answer)
        assert '  status: "running" -> "paused"' in (changed.text or "").splitlines()
    finally:
        harness.session.close()
