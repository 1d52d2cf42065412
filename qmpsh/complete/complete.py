"""Candidates for the cursor: one function for each kind of slot, one table of them.

Pure and in memory: a keystroke sends no query. What only the running VM knows comes through
`LiveValues`, which answers from what it has. There are functions for commands and their members,
for verbs and the kinds of words they take, for the options of `.set` and their values, for events
(after `.wait`, `.events` and `--wait=`), and for brackets: with these, a value of any depth can be
built without typing a mark by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from qmpsh.complete.candidates import (
    Candidate,
    Catalog,
    Form,
    Setting,
    rank,
    without_misfits,
)
from qmpsh.complete.insertion import write_candidates
from qmpsh.complete.line import typed_arguments
from qmpsh.complete.live import LiveQuery
from qmpsh.complete.machine_words import (
    LIVE,
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
from qmpsh.language.cursor import CursorContext, KeyPart, Slot, find_context, last_word
from qmpsh.language.modifiers import MODIFIERS
from qmpsh.language.reply_paths import numbers
from qmpsh.language.syntax import FORMATS, PLAIN, Mode
from qmpsh.language.verbs import VERB_MODIFIERS, VERBS, Takes
from qmpsh.schema.describe import type_words
from qmpsh.schema.key_codes import key_codes
from qmpsh.schema.model import Member, ObjectType, Schema
from qmpsh.usage import MODIFIERS as SUMMARIES


def bracket_keys(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Return the members that may follow; the closing mark where there is none."""
    found = list(key_candidates(context, catalog))
    is_end = context.bracketed and not found and not context.prefix
    if is_end and typed_arguments(context, catalog) is not None:
        found.append(Candidate("}", context.start, "end"))
    return found


