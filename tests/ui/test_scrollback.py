"""A long text on paper: printed piece by piece, never all of it held, coloured only where small."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prompt_toolkit.output import DummyOutput

from qmpsh.render.answers import AnswerBody, BodyKind
from qmpsh.render.theme import ASCII, Line, TerminalColours
from qmpsh.ui.common.style import make_style
from qmpsh.ui.line import scrollback
from qmpsh.ui.line.printer import COLOURED_CHARACTERS, Printer
from qmpsh.ui.line.scrollback import LINES_PER_PRINT, Scrollback


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[str, str]]]:
    """What each printing was given."""
    seen: list[list[tuple[str, str]]] = []
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(
        scrollback, "print_formatted_text", lambda _, text, *__, **___: seen.append(text)
    )
    return seen


def a_scrollback() -> Scrollback:
    return Scrollback(DummyOutput(), make_style("dark", TerminalColours()), ASCII, lambda: None)


def test_lines_are_made_as_they_are_printed(printed: list[list[tuple[str, str]]]) -> None:
    made: list[int] = []

    def lines() -> Iterator[Line]:
        for number in range(3 * LINES_PER_PRINT + 1):
            assert (
                number - LINES_PER_PRINT * len(printed) < LINES_PER_PRINT
            )  # all before them stand on paper
            made.append(number)
            yield [("", str(number))]

    a_scrollback().print(lines())
    assert len(made) == 3 * LINES_PER_PRINT + 1
    assert len(printed) == 4
    text = "".join(text for piece in printed for _, text in piece)
    assert text == "".join(f"{number}\n" for number in made)


@pytest.mark.parametrize(
    "lines, classes",
    [
        (["1"] * 10, {"class:json.number", ""}),
        (["1" * 1024] * (COLOURED_CHARACTERS // 1024 + 1), {""}),
    ],
    ids=["small", "large"],
)
def test_a_large_text_has_no_colours(
    printed: list[list[tuple[str, str]]], lines: list[str], classes: set[str]
) -> None:
    Printer(a_scrollback(), ASCII, lambda: 0.0).reply(AnswerBody(lines, BodyKind.JSON))
    assert {role for piece in printed for role, _ in piece} == classes
