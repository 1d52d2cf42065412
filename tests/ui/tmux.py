"""A terminal of tmux, on a server of its own, with one program in it."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import uuid
from collections.abc import Iterator

from tests.qemu import ROOT
from tests.waiting import PATIENCE, wait_until


class Terminal:
    """name: of the server; what runs in it is followed by a line with its exit code."""

    def __init__(self, name: str) -> None:
        self._name = name

    def tmux(self, *arguments: str) -> str:
        """Run one command of tmux; its output."""
        return subprocess.run(
            ["tmux", "-L", self._name, *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        ).stdout

    def start(self, *argv: str, columns: int = 100, rows: int = 24) -> None:
        """Start a program in a terminal of this size."""
        environment = f"PYTHONPATH={shlex.quote(str(ROOT))} TZ=UTC"
        command = f"{environment} {shlex.join(argv)}; echo exit $?; sleep 100"
        size = ["-x", str(columns), "-y", str(rows)]
        self.tmux("-f", os.devnull, "new-session", "-d", *size, command)

    def qmpsh(self, *argv: str, columns: int = 100, rows: int = 24) -> None:
        """Start qmpsh and wait for its prompt."""
        self.start(sys.executable, "-m", "qmpsh", *argv, columns=columns, rows=rows)
        self.sees("(QEMU)")

    def keys(self, *keys: str) -> None:
        """Press keys, by tmux's names; anything else is typed as it stands."""
        self.tmux("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def picture(self) -> str:
        """What the terminal shows."""
        return self.tmux("capture-pane", "-p")

    def history(self) -> str:
        """The same with what has scrolled out of it."""
        return self.tmux("capture-pane", "-p", "-S", "-")

    def sees(self, *texts: str) -> str:
        """Wait until all the texts are shown at once; that picture.

        Raises AssertionError with the last picture.
        """

        def shown() -> str:
            picture = self.picture()
            return picture if all(text in picture for text in texts) else ""

        try:
            return wait_until(shown, PATIENCE, " and ".join(texts))
        except AssertionError as error:
            error.add_note(self.picture())
            raise

    def close(self) -> None:
        """End the server and all in it. Never raises."""
        with contextlib.suppress(subprocess.SubprocessError):
            self.tmux("kill-server")


@contextlib.contextmanager
def terminal() -> Iterator[Terminal]:
    """A terminal on a server of its own."""
    on = Terminal(f"qmpsh-{uuid.uuid4().hex[:12]}")
    try:
        yield on
    finally:
        on.close()
