"""Three hosts with an sshd and VMs each: network namespaces for root, else ports of this machine.

All see `PATH/vms`, of which each host has its own.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from tests.client.sshd import server_config
from tests.ports import free_port
from tests.programs import find_program, need
from tests.qemu import ROOT, Vm, VmStarter, emulators, new_folder
from tests.waiting import PATIENCE, wait_until

NUMBERS = (1, 2, 3)
_CLIENT = """\
Host host{number}
  HostName {address}
  Port {port}
  User {user}
  IdentityFile {folder}/me
  IdentitiesOnly yes
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  LogLevel ERROR
"""


class Host(NamedTuple):
    """A host.

    link: the name of our end of its cable, "" where it is this machine
    sshd: its process

    Each VM has a second monitor, `path`, which is for the tests.
    """

    folder: str
    vms: list[Vm]
    link: str
    sshd: int

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """The host is cut off; where it is this machine, its sshd is frozen."""
        pids = [] if self.link else [self.sshd, *_descendants(self.sshd)]
        self._set(pids, "down", signal.SIGSTOP)
        try:
            yield
        finally:
            self._set(pids, "up", signal.SIGCONT)

    def _set(self, pids: list[int], state: str, number: signal.Signals) -> None:
        if self.link:
            _ip(f"link set {self.link} {state}")
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


class Hosts(NamedTuple):
    """Three hosts, on which the command is in the PATH.

    vms: where each sees its own sockets
    """

    folder: str
    vms: str
    hosts: dict[int, Host]
    environ: dict[str, str]

    @property
    def shared(self) -> str:
        """The folder with a host's own sockets, as that host sees it.

        Where the hosts are this machine it has the sockets of the first.
        """
        return self.vms if self.hosts[1].link else self.hosts[1].folder

    def targets(self, pattern: str = "*.sock") -> list[str]:
        """The words that name all VMs."""
        if self.hosts[1].link:
            return ["-a", f"ssh://host{{1..3}}{self.vms}/{pattern}"]
        return [
            word
            for number, host in self.hosts.items()
            for word in ("-a", f"ssh://host{number}{host.folder}/{pattern}")
        ]


@contextlib.contextmanager
def three_hosts(each: int = 2) -> Iterator[Hosts]:
    """The hosts. each: VMs of one"""
    folder = new_folder()
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for name in ("host", "me"):
            words = [need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{name}"]
            subprocess.run(words, check=True)
        vms = f"{folder}/vms"
        os.mkdir(vms)
        os.mkdir(f"{folder}/bin")
        command = Path(folder, "bin", "qmpsh")
        command.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m qmpsh "$@"\n')
        command.chmod(0o755)
        found = {number: _host(stack, folder, vms, number, each) for number in NUMBERS}
        yield Hosts(folder, vms, found, {"QMPSH_SSH": f"ssh -F {folder}/config"})


def _host(stack: contextlib.ExitStack, folder: str, vms: str, number: int, each: int) -> Host:
    own = f"{folder}/{number}"
    os.mkdir(own)
    starter = VmStarter(emulators()[number % len(emulators())])
    stack.callback(starter.close)
    machines = [
        starter("-qmp", f"unix:{own}/vm{at}.sock,server=on,wait=off", name=f"web{at}")
        for at in range(1, each + 1)
    ]
    link = f"q{os.getpid() % 100000}-{number}" if _may_make_networks() else ""
    address = _network(stack, link, number) if link else "127.0.0.1"
    port = 22 if link else free_port()
    config = server_config(folder=folder, port=port, forwards="yes", address=address)
    config += f"SetEnv PATH={folder}/bin:{os.environ['PATH']}\n"
    Path(own, "sshd_config").write_text(config)
    user = getpass.getuser()
    with Path(folder, "config").open("a") as config_of_client:
        config_of_client.write(
            _CLIENT.format(number=number, address=address, port=port, user=user, folder=folder)
        )
    words = [need("sshd"), "-D", "-e", "-f", f"{own}/sshd_config"]
    if link:
        script = 'mount --bind "$0" "$1" && shift && exec "$@"'
        words = ["ip", "netns", "exec", link, "sh", "-c", script, own, vms, *words]
    return Host(own, machines, link, _serve(stack, words, Path(own, "log")))


def _serve(stack: contextlib.ExitStack, words: list[str], log: Path) -> int:
    """A server that says in its log that it listens; its process."""
    if os.getuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=output)
    stack.callback(process.wait, PATIENCE)
    stack.callback(process.terminate)
    wait_until(lambda: "listening on" in log.read_text(), PATIENCE, "sshd listens")
    return process.pid


def _descendants(pid: int) -> list[int]:
    found = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*found, *(child for one in found for child in _descendants(one))]


@cache
def _may_make_networks() -> bool:
    """Whether this user may make a network namespace and a cable to it, and enter it.

    Root mostly may, but not in a chroot: entering it mounts the root folder again, and an attempt
    would leave the mount /run/netns.
    """
    ip, name = find_program("ip"), f"q{os.getpid() % 100000}-try"
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    has_root = any(line.split()[4] == "/" for line in mounts)  # proc(5)
    if os.getuid() or ip is None or not has_root:
        return False
    tries = (
        f"netns add {name}",
        f"link add {name} type veth peer name eth0 netns {name}",
        f"-n {name} link set eth0 up",
    )
    run = partial(subprocess.run, capture_output=True, check=False)
    done = [run([ip, *words.split()]) for words in tries]
    run([ip, "netns", "del", name])
    return not any(one.returncode for one in done)


def _network(stack: contextlib.ExitStack, name: str, number: int) -> str:
    """A network namespace at the end of a cable; its address."""
    pid = os.getpid()
    net = f"198.{18 + pid // 250 % 2}.{pid % 250}"
    ours, theirs = f"{net}.{4 * number + 1}", f"{net}.{4 * number + 2}"
    _ip(f"netns add {name}")
    stack.callback(_ip, f"netns del {name}")
    _ip(f"link add {name} type veth peer name eth0 netns {name}")
    _ip(f"address add {ours}/30 dev {name}")
    _ip(f"link set {name} up")
    _ip(f"-n {name} address add {theirs}/30 dev eth0")
    _ip(f"-n {name} link set eth0 up")
    return theirs


def _ip(words: str) -> None:
    subprocess.run([need("ip"), *words.split()], check=True)
