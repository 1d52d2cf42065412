"""The key table, from which the bindings, the key sheet and docs/shell.md are made.

Every function key has an Alt alternative, since some terminals and multiplexers use F1 to F12
themselves. `[keys]` in config.toml rebinds keys.

The editing modes are Emacs and vi: how a line begins, what the mode is called, how long Escape
waits for a letter. A terminal sends Alt and a letter as Escape and the letter, at once; a person
may type the two one after the other. If Escape means something by itself, the wait is only as long
as a terminal needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from prompt_toolkit.application import Application
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import emacs_mode
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.key_binding.vi_state import InputMode
from prompt_toolkit.keys import Keys

from qmpsh.errors import UsageError
from qmpsh.light_typing import NamedTuple
from qmpsh.render.tables import text_columns
from qmpsh.render.theme import Line
from qmpsh.suggest import did_you_mean

_WANTS_KEY = "expected a key such as F2, Alt-e or Ctrl-X Ctrl-E"
_TAKEN = "{key} is {other} already; rebind that as well"
_NO_KEY = "no key {name}{hint}"

KEY_SHEET_TITLE = "Keys on {}; F1 or Esc goes back"
PLAIN_SHEET_TITLE = "Keys on {}"


class KeyBinding(NamedTuple):
    """A row of the key table.

    keys:    all keys that do this, by prompt_toolkit's names
    shown:   the keys as shown to the user; "" if the row before covers it
    does:    the description on the key sheet; "" if the row before covers it
    handler: a name in `HANDLERS`; "" for what prompt_toolkit does by itself
    group:   what it is for
    """

    keys: tuple[str, ...]
    shown: str
    does: str
    handler: str = ""
    group: str = "the line"


REPLIES, EVENTS = "replies", "events"
"""What the keys are for: the groups of the key sheet, in its order."""

# "escape x" is Alt-x: the terminal sends Escape before the letter.
_OF_LINE = (
    KeyBinding(("f1", "escape h"), "F1, Alt-h, Alt-?", "help here; whole hint", "key_sheet"),
    KeyBinding(("escape ?",), "", "", "print_hint"),
    KeyBinding((), "Tab/Shift-Tab, Right", "complete; take suggestion"),
    KeyBinding(("c-right", "escape right"), "", "", "take_word"),
    KeyBinding(("c-r",), "Up/Down, Ctrl-R", "history, list of it", "list_history"),
    KeyBinding(("c-x c-e",), "Ctrl-X Ctrl-E", "line in $EDITOR (vi: v)", "edit_line"),
    KeyBinding(("c-c", "<sigint>"), "Ctrl-C, Ctrl-D", "clear, detach; leave", "interrupt"),
    KeyBinding(("c-d",), "", "", "leave"),
    KeyBinding(("c-z",), "Ctrl-Z, Ctrl-L", "suspend; clear the output", "suspend"),
    KeyBinding(("c-l",), "", "", "clear_output"),
    KeyBinding(("f7", "escape m"), "F7, Alt-m", "HMP mode on or off", "toggle_hmp"),
)
_OF_REPLIES = (
    KeyBinding(("escape up",), "Alt-Up/Alt-Down", "previous, next reply", "previous_reply"),
    KeyBinding(("escape down",), "", "", "next_reply"),
    KeyBinding(("f4", "escape f"), "F4, Alt-f", "fold or unfold the reply", "toggle_fold"),
    KeyBinding(("f5", "escape p"), "F5, Alt-p", "the reply in $PAGER", "page_reply"),
    KeyBinding(("escape c",), "Alt-c, Alt-s", "copy, save the reply", "copy_reply"),
    KeyBinding(("escape s",), "", "", "save_reply"),
    KeyBinding(("escape /",), "Alt-/ (/ if empty)", "search the output", "search_output"),
    KeyBinding(("pageup",), "PageUp/Down, F8 Alt-o", "scroll; mouse wheel too", "output_up"),
    KeyBinding(("pagedown",), "", "", "output_down"),
    KeyBinding(("f8", "escape o"), "", "", "toggle_mouse"),
    KeyBinding(("c-home",), "Ctrl-Home, (Ctrl-)End", "output: first, last line", "output_start"),
    KeyBinding(("c-end",), "", "", "output_tail"),
    KeyBinding(("end",), "", "", "end_of_line"),
)
_OF_EVENTS = (
    KeyBinding(("f2", "escape e"), "F2, F3, Alt-e, Alt-z", "events: pane, zoom", "toggle_events"),
    KeyBinding(("f3", "escape z"), "", "", "zoom_events"),
    KeyBinding(("f6", "escape j"), "F6, Alt-j", "jobs and migration", "toggle_jobs"),
    KeyBinding(("c-pageup",), "Ctrl-PageUp/PageDown", "scroll the events", "events_up"),
    KeyBinding(("c-pagedown",), "", "", "events_down"),
    KeyBinding(("c-up",), "Ctrl-Up/Ctrl-Down", "select event, Enter opens", "previous_event"),
    KeyBinding(("c-down",), "", "", "next_event"),
)
KEYS = (
    *_OF_LINE,
    *(key._replace(group=REPLIES) for key in _OF_REPLIES),
    *(key._replace(group=EVENTS) for key in _OF_EVENTS),
)


def shown_keys(keys: Sequence[KeyBinding]) -> list[tuple[str, str]]:
    """Return the keys of the rows that show any, and what each does."""
    return [(key.shown, key.does) for key in keys if key.shown]


def key_sheet(keys: Sequence[KeyBinding] = KEYS, title: str = KEY_SHEET_TITLE) -> list[Line]:
    """Return the table as styled lines, with the title and the group above each group's keys."""
    shown = [key for key in keys if key.shown]
    width = max(text_columns(key.shown) for key in shown)
    lines: list[Line] = []
    for group in dict.fromkeys(key.group for key in shown):
        lines.append([("dim", group if lines else title.format(group))])
        lines += [
            [("hint.current", key.shown.ljust(width)), ("", f"  {key.does}")]
            for key in shown
            if key.group == group
        ]
    return lines


