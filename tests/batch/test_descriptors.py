"""`--fd` and `.add-fd` on a real QEMU."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from tests.conftest import RunQmpsh
from tests.qemu import Vm, VmStarter


@pytest.fixture
def disk(tmp_path: Path) -> str:
    path = tmp_path / "my disk.img"
    path.write_bytes(bytes(65536))
    return str(path)


def blockdev(number: int, more: str = "") -> str:
    file = f"file={{driver: file, filename: /dev/fdset/{number}}}"
    return f"blockdev-add driver=raw node-name=n{number} {file} {more}\n"


def test_getfd(run_qmpsh: RunQmpsh, vm: Vm, disk: str) -> None:
    run = run_qmpsh(vm.path, "getfd", "fdname=a", "--fd", disk)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert run_qmpsh(vm.path, f"getfd fdname=b --fd '{disk}:ro'").returncode == 0
    assert run_qmpsh(vm.path, "closefd", "fdname=a").returncode == 0
    assert run_qmpsh(vm.path, "closefd", "fdname=b").returncode == 0
    assert run_qmpsh(vm.path, "closefd", "fdname=b").returncode == 1


def test_a_command_that_wants_one(run_qmpsh: RunQmpsh, vm: Vm) -> None:
    run = run_qmpsh(vm.path, "getfd", "fdname=a")
    assert run.returncode == 1
    assert run.stderr == (
        "qmpsh: GenericError: No file descriptor supplied via SCM_RIGHTS; add --fd FILE\n"
    )


def test_a_command_that_takes_none(run_qmpsh: RunQmpsh, vm: Vm) -> None:
    run = run_qmpsh(vm.path, "query-name", "--fd", os.devnull)
    assert run.returncode == 0
    assert run.stderr == (
        "qmpsh: query-name takes no descriptor: the VM keeps it for the next that does\n"
    )


def test_add_fd_is_a_disk(run_qmpsh: RunQmpsh, vm: Vm, disk: str) -> None:
    # In one session: a VM that runs drops an unused set once nobody is at its monitors (7.2, 10.0).
    script = f"""
        .add-fd "{disk}"
        {blockdev(0)}
        .add-fd '{disk}:ro' --json
        {blockdev(1, "read-only=on")}
        add-fd fdset-id=7 --fd "{disk}:ro"
        {blockdev(7)}
    """
    lines = "\n".join(line.strip() for line in script.splitlines())
    run = run_qmpsh(vm.path, stdin=lines)
    name, whole, taken = run.stdout.splitlines()
    assert name == "/dev/fdset/0"
    assert json.loads(whole)["return"]["fdset-id"] == 1
    assert json.loads(taken)["fdset-id"] == 7
    assert run.returncode == 1, "what was opened to be read cannot be written"
    nodes = json.loads(run_qmpsh(vm.path, "query-named-block-nodes").stdout)
    assert {"n0", "n1"} <= {node["node-name"] for node in nodes}


def test_what_may_not_be_written_is_read(run_qmpsh: RunQmpsh, vm: Vm) -> None:
    # A program that runs may be written by nobody, root included.
    program = f"/proc/{vm.pid}/exe"
    run = run_qmpsh(vm.path, ".add-fd", program)
    assert (run.returncode, run.stdout) == (0, "/dev/fdset/0\n")
    assert run.stderr == f"qmpsh: {program} may not be written: the VM can only read it\n"
    assert run_qmpsh(vm.path, ".add-fd", f"{program}:rw").returncode == 2


def test_what_cannot_be_opened(run_qmpsh: RunQmpsh, vm: Vm, tmp_path: Path) -> None:
    missing, folder, place = f"{tmp_path}/none", f"{tmp_path}", f"{vm.folder}/x"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        for path, said in (
            (missing, f"no such file: {missing}"),
            (f"{missing}:ro", f"no such file: {missing}"),
            (folder, f"{folder} is a directory; name a file in it"),
            (f"{folder}:ro", f"{folder} is a directory; name a file in it"),
            (place, f"{place} is a socket, or a device that is not there; name a file"),
        ):
            run = run_qmpsh(vm.path, ".add-fd", path)
            assert (run.returncode, run.stdout, run.stderr) == (2, "", f"qmpsh: {said}\n")
    assert json.loads(run_qmpsh(vm.path, "query-fdsets").stdout) == []


def test_one_file(run_qmpsh: RunQmpsh, vm: Vm) -> None:
    for words in ([".add-fd"], [".add-fd", "a", "b"], [".add-fd a b"]):
        run = run_qmpsh(vm.path, *words)
        assert run.returncode == 2
        assert "expected one file, as in .add-fd ./disk.img" in run.stderr


def test_dry_run_opens_nothing(run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh("-n", "add-fd", "fdset-id=7", "--fd", "/none")
    assert (run.returncode, run.stdout, run.stderr) == (
        0,
        '{"execute": "add-fd", "arguments": {"fdset-id": 7}}\n',
        "qmpsh: a descriptor of /none would go with it\n",
    )


def test_tcp_carries_none(run_qmpsh: RunQmpsh, start_vm: VmStarter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start_vm(
        *("-chardev", f"socket,id=t,host=127.0.0.1,port={port},server=on,wait=off"),
        *("-mon", "chardev=t,mode=control"),
    )
    run = run_qmpsh(f"127.0.0.1:{port}", ".add-fd", "/none")
    assert (run.returncode, run.stdout) == (2, "")
    assert "--fd: a descriptor cannot go to" in run.stderr
