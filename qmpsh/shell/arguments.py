"""The arguments of a line as JSON: of the declared types if the server declares them, else guessed.

A guess means the same as the line, or none is made: it accounts for each word, and what only the
human monitor takes is not read as if it were QMP. For a word that the command does not take, the
error says what was meant, as far as this server's schema shows.

`password=?` is a secret that is asked for, so that no line ever holds it. The value of a `qom-set`
line gets the type that its property has in the running VM.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence

from qmpsh.errors import NoValue, SchemaMismatch, UnknownModifier, shortened
from qmpsh.jsontypes import JsonObject
from qmpsh.language.analysis import analyse
from qmpsh.language.arguments import split_words
from qmpsh.language.cursor import walk_of
from qmpsh.language.syntax import (
    PLAIN,
    Argument,
    ArrayLiteral,
    CommandLine,
    Node,
    ObjectLiteral,
    RawLiteral,
    Scalar,
)
from qmpsh.language.tokens import Token, TokenKind
from qmpsh.language.untyped import NULL_WORDS, doubtful_words, guess_arguments
from qmpsh.schema.builtin import actions_of
from qmpsh.schema.check import check_arguments
from qmpsh.schema.describe import guess_argument, members_of
from qmpsh.schema.model import ObjectType, Schema, is_open
from qmpsh.schema.scalars import choices_of, is_enum, property_member, read_qom_value
from qmpsh.schema.walk import Properties
from qmpsh.secrets.rules import ASKED, OBJECT_COMMANDS, SecretContext, is_hidden, is_secret_type
from qmpsh.secrets.text import is_secret_name
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.steps import AskSecret, Note, Wish
from qmpsh.suggest import did_you_mean

Reading = Generator[Wish, str, JsonObject]
"""Steps to the arguments. They raise SchemaMismatch for what the server would refuse, and
LineSyntaxError for clashing keys.
"""


def read_arguments(introspection: Introspection, line: CommandLine) -> Reading:
    """Return the arguments of a command as JSON."""
    line = yield from _filled_in(line)
    return (yield from _doubted((yield from _typed(introspection, line))))


def read_action(introspection: Introspection, line: CommandLine) -> Reading:
    """Return the data of a transaction's action; one without arguments is checked too."""
    line = yield from _filled_in(line)
    return (yield from _doubted((yield from _typed_action(introspection, line))))


def _typed(introspection: Introspection, line: CommandLine) -> Reading:
    yield from introspection.load_schema()
    schema = introspection.schema
    if schema is None or introspection.is_undescribed(line.name.text):
        return guess_arguments(line)
    name = line.name.text
    if schema.command(name) is None and schema.binding:
        rest = line.source[line.name.span[1] :].strip()
        hint = introspection.suggestion(name, rest)
        raise SchemaMismatch(f"no command {name}{hint}", line.source, line.name.span)
    properties = yield from introspection.load_properties(line)
    arguments = yield from _checked(schema, line, properties)
    if properties is None and name == "device_add" and not introspection.asks:
        yield from _unknown_properties(schema, line)
    if line.name.text == "qom-set" and introspection.asks:
        return (yield from typed_value(introspection, line, arguments))
    return arguments


def _unknown_properties(schema: Schema, line: CommandLine) -> Generator[Wish, str, None]:
    """Say which members have a type that only a running VM knows."""
    kind = schema.arguments(line.name.text)
    declared = {member.name for member in kind.members} if kind is not None else set()
    names = [argument.key[0].text for argument in line.arguments]
    if strays := [name for name in names if name not in {*declared, "addr"}]:
        yield Note(
            f"device properties are unknown offline, so the types of {', '.join(strays)} are"
            " guessed; --schema takes a reply of device-list-properties too"
        )


def _typed_action(introspection: Introspection, line: CommandLine) -> Reading:
    # Imported here: few lines are in a transaction.
    from qmpsh.schema.builtin import actions_of

    yield from introspection.load_schema()
    schema = introspection.schema
    actions = actions_of(schema) if schema is not None else None
    if actions is None:
        return guess_arguments(line)
    name = line.name.text
    if name not in actions.commands:
        raise SchemaMismatch(no_action(name, actions), line.source, line.name.span)
    return (yield from _checked(actions, line))


def no_action(name: str, actions: Schema) -> str:
    """Return the message for an unknown action. actions: of the server's `transaction`."""
    hint = did_you_mean(name, actions.commands) or f"; there are {', '.join(actions.commands)}"
    return f"no action {name}{hint}"


def _filled_in(line: CommandLine) -> Generator[Wish, str, CommandLine]:
    if "?" not in line.source:
        return line

    return (yield from fill_in(line))


def _checked(schema: Schema, line: CommandLine, properties: Properties | None = None) -> Reading:
    try:
        return check_arguments(schema, line, properties)
    except SchemaMismatch as error:
        if schema.binding:
            raise
        yield Note(f"sent unchanged, but the manual installed here says: {error}")
        return guess_arguments(line)


def _doubted(arguments: JsonObject) -> Reading:
    """Return the same arguments, after a note on a word sent as text that may not be meant so."""
    if any(True for _ in doubtful_words(arguments, arguments)):
        # Imported here: most words are what they look like. A secret is not repeated.
        from qmpsh.secrets.rules import mask_json

        for name, word in doubtful_words(arguments, mask_json(arguments)):
            what = "null is written null" if word in NULL_WORDS else "no type makes it a number"
            yield Note(f"{name}: {word} is sent as text; {what}")
    return arguments


