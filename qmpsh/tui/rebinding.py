"""Rebinds keys of the key table: `[keys]` in config.toml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent

from qmpsh.errors import UsageError
from qmpsh.nearest import did_you_mean
from qmpsh.tui.keys import Key

_PREFIXES = {"ctrl": "c", "control": "c", "c": "c", "shift": "s", "s": "s"}
_ALT = frozenset({"alt", "meta", "m"})


class KeyTaken(UsageError):
    """A key would mean two things. handler: the name of the offending change."""

    def __init__(self, message: str, handler: str) -> None:
        super().__init__(message)
        self.handler = handler


def read_keys(text: str) -> str:
    """Translate `Ctrl-X Ctrl-E`, `Alt-h` or `F2` into prompt_toolkit's names, as in the key table.

    Raises UsageError for an unknown key.
    """
    names = [name for word in text.split() for name in _names(word)]
    if not names:
        raise UsageError("expected a key such as F2, Alt-e or Ctrl-X Ctrl-E")
    try:
        KeyBindings().add(*names)(_nothing)
    except ValueError as error:
        message = f"expected a key such as F2, Alt-e or Ctrl-X Ctrl-E, not {text}"
        raise UsageError(message) from error
    return " ".join(names)


def rebound(keys: Iterable[Key], changes: Mapping[str, Sequence[str]]) -> tuple[Key, ...]:
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
                raise KeyTaken(f"{text} is {other} already; give that another key as well", asked)
    return table


def check_name(name: str, keys: Iterable[Key]) -> None:
    """Raise UsageError for a name that is not in the table."""
    names = [key.handler for key in keys if key.handler]
    if name not in names:
        hint = did_you_mean(name, names) or f"; there are {', '.join(names)}"
        raise UsageError(f"no key {name}{hint}")


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
