"""Texts that may repeat a secret: an error about a line, what a server says of a command."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.shell.secret_rules import ASKED, hmp_secrets, mask_json, reads_secret
from qmpsh.textsecrets import MASK, value_secrets

_PIECE = re.compile(r"""[^\s"'\\{}\[\],:=()]+""")
_LEAST = 3  # a shorter piece gives nothing away
_SHORT = 4  # a shorter one may be a part of any word


def without(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, and without any piece of one, in whatever quotes it stands."""
    secrets = set(secrets) - {MASK, ASKED, ""}
    pieces = {piece for secret in secrets for piece in _PIECE.findall(secret)} - {MASK}
    whole = {secret for secret in secrets if len(secret) >= _LEAST}
    for piece in sorted(pieces | whole, key=len, reverse=True):
        if len(piece) >= _LEAST:
            pattern = re.escape(piece)
            if len(piece) < _SHORT:
                pattern = rf"(?<!\w){pattern}(?!\w)"
            text = re.sub(pattern, MASK, text)
    return text


def secrets_of(message: Json) -> set[str]:
    """The secrets that a command's JSON holds."""
    return set(_differing(message, mask_json(message)))


def scrubbed(value: Json, secrets: Iterable[str]) -> Json:
    """A reply without the secrets of its command, keys left alone."""
    match value:
        case str():
            return without(value, secrets)
        case list():
            return [scrubbed(item, secrets) for item in value]
        case dict():
            return {key: scrubbed(item, secrets) for key, item in value.items()}
    return value


def scrubbed_reply(reply: JsonObject, command: JsonObject) -> JsonObject:
    """The same for the reply of a command, which may be a secret as a whole."""
    if "return" in reply and reads_secret(command):
        reply = {**reply, "return": MASK}
    found = secrets_of(command)
    return {key: scrubbed(item, found) for key, item in reply.items()} if found else reply


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
