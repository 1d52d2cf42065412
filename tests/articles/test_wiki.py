"""QEMU's wiki on QMP: its examples, "By hand" and "qmp-shell script"."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest

from tests.conftest import RunQmpsh
from tests.language.helpers import DATA
from tests.ports import free_port
from tests.qemu import Vm, VmStarter, new_folder

EXAMPLES = (DATA / "qemu-wiki.txt").read_text()
NEGOTIATED = "stdin:{}: qmp_capabilities: already negotiated, not sent again\n"
CONFIG = """\
[chardev "qmp"]
  backend = "socket"
  path = "{folder}/q"
  server = "on"
  wait = "off"
[mon "qmp"]
  mode = "control"
  chardev = "qmp"
  pretty = "on"
"""
PC = (
    *("-drive", "if=ide,index=2,media=cdrom,file.driver=null-co,file.size=1048576"),
    *("-device", "virtio-rng-pci,id=rng"),
)
"""a CD drive ide1-cd0, as a PC has without -nodefaults"""


@pytest.fixture
def short_folder() -> Iterator[str]:
    """A folder with a path that a socket's address has room for."""
    folder = new_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def pc(start_vm: VmStarter) -> Vm:
    return start_vm(*PC, machine="pc")


def test_all_that_it_shows_pasted_as_one_text(pc: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(pc.path, "-k", "--json", stdin=EXAMPLES)
    assert (done.returncode, done.stderr) == (0, NEGOTIATED.format(1) + NEGOTIATED.format(6))
    replies = [json.loads(line)["return"] for line in done.stdout.splitlines()]
    assert [type(reply) for reply in replies] == [dict, dict, dict, dict, list, dict]
    assert replies[2]["status"] == "running"
    assert {"name": "query-commands"} in replies[4]
    there = run_qmpsh(pc.path, "qom-list", "path=/machine/peripheral")
    assert '"net1"' in there.stdout


def test_by_hand_with_telnet(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    """A socket for telnet, which is TCP alone, and one that speaks its protocol."""
    script = '{ "execute": "qmp_capabilities" }\n{ "execute": "query-commands" }\n'
    for kind in ("tcp", "telnet"):
        port = free_port()
        vm = start_vm("-qmp", f"{kind}:localhost:{port},server,wait=off")
        address = f"localhost:{port}" if kind == "tcp" else f"telnet:localhost:{port}"
        done = run_qmpsh(address, stdin=script)
        assert (done.returncode, done.stderr) == (0, NEGOTIATED.format(1))
        assert {"name": "query-commands"} in json.loads(done.stdout.splitlines()[-1])
        vm.kill()


def test_a_configuration_file(start_vm: VmStarter, run_qmpsh: RunQmpsh, short_folder: str) -> None:
    """Its monitor indents what it sends (pretty=on)."""
    with open(f"{short_folder}/qemu-qmp.conf", "w") as config:
        config.write(CONFIG.replace("{folder}", short_folder))
    start_vm("-readconfig", f"{short_folder}/qemu-qmp.conf")
    done = run_qmpsh(f"{short_folder}/q", "--connect-timeout", "20", "query-status")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["status"] == "running"


def test_the_qmp_shell_script(pc: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(pc.path, stdin="device_add driver=e1000 id=net1\n")
    assert (done.returncode, done.stderr) == (0, "")
    done = run_qmpsh(pc.path, stdin="device_add driver=e1000 id=net1\n")
    assert (done.returncode, done.stderr) == (
        1,
        "stdin:1: GenericError: Duplicate device ID 'net1'\n",
    )
