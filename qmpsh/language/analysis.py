"""The analysis of one line, shared by all that read it.

Echo, hint, colours, completion, masker and run read the same text within one key or one Enter.
`analyse` gives them the same `LineAnalysis`, so that the text is scanned and parsed once.
"""

from __future__ import annotations

from functools import lru_cache

from qmpsh.language.names import is_name
from qmpsh.language.scanner import Scanner
from qmpsh.language.syntax import PLAIN, Mode
from qmpsh.language.tokens import Token, TokenKind
from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")


MAX_KEPT_LINES = 4
"""the line, its part before the cursor, and what stands after a verb in each"""
MAX_KEPT_CHARACTERS = 20_000
"""a longer line was pasted; its tokens take too much memory to be kept"""


class LineAnalysis:
    """A text in one mode, with its tokens and what readers have made of them so far."""

    __slots__ = ("_open_mark", "_readings", "_tokens", "_verbs", "mode", "text")

    def __init__(self, text: str, mode: Mode) -> None:
        self.text = text
        self.mode = mode
        self._tokens: tuple[Token, ...] | None = None
        self._open_mark = ""
        self._verbs: list[int] = []
        self._readings: dict[object, object] = {}

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens of the text, scanned when first asked for: raw JSON is read without them."""
        if self._tokens is None and self._is_name:
            self._tokens = (Token(TokenKind.NAME, 0, len(self.text)),)
        if self._tokens is None:
            scanner = Scanner(self.mode)
            self._tokens = tuple(scanner.feed(self.text))
            self._open_mark = scanner.open_mark
            for place, token in enumerate(self._tokens):
                if token.kind is TokenKind.VERB:
                    self._verbs.append(place)
        return self._tokens

    @property
    def _is_name(self) -> bool:
        """Whether the text is one name, as most that are completed: the scanner's patterns, which
        take a tenth of that to compile, are not needed to say so.
        """
        return not (self.mode.hmp or self.mode.bare_verbs) and is_name(self.text)

    @property
    def verbs(self) -> Sequence[int]:
        """The places of the verbs among the tokens; a verb's line may begin with another verb."""
        return self._verbs if self.tokens else ()

    @property
    def open_mark(self) -> str:
        """What the text cannot end in: "quote", "bracket", "backslash", or "" for nothing."""
        return self._open_mark if self.tokens else ""

    def reading(self, read: Callable[[LineAnalysis], T]) -> T:
        """Return what `read` makes of the line, asked for once; an error it raises is not kept.

        read: a pure function of a module; its result is shared, and must not be changed.
        """
        if read not in self._readings:
            self._readings[read] = read(self)
        found: T = self._readings[read]  # type: ignore[assignment] # what this function returned
        return found


keep = lru_cache(MAX_KEPT_LINES)(LineAnalysis)
"""The analysis of a text in a mode; the one made before, if that was lately."""


def analyse(text: str, mode: Mode = PLAIN) -> LineAnalysis:
    """Return the analysis of a text, the same one to all who ask for it in turn."""
    make = keep if len(text) <= MAX_KEPT_CHARACTERS else LineAnalysis
    return make(text, _relevant(text, mode))


def _relevant(text: str, mode: Mode) -> Mode:
    """Return the mode without what cannot matter to this text.

    Those who look at one line know different parts of its mode, and are to share one analysis.
    """
    # One of these is in every text with a redirect or a line of the human monitor, or for help.
    has_mark = "|" in text or ">" in text or "hmp" in text
    asks = "-h" in text or "?" in text
    return Mode(
        hmp=mode.hmp,
        prompt=mode.prompt and (mode.hmp or has_mark),
        in_transaction=mode.in_transaction,
        bare_verbs=frozenset([verb for verb in mode.bare_verbs if verb in text]),
        counted=mode.counted and "--count" in text,
        helps=mode.helps and asks,
    )
