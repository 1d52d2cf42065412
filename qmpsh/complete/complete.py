"""Candidates for the cursor: one function for each kind of slot, one table of them.

Pure and in memory: a keystroke sends no query. What only the running VM knows comes through
`LiveValues`, which answers from what it has. There are functions for commands and their members,
for verbs and the kinds of words they take, for the options of `.set` and their values, for events
(after `.wait`, `.events` and `--wait=`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from qmpsh.complete.candidates import (
    Candidate,
    Catalog,
    Form,
    may_fit,
    rank,
    without_misfits,
)
from qmpsh.complete.insertion import write_candidates
from qmpsh.language.cursor import CursorContext, Slot, find_context
from qmpsh.language.modifiers import MODIFIERS
from qmpsh.language.syntax import FORMATS, Mode
from qmpsh.language.verbs import LIVE, VERB_MODIFIERS, VERBS, Takes


def member_keys(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Return the members that may follow, and the paths where one may stand instead."""
    # Imported here, as below: the name of a command, which is most often completed, has none.
    from qmpsh.complete.member_slots import bracket_keys

    found = bracket_keys(context, catalog)
    return found if context.path_start is None else [*found, *_reply_paths(context, catalog)]


def _values(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    from qmpsh.complete.member_slots import bracket_values

    return bracket_values(context, catalog)


def _after_value(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    from qmpsh.complete.member_slots import after_value

    return after_value(context, catalog)


def _reply_paths(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    from qmpsh.complete.verb_words import reply_paths

    return reply_paths(context, catalog)


def _verb_words(typed: str, context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    from qmpsh.complete.verb_words import verb_words

    return verb_words(typed, context, catalog)


def _layouts(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    from qmpsh.complete.verb_words import layouts

    return layouts(context, catalog)


def awaited_events(context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield what `--wait=` may name."""
    for name in catalog.events:
        yield Candidate(name, context.start, form=Form.NAME)


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
        found = _verb_words(text[:cursor], context, catalog)
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
        from qmpsh.complete.member_slots import prefetch_members

        prefetch_members(context, catalog.inside(transaction=context.in_transaction))
    elif context.takes in LIVE:
        list(_verb_words(text[:cursor], context, catalog))


def _commands(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    for name in sorted(catalog.commands):
        if not may_fit(context.prefix, name):
            continue  # before the schema is asked, which reads a type for it
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
    from qmpsh.usage import MODIFIERS as SUMMARIES

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
    Slot.REPLY_PATH: _reply_paths,
    Slot.VALUE: _values,
    Slot.AFTER_MEMBER: _after_value,
    Slot.AFTER_ITEM: _after_value,
    Slot.MODIFIER: _modifiers,
    Slot.HMP: _hmp,
    Slot.FILE: _complete_files,
    Slot.LAYOUT: _layouts,
}
