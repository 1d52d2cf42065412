"""Lines as people paste and type them, on every QEMU: what is sent, passed over, refused."""

from __future__ import annotations

import json

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
