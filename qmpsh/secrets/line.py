"""Finds the secrets in what was typed: a line, or the words of a one-shot.

Where a line is in the language, its tokens say where each secret begins and ends. Where it is not,
only the words before the fault that are known to be harmless are left out: how far a secret after
it goes cannot be known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qmpsh.errors import Span
from qmpsh.language.analysis import LineAnalysis, analyse
from qmpsh.language.cursor import GivenMember, ParsedLine, parsed_line
from qmpsh.language.jsonline import decode_object
from qmpsh.language.parser import is_sound
from qmpsh.language.syntax import Mode
from qmpsh.language.tokens import BLANKS, TIME, Token, TokenKind
from qmpsh.language.verbs import BARE, HEADED, LINES, WHOLE, Takes, takes
from qmpsh.secrets.rules import (
    ASKED,
    COMMAND_MEMBERS,
    GUEST_PROGRAM,
    HARMLESS_WORDS,
    OBJECT_COMMANDS,
    SECRET_COMMANDS,
    SecretContext,
    hmp_secrets,
    is_hidden,
    is_secret_property,
    is_secret_type,
    mask_json,
)
from qmpsh.secrets.text import join_spans, loose_secrets, text_secrets, value_secrets

_MODE = Mode(prompt=True, bare_verbs=frozenset(name for name in BARE if takes(name) in WHOLE))
_MAX_TYPED_CHARACTERS = 10_000
"""characters of a line that was hardly typed by hand"""
_PLAIN_WORD = re.compile(rf"(?P<key>[\w.-]+)=[^\"'{{}}\[\]\\{BLANKS}]*(?:[{BLANKS}]+|\Z)")
"""An argument of a line with a fault that cannot be a part of anything else."""

Words = Sequence[str]
"""What was typed: one word is a line, several are each an argument of their own."""


# -------------------------------------------------------------------- words


def words_secrets(words: Words, *, hmp: bool = False) -> list[Span]:
    """Return where the secrets stand in the words with a blank between two."""
    if len(words) < 2 or hmp:
        return line_secrets(" ".join(words), hmp=hmp)
    is_verb = words[0].startswith(".") or words[0] in _MODE.bare_verbs
    spans = _of_verb(words) if is_verb else _of_command(words)
    line = " ".join(words)
    spans = [*spans, *text_secrets(line)]
    return join_spans(line, [span for span in spans if line[slice(*span)] != ASKED])


def _of_verb(words: Words) -> list[Span]:
    """Return those of a verb's words; what follows it may be a line or its words."""
    kind = takes(words[0].removeprefix("."))
    first = 1
    if kind is Takes.TIMED_LINE:
        while first < len(words) and re.fullmatch(rf"{TIME}|--.*", words[first]):
            first += 1
    elif kind in HEADED:
        first += 1
    start = len(" ".join(words[:first])) + 1
    rest = words[first:]
    if kind in LINES:
        found = words_secrets(rest)
    elif kind is Takes.HMP:
        found = hmp_secrets(" ".join(rest))
    else:
        found = [*loose_secrets(" ".join(rest)), *_of_values(rest)]
    return [(start + begin, start + end) for begin, end in found]


def _of_values(words: Words) -> Iterator[Span]:
    at = 0
    for word in words:
        yield from ((at + begin, at + end) for begin, end in value_secrets(word))
        at += len(word) + 1


def _of_command(words: Words) -> list[Span]:
    line, name = " ".join(words), words[0]
    given: list[GivenMember] = []
    bare: list[Span] = []
    spans: list[Span] = []
    at = len(name) + 1
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if value[:1] in ("{", "[") and not is_sound(f"{name} {word}", _MODE):
            spans.append((at + len(word) - len(value), len(line)))  # it may go on in other words
            break
        if equals and not re.search(rf"[{BLANKS}]", key):
            given += _given_by(name, word, at)
        elif not word.startswith("--"):
            bare.append((at, at + len(word)))
        at += len(word) + 1
    about = _about(name, given)
    spans += _of_members(line, about, given)
    if name in OBJECT_COMMANDS or not given:
        spans += hmp_secrets(line)  # the human monitor's way
    spans += loose_secrets(line) if bare else []
    if spans or about.hands_over or about.is_object:
        spans += [span for span in bare if line[slice(*span)] not in HARMLESS_WORDS]
    return spans


def _given_by(name: str, word: str, at: int) -> list[GivenMember]:
    """Return the members that a word gives; at: where it stands."""
    key, _, value = word.partition("=")
    start = at + len(key) + 1
    if value[:1] not in ("{", "["):
        path = tuple(key.split("."))
        return [GivenMember(path, value, (at, start - 1), (start, at + len(word)))]
    text = f"{name} {word}"
    moved = at - len(name) - 1
    return [
        member._replace(value=(member.value[0] + moved, member.value[1] + moved))
        for member in analyse(text).reading(parsed_line).given
    ]


# -------------------------------------------------------------------- a line


