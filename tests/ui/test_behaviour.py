"""What the keys do, and what the screen does when the VM does something."""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import stat
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from prompt_toolkit.output import ColorDepth

from qmpsh.complete.candidates import Candidate
from qmpsh.errors import CommandFailed, ConnectionLost, LineSyntaxError, UsageError
from qmpsh.language.syntax import Modifiers, Redirect
from qmpsh.protocol.messages import Reply
from qmpsh.render.theme import Depth, TerminalColours
from qmpsh.shell.steps import Answer, Note, Outcome, Show, WaitingNote
from qmpsh.ui.common.external import colour_command, pager_command, pager_environ
from qmpsh.ui.common.keys import KEYS
from qmpsh.ui.common.style import SUGGESTION, color_depth, make_style, tells_apart
from tests.ui.fakes import QUIT, FakeSession, answers, asks, changes_prompt, event, held, refused
from tests.ui.harness import ScreenHarness, on_screen
from tests.ui.keycodes import (
    CTRL_C,
    CTRL_D,
    CTRL_END,
    CTRL_HOME,
    CTRL_L,
    CTRL_PAGE_DOWN,
    CTRL_PAGE_UP,
    CTRL_R,
    END,
    ESCAPE,
    F1,
    F2,
    F3,
    F4,
    F5,
    F7,
    LEFT,
    PAGE_DOWN,
    PAGE_UP,
    SHIFT_TAB,
    TAB,
    UP,
)


def has_left(ui: ScreenHarness) -> Callable[[], bool]:
    return lambda: ui.has_ended


# ------------------------------------------------------------------------ lines


@on_screen()
async def test_a_line_runs_once_and_the_prompt_is_empty_again(ui: ScreenHarness) -> None:
    ui.keys("stop\r")
    await ui.sees("0.3 ms")
    assert ui.session.lines == ["stop"]
    assert ui.screen.buffer.text == ""


@pytest.mark.parametrize("empty", ["\r", "   \r"])
@on_screen()
async def test_an_empty_line_runs_nothing(ui: ScreenHarness, empty: str) -> None:
    ui.keys(empty + "stop\r")
    await ui.sees("0.3 ms")
    assert ui.session.lines == ["stop"]


@on_screen()
async def test_an_open_bracket_goes_on_to_the_next_row(ui: ScreenHarness) -> None:
    ui.keys("a b={\r")
    await ui.sees("...")
    assert ui.session.lines == []
    ui.keys("}\r")
    await ui.until(lambda: ui.session.lines == ["a b={\n}"])


@on_screen()
async def test_a_paste_of_several_lines_is_several_lines(ui: ScreenHarness) -> None:
    ui.keys("\x1b[200~stop\na b={\n}\n\ncont\x1b[201~\r")
    await ui.until(lambda: ui.session.lines == ["stop", "a b={\n}", "cont"])


@on_screen()
async def test_lines_typed_while_one_runs_wait_for_it(ui: ScreenHarness) -> None:
    ui.session.script["slow"] = held("slow", Note("slow is done"))
    ui.keys("slow\rstop\rcont\r")
    await ui.until(lambda: ui.session.running is not None)
    await ui.until(lambda: ui.screen.buffer.text == "")
    assert ui.session.lines == ["slow"]
    ui.session.send_reply("slow")
    await ui.until(lambda: ui.session.lines == ["slow", "stop", "cont"])


@on_screen()
async def test_an_error_of_the_line_is_shown(ui: ScreenHarness) -> None:
    ui.session.script["a"] = refused(CommandFailed("GenericError", "it cannot be"))
    ui.session.script["b"] = refused(LineSyntaxError("what is b?", "b", (0, 1)))
    ui.keys("a\rb\r")
    await ui.sees("what is b?")
    assert "GenericError: it cannot be" in ui.picture()


@on_screen()
async def test_a_session_that_refuses_to_start_a_line_is_no_disaster(ui: ScreenHarness) -> None:
    def start(line: str, show: Show, ended: Callable[[Outcome], None]) -> None:
        raise ConnectionLost("the connection is gone")

    ui.session.start = start  # type: ignore[method-assign] # a session in an odd state
    ui.keys("stop\r")
    await ui.sees("error: the connection is gone")


