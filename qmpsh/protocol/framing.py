"""Bytes to JSON objects: finds where each message ends, however the bytes are split.

A message is delimited by its structure, not by newlines: a monitor with pretty=on spreads it over
many lines, and the last message may lack its newline. But a message is nearly always one line, so
decoding up to the first newline is tried first. The fallback is a structural scan, which resumes
where it stopped, so that it looks at every byte once. What is larger than LARGE is decoded in
slices, see `protocol.large`: while `next_frame` returns DECODING, it wants to be called again.

Knows JSON, not QMP. Source: QMP specification, "General Definitions"; wire.md section 4.
"""

from __future__ import annotations

import json
import re

from qmpsh.errors import FrameTooLong, ProtocolError
from qmpsh.jsontypes import DECODER, Json, JsonObject, NumberRefused, nests_within
from qmpsh.light_typing import TYPE_CHECKING, Enum, NamedTuple

if TYPE_CHECKING:
    from typing import Final

    from qmpsh.protocol.large import LargeMessage

DEFAULT_LIMIT: Final = 64 * 1024 * 1024
"""Bytes in one message; the largest known reply is 500 kB (query-machines with properties)."""

NESTING: Final = 300
"""Deepest nesting of brackets. A chain of backing files adds one level per file; all else stays
below 30. Recursive walks use one stack frame per level, and the interpreter allows 1000."""

LARGE: Final = 256 * 1024
"""Bytes from which on a message is decoded in slices: less takes a few milliseconds"""

SCANNED: Final = 64 * 1024
"""The same for a message that is not one line, since it is scanned byte by byte before that"""

SAMPLE_BYTES = 256  # bytes of garbage included in an error

_BLANKS: Final = b" \t\r\n"  # exactly what JSON calls white space
_NOT_BLANK = re.compile(rb"[^ \t\r\n]")
_OUTSIDE_STRING = re.compile(rb'["{}\[\]]')
_INSIDE_STRING = re.compile(rb'["\\]')
_QUOTE, _BACKSLASH, _OPEN, _CLOSE = b'"\\{}'
_OPENING = frozenset(b"{[")
_TOO_DEEP: Final = f"nested more than {NESTING} levels deep"


class Pause(Enum):
    """The reason why there is no message now."""

    NEED_DATA = "need data"
    PEER_CLOSED = "peer closed"
    DECODING = "a large message is being decoded"


NEED_DATA: Final = Pause.NEED_DATA
PEER_CLOSED: Final = Pause.PEER_CLOSED
DECODING: Final = Pause.DECODING


class Frame(NamedTuple):
    """One JSON object. size: its bytes on the wire, without the surrounding white space."""

    object: JsonObject
    size: int


