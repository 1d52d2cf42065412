"""Lines queued after a running line, and late output of a line that was detached from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qmpsh.errors import CommandFailed, QmpshError
from qmpsh.shell.steps import Answer, Note, Steps, WaitFor
from qmpsh.ui.common.runner import LATE_REPLY_SECONDS, LineRunner
from tests.ui.fakes import FakeSession, Silent, held
from tests.ui.harness import ScreenHarness, on_screen
from tests.ui.keycodes import CTRL_C

LATE = Answer("", value={"late": True}, seconds=0.014, size=30)


class RecordingPresenter:
    """A presenter that records what it is given."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def begin(self, prompt: str, line: str) -> str:
        self.said.append(f"{prompt}{line}")
        return line

    def show(self, key: str, item: Answer | Note) -> None:
        self.said.append(item.text if isinstance(item, Note) else f"answer to {key}")

    def error(self, error: QmpshError) -> None:
        self.said.append(str(error))


class RunnerHarness:
    """A runner on a fake session; `seconds`: what its clock shows."""

    def __init__(self) -> None:
        self.session = FakeSession(Silent())
        self.seconds = 0.0
        self._presenter = RecordingPresenter()
        self.runner = LineRunner(
            self.session, self._presenter, lambda code: None, lambda: self.seconds
        )

    def shown(self) -> list[str]:
        """What was shown since the last call."""
        said, self._presenter.said[:] = [*self._presenter.said], []
        return said

    def reply(self, line: str) -> None:
        """The reply of a line comes."""
        self.session.replied.add(line)
        self.session.poll()
        self.runner.start_next()

    def detach_from(self, line: str, *items: Answer | Note) -> None:
        """Start a line and detach from it."""
        self.session.script[line] = held(line, *items)
        self.runner.submit(line)
        assert self.runner.interrupt()
        assert self.shown() == [f"(QEMU) {line}"]


@pytest.fixture
def harness() -> Iterator[RunnerHarness]:
    """Nothing runs."""
    harness = RunnerHarness()
    yield harness
    harness.session.close()


def test_what_is_late_comes_after_the_line_that_runs(harness: RunnerHarness) -> None:
    harness.detach_from(".wait RESUME --new", Note("one"), LATE)
    harness.session.script["cont"] = held("cont", Answer("cont", value={}))
    harness.runner.submit("cont")
    harness.reply(".wait RESUME --new")
    assert harness.shown() == ["(QEMU) cont"]
    harness.reply("cont")
    assert harness.shown() == [
        "answer to cont",
        "late reply of .wait RESUME --new",
        "one",
        "answer to .wait RESUME --new",
    ]


def test_what_is_late_does_not_wait_for_ever(harness: RunnerHarness) -> None:
    harness.detach_from("slow", LATE)
    harness.session.script["slower"] = held("slower", Answer("slower"))
    harness.runner.submit("slower")
    harness.reply("slow")
    assert harness.shown() == ["(QEMU) slower"]
    harness.seconds = LATE_REPLY_SECONDS
    harness.runner.start_next()
    assert harness.shown() == ["late reply of slow", "answer to slow"]
    harness.reply("slower")
    assert harness.shown() == ["reply of slower", "answer to slower"]


def test_a_late_error_has_a_heading(harness: RunnerHarness) -> None:
    def fails(session: FakeSession) -> Steps:
        yield WaitFor(lambda: "slow" in session.replied)
        raise CommandFailed("GenericError", "no")

    harness.session.script["slow"] = fails
    harness.runner.submit("slow")
    harness.runner.interrupt()
    harness.shown()
    harness.session.script["cont"] = held("cont")
    harness.runner.submit("cont")
    harness.reply("slow")
    assert harness.shown() == ["(QEMU) cont"]
    harness.reply("cont")
    assert harness.shown() == ["late reply of slow", "GenericError: no"]


def test_a_late_reply_names_its_line_without_its_secrets(harness: RunnerHarness) -> None:
    line = "set_password protocol=vnc password=hunter2"
    harness.detach_from(line, LATE)
    harness.reply(line)
    assert harness.shown()[0] == "late reply of set_password protocol=vnc password=********"


@on_screen()
async def test_a_late_reply_on_the_screen(ui: ScreenHarness) -> None:
    ui.session.script["slow"] = held("slow", LATE)
    ui.session.script["cont"] = held("cont", Answer("cont", value={}, seconds=0.0004, size=14))
    ui.keys("slow\r")
    await ui.until(lambda: ui.session.running is not None)
    ui.keys(CTRL_C)
    await ui.sees("detached from slow")
    ui.keys("cont\r")
    await ui.until(lambda: ui.session.lines == ["slow", "cont"])
    ui.session.send_reply("slow")
    ui.session.send_reply("cont")
    await ui.sees('"late": true')
    rows = [row.partition("│")[0].rstrip() for row in ui.picture().split("\n")]
    at = next(index for index, row in enumerate(rows) if row.startswith("(QEMU) cont"))
    assert [" ".join(row.split()) for row in rows[at : at + 5]] == [
        "(QEMU) cont 0.4 ms",
        "{}",
        "",
        "late reply of slow 14 ms 30 B",
        "{",
    ]


@on_screen()
async def test_a_line_that_waits_is_seen_at_once_and_goes_when_it_runs(ui: ScreenHarness) -> None:
    ui.session.script["slow"] = held("slow")
    ui.keys("slow\r")
    await ui.until(lambda: ui.session.running)
    ui.now += 1.0
    ui.keys("set_password password=hunter2\r" + "stop\r" * 4)
    await ui.sees("5 queued")
    picture = ui.picture()
    assert "(QEMU) set_password password=********" in picture
    assert "queued after slow" in picture
    assert picture.count("(QEMU) stop") == 2
    assert "… 2 more" in picture
    ui.session.send_reply("slow")
    await ui.until(lambda: len(ui.session.lines) == 6)
    await ui.until(lambda: "queued" not in ui.picture())


@on_screen()
async def test_lines_that_are_dropped_are_counted(ui: ScreenHarness) -> None:
    ui.session.script["slow"] = held("slow")
    ui.keys("slow\rstop\rcont\r")
    await ui.until(lambda: len(ui.screen._runner.waiting) == 2)
    ui.keys(CTRL_C)
    await ui.sees("dropped")
    assert ui.session.lines == ["slow"]
