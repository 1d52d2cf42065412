"""An HMP monitor's bytes to JSON objects: HMP is read here as if a QMP server had sent it.

`-monitor` has no messages. It greets with a banner and a prompt, and its line editor echoes every
byte that it reads, each time with the whole line so far and with escapes. So a line is followed by
a *mark*: a word, and as many backspaces. QEMU reads the mark only once the line has been carried
out and the prompt is there again, and echoes it; an output cannot hold that echo, since the word
is another one in every session. What stands between the echo of the line and the prompt before
the echo of the mark is the output, whatever it contains.

A `human-monitor-command` becomes a line and its output a reply, the three queries of _QUERIES
become their `info`, and any other command sends a mark alone and is answered as by a server that
lacks it. At a question for a password the mark is echoed as stars, which is how that is known.

Pure. Source: QEMU, util/readline.c and monitor/hmp.c; wire.md section 15.
"""

from __future__ import annotations

import re

from qmpsh.errors import ADD_QMP, FrameTooLong, ProtocolError, UsageError
from qmpsh.jsontypes import Json, JsonObject, get_str
from qmpsh.light_typing import TYPE_CHECKING, Enum, NamedTuple
from qmpsh.protocol.framing import NEED_DATA, PEER_CLOSED, SAMPLE_BYTES, Frame, Pause
from qmpsh.protocol.messages import HMP, HMP_MARKER, Command

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

NEEDS_QMP: Final = f"{{what}} needs QMP, and this is an HMP monitor; {ADD_QMP}"

_NOT_QMP: Final = "the server sent what is not JSON"
_TOO_LONG: Final = "the monitor's output has more than {limit} bytes"
_LONG_LINE: Final = "the line has {size} bytes, and an HMP monitor reads {most} of a line at most"
_CONTROL: Final = (
    "the line holds {character!a}, which is a key to an HMP monitor; write a line without it"
)
_ESCAPE: Final = (
    "the line holds {character}, which an HMP monitor cannot read: it takes the byte 9B in it for"
    " the beginning of an escape"
)
_HALF_CHARACTER: Final = (
    "the line holds {character!a}, which is half a character and cannot be sent"
)
_NO_PASSWORD: Final = "the monitor would ask for the password: write it at the end of the line"
_ASKS: Final = (
    "the monitor asks for a password, and takes the next line for it, whoever sends that; type one"
    " there with another program, such as socat"
)

MAX_LINE_BYTES: Final = 4095
"""What the line editor holds; it drops what is more. Source: READLINE_CMD_BUF_SIZE"""

_MAX_BANNER_BYTES = 256
_PROMPT: Final = b"(qemu) "
_ERASE: Final = b"\x7f"
_BACK: Final = b"\x1b[D"
_CLEAR: Final = b"\x1b[K"
_LINE_END: Final = b"\r\n"
_BEGINNING: Final = b"QEMU "
_BANNER = re.compile(rb"QEMU (\S{1,80})[^\r\n]* monitor - type 'help' [^\r\n]*\r\n")
_CONTROL_CHARACTER = re.compile(r"[\0-\x1f\x7f-\x9f]")
_ASKING_LINE = re.compile(r"\s*change\s+(?:-f\s+|--force\s+)?vnc\s+passw(?:or)?d\s*")
_STATUS = re.compile(r"VM status: (running|paused)(?: \(([a-z-]+)\))?")


class HmpState(Enum):
    """What of the stream is read now."""

    BANNER = "the banner"
    IDLE = "nothing: no line was sent"
    ECHO = "the echo of a line"
    OUTPUT = "the output up to the mark"
    ASKING = "nothing more: a password is asked for"


class _Awaited(NamedTuple):
    """What was sent and is not answered.

    line: b"" for a mark alone; end: of its output, with the prompt only where a line brings one
    """

    id: str
    command: Command
    line: bytes
    end: bytes


