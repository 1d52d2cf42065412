"""The table of keys at the line prompt, and the bar while a line waits."""

from __future__ import annotations

import os
import signal
from base64 import b64encode
from pathlib import Path

import pytest

from qmpsh.protocol.messages import Event
from qmpsh.shell.steps import Answer
from qmpsh.shell.work import Work
from tests.ui.fakes import answers, held
from tests.ui.harness import LineHarness, on_line
from tests.ui.keycodes import ALT_RIGHT, CTRL_R, CTRL_RIGHT, ESCAPE, F1

REPLY = ["{", '  "a": 1', "}"]


async def with_reply(ui: LineHarness) -> None:
    """A line that was answered, and one that is half typed."""
    ui.session.script["query-x"] = answers(Answer("query-x", value={"a": 1}, size=20))
    ui.keys("query-x\rsto")
    await ui.ends_with("(QEMU) query-x", *REPLY, "(QEMU) sto")


@pytest.mark.parametrize("key", [F1, "\x1bh"])
@on_line
async def test_the_sheet_names_the_keys_that_work_here(ui: LineHarness, key: str) -> None:
    ui.keys(key)
    await ui.until(lambda: "Keys on the line" in ui.lines())
    await ui.until(lambda: ui.lines()[-1] == "(QEMU)")
    text = "\n".join(ui.lines())
    assert "F5, Alt-p" in text
    assert "Ctrl-C, Ctrl-D" in text
    assert "F2, " not in text


@on_line
async def test_the_help_of_the_command_in_the_line(ui: LineHarness) -> None:
    ui.session.catalog.commands = ("stop",)
    ui.keys("stop" + F1)
    await ui.ends_with("stop  (command)", "(QEMU) stop")
    ui.keys("p" + F1)
    await ui.ends_with(
        "no command, event or type is called stopp; did you mean stop?", "(QEMU) stopp"
    )
    ui.keys("\x15{" + F1)
    await ui.ends_with(
        "no help is known on this; .help lists all that can be asked for", "(QEMU) {"
    )
    assert ui.session.lines == []


@on_line
async def test_the_history_is_offered_as_a_list(ui: LineHarness) -> None:
    ui.keys("query-x a=1\rstop\rquery-y a=1\r")
    await ui.until(lambda: len(ui.session.lines) == 3)
    ui.keys("a=1" + CTRL_R)
    await ui.ends_with(
        "(QEMU) query-y a=1", *(" " * 11 + row for row in ("query-y a=1  1/2", "query-x a=1  2/2"))
    )
    ui.keys(CTRL_R + "\r")
    await ui.ends_with("(QEMU) query-x a=1")
    ui.keys("\x15nope" + CTRL_R)
    await ui.sees("no line typed before contains this")
    await ui.ends_with("(QEMU) nope")


