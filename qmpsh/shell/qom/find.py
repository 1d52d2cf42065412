"""Objects of QOM by type, name and the values of properties. Pure."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from fnmatch import fnmatchcase

from qmpsh.errors import LineFailed, UsageError
from qmpsh.jsontypes import Json, JsonObject, read_boolean, read_int, read_number
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.secrets.rules import is_secret_property, mask_json
from qmpsh.shell.trees.node import AskedRound
from qmpsh.shell.trees.qom import ask_objects, qom_value

WANTS_FILTER = "expected type=GLOB, name=GLOB or PROPERTY=VALUE, not {word}"
NO_SECRETS = "{name} is a secret, which is not compared"
UNREADABLE = "info qom-tree could not be read: {text}"

FindQuestions = Generator[Sequence[Command], AskedRound, list[JsonObject]]


class QomFilters(NamedTuple):
    """What an object must have. type, name: patterns; values: properties and their values, as
    typed
    """

    type: str = "*"
    name: str = "*"
    values: tuple[tuple[str, str], ...] = ()


def read_filters(words: Sequence[str]) -> QomFilters:
    """Return the filters of a line. Raises UsageError for a word that is none, and for a secret."""
    filters = QomFilters()
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals):
            raise UsageError(WANTS_FILTER.format(word=word))
        if key == "type":
            filters = filters._replace(type=value)
        elif key == "name":
            filters = filters._replace(name=value)
        elif is_secret_property(key):
            raise UsageError(NO_SECRETS.format(name=key))
        else:
            filters = filters._replace(values=(*filters.values, (key, value)))
    return filters


def ask_matching(path: str, filters: QomFilters) -> FindQuestions:
    """Ask for the objects below a path, and return those that fit: path, type, and the properties
    that were asked for.

    Raises LineFailed for a path that is not there.
    """
    found = yield from ask_objects(path, depth=None, has_all=True)
    if found.text:
        raise LineFailed(UNREADABLE.format(text=found.text))
    rows: list[JsonObject] = [
        {"path": item.path, "type": item.kind}
        for item in found.objects
        if fnmatchcase(item.kind, filters.type) and fnmatchcase(item.name, filters.name)
    ]
    for name, word in filters.values:
        commands = [qom_value(str(row["path"]), name) for row in rows]
        values = (yield commands).values if commands else []
        pairs = [(row, value) for row, value in zip(rows, values, strict=True)]
        rows = [{**row, name: mask_json(value)} for row, value in pairs if is_value(value, word)]
    return rows


def is_value(value: Json, word: str) -> bool:
    """Whether a value is the one that a word says: a pattern for text, `on` for true, `0x10`."""
    match value:
        case None:
            return False
        case bool():
            return read_boolean(word) is value
        case str():
            return fnmatchcase(value, word)
        case int():
            return read_int(word) == value
        case float():
            return read_number(word) == value
    return json.dumps(value) == word
