"""`.screen --until` after `.type`: the change that it waits for first, and where none comes."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

import pytest

from qmpsh.client.client import Client
from qmpsh.display.fonts import Font
from qmpsh.errors import ReplyTimeout
from qmpsh.shell.screen.dump import Display
from qmpsh.shell.screen.reader import FontShelf, ScreenReader, Shot
from qmpsh.shell.steps import Wish
from qmpsh.shell.verbs import screen
from tests.display.drawing import FONT, draw
from tests.shell.scripted import ScriptedShell

T = TypeVar("T")

OLD = "/ #"
LOOKS = 12
"""at an unchanged screen, before it counts"""


class ScriptedScreen(ScreenReader):
    """Shows these texts in turn, the last one for all later looks.

    looks: so far, that of `.type` included; late: from which look on the VM does not answer
    """

    def __init__(self, client: Client, shown: Sequence[str], late: int = 1000) -> None:
        super().__init__(client)
        self.looks = 0
        self._shown = [*shown]
        self._late = late

    def looking(
        self, steps: Generator[Wish, str, T], deadline: float | None
    ) -> Generator[Wish, str, T]:
        return (yield from steps)

    def shot(
        self, display: Display, deadline: float | None, font: Font | None = None
    ) -> Generator[Wish, str, Shot]:
        self.looks += 1
        if self.looks >= self._late:
            raise ReplyTimeout("no reply to screendump")
        text = self._shown.pop(0) if len(self._shown) > 1 else self._shown[0]
        yield from ()
        return Shot(draw(text.split("\n"), columns=20), FontShelf(None, FONT))


class TypedShell(ScriptedShell):
    """A shell that has typed; `.screen` shows `shown` after `before`."""

    def __init__(self, *shown: str, before: str = OLD, late: int = 1000) -> None:
        super().__init__()
        self.screen = ScriptedScreen(self.client, (before, *shown), late)
        self.context.screen = self.screen
        assert self.run(r".type --rate 0 'clear\n'").exit_code == 0
        assert self.screen.looks == 1

    def until(self, words: str) -> str:
        """Return the row that is found."""
        self.run(f".screen --until {words}")
        return self.answers[-1].text or ""


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no time between two looks."""
    monkeypatch.setattr(screen, "POLL_SECONDS", 0.0)


def test_the_old_prompt_is_not_taken_for_the_new_one() -> None:
    shell = TypedShell(OLD, OLD, "/ # clear", "6.1.0\n/ #")
    assert shell.until("'6|#$'") == "6.1.0"
    assert shell.screen.looks == 5


def test_a_change_before_the_first_look_counts() -> None:
    shell = TypedShell("6.1.0\n/ #")
    assert shell.until("'#$'") == OLD
    assert shell.screen.looks == 2


def test_a_screen_that_looks_as_before_counts_in_the_end() -> None:
    """`clear` where there is nothing but the prompt; a program that draws the same again."""
    shell = TypedShell(OLD)
    assert shell.until("'#$'") == OLD
    assert shell.screen.looks == 1 + LOOKS + 1


def test_it_is_awaited_once() -> None:
    shell = TypedShell(OLD)
    shell.until("'#$'")
    looks = shell.screen.looks
    assert shell.until("'#$'") == OLD
    assert shell.screen.looks == looks + 1


def test_the_time_may_be_shorter_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "POLL_SECONDS", 60.0)
    shell = TypedShell(OLD)
    assert shell.until("'#$' --timeout 10ms") == OLD
    assert shell.screen.looks == 2
    assert shell.until("'#$'") == OLD  # and is not awaited again
    assert shell.screen.looks == 3


def test_a_vm_may_be_too_slow_for_so_many_looks() -> None:
    """With both cores busy a picture takes seconds: the time is over while one is awaited."""
    shell = TypedShell(OLD, late=4)
    assert shell.until("'#$' --timeout 30") == OLD


def test_where_the_pattern_is_not_shown_it_says_that_nothing_changed() -> None:
    shell = TypedShell(OLD)
    outcome = shell.run(".screen --until login: --timeout 50ms")
    assert (outcome.exit_code, str(outcome.error)) == (
        124,
        ".screen: waited 0.05 s for login:; the screen has not changed since .type",
    )


@pytest.mark.parametrize("late", [2, 4])
def test_a_vm_that_does_not_answer_is_why_a_row_was_not_found(
    late: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "_SILENT_SECONDS", 0.0)
    outcome = TypedShell(OLD, late=late).run(".screen --until login: --timeout 30")
    assert (outcome.exit_code, str(outcome.error)) == (124, "no reply to screendump")


@pytest.mark.parametrize(
    "late, said",
    [
        (2, "no reply to screendump"),
        (4, ".screen: waited 30 s for login:; the screen has not changed since .type"),
    ],
)
def test_the_time_that_is_over_in_the_middle_of_a_look(late: int, said: str) -> None:
    """It is the reason only where there was no look before."""
    outcome = TypedShell(OLD, late=late).run(".screen --until login: --timeout 30")
    assert (outcome.exit_code, str(outcome.error)) == (124, said)


def test_what_is_typed_next_is_awaited_again() -> None:
    shell = TypedShell("6.1.0\n/ #", "6.1.0\n/ #", "6.1.0\n/ #", "login:")
    assert shell.until("'#$'") == OLD
    shell.run(r".type --rate 0 'exit\n'")
    assert shell.until("'#$|:$'") == "login:"
