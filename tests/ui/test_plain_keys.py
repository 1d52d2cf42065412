"""The table of keys at the line prompt, and the bar while a line waits."""

from __future__ import annotations

import os
import signal
from base64 import b64encode
from pathlib import Path

import pytest

from qmpsh.protocol.messages import Event
from qmpsh.shell.progress import Work
from qmpsh.shell.steps import Answer
from tests.ui.fakes import answers, held
from tests.ui.test_plain import PlainStage, on_stage

F1, ESCAPE = "\x1bOP", "\x1b"
REPLY = ["{", '  "a": 1', "}"]


async def with_reply(on: PlainStage) -> None:
    """A line that was answered, and one that is half typed."""
    on.session.script["query-x"] = answers(Answer("query-x", value={"a": 1}, size=20))
    on.keys("query-x\rsto")
    await on.sees("(QEMU) query-x", *REPLY, "(QEMU) sto")


@pytest.mark.parametrize("key", [F1, "\x1bh"])
def test_the_sheet_names_the_keys_that_work_here(key: str) -> None:
    async def scene(on: PlainStage) -> None:
        on.keys("sto" + key)
        await on.until(lambda: "Keys" in on.lines())
        await on.until(lambda: on.lines()[-1] == "(QEMU) sto")
        text = "\n".join(on.lines())
        assert "F5, Alt-p" in text
        assert "Ctrl-C, Ctrl-D" in text
        assert "F2, Alt-e" not in text

    on_stage(scene)


def test_alt_keys_that_mean_nothing_here_type_nothing() -> None:
    async def scene(on: PlainStage) -> None:
        on.keys("\x1be\x1bz\x1bo\x1b/\x1bk\x1bjstop")
        await on.until(lambda: on.lines()[-1] == "(QEMU) stop")

    on_stage(scene)


def test_the_last_reply_in_a_pager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "pager"
    script.write_text(f'#!/bin/sh\ncat > "{tmp_path}/seen"\n')
    script.chmod(0o700)
    monkeypatch.setenv("PAGER", str(script))

    async def scene(on: PlainStage) -> None:
        on.keys("\x1bp")
        await on.sees("there is no reply yet", "(QEMU)")
        await with_reply(on)
        on.keys("\x1bp")
        seen = tmp_path / "seen"
        await on.until(lambda: seen.exists() and seen.read_text() == "\n".join([*REPLY, ""]))
        on.keys("p")
        await on.until(lambda: on.lines()[-1] == "(QEMU) stop")
        monkeypatch.setenv("PAGER", "no-such-pager")
        on.keys("\x1bp")
        await on.sees(
            "error: no-such-pager was not found; install it, or name another pager",
            "in PAGER",
            "(QEMU) stop",
        )

    on_stage(scene)


def test_the_line_in_the_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "sh -c 'sed -i s/sto/cont/ \"$0\"'")

    async def scene(on: PlainStage) -> None:
        on.keys("sto\x18\x05")
        await on.sees("(QEMU) cont")

    on_stage(scene)


def test_the_last_reply_is_copied() -> None:
    async def scene(on: PlainStage) -> None:
        on.keys("\x1bc")
        await on.sees("there is no reply yet", "(QEMU)")
        await with_reply(on)
        on.keys("\x1bc")
        await on.until(lambda: b64encode("\n".join(REPLY).encode()).decode() in on.sent)
        await on.sees("copied 12 B (OSC 52)", "(QEMU) sto")

    on_stage(scene)


def test_the_last_reply_is_saved_and_the_line_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").write_text("old")

    async def scene(on: PlainStage) -> None:
        on.keys("\x1bs")
        await on.sees("there is no reply yet", "(QEMU)")
        await with_reply(on)
        on.keys("\x1bs")
        await on.sees(*REPLY, "save the reply to:")
        on.session.tell(Event("STOP", {}, 0.0, {}))
        await on.sees("00:00:00.000 STOP", "save the reply to:")
        on.keys("there\r")
        await on.sees(
            "save the reply to: there", "it exists: Enter replaces it", "save the reply to: there"
        )
        assert (tmp_path / "there").read_text() == "old"
        on.keys("\r")
        await on.sees("written to there, 13 B", "(QEMU) sto")
        assert (tmp_path / "there").read_text() == "\n".join([*REPLY, ""])
        on.keys("\x1bsnew\x03")
        await on.sees("save the reply to: new", "(QEMU) sto")
        assert not (tmp_path / "new").exists()
        on.keys("p\r")
        await on.until(lambda: on.session.lines == ["query-x", "stop"])

    on_stage(scene)


def test_a_line_that_waits_draws_its_bar_below_all_that_is_printed() -> None:
    async def scene(on: PlainStage) -> None:
        on.session.works = [Work("backup j0", fraction=0.32)]
        on.session.script["slow --wait"] = held("slow --wait", Answer("slow", value={}, size=14))
        on.keys("slow --wait\r")
        await on.until(lambda: on.session.running)
        on.now += 1.0
        await on.sees("(QEMU) slow --wait", "backup j0 ███░░░░░░░ 32 %")
        on.session.tell(Event("STOP", {}, 0.0, {}))
        await on.sees("(QEMU) slow --wait", "00:00:00.000 STOP", "backup j0 ███░░░░░░░ 32 %")
        on.session.works = [Work("backup j0", fraction=0.5)]
        await on.sees("00:00:00.000 STOP", "backup j0 █████░░░░░ 50 %")
        on.session.release("slow --wait")
        await on.sees("(QEMU) slow --wait", "00:00:00.000 STOP", "{}", "(QEMU)")

    on_stage(scene)


def test_a_dumb_terminal_draws_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(on: PlainStage) -> None:
        on.plain._paper.stand([("", "backup j0")])
        assert "backup" not in "".join(on.lines())

    monkeypatch.setenv("TERM", "dumb")
    on_stage(scene)


def test_vis_mode_stands_at_the_right_and_not_on_paper() -> None:
    async def scene(on: PlainStage) -> None:
        on.session.preferences.change("editing", "vi")
        on.keys("stop")
        await on.sees("(QEMU) stop")
        on.keys(ESCAPE)
        await on.until(lambda: on.lines()[-1].split() == ["(QEMU)", "stop", "normal"])
        on.keys("\rcont")
        await on.sees("(QEMU) stop", "{}", "(QEMU) cont")

    on_stage(scene)


def test_a_signal_leaves_while_a_name_is_asked_for() -> None:
    async def scene(on: PlainStage) -> None:
        await with_reply(on)
        on.keys("\x1bs")
        await on.sees(*REPLY, "save the reply to:")
        os.kill(os.getpid(), signal.SIGTERM)
        await on.until(lambda: on.has_ended)
        assert on.exit_code == 128 + signal.SIGTERM

    on_stage(scene)
