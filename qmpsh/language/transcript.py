"""Picks out what to run from a recorded session: its marked lines, not the echoes and the output.

One `Transcript` follows the lines of one file or paste. `qmp-shell -v` prints each command again as
JSON below the line that was typed; a human monitor prints its output between the marked lines.
Source: QEMU, scripts/qmp/qmp-shell, and the sessions in docs/interop/live-block-operations.rst.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qmpsh.errors import LineSyntaxError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.analysis import analyse
from qmpsh.language.jsonline import COMMAND_NAMES, REPLY_NAMES, is_json, split_objects, top_members
from qmpsh.language.syntax import CommandLine, JsonLine, Mode
from qmpsh.language.tokens import BLANKS, GAP, IGNORED, PROMPT_MARK, QEMU_MARK, Token, TokenKind
from qmpsh.language.verbs import VERBS
from qmpsh.light_typing import NamedTuple

_BANNER = r"QEMU \S+ monitor - type 'help'"
_VERB = r"\.([a-zA-Z][a-zA-Z-]*)"
_HMP_MARK = r"\((?:qemu|hmp)\)"
_UNMARKED = "skipped lines without a mark such as (qemu): they are output in a transcript"
_UNREADABLE = "skipped an object that is not JSON, where a transcript echoes the command"


class Passage(NamedTuple):
    """The part of a transcript's line that is to be run, and a note on the rest.

    text: the line without what is passed over, which is blank; note: to be shown, "" for none
    """

    text: str
    note: str = ""


class _Marked(NamedTuple):
    """A line after `(QEMU) `, whose echo may follow. line: the whole; name: of its command"""

    line: str
    name: str


class Transcript:
    """A recorded session as it is read: what the lines so far say of those to come."""

    def __init__(self) -> None:
        self._marked: _Marked | None = None
        self._is_hmp_marked = False
        self._has_noted = False

    def filter_line(self, line: str, mode: Mode) -> Passage:
        """Return the next logical line. mode: how it is read"""
        return self._hmp(line) if mode.hmp else self._qmp(line, mode)

    # ---------------------------------------------------------------- the human monitor

    def _hmp(self, line: str) -> Passage:
        text = line.lstrip(BLANKS)
        if re.match(PROMPT_MARK, text):
            self._is_hmp_marked = True
            return Passage(line)
        verb = re.match(_VERB, text)
        is_ours = text[:1] in ("", "#") or (verb is not None and verb[1] in VERBS)
        if is_ours or not (self._is_hmp_marked or re.match(_BANNER, text)):
            return Passage(line)
        note, self._has_noted = "" if self._has_noted else _UNMARKED, True
        return Passage("", note)

    # ---------------------------------------------------------------- QMP

    def _qmp(self, line: str, mode: Mode) -> Passage:
        tokens = analyse(line, mode).tokens
        words = [token for token in tokens if token.kind not in IGNORED]
        if re.match(_HMP_MARK, line.lstrip(BLANKS)):
            self._is_hmp_marked = True
        if not words:
            if not all(_is_empty(token, line) for token in tokens):
                self._marked = None
            return Passage(line)
        marked, self._marked = self._marked, _marked(line, tokens, words)
        is_marked = any(t.kind is TokenKind.MARK and t.start < words[0].start for t in tokens)
        if marked is None or is_marked or line[words[0].start] != "{":
            return Passage(line)
        return _without_echo(marked, line, tokens, mode)


def _is_empty(token: Token, line: str) -> bool:
    """Return whether the token leaves its line an empty one: a comment does not."""
    return token.kind is not TokenKind.COMMENT or re.match(GAP, token.text(line)) is not None


def _marked(line: str, tokens: Sequence[Token], words: Sequence[Token]) -> _Marked | None:
    """Return the command of a line after `(QEMU) `; None for another line."""
    mark = next((token for token in tokens if token.kind is TokenKind.MARK), None)
    if mark is None or not re.match(QEMU_MARK, mark.text(line)):
        return None
    first = words[0]
    if first.kind in (TokenKind.TRANSACTION, TokenKind.PAREN) or mark.text(line).startswith(
        "TRANS"
    ):
        return _Marked(line, "transaction")
    return _Marked(line, first.text(line)) if first.kind is TokenKind.NAME else None


def _without_echo(marked: _Marked, line: str, tokens: Sequence[Token], mode: Mode) -> Passage:
    """Return the line without the echo that it begins with, if it does."""
    try:
        echo = next(split_objects(line, tokens), None)
    except LineSyntaxError:
        return Passage(line)
    if echo is None:
        return Passage(line)
    members = dict(top_members(line, echo.tokens))
    name = next((members[word] for word in COMMAND_NAMES if word in members), None)
    is_echo = name == marked.name
    is_sound = is_json(line, echo.tokens)
    if (is_sound and not is_echo) or not REPLY_NAMES.isdisjoint(members):
        return Passage(line)
    note = "" if is_echo else _UNREADABLE
    start, end = echo.span
    if is_sound and _differs(marked, line[start:end], mode):
        note = f"the echo of {marked.name} has other arguments than the line; the line is used"
    blank = re.sub(r"[^\n]", " ", line[start:end])
    return Passage(line[:start] + blank + line[end:], note)


def _differs(marked: _Marked, echo: str, mode: Mode) -> bool:
    """Return whether the echo has other arguments than the line, unless it is a transaction."""
    # Imported here: the parser reads transcripts too, and few lines have an echo.
    from qmpsh.language.parser import parse_line
    from qmpsh.language.untyped import guess_arguments

    try:
        [command], [repeated] = parse_line(marked.line, mode), parse_line(echo, mode)
        if not (isinstance(command, CommandLine) and isinstance(repeated, JsonLine)):
            return False
        return _plain(guess_arguments(command)) != _plain(repeated.arguments or {})
    except (LineSyntaxError, ValueError):
        return False


def _plain(value: Json) -> Json:
    """Return the value with its types taken away: what one shell sends as text another sends as a
    number.

    An object without members is as good as none.
    """
    match value:
        case dict():
            plain: JsonObject = {name: _plain(item) for name, item in value.items()}
            return plain
        case list():
            return [_plain(item) for item in value]
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case _:
            return str(value).lower()
