"""Candidates for the cursor: one function a place, one table of them.

Pure and in memory: a keystroke asks nobody. What only the running VM knows comes through
`Facts`, which answers from what it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qmpsh.complete import brackets
from qmpsh.complete.candidates import Candidate, Catalog, Form
from qmpsh.complete.events import awaited_events
from qmpsh.complete.insertion import written
from qmpsh.complete.match import rank
from qmpsh.complete.members import key_candidates, value_candidates
from qmpsh.complete.place import Place, Where, find_place
from qmpsh.complete.verbs import verb_words
from qmpsh.lang.modifiers import MODIFIERS
from qmpsh.lang.syntax import Mode
from qmpsh.lang.verbs import VERB_MODIFIERS, VERBS, Takes

_OF_VERBS = ("timeout", "json")
"""Modifiers that hold for verbs too."""

MOST_DOCUMENTED = 40
"""candidates that get their sentence: more than any menu shows at once"""


def complete(text: str, cursor: int, catalog: Catalog, mode: Mode) -> list[Candidate]:
    """Candidates at the cursor (an offset into text), best first."""
    place = find_place(text, cursor, mode)
    catalog = catalog.inside(transaction=place.in_transaction)
    if place.where is Where.VERB_WORD:
        found = verb_words(text[:cursor], place, catalog)
    else:
        found = _AT.get(place.where, _nothing)(place, catalog)
    sound = written([*found, *_closing(place, mode)], text[:cursor], place.where, mode)
    candidates = rank(sound, text, cursor)
    head = [_documented(candidate, place, catalog) for candidate in candidates[:MOST_DOCUMENTED]]
    return head + candidates[MOST_DOCUMENTED:]


def _documented(candidate: Candidate, place: Place, catalog: Catalog) -> Candidate:
    """The candidate with the first sentence of the manual, where it has none of its own."""
    manual = catalog.manual
    if candidate.doc or manual is None:
        return candidate
    if place.where is Where.KEY:
        name = candidate.value
        given = {g.path[-1]: g.text for g in place.given if g.text and g.path[:-1] == place.path}
        path = (*place.path, *(piece.text for piece in place.pieces[:-1]), name)
        return candidate._replace(doc=manual.member_sentence(place.name, *path, given=given))
    if place.where in (Where.COMMAND, Where.VERB_WORD):
        return candidate._replace(doc=manual.first_sentence(candidate.text))
    return candidate


def prefetch(text: str, cursor: int, catalog: Catalog, mode: Mode) -> None:
    """Make `catalog.facts` want what a completion here would."""
    place = find_place(text, cursor, mode)
    if place.where in (Where.KEY, Where.VALUE):
        complete_members = key_candidates if place.where is Where.KEY else value_candidates
        complete_members(place, catalog.inside(transaction=place.in_transaction))


def _commands(place: Place, catalog: Catalog) -> Iterable[Candidate]:
    word = "action" if place.in_transaction else "command"
    for name in sorted(catalog.commands):
        features: tuple[str, ...] = ()
        info = catalog.schema.command(name) if catalog.schema else None
        if info is not None:
            features = info.features
        yield Candidate(
            name,
            place.start,
            "disabled" if name in catalog.disabled else word,
            deprecated="deprecated" in features,
            unstable="unstable" in features,
            form=Form.NAME,
        )
    behind_verb = place.name and not place.prefix
    if place.in_transaction or behind_verb:
        return
    for name, line in catalog.aliases.items():
        yield Candidate(name, place.start, "alias", line)
    if not place.prefix or place.prefix.startswith("."):
        yield from _verbs(place, catalog)


def _closing(place: Place, mode: Mode) -> Iterable[Candidate]:
    """The `)` of a transaction: alone on its line, or behind the one action of a line."""
    where = Where.COMMAND if mode.in_transaction else Where.KEY
    at_word = place.where is where and not place.bracketed and len(place.pieces) < 2
    if place.in_transaction and at_word:
        yield Candidate(")", place.start, "end")


def _verbs(place: Place, catalog: Catalog) -> Iterable[Candidate]:
    for name, verb in VERBS.items():
        yield Candidate(f".{name}", place.start, "verb", verb.summary)


def _modifiers(place: Place, catalog: Catalog) -> Iterable[Candidate]:
    """Those that the command takes: out of band where the schema lets it go, an end to wait for
    where one is known; any other is named, `--wait=EVENT`. A verb has its own, and few others.
    """
    if place.verb is not None:
        # Behind `.help` they are what it explains.
        named = MODIFIERS if place.verb.takes is Takes.NAME else ()
        for name in named or (*place.verb.modifiers, *_OF_VERBS):
            yield Candidate(f"--{name}", place.start, "modifier")
        return
    command = "transaction" if place.in_transaction else place.name
    info = catalog.schema.command(command) if catalog.schema is not None else None
    refused = set(VERB_MODIFIERS)
    if catalog.schema is not None and not (info is not None and info.oob):
        refused.add("oob")
    for name in MODIFIERS:
        if name not in refused:
            must_name = name == "wait" and command not in catalog.ends
            yield Candidate(f"--{name}{'=' if must_name else ''}", place.start, "modifier")


def _hmp(place: Place, catalog: Catalog) -> Iterable[Candidate]:
    """The human monitor's commands, and behind `info` and `help` what these take."""
    words = place.prefix.split(" ")
    start = place.start + len(place.prefix) - len(words[-1])
    entries = catalog.hmp if len(words) == 1 else {}
    if len(words) == 2:
        entries = {"info": catalog.hmp_info, "help": catalog.hmp}.get(words[0], {})
    for name, text in entries.items():
        yield Candidate(name, start, "HMP", text, form=Form.HMP)


def _files(place: Place, catalog: Catalog) -> Iterable[Candidate]:
    """Behind > and >>, and where a descriptor is opened: paths as this shell sees them."""
    for path in catalog.paths(place.prefix):
        yield Candidate(path, place.start, "path", form=Form.PATH)


def _nothing(place: Place, catalog: Catalog) -> Iterable[Candidate]:
    return ()


_AT: dict[Where, Callable[[Place, Catalog], Iterable[Candidate]]] = {
    Where.COMMAND: _commands,
    Where.EVENT: awaited_events,
    Where.VERB: _verbs,
    Where.KEY: brackets.keys,
    Where.VALUE: brackets.values,
    Where.BEHIND_MEMBER: brackets.behind,
    Where.BEHIND_ITEM: brackets.behind,
    Where.MODIFIER: _modifiers,
    Where.HMP: _hmp,
    Where.FILE: _files,
}
