"""What the terminal answers is taken out of what is typed, whenever it comes."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prompt_toolkit import PromptSession
from prompt_toolkit.application import create_app_session, run_in_terminal
from prompt_toolkit.application.current import set_app
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.output import DummyOutput

from qmpsh.render.terminal_answers import (
    BACKGROUND,
    FENCE,
    TerminalAnswers,
    background_of,
    may_be_asked,
)
from qmpsh.ui.common.terminal_input import TerminalInput, lend_terminal, lent_mode
from tests.qemu import Vm
from tests.waiting import PATIENCE

COLOUR = "\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\"
ATTRIBUTES = "\x1b[?62;4;22c"
BOTH = COLOUR + ATTRIBUTES

KEYS = st.lists(
    st.sampled_from(["a", "]", "[", "?", "1", "\x1b", "\x1b[A", "\x1b]", "\x1b[?", "\r", "é"]),
    max_size=6,
).map("".join)


def typed(*pieces: str) -> str:
    """What is left of some pieces between which no time passes."""
    answers = TerminalAnswers()
    return "".join(map(answers.keys_of, pieces)) + answers.flush()


def test_the_request_ends_with_the_fence() -> None:
    assert TerminalAnswers().request == "\x1b]11;?\x1b\\\x1b[c"


@pytest.mark.parametrize(
    "text, keys",
    [
        (BOTH, ""),
        (f"ab{BOTH}cd", "abcd"),
        (f"a{COLOUR}b{ATTRIBUTES}c", "abc"),
        ("\x1b]11;rgb:ff/ff/ff\x07", ""),
        ("\x1b[A\x1b[B", "\x1b[A\x1b[B"),
        ("\x1b", "\x1b"),
        ("\x1b]", "\x1b]"),
        ("\x1b[c", "\x1b[c"),
        ("\x1b]11;yes\x07", "\x1b]11;yes\x07"),
        ("\x1b]11;" + "0" * 65, "\x1b]11;" + "0" * 65),
    ],
)
def test_keys(text: str, keys: str) -> None:
    assert typed(text) == keys


@given(KEYS, KEYS, st.integers(0, len(BOTH)))
def test_an_answer_may_come_in_two_pieces(before: str, after: str, cut: int) -> None:
    answers = TerminalAnswers()
    keys = answers.keys_of(before + BOTH[:cut])
    keys += answers.keys_of(BOTH[cut:] + after)
    assert keys + answers.flush() == before + after
    assert background_of(answers.found) == "#1e1e1e"
    assert answers.found[FENCE.opening] == "62;4;22"


@given(st.integers(0, len(BOTH)))
def test_time_may_pass_between_the_pieces(cut: int) -> None:
    answers = TerminalAnswers()
    keys = answers.keys_of(f"a{BOTH[:cut]}") + answers.flush() + answers.keys_of(f"{BOTH[cut:]}b")
    # One or two of its characters are what Escape and Alt-] send.
    assert keys in ("ab", "a\x1bb", "a\x1b]b", "a\x1b[b")
    assert not answers.is_open


@given(st.lists(KEYS, max_size=8))
@example(["\x1b", "[?\x1b", "]"])
def test_without_an_answer_every_key_arrives(pieces: list[str]) -> None:
    answers = TerminalAnswers()
    keys = "".join(answers.keys_of(piece) + answers.flush() for piece in pieces)
    assert keys + answers.keys_of("x") == "".join(pieces) + "x"


@pytest.mark.parametrize("key", ["", "a", "\x1b[A"])
def test_an_answer_begins_with_a_key_that_was_given(key: str) -> None:
    answers = TerminalAnswers()
    keys = [answers.keys_of(text) + answers.flush() for text in ("\x1b", "[?\x1b")]
    keys.append(answers.keys_of(f"{BOTH[1:]}{key}"))
    assert keys == ["\x1b", "[?\x1b", key]


@given(st.lists(st.text(st.sampled_from("\x1b]1;rgb:0/\x07[?62c\\"), max_size=12), max_size=6))
def test_no_text_is_an_error_and_nothing_is_added(pieces: list[str]) -> None:
    answers = TerminalAnswers()
    keys = "".join(answers.keys_of(piece) + answers.flush() for piece in pieces)
    left = iter("".join(pieces))
    assert all(key in left for key in keys)


@pytest.mark.parametrize(
    "answer, background",
    [
        ("rgb:1e1e/1e1e/1e1e", "#1e1e1e"),
        ("rgb:ff/00/80", "#ff0080"),
        ("rgb:f/0/8", "#ff0088"),
        ("rgba:fdfd/f6f6/e3e3/ffff", "#fdf6e3"),
        ("rgb:", ""),
        ("", ""),
    ],
)
def test_the_background(answer: str, background: str) -> None:
    assert background_of({BACKGROUND.opening: answer}) == background
    assert background_of({}) == ""


def test_terminals_that_are_not_asked() -> None:
    asked = ["xterm", "xterm-256color", "screen", "tmux-256color", "alacritty"]
    unasked = ["", "dumb", "linux", "vt100", "vt220", "ansi", "cygwin"]
    assert [term for term in asked + unasked if may_be_asked(term)] == asked


# ---------------------------------------------------------------------------- a real terminal


class CountingInput(TerminalInput):
    """An input that counts how often time has passed without a key."""

    pauses = 0

    def flush_keys(self) -> list[KeyPress]:
        self.pauses += 1
        return super().flush_keys()


class Pty:
    """The two ends of a terminal, and the input that reads from it."""

    def __init__(self) -> None:
        self.master, self._slave = pty.openpty()
        self._stdin = os.fdopen(self._slave, encoding="utf-8")
        self.input = CountingInput(self._stdin)

    def send(self, text: str) -> None:
        os.write(self.master, text.encode())

    def type(self, text: str) -> None:
        """Send a text that ends a line, and wait until the terminal has it, which takes a while."""
        self.send(text)
        ready, _, _ = select.select([self._slave], [], [], PATIENCE)
        assert ready

    @property
    def echoes(self) -> bool:
        return bool(int(str(termios.tcgetattr(self._slave)[3])) & termios.ECHO)

    def close(self) -> None:
        self._stdin.close()
        os.close(self.master)


@pytest.fixture
def terminal() -> Iterator[Pty]:
    found = Pty()
    yield found
    found.close()


async def line_of(terminal: Pty, texts: list[str], mode: EditingMode) -> str:
    """The line that a prompt returns when it is sent these texts, with a pause after each."""
    session: PromptSession[str] = PromptSession(
        input=terminal.input, output=DummyOutput(), editing_mode=mode
    )
    session.app.ttimeoutlen = 0.02
    asking = asyncio.ensure_future(session.prompt_async())
    for text in texts:
        before = terminal.input.pauses
        terminal.send(text)
        while terminal.input.pauses == before and not asking.done():
            await asyncio.sleep(0.005)
    return await asyncio.wait_for(asking, 10)


def test_what_was_typed_before_the_answer_is_in_the_line(terminal: Pty) -> None:
    written = io.StringIO()
    terminal.input.keep()
    terminal.input.ask(written)
    assert written.getvalue() == TerminalAnswers().request
    assert not terminal.echoes
    terminal.send(f"query{BOTH}-sta")
    assert terminal.input.background() == "#1e1e1e"
    assert asyncio.run(line_of(terminal, ["tus\r"], EditingMode.EMACS)) == "query-status"


@pytest.mark.parametrize("mode", list(EditingMode))
@pytest.mark.parametrize(
    "texts",
    [
        ["s", "t", "o", BOTH, "p\r"],
        ["sto", BOTH[:12], BOTH[12:], "p\r"],
        ["sto", BOTH[: len(COLOUR) + 4], BOTH[len(COLOUR) + 4 :] + "p\r"],
    ],
)
def test_a_late_answer_is_no_key(terminal: Pty, texts: list[str], mode: EditingMode) -> None:
    terminal.input.ask(io.StringIO())
    assert terminal.input.background() == ""
    assert asyncio.run(line_of(terminal, texts, mode)) == "stop"


def test_escape_is_a_key_while_no_answer_has_come(terminal: Pty) -> None:
    terminal.input.ask(io.StringIO())
    texts = ["stpp", "\x1b", "h", "r", "o", "\r"]
    assert asyncio.run(line_of(terminal, texts, EditingMode.VI)) == "stop"


def test_the_terminal_echoes_again_whatever_happens(terminal: Pty) -> None:
    terminal.input.restore()
    assert terminal.echoes
    terminal.input.keep()
    terminal.input.keep()
    assert not terminal.echoes
    terminal.input.restore()
    terminal.input.restore()
    assert terminal.echoes


@pytest.mark.parametrize("mode", list(EditingMode))
def test_a_key_typed_before_the_prompt_reads_is_that_key(terminal: Pty, mode: EditingMode) -> None:
    terminal.input.keep()
    terminal.type("stopx\x17cont\x04\r")
    assert asyncio.run(line_of(terminal, [], mode)) == "cont"


def test_a_key_typed_while_a_line_is_printed_is_that_key(terminal: Pty) -> None:
    async def typed_meanwhile() -> str:
        session: PromptSession[str] = PromptSession(input=terminal.input, output=DummyOutput())
        asking = asyncio.ensure_future(session.prompt_async())
        while not session.app.is_running:
            await asyncio.sleep(0)
        with set_app(session.app):
            await run_in_terminal(lambda: terminal.type("bc\x01\x04x\r"))
        return await asyncio.wait_for(asking, 10)

    terminal.input.keep()
    assert asyncio.run(typed_meanwhile()) == "xc"


def test_a_program_is_lent_the_terminal_as_it_was_found(terminal: Pty) -> None:
    async def echoes() -> list[bool]:
        shown = [terminal.echoes]
        with create_app_session(terminal.input):
            async with lend_terminal():
                shown.append(terminal.echoes)
                with lent_mode():
                    shown.append(terminal.echoes)
        return [*shown, terminal.echoes]

    terminal.input.keep()
    assert asyncio.run(echoes()) == [False, True, True, False]


# ---------------------------------------------------------------------------- the whole program

WHITE = "\x1b]11;rgb:ffff/ffff/ffff\x07" + ATTRIBUTES
TITLE_OF_LIGHT = "\x1b[38;5;25;1mqmpsh top"
OF_LIGHT, OF_ANY = "\x1b[0;38;5;25;1m(QEMU)", "\x1b[0;38;5;68;1m(QEMU)"


def drawn_until(terminal: int, end: str, answers: Mapping[str, str]) -> str:
    """What the program draws up to a text; answers: what it is sent once it has written a text."""
    drawn = ""
    waiting = dict(answers)
    deadline = time.monotonic() + PATIENCE
    while end not in drawn:
        # Of all together: what draws each second would never be late.
        ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"never: {end!r}; instead: {drawn[-2000:]!r}"
        drawn += os.read(terminal, 1 << 16).decode(errors="replace")
        for text in [text for text in waiting if text in drawn]:
            os.write(terminal, waiting.pop(text).encode())
    return drawn


@contextlib.contextmanager
def program(words: list[str], environ: Mapping[str, str], first: str = "") -> Iterator[int]:
    """The program with these words on a terminal; our end of that.

    first: what the terminal has sent before it starts: an answer that is there in time, however
           busy the machine is. The terminal has the mode then in which it is asked.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    if first:
        mode = termios.tcgetattr(theirs)
        mode[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(theirs, termios.TCSANOW, mode)
        os.write(ours, first.encode())
    process = subprocess.Popen(
        [sys.executable, "-m", "qmpsh", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "", **environ},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize(
    "environ, options, first, answers, wanted",
    [
        ({}, [], f"query{WHITE}-name", {}, OF_LIGHT),
        ({}, ["--plain"], f"query{WHITE}-name", {}, OF_LIGHT),
        ({}, [], "", {OF_ANY: f"query{WHITE}-name"}, OF_ANY),
        ({"COLORFGBG": "0;15"}, [], "", {"(QEMU)": "query-name"}, OF_LIGHT),
        ({"TERM": "linux"}, [], "", {"(QEMU)": "query-name"}, "(QEMU)"),
    ],
)
def test_a_terminal_is_asked_once(
    vm: Vm,
    environ: dict[str, str],
    options: list[str],
    first: str,
    answers: dict[str, str],
    wanted: str,
) -> None:
    with program([*options, vm.path], environ, first) as terminal:
        drawn = drawn_until(terminal, "-name", answers)
    assert wanted in drawn
    assert "rgb:" not in drawn
    assert "\x1b[6n" not in drawn  # nor where its cursor is
    assert drawn.count("\x1b]11;?") == (0 if environ else 1)


def test_the_table_of_vms_hears_its_terminal(vm: Vm) -> None:
    with program(["top", vm.path], {}, WHITE) as terminal:
        drawn_until(terminal, TITLE_OF_LIGHT, {})
