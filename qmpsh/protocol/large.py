"""Decodes one large message in slices, as its bytes come.

Decoding 60 MB at once would take seconds in which no key and no deadline is heard, and a gigabyte
where the message consists of empty lists. So the steps here are small, what has been decoded is
counted, and nothing is kept of the bytes that are done.

What fits into a chunk is decoded by the same decoder as a small message; this module only walks the
brackets that do not, and the strings that are longer. Knows JSON, not QMP.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from typing import Final

from qmpsh.errors import FrameTooLong
from qmpsh.jsontypes import Json, JsonObject

_TOO_LONG: Final = "the server sent a message of more than {limit} bytes"
_LONG_STRING: Final = "the server sent a string that takes more than {limit} bytes when decoded"
_MANY_VALUES: Final = "the server sent a message of more than {limit:,} values"

VALUES: Final = 500_000
"""Values in one message: an object, a list and what they contain count as one each. The largest
known reply has 40,000; as Python's objects 500,000 take some 70 MB."""

TEXT: Final = 128 * 1024 * 1024
"""Bytes that one string takes when decoded: 64 MiB on the wire may be four times as much."""

CHUNK: Final = 32 * 1024
"""Bytes decoded at a time"""

STEPS: Final = 4000
"""Values and brackets walked at a time"""

_DIGITS: Final = 5000  # characters of a number; Python converts fewer

_BLANKS = re.compile(r"[ \t\r\n]*+")
_NOT_PLAIN = re.compile(r'["\\\x00-\x1f]')
# Not possessive: Python before 3.11.5 keeps the place where the last repeat failed midway.
_IN_STRING = re.compile(r'[^"\\]*+(?:\\(?:u[0-9a-fA-F]{4}|[^u])[^"\\]*+)*', re.DOTALL)
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_ITEM = r'(?:[^"\[\]{},]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"|\[\]|\{\})+,'
_ITEMS = re.compile(f"(?:{_ITEM}){{2,}}", re.DOTALL)
"""Several members or elements without brackets in them, each with its comma"""
_SCALAR = re.compile(r"[-+.0-9A-Za-z]*+")
_TWO_BYTES, _FOUR_BYTES = re.compile("[\u0100-\uffff]"), re.compile("[\U00010000-\U0010ffff]")
_HALF = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")

Scan = Callable[[str, int], tuple[Json, int]]
"""Decodes the value at an offset; the offset after it. Raises ValueError."""

Walk = Callable[[Json, int], None]
"""Raises RecursionError if a value is nested more deeply than so many levels."""


class Malformed(ValueError):
    """The bytes are not JSON."""