_PAIR = r"[\w.-]+="
_NEXT_WORD = r"\s+([^\s=|>#-][^\s=]*)(?!\S)"
_ENDS = (TokenKind.COMMENT, TokenKind.PIPE, TokenKind.REDIRECT)
_MARKS = (*_ENDS, TokenKind.MODIFIER, TokenKind.PAREN)


class _Typed:
    """A line as far as it can be read, even if it is wrong."""

    def __init__(self, source: str, *, in_transaction: bool) -> None:
        line = analyse(source, PLAIN._replace(in_transaction=in_transaction))
        self.source = source
        self.walk = line.reading(walk_of)
        self._tokens = line.tokens

    @property
    def given(self) -> dict[str, str | None]:
        """Return the members in the line, None for the value of one in brackets."""
        found = self.walk.given
        return {m.path[0]: m.text if len(m.path) == 1 else None for m in found if m.path}

    @property
    def text(self) -> str:
        """Return the line from the command's name on, without a comment and a redirect."""
        start = self.walk.command_span[0]
        ends = (t.start for t in self._tokens if t.kind in _ENDS and t.start > start)
        return self.source[start : next(ends, len(self.source))].strip()

    @property
    def bare_words(self) -> int:
        """Count the words that are neither KEY=value nor modifiers."""
        after = [t for t in self._tokens if t.start >= self.walk.command_span[1]]
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
        rest = typed.text[len(name) :].strip()
        error.reword(f"no command {name}{introspection.suggestion(name, rest)}")
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


Path = tuple[str, ...]
Filled = Generator[Wish, str, Node]


def fill_in(line: CommandLine) -> Generator[Wish, str, CommandLine]:
    """Replace each `?` of a secret member by what the user types; `'?'` stays."""
    filler = _Filler(line)
    arguments: list[Argument] = []
    for argument in line.arguments:
        if isinstance(argument.value, RawLiteral):
            arguments.append(argument)
            continue
        value = yield from filler.fill(_path(argument), argument.value)
        arguments.append(argument._replace(value=value))
    return line._replace(arguments=tuple(arguments))


class _Filler:
    def __init__(self, line: CommandLine) -> None:
        self._name = line.name.text
        self._about = SecretContext(is_object=self._name in OBJECT_COMMANDS)
        self._owners: set[Sequence[str]] = {
            path[:-1]
            for argument in line.arguments
            for path, text in _leaves(_path(argument), argument.value)
            if path[-1] == "qom-type" and is_secret_type(text)
        }

    def fill(self, path: Path, node: Node) -> Filled:
        """Return the value at a path, filled in."""
        match node:
            case ObjectLiteral():
                members = []
                for part, item in node.members:
                    members.append((part, (yield from self.fill((*path, part.text), item))))
                return node._replace(members=tuple(members))
            case ArrayLiteral():
                items = []
                for item in node.items:
                    items.append((yield from self.fill((*path, "0"), item)))
                return node._replace(items=tuple(items))
            case Scalar(text=text, quoted=False) if text == ASKED and self._is_secret(path):
                typed = yield AskSecret(f"{path[-1]} for {self._name}:", ())
                return Scalar(typed, True, node.span)
            case _:
                return node

    def _is_secret(self, path: Path) -> bool:
        if is_secret_name(path[-1]):
            return True
        return path[-1] == "data" and is_hidden(path, self._about, self._owners)


def _path(argument: Argument) -> Path:
    return tuple(part.text for part in argument.key)


def _leaves(path: Path, node: Node | RawLiteral) -> list[tuple[Path, str]]:
    match node:
        case Scalar():
            return [(path, node.text)]
        case ObjectLiteral():
            return [leaf for p, item in node.members for leaf in _leaves((*path, p.text), item)]
        case ArrayLiteral():
            return [leaf for item in node.items for leaf in _leaves((*path, "0"), item)]
        case RawLiteral():
            return []


def typed_value(
    introspection: Introspection, line: CommandLine, arguments: JsonObject
) -> Generator[Wish, str, JsonObject]:
    """Return the arguments with the value typed; unchanged if the VM knows no such property.

    Raises SchemaMismatch for a child, which cannot be set.
    """
    argument = _typed_argument(line)
    path, name = arguments.get("path"), arguments.get("property")
    if argument is None or not isinstance(path, str) or not isinstance(name, str):
        return arguments
    listed = yield from introspection.ask_live("qom-list", {"path": path})
    kind = property_member(listed, name, "type")
    if not isinstance(kind, str):
        return arguments
    value = read_qom_value(argument, kind, line.source)
    if is_enum(kind) and isinstance(value, str):
        yield from _warn(introspection, path, name, value)
    return {**arguments, "value": value}


def _typed_argument(line: CommandLine) -> Argument | None:
    """Return the line's `value` if a type can make a difference: not if it is quoted, which makes
    it a string, nor in dotted keys, which make it an object.
    """
    for argument in line.arguments:
        if [part.text for part in argument.key] == ["value"]:
            value = argument.value
            is_open = isinstance(value, RawLiteral) or (
                isinstance(value, Scalar) and not value.quoted
            )
            return argument if is_open else None
    return None


def _warn(
    introspection: Introspection, path: str, name: str, value: str
) -> Generator[Wish, str, None]:
    """Say which words an enum has, where its description lists them and this is not one."""
    owner = yield from introspection.ask_live("qom-get", {"path": path, "property": "type"})
    if not isinstance(owner, str):
        return
    listed = yield from introspection.ask_live("qom-list-properties", {"typename": owner})
    choices = choices_of(property_member(listed, name, "description"))
    if choices and value not in choices:
        # Without the value: it is the line's, and the line may be secret.
        yield Note(f"sent unchanged, but {name} takes {shortened(', '.join(choices))}")
