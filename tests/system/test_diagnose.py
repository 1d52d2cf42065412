"""Why a server does not greet: each state made for real, and the sentence for it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmpsh.address import Address, TcpAddress, UnixAddress
from qmpsh.client import session_errors
from qmpsh.client.client import Client, ClientOptions
from qmpsh.client.discovery import find_monitors
from qmpsh.errors import Busy, CannotConnect, ConnectTimeout, NotQmp, ProtocolError
from qmpsh.system.diagnose import has_prompt, is_qmpsh, why_silent
from qmpsh.system.listener import inspect_listener
from qmpsh.system.owners import SESSION, libvirt_form
from qmpsh.system.proc import Process, maybe_process
from tests.ports import free_port
from tests.programs import need, running
from tests.qemu import ROOT, Vm, VmStarter, is_listening, new_folder
from tests.waiting import PATIENCE, wait_until

NEXT = "or give QEMU a second -qmp"


def refusal(address: Address, timeout: float = 0.3) -> CannotConnect:
    with pytest.raises(CannotConnect) as caught:
        Client.connect(address, ClientOptions(timeout))
    return caught.value


@pytest.fixture
def folder() -> Iterator[str]:
    path = new_folder()
    yield path
    shutil.rmtree(path)


HOLD = """import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
print(connection.recv(1), flush=True)
sys.stdin.read()"""


def test_who_holds_it_is_named(vm: Vm) -> None:
    with running(sys.executable, "-c", HOLD, vm.path) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        notices: list[str] = []
        with pytest.raises(Busy) as caught:
            Client.connect(
                UnixAddress(vm.path), ClientOptions(0.3, notice_after=0.1), notices.append
            )
        who = rf"python[\d.]* \(pid {holder.pid}: [^)]*\.\.\.\)"
        assert re.fullmatch(
            f"no greeting from {vm.path} within 0.3 s: {who} holds this monitor, which serves one"
            f" client at a time; close that client, {NEXT}",
            str(caught.value),
        )
        assert re.fullmatch(
            f"no greeting from {vm.path} yet: {who} holds this monitor, which serves one client at"
            " a time; waiting up to 0.3 s",
            notices[0],
        )
    Client.connect(UnixAddress(vm.path)).close()


def test_who_waits_does_not_hold_it(vm: Vm) -> None:
    with contextlib.ExitStack() as waiting:
        first = Client.connect(UnixAddress(vm.path))
        waiting.callback(first.close)
        second = socket.socket(socket.AF_UNIX)
        waiting.callback(second.close)
        second.connect(vm.path)
        info = inspect_listener(UnixAddress(vm.path))
        assert [client.process and client.process.pid for client in info.served] == [os.getpid()]
        assert info.waiting == 1
        # The first one's own connection does not count for it.
        assert inspect_listener(UnixAddress(vm.path), first.fileno()).served == ()


def test_another_spelling_of_the_path(vm: Vm, folder: str) -> None:
    os.symlink(vm.folder, f"{folder}/link")
    first = Client.connect(UnixAddress(vm.path))
    finding = why_silent(UnixAddress(f"{folder}/link/s"))
    assert finding is not None
    assert f"(pid {os.getpid()}: " in finding.what
    first.close()


def test_another_qmpsh_is_told_to_disconnect(vm: Vm) -> None:
    with running(sys.executable, "-m", "qmpsh", vm.path, cwd=str(ROOT)) as other:
        # A script that is yet to come: connected, and nothing to say.
        wait_until(lambda: inspect_listener(UnixAddress(vm.path)).served)
        assert str(refusal(UnixAddress(vm.path))) == (
            f"no greeting from {vm.path} within 0.3 s: another qmpsh, pid {other.pid}, holds this"
            " monitor, which serves one client at a time, and does not share it: it is an older"
            " one, or keeps it to itself; type .set share on or .disconnect at its prompt, or"
            " end it,"
            f" {NEXT}"
        )


def test_another_qmpsh_at_a_human_monitor(start_vm: VmStarter) -> None:
    vm = start_vm("-monitor", "unix:{folder}/h,server=on,wait=off")
    path = f"{vm.folder}/h"
    with running(sys.executable, "-m", "qmpsh", path, cwd=str(ROOT)) as other:
        wait_until(lambda: inspect_listener(UnixAddress(path)).served)
        assert str(refusal(UnixAddress(path))) == (
            f"no greeting from {path} within 0.3 s: another qmpsh, pid {other.pid}, holds this"
            " monitor, which serves one client at a time, and does not share it, since it is HMP;"
            f" type .disconnect at its prompt, or end it, {NEXT}"
        )


@pytest.mark.parametrize(
    "words, prompt",
    [
        ("qmpsh ./vm.sock", True),
        ("python3 -m qmpsh ./vm.sock", True),
        ("qmpsh -t 5 ./vm.sock -p", True),
        ("qmpsh ./vm.sock .events", False),
        ("/usr/bin/python3 /usr/bin/qmpsh -p ./vm.sock query-status", False),
        ("qmpsh -f script.qmp ./vm.sock", False),
        ("qmpsh run", True),
    ],
)
def test_a_one_shot_has_no_prompt_to_type_at(words: str, prompt: bool) -> None:
    assert has_prompt(Process(1, "x", tuple(words.split()))) is prompt


def test_a_one_shot_that_holds_a_monitor_is_waited_for(vm: Vm) -> None:
    command = (sys.executable, "-m", "qmpsh", "--no-share", vm.path, ".events")
    with running(*command, cwd=str(ROOT)) as other:
        wait_until(lambda: inspect_listener(UnixAddress(vm.path)).served)
        said = str(refusal(UnixAddress(vm.path)))
    assert "its --no-share keeps it to itself" in said
    assert f"wait for its end, end it with kill {other.pid}, or" in said
    assert ".disconnect" not in said


def test_tcp_is_held(start_vm: VmStarter) -> None:
    port = free_port()
    start_vm("-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off")
    first = Client.connect(TcpAddress("127.0.0.1", port))
    error = refusal(TcpAddress("localhost", port))
    assert type(error) is Busy
    assert f"(pid {os.getpid()}: " in str(error)
    first.close()


def test_a_stopped_vm(start_vm: VmStarter) -> None:
    port = free_port()
    vm = start_vm("-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off")
    vm.stop_process()
    name = Path(f"/proc/{vm.pid}/cmdline").read_bytes().split(b"\0")[0].decode()
    for address in (UnixAddress(vm.path), TcpAddress("127.0.0.1", port)):
        error = refusal(address)
        assert type(error) is ConnectTimeout
        assert str(error) == (
            f"no greeting from {address} within 0.3 s: {os.path.basename(name)} (pid {vm.pid}) is"
            f" stopped; continue it with kill -CONT {vm.pid}"
        )
    vm.continue_process()


def test_a_human_monitor_that_is_held(start_vm: VmStarter) -> None:
    vm = start_vm("-monitor", "unix:{folder}/h,server=on,wait=off")
    with socket.socket(socket.AF_UNIX) as first:
        first.connect(f"{vm.folder}/h")
        first.recv(1)
        error = refusal(UnixAddress(f"{vm.folder}/h"))
    assert type(error) is Busy
    assert str(error).startswith(f"no greeting from {vm.folder}/h within ")
    assert str(error).endswith(
        "holds this monitor, which serves one client at a time; close that client, or give QEMU a"
        " second -qmp"
    )


def test_a_serial_line_in_front_of_a_human_monitor(start_vm: VmStarter) -> None:
    vm = start_vm(
        "-chardev", "socket,id=m,path={folder}/m,server=on,wait=off,mux=on",
        "-serial", "chardev:m", "-mon", "m", machine="q35",
    )  # fmt: skip
    error = refusal(UnixAddress(f"{vm.folder}/m"))
    assert type(error) is NotQmp
    assert str(error).endswith(
        "this socket is a serial line and an HMP monitor at once (mux=on), and the serial line is"
        f" in front; Ctrl-a c brings the monitor to the front, typed there with socat; its QMP"
        f" monitor is {vm.path}"
    )


AGENT = "this is a guest agent, which does not greet; say --guest-agent"


def test_a_serial_line(start_vm: VmStarter) -> None:
    vm = start_vm("-serial", "unix:{folder}/serial,server=on,wait=off")
    path = f"{vm.folder}/serial"
    error = refusal(UnixAddress(path))
    assert type(error) is NotQmp
    assert str(error) == (
        f"no greeting from {path}: this is the VM's serial line, not a monitor; its QMP monitor is"
        f" {vm.path}"
    )
    assert path not in [one.address for one in find_monitors(libvirt=False)]


def test_a_serial_line_that_speaks(start_vm: VmStarter) -> None:
    vm = start_vm("-serial", "unix:{folder}/console,server=on,wait=off")
    path = UnixAddress(f"{vm.folder}/console")
    error = session_errors.refusal(path, ProtocolError("no JSON", b"login: "), greeted=False)
    assert str(error) == (
        f"{path} does not speak QMP: this is the VM's serial line, not a monitor;"
        f" its QMP monitor is {vm.path}"
    )


def test_the_channel_of_a_guest_agent(start_vm: VmStarter) -> None:
    vm = start_vm(
        "-device", "virtio-serial", "-chardev", "socket,id=g,path={folder}/g,server=on,wait=off",
        "-device", "virtserialport,chardev=g,name=org.qemu.guest_agent.0", machine="q35",
    )  # fmt: skip
    assert str(refusal(UnixAddress(f"{vm.folder}/g"))).endswith(AGENT)


def test_what_is_known_to_be_another_kind_is_told_before_the_time_is_over(
    start_vm: VmStarter,
) -> None:
    vm = start_vm(
        "-device", "virtio-serial", "-chardev", "socket,id=g,path={folder}/g,server=on,wait=off",
        "-device", "virtserialport,chardev=g,name=org.qemu.guest_agent.0", machine="q35",
    )  # fmt: skip
    notices: list[str] = []
    address = UnixAddress(f"{vm.folder}/g")
    with pytest.raises(NotQmp) as caught:
        Client.connect(address, ClientOptions(connect_timeout=None), notices.append)
    assert str(caught.value) == f"no greeting from {address}: {AGENT}"
    assert notices == []


def test_a_guest_agent_of_this_machine(folder: str) -> None:
    agent = need("qemu-ga")
    with running(str(agent), "-m", "unix-listen", "-p", f"{folder}/g", "-t", folder):
        wait_until(lambda: is_listening(f"{folder}/g"))
        assert str(refusal(UnixAddress(f"{folder}/g"))).endswith(AGENT)


def test_a_monitor_that_speaks_tls(start_vm: VmStarter) -> None:
    port = free_port()
    start_vm(
        "-object", "tls-creds-anon,id=t,endpoint=server", "-chardev",
        f"socket,id=m,host=127.0.0.1,port={port},server=on,wait=off,tls-creds=t",
        "-mon", "chardev=m,mode=control",
    )  # fmt: skip
    assert str(refusal(TcpAddress("127.0.0.1", port))) == (
        f"no greeting from tcp:127.0.0.1:{port}: this monitor speaks TLS;"
        f" use tls:127.0.0.1:{port}?ca=FILE"
    )


def test_a_human_monitor_that_is_at_work(start_vm: VmStarter) -> None:
    """Its client has left during a migrate, which holds up the next one."""
    vm = start_vm("-monitor", "unix:{folder}/h,server=on,wait=off")
    finding = why_silent(UnixAddress(f"{vm.folder}/h"))
    assert finding is not None
    assert finding.error is ConnectTimeout
    assert finding.what.endswith(
        "is running and no other client is connected, but it still carries out the line of a client"
        " that has left, a migrate without -d for instance, or its main loop is stuck"
    )
    assert finding.todo == f"wait for its end, or end it with kill {vm.pid}"


def test_a_qemu_that_is_stuck(vm: Vm) -> None:
    """What is said of one that runs, is held by nobody and does not greet all the same."""
    finding = why_silent(UnixAddress(vm.path))
    assert finding is not None
    assert finding.error is ConnectTimeout
    assert finding.what.endswith(
        "is running and no other client is connected, but its main loop is stuck"
    )
    assert finding.todo.endswith(f"or end it with kill {vm.pid}")


def test_a_qemu_that_had_no_time_to_greet(vm: Vm) -> None:
    finding = why_silent(UnixAddress(vm.path), seconds=0.9)
    assert finding is not None
    assert finding.what.endswith(f" (pid {vm.pid}) is running and no other client is connected")
    assert (finding.todo, finding.error) == ("--connect-timeout allows more time", ConnectTimeout)


def test_a_stranger_that_is_silent(folder: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        listener.listen()
        error = refusal(UnixAddress(f"{folder}/s"))
    assert type(error) is NotQmp
    assert f"(pid {os.getpid()}: " in str(error)
    assert str(error).endswith("listens there, and says nothing; name a QMP socket")


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert why_silent(UnixAddress("/nothing/here")) is None
    assert why_silent(UnixAddress("qmpsh-nothing", abstract=True)) is None
    assert why_silent(TcpAddress("192.0.2.1", 4444)) is None


def test_libvirts_is_named_with_its_domain(start_vm: VmStarter, folder: str) -> None:
    place = f"{folder}/libvirt/qemu/domain-3-we"
    os.makedirs(place)
    start_vm("-qmp", f"unix:{place}/monitor.sock,server=on,wait=off", name="web")
    first = Client.connect(UnixAddress(f"{place}/monitor.sock"))
    assert str(refusal(UnixAddress(f"{place}/monitor.sock"))) == (
        f"no greeting from {place}/monitor.sock within 0.3 s: this monitor is libvirt's own, which"
        f" holds it for good; use {libvirt_form(SESSION, 'web')}, which works beside libvirt"
    )
    first.close()


AS_NOBODY = """import importlib, os, pkgutil, pwd, sys, qmpsh
for module in pkgutil.walk_packages(qmpsh.__path__, "qmpsh."):
    importlib.import_module(module.name)
