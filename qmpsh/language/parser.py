"""Parses a logical line, or the words of a one-shot, into statements.

    line      = [ transcript mark ] ( json+ | transaction | verb | command ) [ redirect ]
    command   = NAME { WS argument } { WS "--" modifier }
    argument  = KEY "=" value                # or the whole argument quoted: 'name=before update'
    KEY       = PART { "." PART }            # PART = bare or quoted
    value     = bare | 'quoted' | "quoted" | { relaxed JSON or Python object } | [ list ]
    redirect  = "|" host-shell-command | ">" FILE | ">>" FILE
    verb      = "." NAME ...

No schema is used here: what the text means as JSON is decided later, by the schema or by `untyped`.

Of a one-shot with several words each is one argument, whatever blanks it holds: no word is searched
for blanks, comments, redirects or quotes, since the user's shell has done that.
"""

from __future__ import annotations

import re

from qmpsh.errors import LineSyntaxError, NoValue, Span
from qmpsh.language.analysis import LineAnalysis, analyse
from qmpsh.language.arguments import (
    GLUED_PAREN,
    ArgumentReader,
    BodyReader,
    Word,
    option_error,
    split_redirect,
    split_words,
    word_argument,
)
from qmpsh.language.modifiers import LETTERS, VALUED_MODIFIERS, ModifierReader
from qmpsh.language.names import HELP, HELP_MARK, NO_HELP, check_name, check_verb, help_line
from qmpsh.language.scanner import Scanner
from qmpsh.language.syntax import (
    PLAIN,
    Argument,
    CommandLine,
    HmpLine,
    Mode,
    Modifiers,
    Part,
    Redirect,
    Statement,
    TransactionClose,
    TransactionOpen,
    VerbLine,
)
from qmpsh.language.tokens import BLANKS, IGNORED, TIME, ScanState, Token, TokenKind
from qmpsh.language.values import SourceText, unclosed_error
from qmpsh.language.verbs import LINES, TIMED, TYPED, UNKNOWN, VERBS, WHOLE, Takes, Verb, takes
from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ONE_LINE = "transaction( ACTION KEY=value )"
_NO_ACTION = f"expected an action, as in {_ONE_LINE}"
_NOT_ALONE = f"expected ) on a line of its own, or {_ONE_LINE}"
_NOT_CLOSED = f"expected ) at the end of the line, as in {_ONE_LINE}"
_AFTER_CLOSE = "expected modifiers or a redirect after )"
_NOT_CONTINUED = "expected another line after the lone \\"
_NOT_ONE_WORD = "expected one word: quote the line as a whole"
_SHELL_MARK = "expected the line quoted as a whole, or {mark} left to your shell"
_KEPT_QUOTES = (
    "the quotes of {key} belong to its value: of several words each is taken as it stands;"
    " leave them out, or write the whole line as one word"
)
_OWN_OPTION = "write {word} before the command"
_OTHER_OPTION = "{word} is not an option of qmpsh, and modifiers have two dashes, as in --json"
_ONLY_ARGUMENTS = "expected a name, or a name and KEY=value, as in SHUTDOWN guest=true"
_MISPLACED = "expected it after the ) of the transaction, since it applies to all of it"


def parse_line(text: str, mode: Mode = PLAIN) -> list[Statement]:
    """Return the statements of one logical line; none for a blank, a comment or a pasted reply.

    Raises LineSyntaxError where the text is not in the language.
    """
    return list(analyse(text, mode).reading(line_statements))


def is_sound(text: str, mode: Mode) -> bool:
    """Return whether the line is in the language, and what a verb takes after it too."""
    try:
        statements = parse_line(text, mode)
    except LineSyntaxError:
        return False
    verbs = [statement for statement in statements if isinstance(statement, VerbLine)]
    return all(is_sound(_line_after(verb), mode) for verb in verbs if takes(verb.name) in LINES)


def _line_after(verb: VerbLine) -> str:
    """Return the line of the language after a verb."""
    if takes(verb.name) is not Takes.PATHS_LINE:
        return verb.rest
    # Imported here: one verb has paths.
    from qmpsh.language.plot_words import cut_paths

    return cut_paths(verb.rest)[0]


