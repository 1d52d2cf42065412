"""Modifiers that are called as a member is: refused with both spellings."""

from __future__ import annotations

import pytest

from qmpsh.errors import SchemaMismatch
from qmpsh.language.lines import parse_line, parse_words
from qmpsh.language.modifiers import MODIFIERS
from qmpsh.language.syntax import CommandLine
from qmpsh.language.verbs import VERB_MODIFIERS
from qmpsh.schema.check import check_arguments
from qmpsh.schema.collisions import refuse_collisions
from qmpsh.schema.walk import Properties
from tests.samples import schema

HTTPS = "blockdev-add driver=https node-name=h url=https://x/y"
BLKVERIFY = "blockdev-add driver=blkverify test=a"
HERE = "here as the option"


def check(line: str, properties: Properties | None = None) -> None:
    for statements in (parse_line(line), parse_words(line.split())):
        for statement in statements:
            assert isinstance(statement, CommandLine)
            check_arguments(schema("10.0"), statement, properties)


@pytest.mark.parametrize("spelled", ["--{}={}", "--{} {}"])
@pytest.mark.parametrize(
    "line,name,value,message",
    [
        ("netdev_add type=tap id=n0", "fd", "7", "--fd FILE for a descriptor"),
        ("object-add qom-type=x-remote-object id=o", "fd", "7", "--fd FILE for a descriptor"),
        ("remove-fd fdset-id=1", "fd", "3", "--fd FILE for a descriptor"),
        (HTTPS, "timeout", "5", f"--timeout TIME for the longest wait, {HERE} -t TIME"),
    ],
)
def test_refused(spelled: str, line: str, name: str, value: str, message: str) -> None:
    typed = f"{line} {spelled.format(name, value)}"
    with pytest.raises(SchemaMismatch) as caught:
        check(typed)
    assert str(caught.value) == f"write {name}={value} for the member, {message}"
    assert caught.value.source[slice(*caught.value.span)] == f"--{name}"


def test_a_flag() -> None:
    with pytest.raises(
        SchemaMismatch, match=r"^write raw=\.\.\. for the member, --raw for the outp"
    ):
        check(f"{BLKVERIFY} --raw")


def test_properties_of_a_device_are_members() -> None:
    line = "device_add driver=x --timeout=5"
    check(line, {"speed": "uint32"})
    with pytest.raises(SchemaMismatch, match=r"^write timeout=5 for the member"):
        check(line, {"timeout": "uint32"})


@pytest.mark.parametrize(
    "line",
    [
        "netdev_add type=user id=n0 --timeout=5",
        "netdev_add type=user id=n0 --fd=7",
        "netdev_add type=tap id=n0 fd=7 --timeout 5 --json",
        f"{HTTPS} timeout=5 --fd /x --json --raw --table --yes",
        "getfd fdname=a --fd /x",
    ],
)
def test_other_modifiers_are_left_alone(line: str) -> None:
    check(line)


def test_every_modifier_has_both_spellings() -> None:
    given = {"timeout": " 5", "fd": " /x"}
    for name in MODIFIERS:
        if name in VERB_MODIFIERS:
            continue
        [statement] = parse_line(f"x a=b --{name}{given.get(name, '')}")
        assert isinstance(statement, CommandLine)
        with pytest.raises(SchemaMismatch, match=f"^write {name}=.* for the member, --{name}"):
            refuse_collisions(statement, [name])
