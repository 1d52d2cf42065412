"""The line prompt: what is typed, what is printed above it, and how it ends."""

from __future__ import annotations

import os
import signal
from typing import TypeVar

import pytest

from qmpsh.complete.candidates import Candidate
from qmpsh.errors import CommandFailed, ConnectionLost, LineSyntaxError
from qmpsh.language.syntax import Redirect
from qmpsh.protocol.messages import Reply
from qmpsh.render.theme import UNICODE, TerminalColours
from qmpsh.shell.steps import Answer, Note, Outcome
from qmpsh.ui.common.style import make_style
from tests.ui.fakes import QUIT, FakeSession, answers, asks, changes_prompt, event, held, refused
from tests.ui.harness import LineHarness, on_line

T = TypeVar("T")
COLUMNS, ROWS = 70, 24


@on_line
async def test_the_banner_is_complete(ui: LineHarness) -> None:
    assert ui.lines() == [
        "Connected to QEMU 7.2.22 (Debian 1:7.2+dfsg-7)",
        "vm1 · paused (prelaunch) · ./monitor.sock",
        "216 commands · 52 events · Tab completes · F1 keys · .help",
        "(QEMU)",
    ]


@on_line
async def test_a_line_and_its_reply(ui: LineHarness) -> None:
    ui.session.script["query-x"] = answers(Answer("query-x", value={"a": 1}, size=20))
    ui.keys("query-x\rstop\r")
    await ui.ends_with("(QEMU) query-x", "{", '  "a": 1', "}", "(QEMU) stop", "{}", "(QEMU)")


@on_line
async def test_events_come_above_the_line_being_typed(ui: LineHarness) -> None:
    ui.keys("device_add dri")
    await ui.ends_with("(QEMU) device_add dri")
    ui.session.send_event(event("STOP"))
    for _ in range(37):
        ui.session.send_event(event("DEVICE_DELETED", device="net1", path="/p\x1b[2J"))
    await ui.ends_with(
        "22:30:31.120 STOP",
        f"22:30:31.120 DEVICE_DELETED {UNICODE.times}37 device=net1 path=/p\\x1b[2J",
        "(QEMU) device_add dri",
    )


@on_line
async def test_events_that_no_pattern_fits_are_not_printed(ui: LineHarness) -> None:
    ui.session.watcher.filter_events(("R*",))
    ui.session.send_event(event("STOP"))
    ui.session.send_event(event("RESUME"))
    await ui.ends_with("22:30:31.120 RESUME", "(QEMU)")
    assert not any("STOP" in line for line in ui.lines())


@on_line
async def test_a_long_event_stays_one_line(ui: LineHarness) -> None:
    ui.session.send_event(event("EVENT", device="x" * 100))
    await ui.until(lambda: ui.lines()[-2].endswith("…"))
    assert len(ui.lines()[-2]) == COLUMNS


@on_line
async def test_events_come_while_a_command_runs(ui: LineHarness) -> None:
    ui.session.script["slow"] = held("slow", Note("done"))
    ui.keys("slow\r")
    await ui.until(lambda: ui.session.running is not None)
    ui.session.send_event(event("STOP"))
    await ui.ends_with("(QEMU) slow", "22:30:31.120 STOP")
    ui.session.send_reply("slow")
    await ui.ends_with("22:30:31.120 STOP", "done", "(QEMU)")


@on_line
async def test_errors(ui: LineHarness) -> None:
    ui.session.script["a"] = refused(CommandFailed("GenericError", "no"))
    ui.session.script["b c"] = refused(LineSyntaxError("what is c?", "b c", (2, 3)))
    ui.keys("a\rb c\r")
    await ui.ends_with(
        "(QEMU) a", "GenericError: no", "(QEMU) b c", "b c", "  ^", "what is c?", "(QEMU)"
    )


@on_line
async def test_an_open_bracket_goes_on(ui: LineHarness) -> None:
    ui.keys("a b={\r}\r")
    await ui.until(lambda: ui.session.lines == ["a b={\n}"])


@on_line
async def test_completion_and_what_comes_later(ui: LineHarness) -> None:
    ui.keys("device_del id=\t")
    await ui.ends_with("(QEMU) device_del id=")

    def learn() -> None:
        ui.session.candidates = [Candidate("id=net0", 11), Candidate("id=net1", 11)]
        ui.session.watcher.facts()

    ui.session.on_poll(learn)
    await ui.until(lambda: any("net1" in line for line in ui.lines()))


