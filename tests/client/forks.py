"""The command many times over, loaded once: a process that has loaded it forks for each run.

A fork is a process as any other, with streams, environment and exit code of its own; only the
loading is spared, which is most of what a short run costs. `python -m tests.client.forks FD` is
that process; Unix has it pass descriptors from hand to hand. One run at a time.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple, NoReturn

from tests.qemu import ROOT
from tests.waiting import PATIENCE

INHERITED = "{fd}"
"""in a word: the number of the descriptor that is left open for the run"""
_LARGEST = 1 << 17  # bytes of a request, the environment in it


class Ran(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


class Run:
    """A command on its way."""

    def __init__(self, forker: socket.socket, ends: tuple[int, int], err: io.BufferedRandom):
        self._forker = forker
        self._stdin, self._stdout = ends
        self._err = err
        self.pid: int | None = int(forker.recv(_LARGEST))

    def write(self, text: str) -> None:
        """Of its standard input, some lines at most."""
        os.write(self._stdin, text.encode())

    def read_line(self) -> str:
        """Of its standard output, the newline included; "" at the end."""
        line = b""
        while not line.endswith(b"\n") and (piece := self._read(1)):
            line += piece
        return line.decode()

    def end(self) -> Ran:
        """Close its standard input, and wait for its end."""
        os.close(self._stdin)
        self._stdin = -1
        pieces = iter(lambda: self._read(1 << 16), b"")
        out = b"".join(pieces).decode()
        code = self._reap()
        self._err.seek(0)
        return Ran(code, out, self._err.read().decode())

    def close(self) -> None:
        """Kill it where it has not ended."""
        for fd in (self._stdin, self._stdout):
            if fd >= 0:
                os.close(fd)
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
            self._reap()

    def _reap(self) -> int:
        code = int(self._forker.recv(_LARGEST))
        self.pid = None
        return code

    def _read(self, size: int) -> bytes:
        ready, _, _ = select.select([self._stdout], [], [], PATIENCE)
        assert ready, "the command neither ends nor writes"
        return os.read(self._stdout, size)


@contextlib.contextmanager
def start(*argv: str, environ: Mapping[str, str], inherited: int | None = None) -> Iterator[Run]:
    """Start `qmpsh ARGV`; killed at the end.

    environ: added to ours; inherited: a descriptor of ours, left open for it as INHERITED
    """
    forker = _forker()
    request = {"argv": argv, "environ": {**os.environ, **environ}}
    theirs_in, ours_in = os.pipe()
    ours_out, theirs_out = os.pipe()
    with tempfile.TemporaryFile() as err:
        fds = [theirs_in, theirs_out, err.fileno()]
        fds += [] if inherited is None else [inherited]
        socket.send_fds(forker, [json.dumps(request).encode()], fds)
        os.close(theirs_in)
        os.close(theirs_out)
        run = Run(forker, (ours_in, ours_out), err)
        try:
            yield run
        finally:
            run.close()


@cache
def _forker() -> socket.socket:
    """The way to the process that forks, which ends with ours."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(PATIENCE)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.client.forks", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
        )

    def end() -> None:
        ours.close()
        process.wait(PATIENCE)

    atexit.register(end)
    return ours


# ------------------------------------------------------------------------ the process that forks


def _serve(control: socket.socket) -> None:
    """Fork for each request, and tell the process id and then the exit code."""
    while True:
        data, fds, _, _ = socket.recv_fds(control, _LARGEST, 4)
        if not data:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            request = json.loads(data)
            _become(request["argv"], request["environ"], fds)
        for fd in fds:
            os.close(fd)
        control.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        control.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(argv: list[str], environ: dict[str, str], fds: list[int]) -> NoReturn:
    """Be the command, as if started with these streams."""
    from qmpsh.__main__ import main

    for number, fd in enumerate(fds[:3]):
        os.dup2(fd, number)
        os.close(fd)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(environ)
    inherited = str(fds[3]) if len(fds) > 3 else ""
    sys.argv = ["qmpsh", *(word.replace(INHERITED, inherited) for word in argv)]
    sys.exit(main())


def _load() -> None:
    """What the runs need, without running anything: importing does no I/O."""


if __name__ == "__main__":
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as control:
        _serve(control)