from qmpsh.__main__ import main
os.setgroups([])
os.setresuid(65534, 65534, 65534)
sys.exit(main())"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_another_user_sees(vm: Vm) -> None:
    """The rights are told before the connection; of a client that is hidden only that it is."""

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, *words],
            cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 3
        return done.stdout + done.stderr

    said = f"no permission to connect to {vm.path}: the folder {vm.folder} belongs to root"
    assert said in run(vm.path, "query-status")
    os.chmod(vm.folder, 0o755)
    os.chmod(vm.path, 0o600)
    assert f"{vm.path}: it belongs to root; run qmpsh as that user" in run(vm.path, "query-status")
    assert "FAIL  permission  no permission" in run("doctor", vm.path)
    os.chmod(vm.path, 0o666)
    first = Client.connect(UnixAddress(vm.path))
    said = run("--connect-timeout", "300ms", vm.path, "query-status")
    assert "a client that /proc hides from you holds this monitor" in said
    first.close()


# ---------------------------------------------------------------------------- processes


@pytest.mark.parametrize(
    "words, ours",
    [
        (("/usr/bin/qmpsh", "./s"), True),
        (("/usr/bin/python3", "/home/u/.local/bin/qmpsh", "./s"), True),
        (("python3", "-m", "qmpsh", "./s"), True),
        (("vim", "-o", "qmpsh"), False),
        (("socat", "-", "UNIX:/tmp/qmpsh"), False),
        ((), False),
    ],
)
def test_which_process_is_ours(words: tuple[str, ...], ours: bool) -> None:
    assert is_qmpsh(Process(1, "x", words)) is ours