def line_statements(line: LineAnalysis) -> Sequence[Statement]:
    """Return the statements of a line, for `LineAnalysis.reading`."""
    text, mode = line.text, line.mode
    if not mode.hmp and text.lstrip(BLANKS).startswith("{"):
        # Imported here, as below: few lines are JSON.
        from qmpsh.language.jsonline import read_single_object

        statements = read_single_object(text)
        if statements is not None:
            return statements
    tokens = line.tokens
    words = [token for token in tokens if token.kind is not TokenKind.BLANK]
    if words and words[-1].kind is TokenKind.CONTINUE and "\n" not in text[words[-1].end :]:
        raise LineSyntaxError(_NOT_CONTINUED, text, (words[-1].start, words[-1].end))
    first = next((token for token in words if token.kind not in IGNORED), None)
    return [] if first is None else _Line(text, mode, tokens).statements(first)


def parse_words(
    words: Sequence[str], *, hmp: bool = False, counted: bool = False
) -> list[Statement]:
    """Return the statements of a one-shot: one word is a whole line, of several each is an
    argument.

    hmp, counted: as in Mode
    Raises LineSyntaxError; its source is the words with a blank between them.
    """
    if hmp:
        text = " ".join(words)
        return [HmpLine(text, text)] if text.strip(BLANKS) and text[0] != "#" else []
    if len(words) == 1:
        return parse_line(words[0], PLAIN._replace(counted=counted, helps=True))

    return [parse_argv(words, counted=counted)] if words else []


def parse_arguments(text: str, start: int) -> tuple[Argument, ...]:
    """Return the arguments in text[start:], where no command is named: those of `EVENT key=value`.

    Raises LineSyntaxError, also for modifiers and a redirect.
    """
    source = SourceText(text)
    tokens, redirect = split_redirect(source, Scanner(state=ScanState.BODY).feed(text, start))
    body = BodyReader(source, split_words(tokens))
    reader = ArgumentReader(text, "")
    for rest in body.rest():
        reader.read(rest)
    body.modifiers.refuse_all(_ONLY_ARGUMENTS)
    if redirect is not None:
        raise LineSyntaxError(_ONLY_ARGUMENTS, text, redirect.span)
    return tuple(reader.arguments)