@on_line
async def test_hmp_mode(ui: LineHarness) -> None:
    ui.session.script[".hmp"] = changes_prompt("(QEMU) ", "(hmp) ")
    ui.keys("inf\x1b[18~o")
    await ui.ends_with("(hmp) info")


@pytest.mark.parametrize("key, chosen", [("q", "q"), ("\r", "l"), ("x c", "c")])
@on_line
async def test_one_key_answers(ui: LineHarness, key: str, chosen: str) -> None:
    taken: list[str] = []

    def done(session: FakeSession, choice: str) -> Outcome:
        taken.append(choice)
        return Outcome()

    ui.session.script["quit"] = asks(QUIT, done)
    ui.keys("quit\r")
    await ui.ends_with("quit ends the VM. [l]eave the shell, [q]uit the VM, [c]ancel")
    ui.keys(key)
    await ui.until(lambda: taken == [chosen])


@pytest.mark.parametrize("key", ["\x03", "\x04", "\x1b"])
@on_line
async def test_a_question_can_be_refused(ui: LineHarness, key: str) -> None:
    ui.session.script["quit"] = asks(QUIT, lambda session, choice: Outcome(9, leave=True))
    ui.keys("quit\r")
    await ui.ends_with("quit ends the VM. [l]eave the shell, [q]uit the VM, [c]ancel")
    ui.keys(key)
    await ui.ends_with("(QEMU)")
    assert ui.session.running is None


@on_line
async def test_an_event_stands_above_an_open_question(ui: LineHarness) -> None:
    question = "quit ends the VM. [l]eave the shell, [q]uit the VM, [c]ancel"
    ui.session.script["quit"] = asks(QUIT, lambda session, choice: Outcome())
    ui.keys("quit\r")
    await ui.ends_with(question)
    ui.session.send_event(event("STOP"))
    await ui.until(lambda: ui.lines()[-1] == question and "STOP" in ui.lines()[-2])
    assert ui.picture().count(question) == 1
    ui.keys("c")
    await ui.ends_with("(QEMU)")


@on_line
async def test_an_interrupt_lets_go(ui: LineHarness) -> None:
    ui.session.script["slow"] = held("slow", Note("done"))
    ui.keys("slow\r")
    await ui.until(lambda: ui.session.running is not None)
    os.kill(os.getpid(), signal.SIGINT)
    await ui.ends_with("detached from slow: its reply is shown when it arrives", "(QEMU)")
    ui.session.send_reply("slow")
    await ui.ends_with("done", "(QEMU)")


@on_line
async def test_ctrl_c_drops_the_line(ui: LineHarness) -> None:
    ui.keys("stop\x03")
    await ui.ends_with("(QEMU) stop", "(QEMU)")
    assert ui.session.lines == []


@on_line
async def test_ctrl_d_leaves(ui: LineHarness) -> None:
    ui.keys("\x04")
    await ui.until(lambda: ui.has_ended)
    assert ui.exit_code == 0


@on_line
async def test_a_line_can_end_the_shell(ui: LineHarness) -> None:
    ui.session.script["quit"] = asks(QUIT, lambda session, key: Outcome(3, leave=key == "l"))
    ui.keys("quit\r")
    await ui.ends_with("quit ends the VM. [l]eave the shell, [q]uit the VM, [c]ancel")
    ui.keys("\r")
    await ui.until(lambda: ui.has_ended)
    assert ui.exit_code == 3


@on_line
async def test_a_signal_leaves(ui: LineHarness) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    await ui.until(lambda: ui.has_ended)
    assert ui.exit_code == 128 + signal.SIGTERM


@on_line
async def test_the_loss_is_one_line_and_the_prompt_stays(ui: LineHarness) -> None:
    ui.session.script["slow"] = held("slow")
    ui.keys("stop")
    await ui.ends_with("(QEMU) stop")
    ui.session.machine.shutdown_reason = "SHUTDOWN guest-reset"
    ui.session.drop_connection()
    await ui.ends_with(
        "SHUTDOWN guest-reset: the VM has ended. Waiting for ./monitor.sock to",
        "come back; Ctrl-D leaves.",
        "(QEMU) stop",
    )
    ui.session.script["stop"] = refused(ConnectionLost("the connection is gone"))
    ui.keys("\r")
    await ui.ends_with("(QEMU) stop", "error: the connection is gone", "(QEMU)")
    ui.session.reconnect("reconnected to vm1 (QEMU 7.2.22)")
    await ui.ends_with("reconnected to vm1 (QEMU 7.2.22)", "(QEMU)")