class HmpMonitor:
    """The reader of one HMP monitor, in the place of a MessageFramer.

    limit: most bytes of one output; word: that of the mark, of letters and digits
    """

    __slots__ = (
        "_asked",
        "_closed",
        "_data",
        "_limit",
        "_mark",
        "_searched",
        "_sent",
        "_typed_mark",
        "state",
    )

    def __init__(self, *, limit: int, word: str) -> None:
        self.state = HmpState.BANNER
        self._limit = limit
        self._closed = False
        self._data = bytearray()
        self._searched = 0  # what is looked for does not begin before this offset
        self._sent: list[_Awaited] = []
        typed = word.encode()
        self._typed_mark = typed + _ERASE * len(typed)
        self._mark = echo_of_mark(typed)
        self._asked = echo_of_mark(b"*" * len(typed))

    @property
    def unfinished(self) -> int:
        """Bytes received so far of an unfinished output."""
        return len(self._data)

    def encode(self, command: Command, id: str) -> bytes:
        """Return the bytes to send for a command; its reply will be a frame with the id.

        Raises UsageError for a line that the monitor would read as something else.
        """
        line = _line_of(command)
        self._sent.append(_Awaited(id, command, line, _PROMPT * bool(line) + self._mark))
        return line + b"\n" * bool(line) + self._typed_mark

    def forget(self, id: str) -> None:
        """Expect nothing for a command whose bytes were never sent."""
        self._sent = [sent for sent in self._sent if sent.id != id]

    def receive_data(self, data: bytes) -> None:
        """Append received bytes; b"" means the peer closed."""
        if data:
            self._data += data
        else:
            self._closed = True

    def next_frame(self) -> Frame | Pause:
        """Take the greeting or the next reply, each as QMP would write it.

        Raises ProtocolError for another banner and after a question, FrameTooLong past `limit`.
        """
        if self.state is HmpState.IDLE and self._sent:
            self._go_on(HmpState.ECHO if self._sent[0].line else HmpState.OUTPUT, 0)
        frame = _READERS[self.state](self)
        if frame is not None:
            return frame
        return PEER_CLOSED if self._closed else NEED_DATA

    def _go_on(self, state: HmpState, end: int) -> None:
        """Read what comes next. end: of what was read"""
        self.state = state
        del self._data[:end]
        self._searched = 0

    def _banner(self) -> Frame | None:
        data = self._data
        found = _BANNER.match(data)
        if found is None or found.end() > _MAX_BANNER_BYTES:
            is_beginning = _BEGINNING.startswith(data[: len(_BEGINNING)])
            if is_beginning and b"\n" not in data and len(data) <= _MAX_BANNER_BYTES:
                return None
            raise ProtocolError(_NOT_QMP, bytes(data[:SAMPLE_BYTES]))
        size = found.end()
        greeting = _greeting(found.group(1))
        self._go_on(HmpState.IDLE, size)
        return Frame(greeting, size)

    def _nothing(self) -> None:
        """Drop what comes while nothing is asked: the prompt, or what an earlier line prints."""
        self._data.clear()

    def _echo(self) -> Frame | None:
        """Drop the echo of a line, which ends with the whole line."""
        end_of_echo = self._sent[0].line + _CLEAR + _LINE_END
        at = self._data.find(end_of_echo)
        if at < 0:
            # A line of 4,000 bytes has an echo of 32 MB.
            del self._data[: max(0, len(self._data) - len(end_of_echo) + 1)]
            return None
        self._go_on(HmpState.OUTPUT, at + len(end_of_echo))
        return self._output()

    def _output(self) -> Frame | None:
        data, end = self._data, self._sent[0].end
        at = data.find(end, self._searched)
        if (at if at >= 0 else len(data) - len(end)) > self._limit:
            raise FrameTooLong(_TOO_LONG.format(limit=self._limit))
        asked = data.find(self._asked, self._searched, at if at >= 0 else len(data))
        if at < 0 and asked < 0:
            self._searched = max(0, len(data) - len(end) + 1)
            return None
        sent = self._sent.pop(0)
        if asked >= 0:
            self._go_on(HmpState.ASKING, len(data))
            return Frame(_error("GenericError", _ASKS, sent.id), asked)
        answer = _answer(sent, data[:at].decode(errors="replace"))
        self._go_on(HmpState.IDLE, at + len(end))
        return Frame(answer, at)

    def _refuse(self) -> None:
        raise ProtocolError(_ASKS)


