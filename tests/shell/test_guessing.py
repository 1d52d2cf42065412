"""A word without `=`: what the shell says was meant, with a schema and no server."""

from __future__ import annotations

import pytest

from qmpsh.complete.candidates import hmp_entries
from qmpsh.errors import LineError
from qmpsh.shell.context import Context
from qmpsh.shell.hmp import HMP_COMMANDS
from qmpsh.shell.interpreter import run_line, run_words
from qmpsh.shell.machine import Machine
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Task
from qmpsh.suggest import nearest
from tests.samples import schema, text


def shell() -> Context:
    return Context(None, Settings(dry_run=True), Machine("", None), schema("10.0"))


def said(task: Task) -> str:
    task.advance(0.0)
    error = task.outcome.error if task.outcome else None
    assert isinstance(error, LineError)
    return str(error)


GUESSES = [
    # the first member that is missing and can have such a value
    ("device_del net1", "expected KEY=value: device_del id=net1?"),
    ("device_add virtio-net-pci", "expected KEY=value: device_add driver=virtio-net-pci?"),
    ("blockdev-add qcow2", "expected KEY=value: blockdev-add driver=qcow2?"),
    ("blockdev-add driver=qcow2 disk0", "expected KEY=value: blockdev-add file=disk0?"),
    ("blockdev-add disk0 driver=qcow2", "expected KEY=value: blockdev-add file=disk0?"),
    ("balloon 64M", "expected KEY=value: balloon value=64M?"),
    ("device_del 'my net'", 'expected KEY=value: device_del "id=my net"?'),
    (".json device_del net1", "expected KEY=value: device_del id=net1?"),
    # none is missing, or none can be it
    ("blockdev-add disk0", "expected KEY=value"),
    ("balloon much", "expected KEY=value"),
    ("query-status foo", "expected nothing after query-status: it takes no arguments"),
    (
        "human-monitor-command command-line=info status",
        'expected KEY=value, or quotes: command-line="info status"?',
    ),
    (
        'blockdev-add {"driver":"raw"}',
        'expected KEY=value, or the whole line as JSON: {"execute": "blockdev-add", '
        '"arguments": {...}}',
    ),
    # a member's name
    (
        "block-dirty-bitmap-add node=n name=b persistent",
        "expected KEY=value: block-dirty-bitmap-add persistent=true?",
    ),
    (
        "block-dirty-bitmap-add node=n name=b persistent recording=on",
        "expected KEY=value: block-dirty-bitmap-add persistent=true?",
    ),
    ("device_del id net1", "expected KEY=value: device_del id=net1?"),
    ("device_del id", "expected a value: id=..."),
    ("device_del id --json", "expected a value: id=..."),
    ("blockdev-add driver=raw cache", "expected a value: cache.NAME=..."),
    # no command of QMP
    ("info status", "no command info; the human monitor has it: .hmp info status"),
    ("blockdev-ad x", "no command blockdev-ad; did you mean blockdev-add or blockdev-del"),
    ("nonsense x", "no command nonsense"),
    # an action's words
    ("transaction( abort x )", "expected nothing after abort: it takes no arguments"),
    (
        "transaction( block-dirty-bitmap-clear node0 )",
        "expected KEY=value: block-dirty-bitmap-clear node=node0?",
    ),
    (
        "transaction( block-dirty-bitmap-add node=n 'my map' )",
        'expected KEY=value: block-dirty-bitmap-add "name=my map"?',
    ),
    ("transaction( query-status x )", "no action query-status; there are abort, "),
    ("transaction( abrt x )", "no action abrt; did you mean abort?"),
]


@pytest.mark.parametrize("line,message", GUESSES)
def test_what_was_meant(line: str, message: str) -> None:
    found = said(Task(run_line(shell(), line), print))
    is_list = "did you mean" in message or "there are" in message
    assert found.startswith(message) if is_list else found == message


def test_a_word_on_a_line_of_its_own_in_a_transaction() -> None:
    started = shell()
    Task(run_line(started, "transaction("), print).advance(0.0)
    found = said(Task(run_line(started, "block-dirty-bitmap-clear node0"), print))
    assert found == "expected KEY=value: block-dirty-bitmap-clear node=node0?"


def test_words_of_a_command_line() -> None:
    words = Task(run_words(shell(), ["device_add", "virtio-net-pci", "id=x"]), print)
    assert said(words) == "expected KEY=value: device_add driver=virtio-net-pci?"
    assert said(Task(run_words(shell(), ["device_del", "id", "net1"]), print)) == (
        "expected KEY=value: device_del id=net1?"
    )


def test_an_unknown_command_is_marked_itself() -> None:
    task = Task(run_line(shell(), "info status"), print)
    task.advance(0.0)
    error = task.outcome.error if task.outcome else None
    assert isinstance(error, LineError)
    assert error.source[slice(*error.span)] == "info"


def test_a_guess_holds_no_secret() -> None:
    assert "hunter2" not in said(Task(run_line(shell(), "set_password vnc hunter2"), print))


def test_the_monitors_commands_are_those_that_qmp_has_under_no_like_name() -> None:
    commands = schema("10.0").commands
    listed = hmp_entries(text("hmp-help-qemu-7.2.txt"))
    unlike = {name for name in listed if name.isidentifier() and not nearest(name, commands)}
    assert unlike - HMP_COMMANDS <= {"cancel_vcpu_dirty_limit"}
    assert not {name for name in HMP_COMMANDS if name in commands}
