"""What stands behind a name: words, and among them the modifiers."""

from __future__ import annotations

from collections.abc import Sequence

from qmpsh.errors import Span
from qmpsh.lang.arguments import Word
from qmpsh.lang.modifiers import VALUED_MODIFIERS, ModifierReader
from qmpsh.lang.redirects import take_redirect
from qmpsh.lang.rules import State
from qmpsh.lang.scan import Scanner
from qmpsh.lang.syntax import Redirect
from qmpsh.lang.tokens import IGNORED, Kind, Token
from qmpsh.lang.values import Source, unclosed, unquoted
from qmpsh.lang.verbs import HEADED, Takes


def split_words(tokens: Sequence[Token]) -> Sequence[Word]:
    """The tokens in groups, a group a word; blanks inside brackets part nothing."""
    words: list[list[Token]] = []
    depth = 0
    parted = True
    for token in tokens:
        if token.kind in IGNORED and not depth:
            parted = True
            continue
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        if parted:
            words.append([])
        words[-1].append(token)
        parted = False
    return words


class BodyReader:
    """Goes through the words behind a name and takes the modifiers out."""

    def __init__(self, source: Source, words: Sequence[Word]) -> None:
        self.modifiers = ModifierReader(source.line)
        self.cuts: list[Span] = []
        self._source = source
        self._words = words

    def rest(self) -> list[Sequence[Word]]:
        """The words that are left: for each, itself and the up to two words that follow it.

        Raises LineSyntaxError for a modifier that is wrong.
        """
        rest: list[Sequence[Word]] = []
        at = 0
        while at < len(self._words):
            if self._words[at][0].kind is Kind.MODIFIER:
                at += self._modifier(self._words[at : at + 2])
            else:
                rest.append(self._words[at : at + 3])
                at += 1
        return rest

    def head(self, takes: Takes, behind: int) -> tuple[str, int]:
        """The word before the line behind a verb ("" for none), and where it and modifiers end.

        behind: where the verb ends
        Raises LineSyntaxError for a modifier that is wrong.
        """
        head, at, words = "", 0, self._words
        while at < len(words):
            token, taken = words[at][0], 1
            if takes is Takes.TIMED_LINE and token.kind is Kind.MODIFIER:
                taken = self._modifier(words[at : at + 2])
            elif token.kind is Kind.WORD and not head and takes in HEADED:
                head = token.text(self._source.text)
            else:
                break
            at += taken
            behind = words[at - 1][-1].end
        return head, behind

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
        """A modifier's value."""
        if not word:
            return ""
        if word[0].kind is Kind.UNCLOSED:
            raise unclosed(self._source, word[0])
        if len(word) > 1:
            glued = word[1]
            message = "expected a space after the closing quote"
            raise self._source.error(message, glued.start, glued.end)
        return unquoted(self._source, word[0])


def words_and_redirect(text: str) -> tuple[tuple[str, ...], Redirect | None]:
    """A text as plain words, for verbs that take file names or a command: `.exec ls "my dir"`.

    Quotes delimit where they do in an argument, `--words` are words. Raises LineSyntaxError.
    """
    source = Source(text)
    tokens, redirect = take_redirect(source, Scanner(state=State.BODY).feed(text))
    return tuple(_plain(source, word) for word in split_words(tokens)), redirect


def _plain(source: Source, word: Word) -> str:
    if word[-1].kind is Kind.UNCLOSED:
        raise unclosed(source, word[-1])
    texts: list[str] = []
    depth = 0
    for token in word:
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        texts.append(token.text(source.text) if depth else unquoted(source, token))
    return "".join(texts)
