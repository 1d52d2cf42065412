"""The key table: the source of the bindings, the key sheet and docs/shell.md.

Every function key has an Alt alternative, since some terminals and multiplexers use F1 to F12
themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from qmpsh.view.columns import text_columns
from qmpsh.view.theme import Line

TITLE = "Keys; F1 or Esc goes back"


class Key(NamedTuple):
    """One row of the table.

    keys:    all keys that do this, by prompt_toolkit's names
    shown:   the keys as shown to the user; "" if the row before covers it
    does:    the description on the key sheet; "" if the row before covers it
    handler: a name in `HANDLERS`; "" for what prompt_toolkit does by itself
    """

    keys: tuple[str, ...]
    shown: str
    does: str
    handler: str = ""


# "escape x" is Alt-x: the terminal sends Escape before the letter.
KEYS = (
    Key(("f1", "escape h"), "F1, Alt-h", "this key sheet, and back", "key_sheet"),
    Key(("f2", "escape e"), "F2, Alt-e", "events pane on or off", "toggle_events"),
    Key(("f3", "escape z"), "F3, Alt-z", "zoom the events", "zoom_events"),
    Key(("f4", "escape f"), "F4, Alt-f", "fold or unfold last reply", "toggle_fold"),
    Key(("f5", "escape p"), "F5, Alt-p", "last reply in $PAGER", "page_reply"),
    Key(("f7", "escape m"), "F7, Alt-m", "HMP mode on or off", "toggle_hmp"),
    Key(("f8", "escape o"), "F8, Alt-o", "mouse on or off: wheel", "toggle_mouse"),
    Key(("pageup",), "PageUp/PageDown", "output, back and on", "output_up"),
    Key(("pagedown",), "", "", "output_down"),
    Key(("c-home",), "Ctrl-Home/Ctrl-End", "its first, its newest line", "output_start"),
    Key(("c-end",), "", "", "output_tail"),
    Key(("end",), "End", "end of line, or of output", "end_of_line"),
    Key(("escape up",), "Alt-Up/Alt-Down", "previous, next reply", "previous_reply"),
    Key(("escape down",), "", "", "next_reply"),
    Key(("escape /",), "Alt-/", "search the output", "search_output"),
    Key(("escape c",), "Alt-c, Alt-s", "copy, save the last reply", "copy_reply"),
    Key(("escape s",), "", "", "save_reply"),
    Key(("c-pageup",), "Ctrl-PageUp/PageDown", "events, back and on", "events_up"),
    Key(("c-pagedown",), "", "", "events_down"),
    Key(("c-up",), "Ctrl-Up/Ctrl-Down", "select event, Enter opens", "previous_event"),
    Key(("c-down",), "", "", "next_event"),
    Key((), "Tab/Shift-Tab, Right", "complete; take suggestion"),
    Key((), "Up/Down, Ctrl-R", "history, search in it"),
    Key(("c-x c-e",), "Ctrl-X Ctrl-E", "line in $EDITOR (vi: v)", "edit_line"),
    Key(("c-c", "<sigint>"), "Ctrl-C, Ctrl-D", "clear, detach; leave", "interrupt"),
    Key(("c-d",), "", "", "leave"),
    Key(("c-z",), "Ctrl-Z, Ctrl-L", "suspend; clear the output", "suspend"),
    Key(("c-l",), "", "", "clear_output"),
)


def shown_keys(keys: Sequence[Key]) -> list[tuple[str, str]]:
    """Return the keys of the rows that show any, and what each does."""
    return [(key.shown, key.does) for key in keys if key.shown]


def key_sheet(keys: Sequence[Key] = KEYS, title: str = TITLE) -> list[Line]:
    """Return the table as styled lines."""
    shown = [key for key in keys if key.shown]
    width = max(text_columns(key.shown) for key in shown)
    rows: list[Line] = [
        [("hint.current", key.shown.ljust(width)), ("", f"  {key.does}")] for key in shown
    ]
    return [[("dim", title)], *rows]
