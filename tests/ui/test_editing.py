"""The line being typed: rows, brackets, the menu that offers itself, the editor, vi, history."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from prompt_toolkit.key_binding.vi_state import InputMode

from qmpsh.complete.candidates import Candidate
from qmpsh.errors import UsageError
from qmpsh.language.reader import split_lines
from qmpsh.protocol.messages import Event
from qmpsh.shell.steps import Ask, Outcome
from qmpsh.ui.common.external import editor_command
from qmpsh.ui.common.history import LineHistory
from qmpsh.ui.common.keys import ALT, CHORD
from qmpsh.ui.screen.actions import open_brackets
from qmpsh.ui.screen.menu import FEW
from tests.ui.fakes import asks, changes_prompt
from tests.ui.stage import Stage, stage

ESCAPE, TAB, UP, CTRL_C, CTRL_R = "\x1b", "\t", "\x1b[A", "\x03", "\x12"
F1, F7, CTRL_UP, EDIT = "\x1bOP", "\x1b[18~", "\x1b[1;5A", "\x18\x05"
QUIT = Ask("quit ends the VM.", (("l", "leave the shell"), ("q", "quit the VM"), ("c", "cancel")))


def on_stage(scene: Callable[[Stage], Awaitable[None]], columns: int = 100, rows: int = 20) -> None:
    """Run a scene on a screen whose background replies have come."""

    async def run() -> None:
        async with stage(columns, rows) as on:
            on.session.learn()
            await on.sees("vm1")
            await scene(on)

    asyncio.run(run())


def typed(on: Stage, text: str) -> Callable[[], bool]:
    return lambda: on.screen.buffer.text == text


# ------------------------------------------------------------------------ rows and brackets


@pytest.mark.parametrize(
    "text, depth",
    [
        ("stop", 0),
        ("a b={", 1),
        ("a b={c: [", 2),
        ("a b={c: ']", 0),
        ('a b={c: "}", d: [', 2),
        ("a b={}", 0),
        ("stop\na b={", 1),
        ('{"execute": {', 2),
    ],
)
def test_how_deep_a_row_stands(text: str, depth: int) -> None:
    assert open_brackets(text, split_lines) == depth


def test_rows_stand_as_deep_as_brackets_are_open() -> None:
    async def scene(on: Stage) -> None:
        on.keys("a b={\rc: {\rd: 1\r}\r}")
        await on.until(typed(on, "a b={\n  c: {\n    d: 1\n  }\n}"))
        on.keys("\r")
        await on.until(lambda: on.session.lines == ["a b={\n  c: {\n    d: 1\n  }\n}"])

    on_stage(scene)


def test_the_matching_bracket_stands_out() -> None:
    async def scene(on: Stage) -> None:
        on.keys("a b={c: [1]}")
        await on.sees("a b={c: [1]}")
        window = on.screen._regions.prompt
        assert window.render_info is not None
        row = window.render_info.ui_content.get_line(0)
        marked = [text for style, text, *_ in row if "matching-bracket" in style]
        assert marked == ["{", "}"]

    on_stage(scene)


def test_a_paste_is_shown_and_counted_before_it_runs() -> None:
    async def scene(on: Stage) -> None:
        on.keys("\x1b[200~-> { 'execute': 'stop' }\n<- { 'return': {} }\ncont\x1b[201~")
        await on.sees("3 lines: Enter runs them one by one, Ctrl-C drops them")
        assert on.session.lines == []
        on.keys("\r")
        await on.until(lambda: len(on.session.lines) == 3)

    on_stage(scene)


def test_an_alt_key_that_means_nothing_types_nothing() -> None:
    async def scene(on: Stage) -> None:
        on.keys("sto\x1bk\x1bj\x1b\u00e9p")
        await on.until(typed(on, "stop"))
        on.keys(ESCAPE)
        await on.until(lambda: on.screen.app.key_processor.key_buffer)
        on.keys(CTRL_C)
        await on.until(typed(on, ""))

    on_stage(scene)


# ------------------------------------------------------------------------ the menu


def several(count: int) -> list[Candidate]:
    return [Candidate(f"name-{number}", 0, "command") for number in range(count)]


def test_a_menu_of_few_offers_itself_and_the_arrows_stay_the_historys() -> None:
    async def scene(on: Stage) -> None:
        on.keys("name-old\r")
        await on.until(lambda: len(on.session.lines) == 1)
        on.session.candidates = several(3)
        on.keys("name-")
        await on.sees("name-2")
        assert on.screen.offer.is_open
        on.keys(UP)
        await on.until(typed(on, "name-old"))
        await on.until(lambda: "name-2" not in on.picture())
        on.keys(CTRL_C + "name-")
        await on.sees("name-2")
        on.keys(TAB)
        await on.until(typed(on, "name-0"))
        on.keys("\r\r")
        await on.until(lambda: on.session.lines == ["name-old", "name-0"])

    on_stage(scene)


def test_enter_beside_an_offered_menu_runs_what_was_typed() -> None:
    async def scene(on: Stage) -> None:
        on.session.candidates = several(3)
        on.keys("name-")
        await on.sees("name-2")
        on.keys("\r")
        await on.until(lambda: on.session.lines == ["name-"])

    on_stage(scene)


@pytest.mark.parametrize(
    "candidates, line",
    [
        (several(FEW + 1), "name-"),
        ([Candidate("name-0", 0)], "name-0"),
        ([], "name-"),
    ],
)
def test_no_menu_where_it_would_say_nothing_or_too_much(
    candidates: list[Candidate], line: str
) -> None:
    async def scene(on: Stage) -> None:
        on.session.candidates = candidates
        on.keys(line)
        await on.until(typed(on, line))
        on.screen.offer._open()
        assert on.screen.offer._asked is not None
        assert not on.screen.offer._is_ours

    on_stage(scene)


def test_no_menu_while_something_else_has_the_keys() -> None:
    async def scene(on: Stage) -> None:
        on.session.candidates = several(2)
        on.keys("name-\x1b/")
        await on.sees("search output")
        on.screen.offer._open()
        assert on.screen.offer._asked is None

    on_stage(scene)


def test_what_comes_from_the_vm_later_is_offered_then() -> None:
    async def scene(on: Stage) -> None:
        on.keys("name-")
        await on.until(typed(on, "name-"))
        on.screen.offer._open()

        def facts() -> None:
            on.session.candidates = several(2)
            on.session.watcher.facts()

        on.session.later(facts)
        await on.sees("name-1")

    on_stage(scene)


def test_the_menu_never_stands_on_the_line() -> None:
    async def scene(on: Stage) -> None:
        on.session.candidates = several(30)
        on.keys("a b={\rc: 1,\rname-" + TAB)
        await on.sees("name-5")
        rows = on.picture().split("\n")
        first = next(index for index, row in enumerate(rows) if row.startswith("(QEMU) a b={"))
        assert rows[first + 1].strip() == "...   c: 1,"
        assert sum("name-" in row for row in rows[:first]) == 20 // 3
        assert not any("command" in row for row in rows[first:])

    on_stage(scene)


# ------------------------------------------------------------------------ the editor


@pytest.mark.parametrize(
    "environ, command",
    [
        ({}, ["vi"]),
        ({"EDITOR": "nano -w"}, ["nano", "-w"]),
        ({"EDITOR": "nano", "VISUAL": "'my editor'"}, ["my editor"]),
        ({"EDITOR": " "}, ["vi"]),
    ],
)
def test_which_editor(environ: dict[str, str], command: list[str]) -> None:
    assert editor_command(environ) == command


def test_an_editor_that_is_no_shell_words() -> None:
    with pytest.raises(UsageError, match="VISUAL: No closing quotation"):
        editor_command({"VISUAL": "'vi"})


def test_the_line_comes_back_from_the_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "sh -c 'sed -i s/stop/cont/ \"$0\"'")

    async def scene(on: Stage) -> None:
        on.keys("stop now" + EDIT)
        await on.until(typed(on, "cont now"))
        on.session.preferences.change("editing", "vi")
        on.keys("stop")
        await on.until(typed(on, "cont nowstop"))
        on.keys(ESCAPE)
        await on.until(lambda: on.screen.app.vi_state.input_mode == InputMode.NAVIGATION)
        on.keys("v")
        await on.until(typed(on, "cont nowcont"))

    on_stage(scene)


@pytest.mark.parametrize(
    "editor, said",
    [
        ("false", "false ended with 1: the line is unchanged"),
        ("/no/such", "/no/such was not found; install it"),
        ("rm", "cannot read the line back"),
    ],
)
def test_an_editor_in_trouble_leaves_the_line(
    editor: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", editor)

    async def scene(on: Stage) -> None:
        on.keys("stop now" + EDIT)
        await on.sees(said)
        assert on.screen.buffer.text == "stop now"

    on_stage(scene)


# ------------------------------------------------------------------------ vi


def test_vi_keys_and_back() -> None:
    async def scene(on: Stage) -> None:
        on.session.preferences.change("editing", "vi")
        on.keys("query-block" + ESCAPE)
        await on.until(lambda: on.screen.app.vi_state.input_mode == InputMode.NAVIGATION)
        on.keys("0cwstop")
        await on.until(typed(on, "stop-block"))
        on.keys("\r")
        await on.until(lambda: on.session.lines == ["stop-block"])
        on.keys(CTRL_R + "blo")
        await on.sees("search history: blo")
        on.keys("\r")
        await on.until(typed(on, "stop-block"))
        on.session.preferences.change("editing", "emacs")
        on.keys("\x01x")
        await on.until(typed(on, "xstop-block"))

    on_stage(scene)


def vi_mode(on: Stage, mode: InputMode) -> Callable[[], bool]:
    return lambda: on.screen.app.vi_state.input_mode == mode


def test_each_line_begins_in_vis_insert_mode_and_the_other_is_named() -> None:
    async def scene(on: Stage) -> None:
        on.session.preferences.change("editing", "vi")
        on.session.hints["stop"] = [("hint", "stop")]
        on.keys("stop")
        await on.sees("\nstop\n")
        on.keys(ESCAPE)
        await on.sees("\nnormal  stop\n")
        on.keys("\rcont")
        await on.until(typed(on, "cont"))
        assert on.session.lines == ["stop"]
        on.keys(ESCAPE)
        await on.sees("\nnormal\n")
        on.keys("rx")
        await on.until(typed(on, "conx"))
        on.keys(CTRL_C)
        await on.sees("\ntype a command")
        on.keys("cont")
        await on.until(typed(on, "cont"))
        on.keys(ESCAPE)
        await on.until(vi_mode(on, InputMode.NAVIGATION))
        on.keys("R")
        await on.sees("\nreplace")
        on.keys(ESCAPE)
        await on.sees("\nnormal")
        on.keys("v")
        on.session.preferences.change("editing", "emacs")
        await on.until(lambda: "normal" not in on.picture())

    on_stage(scene)


@pytest.mark.parametrize("opened", ["menu", "sheet", "event"])
def test_escape_leaves_vis_insert_mode_whatever_else_it_leaves(opened: str) -> None:
    async def scene(on: Stage) -> None:
        on.session.preferences.change("editing", "vi")
        screen = on.screen.screen
        if opened == "menu":
            on.session.candidates = several(3)
            on.keys("name-")
            await on.sees("name-2")
        elif opened == "sheet":
            on.keys("name-" + F1)
            await on.until(lambda: screen.sheet)
        else:
            on.session.tell(Event("STOP", {}, 0.0, {}))
            await on.sees("STOP")
            on.keys("name-" + CTRL_UP)
            await on.until(lambda: screen.events.selected)
        on.keys(ESCAPE)
        await on.until(vi_mode(on, InputMode.NAVIGATION))
        assert on.screen.buffer.complete_state is None
        assert screen.sheet is None
        assert screen.events.selected is None
        on.keys("ix")
        await on.until(typed(on, "namex-"))

    on_stage(scene)


def test_no_menu_offers_itself_in_vis_normal_mode() -> None:
    async def scene(on: Stage) -> None:
        on.session.preferences.change("editing", "vi")
        on.session.candidates = several(3)
        on.keys("name-" + ESCAPE)
        await on.until(vi_mode(on, InputMode.NAVIGATION))
        on.screen.offer._open()
        assert on.screen.buffer.complete_state is None

    on_stage(scene)


def test_escape_waits_for_a_letter_only_where_it_means_nothing() -> None:
    """What is typed a moment behind Escape is no Alt key, where Escape leaves something."""

    async def scene(on: Stage) -> None:
        app = on.screen.app

        async def waits(keys: str, seconds: float) -> None:
            on.keys(keys)
            await on.until(lambda: app.timeoutlen == seconds, f"{keys!r} waits {seconds} s")

        await waits("x", CHORD)
        on.keys("\x1b/")
        await on.sees("search output")
        await waits("d", ALT)
        on.keys(ESCAPE)
        await on.until(lambda: not on.screen.screen.entry.is_open)
        await waits("y" + CTRL_C, CHORD)
        on.keys(F1)
        await on.until(lambda: on.screen.screen.sheet)
        await waits(ESCAPE, ALT)
        await on.until(lambda: on.screen.screen.sheet is None)
        await waits("z", CHORD)
        on.session.script["quit"] = asks(QUIT, lambda session, choice: Outcome())
        on.keys(CTRL_C + "quit\r")
        await on.sees("quit ends the VM.")
        await waits(ESCAPE, ALT)
        await on.sees("(QEMU) _")
        await waits("z" + CTRL_C, CHORD)
        on.session.tell(Event("STOP", {}, 0.0, {}))
        await on.sees("STOP")
        on.keys(CTRL_UP)
        await on.until(lambda: on.screen.screen.events.selected)
        await waits(ESCAPE, ALT)
        await on.until(lambda: on.screen.screen.events.selected is None)
        on.session.preferences.change("editing", "vi")
        await waits("balloon", ALT)
        await on.until(typed(on, "balloon"))

    on_stage(scene)


def test_searching_the_output_from_vis_navigation_mode() -> None:
    async def scene(on: Stage) -> None:
        on.session.preferences.change("editing", "vi")
        on.keys(ESCAPE)
        await on.until(lambda: on.screen.app.vi_state.input_mode == InputMode.NAVIGATION)
        on.keys("\x1b/Connected")
        await on.sees("1 of 1 line ")

    on_stage(scene)


# ------------------------------------------------------------------------ history


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


async def loaded(history: LineHistory) -> list[str]:
    return [entry async for entry in history.load()]


def test_each_mode_has_its_own_lines(state: Path) -> None:
    is_hmp = False
    history = LineHistory(lambda: is_hmp)
    history.append_string("query-status")
    history.append_string(" secretly")
    history.append_string("set_password protocol=vnc password=hunter2")
    is_hmp = True
    history.append_string("info status")
    history.append_string("set_password vnc hunter2")
    fresh = LineHistory(lambda: is_hmp)
    assert asyncio.run(loaded(fresh)) == ["set_password vnc ********", "info status"]
    assert fresh.get_strings() == ["info status", "set_password vnc ********"]
    is_hmp = False
    assert asyncio.run(loaded(fresh)) == [
        "set_password protocol=vnc password=********",
        "query-status",
    ]
    assert fresh.get_strings()[0] == "query-status"
    assert len(list(state.rglob("history*"))) == 2


def test_a_pasted_transcript_is_kept_without_its_secrets(state: Path) -> None:
    history = LineHistory(lambda: False)
    history.append_string(
        "stop\nset_password protocol=vnc password=hunter2\n"
        'object-add qom-type=secret id=s data=hunter2\n{"execute": "change-vnc-password", '
        '"arguments": {"password": "hunter2"}}'
    )
    assert "hunter2" not in "".join(asyncio.run(loaded(LineHistory(lambda: False))))


def test_the_arrows_see_the_lines_of_the_mode(state: Path) -> None:
    async def scene(on: Stage) -> None:
        history = LineHistory(lambda: on.session.prompt == "(hmp) ")
        on.screen.buffer.history = history
        on.session.script[".hmp"] = changes_prompt("(QEMU) ", "(hmp) ")
        on.keys("query-status\r.hmp\r")
        await on.sees("(hmp) _")
        on.keys("info status\rinfo")
        await on.until(typed(on, "info"))
        on.keys(F7)
        await on.sees("(QEMU) info_")
        on.keys(CTRL_C)
        await on.until(typed(on, ""))
        await on.until(lambda: len(on.screen.buffer._working_lines) == 3)
        on.keys(UP + UP)
        await on.until(typed(on, "query-status"))
        on.keys(CTRL_C + F7)
        await on.sees("(hmp) _")
        await on.until(lambda: len(on.screen.buffer._working_lines) == 2)
        on.keys(UP)
        await on.until(typed(on, "info status"))

    on_stage(scene)
