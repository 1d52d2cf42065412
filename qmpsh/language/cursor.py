"""Finds the context of the cursor: what may be typed there, and what the line already contains.

Works on the scanner's tokens instead of the parser's result, because the line is unfinished and the
scanner accepts any text. A word that is still being typed counts as far as it goes, even with an
open quote. Text to the right of the cursor counts too: a union's tag selects its members wherever
in the line it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qmpsh.errors import LineSyntaxError, Span
from qmpsh.language.analysis import LineAnalysis, analyse
from qmpsh.language.arguments import split_words
from qmpsh.language.names import HELP_MARK
from qmpsh.language.plot_words import may_be_key, path_spans, tokens_without_paths
from qmpsh.language.syntax import MemberPath, Mode
from qmpsh.language.tokens import IGNORED, Token, TokenKind
from qmpsh.language.values import SourceText, unescape, unquote
from qmpsh.language.verbs import LINES, UNKNOWN, VERBS, Takes, Verb
from qmpsh.light_typing import Enum, NamedTuple, auto


def last_word(text: str) -> tuple[int, str]:
    """Return where the last word of a line begins, and what it says; nothing after a blank."""
    tokens = analyse(text).tokens
    if not tokens or tokens[-1].kind in IGNORED:
        return len(text), ""
    word = split_words(tokens)[-1]
    start = word[0].start
    return start, partial_word(text, word[0]) if len(word) == 1 else text[start:]


def partial_word(text: str, token: Token, *, in_brackets: bool = False) -> str:
    """Return what a word says whose quote may be open; as it stands if an escape is wrong."""
    read = unescape if in_brackets else unquote
    quoted = text[token.start : token.end]
    if token.kind is TokenKind.UNCLOSED:
        quoted += quoted[0]
    elif token.kind not in (TokenKind.STRING, TokenKind.QUOTED_PART):
        return quoted
    try:
        return read(SourceText(quoted), Token(TokenKind.STRING, 0, len(quoted)))
    except LineSyntaxError:
        return quoted[1:-1]


class Slot(Enum):
    """A place in a line, by what may be typed there."""

    COMMAND = auto()
    VERB = auto()
    VERB_WORD = auto()  # a word after a verb
    KEY = auto()  # a member's name
    VALUE = auto()
    REPLY_PATH = auto()  # a path into the reply
    MODIFIER = auto()
    HMP = auto()
    FILE = auto()  # after > or >>, and the word of --fd
    EVENT = auto()  # the word of --wait=
    LAYOUT = auto()  # the word of --layout
    AFTER_MEMBER = auto()  # after a value in { }: a comma or the closing mark
    AFTER_ITEM = auto()  # the same in [ ]
    NOTHING = auto()  # a comment, a shell command, a place where nothing can be said


class KeyPart(NamedTuple):
    """One part of a key as typed. text: unquoted; start: where it stands; quote: its mark or ""."""

    text: str
    start: int
    quote: str = ""


class GivenMember(NamedTuple):
    """A member that the line already has.

    path: its parts from the command down; text: of a single
    value, None for a bracket; key, value: where they stand (key is empty for an array's item);
    bracketed: inside { } or [ ].
    """

    path: MemberPath
    text: str | None
    key: Span = (0, 0)
    value: Span = (0, 0)
    quoted: bool = False
    bracketed: bool = False

    def stands_at(self, start: int) -> bool:
        """Return whether this is a single value that begins there."""
        return self.text is not None and self.value[0] == start


class CursorContext(NamedTuple):
    """The context of the cursor: what may be typed there, and what the line already contains.

    name: the command or verb, "" before it; path: of the object (KEY) or of the member (VALUE);
    pieces: of a KEY that is being typed, the last is the prefix; prefix: what is typed of the word;
    start: where that begins; bracketed: inside { } or [ ]; quote: the open quote, or "";
    given: all members of the line but the one at the cursor; in_transaction: the name is that of an
    action, not of a command; verb: whose name it is, None for a command; path_start: where a path
    into the reply may begin instead of a key, None where none may.
    """

    slot: Slot
    name: str
    path: MemberPath
    pieces: tuple[KeyPart, ...]
    prefix: str
    start: int
    bracketed: bool
    quote: str
    given: tuple[GivenMember, ...]
    in_transaction: bool = False
    verb: Verb | None = None
    path_start: int | None = None

    @property
    def takes(self) -> Takes | None:
        """What stands after the verb, None where there is none."""
        return self.verb.takes if self.verb is not None else None

    def beside(self, path: MemberPath) -> dict[str, str]:
        """Return the values that the line gives beside a member, by name."""
        owner = path[:-1]
        return {
            member.path[-1]: member.text
            for member in self.given
            if member.text and member.path and member.path[:-1] == owner
        }


class ParsedLine(NamedTuple):
    """A line as completion and the masker read it: its command and members.

    command: its name, "" for none; span: where that stands; the rest as in CursorContext.
    """

    command: str
    span: Span
    given: tuple[GivenMember, ...]
    in_transaction: bool


def _walk_of(line: LineAnalysis) -> CursorWalk:
    """Return the walk over all of a line, for `LineAnalysis.reading`."""
    walk = CursorWalk(line.text, in_transaction=line.mode.in_transaction)
    walk.follow(tokens_without_paths(line))
    return walk


def parsed_line(line: LineAnalysis) -> ParsedLine:
    """Return the command of a line and all its members, for `LineAnalysis.reading`."""
    walk = line.reading(_walk_of)
    return ParsedLine(walk.command, walk.command_span, tuple(walk.given), walk.in_transaction)


def find_context(text: str, cursor: int, mode: Mode) -> CursorContext:
    """Return the context of the cursor (an offset into text)."""
    context = analyse(text[:cursor], mode).reading(_context_at_end)
    return context if cursor >= len(text) else _with_given(context, analyse(text, mode))


def _context_at_end(line: LineAnalysis) -> CursorContext:
    walk, end = line.reading(_walk_of), len(line.text)
    context = walk.hmp_context(end) if walk.is_hmp(line.mode) else walk.context(end)
    return _with_given(_at_path(context, line) if walk.has_paths else context, line)


def _at_path(context: CursorContext, line: LineAnalysis) -> CursorContext:
    """Return the context at a word that may be a path into the reply, or only one."""
    paths, end = line.reading(path_spans), len(line.text)
    start = paths[-1][0] if paths and paths[-1][1] == end else end
    if context.slot is not Slot.KEY or context.bracketed:
        return context
    if not paths or may_be_key(line):
        return context._replace(path_start=start)
    slot, prefix = Slot.REPLY_PATH, line.text[start:]
    return context._replace(slot=slot, pieces=(), prefix=prefix, start=start, path_start=start)


def _with_given(context: CursorContext, line: LineAnalysis) -> CursorContext:
    """Return the context with all members of the line but the one at the cursor."""
    given = [m for m in line.reading(parsed_line).given if not m.stands_at(context.start)]
    return context._replace(given=tuple(given))


_OPERANDS = {"--fd": Slot.FILE, "--font": Slot.FILE, "--layout": Slot.LAYOUT}
"""What the value of a modifier is that may stand after a blank."""
_MODIFIER_VALUES = {**_OPERANDS, "--wait": Slot.EVENT}
"""What the value of a modifier is, where something can be said of it."""


class OpenBracket:
    """One open bracket. path: of the object or array; count: of the commas so far."""

    __slots__ = ("count", "is_object", "path")

    def __init__(self, path: MemberPath, *, is_object: bool) -> None:
        self.path = path
        self.is_object = is_object
        self.count = 0

    def item(self) -> MemberPath:
        """Return the path of the array's current item."""
        return (*self.path, str(self.count))


class CursorWalk:
    """A state machine that follows the tokens of a line from left to right.

    in_transaction: a `transaction(` is open before the line
    """

    def __init__(self, text: str, *, in_transaction: bool = False) -> None:
        self._text = text
        self.in_transaction = in_transaction
        self._is_closed = False  # a `)` has ended the transaction
        self._name = ""
        self._verb: Verb | None = None
        self.has_paths = False  # the line ends in paths into its reply
        self._pieces: list[KeyPart] = []
        self._at_value = False
        self._is_after_value = False  # a value inside brackets has ended
        self._frames: list[OpenBracket] = []
        self._last: Token | None = None
        self._where = Slot.COMMAND
        self._hmp_start: int | None = None
        self._key_end = 0
        self._modifier = ""  # the one at hand
        self.given: list[GivenMember] = []
        self.command_span: Span = (0, 0)

    @property
    def command(self) -> str:
        """The name of the command; "" before it, and in a verb's line."""
        return "" if self._verb is not None else self._name

    @property
    def _takes(self) -> Takes | None:
        return self._verb.takes if self._verb is not None else None

    @property
    def _last_kind(self) -> TokenKind | None:
        return self._last.kind if self._last is not None else None

    def follow(self, tokens: Iterable[Token]) -> None:
        """Go over the tokens."""
        for token in tokens:
            self._take(token)
            self._last = token

    def is_hmp(self, mode: Mode) -> bool:
        """Return whether the cursor is in a line of the human monitor, before its redirect."""
        if self._where is Slot.HMP:
            return True
        if mode.hmp:
            return self._name == ""
        return self._takes is Takes.HMP and self._ends_blank()

    def hmp_context(self, cursor: int) -> CursorContext:
        """Return the place in such a line: its prefix is all of the monitor's text."""
        start = cursor if self._hmp_start is None else self._hmp_start
        return CursorContext(
            Slot.HMP, self._name, (), (), self._text[start:cursor], start, False, "", ()
        )

    def context(self, cursor: int) -> CursorContext:
        """Return the place after the last token."""
        where = self._here()
        prefix, start, quote = self._typed(cursor)
        pieces: tuple[KeyPart, ...] = ()
        path: MemberPath = ()
        if where is Slot.KEY:
            pieces = self._key_so_far(prefix, start, quote)
            path = self._base()
        elif where is Slot.AFTER_MEMBER:
            pieces = (KeyPart("", start),)
            path = self._base()
        elif where is Slot.VALUE:
            path = self._path()
        bracketed = bool(self._frames)
        inside = self.in_transaction
        return CursorContext(
            where, self._name, path, pieces, prefix, start, bracketed, quote, (), inside, self._verb
        )

    def _key_so_far(self, prefix: str, start: int, quote: str) -> tuple[KeyPart, ...]:
        """Return the pieces of the key at the cursor; the last one is being typed."""
        complete = self._last_kind in (TokenKind.PART, TokenKind.QUOTED_PART)
        pieces = self._pieces if complete else [*self._pieces, KeyPart(prefix, start, quote)]
        return tuple(pieces)

    # ---------------------------------------------------------------- walking

    def _take(self, token: Token) -> None:
        if token.kind in _VALUES:
            self._value(token)
        elif token.kind in _ELSEWHERE:
            self._where = _ELSEWHERE[token.kind]
        elif token.kind in _STEPS:
            _STEPS[token.kind](self, token)

    def _begin(self, token: Token) -> None:
        word = self._text[token.start : token.end]
        self.command_span = (token.start, token.end)
        is_verb = token.kind is TokenKind.VERB or word == HELP_MARK
        self._name = "help" if word == HELP_MARK else word.removeprefix(".") if is_verb else word
        self.has_paths = self._takes is Takes.PATHS_LINE and not is_verb
        self._verb = VERBS.get(self._name, UNKNOWN) if is_verb else None
        self.in_transaction = self.in_transaction and not is_verb
        self._where = self._after_name()

    def _after_name(self) -> Slot:
        """Return where the words are that no modifier takes."""
        if self._verb is None:
            return Slot.KEY
        at_line = self._verb.takes in LINES - {Takes.TOOL_LINE}
        return Slot.COMMAND if at_line else Slot.VERB_WORD

    def _open_transaction(self, token: Token) -> None:
        self.in_transaction = True

    def _close_transaction(self, token: Token) -> None:
        self._is_closed = self.in_transaction
        self._where = Slot.MODIFIER

    def _modify(self, token: Token) -> None:
        # Those of a transaction stand after its `)`.
        misplaced = self.in_transaction and not self._is_closed
        self._where = Slot.NOTHING if misplaced else Slot.MODIFIER
        self._modifier = self._text[token.start : token.end]

    def _after_blank(self, token: Token) -> None:
        if self._takes is Takes.TOOL_LINE and self._last_kind is TokenKind.WORD:
            self._where = Slot.COMMAND
        if self._modifier in _OPERANDS and not self._frames:
            is_next = self._last_kind is TokenKind.MODIFIER
            self._where = _OPERANDS[self._modifier] if is_next else self._after_name()
            self._modifier = self._modifier if is_next else ""
        if self._frames or self._where in (Slot.NOTHING, Slot.FILE, Slot.LAYOUT, Slot.HMP):
            return
        if self._where in (Slot.MODIFIER, Slot.EVENT):
            # After a transaction's `)` there are nothing but modifiers.
            self._where = Slot.MODIFIER if self._is_closed else self._after_name()
        self._pieces.clear()
        self._at_value = False

    def _open(self, token: Token) -> None:
        self._frames.append(OpenBracket(self._path(), is_object=self._text[token.start] == "{"))
        self._pieces.clear()
        self._at_value = self._is_after_value = False

    def _close(self, token: Token) -> None:
        if self._frames:
            frame = self._frames.pop()
            self.given.append(GivenMember(frame.path, None))
        self._is_after_value = bool(self._frames)
        if not self._frames:
            self._pieces.clear()

    def _next_item(self, token: Token) -> None:
        if self._frames:
            self._frames[-1].count += 1
        self._pieces.clear()
        self._at_value = self._is_after_value = False

    def _value(self, token: Token) -> None:
        if self._at_value or self._in_array():
            self._is_after_value = bool(self._frames)
            start = self._pieces[0].start if self._pieces else token.start
            key = (start, self._key_end) if self._pieces else (token.start, token.start)
            text, value = self._unquoted(token), (token.start, token.end)
            quoted = token.kind is not TokenKind.WORD
            bracketed = bool(self._frames)
            self.given.append(GivenMember(self._path(), text, key, value, quoted, bracketed))

    def _part(self, token: Token) -> None:
        quote = self._text[token.start] if token.kind is TokenKind.QUOTED_PART else ""
        self._pieces.append(KeyPart(self._unquoted(token), token.start, quote))
        self._is_after_value = False

    def _await_value(self, token: Token) -> None:
        if self._where is Slot.MODIFIER:
            self._where = _MODIFIER_VALUES.get(self._modifier, Slot.NOTHING)
            return
        self._at_value = True
        self._key_end = token.start

    def _hmp(self, token: Token) -> None:
        self._where = Slot.HMP
        if self._hmp_start is None:
            self._hmp_start = token.start

    def _unquoted(self, token: Token) -> str:
        in_brackets = self._frames and token.kind in (TokenKind.STRING, TokenKind.QUOTED_PART)
        try:
            return (unescape if in_brackets else unquote)(SourceText(self._text), token)
        except LineSyntaxError:
            return self._text[token.start + 1 : token.end - 1]

    # ---------------------------------------------------------------- the cursor

    def _here(self) -> Slot:
        last = self._last_kind
        if last in _GLUES or (last is TokenKind.CLOSE and not self._frames):
            return Slot.NOTHING
        if last is TokenKind.NAME:
            return Slot.COMMAND
        if last is TokenKind.VERB:
            return Slot.VERB
        if self._where is not Slot.KEY:
            return self._where
        if self._is_after_value and last in _PARTING:
            return Slot.AFTER_ITEM if self._in_array() else Slot.AFTER_MEMBER
        at_value = self._at_value or self._in_array()
        return Slot.VALUE if at_value else Slot.KEY

    def _typed(self, cursor: int) -> tuple[str, int, str]:
        """Return the word's prefix, where it begins, and its open quote."""
        last = self._last
        if last is None or last.kind in (TokenKind.BLANK, TokenKind.CONTINUE, TokenKind.MARK):
            return "", cursor, ""
        if last.kind is TokenKind.UNCLOSED:
            begun = partial_word(self._text, last, in_brackets=bool(self._frames))
            return begun, last.start, self._text[last.start]
        if last.kind in _TYPED:
            return self._text[last.start :], last.start, ""
        return "", cursor, ""

    def _path(self) -> MemberPath:
        """Return the path of the member at hand: the innermost bracket's, and its key so far."""
        if self._in_array():
            return self._frames[-1].item()
        return (*self._base(), *(piece.text for piece in self._pieces))

    def _base(self) -> MemberPath:
        """Return the path of the innermost bracket."""
        return self._frames[-1].path if self._frames else ()

    def _ends_blank(self) -> bool:
        return self._last_kind is TokenKind.BLANK

    def _in_array(self) -> bool:
        return bool(self._frames) and not self._frames[-1].is_object


_TYPED = frozenset(
    {
        TokenKind.NAME,
        TokenKind.VERB,
        TokenKind.PART,
        TokenKind.WORD,
        TokenKind.MODIFIER,
        TokenKind.STRING,
    }
)
_GLUES = frozenset({TokenKind.GLUED, TokenKind.TRANSACTION, TokenKind.PAREN})
"""After these nothing can be typed without a blank in between."""
_PARTING = frozenset({TokenKind.BLANK, TokenKind.CLOSE})
"""After these a value inside brackets is complete."""
_VALUES = frozenset({TokenKind.WORD, TokenKind.STRING, TokenKind.UNCLOSED})
_ELSEWHERE = {
    TokenKind.PIPE: Slot.NOTHING,
    TokenKind.REDIRECT: Slot.FILE,
    TokenKind.COMMENT: Slot.NOTHING,
}
_STEPS: dict[TokenKind, Callable[[CursorWalk, Token], None]] = {
    TokenKind.BLANK: CursorWalk._after_blank,
    TokenKind.CONTINUE: CursorWalk._after_blank,
    TokenKind.MODIFIER: CursorWalk._modify,
    TokenKind.NAME: CursorWalk._begin,
    TokenKind.VERB: CursorWalk._begin,
    TokenKind.PART: CursorWalk._part,
    TokenKind.QUOTED_PART: CursorWalk._part,
    TokenKind.EQUALS: CursorWalk._await_value,
    TokenKind.COLON: CursorWalk._await_value,
    TokenKind.OPEN: CursorWalk._open,
    TokenKind.CLOSE: CursorWalk._close,
    TokenKind.COMMA: CursorWalk._next_item,
    TokenKind.TEXT: CursorWalk._hmp,
    TokenKind.TRANSACTION: CursorWalk._open_transaction,
    TokenKind.PAREN: CursorWalk._close_transaction,
}