class _Line:
    """One line being read. tokens: from its first on."""

    def __init__(self, text: str, mode: Mode, tokens: Sequence[Token]) -> None:
        self._text = text
        self._source = SourceText(text)
        self._mode = mode
        self._tokens = tokens
        self._redirect: Redirect | None = None

    def statements(self, first: Token) -> list[Statement]:
        """Return the statements; first: the first token that counts, its kind decides."""
        if first.kind is TokenKind.VERB:
            return [self._verb(first)]
        if first.kind is TokenKind.OPEN:
            return self._objects()
        self._refuse_look_alikes(self._tokens)
        self._tokens, self._redirect = split_redirect(self._source, self._tokens)
        match first.kind:
            case TokenKind.TEXT:
                return [self._hmp(first)]
            case TokenKind.TRANSACTION:
                return [self._transaction(first)]
            case TokenKind.PAREN:
                return [self._transaction_end(first)]
        words = split_words(self._tokens)
        if self._mode.helps and self._word(words[0]) == HELP_MARK:
            return [self._marked(words)]
        asking = next((word for word in words[1:] if self._word(word) in HELP), None)
        if self._mode.helps and len(words) > 1 and self._word(words[-1]) == HELP_MARK:
            asking = words[-1]
        if asking is not None:
            return [self._help(words, asking)]
        return [self._command(words, in_transaction=self._mode.in_transaction)]

    def _objects(self) -> list[Statement]:
        from qmpsh.language.jsonline import read_objects

        tokens, redirect = split_redirect(self._source, self._tokens)
        try:
            return [*read_objects(self._text, tokens, redirect)]
        except LineSyntaxError:
            self._refuse_look_alikes(tokens)
            raise

    def _refuse_look_alikes(self, tokens: Sequence[Token]) -> None:
        if not self._text.isascii():
            # Imported here: few lines have anything but ASCII.
            from qmpsh.language.lookalikes import refuse_look_alikes

            refuse_look_alikes(self._source, tokens)

    def _help(self, words: Sequence[Word], asking: Word) -> VerbLine:
        """Return `NAME --help` as `.help NAME`; values of tags go with the name."""
        texts = [self._word(word) for word in words]
        line = help_line(self._text, texts, (words[0][0].start, words[0][-1].end), self._redirect)
        if not self._mode.helps:
            raise self._source.error(NO_HELP, asking[0].start, asking[-1].end, f".help {line.rest}")
        return line

    def _marked(self, words: Sequence[Word]) -> VerbLine:
        """Return `? NAME` as `.help NAME`."""
        (first, *_), *named = words
        rest = " ".join(map(self._word, named))
        span = (named[0][0].start, named[-1][-1].end) if named else (first.end, first.end)
        name_span = (first.start, first.end)
        return VerbLine(self._text, "help", name_span, rest, span, redirect=self._redirect)

    def _word(self, word: Word) -> str:
        return self._text[word[0].start : word[-1].end]

    def _command(self, words: Sequence[Word], *, in_transaction: bool) -> CommandLine:
        token = words[0][0]
        name = token.text(self._text)
        span = (token.start, token.end)
        if in_transaction and name.endswith(")") and "(" not in name:
            raise self._source.error(GLUED_PAREN, token.end - 1, token.end)
        check_name(name, self._text, span)
        body = BodyReader(self._source, words[1:])
        reader = ArgumentReader(self._text, name, in_transaction=in_transaction)
        for rest in body.rest():
            if rest[0][0].kind is TokenKind.PAREN:
                raise self._error(_NOT_ALONE, rest[0][0])
            try:
                reader.read(rest)
            except NoValue as error:
                error.in_transaction = in_transaction
                raise
        if in_transaction:
            body.modifiers.refuse_all(_MISPLACED)
            if self._redirect is not None:
                raise LineSyntaxError(_MISPLACED, self._text, self._redirect.span)
        modifiers = body.modifiers.for_command(counted=self._mode.counted)
        arguments = tuple(reader.arguments)
        return CommandLine(
            self._text, Part(name, False, span), arguments, modifiers, self._redirect
        )

    def _transaction(self, first: Token) -> TransactionOpen:
        """Read `transaction(`, alone or with its one action and its `)`."""
        words = split_words(self._tokens)
        closing = next((i for i, word in enumerate(words) if word[0].kind is TokenKind.PAREN), None)
        redirect, self._redirect = self._redirect, None
        if len(words) == 1:
            return TransactionOpen(self._text, (first.start, first.end))
        if closing == 1:
            raise self._error(_NO_ACTION, first)
        action = self._command(words[1:closing], in_transaction=True)
        if closing is None:
            raise self._error(_NOT_CLOSED, first)
        modifiers = self._only_modifiers(words[closing + 1 :])
        return TransactionOpen(self._text, (first.start, first.end), action, modifiers, redirect)

    def _transaction_end(self, first: Token) -> TransactionClose:
        modifiers = self._only_modifiers(split_words(self._tokens)[1:])
        return TransactionClose(self._text, (first.start, first.end), modifiers, self._redirect)

    def _only_modifiers(self, words: Sequence[Word]) -> Modifiers:
        body = BodyReader(self._source, words)
        for rest in body.rest():
            raise self._error(_AFTER_CLOSE, rest[0][0])
        return body.modifiers.for_command()

    def _verb(self, first: Token) -> VerbLine:
        name = first.text(self._text).removeprefix(".")
        span = (first.start, first.end)
        self._refuse_look_alikes([first] if takes(name) in WHOLE | TYPED else self._tokens)
        check_verb(name, self._text, span)
        if takes(name) in WHOLE:
            return self._whole(name, span)
        tokens, redirect = split_redirect(self._source, self._tokens)
        words = split_words(tokens)[1:]
        if words and words[-1][-1].kind is TokenKind.UNCLOSED:
            raise unclosed_error(self._source, words[-1][-1])
        # After `.help` a modifier's name is what help is wanted for.
        is_topic = takes(name) is Takes.NAME and words and words[0][0].kind is TokenKind.MODIFIER
        texts = [self._word(word) for word in words]
        if self._mode.helps and not is_topic and _asks_for_help(texts, takes(name)):
            return help_line(self._text, [f".{name}"], span, redirect)
        body = BodyReader(self._source, words[1:] if is_topic else words)
        rest, rest_span = self._rest(body, first.end)
        if is_topic:
            rest_span = (words[0][0].start, words[0][-1].end)
            rest = self._text[slice(*rest_span)]
        modifiers = body.modifiers.for_verb(name, counted=self._mode.counted)
        return VerbLine(self._text, name, span, rest, rest_span, modifiers, redirect)

    def _whole(self, name: str, span: Span) -> VerbLine:
        """Read a verb and what follows it as typed, except for the head, which is its own."""
        body = BodyReader(self._source, split_words(self._tokens)[1:])
        head, after = body.head(takes(name), span[1])
        end = len(self._text.rstrip(BLANKS))
        start = end - len(self._text[after:end].lstrip(BLANKS))
        modifiers = body.modifiers.for_verb(name)
        rest = self._text[start:end]
        return VerbLine(self._text, name, span, rest, (start, end), modifiers, head=head)

    def _rest(self, body: BodyReader, after: int) -> tuple[str, Span]:
        """Return what is left after a verb; a modifier in between is replaced by blanks."""
        words = [words[0] for words in body.rest()]
        if not words:
            return "", (after, after)
        start, end = words[0][0].start, words[-1][-1].end
        rest = self._text
        for cut_start, cut_end in body.cuts:
            rest = rest[:cut_start] + " " * (cut_end - cut_start) + rest[cut_end:]
        return rest[start:end], (start, end)

    def _hmp(self, first: Token) -> HmpLine:
        text = self._text[first.start : self._tokens[-1].end].rstrip(BLANKS)
        return HmpLine(self._text, text, self._redirect)

    def _error(self, message: str, token: Token) -> LineSyntaxError:
        return self._source.error(message, token.start, token.end)


