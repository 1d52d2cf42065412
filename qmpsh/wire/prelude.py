"""Getting into step with a guest agent: all that others left in the stream is thrown away.

The agent does not greet, and its parser survives its clients: half a command of the last one is
still in it, and answers meant for others come first. A 0xFF byte resets its parser, and a second
one stands before the answer to guest-sync-delimited, whose number says that it is ours.

Pure. Source: qemu-ga-ref(7), "guest-sync-delimited"; WIRE.md section 10.
"""

from __future__ import annotations

import json
from typing import Final

from qmpsh.errors import ProtocolError

SENTINEL: Final = b"\xff"
"""Stands in no JSON text, which is UTF-8."""

LARGEST_NUMBER: Final = 2**53 - 1
"""What every reader of JSON keeps exactly; the agent itself takes an int64."""

_ANSWER_LIMIT: Final = 4096  # bytes; the answer looked for has fewer than 100
_GREETING: Final = b'{"QMP"'


class Prelude:
    """number: what guest-sync-delimited was given, and gives back."""

    __slots__ = ("_begun", "_first", "_number", "_rest")

    def __init__(self, number: int) -> None:
        self._number = number
        self._first = b""  # what came first of all, as far as it may be a greeting
        self._rest = b""  # behind a sentinel, before its newline
        self._begun = False  # whether a sentinel has come

    def receive_data(self, data: bytes) -> bytes | None:
        """Take received bytes; from the answer to our number on what is left, None before it.

        Raises ProtocolError where a QMP monitor greets.
        """
        self._refuse_greeting(data)
        self._rest += data
        while self._seek():
            line, newline, behind = self._rest.partition(b"\n")
            if newline and self._is_ours(line):
                return self._rest
            if not newline and len(line) <= _ANSWER_LIMIT:
                return None
            self._begun, self._rest = False, behind
        return None

    def _seek(self) -> bool:
        """Drop what stands before the next sentinel, and before any that follows in its line."""
        if not self._begun:
            _, sentinel, self._rest = self._rest.partition(SENTINEL)
            self._begun = bool(sentinel)
        line, newline, behind = self._rest.partition(b"\n")
        self._rest = line.rpartition(SENTINEL)[2] + newline + behind
        return self._begun

    def _is_ours(self, line: bytes) -> bool:
        try:
            answer = json.loads(line.decode())
        except (ValueError, RecursionError):
            return False
        value = answer.get("return") if isinstance(answer, dict) else None
        return type(value) is int and value == self._number

    def _refuse_greeting(self, data: bytes) -> None:
        if len(self._first) < len(_GREETING):
            self._first = (self._first + data)[: len(_GREETING)]
            if self._first == _GREETING:
                raise ProtocolError("is a QMP monitor, no guest agent; leave out --guest-agent")
