"""The one gate that every candidate passes: what it inserts must read back as what it stands for.

Names come from a server, a guest, or a folder of this host that others may write to. One that would
be read as anything else where it is inserted (as two words, a redirect, a pipe, a comment) is put
in quotes, and left out where these do not help.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from qmpsh.complete.candidates import Candidate, Form
from qmpsh.errors import LineSyntaxError
from qmpsh.language.cursor import Slot
from qmpsh.language.lookalikes import needs_quotes
from qmpsh.language.names import is_name
from qmpsh.language.scanner import Scanner
from qmpsh.language.syntax import Mode
from qmpsh.language.tokens import Token, TokenKind
from qmpsh.language.values import SourceText, in_quotes, quote, unescape, unquote
from qmpsh.patterns import LatePattern

_OURS = LatePattern(r"[A-Za-z0-9_.=:,(){}\[\] -]+")
_REPLY_PATH = LatePattern(r"[A-Za-z_\[][A-Za-z0-9_.=:,/@\[\]+-]*")
"""Reads back as one word of a verb that splits its words at blanks."""
_PLAIN = LatePattern(r"[A-Za-z_][A-Za-z0-9_-]*")
"""Reads back as itself wherever a name or a value may stand."""
_HMP = LatePattern(r"[A-Za-z?][A-Za-z0-9_?.+-]*")
# Bare, these would be a number or a constant where no type is declared, or another kind of value.
_NO_TEXT = LatePattern(r"""(?i)^$|^["'{\[]|[\s,{}\[\]]|^(?:true|false|null|none|\?)$|^-?[0-9]""")
_QUOTE_OR_PAREN = LatePattern(r"""["']|^\(|\)$""")
_NULLS = frozenset({"null", "None"})
_BARE_KEY = LatePattern(r"[^.]+(?:\.[^.]+)*")
_SURROGATE = LatePattern("[\ud800-\udfff]")

_QUOTED = (TokenKind.STRING, TokenKind.QUOTED_PART)
_PARTS = frozenset({TokenKind.PART, TokenKind.QUOTED_PART, TokenKind.DOT})
_VALUES = ((TokenKind.WORD,), (TokenKind.STRING,))
_TAILS: dict[str, tuple[TokenKind, ...]] = {
    "": (),
    "=": (TokenKind.EQUALS,),
    ".": (TokenKind.DOT,),
    ": ": (TokenKind.COLON, TokenKind.BLANK),
}


def write_candidates(
    candidates: Iterable[Candidate], head: str, where: Slot, mode: Mode
) -> Iterator[Candidate]:
    """Yield the candidates as they are to be inserted, without those that cannot be.

    head: the line up to the cursor; where: what may be typed there
    """
    writer = _Writer(head, where, mode)
    for candidate in candidates:
        name = candidate.text
        text = next(writer.spellings(candidate), None)
        if text is not None:
            value = "" if candidate.form is Form.OURS else name
            yield candidate._replace(text=text + candidate.tail, tail="", value=value)


class _Writer:
    """The writer of names at one position of one line."""

    def __init__(self, head: str, where: Slot, mode: Mode) -> None:
        self._head = head
        self._where = where
        self._mode = mode

    def spellings(self, candidate: Candidate) -> Iterator[str]:
        """Yield the texts that read back as the candidate's name, the plainest first."""
        name = candidate.text
        match candidate.form:
            case Form.OURS:
                is_sound = _OURS.fullmatch(name) is not None
            case Form.HMP:
                is_sound = _HMP.fullmatch(name) is not None
            case Form.REPLY_PATH:
                is_sound = _REPLY_PATH.fullmatch(name) is not None
            case Form.INDEX:
                is_sound = name.isascii() and name.isdigit()
            case Form.NAME:
                is_sound = is_name(name) and self._reads_back(name, candidate)
            case _:
                yield from self._quotable(candidate)
                return
        if is_sound:
            yield name

    def _quotable(self, candidate: Candidate) -> Iterator[str]:
        name, start = candidate.text, candidate.start
        is_path = candidate.form is Form.PATH
        # Half a character cannot be sent; the file system has such names.
        if (_SURROGATE.search(name) and not is_path) or (is_path and _is_other_file(name)):
            return
        open_quote = self._head[start : start + 1]
        if open_quote in ("'", '"'):
            attempts = [in_quotes(name, open_quote), quote(name)]
        elif self._may_be_bare(candidate):
            attempts = [name, quote(name)]
        else:
            attempts = [quote(name)]
        for text in attempts:
            if self._reads_back(text, candidate):
                yield text

    def _may_be_bare(self, candidate: Candidate) -> bool:
        """Return whether nothing but the scanner could read the name as something else."""
        name = candidate.text
        if not name.isprintable() or _QUOTE_OR_PAREN.search(name):
            return False
        if needs_quotes(name, is_key=candidate.form is Form.KEY):
            return False
        return _BARE[candidate.form](name)

    def _reads_back(self, text: str, candidate: Candidate) -> bool:
        start, name = candidate.start, candidate.text
        if text == name and _PLAIN.fullmatch(name) and name not in self._mode.bare_verbs:
            return True
        line = self._head[:start] + text + candidate.tail
        scanner = Scanner(self._mode)
        tokens = [token for token in scanner.feed(line) if token.end > start]
        end = start + len(text)
        own = [token for token in tokens if token.start < end]
        tail = tuple(token.kind for token in tokens[len(own) :])
        if not own or own[0].start != start or own[-1].end != end:
            return False
        return (
            tail == _TAILS[candidate.tail]
            and self._fits(tuple(token.kind for token in own), candidate.form)
            and _meaning(line, own, in_brackets=scanner.open_mark == "bracket") == name
        )

    def _fits(self, kinds: tuple[TokenKind, ...], form: Form) -> bool:
        """Return whether such tokens are what stands there, and nothing else."""
        if form is Form.NAME and self._where is Slot.COMMAND:
            return kinds == (TokenKind.NAME,)
        if form is Form.KEY:
            return _PARTS.issuperset(kinds)
        is_value = kinds in _VALUES
        if form in (Form.WORD, Form.TEXT):
            return is_value
        return is_value or _PARTS.issuperset(kinds)


def _meaning(line: str, tokens: Sequence[Token], *, in_brackets: bool) -> str | None:
    source = SourceText(line)
    try:
        return "".join(
            unescape(source, token)
            if in_brackets and token.kind in _QUOTED
            else unquote(source, token)
            for token in tokens
        )
    except LineSyntaxError:
        return None


def _is_other_file(path: str) -> bool:
    """Return whether another file would be opened: of a home folder, or with an access mode."""
    return path.startswith("~") or path.endswith((":ro", ":rw"))


def _is_bare_key(name: str) -> bool:
    """Return whether a name at whose dots nothing is an index may stand without quotes."""
    parts = name.split(".")
    return _BARE_KEY.fullmatch(name) is not None and not any(map(str.isdigit, parts))


_BARE: dict[Form, Callable[[str], bool]] = {
    Form.KEY: _is_bare_key,
    Form.WORD: lambda name: bool(name) and name not in _NULLS,
    Form.TEXT: lambda name: _NO_TEXT.search(name) is None,
    Form.PATH: bool,
}
"""Which names of a form are what they look like without quotes."""
