"""A schema from a program that is not running: it is started, asked and ended again.

It starts as libvirt starts QEMU to see what it can do: without a machine, without a configuration,
without devices. Its monitor is one end of a private socket pair; no one else can connect.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import subprocess
import tempfile
from typing import Final

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions
from qmpsh.client.connect import stream_over
from qmpsh.errors import CannotConnect, shortened
from qmpsh.system.programs import not_started

_ENDED: Final = "{program} ended before it answered, with {how}"
_SILENT: Final = "{program} was started, but did not answer in QMP within {seconds:g} s"
_SAID: Final = "{what}; it said:\n{said}"

_END_SECONDS: Final = 1.0
"""seconds between the end of its connection and its own"""
_MAX_WORDS_BYTES: Final = 4096
"""bytes of what it printed that are shown"""
_MAX_FILE_BYTES: Final = 64 << 20
"""bytes after which it ends: it might print until the disk is full"""
_MACHINE: Final = ("-M", "none", "-S", "-nodefaults", "-no-user-config", "-display", "none")
_CHARDEV: Final = "qmpsh-schema"


class ProbedProgram:
    """A program that runs only to be asked, until `close`.

    path: of it, absolute; timeout: seconds until it has greeted and answered
    client: the connection to it. Raises CannotConnect where it cannot be started.
    """

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed at its end, as the process
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [path, *_arguments(path, theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=self._words,
                    stderr=self._words,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                    preexec_fn=_confine,
                )
            except OSError as error:
                ours.close()
                self._words.close()
                raise CannotConnect(not_started(path, error)) from error
        options = ClientOptions(timeout, oob=False, shared=False)
        self.client = Client(stream_over(ours), UnixAddress(path), options)

    def close(self) -> None:
        """End the program, with all that it has started, and wait for its end."""
        self.client.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._words.close()

    def refusal(self) -> CannotConnect:
        """Return why it does not answer, in its own words if it printed any."""
        program = os.path.basename(self._path)
        code = None
        if self.client.closed:
            # End of file comes a moment before the process ends.
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(_END_SECONDS)
        if code is None:
            what = _SILENT.format(program=program, seconds=self._timeout)
        else:
            how = f"exit code {code}" if code >= 0 else f"signal {-code}"
            what = _ENDED.format(program=program, how=how)
        self._words.seek(0)
        data = self._words.read(_MAX_WORDS_BYTES)
        said = shortened(data.decode(errors="replace").strip(), _MAX_WORDS_BYTES)
        return CannotConnect(_SAID.format(what=what, said=said) if said else what)


_LIBC: Final = ctypes.CDLL(None)
_PR_SET_PDEATHSIG: Final = 1
"""Source: prctl(2), linux/prctl.h"""


def _confine() -> None:
    """Have the kernel end this process with its parent, even if that is killed, and at a file that
    is too large.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = _MAX_FILE_BYTES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILE_BYTES)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    with contextlib.suppress(AttributeError):  # not Linux
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _arguments(path: str, fd: int) -> list[str]:
    """Return the arguments that make a program serve QMP on a connected socket."""
    chardev = f"socket,id={_CHARDEV},fd={fd}"
    if "storage-daemon" in os.path.basename(path):
        return ["--chardev", chardev, "--monitor", f"chardev={_CHARDEV}"]
    return [*_MACHINE, "-chardev", chardev, "-mon", f"chardev={_CHARDEV},mode=control"]
