"""Reads the words after a command's name: `KEY=value` arguments, modifiers, and the redirect.

An argument comes from the tokens of a line, or from a word that is one argument as a whole. The
redirect is the end of a line that goes to the host's shell or a file: `| command`, `> file`,
`>> file`.
"""

from __future__ import annotations

from qmpsh.errors import LineSyntaxError, NoValue, Span
from qmpsh.language.modifiers import VALUED_MODIFIERS, ModifierReader
from qmpsh.language.scanner import Scanner
from qmpsh.language.syntax import Argument, Node, Part, RawLiteral, Redirect, Scalar
from qmpsh.language.tokens import BLANKS, IGNORED, MAX_NESTING, ScanState, Token, TokenKind
from qmpsh.language.values import LiteralReader, SourceText, quote, unclosed_error, unquote
from qmpsh.language.verbs import HEADED, TIMED, Takes
from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

Word: TypeAlias = "Sequence[Token]"
"""Tokens without a blank between them, except inside brackets."""

_NO_VALUE = "expected KEY=value"
_NO_NAME = "expected a name before {mark}"
_NAME_GOES_ON = "expected . or = after the closing quote of a name"
_BRACKETS_GO_ON = (
    "expected a space after the closing mark; text that begins with {mark} is quoted as a whole"
)
_QUOTE_GOES_ON = "expected a space after the closing quote"
_ONE_DASH = "expected two dashes before a modifier, as in --json"
_SPACES = "expected no spaces around ="
_LONG_KEY = "expected {most} names in a key at most"
_NO_PROGRAM = "expected a command of the host's shell, as in | jq ."
_NO_FILE = "expected a file, as in {sign} out.json"
_TWO_FILES = "expected nothing after the file; a name with spaces is quoted"
GLUED_PAREN = "put a space before the closing ); quote a value that ends in )"