async def history_is_loaded(ui: ScreenHarness, entries: int) -> None:
    """prompt_toolkit loads it with the next frame."""
    await ui.until(lambda: len(ui.screen.buffer._working_lines) == entries + 1)


@on_screen()
async def test_history_and_its_search(ui: ScreenHarness) -> None:
    ui.keys("query-block\rstop\r")
    await ui.until(lambda: len(ui.session.lines) == 2)
    await history_is_loaded(ui, 2)
    ui.keys(UP + UP)
    await ui.until(lambda: ui.screen.buffer.text == "query-block")
    ui.keys(CTRL_C)
    await ui.until(lambda: ui.screen.buffer.text == "")
    await history_is_loaded(ui, 2)
    ui.keys(CTRL_R + "blo")
    await ui.sees("history: blo")
    await ui.sees("1/1")
    ui.keys("x")
    await ui.sees("history: blox_")
    await ui.sees("not found")
    ui.keys("\x7f")
    await ui.until(lambda: "not found" not in ui.picture())
    ui.keys("\r")
    await ui.until(lambda: ui.screen.buffer.text == "query-block")
    assert len(ui.session.lines) == 2


@on_screen()
async def test_nothing_is_suggested_where_it_would_look_as_if_it_had_been_typed(
    ui: ScreenHarness,
) -> None:
    ui.keys("query-status\r")
    await ui.until(lambda: ui.session.lines == ["query-status"])
    ui.keys("que")
    await ui.until(lambda: ui.screen.buffer.text == "que")
    assert ui.screen.buffer.suggestion is not None
    ui.session.preferences.change("theme", "none")
    ui.keys("ry")
    await ui.sees("(QEMU) query_\n")


@pytest.mark.parametrize(
    "theme, depth, shows",
    [
        ("dark", Depth.PALETTE, True),
        ("light", Depth.SIXTEEN, True),
        ("dark", Depth.NONE, False),
        ("none", Depth.PALETTE, False),
    ],
)
def test_whether_a_suggestion_can_be_told_from_text(theme: str, depth: Depth, shows: bool) -> None:
    style = make_style(theme, TerminalColours(depth))
    assert tells_apart(style, SUGGESTION, color_depth(depth)) is shows


def test_an_attribute_tells_a_suggestion_without_colours() -> None:
    style = make_style("none", TerminalColours(), {"suggestion": "italic"})
    assert tells_apart(style, SUGGESTION, ColorDepth.DEPTH_1_BIT)


@on_screen()
async def test_history_suggests_the_rest(ui: ScreenHarness) -> None:
    ui.keys("query-block\r")
    await ui.until(lambda: len(ui.session.lines) == 1)
    ui.keys("que")
    await ui.until(lambda: ui.picture().count("query-block") == 2)
    ui.keys("\x1b[C")
    await ui.until(lambda: ui.screen.buffer.text == "query-block")


@on_screen()
async def test_the_hint_follows_the_cursor(ui: ScreenHarness) -> None:
    ui.session.hints["stop"] = [("hint", "stop takes nothing")]
    ui.keys("stop")
    await ui.sees("stop takes nothing")


@on_screen()
async def test_a_hint_that_fails_is_a_hint(ui: ScreenHarness) -> None:
    def hint(text: str, cursor: int) -> list[tuple[str, str]]:
        raise LineSyntaxError("no such thing", text, (0, 1))

    ui.session.hint = hint  # type: ignore[method-assign] # a hint in trouble
    ui.keys("stop")
    await ui.sees("no such thing")


# ------------------------------------------------------------------------ completion


