"""VMs for tests of programs that use QEMU: each has a process of its own, which its `close` ends.

It is a QEMU, or a recording that is replayed. With pytest the fixtures `qemu` and `qmp_replay`
start them (`qmpsh/pytest_plugin.py`). docs/api.md shows both.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys

from qmpsh.api import VM, ignore, open_client
from qmpsh.cli.run.main import find_emulator
from qmpsh.cli.run.vm import VmProcess, socket_folder
from qmpsh.client.client import Client, ClientOptions
from qmpsh.client.dialect import GUEST_AGENT, QEMU
from qmpsh.errors import CannotConnect
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.shell.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

_NOT_REPLAYED: Final = "nothing is replayed: {said}"
_MARK: Final = "qmpsh-replay-"

EMULATOR = "QMPSH_QEMU"
"""The variable of the environment that names the QEMU to start."""


class LaunchedVM(VM):
    """A VM whose QEMU was started here, and ends with it."""

    def __init__(self, process: VmProcess, client: Client, settings: Settings) -> None:
        super().__init__(client, settings, ignore)
        self._process = process
        self._output = ""
        self._has_ended = False

    @property
    def pid(self) -> int:
        """The process id of QEMU."""
        return self._process.pid

    @property
    def path(self) -> str:
        """The path of the monitor's socket, which serves one client: this one."""
        return self._process.path

    @property
    def output(self) -> str:
        """What QEMU has printed so far, serial lines on stdio included."""
        if not self._has_ended:
            self._output += self._process.words(rest=True)
        return self._output

    def kill(self) -> None:
        """End QEMU as a power failure would."""
        self._process.kill()

    def close(self) -> None:
        """End QEMU and the connection. May be called twice."""
        if not self._has_ended:
            _ = self.output  # its file goes with the process
            self._has_ended = True
            self._process.end(self._client)
        super().close()


def launch(
    *arguments: str,
    emulator: str | None = None,
    timeout: float | None = 60.0,
    logfile: str | os.PathLike[str] | None = None,
) -> LaunchedVM:
    """Start a QEMU and connect to it.

    arguments: QEMU's own; `-display none` stands before them, and a monitor is added
    emulator:  the program, None for $QMPSH_QEMU or the QEMU that is installed
    timeout, logfile: as for `qmpsh.connect`
    Raises CannotConnect with what QEMU printed if it does not start.
    """
    program = emulator or os.environ.get(EMULATOR) or find_emulator()
    process = VmProcess([program, "-display", "none", *arguments])
    client: Client | None = None
    try:
        process.start()
        client = open_client(process.path, ClientOptions(), logfile, ignore)
        return LaunchedVM(process, client, Settings(timeout=timeout, one_shot=True))
    except CannotConnect as error:
        refused = process.refusal(error, None)
        process.end()
        raise refused from error
    except BaseException:
        process.end(client)
        raise


class ReplayedVM(VM):
    """A recording that is replayed by a process of its own, which ends with it."""

    def __init__(self, process: ReplayProcess, client: Client, settings: Settings) -> None:
        super().__init__(client, settings, ignore)
        self._process = process

    @property
    def path(self) -> str:
        """The path of the socket, which serves one client at a time, first this one."""
        return self._process.path

    @property
    def differences(self) -> tuple[str, ...]:
        """What a strict replay has found by its end, a sentence each."""
        return self._process.said

    def close(self) -> None:
        """End the replay and the connection. May be called twice."""
        super().close()
        self._process.end()


class ReplayProcess:
    """A `qmpsh replay` on a socket that is listening already.

    path: of the socket; said: what it printed on stderr, () until it has ended
    """

    def __init__(self, file: str, options: Sequence[str]) -> None:
        self.said: tuple[str, ...] = ()
        self._folder = socket_folder(_MARK)
        self.path = f"{self._folder}/qmp.sock"
        try:
            self._process = self._start([file, *options])
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def _start(self, words: list[str]) -> subprocess.Popen[str]:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(self.path)
            listening.listen()
            fd = listening.fileno()
            # It ends with its command, and that with its standard input, which is this process.
            ours = [sys.executable, "-m", "qmpsh", "replay", *words, "--listen", f"fd:{fd}"]
            return subprocess.Popen(
                [*ours, "--", "cat"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                pass_fds=(fd,),
            )

    def end(self) -> None:
        """End it. May be called twice."""
        if self._process.stdin is None or self._process.stdin.closed:
            return
        _, said = self._process.communicate()
        self.said = tuple(said.splitlines())
        shutil.rmtree(self._folder, ignore_errors=True)


def replay(  # noqa: PLR0913 - the options of the command, by their names
    file: str | os.PathLike[str],
    *,
    speed: float = 0,
    strict: bool = False,
    session: int | None = None,
    guest_agent: bool = False,
    timeout: float | None = 60.0,
    logfile: str | os.PathLike[str] | None = None,
) -> ReplayedVM:
    """Replay a recording and connect to it.

    file:    written by `qmpsh --record`, or any text with QMP messages in it
    speed:   of the events; 0 sends them at once
    strict:  refuse what is not recorded next; `differences` then says what that was
    session: the number of one connection in the file, None for all
    guest_agent, timeout, logfile: as for `qmpsh.connect`
    Raises CannotConnect with what is wrong with the file.
    """
    options = [f"--speed={speed:g}", *(["--strict"] if strict else [])]
    options += [] if session is None else [f"--session={session}"]
    process = ReplayProcess(os.fspath(file), options)
    begin = ClientOptions(dialect=GUEST_AGENT if guest_agent else QEMU, shared=False)
    try:
        client = open_client(process.path, begin, logfile, ignore)
    except CannotConnect as error:
        process.end()
        raise CannotConnect(_NOT_REPLAYED.format(said=" ".join(process.said))) from error
    except BaseException:
        process.end()
        raise
    return ReplayedVM(process, client, Settings(timeout=timeout, one_shot=True))
