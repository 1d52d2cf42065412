"""Ctrl-R at the line prompt: the lines typed before in the menu of the candidates, newest first."""

from __future__ import annotations

from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.completion import Completion

from qmpsh.render.safe import visible_word
from qmpsh.ui.common.history import matching, newest_first

NO_ENTRY = "no line typed before contains this"


def offer_history(buffer: Buffer) -> bool:
    """Open the menu with the lines that contain the words of the typed one, at the newest of them.

    Returns whether there is any.
    """
    buffer.cursor_position = len(buffer.text)
    found = matching(newest_first(buffer.history.get_strings()), buffer.text)
    if found:
        buffer.complete_state = CompletionState(
            buffer.document,
            [
                Completion(
                    entry,
                    start_position=-len(buffer.text),
                    display=visible_word(entry),
                    display_meta=f"{place}/{len(found)}",
                )
                for place, entry in enumerate(found, 1)
            ],
        )
        buffer.go_to_completion(0)
    return bool(found)
