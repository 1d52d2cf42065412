"""Tracing of the wire, with secrets masked, and its log: `--logfile` and `.log`.

`shell.record` makes a recording of the same lines.

Whoever looks on gets each message once. The log has JSON lines, in both directions, events
included. It only receives what passes, and touches no socket: if it cannot be written any more, it
ends with one remark and the work goes on.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from typing import Final

from qmpsh.client.client import Client
from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json, JsonObject, get_str
from qmpsh.regular import expanded
from qmpsh.secrets.masker import command_secrets, scrub
from qmpsh.secrets.rules import mask_json, mask_keys, reads_secret
from qmpsh.secrets.text import MASK, mask_text

Sink = Callable[[str, Json], None]
"""Gets the direction, "->" to the server or "<-" from it, and the masked message. Never raises."""

ENDED: Final = "--"
"""In the place of a direction: the connection has ended, and the message says why"""


class WireTracer:
    """The tracer of a client. sinks: what receives the messages; may change at any time.

    Remembers the secrets that went out: what comes back may repeat one.
    """

    def __init__(self, *sinks: Sink) -> None:
        self.sinks = list(sinks)
        self._secrets: set[str] = set()
        self._asked: set[str] = set()
        """ids of the commands whose answer is a secret, as JSON"""
        self._via: dict[str, Json] = {}
        """whose each command is, by its id as JSON, unless it is our own"""

    def __call__(self, direction: str, message: JsonObject) -> None:
        """Pass one message to the sinks, masked."""
        try:
            masked = self._masked(direction, message)
        except Exception:
            # Whatever it is, no secret may slip through: nothing at all of the message is shown.
            masked = MASK
        for sink in self.sinks:
            sink(direction, masked)

    def _masked(self, direction: str, message: JsonObject) -> Json:
        if direction == ENDED:
            return scrub(message, self._secrets) if self._secrets else message
        if direction == "->":
            self._secrets |= command_secrets(message)
            id = json.dumps(message.get("id"))
            if reads_secret(message):
                self._asked.add(id)
            if "via" in message:
                self._via[id] = message["via"]
            return mask_json(mask_keys(message))
        id = json.dumps(message.get("id"))
        is_secret = "id" in message and id in self._asked
        self._asked.discard(id)  # ids are used again
        masked = mask_json({**message, "return": MASK} if is_secret else message)
        masked = scrub(masked, self._secrets) if self._secrets else masked
        via = self._via.pop(id, None) if "id" in message else None
        return {**masked, "via": via} if via is not None and isinstance(masked, dict) else masked


FILE_MODE: Final = 0o600
# Not blocking: a fifo without a reader fails at once (ENXIO), instead of waiting for one.
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
_DIRECTIONS: Final = {"->": "sent", "<-": "received"}
_SHELL: Final = "shell"  # who sends what is not the user's


class WireLog:
    """The log file of the wire.

    path: appended to, made with mode 0600; address: of the server; warn: called once, when the log
    has ended; vm: its name as far as it is known; on: whether messages are written.

    A line is an object: `time` (UTC, ISO 8601, microseconds), `monotonic` (seconds), `address`,
    `session` (counts the connections), `vm` (the name, once query-name was answered), `direction`
    (sent, received), `by` (of what is sent: user or shell), `message`, `via` (the program and
    process that share the monitor, where it is theirs).
    Raises UsageError where the file cannot be opened.
    """

    def __init__(self, path: str, address: str, warn: Callable[[str], None], vm: str = "") -> None:
        self.warn = warn
        self.on = True
        self._address = mask_text(address)
        self._vm = vm
        self._asked: Json = None
        self.session = 0
        self._has_begun = False
        try:
            self.path = expanded(path)
            self._fd = os.open(self.path, _FLAGS, FILE_MODE)
        except OSError as error:
            why = "it is a pipe without a reader" if error.errno == errno.ENXIO else error.strerror
            raise UsageError(f"cannot write the log {path}: {why}") from error
        os.set_blocking(self._fd, True)  # a slow reader gets every line whole

    def __call__(self, direction: str, message: Json) -> None:
        """Write one message, already masked, as one line in one write."""
        if direction == ENDED:
            self._end(message)
            return
        if not self._has_begun or (isinstance(message, dict) and "QMP" in message):
            self._has_begun = True
            self.session += 1
            self._begin()
        self._read_vm_name(message)
        about: JsonObject = {}
        if isinstance(message, dict):
            message = {**message}
            about = {name: message.pop(name) for name in ("by", "via") if name in message}
        if direction == "->" and not about:
            about["by"] = _SHELL
        self._write(_DIRECTIONS[direction], message, about)

    def close(self) -> None:
        """End it for good."""
        self.on = False
        os.close(self._fd)

    def _begin(self) -> None:
        """Note that a connection begins: of no interest to a log."""

    def _end(self, message: Json) -> None:
        """Note that the server has ended a connection: of no interest to a log."""

    def _write(self, direction: str, message: Json, about: JsonObject) -> None:
        """Write a line. about: further members of it"""
        if not self.on:
            return
        seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        record = {
            "time": f"{stamp}.{nanoseconds // 1000:06d}Z",
            "monotonic": round(time.monotonic(), 6),
            "address": self._address,
            "session": self.session,
            **({"vm": self._vm} if self._vm else {}),
            "direction": direction,
            **about,
            "message": message,
        }
        try:
            _write_all(self._fd, json.dumps(record).encode() + b"\n")
        except OSError as error:
            self.on = False
            self.warn(f"{self.path} could not be written, the log is off: {error.strerror}")

    def _read_vm_name(self, message: Json) -> None:
        """Read the VM's name from the messages: a session asks for it anyway."""
        if not isinstance(message, dict):
            return
        if "QMP" in message:  # another connection, perhaps another VM
            self._vm, self._asked = "", None
        elif message.get("execute") == "query-name":
            self._asked = message.get("id")
        elif self._asked is not None and message.get("id") == self._asked:
            self._asked = None
            self._vm = get_str(message.get("return"), "name")


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def logs_of(client: Client | None) -> list[WireLog]:
    """Return the logs that a client writes, on or off, recordings included."""
    tracing = client.tracer if client is not None else None
    sinks = tracing.sinks if isinstance(tracing, WireTracer) else []
    return [sink for sink in sinks if isinstance(sink, WireLog)]


def log_of(client: Client | None) -> WireLog | None:
    """Return the log that a client writes, on or off; None for none."""
    return next((log for log in logs_of(client) if type(log) is WireLog), None)
