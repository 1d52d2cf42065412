"""`.export` and `.json`: what is printed does, run by bash, Python or virsh, what the line does."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.address import TcpAddress, UnixAddress, parse_address
from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Command, command_object
from qmpsh.render.safe import visible
from qmpsh.shell.execute import Request, dry_run_text
from qmpsh.shell.machine import Machine
from qmpsh.shell.verbs.export import TOOLS
from tests.conftest import RunQmpsh
from tests.fuzzing import examples
from tests.ports import free_port
from tests.programs import need
from tests.qemu import VmStarter

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
COMMANDS = st.builds(
    lambda name, arguments, oob: Command(name, arguments, oob),
    st.sampled_from(["query-name", "x"]),
    st.none() | st.dictionaries(TEXT, VALUES, max_size=3),
    st.booleans(),
)
ODD = Command("x", {"a": "\x7f \x9b \u202e é 'b' \"c\" \\ \n $HOME `d`"})
NAMES = TEXT.filter(bool)

MODULE = """
import asyncio, json

class QMPClient:
    async def connect(self, peer):
        opening = asyncio.open_connection(*peer) if isinstance(peer, tuple) else (
            asyncio.open_unix_connection(peer))
        self.reader, self.writer = await opening
        greeting = json.loads(await self.reader.readline())
        await self.ask({"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}})

    async def ask(self, message):
        self.writer.write(json.dumps(message).encode() + b"\\n")
        return json.loads(await self.reader.readline())["return"]

    async def execute(self, name, arguments=None, oob=False):
        message = {"exec-oob" if oob else "execute": name}
        return await self.ask(message if arguments is None else {**message, "arguments": arguments})

    async def disconnect(self):
        self.writer.close()
"""
"""As much of qemu.qmp as an exported program uses."""

VIRSH = f"""#!{sys.executable}
import json, sys
given, words, is_data = {{}}, iter(sys.argv[1:]), False
rest = []
for word in words:
    if word == "--" and not is_data:
        is_data = True
    elif word == "-c" and not rest:
        given["connect"] = next(words)
    elif word.startswith("--") and not is_data:
        name, equals, value = word[2:].partition("=")
        given[name] = value if equals else next(words)
    else:
        rest.append(word)
rest = rest[1:]
print(json.dumps([given.get("connect"), given.get("domain") or rest.pop(0), json.loads(rest[0])]))
"""
"""virsh's reading of its words. Source: libvirt, tools/vsh.c, vshCommandParse."""


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `virsh`, and with a `qemu.qmp` for PYTHONPATH."""
    folder = tmp_path_factory.mktemp("tools")
    (folder / "qemu" / "qmp").mkdir(parents=True)
    (folder / "qemu" / "qmp" / "__init__.py").write_text(MODULE)
    (folder / "virsh").write_text(VIRSH)
    (folder / "virsh").chmod(0o755)
    return folder


def written(tool: str, command: Command, address: str = "", name: str = "") -> str:
    """What `.export` prints."""
    machine = Machine(address, None)
    machine.name = name
    return visible(TOOLS[tool]([command], machine))


def run(argv: list[str], tools: Path) -> str:
    env = {**os.environ, "PYTHONPATH": str(tools), "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(argv, env=env, capture_output=True, timeout=60, check=True)
    return done.stdout.decode()


# -------------------------------------------------------------------- texts


@given(command=COMMANDS)
@example(command=ODD)
def test_what_would_be_sent_is_json(command: Command) -> None:
    assert json.loads(visible(dry_run_text(Request(command)))) == command_object(command)


@examples(0.1)
@given(command=COMMANDS, name=NAMES)
@example(command=ODD, name="--domain=x")
@example(command=ODD, name="-c")
@example(command=ODD, name="a\x1b[31m\n'b' \\ \x7f")
def test_a_shell_reads_the_words_back(tools: Path, command: Command, name: str) -> None:
    bash = "socat() { cat; }\n" + written("bash", command)
    lines = run(["bash", "-c", bash], tools).splitlines()
    enabled = {"arguments": {"enable": ["oob"]}} if command.oob else {}
    assert [json.loads(line) for line in lines] == [
        {"execute": "qmp_capabilities", **enabled},
        command_object(command),
    ]
    _, domain, message = json.loads(run(["bash", "-c", written("virsh", command, "", name)], tools))
    assert (domain, message) == (name, command_object(command._replace(oob=False)))


@given(command=COMMANDS)
@example(command=ODD)
def test_python_reads_the_arguments_back(command: Command) -> None:
    text = written("python", command)
    call = text.partition("qmp.execute")[2].partition("\n    await qmp.disconnect")[0][:-1]
    given_back: list[Command] = []

    def execute(name: str, arguments: Json = None, *, oob: bool = False) -> None:
        given_back.append(Command(name, arguments, oob))

    exec(f"execute{call}", {"execute": execute})
    assert given_back == [command]


# -------------------------------------------------------------------- addresses


@contextlib.contextmanager
def served(address: str) -> Iterator[list[Json]]:
    """A monitor at an address; gives the messages that it got."""
    parsed = parse_address(address)
    if isinstance(parsed, TcpAddress):
        family = socket.AF_INET6 if ":" in parsed.host else socket.AF_INET
        listener = socket.create_server((parsed.host, parsed.port), family=family)
    else:
        assert isinstance(parsed, UnixAddress)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"\0{parsed.path}" if parsed.abstract else parsed.path)
        listener.listen()
    got: list[Json] = []

    def serve() -> None:
        peer, _ = listener.accept()
        with peer, peer.makefile("rb") as lines:
            peer.sendall(b'{"QMP": {"version": {}, "capabilities": ["oob"]}}\n')
            for line in lines:
                got.append(json.loads(line))
                peer.sendall(b'{"return": {}}\n')

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield got
    finally:
        thread.join(30)
        listener.close()


@pytest.mark.parametrize("tool", ["bash", "python"])
@pytest.mark.parametrize(
    "address",
    [
        "unix:{}/plain",
        "unix:{}/a,,b",
        "unix:{}/a:b!!c \"d\" 'e' (f) [g] {{h}} \\i",
        "unix:{}/\x1b[31m\x7f\n\udcff",
        "unix:{}/abstract-é,,x,abstract=on",
        "tcp:127.0.0.1:{port}",
        "tcp:[::1]:{port}",
    ],
)
def test_every_address_is_reached(tools: Path, tmp_path: Path, tool: str, address: str) -> None:
    if tool == "bash":
        need("socat")
    address = address.format(tmp_path, port=free_port())
    interpreter = "bash" if tool == "bash" else sys.executable
    with served(address) as got:
        run([interpreter, "-c", written(tool, ODD._replace(oob=True), address)], tools)
    capabilities, message = got
    assert capabilities == {"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}
    assert message == command_object(ODD._replace(oob=True))


def test_a_domain_of_libvirt(tools: Path) -> None:
    text = written("virsh", ODD, "libvirt:qemu+ssh://h/system?x='a b'#--domain=x")
    said = json.loads(run(["bash", "-c", text], tools))
    assert said == ["qemu+ssh://h/system?x='a b'", "--domain=x", command_object(ODD)]


# -------------------------------------------------------------------- the verb


def test_virsh_gets_the_name_of_the_vm(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm(name="guest=--domain=x")
    done = run_qmpsh(vm.path, ".export", "virsh", "query-status")
    assert done.stdout == (
        'virsh qemu-monitor-command --domain=--domain=x \'{"execute": "query-status"}\'\n'
    )
    assert (done.stderr, done.returncode) == ("", 0)


def test_what_a_tool_cannot_do_is_said(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm()
    done = run_qmpsh(vm.path, ".export virsh query-status --oob")
    assert done.stderr == "qmpsh: --oob is left out: it cannot be expressed in virsh\n"
    assert '{"execute": "query-status"}' in done.stdout
    done = run_qmpsh(f"exec:socat - UNIX:{vm.path}", ".export bash query-status")
    assert done.stderr == (
        f"qmpsh: bash cannot connect to exec:socat - UNIX:{vm.path}:"
        " write an address in its place that it can\n"
    )
