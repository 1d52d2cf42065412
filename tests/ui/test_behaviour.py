"""What the keys do, and what the screen does when the VM does something."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import stat
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from prompt_toolkit.document import Document
from prompt_toolkit.output import ColorDepth

from qmpsh.complete.candidates import Candidate
from qmpsh.errors import CommandFailed, ConnectionLost, LineSyntaxError, UsageError
from qmpsh.language.syntax import Modifiers, Redirect
from qmpsh.protocol.messages import Event, Reply
from qmpsh.shell.steps import Answer, Ask, Note, Outcome, Show
from qmpsh.ui.common.external import pager_command, pager_environ
from qmpsh.ui.common.keys import KEYS
from qmpsh.ui.common.style import SUGGESTION, make_style, tells_apart
from tests.ui.fakes import FakeSession, answers, asks, changes_prompt, held, refused
from tests.ui.stage import WALL, Stage, stage

CTRL_C, CTRL_D, CTRL_L, CTRL_R = "\x03", "\x04", "\x0c", "\x12"
F2, F3, F4, F5, F7 = "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~", "\x1b[18~"
PAGE_UP, PAGE_DOWN, END = "\x1b[5~", "\x1b[6~", "\x1b[F"
CTRL_HOME, CTRL_END, CTRL_PAGE_UP, CTRL_PAGE_DOWN = (
    "\x1b[1;5H",
    "\x1b[1;5F",
    "\x1b[5;5~",
    "\x1b[6;5~",
)
ESCAPE, LEFT, TAB, SHIFT_TAB, UP = "\x1b", "\x1b[D", "\t", "\x1b[Z", "\x1b[A"

QUIT = Ask("quit ends the VM.", (("l", "leave the shell"), ("q", "quit the VM"), ("c", "cancel")))


def on_stage(scene: Callable[[Stage], Awaitable[None]], columns: int = 100, rows: int = 20) -> None:
    """Run a scene on a screen whose background replies have come."""

    async def run() -> None:
        async with stage(columns, rows) as on:
            on.session.learn()
            await on.sees("vm1")
            await scene(on)

    asyncio.run(run())


def event(name: str, **data: str | int) -> Event:
    return Event(name, dict(data), WALL, {})


def has_left(on: Stage) -> Callable[[], bool]:
    return lambda: on.has_ended


# ------------------------------------------------------------------------ lines


def test_a_line_runs_once_and_the_prompt_is_empty_again() -> None:
    async def scene(on: Stage) -> None:
        on.keys("stop\r")
        await on.sees("0.3 ms")
        assert on.session.lines == ["stop"]
        assert on.screen.buffer.text == ""

    on_stage(scene)


@pytest.mark.parametrize("empty", ["\r", "   \r"])
def test_an_empty_line_runs_nothing(empty: str) -> None:
    async def scene(on: Stage) -> None:
        on.keys(empty + "stop\r")
        await on.sees("0.3 ms")
        assert on.session.lines == ["stop"]

    on_stage(scene)


def test_an_open_bracket_goes_on_to_the_next_row() -> None:
    async def scene(on: Stage) -> None:
        on.keys("a b={\r")
        await on.sees("...")
        assert on.session.lines == []
        on.keys("}\r")
        await on.until(lambda: on.session.lines == ["a b={\n}"])

    on_stage(scene)


def test_a_paste_of_several_lines_is_several_lines() -> None:
    async def scene(on: Stage) -> None:
        on.keys("\x1b[200~stop\na b={\n}\n\ncont\x1b[201~\r")
        await on.until(lambda: on.session.lines == ["stop", "a b={\n}", "cont"])

    on_stage(scene)


def test_lines_typed_while_one_runs_wait_for_it() -> None:
    async def scene(on: Stage) -> None:
        on.session.script["slow"] = held("slow", Note("slow is done"))
        on.keys("slow\rstop\rcont\r")
        await on.until(lambda: on.session.running is not None)
        await on.until(lambda: on.screen.buffer.text == "")
        assert on.session.lines == ["slow"]
        on.session.release("slow")
        await on.until(lambda: on.session.lines == ["slow", "stop", "cont"])

    on_stage(scene)


def test_an_error_of_the_line_is_shown() -> None:
    async def scene(on: Stage) -> None:
        on.session.script["a"] = refused(CommandFailed("GenericError", "it cannot be"))
        on.session.script["b"] = refused(LineSyntaxError("what is b?", "b", (0, 1)))
        on.keys("a\rb\r")
        await on.sees("what is b?")
        assert "GenericError: it cannot be" in on.picture()

    on_stage(scene)


def test_a_session_that_refuses_to_start_a_line_is_no_disaster() -> None:
    async def scene(on: Stage) -> None:
        def start(line: str, show: Show, ended: Callable[[Outcome], None]) -> None:
            raise ConnectionLost("the connection is gone")

        on.session.start = start  # type: ignore[method-assign] # a session in an odd state
        on.keys("stop\r")
        await on.sees("error: the connection is gone")

    on_stage(scene)


async def history_is_loaded(on: Stage, entries: int) -> None:
    """prompt_toolkit loads it with the next frame."""
    await on.until(lambda: len(on.screen.buffer._working_lines) == entries + 1)


def test_history_and_its_search() -> None:
    async def scene(on: Stage) -> None:
        on.keys("query-block\rstop\r")
        await on.until(lambda: len(on.session.lines) == 2)
        await history_is_loaded(on, 2)
        on.keys(UP + UP)
        await on.until(lambda: on.screen.buffer.text == "query-block")
        on.keys(CTRL_C)
        await on.until(lambda: on.screen.buffer.text == "")
        await history_is_loaded(on, 2)
        on.keys(CTRL_R + "blo")
        await on.sees("search history: blo")
        assert "not found" not in on.picture()
        on.keys("x")
        await on.sees("search history: blox_")
        await on.sees("not found")
        on.keys("\x7f")
        await on.until(lambda: "not found" not in on.picture())
        on.keys("\r")
        await on.until(lambda: on.screen.buffer.text == "query-block")
        assert len(on.session.lines) == 2

    on_stage(scene)


def test_nothing_is_suggested_where_it_would_look_as_if_it_had_been_typed() -> None:
    async def scene(on: Stage) -> None:
        on.keys("query-status\r")
        await on.until(lambda: on.session.lines == ["query-status"])
        suggestion = on.screen.buffer.auto_suggest
        assert suggestion is not None
        assert suggestion.get_suggestion(on.screen.buffer, Document("que")) is not None
        on.session.preferences.change("theme", "none")
        assert suggestion.get_suggestion(on.screen.buffer, Document("que")) is None
        on.keys("query")
        await on.sees("(QEMU) query_")

    on_stage(scene)


@pytest.mark.parametrize(
    "theme, depth, shows",
    [
        ("dark", ColorDepth.DEPTH_8_BIT, True),
        ("light", ColorDepth.DEPTH_4_BIT, True),
        ("dark", ColorDepth.DEPTH_1_BIT, False),
        ("none", ColorDepth.DEPTH_8_BIT, False),
    ],
)
def test_whether_a_suggestion_can_be_told_from_text(
    theme: str, depth: ColorDepth, shows: bool
) -> None:
    assert tells_apart(make_style(theme), SUGGESTION, depth) is shows


def test_an_attribute_tells_a_suggestion_without_colours() -> None:
    style = make_style("none", {"dim": "italic"})
    assert tells_apart(style, SUGGESTION, ColorDepth.DEPTH_1_BIT)


def test_history_suggests_the_rest() -> None:
    async def scene(on: Stage) -> None:
        on.keys("query-block\r")
        await on.until(lambda: len(on.session.lines) == 1)
        on.keys("que")
        await on.until(lambda: on.picture().count("query-block") == 2)
        on.keys("\x1b[C")
        await on.until(lambda: on.screen.buffer.text == "query-block")

    on_stage(scene)


def test_the_hint_follows_the_cursor() -> None:
    async def scene(on: Stage) -> None:
        on.session.hints["stop"] = [("hint", "stop takes nothing")]
        on.keys("stop")
        await on.sees("stop takes nothing")

    on_stage(scene)


def test_a_hint_that_fails_is_a_hint() -> None:
    async def scene(on: Stage) -> None:
        def hint(text: str, cursor: int) -> list[tuple[str, str]]:
            raise LineSyntaxError("no such thing", text, (0, 1))

        on.session.hint = hint  # type: ignore[method-assign] # a hint in trouble
        on.keys("stop")
        await on.sees("no such thing")

    on_stage(scene)


# ------------------------------------------------------------------------ completion


def test_tab_opens_the_menu_and_enter_takes_a_candidate() -> None:
    async def scene(on: Stage) -> None:
        on.session.candidates = [Candidate("stop", 0, "command"), Candidate("status", 0, "verb")]
        on.keys("st" + TAB)
        await on.sees("verb")
        on.keys(TAB + TAB)
        await on.until(lambda: on.screen.buffer.text == "status")
        on.keys(SHIFT_TAB)
        await on.until(lambda: on.screen.buffer.text == "stop")
        on.keys("\r")
        await on.until(lambda: on.screen.buffer.complete_state is None)
        assert on.session.lines == []
        on.keys("\r")
        await on.until(lambda: on.session.lines == ["stop"])

    on_stage(scene)


def test_escape_closes_the_menu() -> None:
    async def scene(on: Stage) -> None:
        on.session.candidates = [Candidate("stop", 0), Candidate("status", 0)]
        on.keys("st" + TAB)
        await on.until(lambda: on.screen.buffer.complete_state is not None)
        on.keys(ESCAPE)
        await on.until(lambda: on.screen.buffer.complete_state is None)
        assert on.screen.buffer.text == "st"

    on_stage(scene)


def test_candidates_that_come_later_are_shown() -> None:
    async def scene(on: Stage) -> None:
        on.keys("device_del id=" + TAB)
        await on.until(lambda: on.screen.buffer.text.endswith("="))

        def learn() -> None:
            on.session.candidates = [Candidate("id=net0", 11), Candidate("id=net1", 11)]
            on.session.watcher.facts()

        on.session.later(learn)
        await on.sees("net1")

    on_stage(scene)


def test_candidates_that_come_too_late_are_not() -> None:
    async def scene(on: Stage) -> None:
        on.keys("device_del id=" + TAB)
        await on.until(lambda: on.screen.buffer.text.endswith("="))
        on.keys("n")
        await on.until(lambda: on.screen.buffer.text.endswith("n"))

        def learn() -> None:
            on.session.candidates = [Candidate("id=net0", 11), Candidate("id=net1", 11)]
            on.session.watcher.facts()

        on.session.later(learn)
        on.session.tell(event("MARK"))
        await on.sees("MARK")
        assert on.screen.buffer.complete_state is None

    on_stage(scene)


# ------------------------------------------------------------------------ events


def test_an_event_leaves_the_half_typed_line_alone() -> None:
    async def scene(on: Stage) -> None:
        on.keys("device_add dri" + LEFT)
        await on.until(lambda: on.screen.buffer.cursor_position == 13)
        on.session.tell(event("STOP"))
        await on.sees("STOP")
        assert on.screen.buffer.text == "device_add dri"
        assert on.screen.buffer.cursor_position == 13

    on_stage(scene)


def test_the_events_pane_goes_and_comes() -> None:
    async def scene(on: Stage) -> None:
        on.session.tell(event("STOP"))
        await on.sees("│ events 1")
        on.keys(F2)
        await on.sees("1 event · last STOP")
        assert "│" not in on.picture()
        assert on.session.preferences.word("events") == "off"
        on.keys(F2)
        await on.sees("│ events 1")
        assert on.session.preferences.word("events") == "on"

    on_stage(scene)


def test_where_there_is_no_room_for_the_events_pane_its_key_says_so() -> None:
    async def scene(on: Stage) -> None:
        on.keys(F2)
        await on.sees("events stand beside from 80 columns on; F3 zooms them")
        on.keys(F3)
        await on.until(lambda: "Connected" not in on.picture())
        on.keys(F2)
        await on.sees("Connected")
        assert on.session.preferences.word("events") == "on"

    on_stage(scene, columns=60)


def test_the_key_sheet_says_that_there_is_more() -> None:
    async def scene(on: Stage) -> None:
        on.keys("\x1bh")
        await on.sees("more: PageDown")
        seen = on.picture()
        on.keys(PAGE_DOWN)
        await on.sees("Ctrl-Z, Ctrl-L")
        seen += on.picture()
        assert "more: PageDown" not in on.picture()
        assert all(key.shown in seen for key in KEYS)

    on_stage(scene, columns=60)


def test_what_was_pasted_can_be_read_before_it_runs() -> None:
    async def scene(on: Stage) -> None:
        on.keys("\x1b[200~" + "\n".join(f"query-{number}" for number in range(9)) + "\x1b[201~")
        await on.sees("9 lines: Enter runs them")
        assert all(f"query-{number}" in on.picture() for number in range(9))

    on_stage(scene, columns=80, rows=24)


def test_events_alone() -> None:
    async def scene(on: Stage) -> None:
        on.session.tell(event("STOP"))
        await on.sees("STOP")
        on.keys(F3)
        await on.until(lambda: "Connected" not in on.picture())
        assert "STOP" in on.picture()
        on.keys(F3)
        await on.sees("Connected")

    on_stage(scene)


def test_events_scroll_by_themselves() -> None:
    async def scene(on: Stage) -> None:
        for number in range(100):
            on.session.tell(event(f"EVENT_{number}"))
        await on.sees("EVENT_99")
        on.keys(CTRL_PAGE_UP)
        await on.until(lambda: "EVENT_99" not in on.picture())
        on.session.tell(event("LATE"))
        await on.sees("1 new")
        assert "Connected" in on.picture()
        on.keys(CTRL_PAGE_DOWN * 2)
        await on.sees("LATE")

    on_stage(scene)


def test_a_flood_of_events_costs_few_frames() -> None:
    async def scene(on: Stage) -> None:
        frames = 0

        def count(_: object) -> None:
            nonlocal frames
            frames += 1

        on.screen.app.after_render += count
        for number in range(20_000):
            on.session.tell(event("E", n=number))
        on.keys("stop\r")
        await on.until(lambda: on.session.lines == ["stop"])
        await on.sees("20,000")
        assert frames < 200
        assert on.screen.screen.events.total == 20_000

    on_stage(scene)


# ------------------------------------------------------------------------ scrolling and folding


async def long_reply(on: Stage) -> None:
    on.session.script["long"] = answers(Answer("long", value=list(range(500)), size=2900))
    on.keys("long\r")
    await on.sees("more lines")


def test_fold_and_unfold() -> None:
    async def scene(on: Stage) -> None:
        await long_reply(on)
        top = on.picture().split("\n")[1]
        on.keys(F4)
        await on.until(lambda: "more lines" not in on.picture())
        assert on.picture().split("\n")[1] == top
        on.keys(F4)
        await on.sees("more lines")

    on_stage(scene)


def test_paging_through_the_output() -> None:
    async def scene(on: Stage) -> None:
        await long_reply(on)
        on.keys(F4)
        await on.until(lambda: "more lines" not in on.picture())
        on.keys(CTRL_END)
        await on.sees("  499")
        on.keys(PAGE_UP)
        await on.until(lambda: "  499" not in on.picture())
        on.keys(CTRL_HOME)
        await on.sees("Connected")
        on.keys(PAGE_DOWN)
        await on.until(lambda: "Connected" not in on.picture())
        on.keys(END)
        await on.sees("  499")

    on_stage(scene)


def test_end_on_a_line_is_the_lines_end() -> None:
    async def scene(on: Stage) -> None:
        on.keys("stop" + LEFT + LEFT)
        await on.until(lambda: on.screen.buffer.cursor_position == 2)
        on.keys(END)
        await on.until(lambda: on.screen.buffer.cursor_position == 4)

    on_stage(scene)


def test_a_new_line_is_looked_at() -> None:
    async def scene(on: Stage) -> None:
        await long_reply(on)
        on.keys(F4 + CTRL_HOME)
        await on.sees("Connected")
        on.keys("stop\r")
        await on.sees("(QEMU) stop")

    on_stage(scene)


def test_clear() -> None:
    async def scene(on: Stage) -> None:
        on.keys(CTRL_L)
        await on.until(lambda: "Connected" not in on.picture())
        on.keys(PAGE_UP)
        await on.sees("Connected")

    on_stage(scene)


def test_the_key_sheet_goes_when_a_line_runs() -> None:
    async def scene(on: Stage) -> None:
        on.keys("\x1bh")
        await on.sees("Keys; F1")
        on.keys("stop\r")
        await on.sees("(QEMU) stop")
        on.keys("\x1bOP")
        await on.sees("Keys; F1")
        on.keys(ESCAPE)
        await on.sees("(QEMU) stop")

    on_stage(scene)


# ------------------------------------------------------------------------ giving up and leaving


def test_ctrl_c_clears_the_line_and_lets_the_command_run() -> None:
    async def scene(on: Stage) -> None:
        on.session.script["slow"] = held("slow")
        on.keys("slow\rstop")
        await on.until(lambda: on.screen.buffer.text == "stop")
        on.keys(CTRL_C)
        await on.until(lambda: on.screen.buffer.text == "")
        assert on.session.running is not None

    on_stage(scene)


def test_ctrl_c_lets_go_and_the_reply_is_shown_when_it_comes() -> None:
    async def scene(on: Stage) -> None:
        reply = Answer("slow", value={"done": True}, seconds=3.0, size=30)
        on.session.script["slow"] = held("slow", reply)
        on.keys("slow\r")
        await on.until(lambda: on.session.running is not None)
        on.keys(CTRL_C)
        await on.sees("detached from slow")
        on.keys("stop\r")
        await on.until(lambda: on.session.lines == ["slow", "stop"])
        on.session.release("slow")
        await on.sees('"done": true')
        assert "3.0 s 30 B" in on.picture()

    on_stage(scene)


def test_ctrl_c_forgets_what_waits() -> None:
    async def scene(on: Stage) -> None:
        on.session.script["slow"] = held("slow")
        on.keys("slow\rstop\r")
        await on.until(lambda: on.session.running is not None)
        await on.until(lambda: on.screen.buffer.text == "")
        on.keys(CTRL_C)
        await on.sees("detached from slow")
        assert on.session.lines == ["slow"]

    on_stage(scene)


def test_ctrl_c_with_nothing_to_give_up_says_how_to_leave() -> None:
    async def scene(on: Stage) -> None:
        on.keys(CTRL_C)
        await on.sees("Ctrl-D leaves")

    on_stage(scene)


def test_an_interrupt_signal_is_ctrl_c() -> None:
    async def scene(on: Stage) -> None:
        on.keys("stop")
        await on.until(lambda: on.screen.buffer.text == "stop")
        os.kill(os.getpid(), signal.SIGINT)
        await on.until(lambda: on.screen.buffer.text == "")

    on_stage(scene)


def test_ctrl_d_leaves_only_on_an_empty_line() -> None:
    async def scene(on: Stage) -> None:
        on.keys("ab" + LEFT + CTRL_D)
        await on.until(lambda: on.screen.buffer.text == "a")
        on.keys("\x7f" + CTRL_D)
        await on.until(has_left(on))

    on_stage(scene)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_gives_the_terminal_back(number: signal.Signals) -> None:
    async def scene(on: Stage) -> None:
        os.kill(os.getpid(), number)
        await on.until(has_left(on))
        assert on.exit_code == 128 + number

    on_stage(scene)


def test_a_line_can_end_the_shell() -> None:
    async def scene(on: Stage) -> None:
        on.session.script[".exit"] = asks(QUIT, lambda session, key: Outcome(3, leave=key == "l"))
        on.keys(".exit\r")
        await on.sees("[l]eave")
        on.keys("\r")
        await on.until(has_left(on))
        assert on.exit_code == 3

    on_stage(scene)


def test_the_transcript_is_printed_at_the_end() -> None:
    async def scene(on: Stage) -> None:
        on.keys("stop\r")
        await on.sees("0.3 ms")
        on.keys(CTRL_D)
        await on.until(has_left(on))
        lines = on.stream.getvalue().split("\n")
        assert lines[0] == "Connected to QEMU 7.2.22 (Debian 1:7.2+dfsg-7)"
        assert lines[4].startswith("(QEMU) stop")
        assert lines[-2:] == ["{}", ""]

    on_stage(scene)


def test_a_fault_of_ours_gives_the_terminal_back_and_is_raised() -> None:
    async def scene(on: Stage) -> None:
        def fault() -> None:
            raise ZeroDivisionError

        on.session.later(fault)
        await on.until(has_left(on))

    with pytest.raises(ZeroDivisionError):
        on_stage(scene)


def test_a_terminal_that_goes_away_ends_the_shell() -> None:
    async def scene(on: Stage) -> None:
        on.hang_up()
        await on.until(has_left(on))
        assert on.exit_code == 128 + signal.SIGHUP

    on_stage(scene)


def test_an_open_transaction_is_abandoned() -> None:
    async def scene(on: Stage) -> None:
        on.session.script["transaction("] = changes_prompt("(QEMU) ", "TRANS> ")
        on.keys("transaction(\r")
        await on.sees("TRANS> _")
        on.keys(CTRL_C)
        await on.sees("abandoned: nothing was sent")
        await on.sees("(QEMU) _")

    on_stage(scene)


# ------------------------------------------------------------------------ questions


@pytest.mark.parametrize("key, chosen", [("q", "q"), ("l", "l"), ("\r", "l"), ("xyz 1c", "c")])
def test_one_key_answers(key: str, chosen: str) -> None:
    async def scene(on: Stage) -> None:
        taken: list[str] = []

        def done(session: FakeSession, choice: str) -> Outcome:
            taken.append(choice)
            return Outcome()

        on.session.script["quit"] = asks(QUIT, done)
        on.keys("quit\r")
        await on.sees("[l]eave")
        on.keys(key)
        await on.until(lambda: taken == [chosen])
        await on.sees("(QEMU) _")
        on.keys("stop\r")
        await on.until(lambda: on.session.lines == ["quit", "stop"])

    on_stage(scene)


@pytest.mark.parametrize("key", [ESCAPE, CTRL_C])
def test_a_question_can_be_refused(key: str) -> None:
    async def scene(on: Stage) -> None:
        on.session.script["quit"] = asks(QUIT, lambda session, choice: Outcome(9, leave=True))
        on.keys("quit\r")
        await on.sees("[l]eave")
        on.keys(key)
        await on.sees("(QEMU) _")
        assert on.session.running is None
        assert on.screen.app.is_running

    on_stage(scene)


# ------------------------------------------------------------------------ the end of the connection


def test_the_loss_is_told_in_one_line() -> None:
    async def scene(on: Stage) -> None:
        on.session.script["slow"] = held("slow")
        on.keys("slow\r")
        await on.until(lambda: on.session.running is not None)
        on.session.lose(ConnectionLost("the server closed the connection"))
        await on.sees("come back; Ctrl-D leaves.")
        assert on.picture().count("closed the connection") == 1
        assert " lost " in on.picture()

    on_stage(scene)


def test_the_command_that_was_cut_off_is_not_told_twice() -> None:
    async def scene(on: Stage) -> None:
        error = ConnectionLost("the server closed the connection")
        on.session.script["slow"] = refused(error)
        on.keys("slow\r")
        await on.until(lambda: on.session.lines == ["slow"])
        on.session.lose(error)
        await on.sees("the VM is gone; waiting")
        assert on.picture().count("closed the connection") == 1

    on_stage(scene)


def test_the_prompt_works_again_when_the_vm_is_back() -> None:
    async def scene(on: Stage) -> None:
        on.session.lose()
        await on.sees("the VM is gone; waiting")
        on.session.come_back("reconnected to vm1 (QEMU 7.2.22)")
        await on.sees("reconnected to vm1")
        on.keys("stop\r")
        await on.until(lambda: on.session.lines == ["stop"])
        await on.sees(" vm1  running  QEMU 7.2.22")

    on_stage(scene)


def test_a_line_after_the_end_gets_a_line() -> None:
    async def scene(on: Stage) -> None:
        on.session.lose()
        await on.sees("the VM is gone; waiting")
        on.session.script["stop"] = refused(ConnectionLost("the connection is gone"))
        on.keys("stop\r")
        await on.sees("error: the connection is gone")
        on.keys(CTRL_D)
        await on.until(has_left(on))

    on_stage(scene)


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


def test_the_last_reply_in_a_pager_while_the_vm_is_read(pager: Path) -> None:
    async def scene(on: Stage) -> None:
        await long_reply(on)
        on.keys(F5)
        seen = pager / "seen"
        await on.until(lambda: seen.exists() and seen.read_text().endswith("]\n"))
        assert seen.read_text().startswith("[\n  0,\n  1,\n")
        on.session.tell(event("STOP"))
        await on.until(lambda: on.screen.screen.events.total == 1)
        (pager / "gate").write_text("\n")
        await on.sees("STOP")

    on_stage(scene)


def test_a_pager_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(on: Stage) -> None:
        await long_reply(on)
        on.keys(F5)
        await on.sees("no-such-pager was not found; install it, or name")

    monkeypatch.setenv("PAGER", "no-such-pager -x")
    on_stage(scene)


@pytest.mark.parametrize(
    "value, words",
    [(None, ["less"]), ("", ["less"]), ("more -s", ["more", "-s"]), ("'a b' c", ["a b", "c"])],
)
def test_pager_command(value: str | None, words: list[str]) -> None:
    assert pager_command({} if value is None else {"PAGER": value}) == words


def test_a_pager_that_is_no_word_list() -> None:
    with pytest.raises(UsageError, match=r"^PAGER: No closing quotation$"):
        pager_command({"PAGER": "'less"})


def test_a_pager_wraps_no_table() -> None:
    assert pager_environ({"A": "b"}, is_table=False) == {"A": "b"}
    assert pager_environ({"A": "b"}, is_table=True) == {"A": "b", "LESS": "-S"}
    assert pager_environ({"LESS": "-R"}, is_table=True) == {"LESS": "-S -R"}


def test_a_redirect_is_handed_on() -> None:
    async def scene(on: Stage) -> None:
        redirect = Redirect("|", "wc", (0, 1))
        on.session.script["a | wc"] = answers(Answer("a", value=1, redirect=redirect, size=20))
        given: list[Answer] = []

        async def deliver(answer: Answer) -> str:
            given.append(answer)
            return "1 1 2\n"

        on.redirect = deliver
        on.keys("a | wc\r")
        await on.sees("1 1 2")
        assert [answer.value for answer in given] == [1]

    on_stage(scene)


def test_a_redirect_that_fails_is_told() -> None:
    async def scene(on: Stage) -> None:
        redirect = Redirect(">", "/x", (0, 1))
        on.session.script["a > /x"] = answers(Answer("a", value=1, redirect=redirect, size=20))

        async def deliver(answer: Answer) -> str:
            raise UsageError("cannot write /x: no")

        on.redirect = deliver
        on.keys("a > /x\r")
        await on.sees("error: cannot write /x: no")

    on_stage(scene)


def test_a_failure_is_shown_and_not_redirected() -> None:
    async def scene(on: Stage) -> None:
        redirect = Redirect(">", "/x", (0, 1))
        failure = Answer("a", failed=True, text="GenericError: no", redirect=redirect, size=20)
        on.session.script["a > /x"] = answers(failure)
        on.keys("a > /x\r")
        await on.sees("GenericError: no")

    on_stage(scene)


def test_a_raw_answer() -> None:
    async def scene(on: Stage) -> None:
        answer = Answer("a", value="x\ny", modifiers=Modifiers(formats=frozenset({"raw"})), size=20)
        on.session.script["a --raw"] = answers(answer)
        on.keys("a --raw\r")
        await on.until(lambda: "\nx " in on.picture() and "\ny " in on.picture())

    on_stage(scene)


def test_a_reply_that_belongs_to_nobody() -> None:
    async def scene(on: Stage) -> None:
        stray = Reply("x", 1, 20, {"return": 1, "id": "x"})
        on.session.later(lambda: on.session.watcher.stray(stray))
        await on.sees('{"return": 1, "id": "x"}')

    on_stage(scene)


def test_logging_and_warnings_become_notes() -> None:
    async def scene(on: Stage) -> None:
        logging.getLogger("qmpsh.test").warning("something odd")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("something odder", UserWarning, stacklevel=1)
        on.session.tell(event("STOP"))
        await on.sees("something odder")
        assert "something odd" in on.picture()

    on_stage(scene)


def test_hmp_mode_leaves_the_half_typed_line() -> None:
    async def scene(on: Stage) -> None:
        on.keys("info" + F7)
        await on.until(lambda: on.session.lines == [".hmp"])
        assert on.screen.buffer.text == "info"

    on_stage(scene)
