"""What the history gives back: suggestions and recalled lines are the lines that were typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory

from qmpsh.shell.history import HistoryFile
from qmpsh.ui.common.history import SuggestLine


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
    found = SuggestLine().get_suggestion(buffer, Document(typed))
    assert (found and found.text) == rest


@pytest.mark.parametrize(
    "line", ['x="a\rquit"', 'x="a\r+quit"', 'x="a\n+quit"', "x=\x0b\x0c\x85\u2028", "a\r\n\r\n# b"]
)
def test_an_entry_comes_back_whole(tmp_path: Path, line: str) -> None:
    file = HistoryFile(str(tmp_path / "history"))
    file.append(line)
    file.append("stop")
    assert file.load() == [line, "stop"]
