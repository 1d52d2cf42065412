"""A command on its way: what was asked, and what came of it."""

from __future__ import annotations

import time

from qmpsh.errors import CommandFailed, QmpshError, ReplyTimeout
from qmpsh.wire.messages import Command, ErrorReply, Reply


class Pending:
    """A command that was submitted. Done once it has a `reply`, or an `error` in its place.

    written: the stream took all of it; before, the server cannot have obeyed
    """

    __slots__ = ("answered", "command", "error", "id", "reply", "submitted", "written")

    def __init__(self, command: Command, id: str) -> None:
        self.command = command
        self.id = id
        self.reply: Reply | ErrorReply | None = None
        self.error: QmpshError | None = None
        self.written = False
        self.submitted = time.monotonic()
        self.answered = self.submitted

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return self.reply is not None or self.error is not None

    def overdue(self, seconds: float, *, is_unsent: bool) -> ReplyTimeout:
        """What to tell when it had no answer in time. is_unsent: nothing of it was written."""
        name, within = self.command.name, f"within {seconds:g} s"
        if is_unsent:
            return ReplyTimeout(f"{name} was not sent: the server took nothing more {within}")
        if not self.written:
            return ReplyTimeout(
                f"{name} was sent in part: the server took no more of it {within}; it is not"
                " carried out unless the rest follows"
            )
        return ReplyTimeout(f"no answer to {name} {within}; it may still be carried out")

    @property
    def seconds(self) -> float:
        """From submitting to the reply; 0.0 while there is none."""
        return self.answered - self.submitted

    def result(self) -> Reply:
        """The success. Raises CommandFailed for a failure, or the error that came in its place."""
        if self.error is not None:
            raise self.error
        if isinstance(self.reply, Reply):
            return self.reply
        if self.reply is None:
            raise ReplyTimeout(f"no reply to {self.command.name} yet")
        raise CommandFailed(self.reply.error_class, self.reply.desc, self.id)
