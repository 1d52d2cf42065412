"""`qmpsh doctor [ADDRESS]`: checks whether a session works, or what is installed.

Without an address it connects to nothing, and lists what qmpsh finds around it: Python, packages,
programs, terminal, folders, monitors.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from typing import Final

from qmpsh.cli.argv import SplitArgv
from qmpsh.cli.inspect.examine import (
    FAIL,
    INFO,
    OK,
    WARN,
    Check,
    as_json,
    examine,
    has_failed,
    lines_of,
)
from qmpsh.cli.inspect.ls import shown_address
from qmpsh.cli.inspect.options import parse_inspect_options
from qmpsh.client.discovery import Monitor, find_monitors
from qmpsh.client.names import find_vm
from qmpsh.paths import folders
from qmpsh.render.environment import Environment
from qmpsh.render.formats import compact, pretty
from qmpsh.version import __version__

_NO_MONITORS: Final = "none found; qmpsh run starts a VM"
_NO_PACKAGE: Final = "not installed; pip install qmpsh installs it"
_NO_QEMU: Final = "no QEMU in PATH; its package is called qemu-system-x86 or qemu"
_NO_SSH: Final = "not installed: no ssh://"
_LIBVIRT: Final = "libvirt-python is installed"
_NO_LIBVIRT: Final = "libvirt-python is not installed: no libvirt:NAME"
_NO_TERMINAL: Final = "stdout is not a terminal; TERM={term}"
_NO_SCREEN: Final = "{said}: a line prompt instead of the full screen"
_NO_FOLDER: Final = "{path} does not exist; it is created when needed"
_NOT_WRITABLE: Final = "{path} ({rights}) cannot be written to"
_OPEN_TO_OTHERS: Final = "{path} ({rights}) is open to others: chmod 700 {path}"

_PACKAGES: Final = ("prompt_toolkit", "pygments", "click")
_VERSION_SECONDS: Final = 5.0  # seconds for a program to print its version
_QEMUS: Final = ("qemu-system-x86_64", "qemu-system-aarch64", "qemu-kvm", "kvm",
                 "qemu-storage-daemon", "qemu-ga", "stratovirt")  # fmt: skip


def look_around(environment: Environment) -> Iterator[Check]:
    """Yield the checks one by one."""
    yield Check(OK, "qmpsh", f"{__version__}, {os.path.dirname(os.path.dirname(__file__))}")
    yield Check(OK, "python", f"{sys.version.split()[0]}, {sys.executable}")
    for name in _PACKAGES:
        yield _package(name)
    yield from _programs()
    yield _terminal(environment)
    for name, path in folders().items():
        yield _folder(name, path)
    found = find_monitors()
    for monitor in found:
        yield _monitor(monitor)
    if not found:
        yield Check(INFO, "monitors", _NO_MONITORS)


def _package(name: str) -> Check:
    try:
        return Check(OK, name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(FAIL, name, _NO_PACKAGE)


def _programs() -> list[Check]:
    found = [(name, path) for name in _QEMUS if (path := shutil.which(name))]
    checks = [Check(OK, name, f"{_version(path)}, {path}") for name, path in found]
    if not any(name not in ("qemu-ga",) for name, _ in found):
        checks.append(Check(WARN, "qemu", _NO_QEMU))
    ssh = shutil.which("ssh")
    checks.append(Check(OK, "ssh", ssh) if ssh else Check(INFO, "ssh", _NO_SSH))
    has_libvirt = find_spec("libvirt") is not None
    checks.append(
        Check(OK, "libvirt", _LIBVIRT) if has_libvirt else Check(INFO, "libvirt", _NO_LIBVIRT)
    )
    return checks


def _version(path: str) -> str:
    """Return the first line of the program's --version."""
    try:
        said = subprocess.run(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return "does not run"
    return said.decode(errors="replace").partition("\n")[0].strip() or "prints no version"


def _terminal(environment: Environment) -> Check:
    term = environment.variables.get("TERM", "")
    if not environment.is_terminal:
        return Check(INFO, "terminal", _NO_TERMINAL.format(term=term))
    size = os.get_terminal_size(sys.stdout.fileno())
    colours = "colours" if environment.has_colours else "no colours"
    said = f"TERM={term}, {size.columns}x{size.lines}, {colours}, {sys.stdout.encoding}"
    if not environment.has_screen:
        return Check(WARN, "terminal", _NO_SCREEN.format(said=said))
    return Check(OK, "terminal", said)


def _folder(name: str, path: str) -> Check:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return Check(INFO, name, _NO_FOLDER.format(path=path))
    except OSError as error:
        return Check(WARN, name, f"{path}: {error.strerror}")
    rights = stat.filemode(status.st_mode)
    if not os.access(path, os.W_OK | os.X_OK):
        return Check(WARN, name, _NOT_WRITABLE.format(path=path, rights=rights))
    if name == "state" and status.st_mode & 0o077:
        return Check(WARN, name, _OPEN_TO_OTHERS.format(path=path, rights=rights))
    return Check(OK, name, f"{path} ({rights})")


def _monitor(one: Monitor) -> Check:
    """Describe a monitor in one line, without connecting: whether a session is possible."""
    name = f" of {one.name}" if one.name else ""
    client = f"{one.clients}{f' ({one.holder})' if one.holder else ''}"
    owner = f", {one.owner}'s" if one.owner else ""
    text = f"{shown_address(one.address)}{name}, {one.state}, {client}{owner}"
    works = one.state == "running" and one.clients in ("free", "shared") and not one.owner
    return Check(OK if works else INFO, one.kind, text)


_NO_SESSION_EXIT = 3


def main(words: SplitArgv) -> int:
    """Print the checks; return 0 if a session works, else 3.

    Raises UsageError for a bad address or a name of several VMs, CannotConnect for one of none.
    """
    given = parse_inspect_options(words)
    if given is None:
        return 0
    name = given.address or words.address
    environment = Environment(given.color)
    if name:
        announce = _silent if given.json else environment.notice
        checks = [*examine(name, find_vm(name), announce)]
    else:
        checks = [*look_around(environment)]
    if given.json:
        print((pretty if environment.is_terminal else compact)([*as_json(checks)]))
    else:
        print("\n".join(lines_of(checks, colour=environment.has_colours)))
    return _NO_SESSION_EXIT if has_failed(checks) else 0


def _silent(text: str) -> None:
    """Announce nothing: with --json only the result is printed."""
