"""`qmpsh ls` and `qmpsh doctor`: what they print, and with which exit code."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from qmpsh.address import UnixAddress
from qmpsh.cli.argv import SplitArgv
from qmpsh.cli.inspect.options import parse_inspect_options
from qmpsh.client.client import Client
from qmpsh.client.shares import share_name
from qmpsh.errors import UsageError
from tests.conftest import RunQmpsh
from tests.ports import free_port
from tests.qemu import Vm, VmStarter
from tests.share.holder import Share

EVIL = "evil\x1b[31m"


def rows(output: str, vm: Vm) -> list[list[str]]:
    return [line.split() for line in output.splitlines() if f" {vm.pid} " in line]


def test_ls(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm(name="web")
    done = run_qmpsh("ls")
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.splitlines()[0].split() == [
        "vm", "address", "client", "process", "pid", "owner", "kind", "program", "user",
    ]  # fmt: skip
    (row,) = rows(done.stdout, vm)
    assert row[:7] == ["web", vm.path, "free", "running", str(vm.pid), "-", "qmp"]
    client = Client.connect(UnixAddress(vm.path))
    (row,) = rows(run_qmpsh("ls").stdout, vm)
    assert row[2].endswith(f":{os.getpid()}")
    client.close()


def test_a_long_name_is_cut(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm(name="x" * 1000)
    found = [one for one in json.loads(run_qmpsh("ls", "--json").stdout) if one["pid"] == vm.pid]
    assert [one["name"] for one in found] == [f"{'x' * 200}..."]


def test_ls_for_programs(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm("-monitor", "unix:{folder}/h,server=on,wait=off", name="web")
    found = [one for one in json.loads(run_qmpsh("ls", "--json").stdout) if one["pid"] == vm.pid]
    assert [(one["kind"], one["address"]) for one in found] == [
        ("hmp", f"{vm.folder}/h"),
        ("qmp", vm.path),
    ]
    assert json.loads(run_qmpsh("--json", "ls").stdout)


def test_a_name_is_made_visible(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm(name=EVIL)
    done = run_qmpsh("ls")
    (row,) = rows(done.stdout, vm)
    assert row[0] == r"evil\x1b[31m"
    assert "\x1b" not in done.stdout + run_qmpsh("doctor", vm.path).stdout


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["ls", "--help"], 0, "Usage: qmpsh ls [OPTIONS]"),
        (["doctor", "--help"], 0, "Usage: qmpsh doctor [OPTIONS] [ADDRESS]"),
        (["ls", "x"], 2, "argument (x)"),
        (["doctor", "a:b:c"], 2, "a: is not an address scheme;"),
    ],
)
def test_words(run_qmpsh: RunQmpsh, words: list[str], code: int, said: str) -> None:
    done = run_qmpsh(*words)
    assert done.returncode == code
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize(
    "verb, word, said",
    [
        ("ls", "x", "Got unexpected extra argument (x). Try qmpsh ls --help."),
        ("ls", "--nope", "No such option --nope. Try qmpsh ls --help."),
        ("ls", "--jsn", "No such option --jsn; did you mean --json? Try qmpsh ls --help."),
        (
            "doctor",
            "--color=x",
            "--color: 'x' is not one of 'auto', 'always', 'never'. Try qmpsh doctor --help.",
        ),
    ],
)
def test_words_that_are_none(verb: str, word: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_inspect_options(SplitArgv([], None, [word], verb))
    assert (str(caught.value), caught.value.exit_code) == (said, 2)


def test_ls_shows_a_share(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    holder = Share(vm.path)
    pid = holder.process.pid
    (row,) = rows(run_qmpsh("ls").stdout, vm)
    assert row[2] == f"qmpsh:{pid}"
    guest = Client.connect(UnixAddress(vm.path))
    (row,) = rows(run_qmpsh("ls").stdout, vm)
    assert row[2:4] == [f"qmpsh:{pid}", "+1"]
    (found,) = [one for one in json.loads(run_qmpsh("ls", "--json").stdout) if one["pid"] == vm.pid]
    assert (found["clients"], found["guests"]) == ("shared", 1)
    assert os.path.basename(found["share"]) == share_name(UnixAddress(vm.path))
    guest.close()
    holder.end()


# ---------------------------------------------------------------------------- doctor


def test_doctor_follows_a_share(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    holder = Share(vm.path)
    checks = examined(run_qmpsh, vm.path, 0)
    assert checks["session"] == ("ok", f"through qmpsh {holder.process.pid}")
    assert checks["connected"][0] == "info"
    holder.process.send_signal(signal.SIGSTOP)
    checks = examined(run_qmpsh, vm.path, 3)
    assert checks["session"][1].endswith("but does not answer, since it is stopped")
    assert checks["next"][1].startswith(f"continue it with kill -CONT {holder.process.pid}")
    holder.process.send_signal(signal.SIGCONT)
    holder.end()


def examined(run_qmpsh: RunQmpsh, address: str, code: int) -> dict[str, tuple[str, str]]:
    """The checks by their names: result and text."""
    done = run_qmpsh("doctor", "--json", address)
    assert (done.stderr, done.returncode) == ("", code)
    return {one["check"]: (one["result"], one["text"]) for one in json.loads(done.stdout)}


def test_a_session_works(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm(name="web")
    done = run_qmpsh("doctor", vm.path)
    assert done.returncode == 0
    assert done.stderr == f"qmpsh: connecting: this occupies the monitor {vm.path} for a moment\n"
    lines = done.stdout.splitlines()
    assert [line[6:].split()[0] for line in lines] == [
        "address", "file", "listener", "command", "vm", "kind", "connected",
        "greeting", "negotiated", "dialect", "commands", "latency", "session",
    ]  # fmt: skip
    assert lines[-1] == "ok    session     works"
    assert "\x1b" not in done.stdout
    assert "\x1b[" in run_qmpsh("doctor", "--color", "always", vm.path).stdout
    Client.connect(UnixAddress(vm.path)).close()


def test_a_busy_monitor_is_not_disturbed(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    client = Client.connect(UnixAddress(vm.path))
    checks = examined(run_qmpsh, vm.path, 3)
    assert checks["connected"][0] == "warn"
    assert f"pid {os.getpid()}: " in checks["connected"][1]
    assert checks["session"][1].startswith("not tried: ")
    assert checks["next"] == ("info", "close that client, or give QEMU a second -qmp")
    assert "greeting" not in checks
    client.close()


def test_a_stopped_one_is_not_connected_to(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    vm.stop_process()
    checks = examined(run_qmpsh, vm.path, 3)
    assert checks["listener"][0] == "fail"
    assert checks["next"] == ("info", f"continue it with kill -CONT {vm.pid}")
    vm.continue_process()


def test_other_kinds(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    port = free_port()
    vm = start_vm(
        "-monitor", "unix:{folder}/h,server=on,wait=off",
        "-qmp", f"telnet:127.0.0.1:{port},server=on,wait=off",
    )  # fmt: skip
    checks = examined(run_qmpsh, f"{vm.folder}/h", 0)
    assert checks["kind"] == ("ok", "hmp")
    assert checks["dialect"][1].startswith("an HMP monitor: its lines are those of the human")
    assert checks["latency"][1].endswith(" ms for info version, 20 times")
    assert checks["session"] == ("ok", "works")
    checks = examined(run_qmpsh, f"127.0.0.1:{port}", 0)
    assert checks["kind"] == ("ok", "qmp, telnet")
    assert checks["session"] == ("ok", "works")


def test_what_is_around(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("doctor")
    assert (done.stderr, done.returncode) == ("", 0)
    for name in ("qmpsh", "python", "prompt_toolkit", "pygments", "click", "ssh", "terminal"):
        assert f"  {name} " in done.stdout
    assert f"{vm.path}, running, free" in done.stdout
    Client.connect(UnixAddress(vm.path)).close()


def test_folders_that_are_open_to_others(run_qmpsh: RunQmpsh, private_home: Path) -> None:
    state = private_home / ".local" / "state" / "qmpsh"
    state.mkdir(parents=True)
    state.chmod(0o755)
    said = run_qmpsh("doctor").stdout
    assert f"{state} (drwxr-xr-x) is open to others: chmod 700 {state}" in said
    assert not (private_home / ".cache" / "qmpsh").exists()


# ---------------------------------------------------------------------------- no address


def test_the_refusal_names_what_is_here(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(stdin="")
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.startswith("qmpsh: no address given; monitors found here: ")
