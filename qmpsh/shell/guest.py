"""What a guest agent is for: `.exec` runs a command in the guest, `.cat` reads a file of it.

Both are several commands of the agent's, one after the other. Bytes stay bytes: an `Answer` has
them as they came, and the front end decides what may be shown.

Source: qemu-ga-ref(7); WIRE.md section 10.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from qmpsh.errors import (
    SIGNALLED,
    CommandFailed,
    LineSyntaxError,
    ReplyTimeout,
    UsageError,
)
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.lang.body import words_and_redirect
from qmpsh.lang.durations import parse_duration
from qmpsh.lang.syntax import Modifiers, Redirect, VerbLine
from qmpsh.link.client import Client
from qmpsh.shell.execute import Request, dry_run_text
from qmpsh.shell.outcome import Answer, Note, Outcome, Steps, Until, Wish
from qmpsh.shell.policy import refuse_unless_reading
from qmpsh.shell.redirects import begin_file, open_target
from qmpsh.wire.messages import Command, Reply

if TYPE_CHECKING:
    from qmpsh.shell.shell import Shell

STATUS: Final = "guest-exec-status"
READ: Final = "guest-file-read"

FIRST_LOOK: Final = 0.01
LAST_LOOK: Final = 0.5
"""seconds between two looks whether a command has ended: doubled from the first to the last"""

PIECE: Final = 256 * 1024
"""bytes of a file that one guest-file-read asks for; qemu-ga gives 48 MiB at most"""

_LARGEST_EXIT = 255

T = TypeVar("T")


class Call(NamedTuple):
    """How an agent is asked for one line. deadline: of `time.monotonic()`, None for no limit.

    seconds: the limit itself, for its message
    stops:   who detaches from the line ends it
    """

    client: Client
    deadline: float | None
    seconds: float | None
    stops: bool

    def ask(self, command: Command) -> Generator[Wish, str, Json]:
        """The value of the agent's reply.

        Raises CommandFailed with the agent's words, ConnectionLost, ReplyTimeout.
        """
        pending = self.client.submit(command)
        yield Until(lambda: pending.done, self.deadline, stops=self.stops)
        if not pending.done:
            raise self.late(f"no answer to {command.name}")
        if isinstance(pending.reply, Reply):
            return pending.reply.value
        return pending.result().value

    def late(self, what: str) -> ReplyTimeout:
        """The error when the time ran out."""
        return ReplyTimeout(f"{what} within {self.seconds:g} s; it may go on in the guest")


# ---------------------------------------------------------------------------- .exec


def exec_in_guest(shell: Shell, line: VerbLine) -> Steps:
    """`.exec CMD ARG...`: its output, and its exit code as that of the line.

    The words belong to the command, as they stand; before them only `--timeout TIME` is ours.
    """
    words, redirect, timeout = _exec_words(line)
    arguments: JsonObject = {"path": words[0], "arg": list(words[1:]), "capture-output": True}
    command = Command("guest-exec", arguments)
    if shell.settings.read_only:
        refuse_unless_reading(command)
    begin_file(redirect)
    if shell.settings.dry_run:
        yield Answer("", text=dry_run_text(Request(command)), redirect=redirect)
        return Outcome()
    call = _call(shell, line, timeout, stops=False)
    pid = _member(command.name, (yield from call.ask(command)), "pid", int)
    status = yield from _ended(call, words[0], pid)
    code = _exit_code(status)
    yield from _output(status, redirect, whole=shell.settings.json)
    if "signal" in status:
        yield Note(f"the guest command was ended by signal {status['signal']}")
    elif code and shell.settings.interactive:
        yield Note(f"exit code {status['exitcode']}")
    return Outcome(code)


def _exec_words(line: VerbLine) -> tuple[list[str], Redirect | None, float | None]:
    """The command's words, the redirect of its output, and the time it may take."""
    redirect = None
    if line.words is not None:
        words = list(line.words)
    else:
        found, redirect = words_and_redirect(line.rest)
        words = list(found)
    timeout = None
    if words and words[0].partition("=")[0] == "--timeout":
        _, equals, text = words.pop(0).partition("=")
        timeout = parse_duration(text if equals or not words else words.pop(0))
    if not words:
        raise LineSyntaxError("expected a command, as in .exec uname -a", line.source, _end(line))
    return words, redirect, timeout


def _ended(call: Call, name: str, pid: int) -> Generator[Wish, str, JsonObject]:
    """What guest-exec-status says once the command has ended."""
    look = FIRST_LOOK
    command = Command(STATUS, {"pid": pid})
    while True:
        status = _object(STATUS, (yield from call.ask(command)))
        if _member(STATUS, status, "exited", bool):
            return status
        due = time.monotonic() + look
        if call.deadline is not None and call.deadline <= due:
            yield Until(lambda: call.client.closed, call.deadline)
            raise call.late(f"{name} did not end")
        yield Until(lambda: call.client.closed, due)
        if call.client.lost is not None:
            raise call.client.lost
        look = min(2 * look, LAST_LOOK)


def _output(status: JsonObject, redirect: Redirect | None, *, whole: bool) -> Iterator[Wish]:
    """What the command wrote, standard error last. whole: the agent's reply as it is instead."""
    if whole:
        reply: JsonObject = {"return": status}
        modifiers = Modifiers(json=True)
        yield Answer("", value=status, reply=reply, modifiers=modifiers, redirect=redirect)
        return
    names = ("out-data", "err-data")
    out, err = (_bytes(STATUS, status, name) if name in status else b"" for name in names)
    if out or redirect is not None:
        yield _shown(out, redirect=redirect)
    if err:
        yield _shown(err, aside=True)
    for name, what in (("out", "output"), ("err", "error output")):
        if status.get(f"{name}-truncated"):
            yield Note(f"the agent cut the {what}: it keeps only so much of it")


