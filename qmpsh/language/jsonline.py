"""Raw JSON and pasted transcripts: objects that hold a command, replies that are skipped.

Source: QMP specification, "Issuing Commands", and the ways in which the manuals print a session.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from qmpsh.errors import LineSyntaxError, Span
from qmpsh.jsontypes import Json, JsonObject, finite_number, nests_within, refuse_constant
from qmpsh.language.syntax import ArrayLiteral, JsonLine, Node, ObjectLiteral, Redirect, Scalar
from qmpsh.language.tokens import BLANKS, CLOSING, MAX_NESTING, QUOTED, Token, TokenKind
from qmpsh.language.untyped import guess_literal
from qmpsh.language.values import LiteralReader, SourceText, too_deep_error, unclosed_error
from qmpsh.light_typing import NamedTuple
from qmpsh.patterns import LatePattern

REPLY_NAMES = frozenset({"return", "error", "event", "QMP"})
COMMAND_NAMES = ("execute", "exec-oob")
_SURROGATE = LatePattern(r"\\u[dD][89a-fA-F]")
_CONTROL = LatePattern(r"[\x00-\x1f]")
_QUOTED = LatePattern(QUOTED, re.DOTALL)
_SINGLE_OR_DOUBLE = LatePattern(r'(?s)\\.|"')
_BARE = r"""[^\s,{}\[\]:"']+"""
_KNOWN_NAMES = REPLY_NAMES.union(COMMAND_NAMES)
_EXPECTED = 'expected an object that holds "execute", as in {"execute": "query-status"}'
_ONE_OBJECT = "expected one object before a redirect: write each on a line of its own"
_GLUED = "expected another object, a comment, or | or > after a space"
_BOTH_NAMES = 'expected "execute" or "exec-oob", not both'
_BAD_NAME = 'expected a command\'s name in "{member}"'
_OTHER_WORD = "JSON writes {right}, not {word}"
_NO_VALUE = "expected a JSON value, not {word}"
_BARE_STRING = 'strings in JSON need double quotes: "{word}"'
_TRAILING = "Illegal trailing comma"
"""how Python from 3.13 on begins what it says of `[1,]`"""
_FAULTS = {
    "Expecting property name enclosed in double quotes": "expected a name in double quotes",
    f"{_TRAILING} before end of object": "expected a name in double quotes",
    f"{_TRAILING} before end of array": "expected a value",
    "Expecting ':' delimiter": "expected a colon",
    "Expecting ',' delimiter": "expected a comma or the closing bracket",
    "Expecting value": "expected a value",
    "Invalid control character at": "expected \\n, \\t or \\u.... for a control character",
    "Invalid \\escape": "no such escape in JSON; write a backslash as \\\\",
    "Invalid \\uXXXX escape": "expected four hex digits after \\u, as in \\u00e9",
}
"""What the standard decoder says, in our words."""


class _Refused(ValueError):
    """A text that Python's decoder would take, though it is not JSON."""


def read_objects(line: str, tokens: Sequence[Token], redirect: Redirect | None) -> list[JsonLine]:
    """Return the commands among the objects of a line; tokens: all but the redirect.

    Raises LineSyntaxError for malformed JSON, and for an object that is neither command nor reply.
    """
    commands: list[JsonLine] = []
    for found in split_objects(line, tokens):
        value = _read_object(line, found)
        if value is None or (found.is_marked and not _KNOWN_NAMES.intersection(value)):
            continue
        command = _command(line, value, found.span, redirect)
        if command is not None:
            commands.append(command)
    if redirect is not None and len(commands) > 1:
        raise LineSyntaxError(_ONE_OBJECT, line, redirect.span)
    return commands


def decode_object(line: str) -> JsonObject | None:
    """Return the object that a text is, blanks aside, where the decoder alone can say so; None for
    all else, a text that is to be read token by token. A line may hold a million numbers.
    """
    text = line.strip(BLANKS)
    if not text.startswith("{"):
        return None
    for form in (text, text if "'" not in text else _QUOTED.sub(_in_double_quotes, text)):
        try:
            value: Json = _DECODER.decode(form)
        except (ValueError, RecursionError):
            continue
        is_sound = nests_within(value, MAX_NESTING) and not _SURROGATE.search(text)
        return value if isinstance(value, dict) and is_sound else None
    return None


def _in_double_quotes(match: re.Match[str]) -> str:
    """Return a string as JSON has it; QEMU takes '...' too, and \\' in either kind of quotes."""
    return '"' + _SINGLE_OR_DOUBLE.sub(_requoted, match[0][1:-1]) + '"'


def _requoted(match: re.Match[str]) -> str:
    return {'"': '\\"', "\\'": "'"}.get(match[0], match[0])


def read_single_object(line: str) -> list[JsonLine] | None:
    """Return the command of a line that is one object and nothing else, None for another line.

    Raises LineSyntaxError for an object that is neither command nor reply.
    """
    value = decode_object(line)
    if value is None:
        return None
    start = line.index("{")
    command = _command(line, value, (start, len(line.rstrip(BLANKS))), None)
    return [] if command is None else [command]


class Found(NamedTuple):
    """An object of a line. is_marked: an arrow or another mark stands before it."""

    tokens: Sequence[Token]
    is_marked: bool

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.tokens[0].start, self.tokens[-1].end


def split_objects(line: str, tokens: Sequence[Token]) -> Iterator[Found]:
    """Yield the objects of a line. Raises LineSyntaxError for what stands between them."""
    brackets: list[str] = []
    first = 0
    is_marked = False
    for place, token in enumerate(tokens):
        mark = line[token.start : token.end]
        if token.kind is TokenKind.GLUED:
            raise LineSyntaxError(_GLUED, line, (token.start, token.end))
        if token.kind is TokenKind.OPEN:
            first = first if brackets else place
            brackets.append(CLOSING[mark])
        elif token.kind is TokenKind.DEEP:
            raise too_deep_error(SourceText(line), token)
        elif token.kind is TokenKind.CLOSE:
            if brackets.pop() != mark:
                brackets.clear()  # as the scanner does; the decoder will point at it
            if not brackets:
                yield Found(tokens[first : place + 1], is_marked)
                is_marked = False
        elif token.kind is TokenKind.MARK:
            is_marked = True
    if brackets:
        is_quote = tokens[-1].kind is TokenKind.UNCLOSED
        raise unclosed_error(SourceText(line), tokens[-1 if is_quote else first])


def is_json(line: str, tokens: Sequence[Token]) -> bool:
    """Return whether the tokens of an object are one in JSON, or as QEMU reads it."""
    try:
        return _read_object(line, Found(tokens, is_marked=False)) is not None
    except LineSyntaxError:
        return False


def _read_object(line: str, found: Found) -> JsonObject | None:
    """Read one object; None for a reply that is not JSON: manuals leave parts of them out."""
    tokens = found.tokens
    start, end = found.span
    try:
        value: JsonObject = _DECODER.raw_decode(line, start)[0]
    except ValueError as error:
        names = {name for name, _ in top_members(line, tokens)}
        if not REPLY_NAMES.isdisjoint(names) or (
            found.is_marked and _KNOWN_NAMES.isdisjoint(names)
        ):
            return None
        if isinstance(error, json.JSONDecodeError) and not _is_qemus(line, error.pos):
            raise _fault(line, error, end) from error
        return _read_relaxed(line, tokens)
    # Python's decoder takes half a surrogate pair, which neither UTF-8 nor QEMU has.
    return _read_relaxed(line, tokens) if _SURROGATE.search(line, start, end) else value


def top_members(line: str, tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Yield the names of an object's own members as they stand, be the rest JSON or not, and for
    each its value where that is a word or a string.
    """
    depth = 0
    name = ""
    for token in tokens:
        depth += (token.kind is TokenKind.OPEN) - (token.kind is TokenKind.CLOSE)
        text = token.text(line).strip("\"'") if depth == 1 else ""
        if text and token.kind in (TokenKind.PART, TokenKind.QUOTED_PART):
            name = text
            yield name, ""
        elif text and token.kind in (TokenKind.WORD, TokenKind.STRING):
            yield name, text


def _is_qemus(line: str, place: int) -> bool:
    """Return whether QEMU takes what the decoder rejects here: '...', or \\' in a string."""
    return line.startswith("'", place) or line.startswith("\\'", place)


def _fault(line: str, error: json.JSONDecodeError, end: int) -> LineSyntaxError:
    """Return the decoder's complaint in our words. end: of the object."""
    place = error.pos
    if error.msg.startswith(_TRAILING):  # where it is, not what comes where a name should be
        place = len(line) - len(line[place + 1 :].lstrip(BLANKS))
    place = min(place, end - 1)
    word = re.compile(_BARE).match(line, place)
    if error.msg == "Expecting value" and word:
        return LineSyntaxError(_no_json_value(word[0]), line, word.span())
    fault = _FAULTS.get(error.msg.rstrip(": "), "expected JSON")
    return LineSyntaxError(fault, line, (place, place + 1))


def _no_json_value(word: str) -> str:
    if word.lower() in ("true", "false", "none"):
        return _OTHER_WORD.format(right=word.lower().replace("none", "null"), word=word)
    if word in ("NaN", "Infinity", "-Infinity"):
        return _NO_VALUE.format(word=word)
    return _BARE_STRING.format(word=word)


def _read_relaxed(line: str, tokens: Sequence[Token]) -> JsonObject:
    """Read an object in QEMU's own single quotes, or one that JSON's decoder rejects.

    Raises LineSyntaxError with the place of what is wrong.
    """
    node = LiteralReader(SourceText(line), tokens).read()
    _refuse_controls(line, tokens)
    _refuse_bare_words(node, line)
    value = guess_literal(node, line)
    assert isinstance(value, dict)  # the first token is a {
    return value


def _refuse_controls(line: str, tokens: Sequence[Token]) -> None:
    """Raise LineSyntaxError for an unescaped control character in a string of raw JSON."""
    for token in tokens:
        if token.kind in (TokenKind.STRING, TokenKind.QUOTED_PART):
            found = _CONTROL.search(line, token.start, token.end)
            if found:
                raise LineSyntaxError(_FAULTS["Invalid control character at"], line, found.span())


def _refuse_bare_words(node: Node, line: str) -> None:
    match node:
        case ArrayLiteral():
            for item in node.items:
                _refuse_bare_words(item, line)
        case ObjectLiteral():
            for _, item in node.members:
                _refuse_bare_words(item, line)
        case Scalar():
            if not node.quoted and isinstance(guess_literal(node, line), str):
                raise LineSyntaxError(_no_json_value(node.text), line, node.span)


def _command(
    line: str, value: JsonObject, span: Span, redirect: Redirect | None
) -> JsonLine | None:
    """Return the command that an object holds, None when it is a reply."""
    names = [name for name in COMMAND_NAMES if name in value]
    if not names and REPLY_NAMES & value.keys():
        return None
    if len(names) != 1:
        raise LineSyntaxError(_BOTH_NAMES if names else _EXPECTED, line, span)
    name = value[names[0]]
    if not isinstance(name, str):
        raise LineSyntaxError(_BAD_NAME.format(member=names[0]), line, span)
    return JsonLine(
        source=line,
        name=name,
        arguments=value.get("arguments"),
        has_arguments="arguments" in value,
        oob=names[0] == "exec-oob",
        has_id="id" in value,
        id=value.get("id"),
        extra={key: value[key] for key in value if key not in (names[0], "arguments", "id")},
        span=span,
        redirect=redirect,
    )


def _object(pairs: list[tuple[str, Json]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Refused
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=finite_number, parse_constant=refuse_constant
)
