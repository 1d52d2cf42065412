"""Private QEMU processes for tests: started, waited for, stopped and killed here.

Sockets lie in folders of their own directly below /tmp, since the path of a unix socket has 108
bytes at most. Knows nothing of pytest; the fixtures are in conftest.py.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qmpsh.cli.run.main import demo_arguments
from tests.programs import find_program
from tests.waiting import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = PATIENCE
LISTENING = "00010000"  # the flag __SO_ACCEPTCON of /proc/net/unix


def emulators() -> list[str]:
    """The QEMUs to test with: those of QMPSH_TEST_QEMUS (colon-separated), else that in PATH."""
    named = os.environ.get("QMPSH_TEST_QEMUS", "")
    if named:
        return [path for path in named.split(":") if path]
    found = find_program("qemu-system-x86_64")
    return [found] if found else []


@cache
def demo_machine(emulator: str) -> tuple[str, ...]:
    """The arguments of the machine that `make demo` starts."""
    return tuple(demo_arguments(emulator))


def is_listening(path: str) -> bool:
    """True once somebody listens there; looks without connecting, a monitor has one client."""
    try:
        table = Path("/proc/net/unix").read_text(errors="replace")
    except OSError:  # not Linux: the file is there a moment before it listens
        return os.path.exists(path)
    return any(
        line.endswith(f" {path}") and line.split()[3] == LISTENING for line in table.splitlines()
    )


@dataclass(slots=True)
class Vm:
    """A running QEMU.

    path:   its QMP socket (nobody listens there when it was started with qmp=False)
    folder: a private folder for more sockets and files; goes with the VM
    """

    path: str
    folder: str
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def stderr(self) -> str:
        """What QEMU wrote to its standard error and output so far."""
        return Path(self.folder, "log").read_text(errors="replace")

    def kill(self) -> None:
        """End the process, stopped or not, and wait for its end."""
        self.process.kill()
        self.process.wait(timeout=START_SECONDS)

    def stop_process(self) -> None:
        """Stop the whole process (SIGSTOP): it accepts connections and says nothing."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

    def continue_process(self) -> None:
        """Let a stopped process go on."""
        os.kill(self.pid, signal.SIGCONT)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Meanwhile the process is stopped."""
        self.stop_process()
        try:
            yield
        finally:
            self.continue_process()


class Starter:
    """Remembers the servers that it started; `close()` ends them all and never raises."""

    def __init__(self) -> None:
        self._vms: list[Vm] = []

    def launch(self, argv: Sequence[str], folder: str, sockets: Sequence[str]) -> Vm:
        """Start a program and wait until these unix sockets of its listen.

        Raises AssertionError, with what it said, when it does not start.
        """
        with open(f"{folder}/log", "wb") as log:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT
            )
        vm = Vm(f"{folder}/s", folder, process)
        self._vms.append(vm)
        for socket_path in sockets:
            wait_for_socket(vm, socket_path)
        return vm

    def running(self) -> Vm | None:
        """A server that was started before and still runs."""
        return next((vm for vm in self._vms if vm.is_running), None)

    def close(self) -> None:
        """End every server and remove its folder. Never raises."""
        for vm in self._vms:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                vm.kill()
            shutil.rmtree(vm.folder, ignore_errors=True)
        self._vms.clear()


class VmStarter(Starter):
    """Starts VMs of one emulator."""

    def __init__(self, emulator: str) -> None:
        super().__init__()
        self.emulator = emulator

    def __call__(
        self,
        *extra_args: str,
        machine: str = "none",
        name: str | None = None,
        qmp: bool = True,
        folder: str | None = None,
    ) -> Vm:
        """Start a VM and wait until all its unix sockets listen.

        extra_args: more of QEMU's; a `{folder}` in one becomes the VM's folder
        machine:    of `-machine`; "demo" is the machine of `make demo`
        qmp:        False starts no monitor of our own: give one in extra_args
        folder:     made by the caller with `new_folder()`, when the path matters beforehand
        Raises AssertionError, with what QEMU said, when it does not start.
        """
        folder = folder or new_folder()
        path = f"{folder}/s"
        arguments = self._arguments(machine, name)
        arguments += [argument.replace("{folder}", folder) for argument in extra_args]
        if qmp:  # last: when it listens, the monitors of extra_args do, TCP ones included
            arguments += ["-qmp", f"unix:{path},server=on,wait=off"]
        return self.launch([self.emulator, *arguments], folder, unix_sockets(arguments))

    def _arguments(self, machine: str, name: str | None) -> list[str]:
        if machine == "demo":
            arguments = list(demo_machine(self.emulator))
        else:
            arguments = ["-machine", machine, "-display", "none", "-nodefaults"]
        return [*arguments, "-name", name] if name else arguments


def storage_daemon(emulator: str) -> str:
    """The qemu-storage-daemon that belongs to an emulator, "" where there is none."""
    beside = Path(emulator).with_name("qemu-storage-daemon")
    return str(beside) if os.access(beside, os.X_OK) else ""


@contextlib.contextmanager
def serving(*argv: str, path: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that listens on a unix socket, killed at the end. Yields once it listens.

    Raises AssertionError, with what it said, when it ends instead.
    """
    log = Path(f"{path}.log")
    with log.open("wb") as said:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=ROOT
        )
    try:
        wait_until(lambda: process.poll() is not None or is_listening(path), START_SECONDS, argv[0])
        assert process.poll() is None, log.read_text(errors="replace")
        yield process
    finally:
        process.kill()
        process.wait(timeout=START_SECONDS)


_folders: list[str] = []
"""Those that `new_folder` has made."""


def new_folder() -> str:
    """A fresh private folder with a short path, there until its test or the run removes it."""
    folder = tempfile.mkdtemp(prefix="qmpsh-", dir="/tmp")
    _folders.append(folder)
    return folder


def remove_folders() -> None:
    """Remove the folders of this process that are left. Never raises."""
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)
    _folders.clear()


def unix_sockets(arguments: Sequence[str]) -> list[str]:
    """The paths that a QEMU with these arguments listens on.

    >>> unix_sockets(["-S", "-qmp", "unix:/tmp/x/s,server=on,wait=off"])
    ['/tmp/x/s']
    """
    return [
        found[1]
        for argument in arguments
        if ",server" in argument
        and (found := re.match(r"(?:unix:|socket,(?:[^,]+,)*path=)([^,]+)", argument))
    ]


def wait_for_socket(vm: Vm, path: str) -> None:
    """Wait until the VM listens on `path`. Raises AssertionError when it ended instead."""

    def listens_or_ended() -> bool:
        return not vm.is_running or is_listening(path)

    wait_until(listens_or_ended, START_SECONDS, f"it listens on {path}")
    if not vm.is_running:
        raise AssertionError(f"it ended at once, exit {vm.process.returncode}: {vm.stderr()}")
