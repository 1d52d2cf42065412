"""Each recipe of docs/recipes.md, run as it stands there, on a real QEMU."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import RunQmpsh
from tests.listening import listening
from tests.many.hosts import Hosts, three_hosts
from tests.programs import need, unavailable
from tests.qemu import ROOT, Vm, VmStarter, emulators
from tests.waiting import PATIENCE

RECIPES = dict(
    re.findall(
        r"^## ([^\n]+)\n\n```sh\n(.*?)^```$",
        (ROOT / "docs" / "recipes.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
)
MIB = 1 << 20
SECOND = ("-qmp", "unix:{folder}/t,server=on,wait=off")
"""a monitor for somebody else"""

Recipe = Callable[[str, Mapping[str, str]], subprocess.CompletedProcess[str]]


@pytest.fixture
def recipe(tmp_path: Path, with_qmpsh: dict[str, str]) -> Recipe:
    """Runs the one whose heading begins so, with these variables."""

    def run(heading: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        [text] = [text for name, text in RECIPES.items() if name.startswith(heading)]
        return subprocess.run(
            ["sh", "-c", text],
            cwd=tmp_path,
            env={**with_qmpsh, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    return run


def test_there_are_fourteen() -> None:
    assert len(RECIPES) == 14


def test_counters_for_prometheus(recipe: Recipe, running: Vm, tmp_path: Path) -> None:
    done = recipe("Counters", {"SOCKS": running.path, "FOLDER": str(tmp_path)})
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


@pytest.fixture
def running(start_vm: VmStarter) -> Vm:
    """A PC that runs, without an operating system, and two monitors."""
    return start_vm(*SECOND, machine="pc")


def test_a_guest_that_does_not_power_down(recipe: Recipe, running: Vm) -> None:
    done = recipe("Power down", {"SOCK": running.path, "GRACE": "200ms"})
    assert done.returncode == 0
    assert done.stderr.endswith("the guest is still there; the VM ends now\n")
    running.process.wait(timeout=PATIENCE)


def test_a_guest_that_powers_down(recipe: Recipe, running: Vm) -> None:
    # No guest here listens to the button: somebody at the other monitor sees it pressed, and quits.
    with at_the_other_monitor(running, "POWERDOWN", f"{other_monitor(running)} quit") as guest:
        done = recipe("Power down", {"SOCK": running.path, "GRACE": "50s"})
        assert (done.returncode, done.stderr) == (0, "")
        running.process.wait(timeout=PATIENCE)
        assert guest.wait(timeout=PATIENCE) == 0


def other_monitor(vm: Vm) -> str:
    """The beginning of a shell's line to the VM's second monitor."""
    return f'"{sys.executable}" -m qmpsh "{vm.folder}/t"'


def at_the_other_monitor(
    vm: Vm, event: str, then: str
) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    """Somebody who listens for an event, and then runs a line of the shell's."""
    return listening("sh", "-c", f"{other_monitor(vm)} .wait {event} && {then}")


def test_a_vm_that_is_not_there(recipe: Recipe) -> None:
    done = recipe("Power down", {"SOCK": "./none"})
    assert done.returncode == 3
    assert "the VM ends now" not in done.stderr


def test_a_network_card(recipe: Recipe, fresh_q35: Vm, run_qmpsh: RunQmpsh) -> None:
    added = run_qmpsh(
        fresh_q35.path,
        stdin="netdev_add type=hubport id=net1 hubid=1\n"
        "device_add driver=virtio-net-pci id=nic1 netdev=net1 bus=rp0 romfile=\n",
    )
    assert added.returncode == 0, added.stderr
    variables = {"SOCK": fresh_q35.path, "NIC": "nic1", "NETDEV": "net1"}
    assert recipe("Unplug", variables).returncode == 0
    done = recipe("Unplug", variables)
    assert (done.returncode, "Device 'nic1' not found" in done.stderr) == (1, True)


def test_a_card_that_the_guest_keeps(recipe: Recipe, start_vm: VmStarter) -> None:
    vm = start_vm("-S", "-device", "virtio-rng-pci,id=nic1", machine="pc")
    variables = {"SOCK": vm.path, "NIC": "nic1", "NETDEV": "none", "GRACE": "200ms"}
    assert recipe("Unplug", variables).returncode == 124


def test_a_backup(recipe: Recipe, fresh_q35: Vm, run_qmpsh: RunQmpsh) -> None:
    need("qemu-img")
    backup = f"{fresh_q35.folder}/backup.qcow2"
    variables = {"SOCK": fresh_q35.path, "NODE": "disk0", "SIZE": "1G", "BACKUP": backup}
    done = recipe("Back up", variables)
    assert (done.returncode, json.loads(done.stdout)["offset"]) == (0, 1024 * MIB)
    assert os.path.getsize(backup) > 0
    nodes = run_qmpsh(fresh_q35.path, "query-named-block-nodes").stdout
    assert '"target"' not in nodes
    assert recipe("Back up", {**variables, "SIZE": "1M"}).returncode == 1