class ArgumentReader:
    """The arguments of one command, as they are collected.

    line: the source; name: the command, for the guesses in the errors, "" for none
    in_transaction: a `)` glued to a value is taken for one that should close
    """

    def __init__(self, line: str, name: str, *, in_transaction: bool = False) -> None:
        self.arguments: list[Argument] = []
        self._source = SourceText(line)
        self._name = name
        self._in_transaction = in_transaction

    def read(self, words: Sequence[Word]) -> None:
        """Take in the argument that is the first of these words; the others help an error.

        Raises LineSyntaxError.
        """
        word = words[0]
        if word[-1].kind is TokenKind.UNCLOSED:
            raise unclosed_error(self._source, word[-1])
        after = self._after_equals(words)
        equals = next((i for i, token in enumerate(word) if token.kind is TokenKind.EQUALS), None)
        if equals is None and after is None and self._is_quoted(word):
            self.arguments.append(self._quoted_argument(word[0]))
            return
        key = self._key(word if equals is None else word[: equals + 1])
        if equals is None:
            raise self._no_value(word, after)
        value = self._value(word, equals + 1)
        self.arguments.append(Argument(key, value, (key[0].span[0], value.span[1])))

    def _quoted_argument(self, token: Token) -> Argument:
        """Read 'KEY=value', quoted as a whole: what is inside is read like an argv word."""
        text = unquote(self._source, token)
        line = self._source.line
        if text == line[token.start + 1 : token.end - 1]:
            return word_argument(self._source, token.start + 1, token.end - 1, self._name)
        source = SourceText(text, line, (token.start, token.end))
        return word_argument(source, 0, len(text), self._name)

    def _key(self, tokens: Word) -> tuple[Part, ...]:
        """Return the parts of a key; tokens: parts and marks in turn, up to and with its `=`."""
        parts: list[Part] = []
        for place, token in enumerate(tokens):
            is_part = token.kind in (TokenKind.PART, TokenKind.QUOTED_PART)
            if place % 2 == 0 and not is_part:
                raise self._error(_NO_NAME.format(mark=self._text(token)), token)
            if place % 2 == 1 and token.kind is TokenKind.GLUED:
                raise self._error(_NAME_GOES_ON, token)
            if is_part:
                parts.append(self._part(token))
        return _bounded(parts, self._source)

    def _part(self, token: Token) -> Part:
        quoted = token.kind is TokenKind.QUOTED_PART
        return Part(unquote(self._source, token), quoted, (token.start, token.end))

    def _value(self, word: Word, place: int) -> Node:
        """Return the value of an argument; place: where in the word it begins."""
        if place == len(word):
            return Scalar("", False, (word[-1].end, word[-1].end))
        first = word[place]
        if first.kind is TokenKind.WORD:
            return self._bare(first)
        reader = LiteralReader(self._source, word[place:])
        node = reader.read()
        if self._in_transaction and self._text(word[-1]) == ")":
            reader.expect_end(GLUED_PAREN)
        key = self._source.text[word[0].start : first.start]
        text = self._source.text[first.start : word[-1].end]
        reader.expect_end(
            _BRACKETS_GO_ON.format(mark=text[0]),
            f"{key}{quote(text)}",
        )
        return node

    def _bare(self, token: Token) -> Scalar:
        text = self._text(token)
        if self._in_transaction and text.endswith(")") and text.count(")") > text.count("("):
            raise self._source.error(GLUED_PAREN, token.end - 1, token.end)
        return Scalar(text, False, (token.start, token.end))

    def _is_quoted(self, word: Word) -> bool:
        return len(word) == 1 and word[0].kind is TokenKind.QUOTED_PART

    def _after_equals(self, words: Sequence[Word]) -> Span | None:
        """Return where v stands in `k = v` and `k =v`; k is the first word."""
        if len(words) == 1 or words[1][0].kind is not TokenKind.EQUALS:
            return None
        value = words[1][1:] or (words[2] if len(words) > 2 else ())
        return (value[0].start, value[-1].end) if value else (words[1][0].end,) * 2

    def _no_value(self, word: Word, after: Span | None) -> LineSyntaxError:
        """Return the error for a word without `=`.

        after: where the value stands when a `=` stands apart
        """
        start, end = word[0].start, word[-1].end
        text = self._source.text[start:end]
        if after is not None:
            return self._blanks(start, f"{text}={self._source.text[slice(*after)]}", after[1])
        if text.startswith("-"):
            return option_error(self._source, (start, end), self._name, _ONE_DASH)
        if self._in_transaction and text.endswith(")"):
            return self._source.error(GLUED_PAREN, end - 1, end)
        before = self.arguments[-1] if self.arguments else None
        guess = ""
        if before is not None and isinstance(before.value, Scalar):
            key = self._source.text[before.span[0] : before.key[-1].span[1]]
            if not before.value.text:
                return self._blanks(before.span[0], f"{key}={text}", end)
            guess = f"{key}={quote(f'{before.value.text} {text}')}"
        return no_value_error(self._source, (start, end), self._name, guess)

    def _blanks(self, start: int, guess: str, end: int) -> LineSyntaxError:
        guess = f"{self._name} {guess}?".lstrip()
        return self._source.error(_SPACES, start, end, guess)

    def _text(self, token: Token) -> str:
        return token.text(self._source.text)

    def _error(self, message: str, token: Token) -> LineSyntaxError:
        return self._source.error(message, token.start, token.end)


def word_argument(source: SourceText, start: int, end: int, name: str) -> Argument:
    """Return the argument that text[start:end] is as a whole: split at its first `=`, no quotes in
    it.

    name: the command, for the guess in the error, "" for none. Raises LineSyntaxError.
    """
    word = source.text[start:end]
    key, equals, value = word.partition("=")
    if not equals:
        raise no_value_error(source, (start, end), name)
    parts: list[Part] = []
    at = start
    for text in key.split("."):
        stop = at + len(text)
        if not text:
            raise source.error(_NO_NAME.format(mark=source.text[at]), at, at + 1)
        if not text.isascii():
            # Imported here: few keys have anything but ASCII.
            from qmpsh.language.lookalikes import refuse_in_name

            refuse_in_name(text, source.line, source.span(at, stop)[0])
        parts.append(Part(text, False, source.span(at, stop)))
        at = stop + 1
    span = source.span(at, end)
    node = RawLiteral(value, span) if value[:1] in ("{", "[") else Scalar(value, False, span)
    return Argument(_bounded(parts, source), node, source.span(start, end))


