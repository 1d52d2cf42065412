"""`.set` on the screen and at the line prompt, aliases, and secrets that are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from prompt_toolkit.enums import EditingMode

from qmpsh.errors import UsageError
from qmpsh.shell.steps import AskSecret, Note, Outcome
from qmpsh.ui.common.history import LineHistory
from tests.ui.fakes import FakeSession, Script, answers, asks
from tests.ui.stage import Stage, stage
from tests.ui.test_plain import PlainStage
from tests.ui.test_plain import on_stage as on_paper


def on_screen(scene: Callable[[Stage], Awaitable[None]], columns: int = 100) -> None:
    async def run() -> None:
        async with stage(columns) as on:
            await scene(on)

    asyncio.run(run())


def heard(typed: list[str]) -> Script:
    """The line asks for a secret and keeps it."""

    def done(session: FakeSession, secret: str) -> Outcome:
        typed.append(secret)
        return Outcome()

    return asks(AskSecret("password for set_password:", ()), done)


def test_a_secret_is_typed_and_never_shown() -> None:
    typed: list[str] = []

    async def scene(on: Stage) -> None:
        on.session.script["set_password"] = heard(typed)
        on.keys("set_password\r")
        await on.sees("password for set_password:")
        assert "what you type is not shown" in on.picture()
        on.keys("nope\x15hunter3\x7f2\x1b[C")
        on.keys("\x1b[200~ pasted\x1b[201~\r")
        await on.until(lambda: typed)
        await on.sees("(QEMU) _")
        assert "hunter" not in on.picture() + "".join(on.screen.buffer.history.get_strings())

    on_screen(scene)
    assert typed == ["hunter2 pasted"]


def test_a_secret_may_be_refused_and_asked_for_again() -> None:
    typed: list[str] = []

    async def scene(on: Stage) -> None:
        on.session.script["set_password"] = heard(typed)
        on.keys("set_password\r")
        await on.sees("password for set_password:")
        on.keys("left over\x03")
        await on.sees("(QEMU) _")
        on.keys("set_password\r")
        await on.sees("password for set_password:")
        on.keys("\r")
        await on.until(lambda: typed)

    on_screen(scene)
    assert typed == [""]


def test_a_secret_at_the_line_prompt() -> None:
    typed: list[str] = []

    async def scene(on: PlainStage) -> None:
        on.session.script["set_password"] = heard(typed)
        on.keys("set_password\r")
        await on.sees("password for set_password:")
        on.keys("hunter2\r")
        await on.until(lambda: typed)
        await on.sees("password for set_password:", "(QEMU)")
        on.keys("set_password\r")
        await on.sees("password for set_password:")
        on.keys("\x03")
        await on.sees("(QEMU)")

    on_paper(scene)
    assert typed == ["hunter2"]


def test_the_screen_follows_the_options() -> None:
    async def scene(on: Stage) -> None:
        preferences = on.session.preferences
        await on.sees("events")
        preferences.change("events", "off")
        await on.until(lambda: "│" not in on.picture())
        preferences.change("events", "on")
        preferences.change("events-width", "70")
        await on.until(lambda: on.picture().split("\n")[0].find("│") == 29)
        preferences.change("editing", "vi")
        assert on.screen.app.editing_mode is EditingMode.VI
        preferences.change("mouse", "on")
        assert on.screen.app.renderer.mouse_support()
        preferences.change("theme", "monokai")
        style = on.screen.app.style
        assert style is not None
        assert style.get_attrs_for_style_str("").bgcolor == "272822"
        with pytest.raises(UsageError, match="no theme monokay"):
            preferences.change("theme", "monokay")
        assert preferences.values.theme == "monokai"

    on_screen(scene)


def test_the_line_prompt_follows_the_options() -> None:
    async def scene(on: PlainStage) -> None:
        on.session.preferences.change("editing", "vi")
        on.session.preferences.change("theme", "light")
        assert on.plain._prompt.editing_mode is EditingMode.VI
        on.keys("\x1bcistop\r")
        await on.until(lambda: on.session.lines)

    on_paper(scene)


def test_an_alias_is_shown_as_what_it_stands_for() -> None:
    async def scene(on: Stage) -> None:
        on.session.catalog.aliases = {"pw": "set_password vnc", "st": "query-status"}
        on.session.script["query-status --json"] = answers(Note("done"))
        on.keys("st --json\rpw hunter2\rnst\r")
        await on.until(lambda: len(on.session.lines) == 3)
        await on.sees("(QEMU) query-status --json")
        await on.sees("(QEMU) set_password ********")
        assert on.session.lines == ["query-status --json", "set_password vnc hunter2", "nst"]
        assert "hunter2" not in on.picture()
        on.session.prompt = "(hmp) "
        on.keys("st\r")
        await on.until(lambda: on.session.lines[-1] == "st")

    on_screen(scene)


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