def line_secrets(line: str, *, hmp: bool = False) -> list[Span]:
    """Return where the secrets of a line stand, in order."""
    if not hmp and len(line) > _MAX_TYPED_CHARACTERS:
        found = decode_object(line)
        # The rules for messages are those for lines, and a decoder reads a million numbers at once.
        if found is not None and mask_json(found) == found:
            return join_spans(line, text_secrets(line))
    return list(analyse(line, _MODE._replace(hmp=hmp)).reading(_line_spans))


def _line_spans(analysis: LineAnalysis) -> Sequence[Span]:
    line, tokens, parsed = analysis.text, analysis.tokens, analysis.reading(parsed_line)
    command, sound = parsed.command, is_sound(line, analysis.mode)
    given = [*parsed.given, *_quoted_arguments(line, tokens)]
    about = _about(command, given)
    spans = [*text_secrets(line), *_of_members(line, about, given), *_of_hmp(line, tokens)]
    if not command and not parsed.given:
        spans += loose_secrets(line)  # the words of a verb, or of nothing that is known
    if command == "object_add":
        # The monitor's word, typed where QMP is spoken; a transcript's mark may stand before it.
        start = parsed.span[0]
        spans += [(start + a, start + b) for a, b in hmp_secrets(line[start:])]
    spans = [span for span in spans if line[slice(*span)] != ASKED]
    if not sound:
        spans += _after_name(line, parsed, about, spans)
    return join_spans(line, spans)


# -------------------------------------------------------------------- what parses


def _of_members(line: str, about: SecretContext, given: Sequence[GivenMember]) -> Iterator[Span]:
    owners = {g.path[:-1] for g in given if g.path[-1:] == ("qom-type",) and is_secret_type(g.text)}
    hides_value = any(g.path[-1:] == ("property",) and is_secret_property(g.text) for g in given)
    for member in given:
        if not member.path or member.text is None:
            continue
        if is_hidden(member.path, about, owners) or (hides_value and "value" in member.path):
            yield member.value
        else:
            yield from _inside(line, member)


def _about(command: str, given: Sequence[GivenMember]) -> SecretContext:
    names = {command} | {g.text for g in given if g.path and g.path[-1] in COMMAND_MEMBERS}
    return SecretContext(
        is_object=not names.isdisjoint(OBJECT_COMMANDS),
        hands_over=not names.isdisjoint(SECRET_COMMANDS),
        runs_program=GUEST_PROGRAM in names,
    )


def _inside(line: str, member: GivenMember) -> list[Span]:
    """Return the secrets in a value that is none as a whole: an HMP line, a URL, a file's name.

    All of it where escapes moved them.
    """
    text = member.text or ""
    found = hmp_secrets(text) if member.path[-1] == "command-line" else value_secrets(text)
    start = member.value[0] + member.quoted
    if found and line[start : start + len(text)] != text:
        return [member.value]
    return [(start + begin, start + end) for begin, end in found]


def _of_hmp(line: str, tokens: Sequence[Token]) -> list[Span]:
    start = next((token.start for token in tokens if token.kind is TokenKind.TEXT), None)
    if start is None:
        return []
    return [(start + begin, start + end) for begin, end in hmp_secrets(line[start:])]


def _quoted_arguments(line: str, tokens: Sequence[Token]) -> Iterator[GivenMember]:
    """Yield the members of quoted `'KEY=value'`; one with brackets counts as all of them."""
    for token, after in zip(tokens, [*tokens[1:], None], strict=False):
        if token.kind is not TokenKind.QUOTED_PART:
            continue
        if after is not None and after.kind in (TokenKind.EQUALS, TokenKind.DOT, TokenKind.COLON):
            continue
        inner = line[token.start + 1 : token.end - 1]
        key, equals, value = inner.partition("=")
        path = tuple(key.split("."))
        if equals and value[:1] in ("{", "["):
            path = (*path, "data") if "secret" in value else path
        if equals:
            start = token.start + len(key) + 2
            yield GivenMember(path, value, (token.start + 1, start - 1), (start, token.end - 1))


# -------------------------------------------------------------------- what does not


def _after_name(
    line: str, parsed: ParsedLine, about: SecretContext, spans: Sequence[Span]
) -> list[Span]:
    """Return the command from its first word on that may be secret; [] if it holds no secret."""
    is_named = "secret" in line or "data" in line
    is_suspect = about.hands_over or about.runs_program or (about.is_object and is_named)
    if not (is_suspect or spans or loose_secrets(line) or hmp_secrets(line)):
        return []
    if parsed.command:
        start = _after_plain(line, parsed.span[1], about)
    else:
        start = line.find("{") + 1 or min((span[0] for span in spans), default=0)
    start = len(line) - len(line[start:].lstrip(BLANKS))
    return [(start, len(line.rstrip(BLANKS)))]


def _after_plain(line: str, start: int, about: SecretContext) -> int:
    """Return where the words end that are arguments of their own, and no secrets."""
    about = about._replace(is_secret=about.is_object)
    at = len(line) - len(line[start:].lstrip(BLANKS))
    while match := _PLAIN_WORD.match(line, at):
        key = match["key"].rpartition(".")[2]
        if about.hides(key) or value_secrets(match[0]) or "://" in match[0]:
            break
        at = match.end()
    return at
