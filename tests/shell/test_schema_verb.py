"""`.schema`: the tools of `qmpsh schema` on the connected server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qmpsh.jsontypes import JsonObject
from qmpsh.render.layouts import row_lines
from qmpsh.render.theme import UNICODE, plain
from qmpsh.schema.tools.report import SchemaReport
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Note, Outcome
from tests.samples import reply, text
from tests.shell.scripted import ScriptedShell

TYPED = Settings(interactive=True)
PROPERTIES: JsonObject = {"return": reply("device-list-properties-virtio-blk-pci-qemu-10.0")}


def run(line: str, settings: Settings | None = None) -> tuple[list[str], Outcome]:
    """What a line shows of a shell that is connected to QEMU 10.0, and its outcome."""
    shell = ScriptedShell({"device-list-properties": [[PROPERTIES]]}, settings=settings)
    outcome = shell.run(line)
    said = []
    for one in shell.said:
        if isinstance(one, Note):
            said.append(one.text)
        else:
            said.append(json.dumps(one.value) if one.text is None else one.text)
    return said, outcome


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the schema of an older QEMU."""
    (tmp_path / "old.json").write_text(text("query-qmp-schema-qemu-7.2.json"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_diff_is_from_the_connected_one_to_the_other() -> None:
    [said], outcome = run(".schema diff old.json --breaking query-audiodevs query-status")
    assert outcome.exit_code == 1
    assert said.splitlines()[1:] == ["breaks callers", "  - query-audiodevs"]


def test_diff_as_json_is_one_object_each() -> None:
    said, outcome = run(".schema diff old.json query-status --json")
    assert [json.loads(one)["kind"] for one in said] == ["required-member-added"]
    assert outcome.exit_code == 1


def test_has_is_quiet_in_a_script_and_not_at_the_prompt() -> None:
    line = ".schema has blockdev-add driver=qcow2 discard-no-unref"
    assert run(line) == ([], Outcome())
    assert run(line, TYPED)[0] == ["blockdev-add driver=qcow2 discard-no-unref: yes"]
    for option in ("--verbose", "-v"):
        assert run(f"{line} {option}")[0] == run(line, TYPED)[0]
    assert run(".schema has query-nothing") == ([], Outcome(1))


def test_has_asks_the_vm_about_a_device() -> None:
    line = ".schema has device_add driver=virtio-blk-pci"
    assert run(f"{line} num-queues") == ([], Outcome())
    assert run(f"{line} num-queue") == ([], Outcome(1))


def test_has_takes_brackets_as_they_are() -> None:
    word = "capabilities[].capability=mapped-ram"
    assert run(f".schema has migrate-set-capabilities {word}")[1] == Outcome()
    assert run(".schema has object-add [qom-type=iothread].poll-grow")[1] == Outcome()


def test_describe_find_and_dump() -> None:
    [described], _ = run(".schema describe query-status --returns")
    assert json.loads(described)["required"] == ["running", "status"]
    assert run(".schema find thread-pool-max")[0][0].splitlines()[0] == (
        "object-add  [qom-type=iothread].thread-pool-max"
    )
    [dumped], _ = run(".schema dump")
    assert "query-status" in dumped
    assert json.loads(dumped)["return"][0]["name"] == "add-fd"


def test_without_a_difference_a_person_is_answered() -> None:
    assert run(".schema diff old.json query-name", TYPED) == (["no difference"], Outcome())
    assert run(".schema diff old.json query-name") == ([], Outcome())


@pytest.mark.parametrize(
    "line,said",
    [
        (".schema", "expected one of diff, has, describe, find, dump, as in .schema find iothread"),
        (".schema dif x", "expected one of diff, has, describe, find, dump, as in .schema find"
         " iothread"),
        (".schema diff", "expected .schema diff SOURCE [NAME...]"),
        (".schema dump x", "expected .schema dump"),
        (".schema has", "expected .schema has NAME [MEMBER[=VALUE]...] [+FEATURE]"),
        (".schema diff .", "cannot read .: it is a directory, not a file"),
        ("query-status --breaking", "--breaking is for verbs such as .schema"),
        ("query-status --all", "--all is an option of qmpsh: write it before the command"),
        (".status --all", ".status takes no --all"),
    ],
)  # fmt: skip
def test_wrong_lines(line: str, said: str) -> None:
    shown, outcome = run(line)
    assert (str(outcome.error) if outcome.error else shown[-1], outcome.exit_code) == (said, 2)


def test_a_report_is_laid_out_for_the_screen() -> None:
    shell = ScriptedShell()
    shell.run(".schema diff old.json --breaking")
    (answer,) = shell.answers
    assert [type(row) for row in answer.rows] == [SchemaReport]
    whole = row_lines(answer.rows, None, UNICODE)
    assert "\n".join(map(plain, whole)) == answer.text
    assert len(row_lines(answer.rows, 80, UNICODE)) > len(whole)
