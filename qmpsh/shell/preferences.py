"""What can be changed while the shell runs: `.set`, and the table [options] of config.toml.

There is one row per option: how its text is read and written, and what it means for the shell
itself. Whatever else acts on an option subscribes and gets its name; nothing here knows a screen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from qmpsh.complete.candidates import Setting
from qmpsh.display.forms import AUTO, FORMS
from qmpsh.errors import UsageError
from qmpsh.jsontypes import read_boolean, read_int
from qmpsh.language.syntax import FORMATS, parse_duration
from qmpsh.light_typing import NamedTuple
from qmpsh.share.limits import MAX_REQUEST_BYTES, MOST_REQUEST_BYTES
from qmpsh.suggest import did_you_mean

_WANTS_WORD = "expected {words}, not {word}"
_WANTS_SWITCH = "expected on or off, not {word}"
_WANTS_COLUMNS = "expected auto, or columns from {least} to {most}, not {word}"
_WANTS_BYTES = "expected a size from 64K to 1M, not {word}"
_NO_OPTION = "no option {name}{hint}"

MIN_EVENTS_COLUMNS, MAX_EVENTS_COLUMNS = 12, 200
"""of the events pane"""

VIEWS = ("json", *(name for name, row in FORMATS.items() if row.is_view))
"""The words of `.set view`; json is the plain value, in no format."""


class PreferenceValues(NamedTuple):
    """The values of all options of `.set`.

    theme: dark, light, none, auto or a pygments style; editing: emacs or vi; view: json or
    table; events: the pane is there; events_width: columns, 0 for as many as fit; timeout:
    seconds, None for no limit; live: ask the VM for values; confirm: ask before what ends
    it; overview: show the machine on the first screen; share: let other qmpsh of the user
    use the monitor; share_limit: bytes of one of their requests; pictures: in which form they are
    shown.
    """

    theme: str = "auto"
    editing: str = "emacs"
    view: str = "json"
    events: bool = True
    events_width: int = 0
    mouse: bool = False
    live: bool = True
    timeout: float | None = None
    confirm: bool = True
    overview: bool = True
    share: bool = True
    share_limit: int = MAX_REQUEST_BYTES
    pictures: str = AUTO


class PreferenceRow(NamedTuple):
    """An option of `.set`.

    put: the values with this text read into them, raises UsageError; get: its text; choices: the
    words that it takes, () for others.
    """

    summary: str
    put: Callable[[PreferenceValues, str], PreferenceValues]
    get: Callable[[PreferenceValues], str]
    choices: tuple[str, ...] = ()


def _one_of(word: str, *words: str) -> str:
    if word not in words:
        raise UsageError(_WANTS_WORD.format(words=" or ".join(words), word=word))
    return word


def _switch(word: str) -> bool:
    value = read_boolean(word)
    if value is None:
        raise UsageError(_WANTS_SWITCH.format(word=word))
    return value


def _width(word: str) -> int:
    if word == "auto":
        return 0
    least, most = MIN_EVENTS_COLUMNS, MAX_EVENTS_COLUMNS
    if not (word.isascii() and word.isdigit() and least <= int(word[:9]) <= most):
        raise UsageError(_WANTS_COLUMNS.format(least=least, most=most, word=word))
    return int(word)


def _request_bytes(word: str) -> int:
    size = read_int(word)
    if size is None or not MAX_REQUEST_BYTES <= size <= MOST_REQUEST_BYTES:
        raise UsageError(_WANTS_BYTES.format(word=word))
    return size


def _time(word: str) -> float | None:
    return None if word == "none" else parse_duration(word)


def _switch_row(
    summary: str,
    get: Callable[[PreferenceValues], bool],
    put: Callable[[PreferenceValues, bool], PreferenceValues],
) -> PreferenceRow:
    """Return the row of an option that is on or off."""
    return PreferenceRow(
        summary,
        lambda values, word: put(values, _switch(word)),
        lambda values: "on" if get(values) else "off",
        ("on", "off"),
    )


ROWS: dict[str, PreferenceRow] = {
    "theme": PreferenceRow(
        "dark, light, none, auto or a pygments style",
        lambda values, word: values._replace(theme=word),
        lambda values: values.theme,
        ("auto", "dark", "light", "none"),
    ),
    "editing": PreferenceRow(
        "keys of the prompt: emacs or vi",
        lambda values, word: values._replace(editing=_one_of(word, "emacs", "vi")),
        lambda values: values.editing,
        ("emacs", "vi"),
    ),
    "view": PreferenceRow(
        f"show lists of objects as {' or '.join(VIEWS)}",
        lambda values, word: values._replace(view=_one_of(word, *VIEWS)),
        lambda values: values.view,
        VIEWS,
    ),
    "events": _switch_row(
        "the events pane",
        lambda values: values.events,
        lambda values, on: values._replace(events=on),
    ),
    "events-width": PreferenceRow(
        "columns of the events pane, or auto",
        lambda values, word: values._replace(events_width=_width(word)),
        lambda values: str(values.events_width or "auto"),
        ("auto",),
    ),
    "mouse": _switch_row(
        "use the mouse in qmpsh; off: leave it to the terminal, to select text",
        lambda values: values.mouse,
        lambda values, on: values._replace(mouse=on),
    ),
    "live": _switch_row(
        "ask the VM for values and types to complete",
        lambda values: values.live,
        lambda values, on: values._replace(live=on),
    ),
    "timeout": PreferenceRow(
        "the longest wait for an answer, or none",
        lambda values, word: values._replace(timeout=_time(word)),
        lambda values: "none" if values.timeout is None else f"{values.timeout:g}s",
        ("none",),
    ),
    "confirm": _switch_row(
        "ask before commands that end or reset the VM",
        lambda values: values.confirm,
        lambda values, on: values._replace(confirm=on),
    ),
    "overview": _switch_row(
        "the machine at a glance on the first screen",
        lambda values: values.overview,
        lambda values, on: values._replace(overview=on),
    ),
    "share": _switch_row(
        "let other qmpsh of yours use the monitor through this shell",
        lambda values: values.share,
        lambda values, on: values._replace(share=on),
    ),
    "share-limit": PreferenceRow(
        "the longest request of a program that shares the monitor, 64K to 1M",
        lambda values, word: values._replace(share_limit=_request_bytes(word)),
        lambda values: f"{values.share_limit // 1024}K",
    ),
    "pictures": PreferenceRow(
        "how .screen draws: as the terminal can, in one way of these, or as text",
        lambda values, word: values._replace(pictures=_one_of(word, *FORMS)),
        lambda values: values.pictures,
        FORMS,
    ),
}

Listener = Callable[[str], None]
"""Gets the name of a changed option; may raise UsageError to refuse the change."""


class Preferences:
    """The options of `.set`, with the subscribers to their changes.

    values: as they are now; offers: further words of an option, asked for when needed.
    """

    def __init__(self, values: PreferenceValues | None = None) -> None:
        self.values = values or PreferenceValues()
        self.offers: dict[str, Callable[[], Sequence[str]]] = {}
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        """Call a listener at every change from now on."""
        self._listeners.append(listener)

    def change(self, name: str, word: str) -> None:
        """Set an option. Raises UsageError for an unknown name or a wrong value."""
        before = self.values
        self.values = find_row(name).put(before, word)
        try:
            for listener in self._listeners:
                listener(name)
        except UsageError:
            self.values = before
            raise

    def adopt(self, values: PreferenceValues) -> None:
        """Replace all values, at the start. Raises UsageError as change() does."""
        self.values = values
        for name in ROWS:
            for listener in self._listeners:
                listener(name)

    def word(self, name: str) -> str:
        """Return the text of an option's value."""
        return find_row(name).get(self.values)

    def choices(self, name: str) -> list[str]:
        """Return the words that an option takes, as far as they can be listed."""
        row = ROWS.get(name)
        if row is None:
            return []
        further = self.offers.get(name)
        return [*row.choices, *(word for word in (further() if further else ()))]


def find_row(name: str) -> PreferenceRow:
    """Return the row of an option. Raises UsageError that names the nearest one."""
    if name not in ROWS:
        hint = did_you_mean(name, ROWS) or f"; there are {', '.join(ROWS)}"
        raise UsageError(_NO_OPTION.format(name=name, hint=hint))
    return ROWS[name]


def completable(preferences: Preferences) -> dict[str, Setting]:
    """Return the options in the form that completion takes."""
    return {
        name: Setting(
            row.summary, partial(preferences.word, name), partial(preferences.choices, name)
        )
        for name, row in ROWS.items()
    }


def view_of(formats: frozenset[str]) -> str:
    """Return the word of `.set view` for these formats."""
    return next((view for view in VIEWS[1:] if view in formats), VIEWS[0])