def no_value_error(source: SourceText, place: Span, name: str, guess: str = "") -> NoValue:
    """Return the error for a word without `=`.

    place: of the word in the text; name: the command, "" for none; guess: the argument before, the
    word in it
    """
    word = source.text[slice(*place)]
    message, guess = (f"{_NO_VALUE}, or quotes", f"{guess}?") if guess else (_NO_VALUE, "")
    if word.startswith("{") and name:
        message = f"{_NO_VALUE}, or the whole line as JSON"
        guess = f'{{"execute": "{name}", "arguments": {{...}}}}'
    error = NoValue(message, source.line, source.span(*place), guess)
    error.command, error.word = name, word
    return error


def option_error(source: SourceText, place: Span, name: str, message: str) -> NoValue:
    """Return the error for `-x`, which HMP may take. place, name: as in `no_value_error`"""
    error = NoValue(message, source.line, source.span(*place))
    error.command, error.word = name, source.text[slice(*place)]
    return error


def _bounded(parts: Sequence[Part], source: SourceText) -> tuple[Part, ...]:
    if len(parts) > MAX_NESTING:
        start, end = parts[0].span[0], parts[-1].span[1]
        raise LineSyntaxError(_LONG_KEY.format(most=MAX_NESTING), source.line, (start, end))
    return tuple(parts)


def split_redirect(
    source: SourceText, tokens: Sequence[Token]
) -> tuple[Sequence[Token], Redirect | None]:
    """Return the tokens before the redirect, and the redirect. Raises LineSyntaxError."""
    for place, mark in enumerate(tokens):
        if mark.kind is TokenKind.PIPE:
            return tokens[:place], _pipe(source, mark)
        if mark.kind is TokenKind.REDIRECT:
            return tokens[:place], _file(source, mark, tokens[place + 1 :])
    return tokens, None


def _pipe(source: SourceText, mark: Token) -> Redirect:
    """Read all that follows as the host shell's, comments and backslashes too."""
    text = source.text.rstrip(BLANKS)
    target = text[mark.end :].lstrip(BLANKS)
    if not target:
        raise source.error(_NO_PROGRAM, *mark[1:])
    return Redirect("|", target, (mark.start, len(text)))


def _file(source: SourceText, mark: Token, tokens: Sequence[Token]) -> Redirect:
    sign = source.text[mark.start : mark.end]
    operands = [token for token in tokens if token.kind not in IGNORED]
    if not operands:
        raise source.error(_NO_FILE.format(sign=sign), *mark[1:])
    operand = operands[0]
    if operand.kind is TokenKind.UNCLOSED:
        raise unclosed_error(source, operand)
    if len(operands) > 1:
        raise source.error(_TWO_FILES, *operands[1][1:])
    return Redirect(
        ">>" if sign == ">>" else ">", unquote(source, operand), (mark.start, operand.end)
    )


def split_words(tokens: Sequence[Token]) -> Sequence[Word]:
    """Return the tokens in groups, a group a word; blanks inside brackets part nothing."""
    words: list[list[Token]] = []
    depth = 0
    parted = True
    for token in tokens:
        if token.kind in IGNORED and not depth:
            parted = True
            continue
        depth += (token.kind is TokenKind.OPEN) - (token.kind is TokenKind.CLOSE)
        if parted:
            words.append([])
        words[-1].append(token)
        parted = False
    return words


