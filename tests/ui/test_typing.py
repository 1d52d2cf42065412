"""Whatever is typed, into either front end: no advice has a fault, and the session goes on."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from qmpsh.complete.candidates import Candidate, Catalog
from qmpsh.complete.complete import complete, prefetch
from qmpsh.complete.hints import Fault, find_faults, hint
from qmpsh.language.reader import Split, split_lines
from qmpsh.language.syntax import Mode
from qmpsh.render.theme import UNICODE, Line
from qmpsh.shell.session.listener import SessionListener
from qmpsh.shell.session.session import Connect
from qmpsh.ui.common.front_end import TerminalEnv
from qmpsh.ui.line.app import LinePrompt
from qmpsh.ui.screen.app import FullScreen
from tests.complete.hostile import hostile_catalog
from tests.complete.test_complete import LINES, catalog
from tests.fuzzing import examples
from tests.ui.fakes import FakeSession

KNOWN = (catalog("7.2"), catalog("10.0"), hostile_catalog("zz | touch X #"))

KEYS = st.sampled_from(
    [
        "\t", "\t", "\x1b[Z", "\r", "\x7f", "\x01", "\x05", "\x02", "\x06", "\x0b", "\x15", "\x17",
        "\x14", "\x12", "\x07", "\x0c", "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[C", "\x1b[H", "\x1b[F",
        "\x1bb", "\x1bf", "\x1bd", "\x1b/", "\x1b[200~a\nb={\n\x00\x1b[31m\u202e}\x1b[201~",
        "\x1bOP", "\x1bOR", "\x1bOS", "\x1b[18~", "\x1b[5~", "\x1b[6~",
    ]
)  # fmt: skip
"""Keys of the shell that neither leave it nor give the terminal away"""
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20)
PRESSED = st.lists(LINES.filter(str.isprintable) | TEXT | KEYS, max_size=8)


class Knowing(FakeSession):
    """A session without a VM that advises as a real one does."""

    def __init__(self, watcher: SessionListener, known: Catalog) -> None:
        super().__init__(watcher)
        self.catalog = known

    @property
    def mode(self) -> Mode:
        return Mode(prompt=True, bare_verbs=frozenset({"help", "wait"}))

    def split(self, text: str) -> Split:
        return split_lines(text, self.mode)

    def complete(self, text: str, cursor: int, *, asked: bool = True) -> list[Candidate]:
        return complete(text, cursor, self.catalog, self.mode)

    def hint(self, text: str, cursor: int) -> Line:
        prefetch(text, cursor, self.catalog, self.mode)
        return hint(text, cursor, self.catalog, self.mode)

    def faults(self, text: str) -> list[Fault]:
        return find_faults(text, self.catalog, self.mode)


def dummy(pipe: PipeInput) -> TerminalEnv:
    """Return a terminal that shows nothing."""
    return TerminalEnv(input=pipe, output=DummyOutput(), glyphs=UNICODE, stream=io.StringIO())


async def on_screen(keys: list[str], connect: Connect) -> None:
    with create_pipe_input() as pipe:
        screen = FullScreen(connect, InMemoryHistory(), env=dummy(pipe))
        task = asyncio.ensure_future(screen.run())
        await type_keys(pipe, keys, lambda: screen.app.current_buffer.text, task)
        screen.app.exit(result=0)
        assert await task == 0
        screen.session.close()


async def on_line(keys: list[str], connect: Connect) -> None:
    with create_pipe_input() as pipe:
        plain = LinePrompt(connect, InMemoryHistory(), env=dummy(pipe))
        task = asyncio.ensure_future(plain.run())
        await type_keys(pipe, keys, lambda: plain._prompt.default_buffer.text, task)
        pipe.send_text("\x15\x04")
        assert await asyncio.wait_for(task, 20) == 0
        plain.session.close()


async def type_keys(
    pipe: PipeInput, keys: list[str], text: Callable[[], str], task: asyncio.Task[int]
) -> None:
    for key in keys:
        pipe.send_text(key)
    # Ctrl-C leaves what the keys have opened: a search, a sheet, a line.
    pipe.send_text("\x03\x03\x03end")
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 20
    while not text().endswith("end"):
        assert loop.time() < deadline, f"never; instead: {text()!r}"
        assert not task.done(), task.result()
        await asyncio.sleep(0.001)


def quick(times: float) -> settings:
    """Of examples that start a whole front end; they share a home, one after the other."""
    suppressed = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(examples(times), suppress_health_check=suppressed)


FRONTS = {"screen": on_screen, "line": on_line}


@pytest.mark.parametrize("front", FRONTS)
@quick(0.05)
@given(PRESSED, st.sampled_from(range(len(KNOWN))))
@example(["stop ={:0"], 0)
@example(["command either=", "\t", "\t", "\r"], 2)
def test_typing(front: str, private_home: Path, keys: list[str], known: int) -> None:
    asyncio.run(FRONTS[front](keys, lambda watcher: Knowing(watcher, KNOWN[known])))
    found = [path.read_text() for path in private_home.glob("**/crash-*")]
    assert found == []
