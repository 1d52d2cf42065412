"""The commands that the verbs of QOM stand for: `.get`, `.prop` and `.ls` send one each."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.language.arguments import first_word_end
from qmpsh.language.lines import parse_line, parse_words
from qmpsh.language.syntax import CommandLine, Statement, VerbLine
from qmpsh.language.values import quote
from qmpsh.language.verbs import Takes, takes
from qmpsh.protocol.messages import Command
from qmpsh.shell.arguments import read_arguments
from qmpsh.shell.context import Context
from qmpsh.shell.execute import Request
from qmpsh.shell.qom.place import place_of
from qmpsh.shell.steps import Wish
from qmpsh.shell.trees.qom import qom_listing, qom_value
from qmpsh.shell.verbs.words import letters_and_words, words_of

_WANTS_PROPERTY = "expected one property, as in .get type or .get /machine.type"
_WANTS_VALUE = "expected a property and its value, as in .prop rombar 0"
_WANTS_PATH = "expected at most one path, as in .{name} /machine/peripheral"
_NO_SINGLE = ".{name} sends several commands here; .ls, .get and .prop send one"

VALUES = "l"
"""The option with which the values of properties are asked for as well."""

_SET = "qom-set"


def qom_request(context: Context, line: VerbLine) -> Generator[Wish, str, Request]:
    """Return the one command that a verb of QOM sends.

    Raises LineSyntaxError; UsageError for a verb that sends several.
    """
    kind, letters = takes(line.name), letters_and_words(line)[0]
    if kind is Takes.QOM_SETTING:
        return (yield from set_request(context, line))
    if kind is Takes.QOM_FILTERS or VALUES in letters:
        raise UsageError(_NO_SINGLE.format(name=line.name))
    return (get_request if kind is Takes.QOM_PROPERTY else list_request)(context, line)


def get_request(context: Context, line: VerbLine) -> Request:
    """Return the `qom-get` of a `.get`. Raises LineSyntaxError."""
    words = words_of(line)
    path, name = place_of(context.place).resolve_property(words[0]) if len(words) == 1 else ("", "")
    if not name:
        raise LineSyntaxError(_WANTS_PROPERTY, line.source, line.rest_span)
    return Request(qom_value(path, name), line.modifiers, line.redirect)


def list_request(context: Context, line: VerbLine) -> Request:
    """Return the `qom-list` of an `.ls`. Raises LineSyntaxError."""
    return Request(qom_listing(path_of(context, line)), line.modifiers, line.redirect)


def path_of(context: Context, line: VerbLine) -> str:
    """Return the absolute path that a line names, the working path by itself.

    Raises LineSyntaxError for more than one.
    """
    words = letters_and_words(line)[1]
    if len(words) > 1:
        raise LineSyntaxError(_WANTS_PATH.format(name=line.name), line.source, line.rest_span)
    return place_of(context.place).resolve("".join(words))


def set_request(context: Context, line: VerbLine) -> Generator[Wish, str, Request]:
    """Return the `qom-set` of a `.prop`, its value typed as that of any `qom-set`.

    Raises LineSyntaxError, and SchemaMismatch for a child, which cannot be set.
    """
    words = words_of(line)
    if len(words) < 2 or (line.words is not None and len(words) > 2):
        raise LineSyntaxError(_WANTS_VALUE, line.source, line.rest_span)
    path, name = place_of(context.place).resolve_property(words[0])
    statement = _as_command(line, words, path, name)
    arguments = yield from read_arguments(context.introspection, statement)
    return Request(Command(_SET, arguments), line.modifiers, line.redirect)


def _as_command(line: VerbLine, words: Sequence[str], path: str, name: str) -> CommandLine:
    """Return the `qom-set` that a `.prop` stands for, its value as it was typed."""
    if line.words is not None:
        given = [_SET, f"path={path}", f"property={name}", f"value={words[1]}"]
        statements: Sequence[Statement] = parse_words(given)
    else:
        value = line.rest[first_word_end(line.rest) :].strip()
        text = f"{_SET} path={quote(path)} property={quote(name)} value={value}"
        statements = parse_line(text)
    (statement,) = statements
    if not isinstance(statement, CommandLine):
        raise LineSyntaxError(_WANTS_VALUE, line.source, line.rest_span)
    return statement
