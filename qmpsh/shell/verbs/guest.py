"""Asking a guest agent: what `.exec`, `.cat` and `.put` have in common.

Each of them is several commands, one after the other. An agent is a process in the guest: it may be
restarted between two of them, and it is silent while the guest is paused or suspended.

Source: qemu-ga-ref(7); wire.md section 10.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Generator
from typing import Final, TypeVar

from qmpsh.client.client import Client, Pending
from qmpsh.errors import CommandFailed, LineFailed, ReplyTimeout, UsageError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.syntax import Redirect, VerbLine
from qmpsh.protocol.messages import Command, Reply
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, WaitFor, Wish

_SLOW: Final = "{what}{within}; it may still be running in the guest"
_QUIET: Final = (
    "the guest agent has been silent for {seconds:g} s: it may be busy or stopped, or the guest"
    " paused or suspended"
)
_END_WAIT: Final = "; Ctrl-C ends the wait, --timeout TIME limits one"
_RESTARTED: Final = "the guest agent or the guest was restarted: {lost}"
_FOR_AGENTS: Final = ".{verb} is for guest agents: connect to the agent's socket with --guest-agent"
_NO_OBJECT: Final = "{name} returned no object"
_NO_MEMBER: Final = "{name} returned no {member}"
_UNUSABLE: Final = "{name} returned no usable {member}"

SILENCE_SECONDS: Final = 2.0
"""without an answer, after which a note says why that may be"""

_FORGOTTEN = re.compile(r"Invalid parameter 'pid'|handle '-?\d+' has not been found")
"""What an agent says of a process or a file that it did not start or open itself.
Source: qga/commands.c and qga/commands-posix.c of QEMU 7.2 and 10.0."""

T = TypeVar("T")


class AgentCall:
    """A line's way to ask the guest agent.

    deadline: of `time.monotonic()`, None for no limit
    seconds:  the limit itself, for its message
    stops:    detaching from the line ends it
    """

    def __init__(
        self, client: Client, deadline: float | None, seconds: float | None, *, stops: bool
    ) -> None:
        self.client = client
        self.deadline = deadline
        self._seconds = seconds
        self._stops = stops
        self._is_noted = False

    def ask(self, command: Command) -> Generator[Wish, str, Json]:
        """Send a command and return the value of the reply.

        Raises CommandFailed with the agent's words, ConnectionLost, ReplyTimeout.
        """
        pending = self.client.submit(command)
        if not self._is_noted:
            self._is_noted = yield from note_silence(pending, self.deadline, stops=self._stops)
        yield WaitFor(lambda: pending.done, self.deadline, stops=self._stops)
        if not pending.done:
            raise self.late(f"no answer to {command.name}")
        if isinstance(pending.reply, Reply):
            return pending.reply.value
        return pending.result().value

    def late(self, what: str) -> ReplyTimeout:
        """Return the error for a time that has run out."""
        within = "" if self._seconds is None else f" within {self._seconds:g} s"
        return ReplyTimeout(_SLOW.format(what=what, within=within))


def note_silence(
    pending: Pending, deadline: float | None, *, stops: bool = False
) -> Generator[Wish, str, bool]:
    """Wait for a moment, and say so if the agent is silent; whether that was said."""
    # What is long takes its time to be written: a serial port is slow.
    yield WaitFor(lambda: pending.done or pending.written, deadline, stops=stops)
    quiet = time.monotonic() + SILENCE_SECONDS
    if deadline is not None and deadline <= quiet:
        return False
    yield WaitFor(lambda: pending.done, quiet, stops=stops)
    if pending.done:
        return False
    yield Note(_QUIET.format(seconds=SILENCE_SECONDS) + ("" if deadline is not None else _END_WAIT))
    return True


def explained(error: CommandFailed, lost: str) -> CommandFailed:
    """Return the error of a command; a handle that the agent has forgotten means its restart.

    lost: what is gone if the agent was restarted in between
    """
    if not _FORGOTTEN.search(error.desc):
        return error
    return LineFailed(_RESTARTED.format(lost=lost))


def call_agent(
    client: Client | None,
    settings: Settings,
    line: VerbLine,
    timeout: float | None,
    *,
    stops: bool,
) -> AgentCall:
    """Return the line's way to ask the agent. timeout: of the line's own, before all others.

    Raises UsageError where there is no agent.
    """
    if client is None or not client.dialect.guest:
        raise UsageError(_FOR_AGENTS.format(verb=line.name))
    for given in (line.modifiers.timeout, settings.timeout):
        timeout = given if timeout is None else timeout
    deadline = None if timeout is None else time.monotonic() + timeout
    return AgentCall(client, deadline, timeout, stops=stops)


# ---------------------------------------------------------------------------- replies


def shown_bytes(data: bytes, *, aside: bool = False, redirect: Redirect | None = None) -> Answer:
    """Return bytes from the guest as an answer. aside: they came on a command's stderr"""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").removesuffix("\n")
    return Answer("", text=text, data=data, aside=aside, redirect=redirect)


def as_object(name: str, value: Json) -> JsonObject:
    """Return what a command answered. Raises CommandFailed if it is not an object."""
    if not isinstance(value, dict):
        raise CommandFailed("GenericError", _NO_OBJECT.format(name=name))
    return value


def reply_member(name: str, value: Json, member: str, kind: type[T]) -> T:
    """Return a member of an answer; a bool is not an int here. Raises CommandFailed."""
    members = as_object(name, value)
    if member not in members:
        raise CommandFailed("GenericError", _NO_MEMBER.format(name=name, member=member))
    found = members[member]
    # Not isinstance alone: to Python True is a number.
    if not isinstance(found, kind) or type(found) is not kind:
        raise _unusable(name, member)
    return found


def reply_bytes(name: str, value: JsonObject, member: str) -> bytes:
    """Return the bytes of a member in base64. Raises CommandFailed."""
    try:
        return base64.b64decode(reply_member(name, value, member, str), validate=True)
    except ValueError as error:  # not ASCII; or binascii.Error, which is one
        raise _unusable(name, member) from error


def _unusable(name: str, member: str) -> CommandFailed:
    return CommandFailed("GenericError", _UNUSABLE.format(name=name, member=member))
