"""A QEMU started by `qmpsh run`: its private folder, its monitor, its output and its end.

We listen on the monitor's socket ourselves and pass it to QEMU, so there is no wait for QEMU to
listen: connecting succeeds at once, the greeting comes when QEMU is ready, and end of file if it
fails to start. Works with QEMU 7.2 and 10.0 and their storage daemons.

The process prints to a file rather than a pipe, so that it can be left running and its output can
still be read.
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

from qmpsh.client.client import Client
from qmpsh.client.connect import MAX_PATH_BYTES
from qmpsh.errors import CannotConnect, ConnectionLost, QmpshError, UsageError, shortened
from qmpsh.protocol.messages import Command
from qmpsh.system.programs import not_started

_DAEMON = (
    "leave -daemonize out: qmpsh run keeps the VM in the background as it is, and asks at its"
    " end whether to leave it running"
)
_ENDED = "{program} ended before its monitor was ready, with {how}"
_SILENT = (
    "{program} is running, but its monitor did not answer within {seconds:g} s; --connect-timeout"
    " allows more time"
)
_NO_SESSION = "{program} is running, but no session could be established: {error}"
_NO_WINDOW = "; there is no display here: add -display none"
_SAID = "{what}; it said:\n{said}"
_NOT_SHOWN = "({lost} bytes more are not shown)\n{text}"
_WANTS_PROGRAM = "the words after -- are QEMU's program and its arguments"

MAX_READ_BYTES = 64 * 1024
"""bytes read at a time; if more has come, only the end of it is shown"""

_TAIL_BYTES = 4096  # bytes at its end in which the last line is looked for

MAX_OUTPUT_BYTES = 1024 * 1024
"""bytes in the file; once that many were shown, it is truncated"""


class VmOutput:
    """The output of one process. path: of the file, which is created."""

    def __init__(self, path: str) -> None:
        self.path = path
        # O_APPEND makes the process continue at the start after a truncation.
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        self._place = 0
        self._rest = b""
        self._greeted_at = 0  # bytes that stood there when the session began

    def fileno(self) -> int:
        """Return the file descriptor for the process's standard output and error."""
        return self._fd

    def take(self, *, rest: bool = False) -> str:
        """Return the complete lines since the last call, not yet safe to show; "" for none.

        rest: include an incomplete last line
        """
        lost = os.fstat(self._fd).st_size - self._place - MAX_READ_BYTES
        if lost > 0:
            self._place, self._rest = self._place + lost, b""
        data = os.pread(self._fd, MAX_READ_BYTES, self._place)
        self._place += len(data)
        if self._place > MAX_OUTPUT_BYTES:
            os.ftruncate(self._fd, 0)
            self._place = self._greeted_at = 0
        lines, end, self._rest = (self._rest + data).rpartition(b"\n")
        if rest or len(self._rest) > MAX_READ_BYTES:
            lines, end, self._rest = lines + end + self._rest, b"", b""
        text = (lines + end).replace(b"\r\n", b"\n").decode(errors="replace")
        return _NOT_SHOWN.format(lost=lost, text=text) if lost > 0 else text

    def session_begins(self) -> None:
        """Count what was printed so far as part of the start: it explains no later end."""
        self._greeted_at = os.fstat(self._fd).st_size

    def last_line(self) -> str:
        """Return the last line of the session with something in it, taken before or not; "" for
        none.
        """
        size = os.fstat(self._fd).st_size
        start = max(self._greeted_at, size - _TAIL_BYTES)
        data = os.pread(self._fd, _TAIL_BYTES, start).decode(errors="replace")
        lines = (line.strip() for line in reversed(data.splitlines()))
        return shortened(next(filter(None, lines), ""))

    def close(self) -> None:
        """Stop following the file, which is kept."""
        os.close(self._fd)


QUIT_SECONDS, TERMINATE_SECONDS = 10.0, 5.0
"""seconds that a VM has to end after `quit`, and then after SIGTERM"""

EXIT_SECONDS = 1.0
"""most seconds between end of file and the end of the process"""

_CHARDEV = "qmpsh-monitor"
_HELD_BACK = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_FOLDER_MARK = "qmpsh-run-"
_NO_DISPLAY = ("gtk initialization failed", "Could not initialize SDL")
"""What QEMU prints when it cannot open its window."""