def bracket_values(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Return the values that may stand there; after a complete word, what follows it."""
    found = list(value_candidates(context, catalog))
    is_whole = not found or any(candidate.text == context.prefix for candidate in found)
    if context.bracketed and context.prefix and not context.quote and is_whole:
        found += _after_word(context, catalog)
    return found


def after_value(context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield what may follow a complete value."""
    if typed_arguments(context, catalog) is None:
        return
    is_item = context.slot is Slot.AFTER_ITEM
    lacking = [] if is_item else list(key_candidates(context, catalog))
    if is_item or lacking:
        yield Candidate(", ", context.start, "next")
    if not any(member.required for member in lacking):
        yield Candidate("]" if is_item else "}", context.start, "end")


def _after_word(context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    end = context.start + len(context.prefix)
    if not context.path:
        return iter(())  # `={: x`, which no name owns
    if context.path[-1].isdigit():
        return after_value(context._replace(slot=Slot.AFTER_ITEM, start=end), catalog)
    owner = context._replace(path=context.path[:-1], pieces=(KeyPart("", end),), start=end)
    return after_value(owner._replace(slot=Slot.AFTER_MEMBER), catalog)


# ---------------------------------------------------------------------------- paths of .plot


def member_keys(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Return the members that may follow, and the paths where one may stand instead."""
    found = bracket_keys(context, catalog)
    return found if context.path_start is None else [*found, *reply_paths(context, catalog)]


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


# ---------------------------------------------------------------------------- options of .set


def set_candidates(
    before: str, context: CursorContext, settings: Mapping[str, Setting]
) -> Iterable[Candidate]:
    """Yield the options of `.set`, or the values of the one that is named.

    before: the line up to the word at the cursor.
    """
    words = before.split()[1:]
    if not words:
        for name, setting in settings.items():
            yield Candidate(name, context.start, setting.value(), setting.summary)
    elif len(words) == 1 and words[0] in settings:
        for choice in settings[words[0]].choices():
            yield Candidate(choice, context.start, form=Form.NAME)


# ---------------------------------------------------------------------------- events


def event_words(before: str, context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Yield events, and after one of them the members of its data.

    before: the line up to the word at the cursor
    """
    words = [word for word in before.split()[1:] if not word.startswith("-")]
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


def awaited_events(context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield what `--wait=` may name."""
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


def _set(typed: str, context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    return set_candidates(typed[: context.start], context, catalog.settings)


def _events(typed: str, context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    return event_words(typed[: context.start], context, catalog)


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


def _layouts(context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
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


# ---------------------------------------------------------------------------- the whole line

_MODIFIERS_OF_VERBS = ("timeout", *(name for name, row in FORMATS.items() if row.prints_reply))
"""Modifiers that hold for verbs too."""

MAX_DOCUMENTED = 40
"""candidates that get their sentence: more than any menu shows at once"""


def complete(text: str, cursor: int, catalog: Catalog, mode: Mode) -> list[Candidate]:
    """Return candidates at the cursor (an offset into text), best first."""
    context = find_context(text, cursor, mode)
    catalog = catalog.inside(transaction=context.in_transaction)
    if context.slot is Slot.VERB_WORD:
        found = verb_words(text[:cursor], context, catalog)
    else:
        found = _AT.get(context.slot, _nothing)(context, catalog)
    likely = without_misfits([*found, *_closing(context, mode)], text, cursor)
    sound = write_candidates(likely, text[:cursor], context.slot, mode)
    candidates = rank(sound, text, cursor)
    head = [
        _with_sentence(candidate, context, catalog) for candidate in candidates[:MAX_DOCUMENTED]
    ]
    return head + candidates[MAX_DOCUMENTED:]


def _with_sentence(candidate: Candidate, context: CursorContext, catalog: Catalog) -> Candidate:
    """Return the candidate with the first sentence of the manual, if it has none of its own."""
    manual = catalog.manual
    if candidate.doc or manual is None:
        return candidate
    if context.slot is Slot.KEY:
        # A nested member that lacks is offered by its whole name.
        name = candidate.value.split(".")
        path = (*context.path, *(piece.text for piece in context.pieces[:-1]), *name)
        given = context.beside(path)
        return candidate._replace(doc=manual.member_sentence(context.name, *path, given=given))
    if context.slot in (Slot.COMMAND, Slot.VERB_WORD, Slot.EVENT):
        return candidate._replace(doc=manual.first_sentence(candidate.text))
    return candidate


def prefetch(text: str, cursor: int, catalog: Catalog, mode: Mode) -> None:
    """Have `catalog.live` note the queries that a completion here would miss."""
    context = find_context(text, cursor, mode)
    if context.slot in (Slot.KEY, Slot.VALUE):
        complete_members = key_candidates if context.slot is Slot.KEY else value_candidates
        inside = catalog.inside(transaction=context.in_transaction)
        complete_members(context, inside.without_files())
    elif context.takes in LIVE:
        list(verb_words(text[:cursor], context, catalog))


def _commands(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    for name in sorted(catalog.commands):
        features: tuple[str, ...] = ()
        info = catalog.schema.command(name) if catalog.schema else None
        if info is not None:
            features = info.features
        yield Candidate(
            name,
            context.start,
            "disabled" if name in catalog.disabled else "",
            deprecated="deprecated" in features,
            unstable="unstable" in features,
            form=Form.NAME,
        )
    after_verb = context.name and not context.prefix
    if context.in_transaction or after_verb:
        return
    for name, line in catalog.aliases.items():
        yield Candidate(name, context.start, "alias", line)
    if not context.prefix or context.prefix.startswith("."):
        yield from _verbs(context, catalog)


def _closing(context: CursorContext, mode: Mode) -> Iterable[Candidate]:
    """Yield the `)` of a transaction: alone on its line, or after the one action of a line."""
    where = Slot.COMMAND if mode.in_transaction else Slot.KEY
    at_word = context.slot is where and not context.bracketed and len(context.pieces) < 2
    if context.in_transaction and at_word:
        yield Candidate(")", context.start, "end")


def _verbs(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    for name, verb in VERBS.items():
        yield Candidate(f".{name}", context.start, doc=verb.summary)


def _modifiers(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Yield those that the command takes: out of band where the schema lets it go, an end to wait
    for where one is known; any other is named, `--wait=EVENT`. A verb has its own, and few others.
    """
    if context.verb is not None:
        # After `.help` they are what it explains.
        named = MODIFIERS if context.verb.takes is Takes.NAME else ()
        for name in named or (*context.verb.modifiers, *_MODIFIERS_OF_VERBS):
            yield _modifier(name, context)
        return
    command = "transaction" if context.in_transaction else context.name
    info = catalog.schema.command(command) if catalog.schema is not None else None
    refused = set(VERB_MODIFIERS)
    if catalog.schema is not None and not (info is not None and info.oob):
        refused.add("oob")
    for name in MODIFIERS:
        if name not in refused:
            must_name = name == "wait" and command not in catalog.ends
            yield _modifier(name, context, "=" if must_name else "")


def _modifier(name: str, context: CursorContext, tail: str = "") -> Candidate:
    value, summary = SUMMARIES.get(name, ("", ""))
    return Candidate(f"--{name}{tail}", context.start, value.strip(), summary)


def _hmp(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Yield the human monitor's commands, and after `info` and `help` what these take."""
    words = context.prefix.split(" ")
    start = context.start + len(context.prefix) - len(words[-1])
    entries = catalog.hmp if len(words) == 1 else {}
    if len(words) == 2:
        entries = {"info": catalog.hmp_info, "help": catalog.hmp}.get(words[0], {})
    for name, text in entries.items():
        yield Candidate(name, start, doc=text, form=Form.HMP)


def _complete_files(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Yield paths as this shell sees them: after > and >>, and where a descriptor is opened."""
    for path in catalog.paths(context.prefix):
        yield Candidate(path, context.start, "path", form=Form.PATH)


def _nothing(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    return ()


_AT: dict[Slot, Callable[[CursorContext, Catalog], Iterable[Candidate]]] = {
    Slot.COMMAND: _commands,
    Slot.EVENT: awaited_events,
    Slot.VERB: _verbs,
    Slot.KEY: member_keys,
    Slot.REPLY_PATH: reply_paths,
    Slot.VALUE: bracket_values,
    Slot.AFTER_MEMBER: after_value,
    Slot.AFTER_ITEM: after_value,
    Slot.MODIFIER: _modifiers,
    Slot.HMP: _hmp,
    Slot.FILE: _complete_files,
    Slot.LAYOUT: _layouts,
}
