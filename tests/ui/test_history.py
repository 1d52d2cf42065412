"""What the history gives back: suggestions and recalled lines are the lines that were typed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.history import History, InMemoryHistory

from qmpsh.paths import state_file
from qmpsh.shell.history import HistoryFile
from qmpsh.shell.steps import Answer
from qmpsh.ui.common.history import Failures, LineHistory, SuggestLine
from tests.ui.fakes import answers
from tests.ui.harness import ScreenHarness, on_screen


@pytest.mark.parametrize(
    "entries, typed, rest",
    [
        (["stop", "query-status"], "qu", "ery-status"),
        (["query-a", "query-b"], "query-", "b"),
        (["stop"], "stop", ""),
        (["stop"], "x", None),
        (["stop"], " ", None),
        (["stop"], "", None),
        # What stands inside of an entry is no line of its own.
        (['object-add id="a\nquit"'], "qu", None),
        (['object-add id="a\u2028quit"'], "qu", None),
        (['object-add id="a\x0cquit"'], "qu", None),
        (["stop\ncont"], "st", None),
        # What cannot be seen, or is not what was typed, is not suggested.
        (["stop \x1b[2J| sh"], "st", None),
        (["stop \u202e| sh"], "st", None),
        (["set_password protocol=vnc password=********"], "set", None),
    ],
)
def test_suggestions(entries: list[str], typed: str, rest: str | None) -> None:
    buffer = Buffer(history=InMemoryHistory(entries))
    for entry in entries:
        buffer.history.append_string(entry)
    found = SuggestLine(Failures(buffer.history)).get_suggestion(buffer, Document(typed))
    assert (found and found.text) == rest


@pytest.mark.parametrize(
    "line", ['x="a\rquit"', 'x="a\r+quit"', 'x="a\n+quit"', "x=\x0b\x0c\x85\u2028", "a\r\n\r\n# b"]
)
def test_an_entry_comes_back_whole(tmp_path: Path, line: str) -> None:
    file = HistoryFile(str(tmp_path / "history"))
    file.append(line)
    file.append("stop")
    assert file.load() == [line, "stop"]


def suggested(history: History, typed: str) -> str | None:
    buffer = Buffer(history=history)
    found = SuggestLine(Failures(history)).get_suggestion(buffer, Document(typed))
    return found.text if found else None


def lines(*typed: str) -> LineHistory:
    """A history as a new session finds it, with lines added."""
    history = LineHistory(lambda: False)

    async def load() -> list[str]:
        return [entry async for entry in history.load()]

    asyncio.run(load())
    for line in typed:
        history.append_string(line)
    return history


def test_what_failed_is_not_suggested_until_it_is_well(private_home: Path) -> None:
    history = lines("query-a", "query-b")
    failures = Failures(history)
    failures.judge("(QEMU) ", "query-b", failed=True)
    assert suggested(history, "query-") == "a"
    # Nor in a session that reads the file.
    assert suggested(lines(), "query-") == "a"
    assert lines().stored() == ["query-a", "query-b"]
    failures.judge("(QEMU) ", "query-b", failed=False)
    assert suggested(history, "query-") == "b"
    assert suggested(lines(), "query-") == "b"


def test_how_a_private_or_secret_line_ended_is_not_written(private_home: Path) -> None:
    history = lines("stop")
    before = HistoryFile(state_file("history")).read()
    for line in (" device_del id=x", "set_password protocol=vnc password=hunter2", "a\nb"):
        Failures(history).judge("(QEMU) ", line, failed=True)
    assert HistoryFile(state_file("history")).read() == before
    assert history.failed == set()


def test_each_mode_has_its_own_failures(private_home: Path) -> None:
    history = lines("info x")
    Failures(history).judge("(hmp) ", "info x", failed=True)
    assert suggested(history, "info") == " x"


def test_without_a_file_failures_are_those_of_the_session() -> None:
    history = InMemoryHistory(["stop"])
    history.append_string("stop")
    failures = Failures(history)
    failures.judge("(QEMU) ", "stop", failed=True)
    assert "stop" in failures
    failures.judge("(QEMU) ", "stop", failed=False)
    assert "stop" not in failures


@on_screen()
async def test_a_line_that_was_refused_is_no_ghost(ui: ScreenHarness) -> None:
    ui.session.script["device_del id=x"] = answers(Answer("no device x", failed=True))
    ui.keys("device_del id=y\rdevice_del id=x\r")
    await ui.until(lambda: ui.session.lines[1:] == ["device_del id=x"])
    ui.keys("device_del")
    await ui.until(lambda: ui.screen.buffer.suggestion)
    assert ui.screen.buffer.suggestion is not None
    assert ui.screen.buffer.suggestion.text == " id=y"


# A file of any content gives entries; what is appended to it comes back after them.
PARTS = st.lists(
    st.sampled_from([b"\n", b"+", b"-", b"=", b"# 2026", b"stop", b"\r", b"\xff", b"\x85", b"\0"])
).map(b"".join)
LINES = st.text(st.sampled_from("ab +-=#\n\r\x85\u2028\x00é"), min_size=1, max_size=12)
shares_the_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@shares_the_file
@given(PARTS | st.binary(), LINES, st.booleans())
def test_any_file_is_a_history(tmp_path: Path, data: bytes, line: str, failed: bool) -> None:
    path = tmp_path / "history"
    path.write_bytes(data)
    file = HistoryFile(str(path))
    before = file.read()
    assert before.failed <= set(before.entries)
    file.append(line)
    assert file.load() == [*before.entries, line]
    if "\n" not in line:
        file.append(line, "-" if failed else "=")
        assert (line in file.read().failed) is failed
