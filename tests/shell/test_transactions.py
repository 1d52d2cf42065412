"""`transaction( ... )`: each line is an action, read and checked as one before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qmpsh.errors import LineError, QmpshError
from qmpsh.jsontypes import Json
from qmpsh.schema.model import Schema
from qmpsh.shell.context import Context
from qmpsh.shell.interpreter import run_line
from qmpsh.shell.machine import Machine
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Task
from tests.conftest import RunQmpsh
from tests.qemu import Vm
from tests.samples import schema


def run(text: str, known: Schema | None) -> tuple[list[Json], list[QmpshError]]:
    """The actions that the lines would send, and what is said against them."""
    shell = Context(None, Settings(dry_run=True), Machine("", None), known)
    said: list[Answer | Note] = []
    errors = []
    for line in text.split("\n"):
        task = Task(run_line(shell, line), said.append)
        task.advance(0.0)
        if task.outcome is not None and task.outcome.error is not None:
            errors.append(task.outcome.error)
    sent = [json.loads(item.text or "") for item in said if isinstance(item, Answer)]
    return [action for one in sent for action in one["arguments"]["actions"]], errors


@pytest.mark.parametrize("version", ["7.2", "10.0"])
@pytest.mark.parametrize("form", ["transaction(\n{}\n)", "transaction( {} )"])
@pytest.mark.parametrize(
    "action,data",
    [
        ("abort", {}),
        (
            "block-dirty-bitmap-add node=n name=007 granularity=64K persistent=on",
            {"node": "n", "name": "007", "granularity": 65536, "persistent": True},
        ),
        (
            "block-dirty-bitmap-merge node=n target=b bitmaps=[a, {node: m, name: c}]",
            {"node": "n", "target": "b", "bitmaps": ["a", {"node": "m", "name": "c"}]},
        ),
    ],
)
def test_an_action_is_read_with_its_types(version: str, form: str, action: str, data: Json) -> None:
    sent, errors = run(form.format(action), schema(version))
    assert errors == []
    assert sent == [{"type": action.split()[0], "data": data}]


@pytest.mark.parametrize(
    "action,marked,message",
    [
        ("query-status", "query-status", "no action query-status; there are abort, "),
        ("blockdev-bakup device=a", "blockdev-bakup", "no action blockdev-bakup; did you mean"),
        (
            "block-dirty-bitmap-add",
            "block-dirty-bitmap-add",
            "block-dirty-bitmap-add needs node=...",
        ),
        ("abort foo=1", "foo", "abort has no argument 'foo'; it takes none"),
        (
            "blockdev-backup device=a target=b sync=ful",
            "ful",
            "'ful' is not a value of sync; did you mean full?",
        ),
    ],
)
def test_a_wrong_action_is_refused_where_it_stands(action: str, marked: str, message: str) -> None:
    for form in ("transaction( {} )", "transaction(\nabort\n{}\n)"):
        sent, errors = run(form.format(action), schema("7.2"))
        assert sent == []
        error = errors[0]
        assert isinstance(error, LineError)
        assert str(error).startswith(message)
        assert error.source[slice(*error.span)] == marked
        refused = [str(other).split(":")[0] for other in errors[1:]]
        assert refused == ["the transaction was refused, nothing was sent"] * form.count("\n)")


def test_without_a_schema_nothing_is_refused() -> None:
    sent, errors = run("transaction( query-status a=1 )", None)
    assert (sent, errors) == ([{"type": "query-status", "data": {"a": 1}}], [])


def test_on_a_real_server(fresh_q35: Vm, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    """A name of digits is a name: before the schema was asked it went out as an integer."""
    script = tmp_path / "script.qmp"
    script.write_text(
        "blockdev-add driver=null-co node-name=n0\n"
        "transaction(\nblock-dirty-bitmap-add node=n0 name=007\n"
        "block-dirty-bitmap-disable node=n0 name=007\n)\n"
    )
    done = run_qmpsh(fresh_q35.path, "-f", str(script))
    assert (done.returncode, done.stderr) == (0, "")
    done = run_qmpsh(fresh_q35.path, "transaction( block-dirty-bitmap-remove node=n0 )")
    assert done.returncode == 2
    assert "block-dirty-bitmap-remove needs name=...\n" in done.stderr
