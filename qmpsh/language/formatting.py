"""Writes JSON as a line of the language; `parser` and `untyped` read it back as the same JSON."""

from __future__ import annotations

import json
import re

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.names import is_name
from qmpsh.language.untyped import guess_word
from qmpsh.language.values import quote

_BARE_PART = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_-]*")
_BARE_VALUE = re.compile(r"[A-Za-z0-9_./:+,@%~^=*-]+")


def format_command(name: str, arguments: JsonObject | None = None, *, dotted: bool = False) -> str:
    """Return a command as a line.

    dotted: objects are written as dotted keys where that says the same, else in brackets.
    What KEY=value cannot say without a schema (a fraction on the top level) makes it raw JSON.
    """
    words = [name]
    for key, value in (arguments or {}).items():
        argument = (
            None if key == "addr" and _is_plain(value) else _argument(_part(key), value, dotted)
        )
        if argument is None or not is_name(name):
            return _raw(name, arguments)
        words += argument
    return " ".join(words) if is_name(name) else _raw(name, arguments)


def _is_plain(value: Json) -> bool:
    """Return whether this is neither text nor brackets."""
    return not isinstance(value, str | list | dict)


def _raw(name: str, arguments: JsonObject | None) -> str:
    command: JsonObject = {"execute": name}
    if arguments:
        command["arguments"] = arguments
    return json.dumps(command, ensure_ascii=False)


def _argument(key: str, value: Json, dotted: bool) -> list[str] | None:
    """Return the words for one member; None where only JSON can say it."""
    if dotted and isinstance(value, dict) and value:
        words: list[str] = []
        for name, member in value.items():
            below = _argument(f"{key}.{_part(name)}", member, dotted)
            if below is None:
                break
            words += below
        else:
            return words
    text = _value(value)
    return None if text is None else [f"{key}={text}"]


def _value(value: Json) -> str | None:
    if isinstance(value, str):
        bare = _BARE_VALUE.fullmatch(value) and guess_word(value) == value
        return value if bare else quote(value)
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    # A fraction, or an integer out of range, is text to the untyped reading.
    if isinstance(value, dict | list) or not isinstance(guess_word(text), str):
        return text
    return None


def _part(name: str) -> str:
    return name if _BARE_PART.fullmatch(name) else quote(name)
