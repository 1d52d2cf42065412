"""Lines as people paste and type them, on every QEMU: what is sent, passed over, refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm

SCHEMA = str(ROOT / "tests" / "data" / "query-qmp-schema-qemu-7.2.json")

PYTHON_WORDS = """\
query-named-block-nodes flat=True
query-named-block-nodes flat=FALSE
blockdev-add driver=null-co node-name=p1 read-zeroes=True
blockdev-add driver=raw node-name=True1 file=p1 read-only=true
blockdev-del node-name=True1
blockdev-del node-name=p1
"""

SINGLE_QUOTES = r"""
chardev-add id=r7 backend={'type': 'ringbuf', 'data': {'size': 64}}
{'execute': 'ringbuf-write', 'arguments': {'device': 'r7', 'data': 'a\nb\u00e9'}}
ringbuf-read device=r7 size=16
chardev-remove id=r7
"""


def test_the_words_of_python_are_booleans(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, stdin=PYTHON_WORDS)
    assert (done.stderr, done.returncode) == ("", 0)


def test_raw_json_in_single_quotes_has_the_escapes_of_qemu(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, stdin=SINGLE_QUOTES)
    assert (done.stderr, done.returncode) == ("", 0)
    assert json.loads(done.stdout) == "a\nb\u00e9"


@pytest.mark.parametrize(
    "line,arguments,said",
    [
        ("x-y a=0x10", {"a": "0x10"}, "a: 0x10 is sent as text; no type makes it a number"),
        (
            "x-y a={'b': [1_000, 5]}",
            {"a": {"b": ["1_000", 5]}},
            "a.b.0: 1_000 is sent as text; no type makes it a number",
        ),
        ("x-y a=True b=[TRUE] c=none", {"a": True, "b": [True], "c": "none"}, ""),
        ("x-y a=None", {"a": "None"}, "a: None is sent as text; null is written null"),
        ("x-y password=0x10", {"password": "0x10"}, ""),
    ],
)
def test_what_is_sent_as_text_and_may_not_be_meant_so(
    run_qmpsh: RunQmpsh, line: str, arguments: object, said: str
) -> None:
    done = run_qmpsh("-n", line)
    assert json.loads(done.stdout)["arguments"] == arguments
    assert done.stderr == (f"qmpsh: {said}\n" if said else "")


def test_none_where_text_is_declared_is_text_with_a_note(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-n", "--schema", SCHEMA, "block-dirty-bitmap-add node=d0 name=None")
    assert json.loads(done.stdout)["arguments"]["name"] == "None"
    assert done.stderr == "qmpsh: name: None is sent as text; null is written null\n"


ECHO = """\
(QEMU) query-status
{
    "execute": "query-status",
    "arguments": {}
}
{
    "return": {
        "status": "running",
        "running": true
    }
}
(QEMU)
(QEMU) object-add qom-type=iothread id=io7
{
    "execute": "object-add",
    "arguments": {
        "id": "io7",
        "qom-type": "iothread"
    }
}
{
    "return": {}
}
(QEMU)
"""

GAPS = """\
-> { "execute": "query-name" }
<- { "return": { "name": "vm1" } }
...
---> { "execute": "query-version" }
<--- { "package": "", "qemu": { "major": 10, "minor": 0, "micro": 2 } }
[...]
-> { "execute": "query-status" }
"""

HMP = """\
(qemu) info name
(qemu) info status
VM status: paused (prelaunch)
(qemu)\x20
"""


def test_a_transcript_of_qmp_shell_runs_each_command_once(
    fresh_q35: Vm, run_qmpsh: RunQmpsh
) -> None:
    done = run_qmpsh(fresh_q35.path, stdin=ECHO)
    assert (done.stderr, done.returncode, done.stdout.count("\n")) == ("", 0, 1)
    done = run_qmpsh(fresh_q35.path, stdin=ECHO.replace('"io7"', '"io8"').replace("io7", "io9"))
    assert done.returncode == 0
    said = "the echo of object-add has other arguments than the line; the line is used"
    assert done.stderr == f"stdin:14: {said}\n"


def test_a_transcript_of_the_manual_has_gaps(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, stdin=GAPS)
    assert (done.stderr, done.returncode, done.stdout.count("\n")) == ("", 0, 3)


def test_a_transcript_of_the_human_monitor(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-H", q35.path, stdin=HMP)
    assert done.returncode == 0
    assert done.stderr == (
        "stdin:3: skipped lines without a mark such as (qemu): they are output in a transcript\n"
    )
    assert done.stdout.count("VM status") == 1


def test_prose_is_one_error_with_its_line(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, stdin=f"Welcome to the QMP low-level shell!\n{ECHO}")
    assert done.returncode == 2
    assert done.stderr.startswith("stdin:1: ")
    assert done.stderr.count("\n") == 3


PROPERTIES = [
    {"name": "multifunction", "type": "bool"},
    {"name": "vectors", "type": "uint32"},
    {"name": "mac", "type": "str"},
]
OFFLINE = ("-n", "--schema", SCHEMA)


def test_device_properties_are_unknown_offline(run_qmpsh: RunQmpsh) -> None:
    line = "device_add driver=virtio-net-pci id=n0 bus=rp0 addr=5 multifunction=on vectors=4"
    done = run_qmpsh(*OFFLINE, line)
    assert json.loads(done.stdout)["arguments"]["multifunction"] == "on"
    assert done.stderr == (
        "qmpsh: device properties are unknown offline, so the types of multifunction, vectors are"
        " guessed; --schema takes a reply of device-list-properties too\n"
    )
    done = run_qmpsh(*OFFLINE, "device_add driver=virtio-net-pci id=n0 bus=rp0 addr=5")
    assert done.stderr == ""


def test_device_properties_from_a_file(run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    known, other = tmp_path / "virtio-net-pci.json", tmp_path / "e1000.json"
    known.write_text(json.dumps({"return": PROPERTIES}))
    other.write_text(json.dumps([{"name": "multifunction", "type": "str"}]))
    line = "device_add driver=virtio-net-pci multifunction=on vectors=0x10 mac=7"
    typed = {"multifunction": True, "vectors": 16, "mac": "7"}
    any_name = tmp_path / "props.json"
    any_name.write_text(json.dumps(PROPERTIES))
    for files in [(known,), (other, known), (any_name,)]:
        options = [word for file in files for word in ("--schema", str(file))]
        done = run_qmpsh(*OFFLINE, *options, line)
        assert done.stderr == ""
        assert json.loads(done.stdout)["arguments"] == {"driver": "virtio-net-pci", **typed}
    done = run_qmpsh(*OFFLINE, "--schema", str(other), "--schema", str(any_name), line)
    assert "device properties are unknown offline" in done.stderr


def test_a_file_that_holds_neither(run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    nothing, device = tmp_path / "nothing.json", tmp_path / "e1000.json"
    nothing.write_text('{"return": [1, {}]}')
    device.write_text(json.dumps(PROPERTIES))
    done = run_qmpsh(*OFFLINE, "--schema", str(nothing), "stop")
    assert (done.returncode, done.stderr) == (
        2,
        f"qmpsh: {nothing} is neither a reply of query-qmp-schema nor one of"
        " device-list-properties\n",
    )
    done = run_qmpsh("-n", "--schema", str(device), "stop")
    assert done.returncode == 2
    assert "--schema needs a reply of query-qmp-schema too" in done.stderr
