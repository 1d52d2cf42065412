"""What is typed by mistake or by habit at the prompt: nothing of it is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmpsh.errors import QmpshError
from qmpsh.language.names import HOW_TO_LEAVE, HOW_TO_LEAVE_OWN, LEAVING
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Note, Outcome
from tests.shell.scripted import ScriptedShell

PROMPT = Settings(interactive=True, yes=True)


def prompt(*, hmp: bool = False) -> ScriptedShell:
    return ScriptedShell(settings=PROMPT._replace(hmp=hmp))


def error_of(outcome: Outcome) -> str:
    assert isinstance(outcome.error, QmpshError)
    assert outcome.exit_code == 2
    return str(outcome.error)


# ---------------------------------------------------------------------------- leaving


@pytest.mark.parametrize("hmp", [False, True])
@pytest.mark.parametrize("word", sorted(LEAVING))
def test_how_to_leave(word: str, hmp: bool) -> None:
    shell = prompt(hmp=hmp)
    if word == "exit" and not hmp:
        assert shell.run(word).leave
        return
    for typed in (word, f"  {word} ", word.upper()):
        assert error_of(shell.run(typed)) == HOW_TO_LEAVE
    assert shell.names == []


@pytest.mark.parametrize("hmp", [False, True])
def test_quit_stays_a_command(hmp: bool) -> None:
    shell = prompt(hmp=hmp)
    shell.run("quit")
    assert shell.names == ["human-monitor-command" if hmp else "quit"]


def test_a_command_of_the_server_goes_before_a_habit() -> None:
    shell = prompt()
    shell.context.machine.set_commands([{"name": "bye"}])
    shell.run("bye")
    assert shell.names == ["bye"]


def test_a_vm_that_is_asked_about() -> None:
    class Connection:
        own = object()

    shell = prompt()
    shell.context.connection = Connection()  # type: ignore[assignment]  # all that is looked at
    assert error_of(shell.run(":q")) == HOW_TO_LEAVE_OWN


def test_scripts_stay_as_they_are(tmp_path: Path) -> None:
    shell = ScriptedShell(settings=Settings(hmp=True))
    shell.run("q")
    assert shell.names == ["human-monitor-command"]
    script = tmp_path / "script"
    script.write_text("bye\n")
    shell = prompt()
    assert "no command bye; .exit leaves the shell" in error_of(shell.run(f".source {script}"))


# ---------------------------------------------------------------------------- transactions

GOOD = "block-dirty-bitmap-add node=n name={}"


def test_a_wrong_line_is_left_out() -> None:
    shell = prompt()
    shell.run("transaction(")
    assert shell.context.prompt == "TRANS 1> "
    said = error_of(shell.run("block-dirty-bitmap-add nod=n name=a"))
    assert said.endswith("; not added: the transaction has no action yet")
    shell.run(GOOD.format("a"))
    assert shell.context.prompt == "TRANS 2> "
    for wrong in ("block-dirty-bitmap-add node", "block-dirty-bitmap-add node='", "{", "nope", "q"):
        error = shell.run(wrong).error
        assert error is not None
        leaves = wrong == "q"
        assert str(error).endswith("; not added: the transaction has 1 action") != leaves
        assert shell.context.prompt == "TRANS 2> "
    shell.run(GOOD.format("b"))
    assert error_of(shell.run("nope")).endswith("; not added: the transaction has 2 actions")
    assert shell.run(")").exit_code == 0
    assert [item.text for item in shell.said if isinstance(item, Note)] == [
        f"1. {GOOD.format('a')}\n2. {GOOD.format('b')}"
    ]
    assert shell.names == ["transaction"]


def test_nothing_but_wrong_lines() -> None:
    shell = prompt()
    shell.run("transaction(")
    shell.run("nope")
    assert error_of(shell.run(")")) == "the transaction has no action, nothing was sent"
    assert (shell.names, shell.context.prompt) == ([], "(QEMU) ")


def test_what_a_verb_refuses_says_nothing_of_the_transaction() -> None:
    shell = prompt()
    shell.run("transaction(")
    assert "not added" not in error_of(shell.run(".help nope"))


def test_a_wrong_line_of_a_script_refuses_the_whole(tmp_path: Path) -> None:
    lines = ["transaction(", GOOD.format("a"), "nope"]
    shell = ScriptedShell()
    for line in lines:
        said = shell.run(line)
    assert "not added" not in error_of(said)
    assert "refused, nothing was sent: " in error_of(shell.run(")"))
    script = tmp_path / "script"
    script.write_text("\n".join([*lines, ")"]))
    typed = prompt()
    assert "not added" not in error_of(typed.run(f".source {script}"))
    assert shell.names == typed.names == []


# ---------------------------------------------------------------------------- what is missing


@pytest.mark.parametrize(
    "line,expected",
    [
        ("device_add", "device_add needs driver=..."),
        ("blockdev-add", "blockdev-add needs driver=..."),
        ("device_del --wait", "device_del needs id=..."),
        ("block_resize size=1M", ""),
    ],
)
def test_a_missing_member_is_named_before_sending(line: str, expected: str) -> None:
    shell = prompt()
    outcome = shell.run(line)
    if expected:
        assert error_of(outcome).startswith(expected)
        assert shell.names == []


def test_without_a_schema_the_server_judges() -> None:
    shell = prompt()
    shell.context.introspection.schema = None
    shell.run("device_add")
    assert shell.names == ["device_add"]


def test_a_bare_command_of_a_script_is_not_checked() -> None:
    shell = ScriptedShell()
    shell.run("device_add")
    assert shell.names == ["device_add"]


# ---------------------------------------------------------------------------- verbs


@pytest.mark.parametrize(
    "line, hint",
    [
        ("help", "; did you mean .help, or .hmp help?"),
        ("exit", "; .exit leaves the shell, quit ends the VM"),
        ("history", "; did you mean .history?"),
        ("cat", "; did you mean .cat?"),
        ("info", "; the human monitor has it: .hmp info"),
    ],
)
def test_a_verb_without_its_dot(line: str, hint: str) -> None:
    said = f"The command {line} has not been found"
    shell = ScriptedShell({line: [[{"error": {"class": "CommandNotFound", "desc": said}}]]})
    assert shell.run(line).exit_code == 1
    assert [answer.text for answer in shell.answers] == [f"CommandNotFound: {said}{hint}"]


@pytest.mark.parametrize(
    "line, said",
    [
        (
            "help device_add",
            "no command help; did you mean .help device_add, or .hmp help device_add?",
        ),
        ("wait SHUTDOWN", "no command wait; did you mean .wait SHUTDOWN?"),
        ("hmp info status", "no command hmp; did you mean .hmp info status?"),
    ],
)
def test_a_verb_with_its_words_but_no_dot(line: str, said: str) -> None:
    shell = ScriptedShell()
    assert error_of(shell.run(line)) == said
    assert shell.names == []
