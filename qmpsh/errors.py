"""Every exception of the package, each with the exit code it ends a process with.

Knows nothing of sockets, terminals or grammar: a message for the user and a number, one of
`usage.EXIT_CODES`.
"""

from __future__ import annotations

SIGNALLED = 128
"""Added to a signal's number for an exit code, as shells do"""

INTERRUPTED = SIGNALLED + 2
"""The exit code after Ctrl-C, SIGINT"""

Span = tuple[int, int]
"""Start and end offsets into a source text, in characters; end is exclusive."""

NAME_CHARS = 200
"""Longest name shown, in characters; longer ones are cut"""
_DESC_CHARS = 4000
"""Longest description shown in an error, in characters; --json shows all of it"""


ADD_QMP = "start QEMU with -qmp unix:PATH,server=on,wait=off as well"
"""What to do where there is no QMP"""


def shortened(text: str, most: int = NAME_CHARS) -> str:
    """Return the text as it may stand in a sentence, cut if it is longer. most: characters"""
    return text if len(text) <= most else f"{text[:most]}..."


def os_reason(error: OSError) -> str:
    """Return what the system says of an error, without its number and its file."""
    return error.strerror or str(error)


def failure(error_class: str, desc: str) -> str:
    """Return `Class: description` of a server's refusal; the class alone if that is all."""
    name = shortened(error_class).replace("\n", "\\n")
    return f"{name}: {shortened(desc, _DESC_CHARS)}".removesuffix(": ")


class QmpshError(Exception):
    """The base of all errors; `str(error)` is one sentence for the user.

    in_json: report it as JSON too, because its line asked for JSON
    """

    exit_code = 1
    in_json = False

    def add(self, remark: str) -> None:
        """Say one thing more. remark: the end of a sentence, after a semicolon"""
        self.args = (f"{self}; {remark}", *self.args[1:])


class UsageError(QmpshError):
    """The line or the command line was wrong; nothing was sent."""

    exit_code = 2


class LineError(UsageError):
    """A wrong line, with the place that is wrong.

    source: the logical line, as typed; may hold newlines
    span:   what to underline in it
    message, guess: the two halves of the sentence; a guess is made from the line, "" for none
    is_masked: its secrets were taken out
    """

    is_masked = False

    def __init__(self, message: str, source: str, span: Span, guess: str = "") -> None:
        super().__init__()
        self.source = source
        self.span = span
        self.reword(message, guess)

    def reword(self, message: str, guess: str = "") -> None:
        """Say something else of the same place."""
        self.message = message
        self.guess = guess
        self.args = (f"{message}: {guess}" if guess else message,)

    def add(self, remark: str) -> None:
        if self.guess:
            self.reword(self.message, f"{self.guess}; {remark}")
        else:
            self.reword(f"{self.message}; {remark}")

    def parts(self) -> tuple[str, str, str]:
        """The physical line that holds the span: before the span, in it, and after it."""
        start, end = self.span
        begin = self.source.rfind("\n", 0, start) + 1
        stop = self.source.find("\n", start)
        line = self.source[begin : stop if stop >= 0 else len(self.source)]
        return line[: start - begin], line[start - begin : end - begin], line[end - begin :]


class LineSyntaxError(LineError):
    """The line is not in the language."""


class NoValue(LineSyntaxError):
    """A word stands where KEY=value is expected; only a schema can say what was meant.

    command: its name, "" for an event; in_transaction: it is an action's; word: unquoted
    """

    command = ""
    in_transaction = False
    word = ""


class UnknownModifier(LineSyntaxError):
    """A `--word` that is not a modifier; only a schema can say whether it names a member.

    name: without its dashes; value: what it was given, None for nothing
    """

    name = ""
    value: str | None = None


class SchemaMismatch(LineError):
    """The line is in the language, but this server would refuse it."""


class AddressError(UsageError):
    """The address has none of the known forms."""


class CannotConnect(QmpshError):
    """Could not establish a session.

    what: the problem
    todo: the suggested action, "" if there is none
    """

    exit_code = 3

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(f"{what}; {todo}" if todo else what)
        self.what = what
        self.todo = todo


class Busy(CannotConnect):
    """The server accepted the connection, but never greeted: another client holds the monitor."""


class NotQmp(CannotConnect):
    """The server does not speak QMP, or the address is not a socket at all."""


class ConnectTimeout(CannotConnect):
    """The connection could not be established in time."""


class ConnectionLost(QmpshError):
    """The connection ended before the reply."""

    exit_code = 4


class LostUnsent(ConnectionLost):
    """The connection ended before the command was written: it may be sent on another one."""


class StreamEnded(ConnectionLost):
    """The server closed the connection, as expected after a command that makes it quit."""


class ProtocolError(ConnectionLost):
    """The peer sent something that is not QMP: the stream can no longer be trusted.

    data: the first of the bytes at fault, b"" where the fault is not in the bytes.
    """

    def __init__(self, message: str, data: bytes = b"") -> None:
        super().__init__(message)
        self.data = data


class FrameTooLong(ProtocolError):
    """One message is larger than the bound."""


class CommandFailed(QmpshError):
    """The server answered with an error.

    error_class: "GenericError", "CommandNotFound", "DeviceNotFound", ...
    desc:        the server's own words, not yet made safe for a terminal
    """

    def __init__(self, error_class: str, desc: str, command_id: str | None = None) -> None:
        super().__init__(failure(error_class, desc))
        self.error_class = error_class
        self.desc = desc
        self.command_id = command_id


class LineFailed(CommandFailed):
    """A line of several commands failed for a reason that none of their replies gives."""

    def __init__(self, message: str) -> None:
        super().__init__("CommandFailed", message)
        self.args = (message,)


class ReplyTimeout(QmpshError):
    """The reply did not come in time."""

    exit_code = 124
