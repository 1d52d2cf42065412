"""`libvirt:[URI#]DOMAIN` on a real libvirt.

All of it in this one file, which one process runs: it starts libvirt's daemon where there is none.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shlex import quote

import pytest

from qmpsh.address import parse_address
from qmpsh.client.client import Client, ClientOptions, Pending, refusal_of
from qmpsh.client.transports.libvirt import LibvirtAddress
from qmpsh.client.transports.libvirt_api import COMMANDS_THREAD
from qmpsh.errors import AddressError, CannotConnect, CommandFailed, ConnectionLost, ReplyTimeout
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Command, Event
from tests.client.behaviours import LIBVIRT
from tests.client.checks import CHECKS, ServerUnderTest
from tests.client.fakes import Heard
from tests.client.sshd import serving_ssh
from tests.client.transports import Target
from tests.conftest import RunQmpsh
from tests.libvirtd import Domain, Libvirt, lacking, running_libvirt
from tests.programs import missing, need, unavailable
from tests.qemu import ROOT, new_folder
from tests.waiting import PATIENCE, wait_until

STATUS = Command("query-status")
PAUSED = {"prelaunch", "paused"}  # the first until the domain has run for the first time
LEVEL = "system" if os.geteuid() == 0 else "session"
ANSWERED_TO_NOBODY = 0.2  # seconds that a stopped VM is given


@pytest.fixture(scope="module")
def libvirt() -> Iterator[Libvirt]:
    if lacking():
        missing(f"libvirt ({', '.join(lacking())})")
    with running_libvirt() as found:
        # Once, and not in each test: where none starts, libvirt takes long to say so.
        why = found.why_none_starts()
        if why:
            unavailable(f"libvirt starts no domain here: {why}")
        yield found


@pytest.fixture(scope="module")
def shared_domain(libvirt: Libvirt) -> Iterator[Domain]:
    with libvirt.started() as domain:
        yield domain


@pytest.fixture
def domain(shared_domain: Domain) -> Iterator[Domain]:
    """Paused, for tests that leave it so: no session may end it, or take it from libvirt."""
    yield shared_domain
    assert shared_domain.state == "paused"


@pytest.fixture
def fresh_domain(libvirt: Libvirt) -> Iterator[Domain]:
    """Paused, for one test alone."""
    with libvirt.started() as domain:
        yield domain


@contextlib.contextmanager
def connected(address: str, timeout: float = PATIENCE) -> Iterator[Client]:
    client = Client.connect(parse_address(address), ClientOptions(timeout))
    try:
        yield client
    finally:
        client.close()


def status(client: Client) -> Json:
    value = client.execute(STATUS, PATIENCE).value
    assert isinstance(value, dict)
    return value["status"]


def events(heard: Heard) -> list[str]:
    return [message.name for message in heard if isinstance(message, Event)]


def wait_for(client: Client, pending: Pending) -> None:
    """Poll until the reply is there, or the connection lost."""
    wait_until(lambda: (client.poll(0), pending.done)[1], PATIENCE, "a reply")


def ends(client: Client) -> None:
    """Poll until the stream has ended."""
    wait_until(lambda: (client.poll(0), client.closed)[1], PATIENCE, "the end of the stream")


def hears(client: Client, heard: Heard, name: str) -> Event:
    """Wait for an event; the last one of this name."""

    wait_until(lambda: (client.poll(0), name in events(heard))[1], PATIENCE, name)
    return [message for message in heard if isinstance(message, Event) and message.name == name][-1]


@contextlib.contextmanager
def relay(path: str | None) -> Iterator[str]:
    """The URI of a libvirt behind a socket of our own, which hangs up at the end.

    path: where libvirt listens, None for nobody: then the socket says nothing
    """
    folder = new_folder()
    ends: list[socket.socket] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while path is not None:
                near, _ = listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(path)
                ends.extend((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=forward, args=pair, daemon=True).start()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        listener.listen()
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"qemu+unix:///{LEVEL}?socket={folder}/s"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for end in ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
            shutil.rmtree(folder)


def forward(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)


# ------------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    "text, transport, canonical",
    [
        ("libvirt:vm", LibvirtAddress("", "vm"), "libvirt:vm"),
        ("libvirt:#a#b", LibvirtAddress("", "a#b"), "libvirt:#a#b"),
        ("libvirt:#vm", LibvirtAddress("", "vm"), "libvirt:vm"),
        (
            "libvirt:qemu+ssh://u@host/system?no_verify=1#my vm",
            LibvirtAddress("qemu+ssh://u@host/system?no_verify=1", "my vm"),
            "libvirt:qemu+ssh://u@host/system?no_verify=1#my vm",
        ),
        ("libvirt:alias#vm", LibvirtAddress("alias", "vm"), "libvirt:alias#vm"),
        ("libvirt:", LibvirtAddress("", ""), "libvirt:"),
        (
            "libvirt:qemu:///session",
            LibvirtAddress("qemu:///session", ""),
            "libvirt:qemu:///session#",
        ),
    ],
)
def test_forms(text: str, transport: LibvirtAddress, canonical: str) -> None:
    assert parse_address(text) == transport
    assert str(transport) == canonical
    assert parse_address(canonical) == transport


@pytest.mark.parametrize("text", ["libvirt:a/b", "libvirt:/run/vm.sock", "libvirt:a\nb"])
def test_no_domains_name(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text)
    assert str(caught.value) == (
        f"{text!r} is not an address: the name of a domain holds no slash and no line break;"
        " libvirt:DOMAIN or libvirt:URI#DOMAIN is expected"
    )


def test_without_the_library(run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    (tmp_path / "libvirt.py").write_text("raise ImportError('gone')\n")
    run = run_qmpsh("libvirt:vm", "query-status", env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert run.returncode == 3
    assert run.stderr.startswith(
        "qmpsh: libvirt support is not installed; Debian: apt install python3-libvirt;"
    )


# ------------------------------------------------------------------------ one-shots


def test_answers(domain: Domain, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh(domain.address, "query-name")
    assert (run.returncode, run.stdout) == (0, f'{{"name": "{domain.name}"}}\n')
    pretty = run_qmpsh(domain.address, "-p", "query-name")
    assert pretty.stdout == f'{{\n  "name": "{domain.name}"\n}}\n'
    hmp = run_qmpsh(domain.address, "--hmp", "info status")
    assert hmp.stdout.startswith("VM status: paused")
    raw = run_qmpsh(domain.address, "--json", '{"execute": "query-name", "id": [7]}')
    assert json.loads(raw.stdout) == {"return": {"name": domain.name}, "id": [7]}


def test_errors_are_the_servers_own(domain: Domain, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh(domain.address, "nope")
    assert run.returncode == 1
    assert "qmpsh: CommandNotFound: The command nope has not been found\n" in run.stderr
    hmp = run_qmpsh(domain.address, "--hmp", "nope")
    assert hmp.returncode == 1


def test_typed_arguments(domain: Domain, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh(domain.address, "qom-get", "path=/machine", "property=type")
    assert json.loads(run.stdout).endswith("-machine")
    wrong = run_qmpsh(domain.address, "qom-get", "path=/machine")
    assert wrong.returncode == 2


def test_script(domain: Domain, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh(domain.address, stdin="query-name\nquery-status\n" * 50)
    assert run.returncode == 0
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert lines[::2] == [{"name": domain.name}] * 50
    assert {line["status"] for line in lines[1::2]} <= PAUSED


def test_a_domain_by_uuid_and_id(domain: Domain, run_qmpsh: RunQmpsh) -> None:
    for word in ("domuuid", "domid"):
        named = domain.libvirt.virsh(word, domain.name)
        run = run_qmpsh(f"libvirt:{domain.libvirt.uri}#{named}", "query-name")
        assert json.loads(run.stdout) == {"name": domain.name}


def test_the_default_uri_is_virshs(domain: Domain, run_qmpsh: RunQmpsh) -> None:
    environment = {"LIBVIRT_DEFAULT_URI": domain.libvirt.uri}
    run = run_qmpsh(f"libvirt:{domain.name}", "query-name", env=environment)
    assert json.loads(run.stdout) == {"name": domain.name}


def test_the_taint_is_told_by_the_session_that_makes_it(
    fresh_domain: Domain, run_qmpsh: RunQmpsh
) -> None:
    first = run_qmpsh(fresh_domain.address, stdin="query-name\nquery-name\n")
    assert first.stderr == (
        f"qmpsh: libvirt now marks the domain {fresh_domain.name} as tainted (custom-monitor): it"
        " does not see what commands to the monitor change\n"
    )
    assert run_qmpsh(fresh_domain.address, "query-name").stderr == ""
    assert "tainted: custom monitor" in fresh_domain.libvirt.virsh("dominfo", fresh_domain.name)


def test_doctor_tells_of_the_taint(fresh_domain: Domain, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("doctor", "--json", fresh_domain.address)
    checks = {one["check"]: one["text"] for one in json.loads(done.stdout)}
    assert (done.stderr, checks["session"]) == ("", "works")
    assert f"marks the domain {fresh_domain.name} as tainted" in checks["remark"]
    assert re.search(r", pid \d+, running, user ", checks["listener"])
    done = run_qmpsh("doctor", fresh_domain.address)
    assert "takes the monitor" not in done.stderr
    assert " remark " not in done.stdout


def test_quit(fresh_domain: Domain, run_qmpsh: RunQmpsh) -> None:
    assert run_qmpsh(fresh_domain.address, "quit").returncode == 0
    wait_until(lambda: fresh_domain.state == "shut off", PATIENCE, "the domain's end")
    gone = run_qmpsh(fresh_domain.address, "query-status")
    name, uri = fresh_domain.name, fresh_domain.libvirt.uri
    assert (gone.returncode, gone.stderr) == (
        3,
        f"qmpsh: the domain {name} is not running; virsh -c {quote(uri)} start {name} starts it\n",
    )


def test_export_names_the_domain(domain: Domain, run_qmpsh: RunQmpsh) -> None:
    line = run_qmpsh(domain.address, ".export virsh query-name").stdout
    printed = subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed)["return"] == {"name": domain.name}


# ------------------------------------------------------------------------ the common checks


@pytest.fixture(scope="module")
def server_under_test(libvirt: Libvirt) -> Iterator[ServerUnderTest]:
    def make_target(stack: ExitStack) -> Target:
        domain = stack.enter_context(libvirt.started())
        libvirt.virsh("resume", domain.name)
        target = Target(domain, domain.address)
        assert "now marks the domain" in target.run("query-name").err  # told once
        return target

    found = ServerUnderTest(make_target, LIBVIRT)
    yield found
    found.close()


@pytest.mark.parametrize("check", CHECKS)
def test_check(server_under_test: ServerUnderTest, check: str, tmp_path: Path) -> None:
    """The row of the matrix that test_transports.py cannot have: see transports.TRANSPORTS."""
    server_under_test.check(check, tmp_path)


# ------------------------------------------------------------------------ no session


def test_unknown_domain(domain: Domain, run_qmpsh: RunQmpsh) -> None:
    uri = domain.libvirt.uri
    run = run_qmpsh(f"libvirt:{uri}#{domain.name}x", "query-status")
    assert run.returncode == 3
    # Other domains of this machine may be near as well.
    assert run.stderr.startswith(
        f"qmpsh: no domain {domain.name}x at {uri}; did you mean {domain.name}"
    )
    assert run.stderr.endswith(f"; qmpsh {quote(f'libvirt:{uri}')} lists those that are there\n")


def test_nobody_listens(libvirt: Libvirt, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    uri = f"qemu+unix:///{LEVEL}?socket={tmp_path}/none"
    for words in ([f"libvirt:{uri}#vm", "query-status"], [f"libvirt:{uri}"]):
        run = run_qmpsh(*words)
        assert run.returncode == 3
        assert run.stderr.startswith(
            f"qmpsh: cannot connect to libvirt at {uri}: Failed to connect socket to"
            f" '{tmp_path}/none': No such file or directory; virsh -c '{uri}' list --all"
        )


def test_another_hypervisor(libvirt: Libvirt, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh("libvirt:test:///default#test", "query-status")
    assert run.returncode == 3
    assert run.stderr.startswith("qmpsh: libvirt passes no commands to the domain test: ")


def test_a_silent_libvirt(libvirt: Libvirt, run_qmpsh: RunQmpsh) -> None:
    with relay(None) as uri:
        for words in ([f"libvirt:{uri}#vm", "query-status"], [f"libvirt:{uri}"]):
            run = run_qmpsh("--connect-timeout", "0.3", *words)
            assert run.returncode == 3
            assert run.stderr.startswith("qmpsh: no answer from libvirt within 0.3 s; check ")


def test_a_stopped_vm(fresh_domain: Domain, run_qmpsh: RunQmpsh) -> None:
    with fresh_domain.stopped():
        run = run_qmpsh("--connect-timeout", "0.5", fresh_domain.address, "query-status")
    assert (run.returncode, run.stderr) == (
        3,
        f"qmpsh: the domain {fresh_domain.name} did not answer libvirt within 0.5 s: its QEMU is"
        " stopped, or busy with another command\n",
    )


# ------------------------------------------------------------------------ the list


def test_list(domain: Domain, run_qmpsh: RunQmpsh) -> None:
    uri = domain.libvirt.uri
    with domain.libvirt.defined() as shut_off:
        table = run_qmpsh(f"libvirt:{uri}")
        assert table.returncode == 0
        rows = [line.split(maxsplit=2) for line in table.stdout.splitlines()]
        assert rows[0] == ["id", "name", "state"]
        assert ["-", shut_off.name, "shut off"] in rows
        assert [domain.libvirt.virsh("domid", domain.name), domain.name, "paused"] in rows
        found = json.loads(run_qmpsh("--json", f"libvirt:{uri}#").stdout)
        assert {"id": None, "name": shut_off.name, "state": "shut off"} in found


def test_a_line_wants_a_domain(run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh("libvirt:", "query-status")
    assert (run.returncode, run.stderr) == (
        2,
        "qmpsh: no domain is named: `qmpsh libvirt:` lists those that are there\n",
    )


# ------------------------------------------------------------------------ a session


def test_events(domain: Domain) -> None:
    with connected(domain.address) as client:
        heard = Heard()
        client.subscriber = heard.subscriber
        client.execute(Command("cont"), PATIENCE)
        resumed = hears(client, heard, "RESUME")
        assert resumed.data == {}
        assert resumed.time is not None
        domain.libvirt.virsh("suspend", domain.name)
        hears(client, heard, "STOP")


def test_events_as_lines(domain: Domain) -> None:
    """`.events` beside a libvirt that goes on with its own work."""
    command = [sys.executable, "-m", "qmpsh", domain.address, ".events", "--count", "2"]
    listening = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert listening.stderr is not None
    while "listening" not in listening.stderr.readline():
        assert listening.poll() is None
    domain.libvirt.virsh("resume", domain.name)
    domain.libvirt.virsh("suspend", domain.name)
    out, _ = listening.communicate(timeout=PATIENCE)
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["RESUME", "STOP"]
    assert listening.returncode == 0


@pytest.mark.skipif(LEVEL != "system", reason="a private libvirtd is not to be met over ssh")
def test_at_another_host(
    domain: Domain, run_qmpsh: RunQmpsh, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same libvirt by way of ssh, as if it were another host's."""
    need("ssh")
    need("sshd")
    with serving_ssh(tmp_path_factory.mktemp("ssh")) as sshd:
        wrapper = sshd.folder / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec ssh -F {sshd.folder}/config "$@"\n')
        wrapper.chmod(0o700)
        uri = f"qemu+ssh://forwarding/system?command={wrapper}&no_tty=1"
        address = f"libvirt:{uri}#{domain.name}"
        done = run_qmpsh(address, "query-status", timeout=PATIENCE)
        assert (done.returncode, json.loads(done.stdout)["running"]) == (0, False), done.stderr
        done = run_qmpsh(address, "--hmp", "info status", timeout=PATIENCE)
        assert done.stdout.startswith("VM status: paused"), done.stderr
        done = run_qmpsh(f"libvirt:{uri}", timeout=PATIENCE)
        assert domain.name in done.stdout


