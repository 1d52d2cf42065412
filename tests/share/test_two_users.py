"""Shares of other users: root goes through one only where it could be fooled by no more than the
monitor itself.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.shares import connect_share, share_folders, share_name, trusted_users
from qmpsh.share.door import listen_door
from qmpsh.share.server import MAX_CLIENTS, OWN_PLACES
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm, VmStarter
from tests.share.holder import Holder, RawClient
from tests.waiting import PATIENCE, wait_until

ALICE, BOB, NOBODY = 4242, 4243, 65534
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user"),
    pytest.mark.one_emulator,
]


AS_USER = """
import ctypes, importlib, os, pkgutil, sys
sys.path.insert(0, {root!r})
import click, qmpsh
for one in pkgutil.walk_packages(qmpsh.__path__, "qmpsh."):
    if one.name.startswith(("qmpsh.cli", "qmpsh.client", "qmpsh.sh", "qmpsh.sy", "qmpsh.render")):
        importlib.import_module(one.name)
from qmpsh.__main__ import main
os.setgroups([])
os.setgid({uid})
os.setuid({uid})
ctypes.CDLL(None).prctl(4, 1)  # PR_SET_DUMPABLE: its folder in /proc is the user's
sys.exit(main())
"""
"""A qmpsh that becomes another user once it is loaded, who may not read where Python lies."""


def as_user(uid: int, *words: str, folder: str) -> subprocess.Popen[str]:
    script = f"{folder}/qmpsh"
    with open(script, "w") as file:
        file.write(AS_USER.format(root=str(ROOT), uid=uid))
    return subprocess.Popen(
        [sys.executable, script, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={"HOME": folder},
    )  # fmt: skip


class OtherShare:
    """A `qmpsh share` of another user, of a VM whose socket's file is a user's."""

    def __init__(self, vm: Vm, uid: int, owner: int) -> None:
        os.chmod(vm.folder, 0o755)
        os.chown(vm.path, owner, -1)
        os.chmod(vm.path, 0o666)
        self.folders = [*share_folders(uid)]
        self.process = as_user(uid, "share", vm.path, folder=vm.folder)
        assert self.process.stderr is not None
        self.said = self.process.stderr.readline()

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE)
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def vm_of_alice(start_vm: VmStarter) -> Vm:
    return start_vm(name="alices")


@pytest.fixture
def share(vm_of_alice: Vm) -> Iterator[OtherShare]:
    share = OtherShare(vm_of_alice, ALICE, ALICE)
    yield share
    share.end()


def is_found(vm: Vm) -> bool:
    found = connect_share(UnixAddress(vm.path))
    if found is not None:
        found.socket.close()
    return found is not None


def test_root_goes_through_the_share_of_the_owner(
    share: OtherShare, vm_of_alice: Vm, run_qmpsh: RunQmpsh
) -> None:
    assert "sharing" in share.said
    assert run_qmpsh(vm_of_alice.path, "query-name").returncode == 0
    told = run_qmpsh("doctor", vm_of_alice.path).stdout
    assert f"through qmpsh {share.process.pid} of {ALICE}" in told
    (row,) = [line for line in run_qmpsh("ls").stdout.splitlines() if vm_of_alice.path in line]
    assert f"qmpsh:{share.process.pid}" in row


@pytest.mark.parametrize("owner", [0, BOB])
def test_root_goes_through_no_other(start_vm: VmStarter, owner: int, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm(name="alices")
    share = OtherShare(vm, ALICE, owner)
    assert "sharing" in share.said
    assert not is_found(vm)
    ran = run_qmpsh("--connect-timeout", "0.5", vm.path, "query-name")
    assert ran.returncode == 3
    assert f"qmpsh, pid {share.process.pid}, of {ALICE} holds this monitor" in ran.stderr
    assert f"there: qmpsh share {vm.path} --listen PATH serves others too" in ran.stderr
    share.end()


def test_nobody_is_all_whom_a_container_does_not_know(start_vm: VmStarter) -> None:
    vm = start_vm()
    share = OtherShare(vm, NOBODY, NOBODY)
    assert "nothing is shared" in share.said
    assert [*share_folders(NOBODY)] == []
    share.end()


def test_the_share_of_root_is_hidden_from_others(vm: Vm) -> None:
    os.chmod(vm.folder, 0o755)
    os.chmod(vm.path, 0o666)
    holder = OtherShare(vm, 0, 0)
    looking = as_user(ALICE, "--connect-timeout", "0.5", vm.path, "query-name", folder=vm.folder)
    _, said = looking.communicate(timeout=PATIENCE)
    assert looking.returncode == 3
    assert "a client that /proc hides from you holds this monitor" in said
    assert f"let its user run qmpsh share {vm.path} --listen PATH" in said
    holder.folders.clear()
    holder.end()


def test_whom_root_trusts(vm: Vm) -> None:
    address = UnixAddress(vm.path)
    assert [*trusted_users(address)] == [0]
    os.chown(vm.path, ALICE, -1)
    assert [*trusted_users(address)] == [0, ALICE]
    assert [*trusted_users(UnixAddress("x", abstract=True))] == [0]
    assert share_name(address)
    wait_until(lambda: not is_found(vm))


def connected_as(uid: int, path: str, count: int) -> int:
    """Start a process of a user that connects so often; it exits with how many were greeted."""
    pid = os.fork()
    if pid == 0:
        greeted = 0
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            clients = [socket.socket(socket.AF_UNIX) for _ in range(count)]
            for client in clients:
                client.settimeout(PATIENCE)
                client.connect(path)
                with contextlib.suppress(ConnectionResetError):
                    greeted += bool(client.recv(1000))
        finally:
            os._exit(greeted)
    return pid


def greeted(holder: Holder, pid: int) -> int:
    """Serve until that process has ended; how many of its connections were greeted."""
    codes: list[int] = []

    def has_ended() -> bool:
        ended, status = os.waitpid(pid, os.WNOHANG)
        codes.extend([os.waitstatus_to_exitcode(status)] if ended else [])
        return bool(ended)

    holder.run_until(has_ended)
    return codes[0]


def test_other_users_leave_room_for_the_own(vm: Vm) -> None:
    os.chmod(vm.folder, 0o755)
    look = listen_door(f"{vm.folder}/look", read_only=True, mode=0o666)
    holder = Holder(vm.path, look)
    pid = connected_as(ALICE, look.path, MAX_CLIENTS)
    assert greeted(holder, pid) == MAX_CLIENTS - OWN_PLACES
    holder.run_until(lambda: not holder.server.clients)
    RawClient(holder).negotiate()
    holder.close_all()


def test_even_where_the_folder_is_open_no_other_user_comes_in(vm: Vm) -> None:
    holder = Holder(vm.path)
    os.chmod(os.path.dirname(holder.own.path), 0o711)
    os.chmod(holder.own.path, 0o666)
    here = os.path.dirname(os.path.dirname(holder.own.path))
    while here != "/":  # temporary folders of the test
        os.chmod(here, os.stat(here).st_mode | 0o011)
        here = os.path.dirname(here)
    for uid in (ALICE, NOBODY):
        assert greeted(holder, connected_as(uid, holder.own.path, 1)) == 0
    assert greeted(holder, connected_as(0, holder.own.path, 1)) == 1
    holder.close_all()
