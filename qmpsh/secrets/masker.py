"""The one masker: what must never reach history, log, echo, report or error.

Masks lines, and the texts that may repeat a secret: an error about a line, and what a server says
of a command. If the masker itself fails, nothing at all of the line is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from qmpsh.errors import LineError, QmpshError, Span
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.secrets.line import Words, line_secrets, words_secrets
from qmpsh.secrets.rules import ASKED, hmp_secrets, mask_json, reads_secret
from qmpsh.secrets.text import MASK, mask_spans, mask_text, value_secrets

_NOT_MASKED = "internal error while masking secrets; the line is not shown"
_PIECE = re.compile(r"""[^\s"'\\{}\[\],:=()]+""")
_MIN_PIECE_CHARACTERS = 3  # a shorter piece gives nothing away
_MIN_DISTINCT_CHARACTERS = 4  # a shorter one may be a part of any word


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


def mask_message(said: str, words: Words, *, hmp: bool = False) -> str:
    """Return what is said of a line, without its secrets."""

    def masked() -> str:
        line = " ".join(words)
        return remove_secrets(said, [line[slice(*at)] for at in words_secrets(words, hmp=hmp)])

    return _guarded(masked)


def mask_argv(said: str, argv: Words) -> str:
    """Mask what is said of a command line, whose words may be one line or a line each."""
    for words in (argv, *((word,) for word in argv)):
        said = mask_message(said, words)
    return mask_text(said)


def mask_error(error: QmpshError, words: Words = (), *, hmp: bool = False) -> None:
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


def mask_fault(fault: BaseException, words: Words, *, hmp: bool = False) -> None:
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


def _mask_line_error(error: LineError, words: Words, *, hmp: bool) -> None:
    spans = words_secrets(_words_of(error.source, words), hmp=hmp)
    if not spans:
        return
    # A guess is made from the line, and goes whole: its quotes may have changed a secret.
    error.reword(remove_secrets(error.message, [error.source[slice(*span)] for span in spans]))
    start, end = (_moved(place, spans) for place in error.span)
    error.source, error.span = mask_spans(error.source, spans), (start, max(start + 1, end))


def _words_of(source: str, words: Words) -> Words:
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