def test_attaching_to_a_job(recipe: Recipe, fresh_q35: Vm, run_qmpsh: RunQmpsh) -> None:
    backup = (
        "blockdev-backup job-id=b0 device=disk0 target=nowhere sync=full auto-dismiss=false speed="
    )
    added = run_qmpsh(
        fresh_q35.path,
        stdin=f"blockdev-add driver=null-co node-name=nowhere size=1G\n{backup}64K\n",
    )
    assert added.returncode == 0, added.stderr
    variables = {"SOCK": fresh_q35.path, "JOB": "b0"}
    assert recipe("Attach", {**variables, "GRACE": "200ms"}).returncode == 124
    run_qmpsh(fresh_q35.path, "block-job-set-speed", "device=b0", "speed=0")
    done = recipe("Attach", variables)
    assert done.stdout.endswith("b0 has ended well\n")
    assert recipe("Attach", {**variables, "JOB": "none"}).returncode == 1


def test_cron(recipe: Recipe, running: Vm, run_qmpsh: RunQmpsh) -> None:
    done = recipe("Check a VM", {"SOCK": running.path})
    assert (done.stdout, done.stderr) == ("", "")
    run_qmpsh(running.path, "stop")
    done = recipe("Check a VM", {"SOCK": running.path})
    assert re.search(r"^\S+: the VM does not run: \{\"return\": \{.*paused.*\}\}$", done.stdout)
    done = recipe("Check a VM", {"SOCK": "./none"})
    assert done.stdout.startswith('./none: no answer: {"error": {"class": "CannotConnect"')


def test_a_picture(recipe: Recipe, start_vm: VmStarter) -> None:
    vm = start_vm("-S", "-device", "VGA,romfile=", machine="pc")
    picture = Path(vm.folder, "screen.png")
    assert recipe("Take a picture", {"SOCK": vm.path, "PICTURE": str(picture)}).returncode == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    done = recipe("Take a picture", {"SOCK": vm.path, "PICTURE": "/nowhere/screen.png"})
    assert done.returncode == 1


