"""The session on a real QEMU, without a terminal: what both interactive front ends rely on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from qmpsh.address import parse_address
from qmpsh.advice import UNGUARDED
from qmpsh.client.client import Client
from qmpsh.complete.live import LOADS_MODULES, LiveQuery
from qmpsh.errors import QmpshError
from qmpsh.protocol.messages import ErrorReply, Event, Reply
from qmpsh.shell.progress import Work, WorkState
from qmpsh.shell.session import queries
from qmpsh.shell.session.connection import Tone
from qmpsh.shell.session.session import Session
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Outcome
from tests.qemu import Vm
from tests.waiting import PATIENCE, wait_until


class Heard:
    """A watcher that remembers."""

    advice = UNGUARDED

    def __init__(self) -> None:
        self.events: list[str] = []
        self.strays: list[Reply | ErrorReply] = []
        self.losses: list[QmpshError] = []
        self.remarks: list[str] = []
        self.facts_came = 0
        self.patterns: list[tuple[str, ...]] = []

    def event(self, event: Event) -> None:
        self.events.append(event.name)

    def stray(self, reply: Reply | ErrorReply) -> None:
        self.strays.append(reply)

    def refresh(self) -> None:
        pass

    def facts(self) -> None:
        self.facts_came += 1

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        self.patterns.append(patterns)

    def lost(self, error: QmpshError) -> None:
        self.losses.append(error)

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        self.remarks.append(f"! {text}" if tone is Tone.ALARMING else text)

    def columns(self) -> int:
        return 60


class Desk:
    """A session and somebody who sits before it."""

    def __init__(self, path: str) -> None:
        self.heard = Heard()
        client = Client.connect(parse_address(path))
        self.session = Session(client, Settings(), self.heard, path)
        self.shown: list[Answer | Note] = []

    def wait(self, what: str = "it", *, learnt: bool = False) -> None:
        """Poll until nothing runs (and until the schema is known)."""

        def done() -> bool:
            self.session.poll()
            catalog = self.session.catalog
            return self.session.running is None and (not learnt or catalog.schema is not None)

        wait_until(done, PATIENCE, what)

    def poll_until(self, holds: Callable[[], object]) -> None:
        """Poll until something holds."""

        def polled() -> object:
            self.session.poll()
            return holds()

        wait_until(polled)

    def run(self, line: str, choice: str = "") -> Outcome:
        """Type a line, answer its question, wait for its end."""
        outcomes: list[Outcome] = []
        self.session.start(line, self.shown.append, outcomes.append)
        running = self.session.running
        if running is not None and running.task.asking is not None:
            running.task.reply(choice)
        self.wait(line)
        return outcomes[0]

    def candidates(self, text: str) -> list[str]:
        """Candidates at the end of the text, live values included."""
        self.session.complete(text, len(text))
        self.poll_until(lambda: self.session.inquiry.is_idle)
        return [c.text for c in self.session.complete(text, len(text))]


@pytest.fixture
def desk(fresh_q35: Vm) -> Iterator[Desk]:
    desk = Desk(fresh_q35.path)
    desk.wait("the schema", learnt=True)
    yield desk
    desk.session.close()


def test_what_is_learnt_at_the_start(desk: Desk) -> None:
    machine, catalog = desk.session.machine, desk.session.catalog
    assert (machine.name, machine.long_state) == ("demo", "paused (prelaunch)")
    assert len(machine.commands) > 200
    assert "STOP" in catalog.events
    assert "info" in catalog.hmp
    assert "block" in catalog.hmp_info


def test_run_state_follows_events(desk: Desk) -> None:
    desk.run("cont")
    assert desk.heard.events[0] == "RESUME"
    states = [desk.session.machine.state]
    desk.run("stop")
    states.append(desk.session.machine.state)
    assert states == ["running", "paused"]


def test_an_offer_never_asks_what_loads_modules(desk: Desk) -> None:
    asked: list[str] = []
    facts = desk.session.catalog.facts
    take = facts.take_wanted

    def noted() -> list[LiveQuery]:
        wanted = take()
        asked.extend(query.command for query in wanted)
        return wanted

    facts.take_wanted = noted  # type: ignore[method-assign] # to see what is asked
    line = "device_add driver="
    desk.session.complete(line, len(line), asked=False)
    assert not LOADS_MODULES.intersection(asked)
    desk.session.complete(line, len(line))
    assert LOADS_MODULES.intersection(asked)


@pytest.mark.parametrize("line", ["device_add driver=", "qom-list-types ", "device_del id="])
def test_a_replaced_program_is_not_asked_to_load_modules(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(queries, "replaced_program", lambda address, fd: "its program is newer")
    desk.session.complete(line, len(line))
    assert not desk.session.catalog.facts.wanted
    desk.poll_until(lambda: desk.session.inquiry.is_idle)
    hint = "".join(text for _, text in desk.session.hint(line, len(line)))
    warning = "not asked: its program is newer; loading modules of another build can end the VM"
    assert (hint == warning) is not line.startswith("device_del")
    assert desk.session.inquiry.is_idle


def test_events_are_filtered_by_whoever_shows_them(desk: Desk) -> None:
    assert desk.run(".events BLOCK_* stop").exit_code == 0
    assert desk.shown == [Note("events shown: BLOCK_* stop")]
    desk.run(".events")
    assert desk.heard.patterns == [("BLOCK_*", "stop"), ()]
    assert desk.shown[-1] == Note("events shown: all")


def test_bare_verbs_and_unknown_commands(desk: Desk) -> None:
    assert desk.run("help").exit_code == 0
    outcome = desk.run("blockdev-ad")
    assert outcome.exit_code == 2
    assert "did you mean blockdev-add" in str(outcome.error)
    assert desk.run("exit").leave


def test_help_is_as_wide_as_what_shows_it(desk: Desk) -> None:
    for line in (".help", ".help blockdev-backup"):
        desk.run(line)
        answer = desk.shown[-1]
        assert isinstance(answer, Answer)
        assert answer.text is not None
        assert 50 < max(map(len, answer.text.split("\n"))) <= 60, line


def test_quit_asks_and_leaving_is_the_default(desk: Desk) -> None:
    assert desk.run("quit", "l").leave
    outcome = desk.run("quit", "c")
    assert (outcome.leave, outcome.exit_code) == (False, 0)
    assert desk.run("quit", "q").exit_code == 0
    desk.poll_until(lambda: desk.heard.losses)
    assert desk.session.machine.farewell == "SHUTDOWN host-qmp-quit"
    assert desk.run("query-status").exit_code == 4
    assert len(desk.heard.losses) == 1


def test_hmp_mode_and_transactions_change_the_prompt(desk: Desk) -> None:
    session = desk.session
    prompts = [session.prompt]
    desk.run(".hmp")
    prompts.append(session.prompt)
    desk.run("info status")
    assert isinstance(desk.shown[-1], Answer)
    assert desk.shown[-1].text == "VM status: paused (prelaunch)"
    desk.run(".hmp")
    desk.run("transaction(")
    prompts.append(session.prompt)
    assert session.interrupt()
    prompts.append(session.prompt)
    assert prompts == ["(QEMU) ", "(hmp) ", "TRANS> ", "(QEMU) "]


def test_a_detached_line_shows_its_reply_when_it_comes(desk: Desk) -> None:
    outcomes: list[Outcome] = []
    desk.session.start("query-qmp-schema", desk.shown.append, outcomes.append)
    assert desk.session.running is not None
    assert desk.session.interrupt()
    assert desk.session.running is None
    desk.poll_until(lambda: outcomes)
    assert outcomes[0].exit_code == 0
    assert isinstance(desk.shown[-1], Answer)


def test_live_values(desk: Desk) -> None:
    assert desk.candidates("device_del id=") == ["net0", "rp0"] or desk.candidates("device_del id=")
    assert "disk0" in desk.candidates("blockdev-add driver=raw file=")
    assert "/machine/peripheral" in desk.candidates("qom-list path=/machine/peri")
    assert "mq=" in desk.candidates("device_add driver=virtio-net-pci m")
    assert "on" in desk.candidates("device_add driver=virtio-net-pci mq=")
    assert "virtio-rng-pci" in desk.candidates("device_add driver=virtio-r")
    assert "rp0" in desk.candidates("device_add driver=virtio-rng-pci bus=")


def test_live_questions_can_be_switched_off(desk: Desk) -> None:
    desk.run(".set live off")
    desk.session.complete("device_del id=", 14)
    assert desk.session.complete("device_del id=", 14) == []
    assert desk.session.inquiry.is_idle
    desk.run(".set")
    assert isinstance(desk.shown[-1], Answer)
    assert "live         off " in str(desk.shown[-1].text)
    assert desk.run(".set live perhaps").exit_code == 2
    assert desk.run(".set liev on").exit_code == 2
    desk.run(".set live on")
    assert "vda" in desk.candidates("device_del id=")


# ------------------------------------------------------------------------ work in progress

NODES = "blockdev-add driver=null-co size=1073741824 node-name="


def start_backup(desk: Desk, speed: int) -> None:
    """A job j0 that copies nothing, `speed` bytes a second."""
    desk.run(f"{NODES}src")
    desk.run(f"{NODES}dst")
    line = f"blockdev-backup device=src target=dst sync=full job-id=j0 speed={speed}"
    assert desk.run(line).exit_code == 0


def the_work(desk: Desk) -> Work | None:
    works = desk.session.works
    return works[0] if works else None


def test_a_job_is_followed_to_its_end(desk: Desk) -> None:
    assert desk.session.works == []
    start_backup(desk, 10_000_000)

    def has_a_rate() -> bool:
        work = the_work(desk)
        return work is not None and work.rate is not None and work.left is not None

    desk.poll_until(has_a_rate)
    work = the_work(desk)
    assert work is not None
    assert (work.label, work.state) == ("backup j0", WorkState.RUNNING)
    assert work.fraction is not None
    assert 0 < work.fraction < 1
    desk.run("job-pause id=j0")
    desk.poll_until(lambda: [work.state for work in desk.session.works] == [WorkState.PAUSED])
    desk.run("job-resume id=j0")
    desk.run("block-job-set-speed device=j0 speed=0")
    desk.poll_until(lambda: desk.session.works == [])
    assert "BLOCK_JOB_COMPLETED" in desk.heard.events


def test_a_job_that_runs_already_when_the_shell_comes(desk: Desk, fresh_q35: Vm) -> None:
    start_backup(desk, 1_000_000)
    desk.session.close()
    other = Desk(fresh_q35.path)
    other.poll_until(lambda: "backup j0" in [work.label for work in other.session.works])
    other.session.close()


def test_a_migration_that_no_event_announces(desk: Desk) -> None:
    assert desk.session.works == []
    desk.run("migrate-set-parameters max-bandwidth=1000")
    assert desk.run("migrate uri='exec:cat>/dev/null'").exit_code == 0

    def moves() -> bool:
        work = the_work(desk)
        return work is not None and work.fraction is not None and work.state is WorkState.RUNNING

    desk.poll_until(moves)
    assert [work.label for work in desk.session.works] == ["migration"]
    desk.run("migrate_cancel")
    desk.poll_until(lambda: desk.session.works == [])
    assert "MIGRATION" not in desk.heard.events
    assert [item for item in desk.shown if isinstance(item, Answer) and item.failed] == []


def test_without_live_questions_events_alone_tell(desk: Desk) -> None:
    assert desk.session.works == []
    desk.run(".set live off")
    start_backup(desk, 1_000_000)
    desk.poll_until(lambda: desk.session.works)
    assert desk.session.works == [Work("job j0")]
    desk.run("job-cancel id=j0")
    desk.poll_until(lambda: desk.session.works == [])


def test_the_vm_that_is_killed(desk: Desk, fresh_q35: Vm) -> None:
    fresh_q35.kill()
    desk.poll_until(lambda: desk.heard.losses)
    assert desk.session.machine.state == "ended"


def test_letting_go_of_a_wait_shows_its_end_when_it_comes(fresh_q35: Vm) -> None:
    desk = Desk(fresh_q35.path)
    try:
        desk.session.start("stop --wait=RESUME", desk.shown.append, lambda outcome: None)
        desk.poll_until(lambda: desk.session.running and desk.session.client.in_flight == 0)
        assert desk.session.interrupt()
        assert not desk.shown
        desk.run("cont")
        desk.poll_until(lambda: len(desk.shown) == 2)
        assert {answer.command for answer in desk.shown if isinstance(answer, Answer)} == {
            "cont",
            "stop",
        }
    finally:
        desk.session.close()


def test_interrupting_a_watch_ends_it(vm: Vm) -> None:
    desk = Desk(vm.path)
    ended: list[Outcome] = []
    try:
        desk.session.start("watch 10ms query-status", desk.shown.append, ended.append)
        desk.poll_until(lambda: desk.shown)
        assert desk.session.interrupt()
        assert [outcome.exit_code for outcome in ended] == [130]
        shown = len(desk.shown)
        desk.run("query-name")
        assert len(desk.shown) == shown + 1
    finally:
        desk.session.close()


def test_a_watch_shows_what_changed(vm: Vm) -> None:
    desk = Desk(vm.path)
    try:
        watching = desk.session.shell.start("watch 10ms query-status", desk.shown.append)

        def turn() -> bool:
            desk.session.poll()
            watching.advance(time.monotonic())
            return bool(desk.shown)

        wait_until(turn)
        desk.run("stop")
        wait_until(lambda: turn() and len(desk.shown) == 3)
        changed = desk.shown[-1]
        assert isinstance(changed, Answer)
        assert '  status: "running" -> "paused"' in (changed.text or "").splitlines()
    finally:
        desk.session.close()
