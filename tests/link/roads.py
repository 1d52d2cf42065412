"""The table of roads: how a VM is started that is reached by it, and its address.

A row more is a function more: the checks of test_roads.py run over each of them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import IO, NamedTuple

from tests.link.certificates import make_certificates
from tests.link.sshd import serving_ssh
from tests.qemu import ROOT, Vm, VmStarter, new_folder


class Laid(NamedTuple):
    """A road that leads to a VM.

    address:   of the command line
    environ:   added to the environment
    inherited: the path of a socket that is connected and left open for it, as descriptor fd:N
    """

    vm: Vm
    address: str
    environ: dict[str, str] = {}  # noqa: RUF012 - never changed
    inherited: str = ""

    @contextlib.contextmanager
    def start(self, *argv: str, stdin: int | IO[bytes] = subprocess.PIPE) -> Iterator[Process]:
        """The command on its way, by this road; killed at the end."""
        with contextlib.ExitStack() as held:
            address, fds = self.address, []
            if self.inherited:
                connected = held.enter_context(socket.socket(socket.AF_UNIX))
                connected.connect(self.inherited)
                address, fds = f"fd:{connected.fileno()}", [connected.fileno()]
            process = held.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "qmpsh", address, *argv],
                    stdin=stdin,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    pass_fds=fds,
                    env={**os.environ, **self.environ, "PYTHONPATH": str(ROOT)},
                    text=True,
                )
            )
            held.callback(process.kill)
            yield process

    def run(self, *argv: str, stdin: str = "") -> Ran:
        """Run the command to its end."""
        with self.start(*argv) as process:
            out, err = process.communicate(stdin, timeout=30)
        return Ran(process.returncode, out, err)


Process = subprocess.Popen[str]


class Ran(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Lay = Callable[[VmStarter, ExitStack], Laid]


@cache
def certificates() -> Path:
    """Made once for a whole run, and removed at its end."""
    import atexit

    folder = new_folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return make_certificates(Path(folder))


def chardev(options: str) -> tuple[str, ...]:
    """The arguments of a monitor."""
    return ("-chardev", f"socket,id=m,{options}", "-mon", "chardev=m,mode=control")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def unix(start: VmStarter, _stack: ExitStack) -> Laid:
    vm = start()
    return Laid(vm, vm.path)


def pretty(start: VmStarter, _stack: ExitStack) -> Laid:
    vm = start("-chardev", "socket,id=m,path={folder}/p,server=on,wait=off",
               "-mon", "chardev=m,mode=control,pretty=on")  # fmt: skip
    return Laid(vm, f"unix:{vm.folder}/p")


def tcp(start: VmStarter, _stack: ExitStack) -> Laid:
    port = free_port()
    return Laid(start("-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off"), f"127.0.0.1:{port}")


def telnet(start: VmStarter, _stack: ExitStack) -> Laid:
    port = free_port()
    options = "server=on,wait=off"
    return Laid(start("-qmp", f"telnet:127.0.0.1:{port},{options}"), f"tcp:127.0.0.1:{port}")


def telnet_unix(start: VmStarter, _stack: ExitStack) -> Laid:
    vm = start(*chardev("path={folder}/t,server=on,wait=off,telnet=on"))
    return Laid(vm, f"unix:{vm.folder}/t,server=on,telnet=on")


def secured(start: VmStarter, verify: str, port: int) -> Vm:
    """A VM with a monitor over TLS. verify: of the client's certificate, on or off"""
    return start(
        "-object",
        f"tls-creds-x509,id=tls,endpoint=server,dir={certificates()},verify-peer={verify}",
        *chardev(f"host=localhost,port={port},ipv6=off,server=on,wait=off,tls-creds=tls"),
    )


def tls(start: VmStarter, _stack: ExitStack) -> Laid:
    port = free_port()
    return Laid(
        secured(start, "off", port), f"tls:localhost:{port}?ca={certificates()}/ca-cert.pem"
    )


def tls_both(start: VmStarter, _stack: ExitStack) -> Laid:
    port, made = free_port(), certificates()
    return Laid(
        secured(start, "on", port),
        f"tls:127.0.0.1:{port}?ca={made}/ca-cert.pem&cert={made}/client-cert.pem"
        f"&key={made}/client-key.pem&name=localhost",
    )


def inherited(start: VmStarter, _stack: ExitStack) -> Laid:
    vm = start()
    return Laid(vm, "", inherited=vm.path)


def command(start: VmStarter, _stack: ExitStack) -> Laid:
    vm = start()
    return Laid(vm, f"exec:socat - UNIX-CONNECT:{vm.path}")


def ssh(start: VmStarter, stack: ExitStack) -> Laid:
    vm = start()
    folder = Path(vm.folder, "ssh")
    folder.mkdir()
    served = stack.enter_context(serving_ssh(folder))
    return Laid(vm, f"ssh://127.0.0.1:{served.port}{vm.path}", served.environ)


def listen(start: VmStarter, _stack: ExitStack) -> Laid:
    folder = new_folder()
    vm = start(*dialling(start.emulator, f"path={folder}/l"), folder=folder)
    return Laid(vm, f"listen:unix:{folder}/l")


def dialling(emulator: str, place: str) -> tuple[str, ...]:
    """The arguments of a monitor that dials, again and again."""
    banner = subprocess.run([emulator, "--version"], capture_output=True, text=True, check=True)
    is_old = "version 7." in banner.stdout
    return chardev(f"{place},{'reconnect=1' if is_old else 'reconnect-ms=50'}")


ROADS: dict[str, Lay] = {
    "unix": unix,
    "pretty": pretty,
    "tcp": tcp,
    "telnet": telnet,
    "telnet over unix": telnet_unix,
    "tls": tls,
    "tls, both ways": tls_both,
    "fd": inherited,
    "exec": command,
    "ssh": ssh,
    "listen": listen,
}

NEEDS: dict[str, tuple[str, ...]] = {
    "tls": ("openssl",),
    "tls, both ways": ("openssl",),
    "exec": ("socat",),
    "ssh": ("ssh", "sshd"),
}
"""Programs that a road's tests cannot do without."""
