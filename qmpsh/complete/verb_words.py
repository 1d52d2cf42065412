"""The words of verbs: options and their values, events, files, keys, what looks into the VM.

Loaded when a line begins with a verb: nothing of it is needed before the first one. Pure, as all of
completion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from qmpsh.complete.candidates import Candidate, Catalog, Form
from qmpsh.complete.line import typed_arguments
from qmpsh.complete.live import LiveQuery
from qmpsh.complete.machine_words import (
    filter_words,
    path_words,
    property_words,
    setting_words,
    tree_words,
)
from qmpsh.complete.members import key_candidates, value_candidates
from qmpsh.display.keys import ALIASES, MODIFIER_KEYS
from qmpsh.display.layouts import LAYOUTS
from qmpsh.jsontypes import Json
from qmpsh.language.cursor import CursorContext, Slot, find_context, last_word
from qmpsh.language.reply_paths import numbers
from qmpsh.language.syntax import PLAIN
from qmpsh.language.verbs import VERBS, Takes
from qmpsh.schema.describe import type_words
from qmpsh.schema.key_codes import key_codes
from qmpsh.schema.model import Member, ObjectType, Schema

# ---------------------------------------------------------------------------- options of .set


def _set(typed: str, context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield the options of `.set`, or the values of the one that is named."""
    words, settings = typed[: context.start].split()[1:], catalog.settings
    if not words:
        for name, setting in settings.items():
            yield Candidate(name, context.start, setting.value(), setting.summary)
    elif len(words) == 1 and words[0] in settings:
        for choice in settings[words[0]].choices():
            yield Candidate(choice, context.start, form=Form.NAME)


# ---------------------------------------------------------------------------- events


