"""A private sshd on a loopback port, and the ssh that gets in there."""

from __future__ import annotations

import contextlib
import getpass
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.ports import free_port
from tests.programs import need
from tests.waiting import PATIENCE, wait_until

# The default key exchange, sntrup761, costs a client 0.1 s of CPU for each connection.
_SERVER = """\
ListenAddress {address}
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/me.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
KexAlgorithms curve25519-sha256
AllowStreamLocalForwarding {forwards}
"""
_CLIENT = """\
Host *
  IdentityFile {folder}/me
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known
  StrictHostKeyChecking accept-new
Host forwarding
  HostName 127.0.0.1
  Port {port}
  User {user}
"""


def server_config(*, folder: object, port: int, forwards: str, address: str = "127.0.0.1") -> str:
    """The configuration of an sshd. folder: with its key, and that of the user it lets in"""
    return _SERVER.format(folder=folder, port=port, forwards=forwards, address=address)


class Sshd(NamedTuple):
    """port: on 127.0.0.1; environ: has qmpsh use an ssh that gets in, as host "forwarding" too."""

    port: int
    environ: dict[str, str]
    folder: Path


@contextlib.contextmanager
def serving_ssh(folder: Path, forwards: str = "yes") -> Iterator[Sshd]:
    """sshd in the foreground, its keys and files in the folder; ended at the end."""
    folder.chmod(0o700)
    for name in ("host", "me"):
        subprocess.run(
            [need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)],
            check=True,
        )
    if os.getuid() == 0:
        # Where sshd never ran as a service its empty folder is missing, which root's sshd wants.
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    port = free_port()
    facts = {"folder": folder, "port": port, "user": getpass.getuser()}
    config = server_config(folder=folder, port=port, forwards=forwards)
    (folder / "sshd_config").write_text(config)
    (folder / "config").write_text(_CLIENT.format(**facts))
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [need("sshd"), "-D", "-e", "-f", str(folder / "sshd_config")],
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        wait_until(lambda: "listening on" in (folder / "log").read_text(), PATIENCE, "sshd listens")
        yield Sshd(port, {"QMPSH_SSH": f"ssh -F {folder}/config"}, folder)
    finally:
        process.terminate()
        process.wait(PATIENCE)