@on_screen()
async def test_tab_opens_the_menu_and_enter_takes_a_candidate(ui: ScreenHarness) -> None:
    ui.session.candidates = [Candidate("stop", 0, "command"), Candidate("status", 0, "verb")]
    ui.keys("st" + TAB)
    await ui.sees("verb")
    ui.keys(TAB + TAB)
    await ui.until(lambda: ui.screen.buffer.text == "status")
    ui.keys(SHIFT_TAB)
    await ui.until(lambda: ui.screen.buffer.text == "stop")
    ui.keys("\r")
    await ui.until(lambda: ui.screen.buffer.complete_state is None)
    assert ui.session.lines == []
    ui.keys("\r")
    await ui.until(lambda: ui.session.lines == ["stop"])


@on_screen()
async def test_escape_closes_the_menu(ui: ScreenHarness) -> None:
    ui.session.candidates = [Candidate("stop", 0), Candidate("status", 0)]
    ui.keys("st" + TAB)
    await ui.until(lambda: ui.screen.buffer.complete_state is not None)
    ui.keys(ESCAPE)
    await ui.until(lambda: ui.screen.buffer.complete_state is None)
    assert ui.screen.buffer.text == "st"


@on_screen()
async def test_candidates_that_come_later_are_shown(ui: ScreenHarness) -> None:
    ui.keys("device_del id=" + TAB)
    await ui.until(lambda: ui.screen.buffer.text.endswith("="))

    def learn() -> None:
        ui.session.candidates = [Candidate("id=net0", 11), Candidate("id=net1", 11)]
        ui.session.watcher.facts()

    ui.session.on_poll(learn)
    await ui.sees("net1")


@on_screen()
async def test_candidates_that_come_too_late_are_not(ui: ScreenHarness) -> None:
    ui.keys("device_del id=" + TAB)
    await ui.until(lambda: ui.screen.buffer.text.endswith("="))
    ui.keys("n")
    await ui.until(lambda: ui.screen.buffer.text.endswith("n"))

    def learn() -> None:
        ui.session.candidates = [Candidate("id=net0", 11), Candidate("id=net1", 11)]
        ui.session.watcher.facts()

    ui.session.on_poll(learn)
    ui.session.send_event(event("MARK"))
    await ui.sees("MARK")
    assert ui.screen.buffer.complete_state is None


# ------------------------------------------------------------------------ events


@on_screen()
async def test_an_event_leaves_the_half_typed_line_alone(ui: ScreenHarness) -> None:
    ui.keys("device_add dri" + LEFT)
    await ui.until(lambda: ui.screen.buffer.cursor_position == 13)
    ui.session.send_event(event("STOP"))
    await ui.sees("STOP")
    assert ui.screen.buffer.text == "device_add dri"
    assert ui.screen.buffer.cursor_position == 13


@on_screen()
async def test_the_events_pane_goes_and_comes(ui: ScreenHarness) -> None:
    ui.session.send_event(event("STOP"))
    await ui.sees("│ events 1")
    ui.keys(F2)
    await ui.sees("1 event · last STOP")
    assert "│" not in ui.picture()
    assert ui.session.preferences.word("events") == "off"
    ui.keys(F2)
    await ui.sees("│ events 1")
    assert ui.session.preferences.word("events") == "on"


@on_screen((60, 20))
async def test_where_there_is_no_room_for_the_events_pane_its_key_says_so(
    ui: ScreenHarness,
) -> None:
    ui.keys(F2)
    await ui.sees("the events pane needs 80 columns; F3 shows the events alone")
    ui.keys(F3)
    await ui.until(lambda: "Connected" not in ui.picture())
    ui.keys(F2)
    await ui.sees("Connected")
    assert ui.session.preferences.word("events") == "on"


@on_screen((60, 20))
async def test_the_key_sheet_says_that_there_is_more(ui: ScreenHarness) -> None:
    ui.keys("\x1bh")
    await ui.sees("more: PageDown")
    seen = ui.picture()
    ui.keys(PAGE_DOWN)
    await ui.sees("Ctrl-Up/Ctrl-Down")
    seen += ui.picture()
    assert "more: PageDown" not in ui.picture()
    assert all(key.shown in seen for key in KEYS)


@on_screen((80, 24))
async def test_what_was_pasted_can_be_read_before_it_runs(ui: ScreenHarness) -> None:
    ui.keys("\x1b[200~" + "\n".join(f"query-{number}" for number in range(9)) + "\x1b[201~")
    await ui.sees("9 lines: Enter runs them")
    assert all(f"query-{number}" in ui.picture() for number in range(9))