def test_a_move(recipe: Recipe, start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    source = start_vm(*SECOND, machine="pc")
    target = start_vm("-incoming", "defer", machine="pc")
    road = f"unix:{source.folder}/road"
    done = recipe("Move", {"SOCK": source.path, "TARGET": target.path, "URI": road})
    assert (done.returncode, done.stderr) == (0, "")
    source.process.wait(timeout=PATIENCE)
    assert json.loads(run_qmpsh(target.path, "query-status").stdout)["running"] is True


def test_a_move_to_nobody_ends_nothing(recipe: Recipe, start_vm: VmStarter) -> None:
    source = start_vm(machine="pc")
    target = start_vm(machine="pc")
    road = {"SOCK": source.path, "TARGET": target.path, "URI": f"unix:{source.folder}/road"}
    assert recipe("Move", road).returncode == 1
    assert source.is_running


@pytest.mark.parametrize("reason, code", [("guest-reset", 0), ("guest-shutdown", 1)])
def test_a_test_in_ci(recipe: Recipe, start_vm: VmStarter, reason: str, code: int) -> None:
    # The BIOS finds nothing to boot, and resets, which ends this VM.
    vm = start_vm("-S", "-no-reboot", "-boot", "reboot-timeout=1", machine="pc")
    done = recipe("Wait for the end", {"SOCK": vm.path, "REASON": reason})
    assert (done.returncode, done.stderr) == (code, "")


def test_a_test_in_ci_that_hangs(recipe: Recipe, start_vm: VmStarter) -> None:
    vm = start_vm("-S", machine="pc")
    variables = {"SOCK": vm.path, "REASON": "guest-reset", "GRACE": "200ms"}
    assert recipe("Wait for the end", variables).returncode == 124


def test_a_test_in_ci_whose_vm_dies(recipe: Recipe, start_vm: VmStarter) -> None:
    vm = start_vm("-S", *SECOND, machine="pc")
    with at_the_other_monitor(vm, "RESUME", f"kill -9 {vm.pid}"):
        done = recipe("Wait for the end", {"SOCK": vm.path, "REASON": "guest-reset"})
        assert done.returncode == 4


def test_snapshots(recipe: Recipe, start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    disks = [
        word
        for node in "ab"
        for word in (
            *("-blockdev", f"driver=null-co,node-name={node},size={MIB},read-zeroes=on"),
            *("-device", f"virtio-blk-pci,drive={node}"),
        )
    ]
    vm = start_vm("-S", *disks, machine="pc")
    variables = {"SOCK": vm.path, "NODES": "a b", "STAMP": "s1", "FOLDER": vm.folder}
    done = recipe("Snapshot", variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert {"a-s1.qcow2", "b-s1.qcow2"} <= set(os.listdir(vm.folder))
    again = {**variables, "NODES": "a-s1 none", "STAMP": "s2"}
    assert recipe("Snapshot", again).returncode == 1
    nodes = run_qmpsh(vm.path, "query-named-block-nodes").stdout
    assert '"a-s1"' in nodes
    assert '"a-s1-s2"' not in nodes


def test_pausing_many(recipe: Recipe, start_vm: VmStarter, tmp_path: Path) -> None:
    vms = [start_vm(name=name) for name in ("web1", "web2")]
    for number, vm in enumerate((*vms, start_vm("-S", name="paused"))):
        os.symlink(vm.path, tmp_path / f"{number}.sock")
    done = recipe("Pause", {"SOCKS": f"{tmp_path}/*.sock"})
    assert (done.stderr, done.returncode) == ("qmpsh: 3 ok\nqmpsh: 2 ok\n", 0)
    assert {*(tmp_path / "running").read_text().split()} == {
        f"{tmp_path}/{number}.sock" for number in (0, 1)
    }
    done = recipe("Pause", {"SOCKS": f"{tmp_path}/*.sock"})
    assert (done.stderr, done.returncode) == ("qmpsh: 3 ok\n", 0)


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    """Three hosts with qmpsh and two VMs each."""
    for program in ("ssh", "sshd", "ssh-keygen"):
        need(program)
    if not emulators():
        unavailable("QEMU is not installed")
    with three_hosts() as found:
        yield found


def test_clustershell(recipe: Recipe, hosts: Hosts, tmp_path: Path) -> None:
    need("clush")
    ssh = hosts.environ["QMPSH_SSH"].removeprefix("ssh ")
    # One host after the other: where they are this machine, their VMs are the same.
    (tmp_path / "clush.conf").write_text("[Main]\nfanout: 1\n")
    variables = {
        "HOSTS": "host[1-3]",
        "SSH_OPTIONS": ssh,
        "SOCKETS": f"{hosts.shared}/*.sock",
        "CLUSTERSHELL_CFGDIR": str(tmp_path),
    }
    done = recipe("Ask the VMs of many hosts by ClusterShell", variables)
    assert done.returncode == 0, done.stderr
    # Those with another QEMU answer something else; without networks all have the same VMs.
    is_one_kind = len(emulators()) == 1 or not hosts.hosts[1].link
    first = "host[1-3] (3)" if is_one_kind else "host[1,3] (2)"
    assert first in done.stdout
    assert re.search(r"web\[1-2\] \(2\) +running", done.stdout)
    none = {**variables, "SOCKETS": "/none/*.sock"}
    assert recipe("Ask the VMs of many hosts by ClusterShell", none).returncode == 2


def test_ansible(recipe: Recipe, hosts: Hosts, tmp_path: Path) -> None:
    need("ansible")
    ssh = hosts.environ["QMPSH_SSH"].removeprefix("ssh ")
    inventory = tmp_path / "inv.ini"
    inventory.write_text(
        "[hv]\nhost[1:3]\n[hv:vars]\n"
        f"ansible_ssh_common_args='{ssh}'\nansible_python_interpreter={sys.executable}\n"
    )
    variables = {
        "PATTERN": "hv:!host2:!host3",
        "INVENTORY": str(inventory),
        "SOCKETS": f"{hosts.shared}/*.sock",
        "ANSIBLE_LOCAL_TEMP": str(tmp_path),
        "ANSIBLE_REMOTE_TMP": str(tmp_path),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(tmp_path),
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=no",
        "ANSIBLE_PIPELINING": "true",
        "LC_ALL": "C.UTF-8",  # Ansible takes no other encoding
    }
    done = recipe("Ask the VMs of many hosts by Ansible", variables)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = sorted(line.split(" ", 1) for line in done.stdout.splitlines())
    assert [host for host, _ in lines] == ["host1", "host1"]
    assert all(json.loads(line)["return"]["status"] == "running" for _, line in lines)


KUBECTL = """\
#!/bin/sh
case $1 in
    get) printf 'pod/web1\\npod/gone\\n' ;;
    exec) [ "$3" = pod/web1 ] && shift 4 && exec "$@"
        echo 'Error from server (NotFound): pods "gone" not found' >&2
        exit 1 ;;
esac
"""


def test_kubernetes(recipe: Recipe, vm: Vm, tmp_path: Path, with_qmpsh: dict[str, str]) -> None:
    need("socat")
    kubectl = tmp_path / "bin" / "kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)
    done = recipe("Ask VMs in Kubernetes", {"LABEL": "web", "SOCK": vm.path})
    lines = {line["vm"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert lines["web1"]["return"]["status"] == "running"
    assert 'pods "gone" not found' in lines["gone"]["error"]["desc"]
    assert (done.returncode, done.stderr) == (3, "qmpsh: 1 ok, 1 unreachable\n")