def test_no_oob(domain: Domain) -> None:
    with connected(domain.address) as client:
        assert client.connection.greeting is not None
        assert client.connection.greeting.capabilities == ()
        with pytest.raises(CommandFailed) as caught:
            client.execute(Command("query-status", oob=True), PATIENCE)
        assert caught.value.desc == "libvirt passes no out-of-band commands on; send it in band"


def test_libvirts_own_errors(domain: Domain) -> None:
    with connected(domain.address) as client:
        huge: JsonObject = {"path": "x" * (5 << 20), "property": "type"}
        with pytest.raises(CommandFailed) as caught:
            client.execute(Command("qom-get", huge), PATIENCE)
        assert caught.value.error_class == "GenericError"
        assert caught.value.desc.startswith("libvirt: ")
        assert status(client) in PAUSED


def test_two_at_once_and_virsh_beside(domain: Domain) -> None:
    with connected(domain.address) as one, connected(domain.address) as other:
        for _ in range(5):
            pendings = [client.submit(STATUS) for client in (one, other)]
            domain.libvirt.virsh("qemu-monitor-command", domain.name, "--hmp", "info status")
            for client, pending in zip((one, other), pendings, strict=True):
                wait_for(client, pending)
                assert pending.error is None


def test_the_article_of_openeuler(domain: Domain, run_qmpsh: RunQmpsh) -> None:
    """ "QEMU QMP Mechanism": each line of `virsh qemu-monitor-command` beside ours."""

    def virsh(*words: str) -> str:
        return domain.libvirt.virsh("qemu-monitor-command", domain.name, *words)

    def ours(*words: str) -> str:
        run = run_qmpsh(domain.address, *words)
        assert run.returncode == 0
        return run.stdout.strip()

    for command in ("query-commands", "query-memory-size-summary"):
        line = json.dumps({"execute": command})
        assert json.loads(ours(line)) == json.loads(virsh(line))["return"]
    assert ours("--pretty", line) == virsh("--pretty", line).partition('"return": ')[2].partition(
        ',\n  "id"'
    )[0].replace("\n  ", "\n")
    for line in ("info memory_size_summary", "help"):
        assert ours("--hmp", line) == virsh("--hmp", line).replace("\r", "")
    # The command that the article adds to QEMU: that of Debian has none.
    assert "hello-world" not in ours("query-commands")
    line = '{ "execute": "hello-world", "arguments": { "message": "We love qemu" } }'
    refused = run_qmpsh(domain.address, line)
    assert refused.returncode == 1
    assert "CommandNotFound: The command hello-world has not been found" in refused.stderr


