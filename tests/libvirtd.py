"""A libvirt to test with, and private domains on it: started, looked at and ended here.

As root it is qemu:///system, where libvirt's daemon is started unless one answers; else it is a
daemon of our own, in a folder of its own. Knows nothing of pytest.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.programs import find_program
from tests.qemu import new_folder
from tests.waiting import PATIENCE, wait_until

SUBCOMMANDS = ("virsh", "libvirtd", "virtlogd", "qemu-system-x86_64", "unshare", "mount", "chroot")
START_SECONDS = 120.0  # the first domain of a daemon waits until QEMU's abilities are known

_XML = """
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>{emulator}</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""


def lacking() -> list[str]:
    """What is not installed of what is needed; [] for nothing."""
    programs = [program for program in SUBCOMMANDS if not find_program(program)]
    return programs + [name for name in ("libvirt",) if not importlib.util.find_spec(name)]


class Libvirt:
    """uri: of the daemon, for virsh and for qmpsh; socket: where it listens."""

    def __init__(self, uri: str, socket: str) -> None:
        self.uri = uri
        self.socket = socket

    def virsh(self, *words: str) -> str:
        """Run virsh; what it printed. Raises subprocess.CalledProcessError, of which stderr tells
        why.
        """
        return subprocess.run(
            ["virsh", "-q", "-c", self.uri, *words],
            check=True,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        ).stdout.strip()

    def answers(self) -> bool:
        with contextlib.suppress(subprocess.SubprocessError):
            self.virsh("list")
            return True
        return False

    def why_none_starts(self) -> str:
        """What virsh says where no domain can be started, in one line; "" where one can."""
        try:
            with self.started():
                return ""
        except subprocess.CalledProcessError as error:
            return " ".join(str(error.stderr).split())
        except subprocess.TimeoutExpired as error:
            return str(error)

    @contextlib.contextmanager
    def defined(self) -> Iterator[Domain]:
        """A domain that is not running; it is ended and forgotten afterwards."""
        domain = Domain(self, f"qmpsh-{uuid.uuid4().hex[:8]}")
        folder = Path(new_folder())
        try:
            xml = folder / "domain.xml"
            emulator = find_program("qemu-system-x86_64")
            xml.write_text(_XML.format(name=domain.name, emulator=emulator))
            self.virsh("define", str(xml))
            yield domain
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            for verb in ("destroy", "undefine"):
                with contextlib.suppress(subprocess.SubprocessError):
                    self.virsh(verb, domain.name)

    @contextlib.contextmanager
    def started(self) -> Iterator[Domain]:
        """The same, running as far as a paused one does."""
        with self.defined() as domain:
            self.virsh("start", "--paused", domain.name)
            yield domain


class Domain:
    """name: of its own; address: for qmpsh."""

    def __init__(self, libvirt: Libvirt, name: str) -> None:
        self.name = name
        self.libvirt = libvirt
        self.address = f"libvirt:{libvirt.uri}#{name}"

    @property
    def state(self) -> str:
        """virsh's word: paused, running, shut off."""
        return self.libvirt.virsh("domstate", self.name)

    @property
    def is_running(self) -> bool:
        """Whether it has a QEMU, paused or not."""
        return self.state != "shut off"

    @property
    def pid(self) -> int:
        """Of its QEMU. Raises AssertionError where none runs."""
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if any(word.startswith(b"guest=" + self.name.encode()) for word in words):
                    return int(folder.name)
        raise AssertionError(f"no QEMU runs for {self.name}")

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Meanwhile its QEMU is stopped (SIGSTOP) and answers nobody."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def running_libvirt() -> Iterator[Libvirt]:
    """A libvirt that answers. A daemon that was started here is ended here as well."""
    folder = new_folder()
    if os.geteuid() == 0:
        libvirt = Libvirt("qemu:///system", "/run/libvirt/libvirt-sock")
        environment = dict(os.environ)
    else:
        socket = f"{folder}/libvirt/libvirt-sock"
        libvirt = Libvirt(f"qemu+unix:///session?socket={socket}", socket)
        environment = {**os.environ, "HOME": folder, "XDG_RUNTIME_DIR": folder}
        for name in ("CONFIG", "CACHE", "STATE", "DATA"):
            environment[f"XDG_{name}_HOME"] = folder
    daemons = [] if libvirt.answers() else _start_daemons(folder, environment)
    try:
        wait_until(libvirt.answers, START_SECONDS, "libvirt answers")
        yield libvirt
    finally:
        for daemon in reversed(daemons):
            daemon.end()
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            Path(_SHARED_MEMORY, Path(folder).name).rmdir()


class _Daemon(NamedTuple):
    """pid_file: holds its process id; reaper: ends after it, and after what it left behind"""

    pid_file: Path
    reaper: subprocess.Popen[str]

    def end(self) -> None:
        """End it and wait for its end. Never raises."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(self.pid_file.read_text()), signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired), self.reaper:
            self.reaper.wait(PATIENCE)


def _start_daemons(folder: str, environment: dict[str, str]) -> list[_Daemon]:
    """Start what is not yet there."""
    daemons = []
    for name in ("virtlogd", "libvirtd"):
        pid_file = Path(folder, f"{name}.pid")
        command = [find_program(name) or name, "-d", "-p", str(pid_file)]
        if name == "libvirtd":
            command = [*_in_a_namespace(folder), *command]
        reaper = subprocess.Popen(
            [sys.executable, "-m", "tests.reaper", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert reaper.stdout is not None
        # One that runs already, which only virtlogd may, is another's.
        if reaper.stdout.readline() == "0\n":
            daemons.append(_Daemon(pid_file, reaper))
        else:
            reaper.communicate()
    return daemons


_SHARED_MEMORY = "/dev/shm"
_CONFIGURATION = "/etc/libvirt/qemu.conf"
_AS_ROOT = f"""
printf 'user = "root"\\ngroup = "root"\\n' >"$0" &&
mount --bind "$0" {_CONFIGURATION} && exec "$@"
"""
_IN_A_ROOT_OF_ITS_OWN = f"""
mount --make-rprivate {_SHARED_MEMORY} && mount --rbind / "$0" && exec chroot "$0" "$@"
"""


def _in_a_namespace(folder: str) -> list[str]:
    """The words before a root's libvirtd: it runs in a namespace of mounts.

    Its QEMUs are root's there: where another user may not use KVM, libvirt asks QEMU for its
    abilities again for each domain, which takes seconds.
    """
    if os.geteuid() != 0:
        return []
    as_root = ["sh", "-c", _AS_ROOT, f"{folder}/qemu.conf"] if Path(_CONFIGURATION).exists() else []
    return [*_in_a_root_of_its_own(folder), *as_root]


def _in_a_root_of_its_own(folder: str) -> list[str]:
    """The words before a command that is to have mounts of its own.

    libvirt starts a domain in a namespace of mounts, for which / must be a mount point: "Failed
    disable mount propagation out of the root filesystem". In a chroot that is none, / is mounted
    once more, below a mount from which nothing gets back to the system.
    """
    if _is_mounted("/") or not _is_mounted(_SHARED_MEMORY):
        return ["unshare", "--mount"]
    root = Path(_SHARED_MEMORY, Path(folder).name)
    root.mkdir()
    enter = ["sh", "-c", _IN_A_ROOT_OF_ITS_OWN, str(root)]
    return ["unshare", "--mount", "--propagation", "unchanged", *enter]


def _is_mounted(path: str) -> bool:
    """Whether something is mounted just there, as far as this process sees."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text()
    except OSError:  # not Linux
        return True
    return any(line.split()[4] == path for line in mounts.splitlines())
