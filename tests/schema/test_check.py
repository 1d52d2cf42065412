"""Lines read with the declared types, against the captured schemas of QEMU 7.2 and 10.0."""

from __future__ import annotations

import json

import pytest

from qmpsh.errors import LineError, SchemaMismatch
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.parser import parse_line, parse_words
from qmpsh.language.syntax import CommandLine
from qmpsh.schema.check import check_arguments
from qmpsh.schema.model import Schema
from tests.samples import VERSIONS, entities, reply, schema

BOTH = pytest.mark.parametrize("version", VERSIONS)


def read(
    line: str, known: Schema, properties: dict[str, str] | None = None, *, words: bool = False
) -> JsonObject:
    (statement,) = parse_words(line.split()) if words else parse_line(line)
    assert isinstance(statement, CommandLine)
    return check_arguments(known, statement, properties)


TYPED = [
    # str: the word as it stands
    ("object-add qom-type=iothread id=007", {"qom-type": "iothread", "id": "007"}),
    ("object-add qom-type=iothread id=true", {"qom-type": "iothread", "id": "true"}),
    ("object-add qom-type=iothread id='a b'", {"qom-type": "iothread", "id": "a b"}),
    ("object-add qom-type=iothread id=", {"qom-type": "iothread", "id": ""}),
    # int
    ("balloon value=64M", {"value": 64 << 20}),
    ("balloon value=0x4000000", {"value": 64 << 20}),
    ("block_resize node-name=a size=1.5G", {"node-name": "a", "size": 3 << 29}),
    # boolean
    ("eject id=a force=on", {"id": "a", "force": True}),
    ("eject id=a force=no", {"id": "a", "force": False}),
    # enum, bare and quoted
    ("set-action reboot=reset", {"reboot": "reset"}),
    ('set-action reboot="reset"', {"reboot": "reset"}),
    # arrays by bracket and by index, objects by braces and by dots
    (
        "migrate-set-capabilities capabilities=[{capability: xbzrle, state: on}]",
        {"capabilities": [{"capability": "xbzrle", "state": True}]},
    ),
    (
        "migrate-set-capabilities capabilities.0.capability=xbzrle capabilities.0.state=off",
        {"capabilities": [{"capability": "xbzrle", "state": False}]},
    ),
    (
        "blockdev-add driver=raw file.driver=null-co file.size=1M cache.direct=on",
        {
            "driver": "raw",
            "file": {"driver": "null-co", "size": 1 << 20},
            "cache": {"direct": True},
        },
    ),
    (
        "blockdev-add driver=raw file={driver: null-co, size: 1M, 'read-only': yes,}",
        {"driver": "raw", "file": {"driver": "null-co", "size": 1 << 20, "read-only": True}},
    ),
    # union: the tag decides wherever it stands
    (
        "blockdev-add file.filename=/a file.driver=file node-name=n driver=qcow2",
        {"file": {"filename": "/a", "driver": "file"}, "node-name": "n", "driver": "qcow2"},
    ),
    (
        "object-add size=64M id=m0 qom-type=memory-backend-ram",
        {"size": 64 << 20, "id": "m0", "qom-type": "memory-backend-ram"},
    ),
    # wrapped union
    (
        "chardev-add id=c backend.type=socket backend.data.addr.type=inet "
        "backend.data.addr.data.host=h backend.data.addr.data.port=5 backend.data.server=off",
        {
            "id": "c",
            "backend": {
                "type": "socket",
                "data": {
                    "addr": {"type": "inet", "data": {"host": "h", "port": "5"}},
                    "server": False,
                },
            },
        },
    ),
    # alternates: BlockdevRef, BlockdevRefOrNull, StrOrNull, string or enum before others
    ("blockdev-add driver=raw file=disk0", {"driver": "raw", "file": "disk0"}),
    (
        "blockdev-add driver=qcow2 file=d backing=null",
        {"driver": "qcow2", "file": "d", "backing": None},
    ),
    (
        'blockdev-add driver=qcow2 file=d backing="null"',
        {"driver": "qcow2", "file": "d", "backing": "null"},
    ),
    ("migrate-set-parameters tls-creds=null", {"tls-creds": None}),
    ("migrate-set-parameters tls-creds=5", {"tls-creds": "5"}),
    (
        "blockdev-add driver=qcow2 file=d overlap-check=none",
        {"driver": "qcow2", "file": "d", "overlap-check": "none"},
    ),
    (
        "blockdev-add driver=qcow2 file=d overlap-check.template=all",
        {"driver": "qcow2", "file": "d", "overlap-check": {"template": "all"}},
    ),
    (
        "block-dirty-bitmap-merge node=n target=t bitmaps=[b0, {node: m, name: b1}]",
        {"node": "n", "target": "t", "bitmaps": ["b0", {"node": "m", "name": "b1"}]},
    ),
    # inside brackets Python's constants are JSON's; elsewhere they are words
    (
        "migrate-set-capabilities capabilities=[{'capability': 'xbzrle', 'state': True}]",
        {"capabilities": [{"capability": "xbzrle", "state": True}]},
    ),
    (
        "blockdev-reopen options=[{'driver': 'qcow2', 'file': 'x', 'backing': None}]",
        {"options": [{"driver": "qcow2", "file": "x", "backing": None}]},
    ),
    (
        "blockdev-reopen options=[{driver: qcow2, file: x, backing: 'None'}]",
        {"options": [{"driver": "qcow2", "file": "x", "backing": "None"}]},
    ),
    (
        "blockdev-add driver=qcow2 file=d backing=None",
        {"driver": "qcow2", "file": "d", "backing": None},
    ),
    (
        "blockdev-add driver=qcow2 file=d backing=none",
        {"driver": "qcow2", "file": "d", "backing": "none"},
    ),
    ("migrate-set-parameters tls-creds=None", {"tls-creds": None}),
    ("eject id=True force=True", {"id": "True", "force": True}),
    ("eject id=None force=FALSE", {"id": "None", "force": False}),
    (
        "block-dirty-bitmap-add node=TRUE name=False",
        {"node": "TRUE", "name": "False"},
    ),
    (
        "blockdev-add driver=raw file={driver: file, filename: True}",
        {"driver": "raw", "file": {"driver": "file", "filename": "True"}},
    ),
    # any
    ("qom-set path=/m property=p value=5", {"path": "/m", "property": "p", "value": 5}),
    ("qom-set path=/m property=p value={a: 1}", {"path": "/m", "property": "p", "value": {"a": 1}}),
    ("qom-set path=/m property=p value.a=1", {"path": "/m", "property": "p", "value": {"a": 1}}),
    # names that hold dots, whole or as the last part
    (
        "blockdev-add driver=quorum children.0=a children.1=b vote-threshold=1",
        {"driver": "quorum", "children": ["a", "b"], "vote-threshold": 1},
    ),
    # transaction
    (
        "transaction actions=[{type: blockdev-backup, data: {device: a, target: b, sync: full}}]",
        {
            "actions": [
                {
                    "type": "blockdev-backup",
                    "data": {"device": "a", "target": "b", "sync": "full"},
                }
            ]
        },
    ),
]


