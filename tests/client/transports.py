"""The table of transports: how a server is started that is reached by it, and its address.

A row more is a function more: the checks of checks.py run over each of them.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.client import forks
from tests.client.certificates import make_certificates
from tests.client.forks import Ran, Run
from tests.client.sshd import serving_ssh
from tests.ports import free_port
from tests.qemu import ROOT, START_SECONDS, Vm, new_folder
from tests.waiting import wait_until


class Server(Protocol):
    """What a transport leads to."""

    @property
    def is_running(self) -> bool: ...

    def stopped(self) -> AbstractContextManager[None]: ...


class Target(NamedTuple):
    """A transport that leads to a server.

    address:   of the command line
    environ:   added to the environment
    inherited: the path of a socket that is connected and left open for it, as descriptor fd:N
    """

    server: Server
    address: str
    environ: dict[str, str] = {}  # noqa: RUF012 - never changed
    inherited: str = ""

    @contextlib.contextmanager
    def start(self, *argv: str) -> Iterator[Run]:
        """The command on its way, by this transport; killed at the end."""
        if not self.inherited:
            with forks.start(self.address, *argv, environ=self.environ) as run:
                yield run
            return
        with socket.socket(socket.AF_UNIX) as connected:
            connected.connect(self.inherited)
            words = (f"fd:{forks.INHERITED}", *argv)
            with forks.start(*words, environ=self.environ, inherited=connected.fileno()) as run:
                yield run

    def run(self, *argv: str, stdin: str = "") -> Ran:
        """Run the command to its end."""
        with self.start(*argv) as run:
            run.write(stdin)
            return run.end()


class Start(Protocol):
    """Starts a server whose monitors are chardevs, with words as QEMU's; emulator: whose version
    it has.
    """

    emulator: str

    def __call__(self, *words: str, folder: str | None = None) -> Vm: ...


class StartPlain(Protocol):
    """Starts a server that listens on its `path`."""

    def __call__(self) -> Vm: ...


MakeTarget = Callable[[Start, ExitStack], Target]
MakePlainTarget = Callable[[StartPlain, ExitStack], Target]


@cache
def certificates() -> Path:
    """Made once for a whole run, and removed at its end."""
    folder = new_folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return make_certificates(Path(folder))


def chardev(options: str, more: str = "") -> tuple[str, ...]:
    """The arguments of a monitor. more: of the monitor's own options"""
    return ("-chardev", f"socket,id=m,{options}", "-mon", f"chardev=m,mode=control{more}")


# ------------------------------------------------------------------------ from a unix socket


def unix(start: StartPlain, _stack: ExitStack) -> Target:
    vm = start()
    return Target(vm, vm.path)


def inherited(start: StartPlain, _stack: ExitStack) -> Target:
    vm = start()
    return Target(vm, "", inherited=vm.path)


def command(start: StartPlain, _stack: ExitStack) -> Target:
    vm = start()
    return Target(vm, f"exec:socat - UNIX-CONNECT:{vm.path}")


def ssh(start: StartPlain, stack: ExitStack) -> Target:
    vm = start()
    folder = Path(vm.folder, "ssh")
    folder.mkdir()
    served = stack.enter_context(serving_ssh(folder))
    return Target(vm, f"ssh://127.0.0.1:{served.port}{vm.path}", served.environ)


# ------------------------------------------------------------------------ from a chardev


def pretty(start: Start, _stack: ExitStack) -> Target:
    vm = start(*chardev("path={folder}/p,server=on,wait=off", ",pretty=on"))
    return Target(vm, f"unix:{vm.folder}/p")


def tcp(start: Start, _stack: ExitStack) -> Target:
    port = free_port()
    vm = start(*chardev(f"host=127.0.0.1,port={port},server=on,wait=off"))
    return Target(vm, f"127.0.0.1:{port}")


def telnet(start: Start, _stack: ExitStack) -> Target:
    port = free_port()
    vm = start(*chardev(f"host=127.0.0.1,port={port},server=on,wait=off,telnet=on"))
    return Target(vm, f"tcp:127.0.0.1:{port}")


def telnet_unix(start: Start, _stack: ExitStack) -> Target:
    vm = start(*chardev("path={folder}/t,server=on,wait=off,telnet=on"))
    return Target(vm, f"unix:{vm.folder}/t,server=on,telnet=on")


def secured(start: Start, verify: str, port: int) -> Vm:
    """A server with a monitor over TLS. verify: of the client's certificate, on or off"""
    return start(
        "-object",
        f"tls-creds-x509,id=tls,endpoint=server,dir={certificates()},verify-peer={verify}",
        *chardev(f"host=localhost,port={port},ipv6=off,server=on,wait=off,tls-creds=tls"),
    )


def tls(start: Start, _stack: ExitStack) -> Target:
    port = free_port()
    return Target(secured(start, "off", port), trusting(port))


def tls_both(start: Start, _stack: ExitStack) -> Target:
    port = free_port()
    return Target(secured(start, "on", port), trusted(port))


