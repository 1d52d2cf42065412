"""The table of keys: what the bindings and the key sheet are both made from.

Every function key has an Alt twin, since some terminals and multiplexers keep F1 to F12.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qmpsh.tui.rows import text_width
from qmpsh.view.theme import Line


class Key(NamedTuple):
    """keys: prompt_toolkit's names of what does the same; shown: for a person; does: on the sheet.

    handler: a name of `actions.HANDLERS`; "" for what prompt_toolkit does by itself
    """

    keys: tuple[str, ...]
    shown: str
    does: str
    handler: str = ""


# "escape x" is Alt-x: a terminal sends Escape before the letter.
KEYS = (
    Key(("f1", "escape h"), "F1, Alt-h", "this key sheet, and back", "key_sheet"),
    Key(("f2", "escape e"), "F2, Alt-e", "events pane on or off", "toggle_events"),
    Key(("f3", "escape z"), "F3, Alt-z", "zoom the events", "zoom_events"),
    Key(("f4", "escape f"), "F4, Alt-f", "fold or unfold the last reply", "toggle_fold"),
    Key(("f5", "escape p"), "F5, Alt-p", "last reply in $PAGER", "page_reply"),
    Key(("f7", "escape m"), "F7, Alt-m", "HMP mode on or off", "toggle_hmp"),
    Key(("pageup",), "PageUp", "output, back", "output_up"),
    Key(("pagedown",), "PageDown", "output, on", "output_down"),
    Key(("c-home",), "Ctrl-Home", "output, the first line", "output_start"),
    Key(("c-end",), "Ctrl-End", "output, the newest line", "output_tail"),
    Key(("end",), "End", "end of line, or the newest line", "end_of_line"),
    Key(("c-pageup",), "Ctrl-PageUp", "events, back", "events_up"),
    Key(("c-pagedown",), "Ctrl-PageDown", "events, on", "events_down"),
    Key((), "Tab, Shift-Tab", "complete; next, previous"),
    Key((), "Right, Ctrl-E", "take what history suggests"),
    Key((), "Up, Down", "history"),
    Key((), "Ctrl-R", "search history"),
    Key(("c-c", "<sigint>"), "Ctrl-C", "clear the line, or let go", "interrupt"),
    Key(("c-d",), "Ctrl-D", "leave (the line is empty)", "leave"),
    Key(("c-l",), "Ctrl-L", "clear the output", "clear_output"),
)


def key_sheet(keys: Sequence[Key] = KEYS) -> list[Line]:
    """The table as styled lines."""
    width = max(text_width(key.shown) for key in keys)
    rows: list[Line] = [
        [("hint.current", key.shown.ljust(width)), ("", f"  {key.does}")] for key in keys
    ]
    return [[("dim", "Keys; F1 or Esc goes back")], *rows]