@BOTH
@pytest.mark.parametrize("line,arguments", TYPED)
def test_typed(version: str, line: str, arguments: JsonObject) -> None:
    assert json.dumps(read(line, schema(version))) == json.dumps(arguments)


NESTED = "migrate channels.0.channel-type=main channels.0.addr.transport=socket"
CHANNEL = {
    "channels": [
        {
            "channel-type": "main",
            "addr": {"transport": "socket", "type": "inet", "host": "h", "port": "5"},
        }
    ]
}


@pytest.mark.parametrize(
    "line",
    [
        f"{NESTED} channels.0.addr.type=inet channels.0.addr.host=h channels.0.addr.port=5",
        "migrate channels=[{channel-type: main, addr: {port: '5', host: h, type: inet, "
        "transport: socket}}]",
    ],
)
def test_a_branch_that_is_a_union_itself(line: str) -> None:
    """QEMU 10.0's MigrationAddress: `socket` has a tag of its own, `type`."""
    assert read(line, schema("10.0")) == CHANNEL


@pytest.mark.parametrize(
    "argument,message",
    [
        ("", "addr with transport=socket needs type=... (one of inet unix vsock fd)"),
        (
            "channels.0.addr.nme=x",
            "addr with transport=socket has no member 'nme'; what it takes depends on type, "
            "which is missing (one of inet unix vsock fd)",
        ),
        (
            "channels.0.addr.type=unix channels.0.addr.pth=x",
            "addr with transport=socket type=unix has no member 'pth'; did you mean path?",
        ),
        (
            "channels.0.addr.type=unix",
            "addr (socket, unix) needs path=...",
        ),
    ],
)
def test_what_a_branch_of_a_branch_lacks(argument: str, message: str) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        read(f"{NESTED} {argument}", schema("10.0"))
    assert str(caught.value) == message


