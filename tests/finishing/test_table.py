"""The table of ends against the schemas of two QEMUs."""

from __future__ import annotations

import json
from functools import cache

import pytest

from qmpsh.complete.candidates import Catalog
from qmpsh.complete.complete import complete
from qmpsh.language.syntax import PLAIN
from qmpsh.protocol.messages import Event
from qmpsh.schema.model import EnumType, Schema
from qmpsh.shell.waiting.jobs import GOALS
from qmpsh.shell.waiting.rules import (
    BY_COMMAND,
    ENDS,
    NEXT,
    CompletionRule,
    RuleKind,
    known_ends,
    rule_of,
)
from qmpsh.shell.waiting.trackers import EventTracker
from tests.qemu import ROOT


@cache
def schemas() -> tuple[Schema, ...]:
    found = []
    for version in ("7.2", "10.0"):
        text = (ROOT / "tests" / "data" / f"query-qmp-schema-qemu-{version}.json").read_text()
        entities = json.loads(text)
        found.append(
            Schema.from_entities(entities["return"] if isinstance(entities, dict) else entities)
        )
    return tuple(found)


COMMANDS = {name for schema in schemas() for name in schema.commands}
EVENTS = {name for schema in schemas() for name in schema.events}
STATES = {"none"} | {
    state
    for schema in schemas()
    for event in [schema.event("MIGRATION")]
    if event is not None
    for kind in [schema.arguments("query-migrate"), schema.type(event.arg_type)]
    for member in getattr(kind, "members", ())
    for enum in [schema.type(member.type)]
    if isinstance(enum, EnumType)
    for state in enum.names()
}


@pytest.mark.parametrize("row", ENDS, ids=lambda row: row.commands.split()[0])
def test_every_name_of_a_row_is_known(row: CompletionRule) -> None:
    assert set(row.commands.split()) <= COMMANDS
    assert {row.poll_query} - {""} <= COMMANDS
    assert not row.poll_arguments or set(row.poll_arguments) <= members(row.poll_query)
    told = {*row.success.split(), *row.failure.split(), *row.pauses_in.split()}
    assert told <= (STATES if row.kind is RuleKind.MIGRATION else EVENTS)
    assert told or row.poll_query or row.ends_with_connection
    assert set(row.pauses_in.split()) <= set(NEXT)


@pytest.mark.parametrize("row", ENDS, ids=lambda row: row.commands.split()[0])
def test_ids_are_members_of_command_and_event(row: CompletionRule) -> None:
    for pair in row.id.split():
        argument, _, bearers = pair.partition("=")
        for command in row.commands.split():
            if len(row.id.split()) == 1:
                assert argument in members(command)
        for event in (*row.success.split(), *row.failure.split()) if bearers else ():
            tops = {bearer.partition(".")[0] for bearer in bearers.split(",")}
            assert tops & event_members(event)


def members(command: str) -> set[str]:
    found: set[str] = set()
    for schema in schemas():
        kind = schema.arguments(command)
        found |= {member.name for member in kind.members} if kind is not None else set()
    return found


def event_members(name: str) -> set[str]:
    found: set[str] = set()
    for schema in schemas():
        event = schema.event(name)
        kind = schema.type(event.arg_type) if event is not None else None
        found |= {member.name for member in getattr(kind, "members", ())}
    return found


def test_no_command_has_two_rows() -> None:
    names = [name for row in ENDS for name in row.commands.split()]
    assert len(names) == len(set(names)) == len(BY_COMMAND)


def test_every_command_that_makes_a_job_is_there() -> None:
    makers = {name for name in COMMANDS if "job-id" in members(name)}
    assert {name for name in makers if not (rule_of(name) or ENDS[0]).creates} == set()
    assert set(GOALS.values()) <= EVENTS


def test_an_added_row_is_followed_and_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row that CONTRIBUTING.md shows."""
    row = CompletionRule("device-sync-config", RuleKind.EVENT, "DEVICE_SYNCED", id="id=id")
    monkeypatch.setitem(BY_COMMAND, row.commands, row)
    assert rule_of(row.commands) is row
    tracker = EventTracker(row.commands, row, {"id": "d0"})
    for device in ("d1", "d0"):
        assert tracker.completion() is None
        tracker.on_event(Event("DEVICE_SYNCED", {"id": device}, None, {}))
    completion = tracker.completion()
    assert completion is not None
    assert (completion.failed, completion.value) == ("", {"id": "d0"})
    catalog = Catalog()
    catalog.ends = known_ends()
    line = f"{row.commands} --wa"
    assert [one.text for one in complete(line, len(line), catalog, PLAIN)] == ["--wait"]


def test_what_shows_each_end_is_said_in_words() -> None:
    assert known_ends()["device_del"] == "DEVICE_DELETED"
    assert known_ends()["blockdev-backup"] == "the end of the job"
    assert known_ends()["migrate"] == "the end of the migration"
    assert known_ends()["transaction"] == "the end of its jobs"
    assert known_ends()["quit"] == "the end of the VM"
    assert known_ends()["calc-dirty-rate"] == "its end"
