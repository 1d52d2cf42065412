"""The one masker: what must never reach history, log, echo, report or error.

Finds the secrets in what was typed: a line, or the words of a one-shot. Where a line is in the
language, its tokens say where each secret begins and ends. Where it is not, only the words before
the fault that are known to be harmless are left out: how far a secret after it goes cannot be
known.

Masks lines, and the texts that may repeat a secret: an error about a line, and what a server says
of a command. If the masker itself fails, nothing at all of the line is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from qmpsh.errors import LineError, QmpshError, Span
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.analysis import LineAnalysis, analyse
from qmpsh.language.arguments import split_words
from qmpsh.language.cursor import GivenMember, ParsedLine, parsed_line
from qmpsh.language.jsonline import decode_object
from qmpsh.language.modifiers import MODIFIERS
from qmpsh.language.parser import is_sound
from qmpsh.language.syntax import Mode
from qmpsh.language.tokens import BLANKS, TIME, Token, TokenKind
from qmpsh.language.verbs import BARE, HEADED, LINES, TIMED, TYPED, WHOLE, Takes, takes
from qmpsh.patterns import LatePattern
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
    lists_secrets,
    mask_json,
    property_secrets,
    reads_secret,
    types_character,
)
from qmpsh.secrets.text import (
    MASK,
    join_spans,
    loose_secrets,
    mask_spans,
    mask_text,
    text_secrets,
    value_secrets,
)

_NOT_MASKED = "internal error while masking secrets; the line is not shown"
_PIECE = LatePattern(r"""[^\s"'\\{}\[\],:=()]+""")
_MIN_PIECE_CHARACTERS = 3  # a shorter piece gives nothing away
_MIN_DISTINCT_CHARACTERS = 4  # a shorter one may be a part of any word
_MODE = Mode(prompt=True, bare_verbs=frozenset(name for name in BARE if takes(name) in WHOLE))
_MAX_TYPED_CHARACTERS = 10_000
"""characters of a line that was hardly typed by hand"""
_PLAIN_WORD = LatePattern(rf"(?P<key>[\w.-]+)=[^\"'{{}}\[\]\\{BLANKS}]*(?:[{BLANKS}]+|\Z)")
"""An argument of a line with a fault that cannot be a part of anything else."""

_ENDS_TEXT = frozenset({TokenKind.PIPE, TokenKind.REDIRECT, TokenKind.COMMENT, TokenKind.UNCLOSED})
"""What may be a piece of a text that lacks its quotes."""

LineWords = Sequence[str]
"""What was typed: one word is a line, several are each an argument of their own."""


# -------------------------------------------------------------------- texts masked


def remove_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return the text without the secrets and any piece of one, whatever its quotes."""
    secrets = set(secrets) - {MASK, ASKED, ""}
    pieces = {piece for secret in secrets for piece in _PIECE.findall(secret)} - {MASK}
    whole = {secret for secret in secrets if len(secret) >= _MIN_PIECE_CHARACTERS}
    for piece in sorted(pieces | whole, key=len, reverse=True):
        if len(piece) >= _MIN_PIECE_CHARACTERS:
            pattern = re.escape(piece)
            if len(piece) < _MIN_DISTINCT_CHARACTERS:
                pattern = rf"(?<!\w){pattern}(?!\w)"
            text = re.sub(pattern, MASK, text)
    return text


def command_secrets(message: Json) -> set[str]:
    """Return the secrets that a command's JSON holds."""
    return set(_differing(message, mask_json(message)))


def scrub(value: Json, secrets: Iterable[str]) -> Json:
    """Return a reply without the secrets of its command, keys left alone."""
    match value:
        case str():
            return remove_secrets(value, secrets)
        case list():
            return [scrub(item, secrets) for item in value]
        case dict():
            return {key: scrub(item, secrets) for key, item in value.items()}
    return value


def scrub_reply(reply: JsonObject, command: JsonObject) -> JsonObject:
    """Return the reply of a command without its secrets; it may be a secret as a whole."""
    if "return" in reply and reads_secret(command):
        reply = {**reply, "return": MASK}
    elif "return" in reply and lists_secrets(command):
        reply = {**reply, "return": mask_json(reply["return"])}
    found = command_secrets(command)
    return {key: scrub(item, found) for key, item in reply.items()} if found else reply


def _differing(value: Json, masked: Json) -> Iterator[str]:
    if masked == MASK:
        yield from _texts(value)
    elif isinstance(value, str) and value != masked:
        found = [*hmp_secrets(value), *value_secrets(value)]
        yield from (value[start:end] for start, end in found)
    elif isinstance(value, dict) and isinstance(masked, dict):
        for key, item in value.items():
            yield from _differing(item, masked[key])
    elif isinstance(value, list) and isinstance(masked, list):
        for item, other in zip(value, masked, strict=True):
            yield from _differing(item, other)


def _texts(value: Json) -> Iterator[str]:
    match value:
        case str() | int() | float():
            yield str(value)
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)


def mask_line(line: str, *, hmp: bool = False) -> str:
    """Return a logical line with its secrets replaced. hmp: it was typed in HMP mode."""
    return _guarded(lambda: mask_spans(line, line_secrets(line, hmp=hmp)))


def mask_message(said: str, words: LineWords, *, hmp: bool = False) -> str:
    """Return what is said of a line, without its secrets."""

    def masked() -> str:
        line = " ".join(words)
        return remove_secrets(said, [line[slice(*at)] for at in words_secrets(words, hmp=hmp)])

    return _guarded(masked)


def mask_argv(said: str, argv: LineWords) -> str:
    """Mask what is said of a command line, whose words may be one line or a line each."""
    for words in (argv, *((word,) for word in argv)):
        said = mask_message(said, words)
    return mask_text(said)


