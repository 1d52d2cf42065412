"""`exec:COMMAND`, and helper processes that carry a stream.

A helper keeps the tail of its stderr, and is killed with its process group. With `exec:` the
standard input and output of a shell command are the stream.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from qmpsh.address import Transport, refusal
from qmpsh.client.connect import SocketStream
from qmpsh.errors import CannotConnect, ConnectionLost, shortened
from qmpsh.stream import ConnectingStream, Stream
from qmpsh.system.programs import NOT_FOUND, not_started

END_SECONDS: Final = 0.5
"""seconds in which a program that was asked to has to end, and one that closed its output"""

_STDERR_BYTES: Final = 4096  # bytes of what it wrote to its standard error, the last ones


class ChildProcess:
    """A program that carries a stream, run as a child of this process.

    argv:    the program and its words
    ends:    descriptors to be its standard input and output, which the caller closes
    alone:   in a session of its own, without a terminal or its Ctrl-C; all that it started ends
             with it. Otherwise it may ask for a password on the terminal
    environ: its environment, None for ours
    Raises OSError.
    """

    def __init__(
        self,
        argv: Sequence[str],
        ends: tuple[int, int],
        *,
        alone: bool,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._alone = alone
        self._last = b""
        self._process = subprocess.Popen(
            argv,
            stdin=ends[0],
            stdout=ends[1],
            stderr=subprocess.PIPE,
            start_new_session=alone,
            env=environ,
        )
        # Its complaints are to be read as they come, or it would stop at a full pipe: by a thread,
        # since they have no place among the bytes of the stream.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        if self._process.stderr is None:
            return
        with self._process.stderr as pipe:
            while piece := os.read(pipe.fileno(), _STDERR_BYTES):
                # Kept and not passed on: it is not ours, of any length, and may hold anything.
                self._last = (self._last + piece)[-_STDERR_BYTES:]

    def verdict(self) -> str:
        """How it ended, and its last words: "exit 127: sh: 1: nope: not found".

        Waits a moment for the end of one that has closed its output; else ends it.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        code = self._process.returncode
        self.end()
        if code is None:
            how = "it closed its output"
        else:
            how = f"exit {code}" if code >= 0 else f"signal {-code}"
        last = self.last_words()
        return f"{how}: {last}" if last else how

    def last_words(self) -> str:
        """The last line of its standard error, "" for none. Once it was ended."""
        self._reader.join(END_SECONDS)
        return self._last_line(str.strip)

    def _last_line(self, is_wanted: Callable[[str], object]) -> str:
        lines = self._last.decode(errors="replace").replace("\r", "\n").split("\n")
        return shortened(next((line.strip() for line in reversed(lines) if is_wanted(line)), ""))

    def last_about(self, words: str) -> str:
        """The last line of its standard error so far that has these words, "" for none."""
        return self._last_line(lambda line: words in line)

    def ends_within(self, seconds: float) -> bool:
        """Whether it has ended, or does so in that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode is not None

    def wait_or_end(self) -> None:
        """Give it a moment to end by itself, end it if it does not; may be called twice."""
        self.ends_within(END_SECONDS)
        self.end()

    def end(self) -> None:
        """End it and reap it; may be called twice."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._alone:
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)


SHELL = "/bin/sh"


class ExecAddress(Transport):
    """A shell command whose standard input and output are the stream."""

    scheme = "exec"
    form = "exec:COMMAND"
    help = "what a shell command reads and writes"
    is_local_relay = True
    needs_cleanup = True

    def __init__(self, command: str) -> None:
        self.command = command

    @classmethod
    def parse(cls, text: str) -> ExecAddress:
        command = text.removeprefix("exec:")
        if not command.strip():
            raise refusal(text, "it has no command")
        return cls(command)

    def __str__(self) -> str:
        return f"exec:{self.command}"

    def begin(self) -> Stream:
        mine, other = socket.socketpair()
        try:
            child = ChildProcess(
                (SHELL, "-c", self.command),
                (other.fileno(), other.fileno()),
                alone=True,
            )
        except OSError as error:
            mine.close()
            raise CannotConnect(not_started(SHELL, error)) from error
        finally:
            other.close()
        return _ProcessStream(self, mine, child)


class _ProcessStream(ConnectingStream):
    """A stream to a program, connected from the start; explains how the program ended."""

    def __init__(self, address: ExecAddress, connected: socket.socket, child: ChildProcess) -> None:
        super().__init__()
        self._address = address
        self._child = child
        self._stream = SocketStream(connected)

    def _explain_end(self, error: ConnectionLost | None) -> CannotConnect:
        verdict = self._child.verdict()
        todo = "run the command alone to see what it prints"
        if verdict.startswith(f"exit {NOT_FOUND}"):
            todo = "install the program that was not found, or give its whole path"
        what = f"{self._address} ended before it sent a QMP greeting, {verdict}"
        return CannotConnect(what, todo)

    def _release(self) -> None:
        self._child.end()