class BodyReader:
    """A pass through the words after a name, which takes the modifiers out."""

    def __init__(self, source: SourceText, words: Sequence[Word]) -> None:
        self.modifiers = ModifierReader(source.line)
        self.cuts: list[Span] = []
        self._source = source
        self._words = words

    def rest(self) -> list[Sequence[Word]]:
        """Return the words that are left: for each, itself and the up to two words that follow it.

        Raises LineSyntaxError for a modifier that is wrong.
        """
        rest: list[Sequence[Word]] = []
        at = 0
        while at < len(self._words):
            if self._words[at][0].kind is TokenKind.MODIFIER:
                at += self._modifier(self._words[at : at + 2])
            else:
                rest.append(self._words[at : at + 3])
                at += 1
        return rest

    def head(self, takes: Takes, after: int) -> tuple[str, int]:
        """Return the word before the line after a verb ("" for none), and where it and modifiers
        end.

        after: where the verb ends
        Raises LineSyntaxError for a modifier that is wrong.
        """
        head, at, words = "", 0, self._words
        while at < len(words):
            token, taken = words[at][0], 1
            if takes in TIMED and token.kind is TokenKind.MODIFIER:
                taken = self._modifier(words[at : at + 2])
            elif token.kind is TokenKind.WORD and not head and takes in HEADED:
                head = token.text(self._source.text)
            else:
                break
            at += taken
            after = words[at - 1][-1].end
        return head, after

    def _modifier(self, words: Sequence[Word]) -> int:
        """Read the modifier that is the first of the words; how many words it took."""
        word, operand = words[0], words[0][2:]
        name = word[0].text(self._source.text)[2:]
        has_value, taken = len(word) > 1, 1
        if not has_value and name in VALUED_MODIFIERS and len(words) > 1:
            has_value, taken, operand = True, 2, words[1]
        span = (word[0].start, words[taken - 1][-1].end)
        self.modifiers.add(name, self._operand(operand) if has_value else None, span)
        self.cuts.append(span)
        return taken

    def _operand(self, word: Word) -> str:
        """Return a modifier's value."""
        if not word:
            return ""
        if word[0].kind is TokenKind.UNCLOSED:
            raise unclosed_error(self._source, word[0])
        if len(word) > 1:
            glued = word[1]
            raise self._source.error(_QUOTE_GOES_ON, glued.start, glued.end)
        return unquote(self._source, word[0])


def words_and_redirect(text: str) -> tuple[tuple[str, ...], Redirect | None]:
    """Return a text as plain words and its redirect, for verbs that take files or a command.

    Quotes delimit where they do in an argument, `--words` are words. Raises LineSyntaxError.
    """
    source = SourceText(text)
    tokens, redirect = split_redirect(source, Scanner(state=ScanState.BODY).feed(text))
    return tuple(_plain(source, word) for word in split_words(tokens)), redirect


def raw_words(text: str) -> tuple[str, ...]:
    """Return a text as words as `words_and_redirect` does, but each escape as it stands: for a verb
    that reads its escapes itself.
    """
    source = SourceText(text)
    tokens, _ = split_redirect(source, Scanner(state=ScanState.BODY).feed(text))
    return tuple(_plain(source, word, _without_quotes) for word in split_words(tokens))


def _without_quotes(source: SourceText, token: Token) -> str:
    is_quoted = token.kind in (TokenKind.STRING, TokenKind.QUOTED_PART)
    text = token.text(source.text)
    return text[1:-1] if is_quoted else text


def first_word_end(text: str) -> int:
    """Return where the first word of a text ends, as it was typed."""
    words = split_words(Scanner(state=ScanState.BODY).feed(text))
    return words[0][-1].end if words else len(text)


def _plain(
    source: SourceText, word: Word, read: Callable[[SourceText, Token], str] = unquote
) -> str:
    if word[-1].kind is TokenKind.UNCLOSED:
        raise unclosed_error(source, word[-1])
    texts: list[str] = []
    depth = 0
    for token in word:
        depth += (token.kind is TokenKind.OPEN) - (token.kind is TokenKind.CLOSE)
        texts.append(token.text(source.text) if depth else read(source, token))
    return "".join(texts)
