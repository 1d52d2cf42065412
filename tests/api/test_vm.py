"""The library's VM: what each call sends, returns and raises, on every QEMU."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import qmpsh
from qmpsh import testing
from qmpsh.client.poll import READ, wait_for
from qmpsh.jsontypes import get_dict
from qmpsh.pytest_plugin import StartQemu
from tests.agents import Agent
from tests.qemu import ROOT, VmStarter
from tests.waiting import PATIENCE

PAGE = (ROOT / "docs" / "api.md").read_text()
PORT = ("-M", "q35", "-S", "-nodefaults", "-device", "pcie-root-port,id=rp0")


@pytest.fixture
def vm(qemu: StartQemu) -> testing.LaunchedVM:
    return qemu("-M", "none", "-S", "-nodefaults")


# ------------------------------------------------------------------------ the package


def test_the_package_alone_loads_nothing() -> None:
    code = (
        "import sys; before = {*sys.modules}; import qmpsh; print({*sys.modules} - before);"
        "qmpsh.connect; print('qmpsh.api' in sys.modules, 'ssl' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE,
    )  # fmt: skip
    assert ran.stdout == "{'qmpsh'}\nTrue False\n"


def test_every_public_name_is_there_and_on_the_page() -> None:
    for name in qmpsh.__all__:
        assert getattr(qmpsh, name)
        assert name.startswith("_") or re.search(rf"`(qmpsh\.)?{name}\b|\b{name}`", PAGE), name
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        qmpsh.nope  # noqa: B018  # that is what is tested


def test_every_member_is_on_the_page() -> None:
    members = [name for kind in testing.LaunchedVM.__mro__[:-1] for name in vars(kind)]
    public = {name for name in members if not name.startswith("_")} - {"path"}
    assert {name for name in public if not re.search(rf"[`.]{name}\b", PAGE)} == set()


# ------------------------------------------------------------------------ commands


def test_execute_sends_as_it_stands(qemu: StartQemu) -> None:
    vm = qemu(*PORT)
    assert vm.execute(qmpsh.Command("query-name")) == {}
    assert vm.execute("qom-get", {"path": "/machine"}, property="type") == vm.run(
        "qom-get path=/machine property=type"
    )
    with pytest.raises(qmpsh.CommandFailed) as caught:
        vm.execute("object-add", {"qom-type": "iothread"}, id="t", no_such="x")
    assert (caught.value.error_class, "no_such" in caught.value.desc) == ("GenericError", True)
    with pytest.raises(qmpsh.CommandFailed) as caught:
        vm.execute("query_status")
    assert caught.value.error_class == "CommandNotFound"


def test_run_is_typed_and_checked_by_the_schema(qemu: StartQemu) -> None:
    vm = qemu(*PORT)
    assert (
        vm.run("blockdev-add driver=null-co node-name=n", size=1 << 20, **{"read-only": True}) == {}
    )
    assert vm.run("human-monitor-command", "command-line=info name") == ""
    with pytest.raises(qmpsh.LineError, match="did you mean driver") as caught:
        vm.run("blockdev-add drvier=null-co node-name=m")
    start, end = caught.value.span
    assert caught.value.source[start:end] == "drvier"
    name = "a 'b' \"c\" {d} \\ e"
    vm.run("object-add qom-type=iothread", id="t0")
    with pytest.raises(qmpsh.CommandFailed) as failed:
        vm.run("chardev-remove", id=name)
    assert name in failed.value.desc


def test_run_knows_verbs_and_the_human_monitor(vm: testing.LaunchedVM) -> None:
    assert "VM status: paused" in str(vm.run(".hmp info status"))
    assert "query-status" in str(vm.run(".help query-status"))
    assert vm.run("# nothing") is None
    with pytest.raises(qmpsh.CommandFailed, match="unknown command: 'nope'"):
        vm.run(".hmp", "nope")


def test_a_question_is_refused(vm: testing.LaunchedVM) -> None:
    with pytest.raises(qmpsh.UsageError, match="a program cannot be asked"):
        vm.run("object-add qom-type=secret id=s data=?")
    assert vm.run("query-status")


def test_a_job_that_fails_raises(qemu: StartQemu) -> None:
    node = "driver=null-co,node-name={},size={}"
    vm = qemu("-S", "-blockdev", node.format("a", 1 << 20), "-blockdev", node.format("b", 1 << 21))
    with pytest.raises(qmpsh.CommandFailed):
        vm.run("blockdev-backup job-id=j device=a target=b sync=full", wait=True)
    vm.run("blockdev-add driver=null-co node-name=c", size=1 << 20)
    done = vm.run("blockdev-backup job-id=j device=a target=c sync=full", wait=True)
    assert isinstance(done, dict)
    assert done["device"] == "j"


def test_time_runs_out(vm: testing.LaunchedVM, qemu: StartQemu) -> None:
    with pytest.raises(qmpsh.ReplyTimeout):
        vm.run("stop", wait="SHUTDOWN", timeout=0.05)
    with pytest.raises(qmpsh.ReplyTimeout, match=r"no RESUME within 0\.05 s"):
        vm.wait("RESUME", timeout=0.05)
    os.kill(vm.pid, signal.SIGSTOP)
    with pytest.raises(qmpsh.ReplyTimeout):
        vm.execute("query-status", timeout=0.05)
    os.kill(vm.pid, signal.SIGCONT)
    assert vm.execute("query-name") == {}


def test_read_only(vm: testing.LaunchedVM, free_socket: str) -> None:
    with qmpsh.connect(free_socket, read_only=True) as reader:
        assert reader.execute("query-status")
        with pytest.raises(qmpsh.UsageError, match="allows only commands that read"):
            reader.execute("stop")
        with pytest.raises(qmpsh.UsageError, match="allows only commands that read"):
            reader.run("stop")


@pytest.fixture
def free_socket(start_vm: VmStarter) -> str:
    """The socket of a VM that is free."""
    return start_vm().path


def test_a_descriptor_stays_the_callers(vm: testing.LaunchedVM, tmp_path: Path) -> None:
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    vm.execute("getfd", fdname="f", fd=fd)
    os.fstat(fd)
    os.close(fd)


def test_what_is_known(vm: testing.LaunchedVM, qemu: StartQemu, emulator: str) -> None:
    banner = subprocess.run([emulator, "--version"], capture_output=True, text=True, check=True)
    assert vm.version in banner.stdout
    assert vm.greeting is not None
    assert (vm.name, "query-status" in vm.commands, vm.dropped) == ("", True, 0)
    assert qemu("-S", "-name", "web").name == "web"


def test_a_feature(vm: testing.LaunchedVM) -> None:
    has = vm.schema.has
    assert has("blockdev-add")
    assert not has("blockdev-nope")
    assert has("blockdev-add", "node-name")
    assert not has("blockdev-add", "nope")
    assert has("blockdev-add", driver="qcow2")
    assert not has("blockdev-add", driver="nope")
    assert has("blockdev-add", "lazy-refcounts", driver="qcow2")
    assert not has("blockdev-add", "lazy-refcounts", driver="raw")
    assert has("blockdev-add", "file.filename", **{"driver": "qcow2", "file.driver": "file"})
    assert has("blockdev-add", "discard-no-unref", driver="qcow2") is not vm.version.startswith("7")
    assert has("blockdev-add", "+dynamic-auto-read-only", driver="file")
    assert not has("device_add", "mac", driver="e1000")
    assert "SHUTDOWN" in vm.schema.events
    assert "stop" in vm.schema.commands


def test_a_description(vm: testing.LaunchedVM) -> None:
    described = vm.schema.describe("blockdev-add", driver="null-co")
    assert described["required"] == ["driver"]
    assert "singlestep" not in str(vm.schema.describe("query-status"))
    assert "running" in str(vm.schema.describe("query-status", returns=True))
    with pytest.raises(qmpsh.UsageError, match="did you mean query-status"):
        vm.schema.describe("query-staus")


# ------------------------------------------------------------------------ events


def test_each_event_once(vm: testing.LaunchedVM) -> None:
    for command in ("cont", "stop", "cont"):
        vm.execute(command)
    assert vm.wait("RESUME", timeout=5).time
    assert [event.name for event in vm.events("ST*", "nope", timeout=0.05)] == ["STOP"]
    assert [event.name for event in vm.events(timeout=0.05)] == ["RESUME"]
    assert next(vm.events(timeout=0), None) is None


def test_wait_takes_what_the_last_command_caused(vm: testing.LaunchedVM) -> None:
    vm.execute("cont")
    vm.execute("query-status")
    assert vm.wait("RESUME", timeout=5).data == {}
    vm.run("stop")
    vm.run("cont")
    with pytest.raises(qmpsh.ReplyTimeout):
        vm.wait("STOP", timeout=0.05)
    assert next(vm.events("STOP", timeout=1)).name == "STOP"


def test_data_is_matched(vm: testing.LaunchedVM) -> None:
    vm.execute("quit")
    with pytest.raises(qmpsh.ConnectionLost, match="while waiting for SHUTDOWN"):
        vm.wait("SHUTDOWN", timeout=5, guest=True)
    assert vm.wait("SHUTDOWN", timeout=5, guest=False).data["reason"] == "host-qmp-quit"
    with pytest.raises(qmpsh.ConnectionLost):
        next(vm.events())


def test_a_loop_of_your_own(vm: testing.LaunchedVM) -> None:
    assert vm.fileno() > 0
    os.kill(vm.pid, signal.SIGTERM)
    assert wait_for({vm.fileno(): READ}, PATIENCE)
    assert vm.poll()
    assert next(vm.events("SHUTDOWN", timeout=0)).data["reason"] == "host-signal"


# ------------------------------------------------------------------------ the rest


def test_one_thread_at_a_time(vm: testing.LaunchedVM) -> None:
    waits, errors = threading.Event(), list[str]()

    def wait() -> None:
        for _ in vm.events("NEVER", timeout=0.3):
            pass
        waits.set()

    thread = threading.Thread(target=wait)
    thread.start()
    while not waits.is_set() and not errors:
        try:
            vm.poll(0)
        except RuntimeError as error:
            errors.append(str(error))
    thread.join()
    assert errors == ["this VM is in use by another thread; each thread needs its own"]
    assert vm.execute("query-status")


def test_a_closed_one(vm: testing.LaunchedVM) -> None:
    vm.close()
    vm.close()
    assert (vm.closed, vm.fileno()) == (True, -1)
    with pytest.raises(qmpsh.ConnectionLost):
        vm.execute("query-status")


def test_no_session() -> None:
    with pytest.raises(qmpsh.CannotConnect) as caught:
        qmpsh.connect("/nope/s")
    assert caught.value.what.startswith("no such socket: /nope/s")
    with pytest.raises(qmpsh.AddressError):
        qmpsh.connect("nope:x")
    with pytest.raises(qmpsh.CannotConnect, match="nope: invalid option"):
        testing.launch("-nope")


def test_a_remark_is_a_notice(free_socket: str, tmp_path: Path) -> None:
    said: list[str] = []
    log = tmp_path / "log"
    with (
        qmpsh.connect(free_socket, notice=said.append, logfile=log) as vm,
        pytest.raises(qmpsh.CommandFailed),
    ):
        vm.run('{"execute": "qom-get", "arguments": {"path": "/"}}')
    assert said
    assert "qom-get needs property=" in said[0]
    assert '"qom-get"' in log.read_text()


def test_a_guest_agent(agent: Agent) -> None:
    with qmpsh.connect(agent.path, guest_agent=True, timeout=PATIENCE) as guest:
        assert guest.version
        assert guest.name == ""
        assert guest.execute("guest-ping") == {}
        assert guest.run(".exec", "printf", "%s", "a b") == b"a b"
        with pytest.raises(qmpsh.CommandFailed, match="exit code 3"):
            guest.run(".exec", "sh", "-c", "exit 3")


def test_the_machine_at_a_glance_is_an_object(vm: testing.LaunchedVM) -> None:
    facts = vm.run(".status")
    assert isinstance(facts, dict)
    assert get_dict(facts, "state")["status"] == "prelaunch"


# ------------------------------------------------------------------------ the keyboard


def test_a_text_is_typed_as_it_stands(qemu: StartQemu) -> None:
    vm = qemu("-M", "q35", "-nodefaults")
    vm.type("a\\n\n")
    started = time.monotonic()
    vm.type("abc", rate=0.1)
    assert time.monotonic() - started >= 0.2
    vm.execute("stop")
    with pytest.raises(qmpsh.CommandFailed, match="VM not running; typed 0 of 2"):
        vm.type("ab")


def test_what_a_layout_lacks_is_refused(vm: testing.LaunchedVM) -> None:
    with pytest.raises(qmpsh.UsageError, match="the layout us has no 'é', character 2"):
        vm.type("aé")
    with pytest.raises(qmpsh.CommandFailed, match="typed 0 of 2"):
        vm.type("aé", "fr")  # there is no keyboard


def test_a_vm_that_may_only_be_read_is_not_typed_at(start_vm: VmStarter) -> None:
    with (
        qmpsh.connect(start_vm().path, read_only=True) as looks,
        pytest.raises(qmpsh.UsageError, match="--read-only allows only"),
    ):
        looks.type("a")


# ---------------------------------------------------------------------------- an HMP monitor


def test_an_hmp_monitor(start_vm: VmStarter) -> None:
    machine = start_vm("-monitor", "unix:{folder}/h,server=on,wait=off", name="vm1", qmp=False)
    with qmpsh.connect(f"{machine.folder}/h", timeout=PATIENCE) as vm:
        assert (vm.name, vm.commands) == ("vm1", ())
        assert vm.run("info status") == "VM status: running"
        with pytest.raises(qmpsh.CommandFailed, match="query-block needs QMP, and this is an HMP"):
            vm.execute("query-block")
        with pytest.raises(qmpsh.UsageError, match="an HMP monitor sends no events"):
            vm.wait("STOP")
        with pytest.raises(qmpsh.UsageError, match="an HMP monitor sends no events"):
            next(vm.events())