def _exit_code(status: JsonObject) -> int:
    """The command's exit code, 128 and the number for a signal: an agent tells one of them."""
    if "signal" in status:
        code = SIGNALLED + _member(STATUS, status, "signal", int)
    else:
        code = _member(STATUS, status, "exitcode", int)
    # Windows has codes of 32 bits, of which a process here could give back the last 8 alone.
    return code if 0 <= code <= _LARGEST_EXIT else _LARGEST_EXIT


# ---------------------------------------------------------------------------- .cat


def cat(shell: Shell, line: VerbLine) -> Steps:
    """`.cat FILE`: the file as it is, piece by piece."""
    words = list(words_and_redirect(line.rest)[0] if line.words is None else line.words)
    if len(words) != 1:
        raise LineSyntaxError(
            "expected one file, as in .cat /etc/os-release", line.source, _end(line)
        )
    opening = Command("guest-file-open", {"path": words[0], "mode": "r"})
    if shell.settings.dry_run:
        yield Answer("", text=dry_run_text(Request(opening)), redirect=line.redirect)
        return Outcome()
    call = _call(shell, line, None, stops=True)
    handle = yield from call.ask(opening)
    closing = Command("guest-file-close", {"handle": handle})
    try:
        yield from _deliver(_pieces(call, handle), line.redirect)
    except BaseException:
        # Let go of, or failed: nobody waits for this answer, but the agent's handles are few.
        if not call.client.closed:
            call.client.submit(closing)
        raise
    yield from call.ask(closing)
    return Outcome()


Pieces = Generator[Wish | bytes, str, None]
"""Waits, and between them the bytes that came."""


def _pieces(call: Call, handle: Json) -> Pieces:
    """A file's bytes up to its end; each piece ends with a line where it can."""
    command = Command(READ, {"handle": handle, "count": PIECE})
    rest = b""
    while True:
        read = _object(READ, (yield from call.ask(command)))
        piece, is_end = _bytes(READ, read, "buf-b64"), _member(READ, read, "eof", bool)
        if not (piece or is_end):
            # Half a file must not pass for the whole.
            raise CommandFailed("GenericError", f"{READ} answered without bytes before the end")
        data = rest + piece
        end = data.rfind(b"\n") + 1 or len(data)
        if data[:end]:
            yield data[:end]
        rest = data[end:]
        if is_end:
            break
    if rest:
        yield rest


def _deliver(pieces: Pieces, redirect: Redirect | None) -> Generator[Wish, str, None]:
    """Show the pieces as they come, or give them to the redirect."""
    if redirect is None:
        for piece in pieces:
            yield _shown(piece) if isinstance(piece, bytes) else piece
    elif redirect.mark == "|":
        whole = []
        for piece in pieces:
            if isinstance(piece, bytes):
                whole.append(piece)
            else:
                yield piece
        yield _shown(b"".join(whole), redirect=redirect)
    else:
        # Not kept for the front end to write: a file may be larger than what fits here.
        with open_target(redirect) as file:
            for piece in pieces:
                if isinstance(piece, bytes):
                    file.write(piece)
                else:
                    yield piece
        yield Note(f"written to {redirect.target}")


# ---------------------------------------------------------------------------- both


def _call(shell: Shell, line: VerbLine, timeout: float | None, *, stops: bool) -> Call:
    client = shell.client
    if client is None or not client.dialect.guest:
        raise UsageError(
            f".{line.name} is for guest agents: connect to the agent's socket with --guest-agent"
        )
    for given in (line.modifiers.timeout, shell.settings.timeout):
        timeout = given if timeout is None else timeout
    deadline = None if timeout is None else time.monotonic() + timeout
    return Call(client, deadline, timeout, stops=stops)


def _shown(data: bytes, *, aside: bool = False, redirect: Redirect | None = None) -> Answer:
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").removesuffix("\n")
    return Answer("", text=text, data=data, aside=aside, redirect=redirect)


def _object(name: str, value: Json) -> JsonObject:
    """What a command answered. Raises CommandFailed where it is no object."""
    if not isinstance(value, dict):
        raise CommandFailed("GenericError", f"{name} answered with no object")
    return value


def _member(name: str, value: Json, member: str, kind: type[T]) -> T:
    """A member of what a command answered; a bool is no int here. Raises CommandFailed."""
    members = _object(name, value)
    if member not in members:
        raise CommandFailed("GenericError", f"{name} answered without {member}")
    found = members[member]
    # Not isinstance alone: to Python True is a number.
    if not isinstance(found, kind) or type(found) is not kind:
        raise _unusable(name, member)
    return found


def _bytes(name: str, value: JsonObject, member: str) -> bytes:
    """What a member of base64 stands for. Raises CommandFailed."""
    try:
        return base64.b64decode(_member(name, value, member, str), validate=True)
    except ValueError as error:  # not ASCII; or binascii.Error, which is one
        raise _unusable(name, member) from error


def _unusable(name: str, member: str) -> CommandFailed:
    return CommandFailed("GenericError", f"{name} answered without a usable {member}")


def _end(line: VerbLine) -> tuple[int, int]:
    return (line.rest_span[1], line.rest_span[1] + 1)
