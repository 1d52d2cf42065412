"""Finds the QMP messages in any text: logs of ours, of libvirtd and qemu.qmp, outputs of iotests.

Objects are found by their structure, on one line or over many, and what is between them is skipped.
iotests write requests with single quotes, and words such as TIMESTAMP in the place of numbers.
Pure, total, and linear in the length of the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from qmpsh.jsontypes import DECODER, JsonObject, as_dict, nests_within
from qmpsh.language.jsonline import decode_object
from qmpsh.language.tokens import MAX_NESTING
from qmpsh.light_typing import Enum, NamedTuple

NEAR_CHARACTERS: Final = 400
"""characters before a message that are looked at: the time, the monitor"""

_REPAIRED_CHARACTERS: Final = 64 * 1024  # of an object that is not JSON as it stands
_BRACKETS: Final = 300  # of such an object
_EFFORT: Final = 4  # how often the text may be decoded in vain
_WINDOW: Final = 4096  # characters that are decoded first,
_GROWTH: Final = 8  # and how many times more then
_LONGEST_WORD: Final = 12  # characters of what is no string: \\ud83d\\ude00, false
_BEGIN: Final = re.compile(r"""\{\s*["']""")
_MAYBE_MESSAGE: Final = re.compile(
    r"""\{\s*(['"])(?:execute|exec-oob|return|error|event|QMP|timestamp|id)\1\s*:"""
)
_TOKEN: Final = re.compile(
    r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{}\[\]]|\b[A-Z][A-Z_]{2,}\b""", re.DOTALL
)
_OPENING: Final = frozenset("{[")
_CLOSING: Final = frozenset("}]")


class MessageKind(Enum):
    """A kind of what is found."""

    REQUEST = "execute"
    REPLY = "return"
    EVENT = "event"
    GREETING = "QMP"
    LOGGED = "a line of a log of ours, with one of the others inside"


class FoundMessage(NamedTuple):
    """A message in a text.

    near: the text right before it, back to the previous message, of which only the end
    """

    kind: MessageKind
    message: JsonObject
    near: str


def scan(text: str) -> Iterator[FoundMessage]:
    """Yield the messages in a text, in order."""
    position = end = 0
    effort = _EFFORT * len(text)
    while begin := _BEGIN.search(text, position):
        start = begin.start()
        found, stop = _decode(text, start)
        kind = None if found is None else kind_of(found)
        if found is not None and kind is not None:
            yield FoundMessage(kind, found, text[max(end, start - NEAR_CHARACTERS) : start])
            position = end = stop
            continue
        effort -= stop - start
        # There may be one inside, as long as looking for it is cheap.
        position = start + 1 if effort > 0 else max(stop, start + 1)


def kind_of(found: JsonObject) -> MessageKind | None:
    """Return what kind of message an object is, None for another one."""
    if isinstance(found.get("message"), dict) and isinstance(found.get("direction"), str):
        return MessageKind.LOGGED
    if isinstance(found.get("execute", found.get("exec-oob")), str):
        return MessageKind.REQUEST
    if isinstance(found.get("event"), str):
        return MessageKind.EVENT
    if isinstance(found.get("QMP"), dict):
        return MessageKind.GREETING
    is_error = isinstance(as_dict(found.get("error")).get("desc"), str)
    return MessageKind.REPLY if is_error or "return" in found else None


def _decode(text: str, start: int) -> tuple[JsonObject | None, int]:
    """Return the object that begins at `start`, and where it ends; None, and how far was read."""
    size = _WINDOW
    while True:
        # In a piece of the text: the decoder counts the lines before an error.
        piece = text[start : start + size]
        stop = start + len(piece)
        try:
            found, length = DECODER.raw_decode(piece)
        except json.JSONDecodeError as error:
            if not _is_cut(error) or size > len(piece):
                break
            size *= _GROWTH
        except (RecursionError, ValueError):  # or a number that cannot be printed as JSON
            break
        else:
            return (found if nests_within(found, MAX_NESTING) else None), start + length
    if _MAYBE_MESSAGE.match(text, start) is None:
        return None, stop
    repaired, end = _repair(text, start)
    return repaired, max(stop, end) if repaired is None else end


def _repair(text: str, start: int) -> tuple[JsonObject | None, int]:
    """`_decode` for what is not JSON: words for numbers, and single quotes."""
    depth = brackets = 0
    parts: list[str] = []
    position = start
    for token in _TOKEN.finditer(text, start, start + _REPAIRED_CHARACTERS):
        word = token[0]
        brackets += word in _OPENING
        depth += (word in _OPENING) - (word in _CLOSING)
        parts += (text[position : token.start()], "0" if word[0].isupper() else word)
        position = token.end()
        if not depth or brackets > _BRACKETS:
            break
    if depth or not parts:
        return None, position
    return decode_object("".join(parts)), position


def _is_cut(error: json.JSONDecodeError) -> bool:
    """Whether an error may come from the end of the piece that was decoded."""
    return error.msg.startswith("Unterminated") or error.pos >= len(error.doc) - _LONGEST_WORD
