"""The candidates for a word of the LINE: what is offered at the prompt, as words of a shell.

The server's part comes from the `AskServer` that is passed in.
"""

from __future__ import annotations

from qmpsh.cli.tab.offers import AskServer, LineServer, PathKind, ShellCandidate, TypedWords
from qmpsh.complete.candidates import Candidate, Form
from qmpsh.complete.value_sources import names_file
from qmpsh.language.cursor import CursorContext, Slot, find_context
from qmpsh.language.syntax import Mode
from qmpsh.language.tokens import BLANKS
from qmpsh.language.values import quote
from qmpsh.language.verbs import WHOLE, Takes, takes
from qmpsh.light_typing import NamedTuple
from qmpsh.patterns import LatePattern

_BARE_VALUE = LatePattern(rf"""(?![{BLANKS}"'{{\[])[^{BLANKS}]*""")


class LineText(NamedTuple):
    """The words as one text of the language, the cursor at its end.

    word: at the cursor; start: where it begins in the text; value: where in the word its value
    begins when that had to be quoted for the text, else None
    """

    text: str
    word: str
    start: int
    value: int | None = None


def write_line(words: list[str], typed: TypedWords, *, hmp: bool) -> LineText:
    """Return the line that the words make. words: those of the line before the cursor's."""
    if not words:
        return LineText(typed.word, typed.word, 0)
    verb = words[0].removeprefix(".") if words[0].startswith(".") else ""
    if hmp or takes(verb) is Takes.HMP:
        head = " ".join([*words, ""])
        return LineText(head + typed.word, typed.word, len(head))
    # What follows the cursor counts in any place; the words of a verb have an order.
    after = [] if verb else typed.after
    head = " ".join([words[0], *map(_argument, [*after, *words[1:]]), ""])
    if verb and takes(verb) not in WHOLE:
        return LineText(head + typed.word, typed.word, len(head))
    return _with_word(head, typed.word)


def _with_word(head: str, word: str) -> LineText:
    """Return the line with an argument at the cursor, whose quote is left open if it needs one."""
    key, equals, value = word.partition("=")
    if equals and not _is_literal(value) and not _BARE_VALUE.fullmatch(value):
        value = value.replace("\\", "\\\\").replace("'", "\\'")
        return LineText(f"{head}{key}='{value}", word, len(head), len(key) + 1)
    # A single dash can only become a modifier.
    return LineText(head + ("--" if word == "-" else word), word, len(head))


def _argument(word: str) -> str:
    """Return a word that is one argument, as the language writes it."""
    key, equals, value = word.partition("=")
    if not equals or _is_literal(value) or _BARE_VALUE.fullmatch(value):
        return word
    return f"{key}={quote(value)}"


def _is_literal(value: str) -> bool:
    return value[:1] in ("{", "[")


def line_items(
    words: list[str], typed: TypedWords, ask: AskServer, server: LineServer
) -> list[ShellCandidate]:
    """Yield what the word may become in the line. words: those of the line before the cursor's."""
    line = write_line(words, typed, hmp=server.hmp)
    mode = Mode(hmp=server.hmp)
    place = find_context(line.text, len(line.text), mode)
    path = _path_item(line, place)
    found = [
        _item(candidate, line, place)
        for candidate in ask(server, line.text, mode)
        if (path is None or candidate.kind != "path") and _is_word(candidate, line, place)
    ]
    return found if path is None else [*found, path]


def _path_item(line: LineText, place: CursorContext) -> ShellCandidate | None:
    """Return the item with which the shell completes paths, if the word names a file; else None."""
    start = place.start - line.start if line.value is None else line.value
    if not line.start or place.bracketed:
        return None
    is_local = place.takes is Takes.FILE or (
        place.takes is Takes.FILES and len(line.text[: line.start].split()) == 1
    )
    if place.slot is Slot.VERB_WORD and is_local:
        return ShellCandidate(line.word, files=PathKind.ALL)
    if place.slot is Slot.FILE:
        return ShellCandidate(line.word, start, files=PathKind.ALL)
    if place.slot is Slot.VALUE and names_file(place.name, place.path):
        value = line.word[start:]
        if value.startswith("/"):
            return ShellCandidate(line.word, start, files=PathKind.ALL)
        # The VM's folder is not known, so that its paths begin at the root.
        return None if value else ShellCandidate(f"{line.word}/", start, ends=False)
    return None


def _is_own_word(line: LineText, place: CursorContext) -> bool:
    """Whether the word at the cursor is an argument of its own, in which no quotes are read."""
    return line.start > 0 and not place.bracketed


def _is_word(candidate: Candidate, line: LineText, place: CursorContext) -> bool:
    """Whether the candidate is read as intended in the word at the cursor as well."""
    if not _is_own_word(line, place):
        return True
    if candidate.form in (Form.KEY, Form.INDEX):
        return candidate.text[:1] not in ("'", '"', "-")
    return not (candidate.value and _is_literal(candidate.value))


def _item(candidate: Candidate, line: LineText, place: CursorContext) -> ShellCandidate:
    """Return a candidate of the line as one of the word at the cursor."""
    text = candidate.text.removesuffix(" ")  # the blank of `key: ` would end the word
    start = candidate.start - line.start
    # A path of the machine's objects may go on.
    goes_on = text.startswith("/") or text.endswith(("=", ".", "[", "{", ":"))
    if _is_own_word(line, place) and place.slot is Slot.VALUE:
        # There a value needs no quotes of the language, and would keep them.
        text = candidate.value or text
        start = start if line.value is None else line.value
    ends = not (place.bracketed or goes_on or (place.in_transaction and text != ")"))
    return ShellCandidate(line.word[:start] + text, start, _note(candidate), ends)


def _note(candidate: Candidate) -> str:
    """Return a note on a candidate, as in `str, required: the name of the driver`."""
    kind = candidate.kind
    marks = ("required", "deprecated", "unstable")
    kinds = ", ".join([kind] * bool(kind) + [mark for mark in marks if getattr(candidate, mark)])
    return ": ".join(part for part in (kinds, candidate.doc) if part)
