"""What was meant by a word that the command does not take, as far as this server's schema shows."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence

from qmpsh.errors import NoValue, UnknownModifier
from qmpsh.language.analysis import analyse
from qmpsh.language.arguments import split_words
from qmpsh.language.cursor import parsed_line
from qmpsh.language.syntax import PLAIN
from qmpsh.language.tokens import Token, TokenKind
from qmpsh.schema.actions import actions_of
from qmpsh.schema.describe import guess_argument, members_of
from qmpsh.schema.model import ObjectType, Schema, is_open
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.steps import Wish
from qmpsh.suggest import did_you_mean

_PAIR = r"[\w.-]+="
_NEXT_WORD = r"\s+([^\s=|>#-][^\s=]*)(?!\S)"
_ENDS = (TokenKind.COMMENT, TokenKind.PIPE, TokenKind.REDIRECT)
_MARKS = (*_ENDS, TokenKind.MODIFIER, TokenKind.PAREN)


class _Typed:
    """A line as far as it can be read, even if it is wrong."""

    def __init__(self, source: str, *, in_transaction: bool) -> None:
        line = analyse(source, PLAIN._replace(in_transaction=in_transaction))
        self.source = source
        self.parsed = line.reading(parsed_line)
        self._tokens = line.tokens

    @property
    def given(self) -> dict[str, str | None]:
        """Return the members in the line, None for the value of one in brackets."""
        found = self.parsed.given
        return {m.path[0]: m.text if len(m.path) == 1 else None for m in found if m.path}

    @property
    def text(self) -> str:
        """Return the line from the command's name on, without a comment and a redirect."""
        start = self.parsed.span[0]
        ends = (t.start for t in self._tokens if t.kind in _ENDS and t.start > start)
        return self.source[start : next(ends, len(self.source))].strip()

    @property
    def bare_words(self) -> int:
        """Count the words that are neither KEY=value nor modifiers."""
        after = [t for t in self._tokens if t.start >= self.parsed.span[1]]
        return sum(map(_is_bare, split_words(after)))

    @property
    def is_monitors(self) -> bool:
        """Whether the line can be one of the human monitor's: no KEY=value, no quotes."""
        words = self.text.split()[1:]
        return not any(re.match(_PAIR, word) or word.startswith("--") for word in words) and (
            not re.search(r"""['"{\[]""", self.text)
        )


def _is_bare(word: Sequence[Token]) -> bool:
    return word[0].kind not in _MARKS and all(token.kind is not TokenKind.EQUALS for token in word)


def explain(
    error: NoValue | UnknownModifier, introspection: Introspection
) -> Generator[Wish, str, None]:
    """Give the error the sentence that says what to type, where that is known."""
    in_transaction = isinstance(error, NoValue) and error.in_transaction
    typed = _Typed(error.source, in_transaction=in_transaction)
    name = typed.parsed.command
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
        error.span = typed.parsed.span
    elif commands and name not in commands:
        rest = typed.text[len(name) :].strip()
        error.reword(f"no command {name}{introspection.suggestion(name, rest)}")
        error.span = typed.parsed.span


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


def no_action(name: str, actions: Schema) -> str:
    """Return the message for an unknown action. actions: of the server's `transaction`."""
    hint = did_you_mean(name, actions.commands) or f"; there are {', '.join(actions.commands)}"
    return f"no action {name}{hint}"
