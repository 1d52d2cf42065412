"""Reading a script's lines, from a descriptor without letting the server's messages pile up.

A client that does not read makes the VM's process grow (wire.md section 4), so the socket is polled
while the input is waited for: a pipe whose writer takes its time is no reason to stop reading.
"""

from __future__ import annotations

import os

from qmpsh.client.client import Client
from qmpsh.client.poll import READ, wait_for
from qmpsh.errors import LineSyntaxError, QmpshError, UsageError
from qmpsh.language.reader import LineAssembler
from qmpsh.language.syntax import Mode
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_CHUNK_BYTES = 65536
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""the byte order mark, with which some editors begin UTF-8; Source: Unicode, section 23.8"""


def read_lines(
    fd: int, client: Callable[[], Client | None], before_wait: Callable[[], bool]
) -> Iterator[bytes]:
    """Yield the physical lines of a descriptor, without their newlines, as they come.

    client: gives the client to poll meanwhile, None for none
    before_wait: called when no more input is available (to flush what was answered so far); False
                 ends the reading
    Raises UsageError for what cannot be read, such as a folder.
    """
    rest = b""
    while True:
        if not before_wait():
            return
        chunk = _read(fd, client())
        *lines, rest = (rest + chunk).split(b"\n")
        if not chunk and rest:
            lines.append(rest)
        yield from lines
        if not chunk:
            return


def _read(fd: int, client: Client | None) -> bytes:
    """Return the next bytes of the input, b"" at its end; serve the client until they come."""
    while client is not None and not client.closed:
        ready = wait_for({fd: READ, client.fileno(): READ}, None)
        if client.fileno() in ready:
            client.poll(0)
        if fd in ready:
            break
    try:
        return os.read(fd, _CHUNK_BYTES)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}") from error


class ScriptLine(NamedTuple):
    """A logical line of a script, or its error: then it is not run.

    number: where it is from; note: a remark on it, "" for none
    """

    number: int
    text: str
    error: QmpshError | None = None
    note: str = ""


def script_lines(lines: Iterable[bytes], mode: Callable[[], Mode]) -> Iterator[ScriptLine]:
    """Yield the logical lines of physical ones.

    mode: gives how the next line is read; asked once the line before it was taken
    """
    assembler = LineAssembler(mode())
    wrong: ScriptLine | None = None
    number = 0
    for number, line in enumerate(lines, 1):
        try:
            text = decode_line(line, number)
        except UsageError as error:
            # Read all the same, to see how far the logical line goes that is not run.
            text = line.decode(errors="replace")
            wrong = wrong or ScriptLine(number, "", error)
        logical = assembler.push(text)
        if logical is not None:
            yield wrong or ScriptLine(logical.number, logical.text, note=logical.note)
            wrong = None
        assembler.mode = mode()
    try:
        assembler.close()
    except LineSyntaxError as error:
        # Imported here: a file ends inside a line only by mistake.
        from qmpsh.secrets.masker import mask_error

        mask_error(error)
        yield wrong or ScriptLine(number, "", error)


def decode_line(line: bytes, number: int) -> str:
    """Return the text of a physical line, without a byte order mark. number: of the line, from 1

    Raises UsageError for bytes that are not UTF-8.
    """
    if number == 1:
        line = line.removeprefix(_BYTE_ORDER_MARK)
    try:
        return line.removesuffix(b"\r").decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"not valid UTF-8 at byte {error.start} of the line") from error
