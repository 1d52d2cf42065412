"""Lines of other shells: the way out, or the right line, and none that means something else."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.complete.candidates import hmp_entries
from qmpsh.errors import LineError, QmpshError
from qmpsh.language.parser import parse_line, parse_words
from qmpsh.language.syntax import CommandLine, HmpLine, Mode, VerbLine
from qmpsh.schema.check import check_arguments
from qmpsh.shell.habits import MONITOR_COMMANDS, in_our_words
from qmpsh.shell.interpreter import run_line, run_words
from qmpsh.shell.steps import Task
from tests.fuzzing import examples
from tests.language.helpers import refused_line
from tests.samples import schema, text
from tests.shell.test_guessing import said, shell

CONVERTED = [
    ("balloon 2048", "balloon value=2048M"),
    ("balloon 2G", "balloon value=2G"),
    ("block_resize d0 10", "block_resize device=d0 size=10M"),
    ("set_link net0 off", "set_link name=net0 up=off"),
    ("migrate -d tcp:127.0.0.1:4444", "migrate uri=tcp:127.0.0.1:4444"),
    ("migrate tcp:127.0.0.1:4444", "migrate uri=tcp:127.0.0.1:4444 --wait"),
    ("migrate -r tcp:h:1", "migrate uri=tcp:h:1 resume=true --wait"),
    ("device_add e1000,id=net1", "device_add driver=e1000 id=net1"),
    ("device_del net1", "device_del id=net1"),
    ("object_add iothread,id=i0", "object-add qom-type=iothread id=i0"),
    ("screendump /tmp/x.ppm", "screendump filename=/tmp/x.ppm"),
    ("screendump x.ppm vga0 1", "screendump filename=x.ppm device=vga0 head=1"),
    ("eject -f cd0", "eject device=cd0 force=true"),
    ("eject cd0", "eject device=cd0"),
    ("pmemsave 0x1000 64 f", "pmemsave val=0x1000 size=64 filename=f"),
    ("qom-get /machine type", "qom-get path=/machine property=type"),
    ("block_job_cancel -f j0", "block-job-cancel device=j0 force=true"),
]
AS_THEY_STAND = [
    "migrate -b tcp:h:1",
    "screendump -f png x.png",
    "set_password vnc x",
    "qom-set -j / a 5",
    "block_stream d0 5",
    "dump-guest-memory -z f",
    "sendkey ctrl-alt-delete",
    "info status",
    "balloon 1 2",
    "set_link net0",
    "device_add e1000,id",
    "memsave 0 1",
    "migrate_set_parameter max-bandwidth 5",
]


def has(name: str) -> bool:
    return name in schema("10.0").commands


@pytest.mark.parametrize("line,ours", CONVERTED)
def test_a_line_that_means_the_same(line: str, ours: str) -> None:
    assert in_our_words(line, has) == ours
    [statement] = parse_line(ours)
    assert isinstance(statement, CommandLine)
    check_arguments(schema("10.0"), statement)


@pytest.mark.parametrize("line", AS_THEY_STAND)
def test_other_lines_are_the_human_monitors(line: str) -> None:
    assert in_our_words(line, has) == f".hmp {line}"


@pytest.mark.parametrize(
    "line", ["query-status", "nonsense 5", "", "balloon much", "block_resize d x"]
)
def test_what_is_no_line_of_the_human_monitor(line: str) -> None:
    assert in_our_words(line, has) == ""


def test_without_the_command_the_line_stays_as_it_is() -> None:
    assert in_our_words("balloon 2048", lambda name: False) == ".hmp balloon 2048"


@pytest.mark.parametrize("version", ["7.2", "10.0"])
def test_every_command_of_the_human_monitor_is_known(version: str) -> None:
    listed = hmp_entries(text("hmp-help-qemu-7.2.txt"))
    named = {name for name in listed if name[:1].isalpha()}
    assert named - MONITOR_COMMANDS == set()
    # What is said of a command that QMP has too is checked against this version's QMP.
    for name in named:
        said_of_it = in_our_words(f"{name} 1 2 3 4", schema(version).commands.__contains__)
        assert said_of_it.startswith((".hmp ", *schema(version).commands))


@pytest.mark.parametrize(
    "line,message",
    [
        ("balloon 2048", "expected KEY=value: balloon value=2048M?"),
        ("balloon 2048 | jq", "expected KEY=value: balloon value=2048M?"),
        ("set_link net0 off # why", "expected KEY=value: set_link name=net0 up=off?"),
        ("migrate -d tcp:h:1", "expected KEY=value: migrate uri=tcp:h:1?"),
        (
            "screendump -f png x.png",
            "expected KEY=value; as a line of the human monitor it is: .hmp screendump -f png"
            " x.png",
        ),
        (
            "block_stream d0 5",
            "no command block_stream; did you mean block-stream, or .hmp block_s",
        ),
        (
            "object_add iothread,id=i",
            "no command object_add; did you mean object-add qom-type=ioth",
        ),
        ("query status", "no command query; did you mean query-status?"),
        ("query named block nodes", "no command query; did you mean query-named-block-nodes?"),
        ("system reset", "no command system; did you mean system_reset?"),
        ("query block x", "no command query; did you mean query-block x?"),
        (
            "screendump --filename=/tmp/x.ppm",
            "--filename is not a modifier; a member is written without dashes:"
            " screendump filename=/tmp/x.ppm",
        ),
        (
            "screendump --filename /tmp/x",
            "--filename is not a modifier; a member is written without dashes:"
            " screendump filename=/tmp/x",
        ),
        (
            "device_add driver=e1000 --mac=x id=y",
            "--mac is not a modifier; a member is written without dashes:"
            " device_add driver=e1000 mac=x id=y",
        ),
        ("screendump filename=x --timout=5", "no modifier --timout; did you mean --timeout?"),
        # each word counts
        ("blockdev-add qcow2 disk0", "expected KEY=value"),
        ("block-dirty-bitmap-add node=n name=b persistent x", "expected a value: persistent=..."),
        ("query-status -p", "expected two dashes before a modifier, as in --json"),
    ],
)
def test_what_is_said(line: str, message: str) -> None:
    found = said(Task(run_line(shell(), line), print))
    assert found.startswith(message) if message.endswith(("block_s", "ioth")) else found == message


def test_words_of_a_command_line() -> None:
    for line, message in [
        ("balloon 2048", "expected KEY=value: balloon value=2048M?"),
        ("migrate -d tcp:h:1", "expected KEY=value: migrate uri=tcp:h:1?"),
        ("query-status -p", "write -p before the command"),
        (
            "query-status -d",
            "-d is not an option of qmpsh, and modifiers have two dashes, as in --json",
        ),
    ]:
        assert said(Task(run_words(shell(), line.split()), print)) == message


@pytest.mark.parametrize("line", ["q!", ":q", "exit()", "quit()", ":wq", "\\q", ":quit"])
def test_the_way_out(line: str) -> None:
    said_first = refused_line(line).split("\n")[0]
    assert said_first == "leave the shell with .exit or Ctrl-D; quit ends the VM"


def test_a_question_mark() -> None:
    assert refused_line("? device_del").startswith(
        "ask for help with .help NAME: .help device_del\n"
    )


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_behind_a_name(word: str) -> None:
    asking = Mode(helps=True)
    for line, rest in [
        (f"device_del {word}", "device_del"),
        (f"blockdev-add driver=qcow2 --json {word}", "blockdev-add driver=qcow2"),
        (f".wait {word}", ".wait"),
    ]:
        for statements in (
            parse_line(line, asking),
            parse_words([line]),
            parse_words(line.split()),
        ):
            [statement] = statements
            assert isinstance(statement, VerbLine)
            assert (statement.name, statement.rest) == ("help", rest)


def test_help_in_a_script_is_an_error() -> None:
    found = refused_line("device_del --help").split("\n")[0]
    assert found == "--help is not read in a script; write on a line of its own: .help device_del"


def test_help_in_a_line_of_the_human_monitor_is_its_own() -> None:
    [statement] = parse_line("device_add --help", Mode(hmp=True, helps=True))
    assert isinstance(statement, HmpLine)
    [statement] = parse_line(".hmp device_add --help", Mode(helps=True))
    assert isinstance(statement, VerbLine)
    assert statement.name == "hmp"


def test_a_guess_holds_no_secret() -> None:
    for line in ("set_password vnc hunter2", "object_add secret,id=s,data=hunter2"):
        task = Task(run_line(shell(), line), print)
        task.advance(0.0)
        error = task.outcome.error if task.outcome else None
        assert isinstance(error, LineError)
        assert "hunter2" not in f"{error} {error.source}"


_PIECES = [
    *(
        "balloon",
        "set_link",
        "device_del",
        "object_add",
        "query",
        "blockdev-add",
        "screendump",
        "stop",
    ),
    *(" ", " ", " ", "=", "5", "off", "-d", "--help", "-h", "--filename=", "--fd", "--fd=7", "id"),
    *(
        "driver=raw",
        "--timeout 5",
        "--raw",
        "iothread,id=a",
        "'",
        '"',
        "{",
        "|",
        "#",
        "\n",
        ".json ",
    ),
    *("transaction(", ")", "netdev_add type=tap", "(QEMU) ", "? ", ":q", "None", "stop", "\u00a0"),
]


@examples(2)
@given(st.lists(st.sampled_from(_PIECES), max_size=8).map("".join))
@example("balloon --help=5")
@example("--fd=7")
@example("balloon -d -d")
def test_whatever_is_typed_is_answered_or_refused(line: str) -> None:
    words = line.split() or ["x"]
    for task in (Task(run_line(shell(), line), print), Task(run_words(shell(), words), print)):
        task.advance(0.0)
        error = task.outcome.error if task.outcome else None
        assert error is None or isinstance(error, QmpshError)