def trusting(port: int) -> str:
    """The address of a TLS server that may be anybody's client."""
    return f"tls:localhost:{port}?ca={certificates()}/ca-cert.pem"


def trusted(port: int) -> str:
    """The same of one that wants a certificate."""
    made = certificates()
    return (
        f"tls:127.0.0.1:{port}?ca={made}/ca-cert.pem&cert={made}/client-cert.pem"
        f"&key={made}/client-key.pem&name=localhost"
    )


def listen(start: Start, _stack: ExitStack) -> Target:
    folder = new_folder()
    vm = start(*dialling(start.emulator, f"path={folder}/l"), folder=folder)
    return Target(vm, f"listen:unix:{folder}/l")


def dialling(emulator: str, place: str) -> tuple[str, ...]:
    """The arguments of a monitor that dials, again and again."""
    banner = subprocess.run([emulator, "--version"], capture_output=True, text=True, check=True)
    is_old = "version 7." in banner.stdout
    return chardev(f"{place},{'reconnect=1' if is_old else 'reconnect-ms=50'}")


# ------------------------------------------------------------------------ through a relay


@contextlib.contextmanager
def relay(command: str, *, listens: bool) -> Iterator[None]:
    """A command for the shell that passes bytes on, ended with all it started.

    listens: it tells when it does: "listening on", as socat -dd
    """
    folder = new_folder()
    log = Path(folder, "log")
    with log.open("wb") as said:
        process = subprocess.Popen(
            ["/bin/sh", "-c", command], cwd=ROOT, stdin=subprocess.DEVNULL, stderr=said,
            start_new_session=True,
        )  # fmt: skip
    try:
        if listens:
            wait_until(lambda: "listening on" in log.read_text(), START_SECONDS, command)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(START_SECONDS)
        shutil.rmtree(folder)


def relayed(
    place: str, address: Callable[[int], str], start: StartPlain, stack: ExitStack
) -> Target:
    """socat listens, and dials the server for each caller. place: of socat's, with a {port}"""
    vm, port = start(), free_port()
    options = f"bind=127.0.0.1,reuseaddr,fork{_credentials() if 'OPENSSL' in place else ''}"
    words = f"{place.format(port=port)},{options} UNIX-CONNECT:{vm.path}"
    stack.enter_context(relay(f"exec socat -dd {words}", listens=True))
    return Target(vm, address(port))


def _credentials() -> str:
    made = certificates()
    names = {"cafile": "ca-cert", "cert": "server-cert", "key": "server-key"}
    return "".join(f",{option}={made}/{name}.pem" for option, name in names.items())


def relayed_telnet(start: StartPlain, stack: ExitStack) -> Target:
    vm, port = start(), free_port()
    words = f"exec {shlex.quote(sys.executable)} -m tests.client.telnetd {port} {vm.path}"
    stack.enter_context(relay(words, listens=True))
    return Target(vm, f"tcp:127.0.0.1:{port}")


def relayed_listen(start: StartPlain, stack: ExitStack) -> Target:
    """socat dials us again and again, and the server whenever it got through."""
    vm = start()
    path = f"{vm.folder}/l"
    once = f"socat UNIX-CONNECT:{shlex.quote(path)},forever,interval=0.05 UNIX-CONNECT:{vm.path}"
    stack.enter_context(relay(f"while :; do {once}; done", listens=False))
    return Target(vm, f"listen:unix:{path}")


# ------------------------------------------------------------------------ the tables

TRANSPORTS: dict[str, MakeTarget] = {
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
"""To what has chardevs: QEMU and the storage daemon. To a QEMU leads libvirt as well: that row is
in test_libvirt.py, since one process has to start libvirt's daemons. vsock is no chardev's, a
websocket neither takes commands (wire.md section 12). A name stands for one of them
(test_names.py).
"""

RELAYED: dict[str, MakePlainTarget] = {
    "unix": unix,
    "tcp": partial(relayed, "TCP-LISTEN:{port}", "127.0.0.1:{}".format),
    "telnet": relayed_telnet,
    "tls": partial(relayed, "OPENSSL-LISTEN:{port},verify=0", trusting),
    "tls, both ways": partial(relayed, "OPENSSL-LISTEN:{port},verify=1", trusted),
    "fd": inherited,
    "exec": command,
    "ssh": ssh,
    "listen": relayed_listen,
}
"""To a guest agent, where a relay is in the place of the VM, whose chardev it is that listens,
dials or speaks TLS and telnet, while the agent knows only its port. `pretty` is an option of
monitors alone.
"""

FROM_UNIX: dict[str, MakePlainTarget] = {
    name: RELAYED[name] for name in ("unix", "tcp", "fd", "exec", "ssh")
}
"""To StratoVirt, which listens on a unix socket or on TCP, and the test's server on the first
alone: the relay stands for the second. It knows neither TLS nor telnet, and never dials.
"""

NEEDS: dict[str, tuple[str, ...]] = {
    "tls": ("openssl",),
    "tls, both ways": ("openssl",),
    "exec": ("socat",),
    "ssh": ("ssh", "sshd"),
}
"""Programs that a transport's tests cannot do without."""
