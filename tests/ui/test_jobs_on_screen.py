"""The list of jobs on the screen: its keys, its place, and what it looks like."""

from __future__ import annotations

import pytest

from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer
from qmpsh.shell.work import JobEntry, Work
from tests.qemu import Vm
from tests.ui.fakes import answers, event, held
from tests.ui.harness import ScreenHarness, on_screen, on_vm
from tests.ui.keycodes import CTRL_C, CTRL_D, DOWN, ESCAPE, F1, F3, F6, UP

SIZES = ((40, 12), (60, 20), (80, 24), (160, 45))


def job(serial: int, name: str, status: str, fraction: float = 0.68, result: str = "") -> JobEntry:
    work = Work(name, fraction=fraction, rate=212e6, left=4.2)
    done = int(fraction * 1e9)
    return JobEntry(
        serial, name, "backup", status, work, result, result == "No space left on device", False
    )._replace(done=done, total=10**9, in_bytes=True)


MIGRATION = JobEntry(
    9, "", "migration", "active", Work("", fraction=0.31, rate=112e6, left=21.0), is_migration=True
)


async def listing(ui: ScreenHarness) -> None:
    """Open a list of three jobs and a migration."""
    await ui.is_named()
    ui.session.jobs.listed = [
        job(1, "j1", "running"),
        job(2, "copy-of-disk0", "paused", 0.25),
        job(3, "j3", "concluded", 1.0, "No space left on device"),
        MIGRATION,
    ]
    ui.keys(F6)
    await ui.sees("JOB")


@on_screen(*SIZES, prepare=listing)
async def test_the_list(ui: ScreenHarness) -> None:
    ui.session.send_event(event("STOP"))
    ui.keys(DOWN)
    await ui.sees("2/4")
    await ui.matches("jobs")


@on_screen((80, 24))
async def test_an_empty_list(ui: ScreenHarness) -> None:
    ui.keys(F6)
    await ui.sees("no jobs, and no migration under way")
    await ui.matches("jobs-empty")


@on_screen((80, 24), prepare=listing)
async def test_a_question(ui: ScreenHarness) -> None:
    ui.keys("x")
    await ui.sees("Cancel backup j1? [n]o, [y]es")
    await ui.matches("jobs-question")
    ui.keys("\r")
    await ui.sees("p pause")
    ui.keys("xy")
    await ui.until(lambda: ui.session.lines == ["job-cancel id=j1"])


@on_screen(prepare=listing)
async def test_keys_run_lines_and_the_typed_one_stays(ui: ScreenHarness) -> None:
    ui.keys("p" + DOWN + "r")
    await ui.until(lambda: ui.session.lines == ["job-pause id=j1", "job-resume id=copy-of-disk0"])
    ui.keys(ESCAPE)
    await ui.sees("(QEMU) job-pause id=j1")
    assert not ui.session.jobs.is_open


@on_screen(prepare=listing)
async def test_a_half_typed_line_is_kept(ui: ScreenHarness) -> None:
    ui.keys("q")
    await ui.until(lambda: not ui.session.jobs.is_open)
    ui.keys("half a line")
    await ui.sees("half a line")
    ui.keys(F6)
    await ui.until(lambda: "half a line" not in ui.picture())
    ui.keys("jkz\x1b")
    await ui.sees("half a line_")


@pytest.mark.parametrize("key", ["q", ESCAPE, CTRL_C, CTRL_D, F6])
@on_screen(prepare=listing)
async def test_ways_back(ui: ScreenHarness, key: str) -> None:
    ui.keys(key)
    await ui.sees("type a command")
    assert not ui.session.jobs.is_open
    assert not ui.has_ended


@pytest.mark.parametrize(
    "key, text", [(F1, "Esc goes back"), (F3, "events"), ("\x1b/", "search output")]
)
@on_screen(prepare=listing)
async def test_what_replaces_it(ui: ScreenHarness, key: str, text: str) -> None:
    ui.keys(key)
    await ui.sees(text)
    await ui.until(lambda: not ui.session.jobs.is_open)


@pytest.mark.parametrize("key", ["w", "\r"])
@on_screen(prepare=listing)
async def test_waiting_attaches_to_the_job(ui: ScreenHarness, key: str) -> None:
    ui.keys(key)
    await ui.until(lambda: ui.session.lines == [".wait job=j1"])
    await ui.sees("(QEMU) .wait job=j1")


@on_screen(prepare=listing)
async def test_what_went_wrong_is_said_in_the_list(ui: ScreenHarness) -> None:
    ui.session.script["job-pause id=j1"] = answers(
        Answer("job-pause", failed=True, text="GenericError: Job\x1b not found")
    )
    ui.keys("p")
    await ui.sees("GenericError: Job\\x1b not found")
    ui.keys(DOWN + UP)
    await ui.sees("1/4")


@on_screen(prepare=listing)
async def test_a_command_without_an_answer(ui: ScreenHarness) -> None:
    ui.session.script["job-pause id=j1"] = held("job-pause id=j1")
    ui.keys("p")
    await ui.until(lambda: ui.session.running is not None)
    ui.now += 5
    ui.keys("x")
    await ui.sees("no answer yet to job-pause; Ctrl-C detaches from it")
    ui.keys(UP)
    await ui.sees("no answer yet to job-pause for 0:05")
    ui.keys(CTRL_C)
    await ui.sees("1/4")
    assert ui.session.jobs.is_open


@on_screen(prepare=listing)
async def test_read_only(ui: ScreenHarness) -> None:
    ui.keys(F6)
    await ui.until(lambda: not ui.session.jobs.is_open)
    ui.session.jobs.settings = Settings(read_only=True)
    ui.keys(F6 + "p")
    await ui.sees("job-pause was not sent: --read-only allows only commands that")
    assert ui.session.lines == []


@on_screen(prepare=listing)
async def test_what_the_mode_forbids(ui: ScreenHarness) -> None:
    ui.session.prompt = "(hmp) "
    ui.keys("p")
    await ui.sees("F7 leaves HMP mode")
    ui.session.prompt = "TRANS> "
    ui.keys("p")
    await ui.sees("a transaction is open")
    assert ui.session.lines == []


NODES = "blockdev-add driver=null-co size=1073741824 node-name="


@on_vm("-M", "none", "-nodefaults")
async def test_a_job_of_a_vm_from_its_start_to_the_end_of_the_vm(ui: ScreenHarness, vm: Vm) -> None:
    ui.keys(f"{NODES}a\r{NODES}b\r")
    ui.keys("blockdev-backup device=a target=b sync=full job-id=j0 speed=10000000")
    ui.keys(" auto-dismiss=false\r.jobs\r")
    await ui.sees("j0   backup  running  ")
    await ui.sees("MB/s")
    ui.keys("p")
    await ui.sees("j0   backup  paused ")
    ui.keys("r")
    await ui.sees("j0   backup  running ")
    ui.keys("xy")
    await ui.sees("j0   backup  concluded  cancelled")
    ui.keys("d")
    await ui.sees("j0   backup  ended   cancelled")
    ui.keys("q")
    await ui.sees("(QEMU) job-dismiss id=j0")
    ui.keys("blockdev-backup device=a target=b sync=full job-id=j1 speed=10000000\r" + F6)
    await ui.sees("j1   backup  running ")
    vm.kill()
    await ui.sees("j1   backup  ended   the connection was lost")