_KEY = r"[^\s=\"'{}\[\]]+"
_QUOTED_VALUE = (
    rf"(?P<key>{_KEY})=(?:\"[^\"\\]*+(?:\\.[^\"\\]*+)*+\"|'[^'\\]*+(?:\\.[^'\\]*+)*+')"
    rf"|(?P<mark>[\"'])(?P<inner>{_KEY})=.*(?P=mark)"
)
_SHELL_MARKS = ("|", ">", ">>")


class _Word:
    """A word of a one-shot. text, and where it stands in the line that the words make."""

    __slots__ = ("span", "text")

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.span: Span = (start, start + len(text))


def parse_argv(words: Sequence[str], *, counted: bool = False) -> CommandLine | VerbLine:
    """Return the statement of two or more words. counted: see Mode. Raises LineSyntaxError."""
    line = " ".join(words)
    placed = _placed(words)
    if words[0].startswith(".") or words[0] == HELP_MARK:
        return _verb(line, placed, counted=counted)
    return _command(line, placed, counted=counted)


def parse_argument_words(words: Sequence[str]) -> tuple[Argument, ...]:
    """Return the arguments that words are where no command is named; their source has a blank
    between two.

    Raises LineSyntaxError.
    """
    source = SourceText(" ".join(words))
    return tuple(word_argument(source, *word.span, "") for word in _placed(words))


def quoting_hint(words: Sequence[str]) -> str:
    """Return a hint on words that are quoted as in a line; "" for none."""
    first, *rest = words
    if first.startswith(".") and takes(first[1:]) in (Takes.HMP, Takes.PROGRAM):
        return ""
    for word in rest:
        match = re.fullmatch(_QUOTED_VALUE, word, re.DOTALL)
        if match:
            return _KEPT_QUOTES.format(key=match["key"] or match["inner"])
    return ""


def _placed(words: Sequence[str]) -> list[_Word]:
    """Return the words, each at its place in the line."""
    placed: list[_Word] = []
    start = 0
    for text in words:
        placed.append(_Word(text, start))
        start += len(text) + 1
    return placed


def _asks_for_help(words: Sequence[str], kind: Takes = Takes.WORDS) -> bool:
    """Whether the words after a name ask for help. kind: what a verb of that name takes"""
    is_marked = words[-1:] == [HELP_MARK] and kind is not Takes.TEXT
    return is_marked or any(word in HELP for word in words)


