"""Where in a line the cursor stands, and what the rest of the line already says.

Works on the scanner's tokens, not on the parser's result: the line is unfinished by nature, and the
scanner is total. What was typed behind the cursor counts too: a union's tag selects its members
wherever in the line it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from qmpsh.complete.begun import begun_word
from qmpsh.errors import LineSyntaxError, Span
from qmpsh.lang.scan import Scanner
from qmpsh.lang.syntax import Mode
from qmpsh.lang.tokens import Kind, Token
from qmpsh.lang.values import Source, unescaped, unquoted
from qmpsh.lang.verbs import UNKNOWN, VERBS, Takes, Verb

Path = tuple[str, ...]


class Where(Enum):
    """What may be typed at the cursor."""

    COMMAND = auto()
    VERB = auto()
    VERB_WORD = auto()  # a word behind a verb
    KEY = auto()  # a member's name
    VALUE = auto()
    MODIFIER = auto()
    HMP = auto()
    FILE = auto()  # behind > or >>, and the word of --fd
    EVENT = auto()  # the word of --wait=
    BEHIND_MEMBER = auto()  # behind a value in { }: a comma or the closing mark
    BEHIND_ITEM = auto()  # the same in [ ]
    NOTHING = auto()  # a comment, a shell command, a place where nothing can be said


class Piece(NamedTuple):
    """One part of a key as typed. text: unquoted; start: where it stands; quote: its mark or ""."""

    text: str
    start: int
    quote: str = ""


class Given(NamedTuple):
    """A member that the line already has. path: its parts from the command down; text: of a single
    value, None for a bracket; key, value: where they stand (key is empty for an array's item);
    bracketed: inside { } or [ ].
    """

    path: Path
    text: str | None
    key: Span = (0, 0)
    value: Span = (0, 0)
    quoted: bool = False
    bracketed: bool = False


class Place(NamedTuple):
    """name: the command or verb, "" before it; path: of the object (KEY) or of the member (VALUE);
    pieces: of a KEY that is being typed, the last is the prefix; prefix: what is typed of the word;
    start: where that begins; bracketed: inside { } or [ ]; quote: the open quote, or "";
    given: all members of the line but the one at the cursor; in_transaction: the name is that of an
    action, not of a command; verb: whose name it is, None for a command.
    """

    where: Where
    name: str
    path: Path
    pieces: tuple[Piece, ...]
    prefix: str
    start: int
    bracketed: bool
    quote: str
    given: tuple[Given, ...]
    in_transaction: bool = False
    verb: Verb | None = None

    @property
    def takes(self) -> Takes | None:
        """What stands behind the verb, None where there is none."""
        return self.verb.takes if self.verb is not None else None


class Typed(NamedTuple):
    """What a line says. command: its name, "" for none; span: where that stands; the rest as in
    Place.
    """

    command: str
    span: Span
    given: tuple[Given, ...]
    in_transaction: bool


def find_typed(text: str, mode: Mode) -> Typed:
    """The command of a line and all its members."""
    walk = Walk(text, in_transaction=mode.in_transaction)
    walk.take(Scanner(mode).feed(text))
    return Typed(walk.command, walk.command_span, tuple(walk.given), walk.in_transaction)


def find_place(text: str, cursor: int, mode: Mode) -> Place:
    """The place of the cursor (an offset into text)."""
    head = Walk(text[:cursor], in_transaction=mode.in_transaction)
    head.take(Scanner(mode).feed(text[:cursor]))
    place = head.hmp_place(cursor) if head.is_hmp(mode) else head.place(cursor)
    whole = Walk(text, in_transaction=mode.in_transaction)
    whole.take(Scanner(mode).feed(text), skip=place.start)
    return place._replace(given=tuple(whole.given))


_MODIFIER_VALUES = {"--fd": Where.FILE, "--wait": Where.EVENT}
"""What the value of a modifier is, where something can be said of it."""


class Frame:
    """One open bracket. path: of the object or array; count: of the commas so far."""

    __slots__ = ("count", "is_object", "path")

    def __init__(self, path: Path, *, is_object: bool) -> None:
        self.path = path
        self.is_object = is_object
        self.count = 0

    def item(self) -> Path:
        """The path of the array's current item."""
        return (*self.path, str(self.count))


class Walk:
    """Walks the tokens of a line from left to right and remembers where it is.

    in_transaction: a `transaction(` is open before the line
    """

    def __init__(self, text: str, *, in_transaction: bool = False) -> None:
        self._text = text
        self.in_transaction = in_transaction
        self._is_closed = False  # a `)` has ended the transaction
        self._name = ""
        self._verb: Verb | None = None
        self._pieces: list[Piece] = []
        self._at_value = False
        self._is_behind = False  # a value inside brackets has ended
        self._frames: list[Frame] = []
        self._last: Token | None = None
        self._where = Where.COMMAND
        self._hmp_start: int | None = None
        self._key_end = 0
        self._modifier = ""  # the one at hand
        self.given: list[Given] = []
        self.command_span: Span = (0, 0)

    @property
    def command(self) -> str:
        """The name of the command; "" before it, and in a verb's line."""
        return "" if self._verb is not None else self._name

    @property
    def _takes(self) -> Takes | None:
        return self._verb.takes if self._verb is not None else None

    @property
    def _last_kind(self) -> Kind | None:
        return self._last.kind if self._last is not None else None

    def take(self, tokens: list[Token], skip: int = -1) -> None:
        """Go over the tokens. skip: the word that begins there says nothing yet."""
        for token in tokens:
            self._take(token, skip)
            self._last = token

    def is_hmp(self, mode: Mode) -> bool:
        """Whether the cursor stands in a line of the human monitor, and not behind its redirect."""
        if self._where is Where.HMP:
            return True
        if mode.hmp:
            return self._name == ""
        return self._takes is Takes.HMP and self._ends_blank()

    def hmp_place(self, cursor: int) -> Place:
        """The place in such a line: its prefix is all of the monitor's text."""
        start = cursor if self._hmp_start is None else self._hmp_start
        return Place(Where.HMP, self._name, (), (), self._text[start:cursor], start, False, "", ())

    def place(self, cursor: int) -> Place:
        """The place behind the last token."""
        where = self._here()
        prefix, start, quote = self._typed(cursor)
        pieces: tuple[Piece, ...] = ()
        path: Path = ()
        if where is Where.KEY:
            pieces = self._key_so_far(prefix, start, quote)
            path = self._base()
        elif where is Where.BEHIND_MEMBER:
            pieces = (Piece("", start),)
            path = self._base()
        elif where is Where.VALUE:
            path = self._path()
        bracketed = bool(self._frames)
        inside = self.in_transaction
        return Place(
            where, self._name, path, pieces, prefix, start, bracketed, quote, (), inside, self._verb
        )

    def _key_so_far(self, prefix: str, start: int, quote: str) -> tuple[Piece, ...]:
        """The pieces of the key at the cursor; the last one is being typed."""
        complete = self._last_kind in (Kind.PART, Kind.QUOTED_PART)
        pieces = self._pieces if complete else [*self._pieces, Piece(prefix, start, quote)]
        return tuple(pieces)

    # ---------------------------------------------------------------- walking

    def _take(self, token: Token, skip: int) -> None:
        if token.kind in _VALUES:
            if token.start != skip:
                self._value(token)
        elif token.kind in _ELSEWHERE:
            self._where = _ELSEWHERE[token.kind]
        elif token.kind in _STEPS:
            _STEPS[token.kind](self, token)

    def _begin(self, token: Token) -> None:
        word = self._text[token.start : token.end]
        self.command_span = (token.start, token.end)
        is_verb = token.kind is Kind.VERB
        self._name = word.removeprefix(".") if is_verb else word
        self._verb = VERBS.get(self._name, UNKNOWN) if is_verb else None
        self.in_transaction = self.in_transaction and not is_verb
        self._where = self._behind_name()

    def _behind_name(self) -> Where:
        """Where the words are that no modifier takes."""
        if self._verb is None:
            return Where.KEY
        at_line = self._verb.takes in (Takes.LINE, Takes.TIMED_LINE)
        return Where.COMMAND if at_line else Where.VERB_WORD

    def _open_transaction(self, token: Token) -> None:
        self.in_transaction = True

    def _close_transaction(self, token: Token) -> None:
        self._is_closed = self.in_transaction
        self._where = Where.MODIFIER

    def _modify(self, token: Token) -> None:
        # Those of a transaction stand behind its `)`.
        misplaced = self.in_transaction and not self._is_closed
        self._where = Where.NOTHING if misplaced else Where.MODIFIER
        self._modifier = self._text[token.start : token.end]

    def _after_blank(self, token: Token) -> None:
        if self._takes is Takes.TOOL_LINE and self._last_kind is Kind.WORD:
            self._where = Where.COMMAND
        if self._modifier == "--fd" and not self._frames:
            is_next = self._last_kind is Kind.MODIFIER
            self._where = Where.FILE if is_next else self._behind_name()
            self._modifier = self._modifier if is_next else ""
        if self._frames or self._where in (Where.NOTHING, Where.FILE, Where.HMP):
            return
        if self._where in (Where.MODIFIER, Where.EVENT):
            # Behind a transaction's `)` there are nothing but modifiers.
            self._where = Where.MODIFIER if self._is_closed else self._behind_name()
        self._pieces.clear()
        self._at_value = False

    def _open(self, token: Token) -> None:
        self._frames.append(Frame(self._path(), is_object=self._text[token.start] == "{"))
        self._pieces.clear()
        self._at_value = self._is_behind = False

    def _close(self, token: Token) -> None:
        if self._frames:
            frame = self._frames.pop()
            self.given.append(Given(frame.path, None))
        self._is_behind = bool(self._frames)
        if not self._frames:
            self._pieces.clear()

    def _next_item(self, token: Token) -> None:
        if self._frames:
            self._frames[-1].count += 1
        self._pieces.clear()
        self._at_value = self._is_behind = False

    def _value(self, token: Token) -> None:
        if self._at_value or self._in_array():
            self._is_behind = bool(self._frames)
            start = self._pieces[0].start if self._pieces else token.start
            key = (start, self._key_end) if self._pieces else (token.start, token.start)
            text, value = self._unquoted(token), (token.start, token.end)
            quoted = token.kind is not Kind.WORD
            bracketed = bool(self._frames)
            self.given.append(Given(self._path(), text, key, value, quoted, bracketed))

    def _part(self, token: Token) -> None:
        quote = self._text[token.start] if token.kind is Kind.QUOTED_PART else ""
        self._pieces.append(Piece(self._unquoted(token), token.start, quote))
        self._is_behind = False

    def _await_value(self, token: Token) -> None:
        if self._where is Where.MODIFIER:
            self._where = _MODIFIER_VALUES.get(self._modifier, Where.NOTHING)
            return
        self._at_value = True
        self._key_end = token.start

    def _hmp(self, token: Token) -> None:
        self._where = Where.HMP
        if self._hmp_start is None:
            self._hmp_start = token.start

    def _unquoted(self, token: Token) -> str:
        in_brackets = self._frames and token.kind in (Kind.STRING, Kind.QUOTED_PART)
        try:
            return (unescaped if in_brackets else unquoted)(Source(self._text), token)
        except LineSyntaxError:
            return self._text[token.start + 1 : token.end - 1]

    # ---------------------------------------------------------------- the cursor

    def _here(self) -> Where:
        last = self._last_kind
        if last in _GLUES or (last is Kind.CLOSE and not self._frames):
            return Where.NOTHING
        if last is Kind.NAME:
            return Where.COMMAND
        if last is Kind.VERB:
            return Where.VERB
        if self._where is not Where.KEY:
            return self._where
        if self._is_behind and last in _PARTING:
            return Where.BEHIND_ITEM if self._in_array() else Where.BEHIND_MEMBER
        at_value = self._at_value or self._in_array()
        return Where.VALUE if at_value else Where.KEY

    def _typed(self, cursor: int) -> tuple[str, int, str]:
        """The word's prefix, where it begins, and its open quote."""
        last = self._last
        if last is None or last.kind in (Kind.BLANK, Kind.CONTINUE, Kind.MARK):
            return "", cursor, ""
        if last.kind is Kind.UNCLOSED:
            begun = begun_word(self._text, last, in_brackets=bool(self._frames))
            return begun, last.start, self._text[last.start]
        if last.kind in _TYPED:
            return self._text[last.start :], last.start, ""
        return "", cursor, ""

    def _path(self) -> Path:
        """The path of the member at hand: of the innermost bracket, and of the key typed in it."""
        if self._in_array():
            return self._frames[-1].item()
        return (*self._base(), *(piece.text for piece in self._pieces))

    def _base(self) -> Path:
        """The path of the innermost bracket."""
        return self._frames[-1].path if self._frames else ()

    def _ends_blank(self) -> bool:
        return self._last_kind is Kind.BLANK

    def _in_array(self) -> bool:
        return bool(self._frames) and not self._frames[-1].is_object


_TYPED = frozenset({Kind.NAME, Kind.VERB, Kind.PART, Kind.WORD, Kind.MODIFIER, Kind.STRING})
_GLUES = frozenset({Kind.GLUED, Kind.TRANSACTION, Kind.PAREN})
"""Behind these nothing can be typed without a blank in between."""
_PARTING = frozenset({Kind.BLANK, Kind.CLOSE})
"""Behind these a value inside brackets is complete."""
_VALUES = frozenset({Kind.WORD, Kind.STRING, Kind.UNCLOSED})
_ELSEWHERE = {
    Kind.PIPE: Where.NOTHING,
    Kind.REDIRECT: Where.FILE,
    Kind.COMMENT: Where.NOTHING,
}
_STEPS: dict[Kind, Callable[[Walk, Token], None]] = {
    Kind.BLANK: Walk._after_blank,
    Kind.CONTINUE: Walk._after_blank,
    Kind.MODIFIER: Walk._modify,
    Kind.NAME: Walk._begin,
    Kind.VERB: Walk._begin,
    Kind.PART: Walk._part,
    Kind.QUOTED_PART: Walk._part,
    Kind.EQUALS: Walk._await_value,
    Kind.COLON: Walk._await_value,
    Kind.OPEN: Walk._open,
    Kind.CLOSE: Walk._close,
    Kind.COMMA: Walk._next_item,
    Kind.TEXT: Walk._hmp,
    Kind.TRANSACTION: Walk._open_transaction,
    Kind.PAREN: Walk._close_transaction,
}
