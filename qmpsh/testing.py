"""VMs for tests of programs that use QEMU: each has a process of its own, which its `close` ends.

With pytest the fixture `qemu` starts them (`qmpsh/pytest_plugin.py`). docs/api.md shows both.
"""

from __future__ import annotations

import os

from qmpsh.api import VM, ignore, open_client
from qmpsh.cli.run.main import find_emulator
from qmpsh.cli.run.vm import VmProcess
from qmpsh.client.client import Client, ClientOptions
from qmpsh.errors import CannotConnect
from qmpsh.shell.settings import Settings

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
