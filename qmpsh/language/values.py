"""Reads values: a quoted text, or a relaxed JSON or Python literal, with the position of each part.

Nothing is typed here: a bare word inside brackets stays `Scalar(quoted=False)`, for the code that
knows the declared type to read (`untyped` where there is none).
"""

from __future__ import annotations

import re

from qmpsh.errors import LineSyntaxError, Span
from qmpsh.language.scanner import Scanner
from qmpsh.language.syntax import ArrayLiteral, Node, ObjectLiteral, Part, RawLiteral, Scalar
from qmpsh.language.tokens import CLOSING, MAX_NESTING, ScanState, Token, TokenKind
from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ESCAPES = {
    '"': '"', "'": "'", "\\": "\\", "/": "/",
    "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip
_LETTERS = {character: letter for letter, character in _ESCAPES.items() if letter not in "/'"}
_ESCAPE = (
    r"(?s)\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u([0-9a-fA-F]{4})|(.))"
)
_HALF_PAIR = "\\u{digits} is half of a surrogate pair: expected both halves"
_NO_DIGITS = "expected four hex digits after \\u, as in \\u00e9"
_NO_ESCAPE = "no such escape in {mark}...{mark}; write a backslash as \\\\"
_CONTROL = "expected no control character inside {opening} {closing}"
_NOT_CLOSED = "expected the closing {mark}"
_TOO_DEEP = f"expected brackets to nest {MAX_NESTING} deep at most"
_GOES_ON = "expected nothing after the closing bracket"
_TWICE = "the member {name} is given twice"
_QUOTE_BRACE = "; text that begins with {{ is quoted: {text}"
_HOLDS_QUOTE = "text that holds a quote is quoted as a whole, as in {text}"
_TUPLE = "JSON has no tuples: write a list, as in [1, 2]; text is quoted"

_CONTROL_BUT_BLANK = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"


class SourceText:
    """A text that is read, and its position in the line that was typed.

    whole: None where offsets into the text are offsets into the line; else the place of the text
    as a whole, because escapes have moved what is inside.
    """

    __slots__ = ("line", "text", "whole")

    def __init__(self, text: str, line: str | None = None, whole: Span | None = None) -> None:
        self.text = text
        self.line = text if line is None else line
        self.whole = whole

    def span(self, start: int, end: int) -> Span:
        """Return the place in the line of text[start:end]."""
        return self.whole or (start, end)

    def error(self, message: str, start: int, end: int, guess: str = "") -> LineSyntaxError:
        """Return an error that points at text[start:end]. guess: what was meant, "" for no idea."""
        return LineSyntaxError(message, self.line, self.span(start, end), guess)


def unquote(source: SourceText, token: Token) -> str:
    """Return what a token outside brackets stands for: its text, or what its quotes hold.

    In '...' only \\' and \\\\ change; in "..." the escapes of `unescape` do.
    """
    if token.kind not in (TokenKind.STRING, TokenKind.QUOTED_PART):
        return token.text(source.text)
    if source.text[token.start] == "'":
        return re.sub(r"\\(['\\])", r"\1", source.text[token.start + 1 : token.end - 1])
    return unescape(source, token)


def unescape(source: SourceText, token: Token) -> str:
    """Return what the quotes of a token hold, with JSON's escapes and \\' read in either kind of
    quote.

    Raises LineSyntaxError for an unknown escape. Source: RFC 8259, section 7; QEMU takes \\' and
    '...' too (qobject/json-parser.c, parse_string).
    """
    inner = source.text[token.start + 1 : token.end - 1]
    if "\\" not in inner:
        return inner

    def replace(match: re.Match[str]) -> str:
        high, low, digits, letter = match.groups()
        if high is not None:
            return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        if digits is not None and not 0xD800 <= int(digits, 16) < 0xE000:
            return chr(int(digits, 16))
        start = token.start + 1 + match.start()
        mark = source.text[token.start]
        raise source.error(_bad_escape(digits, letter, mark), start, start + len(match[0]))

    return re.sub(_ESCAPE, replace, inner)


def _bad_escape(digits: str | None, letter: str, mark: str) -> str:
    if digits is not None:
        return _HALF_PAIR.format(digits=digits)
    if letter == "u":
        return _NO_DIGITS
    return _NO_ESCAPE.format(mark=mark)


def unclosed_error(source: SourceText, token: Token) -> LineSyntaxError:
    """Return the error for a quote or a bracket without its end; the token begins with its mark."""
    mark = source.text[token.start]
    control = re.search(_CONTROL_BUT_BLANK, source.text[token.start :]) if mark in "{[" else None
    if control is not None:
        start = token.start + control.start()
        message = _CONTROL.format(opening=mark, closing=CLOSING[mark])
        return source.error(message, start, start + 1)
    message = _NOT_CLOSED.format(mark=CLOSING.get(mark, mark))
    return source.error(message, token.start, token.start + 1)


def too_deep_error(source: SourceText, token: Token) -> LineSyntaxError:
    """Return the error for a bracket beyond the limit."""
    return source.error(_TOO_DEEP, token.start, token.end)


def quote(text: str) -> str:
    """Return the text in the quotes that leave most of it as it is; `unquote` and `unescape` undo
    it.

    What a terminal obeys or does not show is escaped; half a surrogate pair has no escape.
    """
    return in_quotes(text, "'" if '"' in text or "\\" in text else '"')


def in_quotes(text: str, mark: str) -> str:
    """Return the same in these quotes, if they can hold it."""
    if mark == "'" and not _has_hidden(text):
        escaped = text.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return '"' + "".join(map(_escaped, text)) + '"'


def _has_hidden(text: str) -> bool:
    return not text.isprintable() and any(map(_is_hidden, text))


def _is_hidden(char: str) -> bool:
    return not (char.isprintable() or "\ud800" <= char <= "\udfff")


def _escaped(char: str) -> str:
    if char in _LETTERS:
        return f"\\{_LETTERS[char]}"
    if not _is_hidden(char):
        return char
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def read_raw(raw: RawLiteral, line: str) -> Node:
    """Read what was left unread because a declared str would have taken it verbatim.

    line: the source of the command. Raises LineSyntaxError.
    """
    start, end = raw.span
    if line[start:end] == raw.text:
        source = SourceText(line)
    else:
        source, start, end = SourceText(raw.text, line, raw.span), 0, len(raw.text)
    tokens = Scanner(state=ScanState.VALUE).feed(source.text, start, end)
    reader = LiteralReader(source, tokens)
    node = reader.read()
    reader.expect_end(_GOES_ON)
    return node


class LiteralReader:
    """The reader of one literal, which takes it from tokens.

        literal = "{" [ name ":" literal { "," name ":" literal } [ "," ] ] "}"
                | "[" [ literal { "," literal } [ "," ] ] "]"
                | word | string

    tokens: the first is the literal's first; blanks may be among them.
    """

    __slots__ = ("_at", "_open", "_source", "_tokens")

    def __init__(self, source: SourceText, tokens: Iterable[Token]) -> None:
        self._source = source
        self._tokens = [token for token in tokens if token.kind is not TokenKind.BLANK]
        self._at = 0
        self._open: list[Token] = []

    def read(self) -> Node:
        """Return the literal. Raises LineSyntaxError."""
        token = self._next()
        match token.kind:
            case TokenKind.OPEN:
                return self._bracket(token)
            case TokenKind.STRING:
                read = unescape if self._open else unquote
                return Scalar(read(self._source, token), True, self._span(token, token))
            case TokenKind.WORD:
                return Scalar(self._word(token), False, self._span(token, token))
        raise self._unexpected("a value", token)

    def expect_end(self, hint: str, guess: str = "") -> None:
        """Raise LineSyntaxError with the hint where anything follows the literal."""
        for token in self._tokens[self._at :]:
            raise self._source.error(hint, token.start, token.end, guess)

    def _bracket(self, opening: Token) -> Node:
        self._open.append(opening)
        in_object = self._text(opening) == "{"
        names: dict[str, Part] = {}
        nodes: list[Node] = []
        while not self._closes():
            if in_object:
                name = self._name(names)
                names[name.text] = name
            nodes.append(self.read())
            self._separate()
        span = self._span(self._open.pop(), self._tokens[self._at - 1])
        if in_object:
            return ObjectLiteral(tuple(zip(names.values(), nodes, strict=True)), span)
        return ArrayLiteral(tuple(nodes), span)

    def _name(self, names: dict[str, Part]) -> Part:
        """Return a member's name with its colon."""
        token = self._next()
        if token.kind is TokenKind.QUOTED_PART:
            text = unescape(self._source, token)
        elif token.kind is TokenKind.PART:
            text = self._word(token)
        else:
            raise self._unexpected("a member's name, as in {name: value}", token)
        if text in names:
            message = _TWICE.format(name=quote(text))
            raise self._source.error(message, token.start, token.end)
        colon = self._next()
        if colon.kind is not TokenKind.COLON:
            raise self._unexpected(f"a colon after {self._text(token)}{self._hint(colon)}", colon)
        return Part(text, token.kind is TokenKind.QUOTED_PART, self._span(token, token))

    def _hint(self, closing: Token) -> str:
        """Return a hint for `{name}` where nothing else stands: it may be meant as text."""
        text = self._source.text[self._open[-1].start : closing.end]
        is_alone = self._text(closing) == "}" and not {":", ","}.intersection(text)
        return _QUOTE_BRACE.format(text=quote(text)) if is_alone else ""

    def _closes(self) -> bool:
        """Return whether the innermost bracket closes here; if so, go past it."""
        token = self._next()
        expected = CLOSING[self._text(self._open[-1])]
        if token.kind is TokenKind.CLOSE and self._text(token) == expected:
            return True
        if token.kind is TokenKind.CLOSE:
            raise self._unexpected(expected, token)
        self._at -= 1
        return False

    def _separate(self) -> None:
        """Go past the comma that stands before all but the closing bracket."""
        token = self._next()
        if token.kind is TokenKind.CLOSE:
            self._at -= 1
        elif token.kind is not TokenKind.COMMA:
            raise self._unexpected(f", or {CLOSING[self._text(self._open[-1])]}", token)

    def _next(self) -> Token:
        if self._at == len(self._tokens):
            raise unclosed_error(self._source, self._open[0])
        token = self._tokens[self._at]
        if token.kind is TokenKind.UNCLOSED:
            raise unclosed_error(self._source, token)
        if token.kind is TokenKind.DEEP:
            raise too_deep_error(self._source, token)
        self._at += 1
        return token

    def _unexpected(self, expected: str, token: Token) -> LineSyntaxError:
        return self._source.error(f"expected {expected}", token.start, token.end)

    def _word(self, token: Token) -> str:
        text = self._text(token)
        if '"' in text or "'" in text:
            message = _HOLDS_QUOTE.format(text=quote(text))
            raise self._source.error(message, token.start, token.end)
        if text.startswith("(") and not re.fullmatch(r"\(.+\)", text):
            raise self._source.error(_TUPLE, token.start, token.end)
        return text

    def _text(self, token: Token) -> str:
        return token.text(self._source.text)

    def _span(self, first: Token, last: Token) -> Span:
        return self._source.span(first.start, last.end)