def test_a_union_that_is_its_own_branch_has_an_end() -> None:
    """No server's schema is so; a broken one must not hold the line for ever."""
    known = Schema.from_entities(
        [
            {"name": "str", "meta-type": "builtin", "json-type": "string"},
            {"name": "c", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
            {
                "name": "1",
                "meta-type": "object",
                "members": [{"name": "t", "type": "str"}],
                "tag": "t",
                "variants": [{"case": "a", "type": "1"}],
            },
        ]
    )
    assert read("c t=a", known) == {"t": "a"}


MISMATCHES = [
    (
        "blockdev-ad driver=raw",
        "no command blockdev-ad; did you mean blockdev-add or blockdev-del or x-blockdev-amend?",
        "blockdev-ad",
    ),
    (
        "blockdev-add driver=qcow2 node-name=d0 fle.driver=file",
        "blockdev-add with driver=qcow2 has no argument 'fle'; did you mean file?",
        "fle",
    ),
    (
        "blockdev-add driver=qcow2 file.driver=file file.filename=/x file.lockin=on",
        "file with driver=file has no member 'lockin'; did you mean locking?",
        "lockin",
    ),
    (
        "device_add drver=virtio-net-pci",
        "device_add has no argument 'drver'; did you mean driver?",
        "drver",
    ),
    (
        "device_add virtio-net-pci,id=x,mac=y",
        "device_add has no argument 'virtio-net-pci,id'; spaces separate arguments, not commas: "
        "driver=virtio-net-pci id=x mac=y",
        "virtio-net-pci,id",
    ),
    ("device_add id=x mac=y", "device_add needs driver=...", "device_add"),
    ("stop now=1", "stop has no argument 'now'; it takes none", "now"),
    ("balloon quux=1", "balloon has no argument 'quux'; there is only value", "quux"),
    ("block_resize device=d size=1.3K", "1.3K is not a whole number of bytes", "1.3K"),
    (
        "transaction actions.0.type=abort",
        "actions[0] (abort) needs data={}",
        "0",
    ),
    (
        "blockdev-add driver=nul-co",
        "'nul-co' is not a value of driver; did you mean null-co or null-aio?",
        "nul-co",
    ),
    (
        "netdev_add user,id=n0",
        "netdev_add has no argument 'user,id'; spaces separate arguments, not commas: type=user"
        " id=n0",
        "user,id",
    ),
    (
        "object-del io,id=a",
        "object-del has no argument 'io,id'; spaces separate arguments, not commas: id=io id=a",
        "io,id",
    ),
    ("balloon value=much", "value: expected an integer such as 5, 0x10 or 64M", "much"),
    (
        "balloon value='5'",
        "value is an integer: write it without quotes",
        "'5'",
    ),
    ("eject force=maybe", "force: expected one of true, false, on, off, yes, no", "maybe"),
    ("eject force=On", "force: expected one of true, false, on, off, yes, no", "On"),
    ("eject force=None", "force: expected one of true, false, on, off, yes, no", "None"),
    ("set-action reboot=rest", "'rest' is not a value of reboot; did you mean reset?", "rest"),
    ("set-action reboot=q", "'q' is not a value of reboot; there are reset, shutdown", "q"),
    ("set-action reboot=[a]", "reboot: expected one of reset, shutdown", "[a]"),
    (
        "nbd-server-start addr.type=inet addr.data.host=[::1]",
        'host: expected a string; text is quoted: addr.data.host="[::1]"',
        "[::1]",
    ),
    (
        "nbd-server-start addr={type: inet, data: {host: [::1], port: '1'}}",
        'host: expected a string; text is quoted: "[::1]"',
        "[::1]",
    ),
    (
        """eject id=["a'", '"']""",
        "id: expected a string; text that begins with [ is quoted",
        """["a'", '"']""",
    ),
    ("eject id.a=x", "id: expected a string", "id"),
    (
        "netdev_add type=user id=n hostfwd=['tcp::1']",
        "hostfwd[0]: expected an object {str}",
        "'tcp::1'",
    ),
    ("device_add id=x", "device_add needs driver=...", "device_add"),
    (
        "chardev-add id=c backend.type=null",
        "backend (null) needs data={}",
        "backend",
    ),
    ("chardev-add id=c backend=null", "backend: expected an object {type, …}", "null"),
    (
        "migrate-set-capabilities capabilities=xbzrle",
        "capabilities: expected a list [{capability, state}]",
        "xbzrle",
    ),
    (
        "migrate-set-capabilities capabilities=[{capability: xbzrle, state: on}, {state: on}]",
        None,
        "{state: on}",
    ),
    ("blockdev-add driver=raw file=[]", None, "[]"),
]


@pytest.mark.parametrize("line,message,marked", MISMATCHES)
def test_mismatch(line: str, message: str | None, marked: str) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        read(line, schema("7.2"))
    assert message is None or str(caught.value) == message
    start, end = caught.value.span
    assert line[start:end] == marked


def test_a_missing_tag_lists_its_values() -> None:
    with pytest.raises(
        SchemaMismatch, match=r"^blockdev-add needs driver=\.\.\. \(4[0-9] values; Tab or"
    ):
        read("blockdev-add node-name=n", schema("7.2"))


@pytest.mark.parametrize("argument", ["file=x", "nonsense=1"])
def test_a_missing_tag_lists_its_values_where_a_branchs_member_is_given(argument: str) -> None:
    expected = "; what it takes depends on driver, which is missing .4[0-9] values; Tab or .help "
    with pytest.raises(SchemaMismatch, match=expected):
        read(f"blockdev-add node-name=n {argument}", schema("7.2"))


def test_argv_words_are_typed_too() -> None:
    known = schema("7.2")
    assert read("balloon value=64M", known, words=True) == {"value": 64 << 20}
    assert read("blockdev-add driver=raw file={driver:null-co}", known, words=True) == {
        "driver": "raw",
        "file": {"driver": "null-co"},
    }
    # Where a string is declared, brackets are its text.
    line = "human-monitor-command command-line={x"
    assert read(line, known, words=True) == {"command-line": "{x"}


PROPERTIES = {"mq": "bool", "speed": "int32", "vectors": "uint32", "mac": "str", "rombar": "uint32"}


@pytest.mark.parametrize(
    "argument,value",
    [
        ("mq=on", True),
        ("mq=perhaps", "perhaps"),
        ("speed=100", 100),
        ("speed=fast", "fast"),
        ("speed='100'", "100"),
        ("vectors=0x10", 16),
        ("mac=5", "5"),
        ("addr=10", "10"),
        ("addr=0x10", "0x10"),
        ("unheard-of=5", 5),
        ("unheard-of=on", "on"),
        ("unheard.of=5", {"of": 5}),
        ("list=[1, a]", [1, "a"]),
    ],
)
def test_device_properties(argument: str, value: object) -> None:
    line = f"device_add driver=virtio-net-pci {argument}"
    found = read(line, schema("7.2"), PROPERTIES)
    assert found[argument.partition("=")[0].partition(".")[0]] == value


def test_a_property_whose_name_holds_a_dot() -> None:
    """`zoned.zasl` of nvme, in a line and as a word of a command line."""
    live = {"zoned": "bool", "zoned.zasl": "uint8", "serial": "str"}
    line = "device_add driver=nvme serial=x zoned.zasl=1K zoned=on other.part=1"
    typed = {
        "driver": "nvme",
        "serial": "x",
        "zoned.zasl": 1024,
        "zoned": True,
        "other": {"part": 1},
    }
    assert read(line, schema("10.0"), live) == typed
    assert read(line, schema("10.0"), live, words=True) == typed


@BOTH
def test_addr_is_a_string_without_live_types_too(version: str) -> None:
    found = read("device_add driver=virtio-rng-pci addr=10", schema(version))
    assert found["addr"] == "10"


def test_members_that_hold_dots() -> None:
    """nvme's `zoned.zasl` and StratoVirt's `throttling.iops-total` are single names."""
    known = with_command("dotted", {"zoned.zasl": "int", "zoned": "str", "file": "dotted-file"})
    assert read("dotted zoned.zasl=5", known) == {"zoned.zasl": 5}
    assert read("dotted zoned=x zoned.zasl=5", known) == {"zoned": "x", "zoned.zasl": 5}
    assert read('dotted "zoned.zasl"=5', known) == {"zoned.zasl": 5}
    assert read("dotted file.a.b=1 file.c=2", known) == {"file": {"a.b": 1, "c": 2}}


def with_command(name: str, members: dict[str, str]) -> Schema:
    """The schema of 7.2 and one command more, as a build of one's own has it."""
    added: list[Json] = [
        {"name": name, "meta-type": "command", "arg-type": f"q-{name}", "ret-type": "0"},
        {
            "name": f"q-{name}",
            "meta-type": "object",
            "members": [
                {"name": member, "type": kind, "default": None} for member, kind in members.items()
            ],
        },
        {
            "name": "dotted-file",
            "meta-type": "object",
            "members": [{"name": n, "type": "int", "default": None} for n in ("a.b", "c")],
        },
    ]
    return Schema.from_entities([*entities("7.2"), *added])


def test_a_command_that_only_this_build_has() -> None:
    known = with_command("hello-world", {"message": "str"})
    assert read("hello-world message='We love qemu'", known) == {"message": "We love qemu"}
    with pytest.raises(SchemaMismatch, match="did you mean message"):
        read("hello-world mesage=x", known)


def test_old_servers_leave_object_add_open() -> None:
    known = Schema.from_entities(
        [
            {"name": "str", "meta-type": "builtin", "json-type": "string"},
            {"name": "object-add", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
            {
                "name": "1",
                "meta-type": "object",
                "members": [{"name": "id", "type": "str"}, {"name": "qom-type", "type": "str"}],
            },
        ]
    )
    assert read("object-add id=007 qom-type=x size=5", known) == {
        "id": "007",
        "qom-type": "x",
        "size": 5,
    }


def test_a_type_that_the_server_left_out_accepts_anything() -> None:
    known = Schema.from_entities(
        [
            {"name": "c", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
            {"name": "1", "meta-type": "object", "members": [{"name": "a", "type": "gone"}]},
        ]
    )
    assert read("c a=5", known) == {"a": 5}


def test_keys_that_clash_are_errors() -> None:
    with pytest.raises(LineError, match="is given both as a value and as"):
        read("blockdev-add driver=raw file=x file.driver=y", schema("7.2"))


@BOTH
def test_every_command_without_required_members_takes_an_empty_line(version: str) -> None:
    known = schema(version)
    for name in known.commands:
        kind = known.arguments(name)
        assert kind is not None
        if all(member.optional for member in kind.members):
            assert read(name, known) == {}


def test_the_listed_commands_are_the_schemas() -> None:
    listed = reply("query-commands-qemu-7.2")
    assert isinstance(listed, list)
    names = {entry["name"] for entry in listed if isinstance(entry, dict)}
    assert names == set(schema("7.2").commands)