def test_killed_while_a_command_is_stuck(fresh_domain: Domain) -> None:
    with connected(fresh_domain.address) as client, fresh_domain.stopped():
        with pytest.raises(ReplyTimeout):
            client.execute(STATUS, ANSWERED_TO_NOBODY)
        os.kill(fresh_domain.pid, signal.SIGKILL)
        ends(client)
        assert str(client.lost) == "the server closed the connection"


def test_closing_is_not_held_up_by_a_stuck_command(fresh_domain: Domain) -> None:
    before = bridges()
    with connected(fresh_domain.address) as client, fresh_domain.stopped():
        with pytest.raises(ReplyTimeout):
            client.execute(STATUS, ANSWERED_TO_NOBODY)
        client.close()
        assert bridges() > before
    wait_until(lambda: bridges() <= before, PATIENCE, "the end of the bridge's thread")


def test_destroyed(fresh_domain: Domain) -> None:
    with connected(fresh_domain.address) as client:
        heard = Heard()
        client.subscriber = heard.subscriber
        fresh_domain.libvirt.virsh("destroy", fresh_domain.name)
        assert hears(client, heard, "SHUTDOWN").data["reason"] == "host-signal"
        ends(client)
        assert str(client.lost) == "the server closed the connection"
        with pytest.raises(ConnectionLost):
            client.submit(STATUS)