@on_line
async def test_redirects(ui: LineHarness) -> None:
    redirect = Redirect("|", "wc", (0, 1))
    ui.session.script["a"] = answers(Answer("a", value=7, redirect=redirect, size=20))
    ui.session.script["b"] = answers(Answer("b", value=None, redirect=redirect, size=20))
    ui.keys("a\rb\r")
    await ui.ends_with("(QEMU) a", "redirected 7", "(QEMU) b", "error: cannot write it", "(QEMU)")


@on_line
async def test_a_reply_that_belongs_to_no_command(ui: LineHarness) -> None:
    stray = Reply("x", 1, 20, {"return": 1, "id": "x"})
    ui.session.on_poll(lambda: ui.session.watcher.stray(stray))
    await ui.ends_with("a reply that belongs to no command:", '{"return": 1, "id": "x"}', "(QEMU)")


def test_a_fault_of_ours_is_raised() -> None:
    @on_line
    async def faulty(ui: LineHarness) -> None:
        def fault() -> None:
            raise ZeroDivisionError

        ui.session.on_poll(fault)
        await ui.until(lambda: ui.has_ended)

    with pytest.raises(ZeroDivisionError):
        faulty()


@pytest.mark.usefixtures("dumb_terminal")
@on_line
async def test_a_dumb_terminal_gets_no_escape_sequences(ui: LineHarness) -> None:
    ui.keys("sto")
    await ui.until(lambda: ui.lines()[-1] == "(QEMU) sto")
    ui.session.send_event(event("STOP"))
    await ui.ends_with("(QEMU) sto", "22:30:31.120 STOP", "(QEMU) sto")
    ui.keys("p\r")
    await ui.ends_with("(QEMU) stop", "{}", "(QEMU)")


@pytest.mark.usefixtures("dumb_terminal")
@on_line
async def test_a_dumb_terminal_is_suggested_nothing(ui: LineHarness) -> None:
    ui.keys("stop\r")
    await ui.until(lambda: ui.session.lines == ["stop"])
    await ui.ends_with("(QEMU) stop", "{}", "(QEMU)")
    buffer = ui.prompt._prompt.default_buffer
    ui.keys("sto")
    await ui.until(lambda: buffer.text == "sto")
    assert buffer.suggestion is None
    ui.prompt._prompt.app.style = make_style("none", TerminalColours(), {"suggestion": "italic"})
    ui.keys("\x7fo")
    await ui.until(lambda: buffer.text == "sto" and buffer.suggestion is not None)


@on_line
async def test_what_is_on_the_terminal_is_not_drawn_again(ui: LineHarness) -> None:
    ui.keys("stop")
    await ui.ends_with("(QEMU) stop")
    before = len(ui.sent)
    ui.keys("\r")
    await ui.ends_with("(QEMU) stop", "{}", "(QEMU)")
    drawn = ui.sent[before:]
    assert drawn.count("(QEMU) ") == 1
    assert "stop" not in drawn


@on_line
async def test_a_menu_leaves_the_line_as_it_is(ui: LineHarness) -> None:
    ui.session.candidates = [Candidate("query-name", 0), Candidate("query-status", 0)]
    ui.keys("query-")
    await ui.ends_with("(QEMU) query-")
    before = len(ui.sent)
    ui.keys("\t")
    await ui.sees("query-status")
    ui.keys("\x15")  # Ctrl-U
    await ui.ends_with("(QEMU)")
    ui.keys("stop\r")
    await ui.ends_with("(QEMU) stop", "{}", "(QEMU)")
    assert ui.sent[before:].count("(QEMU) ") == 1


@on_line
async def test_a_long_line_is_left_from_any_place(ui: LineHarness) -> None:
    columns = ui.size.columns
    line = "query-x a=" + "b" * columns
    ui.keys(line)
    await ui.sees("b" * (columns - len("(QEMU) query-x a=")))
    ui.keys("\x01\r")  # Ctrl-A, Enter
    await ui.until(lambda: ui.session.lines == [line])
    rest = "b" * (len("(QEMU) ") + len(line) - columns)
    await ui.ends_with(rest, "{}", "(QEMU)")
