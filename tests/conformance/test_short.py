"""`make conformance` in its short form: every so-many-th command; the spellings themselves."""

from __future__ import annotations

from itertools import islice

import pytest

from qmpsh.schema.manual.find import load_manual
from tests.conformance.examples import examples
from tests.conformance.generated import commands
from tests.conformance.spellings import SPELLINGS, Spelled, faults
from tests.qemu import ROOT
from tests.samples import SCHEMAS, schema

EVERY = 101
"""a prime, so that no kind of command is always left out"""


@pytest.mark.parametrize("version, server", SCHEMAS)
def test_every_branch_in_each_spelling(version: str, server: str) -> None:
    known = schema(version, server)
    some = list(islice(commands(known), 0, None, EVERY))
    assert len(some) > 30
    assert [fault for command in some for fault in faults(command, known)] == []


def test_all_branches_are_made() -> None:
    drivers = {
        command.arguments["driver"]
        for command in commands(schema("10.0"))
        if command.name == "blockdev-add"
    }
    assert {"qcow2", "file", "nbd", "ssh", "luks", "quorum"} < drivers


def test_a_spelling_that_means_another_thing_is_found() -> None:
    known = schema("10.0")
    assert faults(Spelled("device_del", {"id": "7"}), known) == []
    assert len(faults(Spelled("device_del", {"id": 7}), known)) == len(SPELLINGS)


def test_examples_of_a_manual() -> None:
    manual = load_manual(str(ROOT / "tests" / "data" / "manual" / "newer.7"))
    found = list(examples(manual))
    assert found
    assert all(command.name in manual.names for command in found)
