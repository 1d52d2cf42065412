"""Secrets in lines: what must never reach the history, a log, the screen's echo or an error.

Where a line is in the language, its tokens say where each secret begins and ends. Where it is not,
nobody can say: then all behind the command's name counts as secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qmpsh.complete.place import Given, Walk
from qmpsh.errors import LineError, LineSyntaxError, Span
from qmpsh.lang.line import parse_line
from qmpsh.lang.scan import Scanner
from qmpsh.lang.syntax import Mode, VerbLine
from qmpsh.lang.tokens import BLANKS, Kind, Token
from qmpsh.lang.verbs import BARE, LINES, WHOLE, takes
from qmpsh.shell.scrubbing import without
from qmpsh.shell.secret_rules import (
    ASKED,
    COMMAND_MEMBERS,
    GUEST_PROGRAM,
    MASK,
    OBJECT_COMMANDS,
    PASSWORD_COMMANDS,
    About,
    hmp_secrets,
    is_hidden,
    is_secret_property,
    is_secret_type,
    joined,
    named_secrets,
    replaced,
)

_MODE = Mode(prompt=True, bare_verbs=frozenset(name for name in BARE if takes(name) in WHOLE))


def mask_line(line: str, *, hmp: bool = False) -> str:
    """A logical line with its secrets replaced. hmp: it was typed in HMP mode."""
    return replaced(line, line_secrets(line, hmp=hmp))


def mask_hmp(text: str) -> str:
    """The same for a line of HMP mode."""
    return mask_line(text, hmp=True)


def mask_error(error: LineError, *, hmp: bool = False, in_words: bool = False) -> None:
    """Take the secrets of its line out of an error; one that was masked stays as it is.

    in_words: the line is the words of a command line, joined, which no scanner can part again
    """
    spans = line_secrets(error.source, hmp=hmp, is_sound=not in_words)
    if not spans:
        return
    # A guess is made from the line, and goes whole: its quotes may have changed a secret.
    error.reword(without(error.message, [error.source[slice(*span)] for span in spans]))
    start, end = (_moved(place, spans) for place in error.span)
    error.source, error.span = replaced(error.source, spans), (start, max(start + 1, end))


def line_secrets(line: str, *, hmp: bool = False, is_sound: bool = True) -> list[Span]:
    """Where the secrets of a line stand, in order. is_sound: False when it cannot be parsed."""
    mode = _MODE._replace(hmp=hmp)
    tokens = Scanner(mode).feed(line)
    walk = Walk(line)
    walk.take(tokens)
    given = [*walk.given, *_quoted_arguments(line, tokens)]
    spans = [*named_secrets(line), *_of_members(line, walk.command, given), *_of_hmp(line, tokens)]
    if walk.command == "object_add":
        # The monitor's word, typed where QMP is spoken; a transcript's mark may stand before it.
        start = walk.command_span[0]
        spans += [(start + a, start + b) for a, b in hmp_secrets(line[start:])]
    spans = [span for span in spans if line[slice(*span)] != ASKED]
    if not (is_sound and _is_sound(line, mode)):
        spans += _behind_name(line, walk, _about(walk.command, given), spans)
    return joined(line, spans)


# -------------------------------------------------------------------- what parses


def _of_members(line: str, command: str, given: Sequence[Given]) -> Iterator[Span]:
    about = _about(command, given)
    owners = [g.path[:-1] for g in given if g.path[-1:] == ("qom-type",) and is_secret_type(g.text)]
    hides_value = any(g.path[-1:] == ("property",) and is_secret_property(g.text) for g in given)
    for member in given:
        if not member.path or member.text is None:
            continue
        if is_hidden(member.path, about, owners) or (hides_value and "value" in member.path):
            yield member.value
        elif member.path[-1] == "command-line":
            yield from _inside(line, member)


def _about(command: str, given: Sequence[Given]) -> About:
    names = {command} | {g.text for g in given if g.path and g.path[-1] in COMMAND_MEMBERS}
    return About(
        is_object=not names.isdisjoint(OBJECT_COMMANDS),
        sets_password=not names.isdisjoint(PASSWORD_COMMANDS),
        runs_program=GUEST_PROGRAM in names,
    )


def _inside(line: str, member: Given) -> list[Span]:
    """The secrets of the HMP line that a member holds; all of it where escapes moved them."""
    text = member.text or ""
    found = hmp_secrets(text)
    start = member.value[0] + member.quoted
    if found and line[start : start + len(text)] != text:
        return [member.value]
    return [(start + begin, start + end) for begin, end in found]


def _of_hmp(line: str, tokens: Sequence[Token]) -> list[Span]:
    start = next((token.start for token in tokens if token.kind is Kind.TEXT), None)
    if start is None:
        return []
    return [(start + begin, start + end) for begin, end in hmp_secrets(line[start:])]


def _quoted_arguments(line: str, tokens: Sequence[Token]) -> Iterator[Given]:
    """The members of `'KEY=value'`, quoted as a whole; one with brackets counts as all of them."""
    for token, behind in zip(tokens, [*tokens[1:], None], strict=False):
        if token.kind is not Kind.QUOTED_PART:
            continue
        if behind is not None and behind.kind in (Kind.EQUALS, Kind.DOT, Kind.COLON):
            continue
        inner = line[token.start + 1 : token.end - 1]
        key, equals, value = inner.partition("=")
        path = tuple(key.split("."))
        if equals and value[:1] in ("{", "["):
            path = (*path, "data") if "secret" in value else path
        if equals:
            start = token.start + len(key) + 2
            yield Given(path, value, (token.start + 1, start - 1), (start, token.end - 1))


# -------------------------------------------------------------------- what does not


def _is_sound(line: str, mode: Mode) -> bool:
    """Whether the line is in the language, and what a verb takes behind it too."""
    try:
        statements = parse_line(line, mode)
    except LineSyntaxError:
        return False
    verbs = [statement for statement in statements if isinstance(statement, VerbLine)]
    return all(_is_sound(verb.rest, mode) for verb in verbs if takes(verb.name) in LINES)


def _behind_name(line: str, walk: Walk, about: About, spans: Sequence[Span]) -> list[Span]:
    """All behind the name of a command that may hold a secret; nothing for another."""
    tells = "secret" in line or "data" in line
    if not (spans or about.sets_password or (about.is_object and tells) or hmp_secrets(line)):
        return []
    if walk.command:
        start = walk.command_span[1]
    else:
        start = line.find("{") + 1 or min((span[0] for span in spans), default=0)
    start = len(line) - len(line[start:].lstrip(BLANKS))
    return [(start, len(line.rstrip(BLANKS)))]


# -------------------------------------------------------------------- errors


def _moved(place: int, spans: Sequence[Span]) -> int:
    """Where a place of the line is once the spans are masked."""
    moved = place
    for start, end in spans:
        if place >= end:
            moved += len(MASK) - (end - start)
        elif place > start:
            return moved - (place - start) + len(MASK) * (place - start > 0)
    return moved
