"""Verbs that explain and translate, on a real QEMU."""

from __future__ import annotations

import ast
import json
import subprocess

from tests.conftest import RunQmpsh
from tests.programs import need
from tests.qemu import ROOT, Vm

MANUAL = {"QMPSH_MANPATH": str(ROOT / "tests" / "data" / "manual")}
NO_MANUAL = {"QMPSH_MANPATH": ""}


def test_help_without_a_name_lists_everything(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    said = run_qmpsh(vm.path, ".help").stdout
    assert ".export bash|python|virsh LINE" in said
    assert "blockdev-add" in said
    assert max(map(len, said.splitlines())) <= 100


def test_help_of_a_command(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, ".help balloon", env=NO_MANUAL)
    assert done.stdout.splitlines()[:3] == [
        "balloon  (command)",
        "  value*  int",
        "returns nothing",
    ]
    done = run_qmpsh(vm.path, ".help", "blockdev-add", "driver=qcow2", env=NO_MANUAL)
    assert "  file*  " in done.stdout
    assert "the members that driver selects" in run_qmpsh(vm.path, ".help blockdev-add").stdout


def test_help_of_a_device_tells_its_properties(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, ".help", "device_add", "driver=virtio-rng-pci", env=NO_MANUAL)
    lines = done.stdout.splitlines()
    assert "  driver*  str" in lines
    assert "Properties of virtio-rng-pci:" in lines
    assert any(line.startswith("  max-bytes ") and "uint64" in line for line in lines)
    assert max(map(len, lines)) <= 78
    done = run_qmpsh(vm.path, ".help device_add driver=nope", env=NO_MANUAL)
    assert done.returncode == 2
    assert "no device nope; Tab after driver= lists what this VM knows" in done.stderr


def test_help_refuses_a_value_that_is_no_tags(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, ".help blockdev-add driver=qcow3", env=NO_MANUAL)
    assert (done.returncode, done.stdout) == (2, "")
    assert "blockdev-add: no value qcow3 of driver; did you mean qcow" in done.stderr


def test_help_of_an_event_and_of_a_verb(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    said = run_qmpsh(vm.path, ".help DEVICE_DELETED", env=NO_MANUAL).stdout
    assert said.startswith("DEVICE_DELETED  (event)\n  path*   str\n")
    assert run_qmpsh(vm.path, ".help .hmp").stdout.startswith(".hmp [LINE]")
    assert run_qmpsh(vm.path, ".help hmp").stdout.startswith(".hmp [LINE]")


def test_help_marks_what_is_special(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    assert "(command, out-of-band)" in run_qmpsh(vm.path, ".help yank").stdout
    assert "(command, unstable)" in run_qmpsh(vm.path, ".help x-query-irq").stdout
    assert "(command, deprecated)" in run_qmpsh(vm.path, ".help drive-backup").stdout


def test_help_of_what_nobody_knows(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, ".help baloon", env=NO_MANUAL)
    assert (done.stdout, done.returncode) == ("", 2)
    said = "qmpsh: no command, event or type is called baloon; did you mean balloon?\n"
    assert done.stderr == said
    assert run_qmpsh(vm.path, ".help .nope").returncode == 2
    assert run_qmpsh(vm.path, ".nope").returncode == 2


def test_apropos(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, ".apropos bitmap", env=NO_MANUAL)
    assert "block-dirty-bitmap-add" in done.stdout.splitlines()
    assert run_qmpsh(vm.path, ".apropos zzzz", env=NO_MANUAL).returncode == 2
    assert run_qmpsh(vm.path, ".apropos").returncode == 2


def test_json_shows_what_would_be_sent(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, ".json device_del id=net1")
    assert json.loads(done.stdout) == {"execute": "device_del", "arguments": {"id": "net1"}}
    assert run_qmpsh(vm.path, ".json quit").stdout == '{"execute": "quit"}\n'
    assert vm.is_running
    assert run_qmpsh(vm.path, ".json .help").returncode == 2
    done = run_qmpsh(vm.path, ".json transaction( abort )")
    assert json.loads(done.stdout)["arguments"] == {"actions": [{"type": "abort", "data": {}}]}


def test_exported_programs_run(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, ".export python qom-list path=/machine")
    compiled = ast.parse(done.stdout)
    assert compiled.body
    assert repr(vm.path) in done.stdout
    done = run_qmpsh(vm.path, ".export virsh query-name")
    assert done.stdout == 'virsh qemu-monitor-command DOMAIN \'{"execute": "query-name"}\'\n'
    assert run_qmpsh(vm.path, ".export perl stop").returncode == 2


def test_the_exported_bash_line_runs(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    need("socat")
    line = run_qmpsh(vm.path, ".export bash query-version").stdout
    done = subprocess.run([need("bash"), "-c", line], capture_output=True, text=True, check=True)
    greeting, negotiated, answer = [json.loads(line) for line in done.stdout.splitlines()]
    assert "QMP" in greeting
    assert negotiated == {"return": {}}
    assert "qemu" in answer["return"]


def test_exit_ends_a_script(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, stdin="query-version\n.exit\nquery-version\n")
    assert (done.stdout.count("\n"), done.returncode) == (1, 0)
    assert run_qmpsh(vm.path, ".exit now").returncode == 2


# ------------------------------------------------------------------------ help on the rest


def test_help_on_the_rest(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, ".help", "exit-codes", env=NO_MANUAL)
    assert "\n124   a timeout ran out\n" in done.stdout
    assert (done.stderr, done.returncode) == ("", 0)
    assert run_qmpsh(vm.path, ".help exit-codes", env=NO_MANUAL).stdout == done.stdout
    assert "F1, Alt-h" in run_qmpsh(vm.path, ".help keys").stdout


def test_help_on_what_is_no_topic(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    for topic, said in (
        ("--wiat", "qmpsh: no modifier --wiat; did you mean --wait or --watch?\n"),
        ("--read-only", "qmpsh: --read-only is an option of qmpsh; see `qmpsh --help`\n"),
    ):
        done = run_qmpsh(vm.path, ".help", topic)
        assert (done.stdout, done.stderr, done.returncode) == ("", said, 2)


def test_help_names_the_properties_and_the_star(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    said = run_qmpsh(q35.path, ".help device_add", env=NO_MANUAL).stdout
    assert "\n* must be given\n" in said
    assert ".help device_add driver=NAME" in said
    said = run_qmpsh(q35.path, ".help device_add driver=pcie-root-port", env=NO_MANUAL).stdout
    assert "driver=NAME" not in said
