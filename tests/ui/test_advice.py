"""A fault in what only advises: one report, one note, no advice, and the session goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from qmpsh.advice import Advice
from qmpsh.complete.candidates import Candidate
from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Event
from qmpsh.shell.steps import Answer
from qmpsh.ui.common.front_end import guard
from tests.ui.fakes import TABLE, WALL, answers
from tests.ui.harness import LineHarness, ScreenHarness, on_line, on_screen
from tests.ui.keycodes import CTRL_C, CTRL_D


def fail(*arguments: object, **named: object) -> None:
    raise ZeroDivisionError(f"a fault about {arguments}")


def reports(home: Path) -> list[Path]:
    return sorted((home / ".local/state/qmpsh").glob("crash-*.txt"))


def shows_note(ui: ScreenHarness | LineHarness, kind: str) -> bool:
    shown = ui.picture() if isinstance(ui, ScreenHarness) else "\n".join(ui.lines())
    text = "".join(shown.replace("│", " ").split())
    return "".join(f"{kind} left out: qmpsh has a fault".split()) in text


# What is patched, by the kind of advice, and what shows it.
SCREEN = [
    ("completion", "tests.ui.fakes.FakeSession.complete", "st\t"),
    ("completion", "qmpsh.ui.common.completer.completions", "st\t"),
    ("menu", "qmpsh.ui.screen.menu.MenuControl._content", "st\t"),
    ("hint", "tests.ui.fakes.FakeSession.hint", "stop"),
    ("colours", "tests.ui.fakes.FakeSession.faults", "stop"),
    ("colours", "qmpsh.ui.common.style.line_colours", "stop"),
    ("status", "qmpsh.ui.screen.state.StatusFacts", "stop"),
    ("suggestion", "qmpsh.ui.common.history.SuggestLine.get_suggestion", "stop"),
    ("pane", "qmpsh.ui.screen.state.cut", "stop"),
    ("layout", "qmpsh.ui.common.reporter.answer_body", "query-x\r"),
    ("layout", "qmpsh.render.answers.table_body", "query-t\r"),
    ("output", "qmpsh.render.answers.json_line", "query-x\r"),
    ("time and size", "qmpsh.ui.screen.output.cost", "query-x\r"),
    ("indent", "qmpsh.ui.screen.actions.open_brackets", "a{\r"),
]


async def survives(ui: ScreenHarness, home: Path, kind: str, typed: str) -> None:
    ui.keys(typed)
    await ui.until(lambda: shows_note(ui, kind), f"{kind} left out")
    # Ctrl-C closes what is open.
    ui.keys(f"{CTRL_C}{CTRL_C}stop\r")
    await ui.until(lambda: ui.session.lines[-1:] == ["stop"])
    assert not ui.has_ended
    assert ui.picture().count("left out") == 1
    assert len(reports(home)) == 1


@pytest.mark.parametrize("kind,patched,typed", SCREEN, ids=[row[1] for row in SCREEN])
@on_screen((120, 30))
async def test_the_screen_goes_on(
    ui: ScreenHarness,
    kind: str,
    patched: str,
    typed: str,
    private_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ui.session.candidates = [Candidate("stop", 0), Candidate("status", 0)]
    value: Json = [{"name": "a"}, {"name": "b"}]
    ui.session.script["query-x"] = answers(Answer("", value=value, size=14, seconds=0.0003))
    table = Answer("", value=value, modifiers=TABLE)
    ui.session.script["query-t"] = answers(table)
    if kind == "layout":
        with monkeypatch.context() as faulty:
            faulty.setattr(patched, fail)
            ui.keys(typed)
            await ui.until(lambda: shows_note(ui, kind), f"{kind} left out")
        typed_again = ""
    else:
        monkeypatch.setattr(patched, fail)
        typed_again = typed
    await survives(ui, private_home, kind, typed_again)
    if kind == "layout":
        assert '[{"name": "a"}, {"name": "b"}]' in ui.picture()


def test_the_banner_is_left_out(private_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @on_screen((120, 20))
    async def without_banner(ui: ScreenHarness) -> None:
        await survives(ui, private_home, "banner", "")

    monkeypatch.setattr("qmpsh.ui.common.banner.Banner.update", fail)
    without_banner()


@on_screen((120, 20))
async def test_events_are_named_where_they_cannot_be_shown(
    ui: ScreenHarness, private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qmpsh.ui.screen.events.EventPane.add", fail)
    ui.session.send_event(Event("STOP", {"evil": "\x1b[2J"}, WALL, {}))
    await ui.sees("event STOP")
    await survives(ui, private_home, "events", "")


@on_screen((120, 20))
async def test_an_echo_without_colours_is_masked(
    ui: ScreenHarness, private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qmpsh.ui.common.style.line_colours", fail)
    ui.keys("set_password protocol=vnc password=hunter2\r")
    await ui.sees("set_password protocol=vnc password=********")
    await ui.until(lambda: shows_note(ui, "colours"))
    ui.keys(CTRL_D)
    await ui.until(lambda: ui.has_ended)
    assert ui.exit_code == 0
    assert "hunter2" not in ui.stream.getvalue()
    (path,) = reports(private_home)
    assert "hunter2" not in path.read_text()


@on_screen()
async def test_a_fault_of_the_masker_shows_nothing(
    ui: ScreenHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qmpsh.secrets.masker.line_secrets", fail)
    ui.keys("set_password protocol=vnc password=hunter2\r")
    await ui.until(lambda: ui.session.lines != [])
    await ui.sees("(QEMU) ********")
    assert "hunter2" not in ui.picture()


# ------------------------------------------------------------------------ the line prompt

PLAIN = [
    ("completion", "tests.ui.fakes.FakeSession.complete", "st\t"),
    ("colours", "qmpsh.ui.common.style.line_colours", "stop"),
    ("layout", "qmpsh.ui.common.reporter.answer_body", "query-x\r"),
    ("output", "qmpsh.render.answers.json_line", "query-x\r"),
    ("progress", "qmpsh.ui.line.app.LinePrompt._show_progress", "query-x\r"),
    ("rows", "tests.ui.fakes.FakeSession.split", "a{"),
]


@pytest.mark.parametrize("kind,patched,typed", PLAIN, ids=[row[1] for row in PLAIN])
@on_line
async def test_the_line_prompt_goes_on(
    ui: LineHarness,
    kind: str,
    patched: str,
    typed: str,
    private_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    value: Json = [{"name": "a"}, {"name": "b"}]
    ui.session.script["query-x"] = answers(Answer("", value=value, size=14, seconds=0.0003))
    with monkeypatch.context() as faulty:
        faulty.setattr(patched, fail)
        ui.keys(typed)
        await ui.until(lambda: shows_note(ui, kind))
    ui.keys(f"{CTRL_C}stop\r")
    await ui.until(lambda: ui.session.lines[-1:] == ["stop"])
    assert not ui.has_ended
    assert len(reports(private_home)) == 1


@on_line
async def test_events_at_the_line_prompt(
    ui: LineHarness, private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qmpsh.ui.line.scrollback.event_line", fail)
    ui.session.send_event(Event("STOP", {}, WALL, {}))
    await ui.until(lambda: shows_note(ui, "events"))
    assert "STOP" in ui.lines()
    assert len(reports(private_home)) == 1


# ------------------------------------------------------------------------ the guard


def test_only_the_first_fault_of_a_kind_is_reported() -> None:
    notes: list[str] = []
    advice = Advice(lambda error, kind: f"{kind}: {error}", notes.append)
    for kind in ("a", "a", "b"):
        assert advice.get(kind, lambda: 1 // 0, lambda: 7) == 7
    assert notes == [f"{kind}: integer division or modulo by zero" for kind in "ab"]


def test_a_fault_in_the_report_of_a_fault_ends_nothing() -> None:
    def fail_too(text: str) -> None:
        raise ValueError(text)

    for advice in (Advice(lambda error, kind: kind, fail_too), Advice(fail, print)):  # type: ignore[arg-type] # returns nothing
        assert advice.get("a", lambda: 1 // 0, lambda: 7) == 7


def test_an_interrupt_is_not_a_fault() -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Advice(lambda error, kind: kind, print).get("a", interrupt, lambda: 7)


def test_no_event_loop_is_needed_to_report() -> None:
    notes: list[str] = []
    advice = guard(notes.append, lambda: "")
    assert advice.get("a", lambda: 1 // 0, lambda: 7) == 7
    assert len(notes) == 1

    async def inside() -> None:
        assert guard(notes.append, lambda: "").get("b", lambda: 1 // 0, lambda: 7) == 7
        assert len(notes) == 1
        await asyncio.sleep(0)
        assert len(notes) == 2

    asyncio.run(inside())
