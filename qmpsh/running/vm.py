"""A QEMU that was started here: its private folder, its monitor, its end.

We listen on the monitor's socket ourselves and hand it over, so that nobody has to wait until QEMU
listens: connecting succeeds at once, the greeting comes when QEMU is ready, and the end of the
stream comes when it never will be. Works with QEMU 7.2 and 10.0 and their storage daemons.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence

from qmpsh.errors import CannotConnect, ConnectionLost, QmpshError, UsageError
from qmpsh.link.client import Client
from qmpsh.link.transport import PATH_LIMIT
from qmpsh.running.log import Log
from qmpsh.wire.messages import Command

QUIT, TERMINATE = 10.0, 5.0
"""seconds that a VM has to end itself after `quit`, and after SIGTERM, which is asked then"""

LAST_WORDS = 1.0
"""seconds between the end of the stream and that of the process, at most"""

_CHARDEV = "qmpsh-monitor"
_HELD_BACK = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_FOLDER_MARK = "qmpsh-run-"
_NO_DISPLAY = ("gtk initialization failed", "Could not initialize SDL")
"""What QEMU says where it was to open a window and could not."""


class Vm:
    """command: the program and its arguments; keeps: whether it is worth leaving it running.

    path: of the monitor's socket, "" before the start. Whoever calls `start` calls `end` as well,
    however the start went.
    """

    def __init__(self, command: Sequence[str], *, keeps: bool = True) -> None:
        self.program = os.path.basename(command[0])
        self.keeps = keeps
        self.is_left = False
        self.path = ""
        self._command = command
        self._folder = ""
        self._log: Log | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program. Raises CannotConnect when that cannot be, UsageError for a program
        that would go to the background by itself.
        """
        if {"-daemonize", "--daemonize"} & {*self._command}:
            raise UsageError(
                "leave -daemonize out: qmpsh run keeps the VM in the background as it is, and asks"
                " at its end whether to leave it running"
            )
        # A signal that ends us in between would find a folder or a process that nobody knows of.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
        try:
            self._folder = _make_folder()
            self.path = f"{self._folder}/qmp.sock"
            self._log = Log(f"{self._folder}/log")
            self._process = _start(self._command, self.path, self._log.fileno(), mask)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    @property
    def pid(self) -> int:
        """Of the process; 0 before the start."""
        return self._process.pid if self._process else 0

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone, or never was there."""
        return self._process is None or self._process.poll() is not None

    @property
    def log_path(self) -> str:
        """The file with what the process prints; "" before the start."""
        return self._log.path if self._log else ""

    def words(self, *, rest: bool = False) -> str:
        """What the process has printed since the last call, not yet safe to show; see `Log`."""
        return self._log.take(rest=rest) if self._log else ""

    def leave_running(self) -> None:
        """The VM is to outlive the shell."""
        self.is_left = True

    def refusal(self, error: QmpshError, silence: float | None) -> CannotConnect:
        """Why no session came about, in QEMU's own words where it has said some.

        error: what connecting failed with; silence: seconds after which the wait was given up, None
        where something else is the reason
        """
        # The stream ends a moment before the process does.
        if silence is None:
            self._wait(LAST_WORDS)
        code = self._process.poll() if self._process else None
        if code is not None:
            how = f"exit code {code}" if code >= 0 else f"signal {-code}"
            what = f"{self.program} ended before its monitor was there, with {how}"
        elif silence is not None:
            what = (
                f"{self.program} runs, but its monitor said nothing within {silence:g} s;"
                " --connect-timeout gives it longer"
            )
        else:
            what = f"{self.program} runs, but no session came about: {error}"
        said = self.words(rest=True).strip("\n")
        if any(words in said for words in _NO_DISPLAY):
            what += "; there is no display here: add -display none"
        return CannotConnect(f"{what}; it said:\n{said}" if said else what)

    def end(self, client: Client | None = None) -> None:
        """End the VM, as gently as it lets us, and remove its folder; or leave it where it is to
        be left.

        client: a connection to its monitor, if there still is one. Takes QUIT + TERMINATE seconds
        at most; an interrupt shortens that.
        """
        if self._log is not None:
            self._log.close()
        if self.is_left:
            return
        for number in (signal.SIGTERM, signal.SIGHUP):
            # What they would ask for is being done.
            signal.signal(number, signal.SIG_IGN)
        if client is not None and client.begun:
            with contextlib.suppress(ConnectionLost):
                client.submit(Command("quit"))
                self._wait(QUIT)
        # The whole group: the program may be a script that waits for QEMU. SIGCONT: it may be
        # stopped.
        self._signal(signal.SIGTERM, signal.SIGCONT)
        self._wait(TERMINATE)
        self._signal(signal.SIGKILL)
        self._wait(None)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self, seconds: float | None) -> None:
        """Until the process has ended, or the time has run out, or somebody is in a hurry."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                self._process.wait(seconds)

    def _signal(self, *numbers: signal.Signals) -> None:
        # The number of a process that has ended may belong to another one.
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError):
                for number in numbers:
                    os.killpg(self.pid, number)


def _start(
    command: Sequence[str], path: str, output: int, mask: set[int]
) -> subprocess.Popen[bytes]:
    """Start a program with its monitor on a path. mask: of signals, for the program.

    Raises CannotConnect.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)

        def prepare() -> None:
            # Whoever listens is the peer that the kernel names (SO_PEERCRED).
            listener.listen(1)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

        try:
            return subprocess.Popen(
                [*command, *_monitor(os.path.basename(command[0]), listener.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[listener.fileno()],
                # Ctrl-C and the end of the terminal are the shell's affair.
                start_new_session=True,
                preexec_fn=prepare,
            )
        except OSError as error:
            raise CannotConnect(
                f"cannot start {command[0]}: {error.strerror}",
                "the words behind -- are QEMU's program and its arguments",
            ) from error


def _monitor(program: str, fd: int) -> list[str]:
    """The arguments that make a program serve QMP on a socket that already listens."""
    chardev = f"socket,id={_CHARDEV},fd={fd},server=on,wait=off"
    if "storage-daemon" in program:
        return ["--chardev", chardev, "--monitor", f"chardev={_CHARDEV}"]
    return ["-chardev", chardev, "-mon", f"chardev={_CHARDEV},mode=control"]


def _make_folder() -> str:
    """A private folder, its path short enough for a socket in it."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    room = PATH_LIMIT - len(f"/{_FOLDER_MARK}12345678/qmp.sock") - 1
    if os.path.isabs(runtime) and len(os.fsencode(runtime)) <= room:
        with contextlib.suppress(OSError):
            return tempfile.mkdtemp(prefix=_FOLDER_MARK, dir=runtime)
    return tempfile.mkdtemp(prefix=_FOLDER_MARK, dir="/tmp")
