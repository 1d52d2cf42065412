"""A hostile VM: whatever it names, says or raises is shown, and never obeyed by the terminal.

A real QEMU where it can be brought to say it, a session without a VM for the rest.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmpsh.complete.candidates import Candidate
from qmpsh.errors import CommandFailed
from qmpsh.protocol.messages import Event
from qmpsh.shell.steps import Answer, Ask, AskSecret, Note, Outcome
from tests.conftest import RunQmpsh
from tests.evil import EVIL, SEEN, SEEN_IN_JSON, obeyed
from tests.qemu import Vm, VmStarter, new_folder
from tests.secrets import quoted
from tests.ui.fakes import answers, asks, refused
from tests.ui.harness import LineHarness, ScreenHarness, on_line, on_screen, on_vm

HEAD = SEEN[:20]
"""What is seen of it even where the rest is cut off or wrapped"""


def harmless(ui: ScreenHarness) -> None:
    """Nothing of the picture is a control, and the window has no title."""
    picture = ui.picture()
    assert obeyed(picture) == []
    assert ui.terminal.title == ""


@pytest.fixture
def evil_vm(start_vm: VmStarter) -> Vm:
    """A VM that is really named so."""
    return start_vm("-S", "-name", EVIL)


@contextlib.contextmanager
def evil_socket() -> Iterator[str]:
    """The path of a listening unix socket with a name of that kind."""
    folder = Path(new_folder())
    with socket.socket(socket.AF_UNIX) as server:
        path = folder / EVIL
        server.bind(str(path))
        server.listen()
        yield str(path)
        path.unlink()
    folder.rmdir()


# ------------------------------------------------------------------------ a real QEMU


@on_vm("-S", "-name", EVIL)
async def test_the_name_a_reply_hmp_text_and_an_error(ui: ScreenHarness) -> None:
    await ui.sees(f"\n{SEEN} ")
    await ui.sees(f" {HEAD}")
    ui.keys("query-name\r")
    await ui.sees('"name": "e\\u001b]0;pwned')
    ui.keys(".hmp info name\r")
    await ui.until(lambda: ui.picture().count(SEEN[:40]) > 1)
    ui.keys(f"blockdev-add driver=file node-name=n filename={quoted(EVIL)}\r")
    await ui.sees("GenericError: Could not open")
    harmless(ui)
    ui.keys("\x04")
    await ui.until(lambda: ui.has_ended)
    transcript = ui.stream.getvalue()
    assert SEEN in transcript
    assert obeyed(transcript.replace("\x1b[", "").replace("\x1b", "!")) == []


@on_vm("-S", "-name", EVIL)
async def test_an_event(ui: ScreenHarness) -> None:
    with evil_socket() as path:
        ui.keys(f"netdev_add type=stream id=n0 addr.type=unix addr.path={quoted(path)}\r")
        await ui.sees("NETDEV_STREAM")
        ui.keys("\x1bz")
        await ui.sees("NETDEV_STREAM_CONNECTED")
        await ui.until(lambda: r"\x1b]0;pwned" in ui.picture())
        harmless(ui)


def test_one_shots(evil_vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(evil_vm.path, "-v", "query-name")
    assert SEEN_IN_JSON in done.stdout
    assert SEEN_IN_JSON in done.stderr
    hmp = run_qmpsh(evil_vm.path, "-H", "info", "name")
    assert hmp.stdout == SEEN + "\n"
    raw = run_qmpsh(evil_vm.path, "--raw", "--json", "query-name")
    error = run_qmpsh(
        evil_vm.path, "blockdev-add", "driver=file", "node-name=n", f"filename={EVIL}"
    )
    assert SEEN in error.stderr
    wrong = run_qmpsh(evil_vm.path, "blockdev-add", f"{EVIL}=x")
    assert wrong.returncode == 2
    for run in (done, hmp, raw, error, wrong):
        assert obeyed(run.stdout + run.stderr) == []


# ------------------------------------------------------------------------ without a VM


def hostile_lines(ui: ScreenHarness | LineHarness) -> None:
    """Script lines that say it in every way there is."""
    ui.session.script.update(
        {
            "answer": answers(Answer(EVIL, value={EVIL: [EVIL]}, size=9)),
            "text": answers(Answer("", text=EVIL)),
            "failed": answers(Answer("", failed=True, text=f"{EVIL}: {EVIL}")),
            "note": answers(Note(EVIL)),
            "error": refused(CommandFailed(EVIL, EVIL)),
            "ask": asks(Ask(EVIL, (("y", EVIL),)), lambda session, choice: Outcome()),
            "secret": asks(AskSecret(EVIL, ()), lambda session, typed: Outcome()),
        }
    )


@on_screen(prepare=None)
async def test_answers_notes_errors_questions_and_the_echo(ui: ScreenHarness) -> None:
    hostile_lines(ui)
    for line in ("answer", "text", "failed", "note", "error"):
        ui.keys(f"\x0c{line}\r")
        await ui.until(lambda: ui.screen.buffer.text == "")
        await ui.sees("]0;pwned")
        harmless(ui)
    for line in ("ask", "secret"):
        ui.keys(f"{line}\r")
        await ui.until(lambda: ui.screen.state.question)
        await ui.sees(SEEN)
        harmless(ui)
        ui.keys("\x1b")
        await ui.until(lambda: ui.screen.state.question is None)
    ui.keys(f"\x1b[200~{EVIL}\x1b[201~")
    await ui.until(lambda: ui.screen.buffer.text)
    await ui.until(lambda: "pwned" in ui.picture())
    harmless(ui)
    ui.keys("\r")
    await ui.sees(f"(QEMU) {SEEN[:40]}")
    harmless(ui)


@on_screen(prepare=None)
async def test_names_status_candidates_hints_and_events(ui: ScreenHarness) -> None:
    ui.session.machine.version = ui.session.machine.package = EVIL
    ui.session.send_facts(EVIL, status=EVIL)
    await ui.sees(f" {HEAD}")
    ui.session.send_event(Event(EVIL, {EVIL: {EVIL: EVIL}}, 1.0, {}))
    await ui.until(lambda: ui.screen.state.events.total)
    ui.session.candidates = [Candidate(f"x{EVIL}", 0, EVIL, EVIL), Candidate("xy", 0)]
    ui.session.hints = {"x": [("hint", EVIL)]}
    ui.keys("x")
    await ui.until(lambda: ui.picture().rstrip().endswith(SEEN))
    harmless(ui)
    ui.keys("\t")
    await ui.until(lambda: f"x{HEAD}" in ui.picture())
    harmless(ui)
    ui.keys("\t")
    await ui.until(lambda: ui.screen.buffer.text == f"x{EVIL}")
    harmless(ui)
    ui.keys("\x03")
    # Beside a name of that length there is no room for the latest event.
    ui.session.machine.version = ""
    ui.session.send_facts("vm1")
    ui.resize(120, 20)
    ui.keys("\x1bOQ")
    await ui.sees("last e")
    harmless(ui)
    ui.session.machine.shutdown_reason = EVIL
    ui.session.drop_connection()
    await ui.sees("the VM has ended")
    harmless(ui)


@on_line
async def test_the_line_prompt(ui: LineHarness) -> None:
    hostile_lines(ui)
    ui.session.send_event(Event(EVIL, {EVIL: EVIL}, 1.0, {}))
    for line in ("answer", "text", "failed", "note", "error"):
        ui.keys(f"{line}\r")
        await ui.until(lambda: ui.session.lines[-1:] == [line])  # noqa: B023
    ui.session.candidates = [Candidate(f"x{EVIL}", 0, EVIL, EVIL), Candidate("xy", 0)]
    ui.keys("x\t")
    await ui.until(lambda: any(f"x{HEAD}" in row for row in ui.lines()))
    ui.keys("\t\x03")
    ui.session.machine.shutdown_reason = EVIL
    ui.session.drop_connection()
    await ui.until(lambda: any("Ctrl-D leaves" in row for row in ui.lines()))
    assert obeyed("".join(ui.lines())) == []
    assert ui.terminal.title == ""
