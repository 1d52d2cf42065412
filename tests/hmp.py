"""An HMP monitor without a VM: a model of QEMU's line editor, which answers lines from a table."""

from __future__ import annotations

from collections.abc import Mapping

from tests.client.fakes import FakeStream

BANNER = b"QEMU 7.2.22 monitor - type 'help' for more information\r\n"
PROMPT = b"(qemu) "


class LineEditor:
    """The editor of one line, as far as bytes at its end go. Source: QEMU, util/readline.c.

    echo: what it has printed and was not taken yet; stars: it shows a star for each byte
    """

    def __init__(self) -> None:
        self.echo = b""
        self.stars = False
        self._line = b""
        self._cursor = 0  # where the last print has left it

    def feed(self, byte: int) -> bytes | None:
        """Take a byte; return the line once it has ended."""
        if byte in b"\r\n":
            line, self._line, self._cursor = self._line, b"", 0
            self.echo += b"\r\n"
            return line
        self._line = self._line[:-1] if byte == 0x7F else self._line + bytes([byte])
        shown = b"*" * len(self._line) if self.stars else self._line
        self.echo += b"\x1b[D" * self._cursor + shown + b"\x1b[K"
        self._cursor = len(self._line)
        return None


class FakeMonitor(FakeStream):
    """A stream to an HMP monitor.

    answers: the output of each line that it knows; None: it asks for a password
    before:  what it sends first
    lines:   those that have come
    """

    def __init__(
        self, answers: Mapping[str, str | None] | None = None, before: bytes = BANNER + PROMPT
    ) -> None:
        super().__init__([before])
        self.lines: list[str] = []
        self._answers = dict(answers or {})
        self._editor = LineEditor()
        self._is_held = False

    def hold(self) -> None:
        """Print nothing until `release`."""
        self._is_held = True

    def release(self) -> None:
        """Print what was held back."""
        self._is_held = False
        self._print()

    def send(self, data: bytes) -> int:
        for byte in data:
            line = self._editor.feed(byte)
            if line is not None:
                self._run(line.decode())
        self._print()
        return len(data)

    def _print(self) -> None:
        if not self._is_held:
            self.received.append(self._editor.echo)
            self._editor.echo = b""

    def _run(self, line: str) -> None:
        self.lines.append(line)
        output = self._answers.get(line, f"unknown command: '{line}'\r\n")
        if output is None:
            self._editor.stars = True
            self._editor.echo += b"Password: "
        else:
            self._editor.echo += output.encode() + PROMPT