@on_screen()
async def test_events_alone(ui: ScreenHarness) -> None:
    ui.session.send_event(event("STOP"))
    await ui.sees("STOP")
    ui.keys(F3)
    await ui.until(lambda: "Connected" not in ui.picture())
    assert "STOP" in ui.picture()
    ui.keys(F3)
    await ui.sees("Connected")


@on_screen()
async def test_events_scroll_by_themselves(ui: ScreenHarness) -> None:
    for number in range(100):
        ui.session.send_event(event(f"EVENT_{number}"))
    await ui.sees("EVENT_99")
    ui.keys(CTRL_PAGE_UP)
    await ui.until(lambda: "EVENT_99" not in ui.picture())
    ui.session.send_event(event("LATE"))
    await ui.sees("1 new")
    assert "Connected" in ui.picture()
    ui.keys(CTRL_PAGE_DOWN * 2)
    await ui.sees("LATE")


@on_screen()
async def test_a_flood_of_events_costs_few_frames(ui: ScreenHarness) -> None:
    frames = 0

    def count(_: object) -> None:
        nonlocal frames
        frames += 1

    ui.screen.app.after_render += count
    for number in range(20_000):
        ui.session.send_event(event("E", n=number))
    ui.keys("stop\r")
    await ui.until(lambda: ui.session.lines == ["stop"])
    await ui.sees("20,000")
    assert frames < 200
    assert ui.screen.state.events.total == 20_000


# ------------------------------------------------------------------------ scrolling and folding


async def long_reply(ui: ScreenHarness) -> None:
    ui.session.script["long"] = answers(Answer("long", value=list(range(500)), size=2900))
    ui.keys("long\r")
    await ui.sees("more lines")


@on_screen()
async def test_fold_and_unfold(ui: ScreenHarness) -> None:
    await long_reply(ui)
    top = ui.picture().split("\n")[1]
    ui.keys(F4)
    await ui.until(lambda: "more lines" not in ui.picture())
    assert ui.picture().split("\n")[1] == top
    ui.keys(F4)
    await ui.sees("more lines")


@on_screen()
async def test_paging_through_the_output(ui: ScreenHarness) -> None:
    await long_reply(ui)
    ui.keys(F4)
    await ui.until(lambda: "more lines" not in ui.picture())
    ui.keys(CTRL_END)
    await ui.sees("  499")
    ui.keys(PAGE_UP)
    await ui.until(lambda: "  499" not in ui.picture())
    ui.keys(CTRL_HOME)
    await ui.sees("Connected")
    ui.keys(PAGE_DOWN)
    await ui.until(lambda: "Connected" not in ui.picture())
    ui.keys(END)
    await ui.sees("  499")


@on_screen()
async def test_end_on_a_line_is_the_lines_end(ui: ScreenHarness) -> None:
    ui.keys("stop" + LEFT + LEFT)
    await ui.until(lambda: ui.screen.buffer.cursor_position == 2)
    ui.keys(END)
    await ui.until(lambda: ui.screen.buffer.cursor_position == 4)


@on_screen()
async def test_a_new_line_is_looked_at(ui: ScreenHarness) -> None:
    await long_reply(ui)
    ui.keys(F4 + CTRL_HOME)
    await ui.sees("Connected")
    ui.keys("stop\r")
    await ui.sees("(QEMU) stop")


@on_screen()
async def test_clear(ui: ScreenHarness) -> None:
    ui.keys(CTRL_L)
    await ui.until(lambda: "Connected" not in ui.picture())
    ui.keys(PAGE_UP)
    await ui.sees("Connected")


@on_screen()
async def test_the_key_sheet_goes_when_a_line_runs(ui: ScreenHarness) -> None:
    ui.keys("\x1bh")
    await ui.sees("Esc goes back")
    ui.keys("stop\r")
    await ui.sees("(QEMU) stop")
    ui.keys("\x1bOP")
    await ui.sees("Esc goes back")
    ui.keys(ESCAPE)
    await ui.sees("(QEMU) stop")


