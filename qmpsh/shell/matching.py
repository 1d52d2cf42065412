"""`EVENT key=value`: which events are meant, in `.wait`, `.events` and `--wait=EVENT`.

The name may be a pattern (`BLOCK_JOB_*`) and is read in any case; keys reach into the event's data
at their dots. A value is compared as what the data has: a string, a number, true or false.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.jsontypes import Json
from qmpsh.lang.build import guess_value
from qmpsh.lang.parser import parse_arguments
from qmpsh.lang.syntax import Argument, Scalar, VerbLine
from qmpsh.lang.words import argument_words
from qmpsh.nearest import did_you_mean
from qmpsh.scalars import read_boolean, read_number
from qmpsh.wire.messages import Event

if TYPE_CHECKING:
    from qmpsh.schema.model import Schema

_GLOB = re.compile(r"[*?\[]")


class Wanted(NamedTuple):
    """text: as typed; patterns: of the name, upper case, () for any; filters: keys and values of
    the data, source: the text in which these stand.
    """

    text: str
    patterns: tuple[str, ...]
    filters: tuple[Argument, ...] = ()
    source: str = ""

    @property
    def names_something(self) -> bool:
        """Whether it holds for some events only, so that the schema may know better."""
        return bool(self.patterns or self.filters)

    def matches(self, event: Event) -> bool:
        """Whether it is such an event."""
        return self.names(event.name) and all(
            self._fits(argument, event) for argument in self.filters
        )

    def check(self, schema: Schema | None) -> None:
        """Raise UsageError for what this server never sends, as far as its schema is known."""
        if schema is None or not schema.events:
            return
        for pattern in self.patterns:
            if not _GLOB.search(pattern) and pattern not in schema.events:
                raise UsageError(f"no event {pattern}{did_you_mean(pattern, schema.events)}")
        meant = [name for name in schema.events if self.names(name)]
        if not meant:
            raise UsageError(f"no event fits {self.text}")
        for argument in self.filters:
            _check_key(argument, meant, schema)

    def names(self, name: str) -> bool:
        """Whether it may be an event of that name."""
        return not self.patterns or is_named(name, self.patterns)

    def _fits(self, argument: Argument, event: Event) -> bool:
        found, known = _member(event.data, [part.text for part in argument.key])
        return known and _equals(found, argument, self.source)


def is_named(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns (`BLOCK_*`, `stop`) fits an event's name, in any case."""
    name = name.upper()
    return any(fnmatchcase(name, pattern.upper()) for pattern in patterns)


def read_wanted(text: str) -> Wanted:
    """One event, as in `--wait='BLOCK_JOB_COMPLETED device=j0'`. Raises LineSyntaxError."""
    return _only(_read(text, text.split(), None), "--wait=")


def verb_wanted(line: VerbLine) -> Wanted:
    """One event of a verb. Raises LineSyntaxError."""
    return _only(verb_patterns(line), f".{line.name} ")


def verb_job(line: VerbLine) -> str | None:
    """The job of `.wait job=ID`; None where the line names an event. Raises UsageError for more."""
    wanted = verb_patterns(line)
    keys = [[part.text for part in argument.key] for argument in wanted.filters]
    if wanted.patterns or ["job"] not in keys:
        return None
    value = wanted.filters[0].value
    if len(keys) > 1 or not isinstance(value, Scalar) or not value.text:
        raise UsageError(f"expected one job, as in .{line.name} job=j0")
    return value.text


def verb_patterns(line: VerbLine) -> Wanted:
    """Any number of patterns and filters behind a verb. Raises LineSyntaxError."""
    words = line.rest.split() if line.words is None else line.words
    return _read(line.rest, words, line.words)


def _read(text: str, words: Sequence[str], argv: Sequence[str] | None) -> Wanted:
    """words: of the text, of which the first that holds `=` or a quote ends the patterns."""
    patterns: list[str] = []
    for word in words:
        if re.search(r"[='\"{]", word):
            break
        if word.startswith(".") or not word.isprintable():
            raise LineSyntaxError("expected the name of an event", text, (0, len(text)))
        patterns.append(word.upper())
    rest = words[len(patterns) :]
    if not rest:
        return Wanted(text, tuple(patterns))
    if argv is not None:
        return Wanted(text, tuple(patterns), argument_words(rest), " ".join(rest))
    filters = parse_arguments(text, _behind(text, len(patterns)))
    return Wanted(text, tuple(patterns), filters, text)


def _behind(text: str, count: int) -> int:
    """Where the words after the first ones begin."""
    found = re.match(rf"\s*(?:\S+\s+){{{count}}}", text)
    return found.end() if found and count else 0


def _only(wanted: Wanted, start: str) -> Wanted:
    """start: how what names the event begins"""
    if len(wanted.patterns) == 1:
        return wanted
    if not wanted.text.strip():
        raise UsageError(f"{start.strip()} needs an event, for example {start}SHUTDOWN")
    raise UsageError(
        f"expected one event and KEY=value, as in {start}SHUTDOWN guest=true, not"
        f" {wanted.text.strip()}"
    )


def _member(data: Json, key: Sequence[str]) -> tuple[Json, bool]:
    """What stands in the data at the end of a key, and whether anything does; a member's name may
    hold dots itself, the longest name wins.
    """
    if not key:
        return data, True
    if isinstance(data, list):
        index = int(key[0]) if key[0].isdigit() and len(key[0]) < 9 else len(data)
        return _member(data[index], key[1:]) if index < len(data) else (None, False)
    if not isinstance(data, dict):
        return None, False
    for width in range(len(key), 0, -1):
        name = ".".join(key[:width])
        if name in data:
            return _member(data[name], key[width:])
    return None, False


def _equals(found: Json, argument: Argument, source: str) -> bool:
    value = argument.value
    if not isinstance(value, Scalar):
        return guess_value(value, source) == found
    if isinstance(found, str):
        return found == value.text
    if value.quoted:
        return False
    if isinstance(found, bool):
        return read_boolean(value.text) is found
    if isinstance(found, int | float):
        return read_number(value.text) == found
    return found is None and value.text == "null"


def _check_key(argument: Argument, events: Sequence[str], schema: Schema) -> None:
    """Raise UsageError where none of the events has such a member."""
    # Imported here: the model is only at hand where a schema is.
    from qmpsh.schema.model import ObjectType

    names: list[str] = []
    for event in events:
        info = schema.event(event)
        kind = schema.type(info.arg_type) if info is not None else None
        if not isinstance(kind, ObjectType) or kind.variants:
            return
        names += [member.name for member in kind.members]
    first = argument.key[0].text
    if first not in names and not any(name.startswith(f"{first}.") for name in names):
        whose = events[0] if len(events) == 1 else "these events"
        has, it = ("has", "it has") if len(events) == 1 else ("have", "they have")
        known = _in_prose(list(dict.fromkeys(names))) or "no data"
        raise UsageError(f"{whose} {has} no '{first}'; {it} {known}")


def _in_prose(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