class VmProcess:
    """A VM's process. After `start`, `end` must be called, even if the start failed.

    command: the program and its arguments
    keeps:   whether it is worth leaving it running
    path:    of the monitor's socket, "" before the start
    """

    def __init__(self, command: Sequence[str], *, keeps: bool = True) -> None:
        self.program = os.path.basename(command[0])
        self.keeps = keeps
        self.is_left = False
        self.path = ""
        self._command = command
        self._folder = ""
        self._log: VmOutput | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the program.

        Raises CannotConnect if that fails, UsageError if the program would daemonize itself.
        """
        if {"-daemonize", "--daemonize"} & {*self._command}:
            raise UsageError(_DAEMON)
        # A signal that ended us in between would leave an untracked folder or process.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
        try:
            self._folder = socket_folder(_FOLDER_MARK)
            self.path = f"{self._folder}/qmp.sock"
            self._log = VmOutput(f"{self._folder}/log")
            self._process = _start(self._command, self.path, self._log.fileno(), mask)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    @property
    def pid(self) -> int:
        """Process id; 0 before the start."""
        return self._process.pid if self._process else 0

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended, or was never started."""
        return self._process is None or self._process.poll() is not None

    @property
    def log_path(self) -> str:
        """The file with what the process prints; "" before the start."""
        return self._log.path if self._log else ""

    def words(self, *, rest: bool = False) -> str:
        """Return what the process printed since the last call, not yet safe; see `VmOutput`."""
        return self._log.take(rest=rest) if self._log else ""

    def session_begins(self) -> None:
        """Count what the process printed so far as part of its start."""
        if self._log:
            self._log.session_begins()

    def last_words(self) -> str:
        """Return what the process printed last in the session, not yet safe to show; "" for
        nothing.
        """
        return self._log.last_line() if self._log else ""

    def leave_running(self) -> None:
        """Let the VM outlive the shell, if it still runs."""
        self.is_left = not self.has_ended

    def refusal(self, error: QmpshError, silence: float | None) -> CannotConnect:
        """Return why there is no session, in QEMU's own words if it printed any.

        error:   what connecting failed with
        silence: seconds after which the wait was given up, None if it failed otherwise
        """
        # End of file comes a moment before the process ends.
        if silence is None:
            self._wait(EXIT_SECONDS)
        code = self._process.poll() if self._process else None
        if code is not None:
            how = f"exit code {code}" if code >= 0 else f"signal {-code}"
            what = _ENDED.format(program=self.program, how=how)
        elif silence is not None:
            what = _SILENT.format(program=self.program, seconds=silence)
        else:
            what = _NO_SESSION.format(program=self.program, error=error)
        said = self.words(rest=True).strip("\n")
        if any(words in said for words in _NO_DISPLAY):
            what += _NO_WINDOW
        return CannotConnect(_SAID.format(what=what, said=said) if said else what)

    def end(self, client: Client | None = None) -> None:
        """End the VM as gently as possible and remove its folder, unless it is left running.

        client: a connection to its monitor, if there still is one
        Takes QUIT_SECONDS + TERMINATE_SECONDS seconds at most; an interrupt shortens that.
        """
        if self._log is not None:
            self._log.close()
        if self.is_left:
            return
        if client is not None and client.ready:
            with contextlib.suppress(ConnectionLost):
                client.submit(Command("quit"))
                self._wait(QUIT_SECONDS)
        # The whole group: the program may be a script that waits for QEMU. SIGCONT: the process
        # may be stopped.
        self._signal(signal.SIGTERM, signal.SIGCONT)
        self._wait(TERMINATE_SECONDS)
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def kill(self) -> None:
        """End the process, stopped or not, and wait for its end."""
        self._signal(signal.SIGKILL)
        self._wait(None)

    def _wait(self, seconds: float | None) -> None:
        """Wait until the process ends, the time runs out, or the user presses Ctrl-C."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                self._process.wait(seconds)

    def _signal(self, *numbers: signal.Signals) -> None:
        # The pid of a process that has ended may belong to another one.
        if not self.has_ended:
            with contextlib.suppress(ProcessLookupError):
                for number in numbers:
                    os.killpg(self.pid, number)


def _start(
    command: Sequence[str], path: str, output: int, mask: set[int]
) -> subprocess.Popen[bytes]:
    """Start a program with its monitor on a path.

    output: file descriptor for its stdout and stderr
    mask:   its signal mask
    Raises CannotConnect.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        # QEMU's main thread and its monitor thread may both be woken for the first client: the one
        # that comes second would wait in accept() for ever (wire.md section 1).
        listener.setblocking(False)

        def prepare() -> None:
            # The kernel reports the process that called listen() as the peer (SO_PEERCRED).
            listener.listen(1)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

        try:
            return subprocess.Popen(
                [*command, *_monitor(os.path.basename(command[0]), listener.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[listener.fileno()],
                # Ctrl-C and a terminal that closes are for the shell to handle.
                start_new_session=True,
                preexec_fn=prepare,
            )
        except OSError as error:
            raise CannotConnect(
                not_started(command[0], error),
                _WANTS_PROGRAM,
            ) from error


def _monitor(program: str, fd: int) -> list[str]:
    """Return the arguments that make a program serve QMP on a listening socket."""
    chardev = f"socket,id={_CHARDEV},fd={fd},server=on,wait=off"
    if "storage-daemon" in program:
        return ["--chardev", chardev, "--monitor", f"chardev={_CHARDEV}"]
    return ["-chardev", chardev, "-mon", f"chardev={_CHARDEV},mode=control"]


def socket_folder(mark: str) -> str:
    """Make a private folder whose path is short enough for a socket in it, and return its path.

    mark: the beginning of its name
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    room = MAX_PATH_BYTES - len(f"/{mark}12345678/qmp.sock") - 1
    if os.path.isabs(runtime) and len(os.fsencode(runtime)) <= room:
        with contextlib.suppress(OSError):
            return tempfile.mkdtemp(prefix=mark, dir=runtime)
    return tempfile.mkdtemp(prefix=mark, dir="/tmp")
