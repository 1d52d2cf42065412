"""Synchronises with a guest agent: whatever earlier clients left in the stream is thrown away.

The agent does not greet, and its parser outlives its clients: it may hold half a command of the
last one, and replies meant for others come first. A 0xFF byte resets its parser. The agent sends
another before its reply to guest-sync-delimited, and the number in that reply shows it is ours.

Pure. Source: qemu-ga-ref(7), "guest-sync-delimited"; wire.md section 10.
"""

from __future__ import annotations

import json
from typing import Final

from qmpsh.errors import ProtocolError
from qmpsh.jsontypes import as_dict

SENTINEL: Final = b"\xff"
"""Never occurs in JSON, which is UTF-8."""

LARGEST_NUMBER: Final = 2**53 - 1
"""The largest integer that every JSON parser keeps exact; the agent itself accepts an int64."""

_ANSWER_LIMIT: Final = 4096  # bytes; the expected reply has fewer than 100
_GREETINGS: Final = {b'{"QMP"': "a QMP monitor", b"QEMU ": "an HMP monitor"}
"""How the servers begin that greet."""
_FIRST_BYTES: Final = 6
_OTHER: Final = "is {server}, no guest agent; leave out --guest-agent"


class AgentSync:
    """The synchronisation with one agent, which ends with the reply to guest-sync-delimited.

    number: the argument of that command, which the reply returns
    """

    __slots__ = ("_begun", "_first", "_number", "_rest")

    def __init__(self, number: int) -> None:
        self._number = number
        self._first = b""  # the first bytes received, while they may be a greeting
        self._rest = b""  # the line after a sentinel, while incomplete
        self._begun = False  # whether a sentinel has come

    def receive_data(self, data: bytes) -> bytes | None:
        """Take received bytes; return those from the reply to our number on, None until it comes.

        Raises ProtocolError if a QMP monitor greets.
        """
        self._refuse_greeting(data)
        self._rest += data
        while self._seek():
            line, newline, later = self._rest.partition(b"\n")
            if newline and self._is_ours(line):
                return self._rest
            if not newline and len(line) <= _ANSWER_LIMIT:
                return None
            self._begun, self._rest = False, later
        return None

    def _seek(self) -> bool:
        """Drop everything before the next sentinel, and before any later one in the same line."""
        if not self._begun:
            _, sentinel, self._rest = self._rest.partition(SENTINEL)
            self._begun = bool(sentinel)
        line, newline, later = self._rest.partition(b"\n")
        self._rest = line.rpartition(SENTINEL)[2] + newline + later
        return self._begun

    def _is_ours(self, line: bytes) -> bool:
        try:
            answer = json.loads(line.decode())
        except (ValueError, RecursionError):
            return False
        value = as_dict(answer).get("return")
        return type(value) is int and value == self._number

    def _refuse_greeting(self, data: bytes) -> None:
        if len(self._first) < _FIRST_BYTES:
            self._first = (self._first + data)[:_FIRST_BYTES]
            for greeting, server in _GREETINGS.items():
                if self._first.startswith(greeting):
                    raise ProtocolError(_OTHER.format(server=server))
