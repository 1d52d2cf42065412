"""Lines behind a line that runs, and what a line still yields that was let go of."""

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


class Told:
    """A presenter that writes down what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def begin(self, prompt: str, line: str) -> str:
        self.said.append(f"{prompt}{line}")
        return line

    def show(self, key: str, item: Answer | Note) -> None:
        self.said.append(item.text if isinstance(item, Note) else f"answer to {key}")

    def error(self, error: QmpshError) -> None:
        self.said.append(str(error))


class Bench:
    """A runner on a fake session; `seconds`: what its clock shows."""

    def __init__(self) -> None:
        self.session = FakeSession(Silent())
        self.seconds = 0.0
        self._told = Told()
        self.runner = LineRunner(self.session, self._told, lambda code: None, lambda: self.seconds)

    def told(self) -> list[str]:
        """What was told since the last call."""
        said, self._told.said[:] = [*self._told.said], []
        return said

    def release(self, line: str) -> None:
        """The reply of a line comes."""
        self.session.released.add(line)
        self.session.poll()
        self.runner.start_next()

    def let_go(self, line: str, *items: Answer | Note) -> None:
        """A line was started and let go of."""
        self.session.script[line] = held(line, *items)
        self.runner.submit(line)
        assert self.runner.interrupt()
        assert self.told() == [f"(QEMU) {line}"]


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Nothing runs."""
    bench = Bench()
    yield bench
    bench.session.close()


def test_what_is_late_comes_behind_the_line_that_runs(bench: Bench) -> None:
    bench.let_go(".wait RESUME --new", Note("one"), LATE)
    bench.session.script["cont"] = held("cont", Answer("cont", value={}))
    bench.runner.submit("cont")
    bench.release(".wait RESUME --new")
    assert bench.told() == ["(QEMU) cont"]
    bench.release("cont")
    assert bench.told() == [
        "answer to cont",
        "late reply of .wait RESUME --new",
        "one",
        "answer to .wait RESUME --new",
    ]


def test_what_is_late_does_not_wait_for_ever(bench: Bench) -> None:
    bench.let_go("slow", LATE)
    bench.session.script["slower"] = held("slower", Answer("slower"))
    bench.runner.submit("slower")
    bench.release("slow")
    assert bench.told() == ["(QEMU) slower"]
    bench.seconds = LATE_REPLY_SECONDS
    bench.runner.start_next()
    assert bench.told() == ["late reply of slow", "answer to slow"]
    bench.release("slower")
    assert bench.told() == ["reply of slower", "answer to slower"]


def test_a_late_error_is_told_apart(bench: Bench) -> None:
    def fails(session: FakeSession) -> Steps:
        yield WaitFor(lambda: "slow" in session.released)
        raise CommandFailed("GenericError", "no")

    bench.session.script["slow"] = fails
    bench.runner.submit("slow")
    bench.runner.interrupt()
    bench.told()
    bench.session.script["cont"] = held("cont")
    bench.runner.submit("cont")
    bench.release("slow")
    assert bench.told() == ["(QEMU) cont"]
    bench.release("cont")
    assert bench.told() == ["late reply of slow", "GenericError: no"]


def test_a_late_reply_names_its_line_without_its_secrets(bench: Bench) -> None:
    line = "set_password protocol=vnc password=hunter2"
    bench.let_go(line, LATE)
    bench.release(line)
    assert bench.told()[0] == "late reply of set_password protocol=vnc password=********"


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
    ui.session.release("slow")
    ui.session.release("cont")
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
    ui.session.release("slow")
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
