"""One-shots and scripts on servers that are no emulator."""

from __future__ import annotations

import json

import pytest

from tests.conftest import RunQmpsh
from tests.qemu import Vm

QUERY = "query-status\n"

# ------------------------------------------------------------------------ StratoVirt


def test_a_long_script_is_never_throttled(run_qmpsh: RunQmpsh, stratovirt: str) -> None:
    run = run_qmpsh(stratovirt, stdin=QUERY * 300)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.count('"status": "running"') == 300


@pytest.mark.parametrize(
    "line, code, stdout, stderr",
    [
        (["query-workloads"], 0, "[]\n", ""),
        (["query-qmp-schema"], 0, "", ""),
        (["netdev_replace"], 0, '"netdev_replace not supported for VM"\n', ""),
        (["device_add", "id=a", "driver=virtio-net-pci", "addr=3", "throttle.x=1"], 1, "", "thr"),
        (["device_add", "id=a", "driver=virtio-net-pci", "addr=3"], 0, "", ""),
        (["-H", "info snapshots"], 0, "There is no snapshot available.\n", ""),
        (["-H", "info status"], 1, "", "qmpsh: GenericError: Invalid number of arguments\n"),
        (["query-kvm", "--oob"], 2, "", "qmpsh: --oob: no out-of-band execution here, this server"),
        ([f"qom-list path={'x' * 9000}"], 2, "", "qmpsh: qom-list: StratoVirt takes requests of"),
        (["nope"], 1, "", "qmpsh: GenericError: unknown variant `nope`, expected one of"),
        (["getfd", "fdname=a"], 1, "", "qmpsh: GenericError: Invalid SCM message; add --fd FILE\n"),
        (["getfd", "fdname=a", "--fd", "/dev/null"], 0, "", ""),
        (["quit"], 0, "", ""),
    ],
    ids=lambda value: value[0][:12] if isinstance(value, list) else "",
)
def test_stratovirt(
    run_qmpsh: RunQmpsh, stratovirt: str, line: list[str], code: int, stdout: str, stderr: str
) -> None:
    options = [word for word in line if word == "-H"]
    words = [word for word in line if word != "-H"]
    run = run_qmpsh(*options, stratovirt, *words)
    assert (run.returncode, run.stdout) == (code, stdout)
    assert stderr in run.stderr
    assert bool(run.stderr) == bool(stderr)


# ------------------------------------------------------------------------ storage daemon


def test_storage_daemon(run_qmpsh: RunQmpsh, daemon: str) -> None:
    node = ("blockdev-add", "driver=null-co", "node-name=n0", "size=64K")
    assert run_qmpsh(daemon, *node).returncode == 0
    nodes = json.loads(run_qmpsh(daemon, "query-named-block-nodes").stdout)
    assert [node["node-name"] for node in nodes] == ["n0"]
    run = run_qmpsh(daemon, "blockdev-add", "driver=null-co", "node-nam=n1")
    assert run.returncode == 2


def test_no_human_monitor(run_qmpsh: RunQmpsh, daemon: str) -> None:
    run = run_qmpsh(daemon, "--hmp", "info block")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == (
        "qmpsh: CommandNotFound: The command human-monitor-command has not been found; this server"
        " has no human monitor\n"
    )
    script = "blockdev-add driver=null-co node-name=n0\n.hmp info block\n"
    run = run_qmpsh(daemon, stdin=script)  # its kind is known once the schema was needed
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "stdin:2: a storage daemon has no human monitor; use its QMP commands, .help lists them\n"
    )


def test_oob_without_it(run_qmpsh: RunQmpsh, vm: Vm) -> None:
    assert run_qmpsh(vm.path, "query-yank", "--oob").returncode == 0
    run = run_qmpsh("--no-oob", vm.path, "query-yank", "--oob")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "qmpsh: --oob: no out-of-band execution here, --no-oob forbids it; write the line without\n"
    )
