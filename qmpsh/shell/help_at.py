"""Help on what the cursor is on: the topic there, explained from what is known. Asks nothing."""

from __future__ import annotations

import re

from qmpsh.complete.candidates import Catalog
from qmpsh.complete.live import LiveQuery
from qmpsh.errors import UsageError
from qmpsh.jsontypes import as_dicts
from qmpsh.language.analysis import analyse
from qmpsh.language.cursor import CursorContext, Slot, find_context, parsed_line
from qmpsh.language.syntax import Mode
from qmpsh.language.verbs import VERBS
from qmpsh.schema.describe import hanging
from qmpsh.shell.topics import HelpTopics, modifier_text, verb_text

_REST_OF_WORD = re.compile(r"[\w.-]*")
_PLAIN_VALUE = re.compile(r"[\w.,:/-]+")
"""values that a topic can hold; no other one selects a member"""


def help_at(text: str, cursor: int, catalog: Catalog, mode: Mode, width: int) -> str:
    """Return the help on what the cursor (an offset into text) is on; "" where none is known."""
    rest = _REST_OF_WORD.match(text, cursor)
    context = find_context(text, rest.end() if rest else cursor, mode)
    try:
        return _explained(context, text, catalog, mode, width)
    except UsageError as error:
        return str(error)


def _explained(context: CursorContext, text: str, catalog: Catalog, mode: Mode, width: int) -> str:
    word = context.prefix
    if context.slot is Slot.HMP:
        name = word.split(" ", 1)[0]
        return "\n".join(hanging(f"{name}  ", catalog.hmp.get(name, ""), width)).strip()
    if context.slot is Slot.MODIFIER and word.startswith("--"):
        return modifier_text(word.lstrip("-").partition("=")[0], width)
    if context.slot in (Slot.EVENT, Slot.VERB_WORD) and word in catalog.events:
        return _topics(catalog).explain(word, width)
    if context.verb is not None and context.name in VERBS:
        if word in catalog.commands:
            return _topics(catalog).explain(word, width)
        return verb_text(context.name, width)
    inside = catalog.inside(transaction=context.in_transaction)
    name = analyse(text, mode).reading(parsed_line).command
    if name not in inside.commands:
        return _topics(inside).explain(name, width) if name else ""
    words = [name, *_words(context)]
    try:
        text = _topics(inside).explain(" ".join(words), width)
    except UsageError:  # a value that is still being typed
        words[-1] = words[-1].partition("=")[0]
        text = _topics(inside).explain(" ".join(words), width)
    return f"{_property(context, catalog, width)}{text}"


def _property(context: CursorContext, catalog: Catalog, width: int) -> str:
    """Return what the server says of the device's property at the cursor; "" if nothing is known.

    What it has been asked for completion is all that is used.
    """
    driver = next((member.text for member in context.given if member.path == ("driver",)), None)
    if context.name != "device_add" or not driver:
        return ""
    path = (*context.path, *(piece.text for piece in context.pieces))
    query = LiveQuery("device-list-properties", (("typename", driver),))
    for item in as_dicts(catalog.live.answer(query)):
        if item.get("name") == ".".join(path):
            about = str(item.get("description") or "")
            title = f"{item.get('name')}: {item.get('type')}  ({driver})"
            return "\n".join([title, *hanging("  ", about, width), "", ""])
    return ""


def _topics(catalog: Catalog) -> HelpTopics:
    return HelpTopics(catalog.commands, catalog.schema, catalog.manual, "", catalog.disabled)


def _words(context: CursorContext) -> list[str]:
    """Return the values of the line that select members, and what the cursor is on."""
    given = [
        f"{'.'.join(member.path)}={member.text}"
        for member in context.given
        if member.text and _PLAIN_VALUE.fullmatch(member.text)
    ]
    path = list(context.path)
    if context.slot is Slot.KEY:
        path += [piece.text for piece in context.pieces]
    if context.slot not in (Slot.KEY, Slot.VALUE) or not path or not path[-1]:
        return given
    is_value = context.slot is Slot.VALUE and _PLAIN_VALUE.fullmatch(context.prefix)
    return [*given, ".".join(path) + (f"={context.prefix}" if is_value else "")]