class MessageFramer:
    """The splitter of a byte stream into JSON objects; an error is final.

    limit: most bytes in one message
    """

    __slots__ = (
        "_closed",
        "_data",
        "_depth",
        "_error",
        "_in_string",
        "_large",
        "_limit",
        "_mixed",
        "_scanned",
        "_searched",
    )

    def __init__(self, *, limit: int = DEFAULT_LIMIT) -> None:
        self._limit = limit
        self._error: ProtocolError | None = None
        self._closed = False
        # Bytes not yet returned. Deleting from the front of a bytearray is cheap (it advances the
        # start and copies only at each halving), so offsets count from the current message.
        self._data = bytearray()
        self._searched = 0  # there is no newline before this offset
        self._mixed = 0  # end of the first line, once known not to be one whole message
        self._scanned = 0  # where the structural scan resumes,
        self._depth = 0  # its bracket depth there,
        self._in_string = False  # and whether that is inside a string
        self._large: LargeMessage | None = None  # the message that is decoded in slices

    @property
    def unfinished(self) -> int:
        """Bytes received so far of an incomplete message."""
        return len(self._data) + (self._large.size if self._large is not None else 0)

    def receive_data(self, data: bytes) -> None:
        """Append received bytes.

        data: any length; b"" means the peer closed.
        """
        if data:
            self._data += data
        else:
            self._closed = True

    def next_frame(self) -> Frame | Pause:
        """Take the next message.

        Returns PEER_CLOSED after the last whole message; an incomplete one after it is dropped.
        Returns DECODING if a large message is there that needs further calls, even without data.
        Raises FrameTooLong past `limit` bytes, ProtocolError for anything but a JSON object.
        """
        if self._error is not None:
            raise self._error
        if self._large is not None:
            return self._go_on(self._large)
        data = self._data
        if data and data[0] in _BLANKS:
            found = _NOT_BLANK.search(data)
            self._drop(found.start() if found else len(data))
        if not data:
            return PEER_CLOSED if self._closed else NEED_DATA
        if data[0] != _OPEN:
            raise self._broken(ProtocolError, "the server sent what is not JSON")
        frame = self._maybe_line() or self._maybe_structure()
        if frame is not None:
            return frame
        if self._is_large:
            return self._begin_large()
        if len(data) > self._limit:
            raise self._broken(
                FrameTooLong, f"the server sent a message of more than {self._limit} bytes"
            )
        return PEER_CLOSED if self._closed else NEED_DATA

    @property
    def _is_large(self) -> bool:
        return min(len(self._data), self._limit) > (SCANNED if self._mixed else LARGE)

    def _begin_large(self) -> Frame | Pause:
        # Imported here: no message that is known is this large.
        from qmpsh.protocol.large import LargeMessage

        scan = DECODER.raw_decode
        self._large = LargeMessage(scan, _refuse_depth, limit=self._limit, nesting=NESTING)
        return self._go_on(self._large)

    def _go_on(self, large: LargeMessage) -> Frame | Pause:
        """Decode a slice of the large message."""
        try:
            needs_data = large.decode(self._data)
        except (ValueError, RecursionError, FrameTooLong) as error:
            self._data[:0] = large.start
            raise self._refused(error) from error
        if large.object is not None:
            self._large = None
            self._start_over()
            return Frame(large.object, large.size)
        if not needs_data:
            return DECODING
        return PEER_CLOSED if self._closed else NEED_DATA

    def _maybe_line(self) -> Frame | None:
        """Return the message if the first line of the data is exactly one."""
        if self._mixed:
            return None
        newline = self._data.find(b"\n", self._searched)
        if newline < 0:
            self._searched = len(self._data)
            return None
        self._searched = newline
        if newline > LARGE:
            return None
        # Check the length before copying; a carriage return may follow the message.
        line = self._data[:newline].rstrip(_BLANKS) if newline <= self._limit + 1 else None
        if line is not None and len(line) <= self._limit:
            try:
                frame = Frame(_decode(line), len(line))
            except (ValueError, RecursionError):
                # Several messages, part of one, or garbage: the structural scan decides.
                pass
            else:
                self._drop(newline + 1)
                return frame
        self._mixed = newline
        return None

    def _maybe_structure(self) -> Frame | None:
        """Return the message if its closing bracket has come.

        Scans only if the first line did not settle it: the message spans several lines, or shares
        its line with another; it has no newline (yet) but ends in a bracket; there are too many
        bytes; or the peer closed.
        """
        data = self._data
        # One that is large is not even scanned: that alone would take as long.
        is_due = self._mixed or self._closed or data[-1] == _CLOSE or len(data) > self._limit
        if self._is_large or not is_due:
            return None
        end = self._find_end()
        if end < 0:
            return None
        if end > self._limit:
            raise self._broken(
                FrameTooLong, f"the server sent a message of more than {self._limit} bytes"
            )
        try:
            frame = Frame(_decode(data[:end]), end)
        except (ValueError, RecursionError) as error:
            raise self._refused(error) from error
        self._drop(end)
        return frame

    def _refused(self, error: ValueError | RecursionError | FrameTooLong) -> ProtocolError:
        """Return what to raise for a message that cannot be decoded."""
        if isinstance(error, FrameTooLong):
            return self._broken(FrameTooLong, str(error))
        error = _explained(error)
        if isinstance(error, NumberRefused):
            return self._broken(ProtocolError, f"the server sent {error}")
        return self._broken(ProtocolError, f"the server sent what is not JSON ({error})")

    def _find_end(self) -> int:
        """Return the offset after the message's closing bracket, or -1 if it has not come yet."""
        data = self._data
        # Saved only at the end, so that an interrupted scan starts over from where it was.
        position, depth, in_string = self._scanned, self._depth, self._in_string
        while found := (_INSIDE_STRING if in_string else _OUTSIDE_STRING).search(data, position):
            position = found.end()
            byte = data[position - 1]
            if byte == _QUOTE:
                in_string = not in_string
            elif byte == _BACKSLASH:
                position += 1  # may be past the end: the escaped byte is still to come
            elif byte in _OPENING:
                depth += 1
            else:
                depth -= 1
                if not depth:
                    return position
        self._scanned, self._depth, self._in_string = max(position, len(data)), depth, in_string
        return -1

    def _drop(self, count: int) -> None:
        """Forget the first `count` bytes; a new message begins after them."""
        del self._data[:count]
        # Not max(), which takes as long as deleting does, at each message.
        self._searched = self._searched - count if self._searched > count else 0
        self._mixed = self._mixed - count if self._mixed > count else 0
        self._scanned = self._depth = 0
        self._in_string = False

    def _start_over(self) -> None:
        """Look at the data as if none of it had been seen."""
        self._searched = self._mixed = 0
        self._drop(0)

    def _broken(self, kind: type[ProtocolError], message: str) -> ProtocolError:
        """Return the error to raise now and from here on."""
        self._error = kind(message, bytes(self._data[:SAMPLE_BYTES]))
        self._data.clear()  # no longer needed, and may be 64 MiB
        return self._error


def _decode(text: bytearray) -> JsonObject:
    """Decode one JSON object.

    text: begins with `{` and has no trailing white space. It is decoded as UTF-8 here, since
          json.loads would guess UTF-16 or UTF-32 from zero bytes
    Raises ValueError for anything else, RecursionError if it is nested too deeply.
    """
    decoded: JsonObject
    characters = text.decode()
    try:
        decoded, end = DECODER.raw_decode(characters)
    except (ValueError, RecursionError) as error:
        raise _explained(error) from error
    if end != len(characters):
        raise json.JSONDecodeError("more than one object", "", 0)
    if len(text) > NESTING and text.count(b"[") + text.count(b"{") > NESTING:
        _refuse_depth(decoded, NESTING)
    return decoded


def _explained(error: ValueError | RecursionError) -> ValueError | RecursionError:
    """Return the error with words for people."""
    if isinstance(error, RecursionError):
        return RecursionError(_TOO_DEEP)
    # The only one that is of no kind of its own is Python's limit of digits, with its advice for
    # programmers. Source: sys.set_int_max_str_digits().
    return NumberRefused("a number of too many digits") if type(error) is ValueError else error


def _refuse_depth(value: Json, most: int) -> None:
    """Raise RecursionError if the value is nested more deeply."""
    if not nests_within(value, most):
        raise RecursionError(_TOO_DEEP)
