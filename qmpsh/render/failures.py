"""The object that `--json` prints for a line that failed, in place of a reply.

The classes are few and stay as they are; programs may rely on them. For an error from the server it
is the server's own class.
"""

from __future__ import annotations

from typing import Final

from qmpsh.errors import (
    CannotConnect,
    CommandFailed,
    ConnectionLost,
    LineError,
    QmpshError,
    ReplyTimeout,
    UsageError,
)
from qmpsh.jsontypes import JsonObject

CLASSES: Final[tuple[tuple[type[QmpshError], str, str], ...]] = (
    (LineError, "InvalidLine", "the line is not in the language, or the schema refuses it"),
    (UsageError, "NotSent", "nothing was sent, for another reason"),
    (CannotConnect, "CannotConnect", "no session with the server could be established"),
    (ConnectionLost, "ConnectionLost", "the connection ended before the reply"),
    (ReplyTimeout, "Timeout", "a timeout ran out"),
    (QmpshError, "OutputFailed", "the answer did not reach its file or pipe"),
)
"""Error, class, and meaning of the class; the first row that fits is used."""

FAILED: Final = "CommandFailed"
"""The class for an answer that reports a failure, of HMP or of a job."""


def failure_object(error: QmpshError, said: str = "") -> JsonObject:
    """Return the object for an error. said: its text, if another one is shown."""
    return _object(_class_of(error), said or str(error), error.exit_code)


def failed_reply(reply: JsonObject, text: str) -> JsonObject:
    """Return the reply to a failed command with an error member; an error reply as it is."""
    return (
        reply if "error" in reply else {**reply, **_object(FAILED, text, CommandFailed.exit_code)}
    )


def _class_of(error: QmpshError) -> str:
    if isinstance(error, CommandFailed):
        return error.error_class
    return next(name for kind, name, _ in CLASSES if isinstance(error, kind))


def _object(error_class: str, desc: str, exit_code: int) -> JsonObject:
    return {"error": {"class": error_class, "desc": desc}, "exit": exit_code}
