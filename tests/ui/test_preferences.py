"""`.set` on the screen and at the line prompt, aliases, and secrets that are asked for."""

from __future__ import annotations

import pytest
from prompt_toolkit.enums import EditingMode

from qmpsh.errors import UsageError
from qmpsh.shell.steps import AskSecret, Note, Outcome
from qmpsh.ui.common.history import LineHistory
from tests.ui.fakes import FakeSession, Script, answers, asks
from tests.ui.harness import LineHarness, ScreenHarness, on_line, on_screen


def asks_secret(typed: list[str]) -> Script:
    """The line asks for a secret and keeps it."""

    def done(session: FakeSession, secret: str) -> Outcome:
        typed.append(secret)
        return Outcome()

    return asks(AskSecret("password for set_password:", ()), done)


@on_screen(prepare=None)
async def test_a_secret_is_typed_and_never_shown(ui: ScreenHarness) -> None:
    typed: list[str] = []
    ui.session.script["set_password"] = asks_secret(typed)
    ui.keys("set_password\r")
    await ui.sees("password for set_password:")
    assert "what you type is not shown" in ui.picture()
    ui.keys("nope\x15hunter3\x7f2\x1b[C")
    ui.keys("\x1b[200~ pasted\x1b[201~\r")
    await ui.until(lambda: typed)
    await ui.sees("(QEMU) _")
    assert "hunter" not in ui.picture() + "".join(ui.screen.buffer.history.get_strings())
    assert typed == ["hunter2 pasted"]


@on_screen(prepare=None)
async def test_a_secret_may_be_refused_and_asked_for_again(ui: ScreenHarness) -> None:
    typed: list[str] = []
    ui.session.script["set_password"] = asks_secret(typed)
    ui.keys("set_password\r")
    await ui.sees("password for set_password:")
    ui.keys("left over\x03")
    await ui.sees("(QEMU) _")
    ui.keys("set_password\r")
    await ui.sees("password for set_password:")
    ui.keys("\r")
    await ui.until(lambda: typed)
    assert typed == [""]


@on_line
async def test_a_secret_at_the_line_prompt(ui: LineHarness) -> None:
    typed: list[str] = []
    ui.session.script["set_password"] = asks_secret(typed)
    ui.keys("set_password\r")
    await ui.ends_with("password for set_password:")
    ui.keys("hunter2\r")
    await ui.until(lambda: typed)
    await ui.ends_with("password for set_password:", "(QEMU)")
    ui.keys("set_password\r")
    await ui.ends_with("password for set_password:")
    ui.keys("\x03")
    await ui.ends_with("(QEMU)")
    assert typed == ["hunter2"]


@on_screen(prepare=None)
async def test_the_screen_follows_the_options(ui: ScreenHarness) -> None:
    preferences = ui.session.preferences
    await ui.sees("events")
    preferences.change("events", "off")
    await ui.until(lambda: "│" not in ui.picture())
    preferences.change("events", "on")
    preferences.change("events-width", "70")
    await ui.until(lambda: ui.picture().split("\n")[0].find("│") == 29)
    preferences.change("editing", "vi")
    assert ui.screen.app.editing_mode is EditingMode.VI
    preferences.change("mouse", "on")
    assert ui.screen.app.renderer.mouse_support()
    preferences.change("theme", "monokai")
    style = ui.screen.app.style
    assert style is not None
    assert style.get_attrs_for_style_str("").bgcolor == "262626"
    with pytest.raises(UsageError, match="no theme monokay"):
        preferences.change("theme", "monokay")
    assert preferences.values.theme == "monokai"


@on_screen()
async def test_a_theme_with_a_background_fills_every_cell(ui: ScreenHarness) -> None:
    ui.keys("stop\r")
    await ui.sees("0.3 ms")
    ui.session.preferences.change("theme", "monokai")
    backgrounds = {"262626", "3a3a3a"}  # of all, and of bars

    def found() -> set[str]:
        ui.picture()
        return {ui.terminal.buffer[row][column].bg for row in range(20) for column in range(100)}

    await ui.until(lambda: found() == backgrounds, f"{backgrounds} in every cell")
    ui.session.preferences.change("theme", "dark")
    await ui.until(lambda: found() == {"default", "303030"}, "the terminal's own again")


@on_line
async def test_the_line_prompt_follows_the_options(ui: LineHarness) -> None:
    ui.session.preferences.change("editing", "vi")
    ui.session.preferences.change("theme", "light")
    assert ui.prompt._prompt.editing_mode is EditingMode.VI
    ui.keys("\x1bcistop\r")
    await ui.until(lambda: ui.session.lines)


@on_screen(prepare=None)
async def test_an_alias_is_shown_as_what_it_stands_for(ui: ScreenHarness) -> None:
    ui.session.catalog.aliases = {"pw": "set_password vnc", "st": "query-status"}
    ui.session.script["query-status --json"] = answers(Note("done"))
    ui.keys("st --json\rpw hunter2\rnst\r")
    await ui.until(lambda: len(ui.session.lines) == 3)
    await ui.sees("(QEMU) query-status --json")
    await ui.sees("(QEMU) set_password ********")
    assert ui.session.lines == ["query-status --json", "set_password vnc hunter2", "nst"]
    assert "hunter2" not in ui.picture()
    ui.session.prompt = "(hmp) "
    ui.keys("st\r")
    await ui.until(lambda: ui.session.lines[-1] == "st")


@pytest.mark.parametrize(
    "line, hmp, kept",
    [
        ("st --json", False, "st --json"),
        ("pw hunter2", False, "set_password ********"),
        ("set_password vnc hunter2", True, "set_password vnc ********"),
        ("st", True, "st"),
    ],
)
def test_the_history_keeps_no_secret_of_an_alias(line: str, hmp: bool, kept: str) -> None:
    history = LineHistory(lambda: hmp, {"pw": "set_password vnc", "st": "query-status"})
    history.append_string(line)
    assert history.get_strings() == [kept]
    assert list(LineHistory(lambda: hmp).load_history_strings()) == [kept]
