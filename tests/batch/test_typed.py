"""Typed arguments on a real QEMU, every version at hand: what is sent, refused, and lands where."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from qmpsh.jsontypes import Json
from qmpsh.shell.context import Context
from qmpsh.shell.interpreter import run_words
from qmpsh.shell.machine import Machine
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Task
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm, VmStarter
from tests.samples import schema

SCHEMA = str(ROOT / "tests" / "data" / "query-qmp-schema-qemu-7.2.json")


def arguments(run_qmpsh: RunQmpsh, *line: str) -> Json:
    """The arguments that a line would send, typed by the schema of QEMU 7.2."""
    done = run_qmpsh("-n", "--schema", SCHEMA, *line)
    assert done.returncode == 0, done.stderr
    found: Json = json.loads(done.stdout)["arguments"]
    return found


def test_declared_types_decide(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, stdin="object-add qom-type=iothread id=t1\nobject-del id=t1\n")
    assert (done.stderr, done.returncode) == ("", 0)
    line = "object-add qom-type=memory-backend-ram id=m0 size=64M"
    done = run_qmpsh(q35.path, "-n", line)
    assert json.loads(done.stdout)["arguments"]["size"] == 67108864
    script = f"{line}\nquery-memdev\nobject-del id=m0\n"
    done = run_qmpsh(q35.path, stdin=script)
    assert [m["size"] for m in json.loads(done.stdout) if m["id"] == "m0"] == [67108864]


def test_a_digit_id_is_sent_as_a_string(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    line = "object-add qom-type=iothread id=007"
    done = run_qmpsh(q35.path, "-n", line)
    assert json.loads(done.stdout)["arguments"] == {"qom-type": "iothread", "id": "007"}
    # The type is right; that an id begins with a letter is the server's own rule.
    done = run_qmpsh(q35.path, line)
    assert done.stderr == "qmpsh: GenericError: Parameter 'id' expects an identifier\n"


def test_device_properties_have_the_types_that_the_server_wants(
    fresh_q35: Vm, run_qmpsh: RunQmpsh
) -> None:
    """QEMU 10 refuses strings where it wants booleans and integers."""
    line = "device_add driver=virtio-net-pci mq=on vectors=4 speed=100 bus=rp0 id=n1"
    done = run_qmpsh(fresh_q35.path, line)
    assert (done.stderr, done.returncode) == ("", 0)


def test_addr_lands_in_the_slot_that_is_meant(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    """A string is hexadecimal to QEMU, 7.2 and 10.0 alike: slot 0x10, function 0."""
    vm = start_vm("-device", "pcie-pci-bridge,id=br0", machine="demo")
    done = run_qmpsh(
        vm.path,
        stdin="device_add driver=virtio-rng-pci addr=10 bus=br0 id=r0\n"
        "qom-get path=/machine/peripheral/r0 property=addr\n",
    )
    devfn = 0x10 << 3  # what QEMU makes of slot and function
    assert (done.stderr, done.stdout) == ("", f"{devfn}\n")


def test_unknown_members_are_not_sent(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, "blockdev-add driver=qcow2 node-name=d0 fle.driver=file")
    assert done.returncode == 2
    error, *marked = done.stderr.splitlines()
    assert "no argument 'fle'" in error
    assert marked == [
        "  blockdev-add driver=qcow2 node-name=d0 fle.driver=file",
        "                                         ^^^",
    ]


def test_a_mistyped_command_is_suggested(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    assert run_qmpsh(q35.path, "-n", "balloon value=1M").returncode == 0  # fills the cache
    done = run_qmpsh(q35.path, "blockdev-ad")
    assert done.returncode == 1
    assert "did you mean blockdev-add" in done.stderr


def test_the_schema_is_cached_and_a_bad_cache_is_mended(
    q35: Vm, run_qmpsh: RunQmpsh, private_home: Path
) -> None:
    run_qmpsh(q35.path, "-n", "balloon value=1M")
    folder = private_home / ".cache" / "qmpsh"
    (file,) = folder.glob("schema-*")
    size = file.stat().st_size
    traced = run_qmpsh("-v", q35.path, "-n", "balloon value=1M").stderr
    assert "query-qmp-schema" not in traced.replace('"name": "query-qmp-schema"', "")
    file.write_bytes(b"damaged")
    assert run_qmpsh(q35.path, "-n", "balloon value=1M").returncode == 0
    assert file.stat().st_size == size
    os.chmod(folder, 0o500)
    assert run_qmpsh(q35.path, "-n", "balloon value=1M").returncode == 0


def test_without_arguments_no_schema_is_asked_for(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    traced = run_qmpsh("-v", q35.path, "query-status").stderr
    assert [line[:2] for line in traced.splitlines()] == ["<-", "->", "<-", "->", "<-"]


def test_raw_json_is_sent_as_it_stands_with_a_warning(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, '{"execute": "balloon", "arguments": {"valu": 5}}')
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == (
        "qmpsh: sent unchanged, but balloon has no argument 'valu'; did you mean value?"
    )


def test_dry_run_with_a_schema_needs_no_server(run_qmpsh: RunQmpsh) -> None:
    assert arguments(run_qmpsh, "balloon value=64M") == {"value": 67108864}
    done = run_qmpsh("-n", "--schema", SCHEMA, "balloon value=much")
    assert done.returncode == 2
    assert "expected an integer" in done.stderr
    done = run_qmpsh("-n", "--schema", SCHEMA, "hello-world message=x")
    assert done.returncode == 2


@pytest.mark.parametrize(
    "name,message",
    [
        ("none.json", "No such file"),
        ("README.md", "not a JSON file"),
        ("data/x.json", "a reply of"),
    ],
)
def test_a_schema_file_that_is_none(
    run_qmpsh: RunQmpsh, tmp_path: Path, name: str, message: str
) -> None:
    paths = {"README.md": ROOT / "README.md", "data/x.json": tmp_path / "x.json"}
    (tmp_path / "x.json").write_text('{"return": {}}')
    done = run_qmpsh("-n", "--schema", str(paths.get(name, name)), "balloon value=1")
    assert done.returncode == 2
    assert message in done.stderr


EXAMPLES: list[Json] = [
    {"execute": "balloon", "arguments": {"value": 536870912}},
    {"execute": "eject", "arguments": {"id": "ide1-0-1"}},
    {"execute": "device_add", "arguments": {"driver": "e1000", "id": "net1", "bus": "pci.0"}},
    {
        "execute": "blockdev-add",
        "arguments": {
            "driver": "qcow2",
            "node-name": "test1",
            "file": {"driver": "file", "filename": "test.qcow2"},
        },
    },
    {
        "execute": "blockdev-add",
        "arguments": {
            "driver": "qcow2",
            "node-name": "node-B",
            "backing": None,
            "file": {"driver": "file", "filename": "/path/to/a b.qcow2"},
        },
    },
    {
        "execute": "transaction",
        "arguments": {
            "actions": [
                {
                    "type": "blockdev-snapshot-sync",
                    "data": {
                        "device": "ide-hd0",
                        "snapshot-file": "/some/place/my-image",
                        "format": "qcow2",
                    },
                },
                {
                    "type": "block-dirty-bitmap-add",
                    "data": {"node": "drive0", "name": "b"},
                },
            ]
        },
    },
    {
        "execute": "chardev-add",
        "arguments": {
            "id": "baz",
            "backend": {"type": "file", "data": {"out": "/tmp/bar.log"}},
        },
    },
    {
        "execute": "migrate-set-capabilities",
        "arguments": {"capabilities": [{"capability": "xbzrle", "state": True}]},
    },
    {
        "execute": "input-send-event",
        "arguments": {
            "device": "video0",
            "events": [
                {"type": "btn", "data": {"down": True, "button": "left"}},
                {"type": "key", "data": {"down": True, "key": {"type": "qcode", "data": "ctrl"}}},
            ],
        },
    },
    {"execute": "set_password", "arguments": {"protocol": "vnc", "password": "secret"}},
    {
        "execute": "netdev_add",
        "arguments": {"type": "user", "id": "netdev1", "dnssearch": [{"str": "example.org"}]},
    },
    {
        "execute": "object-add",
        "arguments": {"qom-type": "rng-random", "id": "rng1", "filename": "/dev/hwrng"},
    },
    {
        "execute": "qom-set",
        "arguments": {"path": "/machine", "property": "graphics", "value": False},
    },
    {
        "execute": "query-stats",
        "arguments": {
            "target": "vcpu",
            "vcpus": ["/machine/unattached/device[2]"],
            "providers": [{"provider": "kvm", "names": ["l1d_flush", "exits"]}],
        },
    },
    {
        "execute": "nbd-server-start",
        "arguments": {
            "addr": {"type": "inet", "data": {"host": "::1", "port": "10809"}},
            "max-connections": 1,
        },
    },
]


def dotted(value: Json, key: str = "") -> list[str]:
    """The words of a line that says this in dotted keys."""
    if isinstance(value, dict) and value:
        at = f"{key}." if key else ""
        return [word for name, item in value.items() for word in dotted(item, f"{at}{name}")]
    if isinstance(value, list) and value:
        return [w for index, item in enumerate(value) for w in dotted(item, f"{key}.{index}")]
    return [f"{key}={value if isinstance(value, str) else json.dumps(value)}"]


def bracketed(value: Json) -> list[str]:
    """The words of a line that says this in brackets."""
    assert isinstance(value, dict)
    return [
        f"{name}={item if isinstance(item, str) else json.dumps(item)}"
        for name, item in value.items()
    ]


def quoted(words: list[str]) -> str:
    """The same words as one line: what holds a blank is quoted as a whole, brackets need not be."""
    return " ".join(
        word if " " not in word or word.partition("=")[2][:1] in "[{" else f"'{word}'"
        for word in words
    )


@pytest.mark.parametrize("form", [dotted, bracketed])
def test_documented_examples_come_out_as_they_are(run_qmpsh: RunQmpsh, form: object) -> None:
    make = dotted if form is dotted else bracketed
    context = Context(None, Settings(dry_run=True), Machine("", None), schema("7.2"))
    lines = []
    for example in EXAMPLES:
        assert isinstance(example, dict)
        words = [str(example["execute"]), *make(example["arguments"])]
        said: list[Answer | Note] = []
        Task(run_words(context, words), said.append).advance(0.0)
        assert [json.loads(item.text or "") for item in said if isinstance(item, Answer)] == [
            example
        ]
        lines.append(quoted(words))
    done = run_qmpsh("-n", "--schema", SCHEMA, stdin="\n".join(lines))
    assert (done.stderr, done.returncode) == ("", 0)
    assert [json.loads(line) for line in done.stdout.splitlines()] == EXAMPLES
