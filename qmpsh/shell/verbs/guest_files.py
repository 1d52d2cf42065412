"""`.cat` and `.put`: a file of the guest to here, a file of here to the guest, piece by piece.

Whatever ends one of them early, the file that the agent opened for it is closed: an agent keeps its
handles until it ends.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Generator
from typing import Final

from qmpsh.errors import CommandFailed, LineSyntaxError, QmpshError
from qmpsh.jsontypes import Json
from qmpsh.language.syntax import Redirect, VerbLine
from qmpsh.language.verbs import Reach, Takes
from qmpsh.protocol.messages import Command
from qmpsh.shell.context import Context
from qmpsh.shell.execute import Request, dry_run_text
from qmpsh.shell.pipes import open_target
from qmpsh.shell.policy import refuse_unless_reading
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, WaitFor, Wish
from qmpsh.shell.verbs.guest import (
    AgentCall,
    as_object,
    call_agent,
    explained,
    reply_bytes,
    reply_member,
    shown_bytes,
)
from qmpsh.shell.verbs.local_data import PIECE_BYTES, LocalData, open_local, pieces_of
from qmpsh.shell.verbs.table import verb
from qmpsh.shell.verbs.words import words_of

READ: Final = "guest-file-read"
WRITE: Final = "guest-file-write"

_CLOSE_SECONDS = 1.0
"""seconds that the agent has to close a file when something went wrong before"""

Pieces = Generator[Wish | bytes, str, None]
"""Waits, and between them the bytes that came."""


class _Handle:
    """A file that the agent opened. value: the agent's own handle"""

    def __init__(self, call: AgentCall, value: Json) -> None:
        self.call = call
        self.value = value
        self._closing = Command("guest-file-close", {"handle": value})

    def ask(self, name: str, **arguments: Json) -> Generator[Wish, str, Json]:
        """Send a command about the file and return the answer."""
        command = Command(
            name,
            {"handle": self.value}
            | {key.replace("_", "-"): argument for key, argument in arguments.items()},
        )
        try:
            return (yield from self.call.ask(command))
        except CommandFailed as error:
            raise explained(error, "the file that it had open is closed") from error

    def close(self) -> Generator[Wish, str, None]:
        """Close the file. What could not be written shows here: the agent buffers."""
        yield from self.call.ask(self._closing)

    def abandon(self) -> Generator[Wish, str, None]:
        """Close it after a failure; wait, since the connection may be closed next."""
        client = self.call.client
        if not client.closed:
            pending = client.submit(self._closing)
            yield WaitFor(lambda: pending.done, time.monotonic() + _CLOSE_SECONDS)

    def let_go(self) -> None:
        """Close it at an interrupt, without waiting for the answer."""
        if not self.call.client.closed:
            self.call.client.submit(self._closing)


@verb("cat", "FILE", "print a file of the guest, through its agent", reach=Reach.CHANGES)
def cat(context: Context, line: VerbLine) -> Steps:
    """`.cat FILE`: the file as it is."""
    (path,) = _words(line, 1, "expected one file, as in .cat /etc/os-release")
    opening = Command("guest-file-open", {"path": path, "mode": "r"})
    if context.settings.dry_run:
        yield Answer("", text=dry_run_text(Request(opening)), redirect=line.redirect)
        return Outcome()
    call = call_agent(context.client, context.settings, line, None, stops=True)
    handle = _Handle(call, (yield from call.ask(opening)))
    yield from _closed_after(handle, _deliver(_pieces(handle), line.redirect))
    return Outcome()


@verb(
    "put", "FILE GUESTFILE", "write a file of this host, or - for stdin, to one of the guest",
    Takes.FILES, reach=Reach.CHANGES,
)  # fmt: skip
def put(context: Context, line: VerbLine) -> Steps:
    """`.put LOCAL GUESTFILE`: a file of this host, or stdin, written to one of the guest."""
    local, path = _words(
        line, 2, "expected a file here and one of the guest, as in .put ./setup.sh /tmp/setup.sh"
    )
    opening = Command("guest-file-open", {"path": path, "mode": "w"})
    if context.settings.read_only:
        refuse_unless_reading(opening)
    if context.settings.dry_run:
        yield Answer("", text=dry_run_text(Request(opening)), redirect=line.redirect)
        return Outcome()
    call = call_agent(context.client, context.settings, line, None, stops=True)
    with open_local(local, context.front_end.stdin) as source:
        handle = _Handle(call, (yield from call.ask(opening)))
        sent = _Sent()
        try:
            yield from _closed_after(handle, _send(handle, source, sent))
        except QmpshError:
            yield Note(f"{path} is incomplete: it has {sent.count} bytes{_out_of(source)}")
            raise
    if context.settings.interactive:
        yield Note(f"{sent.count} bytes written to {path}")
    return Outcome()


def _words(line: VerbLine, count: int, expected: str) -> list[str]:
    """Return the words of a line. Raises LineSyntaxError for another number of them."""
    words = words_of(line)
    if len(words) != count:
        end = (line.rest_span[1], line.rest_span[1] + 1)
        raise LineSyntaxError(expected, line.source, end)
    return words


def _closed_after(handle: _Handle, steps: Generator[Wish, str, None]) -> Generator[Wish, str, None]:
    """Run the steps, and close the handle however they end."""
    try:
        yield from steps
    except QmpshError:
        yield from handle.abandon()
        raise
    except BaseException:
        handle.let_go()
        raise
    yield from handle.close()


# ---------------------------------------------------------------------------- .put


class _Sent:
    """A count of the bytes that the agent has written."""

    count = 0


def _send(handle: _Handle, source: LocalData, sent: _Sent) -> Generator[Wish, str, None]:
    for piece in pieces_of(source, handle.call.deadline):
        rest = piece
        while rest:
            text = base64.b64encode(rest).decode()
            reply = yield from handle.ask(WRITE, buf_b64=text)
            count = reply_member(WRITE, reply, "count", int)
            if not 0 < count <= len(rest):
                raise CommandFailed("GenericError", f"{WRITE} wrote {count} of {len(rest)} bytes")
            sent.count += count
            rest = rest[count:]


def _out_of(source: LocalData) -> str:
    return f" of {source.size}" if source.size else ""


# ---------------------------------------------------------------------------- .cat


def _pieces(handle: _Handle) -> Pieces:
    """Yield a file's bytes up to its end, in pieces that end with a line if possible."""
    rest = b""
    while True:
        read = as_object(READ, (yield from handle.ask(READ, count=PIECE_BYTES)))
        piece, is_end = reply_bytes(READ, read, "buf-b64"), reply_member(READ, read, "eof", bool)
        if not (piece or is_end):
            # Half a file must not pass for the whole.
            raise CommandFailed("GenericError", f"{READ} returned no bytes before the end")
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
            yield shown_bytes(piece) if isinstance(piece, bytes) else piece
    elif redirect.mark == "|":
        whole = []
        for piece in pieces:
            if isinstance(piece, bytes):
                whole.append(piece)
            else:
                yield piece
        yield shown_bytes(b"".join(whole), redirect=redirect)
    else:
        # Not kept for the front end to write: a file may be larger than what fits here.
        with open_target(redirect) as file:
            for piece in pieces:
                if isinstance(piece, bytes):
                    file.write(piece)
                else:
                    yield piece
        yield Note(f"written to {redirect.target}")
