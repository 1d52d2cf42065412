"""A word that a command's line does not take: what was meant, as far as this server tells.

A guess says the same as the line, or none is made: it accounts for each word, and what the human
monitor takes is not read as if it were QMP.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence

from qmpsh.complete.place import Walk
from qmpsh.errors import NoValue, UnknownModifier
from qmpsh.lang.body import split_words
from qmpsh.lang.scan import Scanner
from qmpsh.lang.tokens import Kind, Token
from qmpsh.schema.actions import actions_of
from qmpsh.schema.guess import guess_argument, members_of
from qmpsh.schema.model import ObjectType, Schema, is_open
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.outcome import Wish
from qmpsh.shell.reading import no_action

_PAIR = r"[\w.-]+="
_NEXT_WORD = r"\s+([^\s=|>#-][^\s=]*)(?!\S)"
_ENDS = (Kind.COMMENT, Kind.PIPE, Kind.REDIRECT)
_MARKS = (*_ENDS, Kind.MODIFIER, Kind.PAREN)


class _Typed:
    """A line as far as it can be read, wrong as it is."""

    def __init__(self, source: str, *, in_transaction: bool) -> None:
        tokens = Scanner().feed(source)
        self.source = source
        self.walk = Walk(source, in_transaction=in_transaction)
        self.walk.take(tokens)
        self._tokens = tokens

    @property
    def given(self) -> dict[str, str | None]:
        """The members in the line, None for the value of one in brackets."""
        found = self.walk.given
        return {m.path[0]: m.text if len(m.path) == 1 else None for m in found if m.path}

    @property
    def text(self) -> str:
        """The line from the command's name on, without a comment and a redirect."""
        start = self.walk.command_span[0]
        ends = (t.start for t in self._tokens if t.kind in _ENDS and t.start > start)
        return self.source[start : next(ends, len(self.source))].strip()

    @property
    def bare_words(self) -> int:
        """How many words are neither KEY=value nor modifiers."""
        behind = [t for t in self._tokens if t.start >= self.walk.command_span[1]]
        return sum(map(_is_bare, split_words(behind)))

    @property
    def is_monitors(self) -> bool:
        """Whether the line can be one of the human monitor's: no KEY=value, no quotes."""
        words = self.text.split()[1:]
        return not any(re.match(_PAIR, word) or word.startswith("--") for word in words) and (
            not re.search(r"""['"{\[]""", self.text)
        )


def _is_bare(word: Sequence[Token]) -> bool:
    return word[0].kind not in _MARKS and all(token.kind is not Kind.EQUALS for token in word)


def explain(
    error: NoValue | UnknownModifier, introspection: Introspection
) -> Generator[Wish, str, None]:
    """Give the error the sentence that says what to type, where that is known."""
    in_transaction = isinstance(error, NoValue) and error.in_transaction
    typed = _Typed(error.source, in_transaction=in_transaction)
    name = typed.walk.command
    if not name:
        return
    yield from introspection.load_schema()
    schema, commands = introspection.schema, introspection.commands
    if in_transaction:
        schema = actions_of(schema) if schema is not None else None
        commands = schema.commands if schema is not None else ()
    kind = schema.arguments(name) if schema is not None else None
    if isinstance(error, UnknownModifier):
        _explain_modifier(error, name, kind, schema, typed)
    elif schema is not None and kind is not None:
        _explain_word(error, introspection, schema, kind, typed)
    elif in_transaction and schema is not None:
        error.reword(no_action(name, schema))
        error.span = typed.walk.command_span
    elif commands and name not in commands:
        behind = typed.text[len(name) :].strip()
        error.reword(f"no command {name}{introspection.suggestion(name, behind)}")
        error.span = typed.walk.command_span


def _explain_word(
    error: NoValue, introspection: Introspection, schema: Schema, kind: ObjectType, typed: _Typed
) -> None:
    """Say what a word without `=`, or with a dash, was meant to be."""
    is_member = any(member.name == error.word for member in members_of(schema, kind, typed.given))
    line = "" if error.in_transaction or is_member or not typed.is_monitors else typed.text
    meant = introspection.in_our_words(line) if line else ""
    if meant.startswith(".hmp "):
        error.reword("expected KEY=value; as a line of the human monitor it is", meant)
    elif meant:
        error.reword("expected KEY=value", f"{meant}?")
    elif not error.word.startswith("-"):
        error.reword(*guess_argument(schema, kind, error, typed.given, others=typed.bare_words - 1))


def _explain_modifier(
    error: UnknownModifier,
    command: str,
    kind: ObjectType | None,
    schema: Schema | None,
    typed: _Typed,
) -> None:
    """Say how the member is written of which this is the name."""
    if schema is None or kind is None:
        return
    names = {member.name for member in members_of(schema, kind, typed.given)}
    if not (error.name in names or (error.value is not None and is_open(command, kind))):
        return
    source, value = error.source, error.value
    start, end = error.span
    if value is None:
        word = re.compile(_NEXT_WORD).match(source, end)
        value, end = (word[1], word.end()) if word else ("...", end)
    line = f"{source[:start]}{error.name}={value}{source[end:]}".strip()
    error.reword(f"--{error.name} is not a modifier; a member is written without dashes", line)