@on_screen()
async def test_the_whole_hint_in_the_output(ui: ScreenHarness) -> None:
    hint = " ".join(f"member{number}" for number in range(40))
    ui.session.hints["stop "] = [("hint", hint)]
    ui.keys("stop \x1b?")
    await ui.sees("member39")


# ------------------------------------------------------------------------ giving up and leaving


@on_screen()
async def test_ctrl_c_clears_the_line_and_lets_the_command_run(ui: ScreenHarness) -> None:
    ui.session.script["slow"] = held("slow")
    ui.keys("slow\rstop")
    await ui.until(lambda: ui.screen.buffer.text == "stop")
    ui.keys(CTRL_C)
    await ui.until(lambda: ui.screen.buffer.text == "")
    assert ui.session.running is not None


@on_screen()
async def test_ctrl_c_lets_go_and_the_reply_is_shown_when_it_comes(ui: ScreenHarness) -> None:
    reply = Answer("slow", value={"done": True}, seconds=3.0, size=30)
    ui.session.script["slow"] = held("slow", reply)
    ui.keys("slow\r")
    await ui.until(lambda: ui.session.running is not None)
    ui.keys(CTRL_C)
    await ui.sees("detached from slow")
    ui.keys("stop\r")
    await ui.until(lambda: ui.session.lines == ["slow", "stop"])
    ui.session.send_reply("slow")
    await ui.sees('"done": true')
    assert "3.0 s 30 B" in ui.picture()


@on_screen()
async def test_why_there_is_no_reply_is_not_said_to_who_has_let_go(ui: ScreenHarness) -> None:
    why, reply = WaitingNote("no reply yet: why"), Answer("slow", value={"done": True})
    ui.session.script["slow"] = held("slow", why, reply)
    ui.session.script["slower"] = held("slower", why)
    ui.keys("slow\r")
    await ui.until(lambda: ui.session.running is not None)
    ui.keys(CTRL_C)
    await ui.sees("detached from slow")
    ui.session.send_reply("slow")
    await ui.sees('"done": true')
    assert "no reply yet" not in ui.picture()
    ui.keys("slower\r")
    await ui.until(lambda: ui.session.running is not None)
    ui.session.send_reply("slower")
    await ui.sees("no reply yet: why")


@on_screen()
async def test_ctrl_c_forgets_what_waits(ui: ScreenHarness) -> None:
    ui.session.script["slow"] = held("slow")
    ui.keys("slow\rstop\r")
    await ui.until(lambda: ui.session.running is not None)
    await ui.until(lambda: ui.screen.buffer.text == "")
    ui.keys(CTRL_C)
    await ui.sees("detached from slow")
    assert ui.session.lines == ["slow"]


@on_screen()
async def test_ctrl_c_with_nothing_to_give_up_says_how_to_leave(ui: ScreenHarness) -> None:
    ui.keys(CTRL_C)
    await ui.sees("Ctrl-D leaves")


@on_screen()
async def test_an_interrupt_signal_is_ctrl_c(ui: ScreenHarness) -> None:
    ui.keys("stop")
    await ui.until(lambda: ui.screen.buffer.text == "stop")
    os.kill(os.getpid(), signal.SIGINT)
    await ui.until(lambda: ui.screen.buffer.text == "")


@on_screen()
async def test_ctrl_d_leaves_only_on_an_empty_line(ui: ScreenHarness) -> None:
    ui.keys("ab" + LEFT + CTRL_D)
    await ui.until(lambda: ui.screen.buffer.text == "a")
    ui.keys("\x7f" + CTRL_D)
    await ui.until(has_left(ui))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@on_screen()