def _events(typed: str, context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield events, and after one of them the members of its data."""
    before = typed[: context.start].split()[1:]
    words = [word for word in before if not word.startswith("-")]
    named = [word for word in words if "=" not in word]
    if words and catalog.schema is not None:
        for member in _members(named, catalog.schema):
            kind = type_words(catalog.schema, member.type)
            yield Candidate(member.name, context.start, kind, form=Form.KEY, tail="=")
    if not words and context.takes is Takes.EVENT:
        yield Candidate("job=", context.start, "job")
    if not words or (context.takes is Takes.EVENTS and words == named):
        for name in catalog.events:
            yield Candidate(name, context.start, form=Form.NAME)


def _members(events: Iterable[str], schema: Schema) -> Iterable[Member]:
    """Return the members of the events' data, each once."""
    found: dict[str, Member] = {}
    for name in events:
        event = schema.event(name.upper())
        kind = schema.type(event.arg_type) if event is not None else None
        if isinstance(kind, ObjectType):
            found.update({member.name: member for member in kind.members})
    return found.values()


# ---------------------------------------------------------------------------- words of verbs

_VERB = re.compile(r"\s*\S+\s+")


def verb_words(typed: str, context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Return the words that a verb takes. typed: the line up to the cursor."""
    find = _fixed_words if context.takes is None else _WORDS_OF.get(context.takes, _fixed_words)
    return find(typed, context, catalog)


def _help(typed: str, context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield names; after a command's, the tag whose branch is to be explained, and its values."""
    verb = _VERB.match(typed)
    start = verb.end() if verb is not None else len(typed)
    inner = find_context(typed[start:], len(typed) - start, PLAIN)
    if inner.slot is Slot.COMMAND:
        for name in (*catalog.commands, *catalog.events, *VERBS, "exit-codes", "keys"):
            yield Candidate(name, context.start, form=Form.NAME)
    line = typed_arguments(inner, catalog)
    tag = line.help_tag(inner.name) if line is not None else None
    found: Iterable[Candidate] = ()
    if inner.slot is Slot.KEY:
        found = (
            key for key in key_candidates(inner, catalog) if key.text == tag and key.tail == "="
        )
    elif inner.slot is Slot.VALUE and inner.path == (tag,):
        found = value_candidates(inner, catalog)
    for candidate in found:
        # What is explained is read without quotes.
        yield candidate._replace(start=candidate.start + start, form=Form.NAME)


def _file(typed: str, context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield files of this host; the scanner's parts of a word count as one name."""
    start, begun = last_word(typed)
    for path in catalog.paths(begun):
        yield Candidate(path, start, "path", form=Form.PATH)


def _files(typed: str, context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Return the first of two files: the second is the guest's, which cannot be listed."""
    return _file(typed, context, catalog) if len(typed[: context.start].split()) == 1 else ()


def _chords(typed: str, context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield the keys of a chord, after its last dash: those to hold first, other names than the
    server's where one is begun.
    """
    *held, begun = re.split(r"[+-]", context.prefix)
    codes = {ALIASES.get(name, name) for name in held}
    others = ALIASES if begun else MODIFIER_KEYS
    for name in dict.fromkeys((*others, *key_codes(catalog.schema))):
        if ALIASES.get(name, name) not in codes:
            yield Candidate(name, context.start + len(context.prefix) - len(begun), form=Form.NAME)


def layouts(context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield the layouts of keyboards."""
    for name in LAYOUTS:
        yield Candidate(name, context.start, form=Form.NAME)


def _fixed_words(typed: str, context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield the words that a verb takes first, where they are few."""
    if context.verb is not None and len(typed[: context.start].split()) == 1:
        for word in context.verb.words:
            yield Candidate(word, context.start)


def _schema_tool(typed: str, context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Return the tools; after one of them what it works on."""
    words = typed[: context.start].split()[1:]
    if not words:
        return _fixed_words(typed, context, catalog)
    if words[0] == "diff" and len(words) == 1:
        return _file(typed, context, catalog)
    tool = _TOOL.match(typed)
    if words[0] not in ("diff", "has", "describe") or tool is None:
        return ()
    if len(words) == 1 or words[0] == "diff":
        names = (*catalog.commands, *catalog.events)
        return (Candidate(name, context.start, form=Form.NAME) for name in names)
    found = _asked_members(typed, tool.end(), catalog)
    return found if words[0] == "describe" else (one._replace(tail="") for one in found)


_TOOL = re.compile(r"\s*\S+\s+\S+\s+")


def _asked_members(typed: str, start: int, catalog: Catalog) -> Iterator[Candidate]:
    """Yield members and values as for a line of the language. start: where that begins"""
    inner = find_context(typed[start:], len(typed) - start, PLAIN)
    found: Iterable[Candidate] = ()
    if inner.slot is Slot.KEY:
        found = key_candidates(inner, catalog)
    elif inner.slot is Slot.VALUE:
        found = value_candidates(inner, catalog)
    for candidate in found:
        # What is asked is read without quotes.
        yield candidate._replace(start=candidate.start + start, form=Form.NAME)


_WORDS_OF: dict[Takes, Callable[[str, CursorContext, Catalog], Iterable[Candidate]]] = {
    Takes.NAME: _help,
    Takes.OPTION: _set,
    Takes.EVENT: _events,
    Takes.EVENTS: _events,
    Takes.FILE: _file,
    Takes.FILES: _files,
    Takes.SCHEMA_TOOL: _schema_tool,
    Takes.TREE: tree_words,
    Takes.CHORDS: _chords,
    Takes.QOM_PATH: path_words,
    Takes.QOM_PROPERTY: property_words,
    Takes.QOM_SETTING: setting_words,
    Takes.QOM_FILTERS: filter_words,
}


# ---------------------------------------------------------------------------- paths of .plot


def reply_paths(context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield the numbers of the reply to the line's query: those that are not zero come first."""
    if context.path_start is None or not context.name.startswith(_PLOTTED):
        return
    arguments = tuple(
        (given.path[0], _ARGUMENTS.get(given.text, given.text))
        for given in context.given
        if len(given.path) == 1 and given.text is not None
    )
    found = numbers(catalog.live.answer(LiveQuery(context.name, arguments)))
    for number in sorted(found, key=lambda number: number.value == 0):
        kind = f"{number.value:,}"
        yield Candidate(number.path, context.path_start, kind, form=Form.REPLY_PATH)


_PLOTTED = ("query-", "x-query-", "qom-get")
"""What the names of queries begin with that are asked for the numbers in their replies."""
_ARGUMENTS: Mapping[str, Json] = {"true": True, "false": False}
