"""What `--json` prints of a line that failed: an object in place of a reply.

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
    (CannotConnect, "CannotConnect", "there is no session with the server"),
    (ConnectionLost, "ConnectionLost", "the connection ended before the reply"),
    (ReplyTimeout, "Timeout", "a timeout ran out"),
    (QmpshError, "OutputFailed", "the answer did not reach its file or pipe"),
)
"""An error, its class, and what that means; the first that fits."""

FAILED: Final = "CommandFailed"
"""The class where the server answered, but the answer tells of a failure: of HMP, of a job."""


def failure_object(error: QmpshError, said: str = "") -> JsonObject:
    """The object for an error. said: its text where that is another one."""
    return _object(_class_of(error), said or str(error), error.exit_code)


def failed_reply(reply: JsonObject, text: str) -> JsonObject:
    """The reply to a command that failed all the same, with what says so; an error's stays."""
    return (
        reply if "error" in reply else {**reply, **_object(FAILED, text, CommandFailed.exit_code)}
    )


def _class_of(error: QmpshError) -> str:
    if isinstance(error, CommandFailed):
        return error.error_class
    return next(name for kind, name, _ in CLASSES if isinstance(error, kind))


def _object(error_class: str, desc: str, exit_code: int) -> JsonObject:
    return {"error": {"class": error_class, "desc": desc}, "exit": exit_code}