def _command(line: str, words: Sequence[_Word], *, counted: bool) -> CommandLine | VerbLine:
    first = words[0]
    if first.text[:1] in ("{", "[") or first.text.startswith("transaction("):
        raise LineSyntaxError(_NOT_ONE_WORD, line, first.span)
    check_name(first.text, line, first.span)
    texts = [word.text for word in words]
    if _asks_for_help(texts[1:]):
        return help_line(line, texts, first.span, None)
    modifiers = ModifierReader(line)
    arguments: list[Argument] = []
    for word in _without_modifiers(line, words[1:], modifiers):
        arguments.append(word_argument(SourceText(line), *word.span, first.text))
    name = Part(first.text, False, first.span)
    return CommandLine(line, name, tuple(arguments), modifiers.for_command(counted=counted))


def _verb(line: str, words: Sequence[_Word], *, counted: bool) -> VerbLine:
    first = words[0]
    name = "help" if first.text == HELP_MARK else first.text[1:]
    check_verb(name, line, first.span)
    modifiers = ModifierReader(line)
    kind = takes(name)
    head, rest = "", list(words[1:])
    if kind is Takes.NAME and rest and rest[0].text.startswith("--"):
        rest = [rest[0], *_without_modifiers(line, rest[1:], modifiers)]
    elif kind not in WHOLE and _asks_for_help([word.text for word in rest], kind):
        return help_line(line, [f".{name}"], first.span, None)
    elif kind not in WHOLE:
        rest = _without_modifiers(line, rest, modifiers, VERBS.get(name, UNKNOWN))
    elif kind in TIMED:
        head, rest = _timed(rest, modifiers)
    elif kind is Takes.TOOL_LINE and rest:
        head = rest.pop(0).text
    texts = tuple(word.text for word in rest)
    span = (rest[0].span[0], rest[-1].span[1]) if rest else (first.span[1], first.span[1])
    given = modifiers.for_verb(name, counted=counted)
    return VerbLine(line, name, first.span, " ".join(texts), span, given, words=texts, head=head)


def _timed(words: list[_Word], modifiers: ModifierReader) -> tuple[str, list[_Word]]:
    """Return the time before a line, or "", and the line's words; modifiers are added."""
    head = ""
    while words:
        if words[0].text.startswith("--"):
            words = words[_add_modifier(words, modifiers) :]
        elif not head and re.fullmatch(TIME, words[0].text):
            head, words = words[0].text, words[1:]
        else:
            break
    return head, words


def _without_modifiers(
    line: str, words: Sequence[_Word], modifiers: ModifierReader, verb: Verb = UNKNOWN
) -> list[_Word]:
    """Return the words that are not modifiers; those are added to the reader.

    verb: whose options with one dash stay
    """
    rest: list[_Word] = []
    at = 0
    while at < len(words):
        text, taken = words[at].text, 1
        if text in _SHELL_MARKS:
            raise LineSyntaxError(_SHELL_MARK.format(mark=text), line, words[at].span)
        if text == "-" or not text.startswith("-") or _stays(verb, text):  # - alone is stdin
            rest.append(words[at])
        elif not text.startswith("--"):
            raise option_error(SourceText(line), words[at].span, words[0].text, _before(text))
        else:
            taken = _add_modifier(words[at : at + 2], modifiers)
        at += taken
    return rest


def _stays(verb: Verb, text: str) -> bool:
    """Whether a word that begins with a dash is the verb's own: an option, or a text to type."""
    return not text.startswith("--") and (
        verb.takes in TYPED or set(text[1:]).issubset(verb.letters)
    )


def _before(text: str) -> str:
    is_ours = text[1:2] != "" and text[1] in LETTERS
    return (_OWN_OPTION if is_ours else _OTHER_OPTION).format(word=text)


def _add_modifier(words: Sequence[_Word], modifiers: ModifierReader) -> int:
    """Add the modifier that is the first of the words; how many words it took."""
    word = words[0]
    name, equals, value = word.text[2:].partition("=")
    if not equals and name in VALUED_MODIFIERS and len(words) > 1:
        modifiers.add(name, words[1].text, (word.span[0], words[1].span[1]))
        return 2
    modifiers.add(name, value if equals else None, word.span)
    return 1