def test_libvirts_daemon_goes(domain: Domain) -> None:
    with relay(domain.libvirt.socket) as uri:
        client = Client.connect(parse_address(f"libvirt:{uri}#{domain.name}"))
        assert status(client) in PAUSED
    ends(client)
    assert client.lost is not None
    assert client.lost.exit_code == 4
    assert str(client.lost).startswith(f"libvirt at {uri} hung up: its daemon ended")


def test_dialled_without_waiting(domain: Domain) -> None:
    client = Client.open(parse_address(domain.address))
    try:
        wait_until(lambda: (client.poll(0), client.ready)[1], PATIENCE, "a session")
        assert status(client) in PAUSED
    finally:
        client.close()


def test_dialled_in_vain(libvirt: Libvirt) -> None:
    client = Client.open(parse_address(f"libvirt:{libvirt.uri}#no-such-domain"))
    ends(client)
    refusal = refusal_of(client)
    assert isinstance(refusal, CannotConnect)
    assert str(refusal).startswith(f"no domain no-such-domain at {libvirt.uri}")


def bridges() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == COMMANDS_THREAD}


def test_the_table_of_vms(domain: Domain, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh("top", "--once", "--json", "-n", "2", domain.address)
    row = json.loads(run.stdout.splitlines()[-1])
    assert (run.returncode, row["vm"], row["up"], row["vcpus"]) == (0, domain.name, True, 1)
    # Its process is here, though libvirt is between: the threads of the virtual CPUs say so.
    assert isinstance(row["cpu_percent"], float)
