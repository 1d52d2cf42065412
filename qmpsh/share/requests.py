"""Bytes of a client to requests, read as leniently as QEMU does and bounded more tightly.

A request ends where its brackets are closed; single quotes are strings too. One request is held up
by the bytes of another, since QEMU reads them one by one: a long one is refused rather than passed
on. After what cannot be read, reading goes on after the next newline. Source: wire.md section 3.
"""

from __future__ import annotations

import re

from qmpsh.jsontypes import DECODER, JsonObject
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.share.limits import MAX_REQUEST_BYTES

if TYPE_CHECKING:
    from typing import Final

MAX_BRACKETS: Final = 300
"""brackets of one request, nested or not"""

_NOT_OBJECT: Final = "QMP input must be a JSON object"
_NOT_JSON: Final = "JSON parse error: a request is one JSON object"
_TOO_LONG: Final = (
    "the request is longer than the {limit} bytes that are shared; .set share-limit in the shell"
    " that shares the monitor raises that to 1M, for clients of its user"
)
_TOO_MANY: Final = f"the request has more than {MAX_BRACKETS} brackets"

_BLANK: Final = b" \t\r\n"
_MARK: Final = re.compile(rb"""["'{}\[\]]""")
_STRING_END: Final = {ord(quote): re.compile(rb"\\|" + quote) for quote in (b'"', b"'")}
_OPENING: Final = frozenset(b"{[")
_BACKSLASH: Final = ord("\\")


class BadRequest(NamedTuple):
    """What a client sent instead of a request. why: a sentence for its error reply"""

    why: str


class RequestReader:
    """The splitter of a client's bytes into requests; total, and bounded in memory.

    limit: bytes of one request; may be changed
    """

    __slots__ = ("_brackets", "_data", "_depth", "_position", "_quote", "_skips", "limit")

    def __init__(self) -> None:
        self.limit = MAX_REQUEST_BYTES
        self._data = bytearray()
        self._skips = False  # up to the next newline
        self._start_over()

    def _start_over(self) -> None:
        self._position = self._depth = self._brackets = 0
        self._quote = 0  # the one that a string began with, 0 outside

    def receive_data(self, data: bytes) -> None:
        """Append received bytes."""
        self._data += data

    def next_request(self) -> JsonObject | BadRequest | None:
        """Take the next request; None until more bytes come."""
        data = self._data
        if not data or (self._skips and not self._skip_line()):
            return None
        if data and data[0] in _BLANK and not self._position:
            del data[: len(data) - len(data.lstrip(_BLANK))]
        if not data:
            return None
        if data[0] != ord("{"):
            return self._refuse(_NOT_OBJECT) if self._has_line() else None
        request = self._take_line()
        if request is not None:
            return request
        end = self._find_end()
        if end > self.limit or (end < 0 and len(data) > self.limit):
            return self._refuse(_TOO_LONG.format(limit=self.limit))
        if self._brackets > MAX_BRACKETS:
            return self._refuse(_TOO_MANY)
        if end < 0:
            return None
        request = _decode(data[:end])
        if request is None:
            return self._refuse(_NOT_JSON)
        del data[:end]
        self._start_over()
        return request

    def _take_line(self) -> JsonObject | None:
        """Take the first line if it is exactly one request in JSON, as nearly all are."""
        end = self._data.find(b"\n", self._position, self.limit)
        if end < 0 or self._position:
            return None
        line = self._data[:end]
        if line.count(b"{") + line.count(b"[") > MAX_BRACKETS:
            return None
        try:
            request: JsonObject = DECODER.decode(line.decode())
        except ValueError:
            return None
        del self._data[: end + 1]
        return request

    def _has_line(self) -> bool:
        return b"\n" in self._data or len(self._data) > self.limit

    def _refuse(self, why: str) -> BadRequest:
        self._start_over()
        self._skips = True
        return BadRequest(why)

    def _skip_line(self) -> bool:
        """Drop the rest of a line that could not be read; return whether its end has come."""
        end = self._data.find(b"\n") + 1
        del self._data[: end or len(self._data)]
        self._skips = not end
        return bool(end)

    def _find_end(self) -> int:
        """Return the offset after the last bracket, -1 if that has not come; resumes."""
        data = self._data
        while True:
            mark = _STRING_END[self._quote] if self._quote else _MARK
            found = mark.search(data, self._position)
            if found is None:
                self._position = max(self._position, len(data))
                return -1
            self._position = found.end()
            byte = data[found.start()]
            if byte == _BACKSLASH:
                self._position += 1  # may be past the end: the escaped byte is still to come
            elif self._quote:
                self._quote = 0
            elif byte in _STRING_END:
                self._quote = byte
            elif byte in _OPENING:
                self._depth += 1
                self._brackets += 1
            else:
                self._depth -= 1
                if not self._depth:
                    return self._position


def _decode(data: bytearray) -> JsonObject | None:
    """Return the object, in JSON or with single quotes as QEMU takes them; None if it is neither.

    Half characters and numbers that JSON cannot carry are found when it is encoded again.
    """
    try:
        text = data.decode()
        found: JsonObject = DECODER.decode(text)
    except UnicodeDecodeError:
        return None
    except ValueError:
        # Imported here: few clients write single quotes.
        from qmpsh.language.jsonline import decode_object

        return decode_object(text)
    return found