_READERS: Final[dict[HmpState, Callable[[HmpMonitor], Frame | None]]] = {
    HmpState.BANNER: HmpMonitor._banner,
    HmpState.IDLE: HmpMonitor._nothing,
    HmpState.ECHO: HmpMonitor._echo,
    HmpState.OUTPUT: HmpMonitor._output,
    HmpState.ASKING: HmpMonitor._refuse,
}


def echo_of(line: bytes) -> bytes:
    """Return what the line editor prints for a line that is typed at its end, byte by byte: the
    cursor goes back to the start, and the whole line is printed.
    """
    sizes = range(1, len(line) + 1)
    return b"".join(_BACK * (size - 1) + line[:size] + _CLEAR for size in sizes)


def echo_of_mark(word: bytes) -> bytes:
    """Return the same for a word that is typed, and then erased byte by byte."""
    sizes = range(len(word), 0, -1)
    return echo_of(word) + b"".join(_BACK * size + word[: size - 1] + _CLEAR for size in sizes)


# ---------------------------------------------------------------------------- what is sent


def _line_of(command: Command) -> bytes:
    """Return the line that a command stands for; b"" for none."""
    if command.name != HMP:
        return _QUERIES[command.name][0] if command.name in _QUERIES else b""
    text = get_str(command.arguments, "command-line")
    if found := _CONTROL_CHARACTER.search(text):
        raise UsageError(_CONTROL.format(character=found[0]))
    if _ASKING_LINE.fullmatch(text):
        raise UsageError(_NO_PASSWORD)
    try:
        line = text.encode()
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        raise UsageError(_HALF_CHARACTER.format(character=character)) from error
    if b"\x9b" in line:
        raise UsageError(_ESCAPE.format(character=next(c for c in text if b"\x9b" in c.encode())))
    if len(line) > MAX_LINE_BYTES:
        raise UsageError(_LONG_LINE.format(size=len(line), most=MAX_LINE_BYTES))
    return line


# ---------------------------------------------------------------------------- what is answered


def _greeting(version: bytes) -> JsonObject:
    numbers = re.findall(r"\d+", version.decode(errors="replace"))[:3]
    known = dict(zip(("major", "minor", "micro"), map(int, numbers), strict=False))
    body: JsonObject = {"version": {"qemu": {**known}, "package": ""}, "capabilities": []}
    return {"QMP": {**body, HMP_MARKER: True}}


def _answer(sent: _Awaited, output: str) -> JsonObject:
    """Return the reply to a command. output: what the monitor has printed"""
    name = sent.command.name
    if name == HMP:
        return {"return": output, "id": sent.id}
    if name in _QUERIES:
        return {"return": _QUERIES[name][1](output), "id": sent.id}
    if name == "qmp_capabilities":
        return {"return": {}, "id": sent.id}
    return _error("CommandNotFound", NEEDS_QMP.format(what=name), sent.id)


def _error(error_class: str, desc: str, id: str) -> JsonObject:
    return {"error": {"class": error_class, "desc": desc}, "id": id}


def _status(output: str) -> Json:
    found = _STATUS.match(output)
    if found is None:
        return {}
    return {"status": found[2] or found[1], "running": found[1] == "running"}


_QUERIES: Final[dict[str, tuple[bytes, Callable[[str], Json]]]] = {
    "query-name": (b"info name", lambda output: {"name": output.strip()}),
    "query-uuid": (b"info uuid", lambda output: {"UUID": output.strip()}),
    "query-status": (b"info status", _status),
}
"""What is asked of any VM, as `info` prints it."""
