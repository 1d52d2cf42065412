"""A hostile VM: whatever it names, says or raises is shown, and never obeyed by the terminal.

A real QEMU where it can be brought to say it, a session without a VM for the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
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
from tests.ui.stage import Stage, stage
from tests.ui.test_on_qemu import on_stage
from tests.ui.test_plain import PlainStage
from tests.ui.test_plain import on_stage as on_paper

HEAD = SEEN[:20]
"""What is seen of it even where the rest is cut off or wrapped"""


def harmless(on: Stage) -> None:
    """Nothing of the picture is a control, and the window's title is nobody's."""
    picture = on.picture()
    assert obeyed(picture) == []
    assert on._terminal.title == ""


@pytest.fixture
def evil_vm(start_vm: VmStarter) -> Vm:
    """A VM that is really named so."""
    return start_vm("-S", "-name", EVIL)


@contextlib.contextmanager
def evil_socket() -> Iterator[str]:
    """The path of a unix socket that somebody listens on, with a name of that kind."""
    folder = Path(new_folder())
    with socket.socket(socket.AF_UNIX) as server:
        path = folder / EVIL
        server.bind(str(path))
        server.listen()
        yield str(path)
        path.unlink()
    folder.rmdir()


# ------------------------------------------------------------------------ a real QEMU


def test_the_name_a_reply_hmp_text_and_an_error(evil_vm: Vm) -> None:
    async def scene(on: Stage) -> None:
        await on.sees(f"\n{SEEN} ")
        await on.sees(f" {HEAD}")
        on.keys("query-name\r")
        await on.sees('"name": "e\\u001b]0;pwned')
        on.keys(".hmp info name\r")
        await on.until(lambda: on.picture().count(SEEN[:40]) > 1)
        on.keys(f"blockdev-add driver=file node-name=n filename={quoted(EVIL)}\r")
        await on.sees("GenericError: Could not open")
        harmless(on)
        on.keys("\x04")
        await on.until(lambda: on.has_ended)
        transcript = on.stream.getvalue()
        assert SEEN in transcript
        assert obeyed(transcript.replace("\x1b[", "").replace("\x1b", "!")) == []

    on_stage(evil_vm, scene)


def test_an_event(evil_vm: Vm) -> None:
    with evil_socket() as path:

        async def scene(on: Stage) -> None:
            on.keys(f"netdev_add type=stream id=n0 addr.type=unix addr.path={quoted(path)}\r")
            await on.sees("NETDEV_STREAM_CONNECTED")
            on.keys("\x1bz")
            await on.sees("NETDEV_STREAM_CONNECTED")
            await on.until(lambda: r"\x1b]0;pwned" in on.picture())
            harmless(on)

        on_stage(evil_vm, scene)


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


def on_screen(scene: Callable[[Stage], Awaitable[None]]) -> None:
    async def run() -> None:
        async with stage() as on:
            await scene(on)

    asyncio.run(run())


def hostile_lines(on: Stage | PlainStage) -> None:
    """Script lines that say it in every way there is."""
    on.session.script.update(
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


def test_answers_notes_errors_questions_and_the_echo() -> None:
    async def scene(on: Stage) -> None:
        hostile_lines(on)
        for line in ("answer", "text", "failed", "note", "error"):
            on.keys(f"\x0c{line}\r")
            await on.until(lambda: on.screen.buffer.text == "")
            await on.sees("]0;pwned")
            harmless(on)
        for line in ("ask", "secret"):
            on.keys(f"{line}\r")
            await on.until(lambda: on.screen.screen.asking)
            await on.sees(SEEN)
            harmless(on)
            on.keys("\x1b")
            await on.until(lambda: on.screen.screen.asking is None)
        on.keys(f"\x1b[200~{EVIL}\x1b[201~")
        await on.until(lambda: on.screen.buffer.text)
        await on.until(lambda: "pwned" in on.picture())
        harmless(on)
        on.keys("\r")
        await on.sees(f"(QEMU) {SEEN[:40]}")
        harmless(on)

    on_screen(scene)


def test_names_status_candidates_hints_and_events() -> None:
    async def scene(on: Stage) -> None:
        on.session.machine.version = on.session.machine.package = EVIL
        on.session.learn(EVIL, status=EVIL)
        await on.sees(f" {HEAD}")
        on.session.tell(Event(EVIL, {EVIL: {EVIL: EVIL}}, 1.0, {}))
        await on.until(lambda: on.screen.screen.events.total)
        on.session.candidates = [Candidate(f"x{EVIL}", 0, EVIL, EVIL), Candidate("xy", 0)]
        on.session.hints = {"x": [("hint", EVIL)]}
        on.keys("x")
        await on.until(lambda: on.picture().rstrip().endswith(SEEN))
        harmless(on)
        on.keys("\t")
        await on.until(lambda: f"x{HEAD}" in on.picture())
        harmless(on)
        on.keys("\t")
        await on.until(lambda: on.screen.buffer.text == f"x{EVIL}")
        harmless(on)
        on.keys("\x03")
        # Beside a name of that length there is no room for the latest event.
        on.session.machine.version = ""
        on.session.learn("vm1")
        on.resize(120, 20)
        on.keys("\x1bOQ")
        await on.sees("last e")
        harmless(on)
        on.session.machine.farewell = EVIL
        on.session.lose()
        await on.sees("the VM has ended")
        harmless(on)

    on_screen(scene)


def test_the_line_prompt() -> None:
    async def scene(on: PlainStage) -> None:
        hostile_lines(on)
        on.session.tell(Event(EVIL, {EVIL: EVIL}, 1.0, {}))
        for line in ("answer", "text", "failed", "note", "error"):
            on.keys(f"{line}\r")
            await on.until(lambda: on.session.lines[-1:] == [line])  # noqa: B023
        on.session.candidates = [Candidate(f"x{EVIL}", 0, EVIL, EVIL), Candidate("xy", 0)]
        on.keys("x\t")
        await on.until(lambda: any(f"x{HEAD}" in row for row in on.lines()))
        on.keys("\t\x03")
        on.session.machine.farewell = EVIL
        on.session.lose()
        await on.until(lambda: any("Ctrl-D leaves" in row for row in on.lines()))
        assert obeyed("".join(on.lines())) == []
        assert on._terminal.title == ""

    on_paper(scene)