_PREFIXES = {"ctrl": "c", "control": "c", "c": "c", "shift": "s", "s": "s"}
_ALT = frozenset({"alt", "meta", "m"})


class KeyTakenError(UsageError):
    """The error of a key that would mean two things. handler: the name of the change."""

    def __init__(self, message: str, handler: str) -> None:
        super().__init__(message)
        self.handler = handler


def read_keys(text: str) -> str:
    """Translate `Ctrl-X Ctrl-E`, `Alt-h` or `F2` into prompt_toolkit's names, as in the key table.

    Raises UsageError for an unknown key.
    """
    names = [name for word in text.split() for name in _names(word)]
    if not names:
        raise UsageError(_WANTS_KEY)
    try:
        KeyBindings().add(*names)(_nothing)
    except ValueError as error:
        message = f"expected a key such as F2, Alt-e or Ctrl-X Ctrl-E, not {text}"
        raise UsageError(message) from error
    return " ".join(names)


def rebound(
    keys: Iterable[KeyBinding], changes: Mapping[str, Sequence[str]]
) -> tuple[KeyBinding, ...]:
    """Return the table with other keys.

    changes: a handler's name to its keys as text; an empty sequence unbinds it
    Raises KeyTaken for a key that would mean two things, UsageError for an unknown one.
    """
    read = {name: tuple(map(read_keys, texts)) for name, texts in changes.items()}
    table = tuple(
        key._replace(keys=read[key.handler], shown=", ".join(changes[key.handler]) or "(no key)")
        if key.handler in read
        else key
        for key in keys
    )
    owners: dict[str, str] = {}
    for key in table:
        for name in key.keys:
            owner = owners.setdefault(name, key.handler)
            if owner != key.handler:
                asked, other = (key.handler, owner) if key.handler in read else (owner, key.handler)
                text = changes[asked][read[asked].index(name)]
                raise KeyTakenError(_TAKEN.format(key=text, other=other), asked)
    return table


def check_name(name: str, keys: Iterable[KeyBinding]) -> None:
    """Raise UsageError for a name that is not in the table."""
    names = [key.handler for key in keys if key.handler]
    if name not in names:
        hint = did_you_mean(name, names) or f"; there are {', '.join(names)}"
        raise UsageError(_NO_KEY.format(name=name, hint=hint))


def _names(word: str) -> list[str]:
    """Return the names of one key; Alt becomes Escape before it."""
    *prefixes, last = word.split("-") if len(word) > 1 and not word.endswith("-") else [word]
    short = [prefix.lower() for prefix in prefixes]
    key = last.lower() if len(last) > 1 or prefixes[:1] not in ([], ["Alt"], ["alt"]) else last
    modifiers = [_PREFIXES.get(prefix, prefix) for prefix in short if prefix not in _ALT]
    name = "-".join([*modifiers, key])
    return ["escape", name] if _ALT.intersection(short) else [name]


def _nothing(event: KeyPressEvent) -> None:
    """Do nothing: this only tests the names of keys."""


T = TypeVar("T")

EDITING_MODES = {"emacs": EditingMode.EMACS, "vi": EditingMode.VI}

CHORD_SECONDS = 0.3
"""seconds between the keys of a chord such as Ctrl-X Ctrl-E, or Escape and a letter"""

ALT_SECONDS = 0.05
"""most seconds between Escape and a letter that a terminal sent as one key"""

VI_MODE_WORDS = {
    InputMode.NAVIGATION: "normal",
    InputMode.REPLACE: "replace",
    InputMode.REPLACE_SINGLE: "replace",
}
"""vi's names for the modes in which a letter is not inserted"""


def mode_word(app: Application[T]) -> str:
    """Return vi's mode in a word; "" if letters are inserted."""
    if app.editing_mode != EditingMode.VI:
        return ""
    if app.current_buffer.selection_state is not None:
        return "visual"
    return VI_MODE_WORDS.get(app.vi_state.input_mode, "")


def insert_mode(app: Application[T]) -> None:
    """Switch to inserting: a new line never begins in vi's normal mode, as in any other shell."""
    app.vi_state.reset()


def leave_insert(app: Application[T]) -> None:
    """Do what Escape does in vi: the cursor moves back onto the last letter. No effect in Emacs."""
    if app.editing_mode == EditingMode.VI and not mode_word(app):
        buffer = app.current_buffer
        buffer.cursor_position += buffer.document.get_cursor_left_position()
        app.vi_state.input_mode = InputMode.NAVIGATION


def watch_escape(app: Application[T], means_something: Callable[[], bool]) -> None:
    """Make keys wait less for the rest of a chord while Escape means something by itself."""

    def wait_for_chord(_: object) -> None:
        alone = app.editing_mode == EditingMode.VI or means_something()
        app.timeoutlen = ALT_SECONDS if alone else CHORD_SECONDS

    app.key_processor.before_key_press += wait_for_chord


def ignore_unbound_alt(bindings: KeyBindings) -> None:
    """Ignore Alt and a letter without a binding; in vi they are Escape and a letter."""

    def swallow(event: KeyPressEvent) -> None:
        pressed = event.key_sequence[-1]
        if not pressed.data.isprintable():
            # Not a letter, but a key that was pressed after Escape.
            event.app.key_processor.feed(pressed, first=True)

    bindings.add("escape", Keys.Any, filter=emacs_mode)(swallow)
