"""On a real QEMU: after a line with a secret nothing that is shown or kept has it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from qmpsh.ui.common.history import LineHistory
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm
from tests.secrets import HMP, OPEN, QMP
from tests.ui.harness import LineHarness, ScreenHarness, on_line, on_vm
from tests.waiting import PATIENCE

SECRET = "hunter2"


async def taken(ui: ScreenHarness, history: LineHistory, count: int) -> None:
    """Wait until so many lines were taken and the last of them has ended."""
    await ui.until(lambda: len(history.get_strings()) == count)
    await ui.until(lambda: ui.screen.session.running is None)


@on_vm()
async def test_the_screen_the_transcript_and_the_history(
    ui: ScreenHarness, private_home: Path
) -> None:
    hmp = False
    session = ui.screen.session
    history = LineHistory(lambda: hmp)
    ui.screen.buffer.history = history
    pictures: list[str] = []
    lines = [form(SECRET) for form in QMP.values()]
    await ui.until(lambda: session.catalog.schema is not None)
    kept: list[str] = []
    for mode in (False, True):
        for count, line in enumerate(lines, 1):
            ui.keys(f"\x1b[200~{line}\x1b[201~\r")
            await taken(ui, history, count)
            pictures.append(ui.picture())
        kept += history.get_strings()
        for form in () if mode else OPEN.values():
            ui.keys(f"\x1b[200~{form(SECRET)}\x1b[201~\r")
            await ui.until(lambda: "\n" in ui.screen.buffer.text)
            ui.keys("\x03")
            await ui.until(lambda: not ui.screen.buffer.text)
            pictures.append(ui.picture())
        ui.keys("\x1bm")
        await ui.until(lambda: session.prompt == "(hmp) ")
        hmp, lines = not mode, [form(SECRET) for form in HMP.values()]
    ui.keys("\x04")
    await ui.until(lambda: ui.has_ended)
    assert [picture for picture in pictures if SECRET in picture] == []
    transcript = ui.stream.getvalue()
    assert transcript.count("********") > len(QMP)
    assert SECRET not in transcript
    assert SECRET not in "".join(kept)
    assert len(kept) == len(QMP) + len(HMP)
    kept = [path.read_text() for path in (private_home / ".local/state/qmpsh").iterdir()]
    assert any("********" in text for text in kept)
    assert SECRET not in "".join(kept)


@pytest.mark.parametrize("last", [None, *OPEN])
def test_all_that_a_script_says_and_writes(
    vm: Vm, run_qmpsh: RunQmpsh, last: str | None, tmp_path: Path
) -> None:
    """One script has all lines that end, each with a secret of its own: what hides the one may
    not hide another.
    """
    if last is None:
        lines = [form(f"{SECRET}{count}") for count, form in enumerate(QMP.values())]
    else:
        lines = [OPEN[last](SECRET)]
    log = tmp_path / "wire"
    script = "".join(f"{line}\n" for line in [*lines, *(["nope"] if last is None else [])])
    done = run_qmpsh("-v", "-k", "--json", "-l", str(log), "-f", "-", vm.path, stdin=script)
    for text in (log.read_text(), done.stderr, done.stdout):
        assert [line for line in text.splitlines() if SECRET in line] == []
    if last is None:
        assert "The command nope has not been found" in done.stdout, "each line was run"


@pytest.mark.parametrize("form", ["vnc", "object", "vnc, words", "object, wrong name"])
def test_standard_error_of_a_one_shot_of_words(vm: Vm, run_qmpsh: RunQmpsh, form: str) -> None:
    words = QMP[form]("a b hunter2").replace('"', "").replace("a b hunter2", "\0").split(" ")
    argv = [word.replace("\0", "a b hunter2") for word in words]
    done = run_qmpsh("-v", vm.path, *argv)
    assert SECRET not in done.stderr + done.stdout


@pytest.mark.parametrize("form", QMP)
@on_line
async def test_the_line_prompt(ui: LineHarness, form: str) -> None:
    line = QMP[form](SECRET)
    ui.keys(f"\x1b[200~{line}\x1b[201~\r")
    ui.keys("query-y")
    await ui.ends_with("(QEMU) query-y")
    shown = "".join(ui.lines())
    assert SECRET not in shown
    assert "********" in shown


def test_what_the_vm_answers_of_a_secret(vm: Vm, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    """QEMU answers `qom-get` of a secret's data with the secret."""
    log = tmp_path / "wire"
    made = run_qmpsh(vm.path, "object-add", "qom-type=secret", "id=s", f"data={SECRET}")
    assert made.returncode == 0
    for line in (
        "qom-get path=/objects/s property=data",
        '{"execute": "qom-get", "arguments": {"path": "/objects/s", "property": "data"}}',
        ".hmp qom-get /objects/s data",
        "human-monitor-command command-line='qom-get /objects/s data'",
    ):
        for options in ([], ["--json"], ["--raw"]):
            done = run_qmpsh("-v", "-l", str(log), *options, vm.path, line)
            assert SECRET not in done.stdout + done.stderr + log.read_text()
            assert "********" in done.stdout
    done = run_qmpsh(vm.path, "qom-get", "path=/objects/s", "property=format")
    assert done.stdout == '"raw"\n'


def test_a_line_in_the_place_of_an_address(run_qmpsh: RunQmpsh) -> None:
    for line in ("set_password password={}", "object-add qom-type=secret data={}"):
        done = run_qmpsh("--json", line.format(SECRET), "query-status")
        assert done.returncode in (2, 3)
        assert SECRET not in done.stdout + done.stderr


def test_a_one_shot_asks_on_its_terminal() -> None:
    pid, fd = pty.fork()
    if pid == 0:
        argv = [sys.executable, "-m", "qmpsh", "-n", "change-vnc-password", "password=?"]
        os.execve(sys.executable, argv, {**os.environ, "PYTHONPATH": str(ROOT)})
    shown = _until(fd, "password for change-vnc-password: ")
    os.write(fd, SECRET.encode() + b"\n")
    printed = _until(fd, "}}")
    os.waitpid(pid, 0)
    os.close(fd)
    assert SECRET not in shown
    assert json.loads(printed)["arguments"] == {"password": SECRET}
    assert printed.count(SECRET) == 1  # in the JSON that a dry run prints, and in no echo


def _until(fd: int, end: str) -> str:
    """What a terminal prints up to some text."""
    text = ""
    while not text.endswith(end):
        text += os.read(fd, 1).decode()
    return text


def test_without_a_terminal_there_is_no_question() -> None:
    command = [sys.executable, "-m", "qmpsh", "-n", "change-vnc-password password=?"]
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        start_new_session=True,
    )
    assert done.returncode == 2
    assert done.stderr == "qmpsh: no terminal to ask on: password for change-vnc-password\n"