class LargeMessage:
    """The message that is being decoded.

    scan:    decodes one value
    measure: refuses a value that is nested too deeply
    limit:   most bytes
    nesting: most levels of brackets
    """

    def __init__(self, scan: Scan, measure: Walk, *, limit: int, nesting: int) -> None:
        self.size = 0  # bytes taken so far; those of the whole message, once it is done
        self.start = b""
        self.object: JsonObject | None = None
        self._scan = scan
        self._measure = measure
        self._limit = limit
        self._nesting = nesting
        self._text = ""
        self._at = 0
        self._is_short = True  # more of the message is needed for the next step
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._values = 0
        self._open: list[JsonObject | list[Json]] = []
        self._keys: list[str] = []  # of the members whose values are open
        self._string: list[str] | None = None  # pieces of the string being read
        self._length = 0
        self._width = 1  # bytes of its widest character
        self._next: Callable[[], bool] = self._value
        self._after = self._next  # what the string is: a key or a value
        self._credit = 4 * CHUNK

    def decode(self, data: bytearray) -> bool:
        """Decode one slice, taking bytes from the front of `data`; True if nothing is left to do
        until more data comes. `object` is set once the message is whole, and what follows it is in
        `data` again.

        Raises FrameTooLong for more than the limits, ValueError for what is not JSON,
        RecursionError for what is nested too deeply.
        """
        if self._is_short:
            self._refill(data)
        for _ in range(STEPS):
            if self._string is None:
                self._at = self._skip_blanks()
            if self._at == len(self._text) or not self._next():
                # What is left of the chunk is the beginning of something.
                self._is_short = True
                return not data
            if self.object is not None:
                self._give_back(data)
                break
        return False

    def _refill(self, data: bytearray) -> None:
        """Take a chunk."""
        self._is_short = False
        piece = bytes(data[:CHUNK])
        del data[: len(piece)]
        self.start = self.start or piece
        self.size += len(piece)
        if self.size > self._limit + CHUNK:
            raise self._too_long()
        self._text = self._text[self._at :] + self._utf8.decode(piece)
        self._at = 0

    def _too_long(self) -> FrameTooLong:
        return FrameTooLong(_TOO_LONG.format(limit=self._limit))

    def _give_back(self, data: bytearray) -> None:
        pending, _ = self._utf8.getstate()
        rest = self._text[self._at :].encode() + pending
        self.size -= len(rest)
        if self.size > self._limit:
            raise self._too_long()
        data[:0] = rest

    # ------------------------------------------------------------------ one step each
    #
    # Returns False if more text is needed; then nothing has been taken.

    def _value(self) -> bool:
        char = self._text[self._at]
        if char == '"':
            return self._begin_string()
        if char in "{[":
            return self._container(char)
        found = _SCALAR.match(self._text, self._at)
        end = found.end() if found else self._at
        if end == self._at:
            raise self._odd()
        if end == len(self._text):
            if end - self._at > _DIGITS:
                raise ValueError("a number of too many digits")
            return False
        self._take(self._scanned(end), end)
        return True

    def _scanned(self, end: int) -> Json:
        """Return the number or word that ends there."""
        value, stop = self._scan(self._text, self._at)
        if stop != end:
            raise self._odd()
        return value

    def _container(self, char: str) -> bool:
        """An object or a list: decoded whole if its end is in the chunk, else entered."""
        rest = len(self._text) - self._at
        # What was tried in vain is paid for with what was not, so that the time stays linear.
        if self._open and self._credit >= min(rest, CHUNK):
            try:
                value, end = self._scan(self._text, self._at)
            except json.JSONDecodeError:
                self._credit -= rest
            else:
                self._credit = min(4 * CHUNK, self._credit + end - self._at)
                self._count(self._text[self._at : end], value)
                self._take(value, end)
                return True
        if len(self._open) == self._nesting:
            raise RecursionError
        self._counted(1)
        self._credit += 1
        self._open.append({} if char == "{" else [])
        self._at += 1
        self._next = self._key_or_end if char == "{" else self._item_or_end
        return True

    def _item_or_end(self) -> bool:
        if self._text[self._at] == "]":
            return self._close()
        return self._item()

    def _item(self) -> bool:
        """An element of a list, or several."""
        return self._several("[", "]") or self._value()

    def _several(self, opening: str, closing: str) -> bool:
        """Members or elements that follow each other, at once: the decoder is faster than we."""
        found = _ITEMS.match(self._text, self._at)
        if not found:
            return False
        literal = f"{opening}{self._text[self._at : found.end() - 1]}{closing}"
        try:
            values, end = self._scan(literal, 0)
        except json.JSONDecodeError:
            return False
        outer = self._open[-1]
        if end != len(literal):
            return False
        if isinstance(outer, dict) and isinstance(values, dict):
            outer.update(values)
            self._counted(len(values))
        elif isinstance(outer, list) and isinstance(values, list):
            outer.extend(values)
            self._counted(len(values))
        self._at = found.end()
        self._credit = min(4 * CHUNK, self._credit + len(literal))
        self._next = self._key if opening == "{" else self._item
        return True

    def _key_or_end(self) -> bool:
        if self._text[self._at] == "}":
            return self._close()
        return self._key()

    def _key(self) -> bool:
        if self._text[self._at] != '"':
            raise self._odd()
        return self._several("{", "}") or self._begin_string()

    def _colon(self) -> bool:
        if self._text[self._at] != ":":
            raise self._odd()
        self._at += 1
        self._next = self._value
        return True

    def _comma_or_end(self) -> bool:
        is_object = isinstance(self._open[-1], dict)
        char = self._text[self._at]
        if char == ("}" if is_object else "]"):
            return self._close()
        if char != ",":
            raise self._odd()
        self._at += 1
        self._next = self._key if is_object else self._item
        return True

    def _begin_string(self) -> bool:
        found = _STRING.match(self._text, self._at)
        if found:
            self._take_string(self._decoded(found[0]), found.end())
            return True
        self._string, self._length, self._width = [], 0, 1
        self._at += 1
        self._after, self._next = self._next, self._string_goes_on
        return True

    def _string_goes_on(self) -> bool:
        """A piece of a string: up to its end, or as far as the chunk goes."""
        if self._at == 0 and not _NOT_PLAIN.search(self._text):
            self._keep_piece(self._text, len(self._text))
            return True
        found = _IN_STRING.match(self._text, self._at)
        end = found.end() if found else self._at
        is_whole = self._text[end : end + 1] == '"'
        if not is_whole:
            if len(self._text) - end > 6:  # no escape is longer
                raise self._odd(end)
            half = _HALF.search(self._text, self._at, end)
            end = half.start() if half else end
            if end == self._at:
                return False
        self._keep_piece(self._decoded(f'"{self._text[self._at : end]}"'), end)
        if is_whole:
            self._end_string()
        return True

    def _keep_piece(self, text: str, end: int) -> None:
        self._at = end
        if self._string is not None and text:
            self._string.append(text)
        self._length += len(text)
        if not text.isascii():
            widest = 4 if _FOUR_BYTES.search(text) else 2 if _TWO_BYTES.search(text) else 1
            self._width = max(self._width, widest)
        if self._length * self._width > TEXT:
            raise FrameTooLong(_LONG_STRING.format(limit=TEXT))

    def _decoded(self, literal: str) -> str:
        text, _ = self._scan(literal, 0)
        return str(text)

    def _end_string(self) -> None:
        text, self._string = "".join(self._string or ()), None
        self._next = self._after
        self._take_string(text, self._at + 1)

    # ------------------------------------------------------------------ what was decoded

    def _take_string(self, text: str, end: int) -> None:
        if self._next in (self._key, self._key_or_end):
            self._keys.append(text)
            self._at = end
            self._next = self._colon
        else:
            self._take(text, end)

    def _take(self, value: Json, end: int) -> None:
        """Put a value where it belongs."""
        if not isinstance(value, (dict, list)):
            self._counted(1)
        self._at = end
        self._store(value)

    def _store(self, value: Json) -> None:
        outer = self._open[-1]
        if isinstance(outer, dict):
            outer[self._keys.pop()] = value
        else:
            outer.append(value)
        self._next = self._comma_or_end

    def _close(self) -> bool:
        self._at += 1
        self._credit += 1
        value = self._open.pop()
        if self._open:
            self._store(value)
        elif isinstance(value, dict):
            self.object = value
        return True

    def _count(self, text: str, value: Json) -> None:
        """Count the values of an object or a list, given its text."""
        if '"' in text:
            text = _STRING.sub("0", text)
        brackets = text.count("[") + text.count("{")
        if brackets + len(self._open) > self._nesting:
            self._measure(value, self._nesting - len(self._open))
        empty = text.count("[]") + text.count("{}")
        self._counted(1 + brackets - empty + text.count(","))

    def _counted(self, values: int) -> None:
        self._values += values
        if self._values > VALUES:
            raise FrameTooLong(_MANY_VALUES.format(limit=VALUES))

    def _skip_blanks(self) -> int:
        found = _BLANKS.match(self._text, self._at)
        return found.end() if found else self._at

    def _odd(self, at: int | None = None) -> Malformed:
        place = self._at if at is None else at
        return Malformed(f"unexpected {self._text[place : place + 20]!a}")