def test_a_process_in_a_sentence() -> None:
    assert str(Process(7, "socat", ("socat", "-", "x"))) == "socat (pid 7: socat - x)"
    assert str(Process(7, "kworker")) == "kworker (pid 7)"
    long = Process(7, "a", ("a", "b" * 100))
    assert str(long) == f"a (pid 7: a {'b' * 55}...)"
    evil = Process(7, "e\x1b[2J", ("e\x1b[2J", "\u202e"))
    assert str(evil) == r"e\x1b[2J (pid 7: e\x1b[2J \u202e)"
    cut = Process(7, "qemu-system-x86", ("/usr/bin/qemu-system-x86_64",))
    assert cut.title == "qemu-system-x86_64"


@pytest.mark.parametrize(
    "word, shown",
    [
        (
            "driver=https,url=https://u:pw@h/x,if=none",
            "driver=https,url=https://u:********@h/x,if=none",
        ),
        (
            "file.driver=https,file.cookie=a=b; c=d,x=y",
            "file.driver=https,file.cookie=********,x=y",
        ),
        ('json:{"driver":"https","cookie":"c c"}', 'json:{"driver":"https","cookie":"********"}'),
        ("rbd:p/i:id=a:key=AQ==:conf=x", "rbd:p/i:id=a:key=********:conf=x"),
        ("name=opt/x/pw,string=letmein", "name=opt/x/pw,string=********"),
        (
            "type=11,value=io.systemd.credential:pw=letmein",
            "type=11,value=io.systemd.credential:pw=********",
        ),
        (
            "root=/dev/vda systemd.set_credential=pw:letmein quiet",
            "root=/dev/vda systemd.set_credential=pw:******** quiet",
        ),
        ("password-secret=sec0,server.host=h", "password-secret=sec0,server.host=h"),
        ("unix:/run/a@b:c,server=on", "unix:/run/a@b:c,server=on"),
        ("json:" + "[" * 100_000, "json:" + "[" * 100_000),
    ],
)
def test_what_a_word_of_a_command_line_shows(word: str, shown: str) -> None:
    assert Process(1, "qemu", (word,)).command == shown


def test_secrets_of_a_command_line_are_masked() -> None:
    objects = (
        "secret,id=s,data=letmein,format=raw",
        '{"qom-type": "secret", "data": "let,me", "id": "s"}',
    )
    words = ("qemu", "-object", objects[0], "-object", objects[1], "password=x", "data=plain")
    command = Process(1, "qemu", words).command
    assert "let" not in command
    assert "secret,id=s,data=********,format=raw" in command
    assert '"data": "********", "id": "s"' in command
    assert "password=********" in command


def test_the_state_of_a_process(vm: Vm) -> None:
    def state() -> str:
        process = maybe_process(vm.pid)
        return process.state if process else ""

    os.kill(vm.pid, signal.SIGSTOP)
    wait_until(lambda: state() == "T")
    vm.continue_process()
    wait_until(lambda: state() in ("S", "R"))
    assert maybe_process(2**22 + 1) is None