async def test_a_signal_gives_the_terminal_back(ui: ScreenHarness, number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    await ui.until(has_left(ui))
    assert ui.exit_code == 128 + number


@on_screen()
async def test_a_line_can_end_the_shell(ui: ScreenHarness) -> None:
    ui.session.script[".exit"] = asks(QUIT, lambda session, key: Outcome(3, leave=key == "l"))
    ui.keys(".exit\r")
    await ui.sees("[l]eave")
    ui.keys("\r")
    await ui.until(has_left(ui))
    assert ui.exit_code == 3


@on_screen()
async def test_the_transcript_is_printed_at_the_end(ui: ScreenHarness) -> None:
    ui.keys("stop\r")
    await ui.sees("0.3 ms")
    ui.keys(CTRL_D)
    await ui.until(has_left(ui))
    lines = re.sub(r"\x1b\[[0-9;]*m", "", ui.stream.getvalue()).split("\n")
    assert lines[0] == "Connected to QEMU 7.2.22 (Debian 1:7.2+dfsg-7)"
    assert lines[4].startswith("(QEMU) stop")
    assert lines[-2:] == ["{}", ""]


def test_a_fault_of_ours_gives_the_terminal_back_and_is_raised() -> None:
    @on_screen()
    async def faulty(ui: ScreenHarness) -> None:
        def fault() -> None:
            raise ZeroDivisionError

        ui.session.on_poll(fault)
        await ui.until(has_left(ui))

    with pytest.raises(ZeroDivisionError):
        faulty()


@on_screen()
async def test_a_terminal_that_goes_away_ends_the_shell(ui: ScreenHarness) -> None:
    ui.hang_up()
    await ui.until(has_left(ui))
    assert ui.exit_code == 128 + signal.SIGHUP


@on_screen()
async def test_a_frame_on_a_terminal_that_has_gone_away_ends_the_shell(ui: ScreenHarness) -> None:
    def write() -> None:
        raise OSError(errno.EIO, "Input/output error")

    ui.session.on_poll(write)
    await ui.until(has_left(ui))
    assert ui.exit_code == 128 + signal.SIGHUP
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # there may be a second one


@on_screen()
async def test_an_open_transaction_is_abandoned(ui: ScreenHarness) -> None:
    ui.session.script["transaction("] = changes_prompt("(QEMU) ", "TRANS> ")
    ui.keys("transaction(\r")
    await ui.sees("TRANS> _")
    ui.keys(CTRL_C)
    await ui.sees("abandoned: nothing was sent")
    await ui.sees("(QEMU) _")


# ------------------------------------------------------------------------ questions


@pytest.mark.parametrize("key, chosen", [("q", "q"), ("l", "l"), ("\r", "l"), ("xyz 1c", "c")])
@on_screen()
async def test_one_key_answers(ui: ScreenHarness, key: str, chosen: str) -> None:
    taken: list[str] = []

    def done(session: FakeSession, choice: str) -> Outcome:
        taken.append(choice)
        return Outcome()

    ui.session.script["quit"] = asks(QUIT, done)
    ui.keys("quit\r")
    await ui.sees("[l]eave")
    ui.keys(key)
    await ui.until(lambda: taken == [chosen])
    await ui.sees("(QEMU) _")
    ui.keys("stop\r")
    await ui.until(lambda: ui.session.lines == ["quit", "stop"])


@pytest.mark.parametrize("key", [ESCAPE, CTRL_C])
@on_screen()
async def test_a_question_can_be_refused(ui: ScreenHarness, key: str) -> None:
    ui.session.script["quit"] = asks(QUIT, lambda session, choice: Outcome(9, leave=True))
    ui.keys("quit\r")
    await ui.sees("[l]eave")
    ui.keys(key)
    await ui.sees("(QEMU) _")
    assert ui.session.running is None
    assert ui.screen.app.is_running


# ------------------------------------------------------------------------ the end of the connection


@on_screen()
async def test_the_loss_is_told_in_one_line(ui: ScreenHarness) -> None:
    ui.session.script["slow"] = held("slow")
    ui.keys("slow\r")
    await ui.until(lambda: ui.session.running is not None)
    ui.session.drop_connection(ConnectionLost("the server closed the connection"))
    await ui.sees("come back; Ctrl-D")
    assert ui.picture().count("closed the connection") == 1
    assert " lost " in ui.picture()


@on_screen()
async def test_the_command_that_was_cut_off_is_not_told_twice(ui: ScreenHarness) -> None:
    error = ConnectionLost("the server closed the connection")
    ui.session.script["slow"] = refused(error)
    ui.keys("slow\r")
    await ui.until(lambda: ui.session.lines == ["slow"])
    ui.session.drop_connection(error)
    await ui.sees("the VM is gone; waiting")
    assert ui.picture().count("closed the connection") == 1


@on_screen()
async def test_the_prompt_works_again_when_the_vm_is_back(ui: ScreenHarness) -> None:
    ui.session.drop_connection()
    await ui.sees("the VM is gone; waiting")
    ui.session.reconnect("reconnected to vm1 (QEMU 7.2.22)")
    await ui.sees("reconnected to vm1")
    ui.keys("stop\r")
    await ui.until(lambda: ui.session.lines == ["stop"])
    await ui.sees(" vm1  running  QEMU 7.2.22")


@on_screen()
async def test_a_line_after_the_end_gets_a_line(ui: ScreenHarness) -> None:
    ui.session.drop_connection()
    await ui.sees("the VM is gone; waiting")
    ui.session.script["stop"] = refused(ConnectionLost("the connection is gone"))
    ui.keys("stop\r")
    await ui.sees("error: the connection is gone")
    ui.keys(CTRL_D)
    await ui.until(has_left(ui))


# ------------------------------------------------------------------------ pager, redirects, strays


@pytest.fixture
def pager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pager that copies what it is given, and ends once it is allowed to."""
    script = tmp_path / "pager"
    script.write_text(f'#!/bin/sh\ncat > "{tmp_path}/seen"\nread line < "{tmp_path}/gate"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    os.mkfifo(tmp_path / "gate")
    monkeypatch.setenv("PAGER", str(script))
    return tmp_path


@on_screen()
async def test_the_last_reply_in_a_pager_while_the_vm_is_read(
    ui: ScreenHarness, pager: Path
) -> None:
    await long_reply(ui)
    ui.keys(F5)
    seen = pager / "seen"
    await ui.until(lambda: seen.exists() and seen.read_text().endswith("]\n"))
    assert seen.read_text().startswith("[\n  0,\n  1,\n")
    ui.session.send_event(event("STOP"))
    await ui.until(lambda: ui.screen.state.events.total == 1)
    (pager / "gate").write_text("\n")
    await ui.sees("STOP")


@on_screen()
async def test_a_pager_that_does_not_exist(
    ui: ScreenHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", "no-such-pager -x")
    await long_reply(ui)
    ui.keys(F5)
    await ui.sees("no-such-pager was not found; install it, or name")


@pytest.mark.parametrize(
    "value, words",
    [(None, ["less"]), ("", ["less"]), ("more -s", ["more", "-s"]), ("'a b' c", ["a b", "c"])],
)
def test_pager_command(value: str | None, words: list[str]) -> None:
    assert pager_command({} if value is None else {"PAGER": value}) == words


@pytest.mark.parametrize(
    "command, coloured",
    [
        (["less"], ["less", "-R"]),
        (["/opt/bin/less", "-F", "+G"], ["/opt/bin/less", "-R", "-F", "+G"]),
        (["ov"], ["ov"]),
        (["more"], None),
        (["env", "less"], None),
    ],
)
def test_the_pagers_that_show_colours(command: list[str], coloured: list[str] | None) -> None:
    assert colour_command(command) == coloured


def test_the_less_of_busybox_shows_none(tmp_path: Path) -> None:
    (tmp_path / "busybox").touch(0o755)
    (tmp_path / "less").symlink_to("busybox")
    assert colour_command([f"{tmp_path}/less"]) is None


@on_screen()
async def test_less_gets_the_colours(
    ui: ScreenHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "less"
    script.write_text(
        f'#!/bin/sh\n(echo "$@"; cat) > "{tmp_path}/part"; mv "{tmp_path}/part" "{tmp_path}/seen"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PAGER", f"{script} -F")
    await long_reply(ui)
    ui.keys(F5)
    seen = tmp_path / "seen"
    await ui.until(seen.exists)
    first, bracket, number, *_ = seen.read_text().split("\n")
    assert first == "-R -F"
    assert (bracket.startswith("\x1b["), "[" in bracket[2:]) == (True, True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", number) == "  0,"


@on_screen()
async def test_no_menu_lies_on_the_key_sheet(ui: ScreenHarness) -> None:
    ui.session.candidates = [Candidate(f"query-{name}", 0) for name in ("block", "status")]
    ui.keys("query-" + TAB)
    await ui.sees("query-status")
    ui.keys(F1)
    await ui.sees("Esc goes back")
    assert ui.screen.buffer.complete_state is None
    ui.screen._reporter.facts()
    assert ui.screen.buffer.complete_state is None
    ui.keys(TAB)
    await ui.until(lambda: ui.screen.state.key_sheet is None)
    await ui.sees("query-status")


def test_a_pager_that_is_no_word_list() -> None:
    with pytest.raises(UsageError, match=r"^PAGER: No closing quotation$"):
        pager_command({"PAGER": "'less"})


def test_a_pager_wraps_no_table() -> None:
    assert pager_environ({"A": "b"}, is_table=False) == {"A": "b"}
    assert pager_environ({"A": "b"}, is_table=True) == {"A": "b", "LESS": "-S"}
    assert pager_environ({"LESS": "-R"}, is_table=True) == {"LESS": "-S -R"}


@on_screen()
async def test_a_redirect_is_handed_on(ui: ScreenHarness) -> None:
    redirect = Redirect("|", "wc", (0, 1))
    ui.session.script["a | wc"] = answers(Answer("a", value=1, redirect=redirect, size=20))
    given: list[Answer] = []

    async def deliver(answer: Answer) -> str:
        given.append(answer)
        return "1 1 2\n"

    ui.redirect = deliver
    ui.keys("a | wc\r")
    await ui.sees("1 1 2")
    assert [answer.value for answer in given] == [1]


@on_screen()
async def test_a_redirect_that_fails_is_told(ui: ScreenHarness) -> None:
    redirect = Redirect(">", "/x", (0, 1))
    ui.session.script["a > /x"] = answers(Answer("a", value=1, redirect=redirect, size=20))

    async def deliver(answer: Answer) -> str:
        raise UsageError("cannot write /x: no")

    ui.redirect = deliver
    ui.keys("a > /x\r")
    await ui.sees("error: cannot write /x: no")


@on_screen()
async def test_a_failure_is_shown_and_not_redirected(ui: ScreenHarness) -> None:
    redirect = Redirect(">", "/x", (0, 1))
    failure = Answer("a", failed=True, text="GenericError: no", redirect=redirect, size=20)
    ui.session.script["a > /x"] = answers(failure)
    ui.keys("a > /x\r")
    await ui.sees("GenericError: no")


@on_screen()
async def test_a_raw_answer(ui: ScreenHarness) -> None:
    answer = Answer("a", value="x\ny", modifiers=Modifiers(formats=frozenset({"raw"})), size=20)
    ui.session.script["a --raw"] = answers(answer)
    ui.keys("a --raw\r")
    await ui.until(lambda: "\nx\ny\n" in ui.picture())


@on_screen()
async def test_a_reply_that_belongs_to_no_command(ui: ScreenHarness) -> None:
    stray = Reply("x", 1, 20, {"return": 1, "id": "x"})
    ui.session.on_poll(lambda: ui.session.watcher.stray(stray))
    await ui.sees('{"return": 1, "id": "x"}')


@on_screen()
async def test_logging_and_warnings_become_notes(ui: ScreenHarness) -> None:
    logging.getLogger("qmpsh.test").warning("something odd")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("something odder", UserWarning, stacklevel=1)
    ui.session.send_event(event("STOP"))
    await ui.sees("something odder")
    assert "something odd" in ui.picture()


@on_screen()
async def test_hmp_mode_leaves_the_half_typed_line(ui: ScreenHarness) -> None:
    ui.keys("info" + F7)
    await ui.until(lambda: ui.session.lines == [".hmp"])
    assert ui.screen.buffer.text == "info"
