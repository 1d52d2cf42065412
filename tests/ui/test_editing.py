"""The line being typed: rows, brackets, the menu that offers itself, the editor, vi, history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from prompt_toolkit.key_binding.vi_state import InputMode

from qmpsh.complete.candidates import Candidate
from qmpsh.errors import UsageError
from qmpsh.language.reader import split_lines
from qmpsh.protocol.messages import Event
from qmpsh.shell.steps import Outcome
from qmpsh.ui.common.external import editor_command
from qmpsh.ui.common.history import LineHistory
from qmpsh.ui.common.keys import ALT_SECONDS, CHORD_SECONDS
from qmpsh.ui.screen.actions import open_brackets
from qmpsh.ui.screen.menu import MAX_OFFERED
from tests.ui.fakes import QUIT, asks, changes_prompt
from tests.ui.harness import ScreenHarness, on_screen
from tests.ui.keycodes import CTRL_C, CTRL_R, CTRL_UP, CTRL_X_CTRL_E, ESCAPE, F1, F7, TAB, UP


def typed(ui: ScreenHarness, text: str) -> Callable[[], bool]:
    return lambda: ui.screen.buffer.text == text


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


@on_screen()
async def test_rows_stand_as_deep_as_brackets_are_open(ui: ScreenHarness) -> None:
    ui.keys("a b={\rc: {\rd: 1\r}\r}")
    await ui.until(typed(ui, "a b={\n  c: {\n    d: 1\n  }\n}"))
    ui.keys("\r")
    await ui.until(lambda: ui.session.lines == ["a b={\n  c: {\n    d: 1\n  }\n}"])


@on_screen()
async def test_the_matching_bracket_stands_out(ui: ScreenHarness) -> None:
    ui.keys("a b={c: [1]}")
    await ui.sees("a b={c: [1]}")
    window = ui.screen._regions.prompt
    assert window.render_info is not None
    row = window.render_info.ui_content.get_line(0)
    marked = [text for style, text, *_ in row if "matching-bracket" in style]
    assert marked == ["{", "}"]


@on_screen()
async def test_a_paste_is_shown_and_counted_before_it_runs(ui: ScreenHarness) -> None:
    ui.keys("\x1b[200~-> { 'execute': 'stop' }\n<- { 'return': {} }\ncont\x1b[201~")
    await ui.sees("3 lines: Enter runs them one by one, Ctrl-C drops them")
    assert ui.session.lines == []
    ui.keys("\r")
    await ui.until(lambda: len(ui.session.lines) == 3)


@on_screen()
async def test_an_alt_key_that_means_nothing_types_nothing(ui: ScreenHarness) -> None:
    ui.keys("sto\x1bk\x1bg\x1b\u00e9p")
    await ui.until(typed(ui, "stop"))
    ui.keys(ESCAPE)
    await ui.until(lambda: ui.screen.app.key_processor.key_buffer)
    ui.keys(CTRL_C)
    await ui.until(typed(ui, ""))


# ------------------------------------------------------------------------ the menu


def several(count: int) -> list[Candidate]:
    return [Candidate(f"name-{number}", 0, "command") for number in range(count)]


@on_screen()
async def test_a_menu_of_few_offers_itself_and_the_arrows_stay_the_historys(
    ui: ScreenHarness,
) -> None:
    ui.keys("name-old\r")
    await ui.until(lambda: len(ui.session.lines) == 1)
    ui.session.candidates = several(3)
    ui.keys("name-")
    await ui.sees("name-2")
    assert ui.screen.auto_menu.is_open
    ui.keys(UP)
    await ui.until(typed(ui, "name-old"))
    await ui.until(lambda: "name-2" not in ui.picture())
    ui.keys(CTRL_C + "name-")
    await ui.sees("name-2")
    ui.keys(TAB)
    await ui.until(typed(ui, "name-0"))
    ui.keys("\r\r")
    await ui.until(lambda: ui.session.lines == ["name-old", "name-0"])


@on_screen()
async def test_the_only_one_is_taken_by_tab_though_the_menu_is_open(ui: ScreenHarness) -> None:
    ui.session.candidates = several(1)
    ui.keys("name")
    await ui.sees("name-0")
    ui.keys(TAB)
    await ui.until(typed(ui, "name-0"))
    assert ui.screen.buffer.complete_state is None


@on_screen()
async def test_an_open_menu_stays_open_while_letters_are_typed(ui: ScreenHarness) -> None:
    ui.session.candidates = several(3)
    ui.keys("name")
    await ui.sees("name-2")
    drawn = len(ui.sent)
    ui.keys("-")
    await ui.until(typed(ui, "name-"))
    assert ui.screen.auto_menu.is_open
    await ui.sees("(QEMU) name-_")
    assert ui.sent[drawn:].isprintable(), "the menu was drawn again"


@on_screen((40, 12))
async def test_a_suggestion_adds_no_row(ui: ScreenHarness) -> None:
    line = "device_add driver=virtio-blk-pci id=a-rather-long-name"
    ui.keys(f"{line}\r")
    await ui.until(lambda: len(ui.session.lines) == 1)
    ui.keys("dev")
    await ui.sees("(QEMU) device_add driver=virtio-blk-pc…")
    assert ui.picture().split("\n")[10].startswith("(QEMU) dev")
    ui.keys("\x1b[C")
    await ui.until(typed(ui, line))


@on_screen()
async def test_enter_beside_an_offered_menu_runs_what_was_typed(ui: ScreenHarness) -> None:
    ui.session.candidates = several(3)
    ui.keys("name-")
    await ui.sees("name-2")
    ui.keys("\r")
    await ui.until(lambda: ui.session.lines == ["name-"])


@pytest.mark.parametrize(
    "candidates, line",
    [
        (several(MAX_OFFERED + 1), "name-"),
        ([Candidate("name-0", 0)], "name-0"),
        ([], "name-"),
    ],
)
@on_screen()
async def test_no_menu_where_it_would_say_nothing_or_too_much(
    ui: ScreenHarness, candidates: list[Candidate], line: str
) -> None:
    ui.session.candidates = candidates
    ui.keys(line)
    await ui.until(typed(ui, line))
    ui.screen.auto_menu._open()
    assert ui.screen.auto_menu._asked is not None
    assert not ui.screen.auto_menu._is_ours


@on_screen()
async def test_no_menu_opens_again_after_escape(ui: ScreenHarness) -> None:
    ui.session.candidates = several(2)
    ui.keys("name-" + TAB)
    await ui.until(lambda: ui.screen.buffer.complete_state is not None)
    assert ui.screen.auto_menu._timer is None


@on_screen()
async def test_no_menu_while_something_else_has_the_keys(ui: ScreenHarness) -> None:
    ui.session.candidates = several(2)
    ui.keys("name-\x1b/")
    await ui.sees("search output")
    ui.screen.auto_menu._open()
    assert ui.screen.auto_menu._asked is None


@on_screen()
async def test_what_comes_from_the_vm_later_is_offered_then(ui: ScreenHarness) -> None:
    ui.keys("name-")
    await ui.until(typed(ui, "name-"))
    ui.screen.auto_menu._open()

    def facts() -> None:
        ui.session.candidates = several(2)
        ui.session.watcher.facts()

    ui.session.on_poll(facts)
    await ui.sees("name-1")


@on_screen()
async def test_the_menu_never_stands_on_the_line(ui: ScreenHarness) -> None:
    ui.session.candidates = several(30)
    ui.keys("a b={\rc: 1,\rname-" + TAB)
    await ui.sees("name-5")
    rows = ui.picture().split("\n")
    first = next(index for index, row in enumerate(rows) if row.startswith("(QEMU) a b={"))
    assert rows[first + 1].strip() == "...   c: 1,"
    assert sum("name-" in row for row in rows[:first]) == 20 // 3
    assert not any("command" in row for row in rows[first:])


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


@on_screen()
async def test_the_line_comes_back_from_the_editor(
    ui: ScreenHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", "sh -c 'sed -i s/stop/cont/ \"$0\"'")
    ui.keys("stop now" + CTRL_X_CTRL_E)
    await ui.until(typed(ui, "cont now"))
    ui.session.preferences.change("editing", "vi")
    ui.keys("stop")
    await ui.until(typed(ui, "cont nowstop"))
    ui.keys(ESCAPE)
    await ui.until(lambda: ui.screen.app.vi_state.input_mode == InputMode.NAVIGATION)
    ui.keys("v")
    await ui.until(typed(ui, "cont nowcont"))


@pytest.mark.parametrize(
    "editor, said",
    [
        ("false", "false ended with 1: the line is unchanged"),
        ("/no/such", "/no/such was not found; install it"),
        ("rm", "cannot read the edited line"),
    ],
)
@on_screen()
async def test_an_editor_in_trouble_leaves_the_line(
    ui: ScreenHarness, editor: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", editor)
    ui.keys("stop now" + CTRL_X_CTRL_E)
    await ui.sees(said)
    assert ui.screen.buffer.text == "stop now"


# ------------------------------------------------------------------------ vi


@on_screen()
async def test_vi_keys_and_back(ui: ScreenHarness) -> None:
    ui.session.preferences.change("editing", "vi")
    ui.keys("query-block" + ESCAPE)
    await ui.until(lambda: ui.screen.app.vi_state.input_mode == InputMode.NAVIGATION)
    ui.keys("0cwstop")
    await ui.until(typed(ui, "stop-block"))
    ui.keys("\r")
    await ui.until(lambda: ui.session.lines == ["stop-block"])
    ui.keys(CTRL_R + "blo")
    await ui.sees("history: blo")
    ui.keys("\r")
    await ui.until(typed(ui, "stop-block"))
    ui.session.preferences.change("editing", "emacs")
    ui.keys("\x01x")
    await ui.until(typed(ui, "xstop-block"))


def vi_mode(ui: ScreenHarness, mode: InputMode) -> Callable[[], bool]:
    return lambda: ui.screen.app.vi_state.input_mode == mode


@on_screen()
async def test_each_line_begins_in_vis_insert_mode_and_the_other_is_named(
    ui: ScreenHarness,
) -> None:
    ui.session.preferences.change("editing", "vi")
    ui.session.hints["stop"] = [("hint", "stop")]
    ui.keys("stop")
    await ui.sees("\nstop\n")
    ui.keys(ESCAPE)
    await ui.sees("\nnormal  stop\n")
    ui.keys("\rcont")
    await ui.until(typed(ui, "cont"))
    assert ui.session.lines == ["stop"]
    ui.keys(ESCAPE)
    await ui.sees("\nnormal\n")
    ui.keys("rx")
    await ui.until(typed(ui, "conx"))
    ui.keys(CTRL_C)
    await ui.sees("\ntype a command")
    ui.keys("cont")
    await ui.until(typed(ui, "cont"))
    ui.keys(ESCAPE)
    await ui.until(vi_mode(ui, InputMode.NAVIGATION))
    ui.keys("R")
    await ui.sees("\nreplace")
    ui.keys(ESCAPE)
    await ui.sees("\nnormal")
    ui.keys("v")
    ui.session.preferences.change("editing", "emacs")
    await ui.until(lambda: "normal" not in ui.picture())


@pytest.mark.parametrize("opened", ["menu", "sheet", "event"])
@on_screen()
async def test_escape_leaves_vis_insert_mode_whatever_else_it_leaves(
    ui: ScreenHarness, opened: str
) -> None:
    ui.session.preferences.change("editing", "vi")
    screen = ui.screen.state
    if opened == "menu":
        ui.session.candidates = several(3)
        ui.keys("name-")
        await ui.sees("name-2")
    elif opened == "sheet":
        ui.keys("name-" + F1)
        await ui.until(lambda: screen.key_sheet)
    else:
        ui.session.send_event(Event("STOP", {}, 0.0, {}))
        await ui.sees("STOP")
        ui.keys("name-" + CTRL_UP)
        await ui.until(lambda: screen.events.selected)
    ui.keys(ESCAPE)
    await ui.until(vi_mode(ui, InputMode.NAVIGATION))
    assert ui.screen.buffer.complete_state is None
    assert screen.key_sheet is None
    assert screen.events.selected is None
    ui.keys("ix")
    await ui.until(typed(ui, "namex-"))


@on_screen()
async def test_no_menu_offers_itself_in_vis_normal_mode(ui: ScreenHarness) -> None:
    ui.session.preferences.change("editing", "vi")
    ui.session.candidates = several(3)
    ui.keys("name-" + ESCAPE)
    await ui.until(vi_mode(ui, InputMode.NAVIGATION))
    ui.screen.auto_menu._open()
    assert ui.screen.buffer.complete_state is None


@on_screen()
async def test_escape_waits_for_a_letter_only_where_it_means_nothing(ui: ScreenHarness) -> None:
    """What is typed a moment after Escape is not an Alt key where Escape leaves something."""
    app = ui.screen.app

    async def waits(keys: str, seconds: float) -> None:
        ui.keys(keys)
        await ui.until(lambda: app.timeoutlen == seconds, f"{keys!r} waits {seconds} s")

    await waits("x", CHORD_SECONDS)
    ui.keys("\x1b/")
    await ui.sees("search output")
    await waits("d", ALT_SECONDS)
    ui.keys(ESCAPE)
    await ui.until(lambda: not ui.screen.state.entry_row.is_open)
    await waits("y" + CTRL_C, CHORD_SECONDS)
    ui.keys(F1)
    await ui.until(lambda: ui.screen.state.key_sheet)
    await waits(ESCAPE, ALT_SECONDS)
    await ui.until(lambda: ui.screen.state.key_sheet is None)
    await waits("z", CHORD_SECONDS)
    ui.session.script["quit"] = asks(QUIT, lambda session, choice: Outcome())
    ui.keys(CTRL_C + "quit\r")
    await ui.sees("quit ends the VM.")
    await waits(ESCAPE, ALT_SECONDS)
    await ui.sees("(QEMU) _")
    await waits("z" + CTRL_C, CHORD_SECONDS)
    ui.session.send_event(Event("STOP", {}, 0.0, {}))
    await ui.sees("STOP")
    ui.keys(CTRL_UP)
    await ui.until(lambda: ui.screen.state.events.selected)
    await waits(ESCAPE, ALT_SECONDS)
    await ui.until(lambda: ui.screen.state.events.selected is None)
    ui.session.preferences.change("editing", "vi")
    await waits("balloon", ALT_SECONDS)
    await ui.until(typed(ui, "balloon"))


@on_screen()
async def test_searching_the_output_from_vis_navigation_mode(ui: ScreenHarness) -> None:
    ui.session.preferences.change("editing", "vi")
    ui.keys(ESCAPE)
    await ui.until(lambda: ui.screen.app.vi_state.input_mode == InputMode.NAVIGATION)
    ui.keys("\x1b/Connected")
    await ui.sees("1 of 1 line ")


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


@on_screen()
async def test_the_arrows_see_the_lines_of_the_mode(ui: ScreenHarness, state: Path) -> None:
    history = LineHistory(lambda: ui.session.prompt == "(hmp) ")
    ui.screen.buffer.history = history
    ui.session.script[".hmp"] = changes_prompt("(QEMU) ", "(hmp) ")
    ui.keys("query-status\r.hmp\r")
    await ui.sees("(hmp) _")
    ui.keys("info status\rinfo")
    await ui.until(typed(ui, "info"))
    ui.keys(F7)
    await ui.sees("(QEMU) info_")
    ui.keys(CTRL_C)
    await ui.until(typed(ui, ""))
    await ui.until(lambda: len(ui.screen.buffer._working_lines) == 3)
    ui.keys(UP + UP)
    await ui.until(typed(ui, "query-status"))
    ui.keys(CTRL_C + F7)
    await ui.sees("(hmp) _")
    await ui.until(lambda: len(ui.screen.buffer._working_lines) == 2)
    ui.keys(UP)
    await ui.until(typed(ui, "info status"))