def mask_error(error: QmpshError, words: LineWords = (), *, hmp: bool = False) -> None:
    """Take the secrets of its line out of an error; one that was masked stays as it is.

    words: what was typed, () where the error's own line is all that is known of it
    """
    if isinstance(error, LineError):
        if not error.is_masked:
            error.is_masked = True
            try:
                _mask_line_error(error, words, hmp=hmp)
            except Exception:
                # As in _guarded.
                error.reword(_NOT_MASKED)
                error.source, error.span = MASK, (0, len(MASK))
    elif words:
        error.args = (mask_message(str(error), words, hmp=hmp), *error.args[1:])


def mask_fault(fault: BaseException, words: LineWords, *, hmp: bool = False) -> None:
    """Mask a fault of ours, whose report may repeat what it was working on."""
    seen: set[int] = set()
    link: BaseException | None = fault
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        link.args = tuple(
            mask_message(item, words, hmp=hmp) if isinstance(item, str) else item
            for item in link.args
        )
        link = link.__cause__ or link.__context__


def _mask_line_error(error: LineError, words: LineWords, *, hmp: bool) -> None:
    spans = words_secrets(_words_of(error.source, words), hmp=hmp)
    if not spans:
        return
    # A guess is made from the line, and goes whole: its quotes may have changed a secret.
    error.reword(remove_secrets(error.message, [error.source[slice(*span)] for span in spans]))
    start, end = (_moved(place, spans) for place in error.span)
    error.source, error.span = mask_spans(error.source, spans), (start, max(start + 1, end))


def _words_of(source: str, words: LineWords) -> LineWords:
    """Return the words that an error's line was made of: all, or those after a verb."""
    left = len(" ".join(words))
    for at, word in enumerate(words):
        if left <= len(source):
            return words[at:] if " ".join(words[at:]) == source else (source,)
        left -= len(word) + 1
    return (source,)


def _guarded(mask: Callable[[], str]) -> str:
    try:
        return mask()
    except Exception:
        # Whatever it is, it must not reveal a secret: nothing at all is shown.
        return MASK


def _moved(place: int, spans: Sequence[Span]) -> int:
    """Return where a place of the line is once the spans are masked."""
    moved = place
    for start, end in spans:
        if place >= end:
            moved += len(MASK) - (end - start)
        elif place > start:
            return moved - (place - start) + len(MASK)
    return moved


# -------------------------------------------------------------------- words


def words_secrets(words: LineWords, *, hmp: bool = False) -> list[Span]:
    """Return where the secrets stand in the words with a blank between two."""
    if len(words) < 2 or hmp:
        return line_secrets(" ".join(words), hmp=hmp)
    is_verb = words[0].startswith(".") or words[0] in _MODE.bare_verbs
    spans = _of_verb(words) if is_verb else _of_command(words)
    line = " ".join(words)
    spans = [*spans, *text_secrets(line), *property_secrets(line)]
    return join_spans(line, [span for span in spans if line[slice(*span)] != ASKED])


def _of_verb(words: LineWords) -> list[Span]:
    """Return those of a verb's words; what follows it may be a line or its words."""
    kind = takes(words[0].removeprefix("."))
    first = 1
    if kind in TIMED:
        while first < len(words) and re.fullmatch(rf"{TIME}|--.*", words[first]):
            first += 1
    elif kind in HEADED:
        first += 1
    start = len(" ".join(words[:first])) + 1
    rest = words[first:]
    if kind in TYPED:
        return line_secrets(" ".join(words))
    if kind in LINES:
        found = words_secrets(rest)
    elif kind is Takes.HMP:
        found = hmp_secrets(" ".join(rest))
    else:
        found = [*loose_secrets(" ".join(rest)), *_of_values(rest)]
    return [(start + begin, start + end) for begin, end in found]


def _of_values(words: LineWords) -> Iterator[Span]:
    at = 0
    for word in words:
        yield from ((at + begin, at + end) for begin, end in value_secrets(word))
        at += len(word) + 1


def _of_command(words: LineWords) -> list[Span]:
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
    for verb in analysis.verbs[:1]:
        if takes(tokens[verb].text(line).removeprefix(".")) in TYPED:
            return _of_typed(line, tokens[verb:])
    command, sound = parsed.command, is_sound(line, analysis.mode)
    given = [*parsed.given, *_quoted_arguments(line, tokens)]
    about = _about(command, given)
    spans = [*text_secrets(line), *_of_members(line, about, given), *_of_hmp(line, tokens)]
    spans += property_secrets(line) if "prop" in line else ()
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


def _of_typed(line: str, tokens: Sequence[Token]) -> list[Span]:
    """Return those of what is typed into the guest: all from the first word to the last, whatever
    stands between, or of chords those that type a character. tokens: from the verb on
    """
    words = split_words(tokens)[1:]
    found = [(word[0].start, word[-1].end) for word in words if not _is_modifier(line, word[0])]
    if takes(tokens[0].text(line).removeprefix(".")) is Takes.CHORDS:
        return [span for span in found if types_character(line[slice(*span)].strip("'\""))]
    if not found or [line[slice(*span)] for span in found] == [ASKED]:
        return []
    is_whole = all(token.kind not in _ENDS_TEXT for token in tokens)
    return [(found[0][0], found[-1][1] if is_whole else len(line.rstrip(BLANKS)))]


def _is_modifier(line: str, token: Token) -> bool:
    """Whether a word of a verb's line is a modifier, or the value of one. token: its first"""
    if token.kind is TokenKind.MODIFIER:
        return token.text(line)[2:] in MODIFIERS
    return token.kind in (TokenKind.WORD, TokenKind.STRING)


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