@on_line
async def test_a_suggestion_is_taken_word_by_word(ui: LineHarness) -> None:
    ui.keys("qom-get path=/machine property=x\r")
    await ui.until(lambda: len(ui.session.lines) == 1)
    ui.keys("qo" + CTRL_RIGHT)
    await ui.until(lambda: ui.prompt._typed_text() == "qom-")
    ui.keys(CTRL_RIGHT * 2 + ALT_RIGHT)
    await ui.until(lambda: ui.prompt._typed_text() == "qom-get path=/machine ")
    ui.keys("\x01" + CTRL_RIGHT + "X")
    await ui.until(lambda: ui.prompt._typed_text() == "qomX-get path=/machine ")


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_the_hint_when_it_is_asked_for(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    hint_on_demand()


@on_line
async def hint_on_demand(ui: LineHarness) -> None:
    ui.keys("\x1b?")
    await ui.ends_with("type a command: Tab lists all of them", "(QEMU)")
    ui.session.hints["stop a"] = [("hint", "stop: "), ("hint.error", "it takes no\x1b argument")]
    ui.keys("stop a\x1b?")
    await ui.ends_with("stop: it takes no\\x1b argument", "(QEMU) stop a")
    ui.keys("b\x1b?")
    await ui.ends_with("there is no hint on this", "(QEMU) stop ab")


@on_line
async def test_alt_keys_that_mean_nothing_here_type_nothing(ui: LineHarness) -> None:
    ui.keys("\x1be\x1bz\x1bo\x1b/\x1bk\x1bjstop")
    await ui.until(lambda: ui.lines()[-1] == "(QEMU) stop")


@on_line
async def test_the_last_reply_in_a_pager(
    ui: LineHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "pager"
    script.write_text(f'#!/bin/sh\ncat > "{tmp_path}/seen"\n')
    script.chmod(0o700)
    monkeypatch.setenv("PAGER", str(script))
    ui.keys("\x1bp")
    await ui.ends_with("there is no reply yet", "(QEMU)")
    await with_reply(ui)
    ui.keys("\x1bp")
    seen = tmp_path / "seen"
    await ui.until(lambda: seen.exists() and seen.read_text() == "\n".join([*REPLY, ""]))
    ui.keys("p")
    await ui.until(lambda: ui.lines()[-1] == "(QEMU) stop")
    monkeypatch.setenv("PAGER", "no-such-pager")
    ui.keys("\x1bp")
    await ui.ends_with(
        "error: no-such-pager was not found; install it, or name another pager",
        "in PAGER",
        "(QEMU) stop",
    )


@on_line
async def test_the_line_in_the_editor(ui: LineHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "sh -c 'sed -i s/sto/cont/ \"$0\"'")
    ui.keys("sto\x18\x05")
    await ui.ends_with("(QEMU) cont")


@on_line
async def test_the_last_reply_is_copied(ui: LineHarness) -> None:
    ui.keys("\x1bc")
    await ui.ends_with("there is no reply yet", "(QEMU)")
    await with_reply(ui)
    ui.keys("\x1bc")
    await ui.until(lambda: b64encode("\n".join(REPLY).encode()).decode() in ui.sent)
    await ui.ends_with("copied 12 B (OSC 52)", "(QEMU) sto")


@on_line
async def test_the_last_reply_is_saved_and_the_line_stays(
    ui: LineHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").write_text("old")
    ui.keys("\x1bs")
    await ui.ends_with("there is no reply yet", "(QEMU)")
    await with_reply(ui)
    ui.keys("\x1bs")
    await ui.ends_with(*REPLY, "save the reply to:")
    ui.session.send_event(Event("STOP", {}, 0.0, {}))
    await ui.ends_with("00:00:00.000 STOP", "save the reply to:")
    ui.keys("there\r")
    await ui.ends_with(
        "save the reply to: there", "the file exists: Enter replaces it", "save the reply to: there"
    )
    assert (tmp_path / "there").read_text() == "old"
    ui.keys("\r")
    await ui.ends_with("written to there, 13 B", "(QEMU) sto")
    assert (tmp_path / "there").read_text() == "\n".join([*REPLY, ""])
    ui.keys("\x1bsnew\x03")
    await ui.ends_with("save the reply to: new", "(QEMU) sto")
    assert not (tmp_path / "new").exists()
    ui.keys("p\r")
    await ui.until(lambda: ui.session.lines == ["query-x", "stop"])


@on_line
async def test_a_line_that_waits_draws_its_bar_below_all_that_is_printed(ui: LineHarness) -> None:
    ui.session.works = [Work("backup j0", fraction=0.32)]
    ui.session.script["slow --wait"] = held("slow --wait", Answer("slow", value={}, size=14))
    ui.keys("slow --wait\r")
    await ui.until(lambda: ui.session.running)
    ui.now += 1.0
    await ui.ends_with("(QEMU) slow --wait", "backup j0 ███░░░░░░░ 32 %")
    ui.session.send_event(Event("STOP", {}, 0.0, {}))
    await ui.ends_with("(QEMU) slow --wait", "00:00:00.000 STOP", "backup j0 ███░░░░░░░ 32 %")
    ui.session.works = [Work("backup j0", fraction=0.5)]
    await ui.ends_with("00:00:00.000 STOP", "backup j0 █████░░░░░ 50 %")
    ui.session.send_reply("slow --wait")
    await ui.ends_with("(QEMU) slow --wait", "00:00:00.000 STOP", "{}", "(QEMU)")


@pytest.mark.usefixtures("dumb_terminal")
@on_line
async def test_a_dumb_terminal_draws_no_bar(ui: LineHarness) -> None:
    ui.prompt._scrollback.show_bar([("", "backup j0")])
    assert "backup" not in "".join(ui.lines())


@on_line
async def test_vis_mode_stands_at_the_right_and_not_in_the_scrollback(ui: LineHarness) -> None:
    ui.session.preferences.change("editing", "vi")
    ui.keys("stop")
    await ui.ends_with("(QEMU) stop")
    ui.keys(ESCAPE)
    await ui.until(lambda: ui.lines()[-1].split() == ["(QEMU)", "stop", "normal"])
    ui.keys("\rcont")
    await ui.ends_with("(QEMU) stop", "{}", "(QEMU) cont")


@on_line
async def test_a_signal_leaves_while_a_name_is_asked_for(ui: LineHarness) -> None:
    await with_reply(ui)
    ui.keys("\x1bs")
    await ui.ends_with(*REPLY, "save the reply to:")
    os.kill(os.getpid(), signal.SIGTERM)
    await ui.until(lambda: ui.has_ended)
    assert ui.exit_code == 128 + signal.SIGTERM
