"""`.type` and `.key`: what they send, and what they say of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence

import pytest

from qmpsh.display.keys import ALIASES
from qmpsh.display.layouts import LAYOUTS, strokes_of
from qmpsh.errors import INTERRUPTED, LineError
from qmpsh.jsontypes import Json, as_dict, as_dicts, get_dict, get_str
from qmpsh.schema.key_codes import key_codes
from qmpsh.shell.interpreter import run_line
from qmpsh.shell.keyboard import KEY_COMMAND
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Ask, AskSecret, Note, Task, drive
from tests.samples import VERSIONS, schema
from tests.shell.scripted import OK, Messages, ScriptedShell, error

FAST = " --rate 0"
KNOWS: Mapping[str, Sequence[Messages]] = {
    "query-commands": [[{"return": [{"name": KEY_COMMAND}, {"name": "send-key"}]}]]
}


def a_shell(*typed: Messages, settings: Settings | None = None) -> ScriptedShell:
    """A shell with a server that has a keyboard. typed: what it says to each key"""
    return ScriptedShell({**KNOWS, KEY_COMMAND: typed or [[OK]]}, settings=settings)


def sent(shell: ScriptedShell) -> list[Json]:
    """The arguments of the commands that press keys."""
    lines = b"".join(shell.stream.sent).split(b"\n")
    messages = [as_dict(json.loads(line)) for line in lines if line]
    return [message["arguments"] for message in messages if message["execute"] == KEY_COMMAND]


def keys(arguments: Json) -> str:
    """The events of a command: `+shift +a -a -shift`."""
    return " ".join(
        ("+" if data["down"] else "-") + get_str(get_dict(data, "key"), "data")
        for event in as_dicts(as_dict(arguments)["events"])
        for data in [get_dict(event, "data")]
    )


def typed(shell: ScriptedShell) -> list[str]:
    return [keys(arguments) for arguments in sent(shell)]


def test_a_character_is_a_command_that_leaves_nothing_pressed() -> None:
    shell = a_shell()
    assert shell.run(".type 'aB\\n'" + FAST).exit_code == 0
    assert typed(shell) == ["+a -a", "+shift +b -b -shift", "+ret -ret"]
    (answer,) = shell.answers
    assert (answer.text, answer.reply) == ("typed 3 characters", {"typed": 3})


@pytest.mark.parametrize(
    "line",
    [
        r".type 'root\n'",
        r'.type "root\n"',
        r".type root\n",
        r".type --layout us 'root\n' --rate 0",
        ".type 'root\n'",
    ],
)
def test_the_spellings_of_a_text_are_equal(line: str) -> None:
    shell = a_shell()
    assert shell.run(line).exit_code == 0
    assert typed(shell) == [f"+{key} -{key}" for key in ("r", "o", "o", "t", "ret")]


@pytest.mark.parametrize(
    "word, line",
    [
        (r"root\n", r"'root\n'"),
        (r"C:\\x", r"'C:\\x'"),
        (r"C:\\x", r'"C:\\x"'),
        (r"\?", r"\?"),
        ("-l", "-l"),
        ("a  b", "'a  b'"),
        ("it's", r"'it\'s'"),
        ("a 'b'", "\"a 'b'\""),
    ],
)
def test_a_word_of_a_command_line_and_a_quoted_text_are_equal(word: str, line: str) -> None:
    one, other = a_shell(), a_shell()
    assert one.run_words(".type", word, "--rate", "0").exit_code == 0
    assert other.run(f".type {line}{FAST}").exit_code == 0
    assert typed(one) == typed(other) != []


def test_words_without_quotes_are_joined_by_a_blank() -> None:
    shell = a_shell()
    shell.run(".type a   'b' c" + FAST)
    assert typed(shell) == [f"+{key} -{key}" for key in ("a", "spc", "b", "spc", "c")]


def test_a_dead_key_is_pressed_before_its_letter_and_counts_with_it() -> None:
    shell = a_shell()
    shell.run(".type ê --layout fr" + FAST)
    assert typed(shell) == ["+bracket_left -bracket_left", "+e -e"]
    assert shell.answers[0].reply == {"typed": 1}


def test_the_display_whose_keyboard_it_is_goes_along() -> None:
    shell = a_shell()
    shell.run(".type a --device video1 --head 0" + FAST)
    assert [{**as_dict(one), "events": 0} for one in sent(shell)] == [
        {"device": "video1", "head": 0, "events": 0}
    ]


@pytest.mark.parametrize(
    "line, says",
    [
        (".type", "expected a text, as in .type 'root\\n'; ? asks for one without showing it"),
        (
            ".type naïve",
            "the layout us has no 'ï', character 3 of the text; --layout fr has it",
        ),
        (
            ".type C:\\x",
            "no such escape, character 3 of the text: there are \\n (Enter), \\t, \\e (Escape),"
            " \\\\, \\?, \\' and \\\"",
        ),
        (".type a --layout dvorak", "no layout dvorak; there are us, gb, de, fr"),
        (".key", "expected keys, as in .key ctrl-alt-delete"),
        (".key a ctrl-alt-delte", "no key delte; did you mean delete or del?"),
        (".key a ctrl-", "expected a key between the dashes of ctrl-; the key - itself is minus"),
        (
            ".key a ctrl-ö",
            "the layout us has no 'ö', character 1 of the text; --layout de, fr has it",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(line: str, says: str) -> None:
    shell = a_shell()
    outcome = shell.run(line)
    assert (outcome.exit_code, str(outcome.error)) == (2, says)
    assert KEY_COMMAND not in shell.names


def test_the_error_of_a_text_does_not_show_it() -> None:
    outcome = a_shell().run(".type --layout us 'has no naïve layout'")
    assert isinstance(outcome.error, LineError)
    assert outcome.error.parts() == (".type --layout us ", "********", "")
    assert str(outcome.error).startswith("the layout us has no 'ï', character 10")


def test_chords() -> None:
    shell = a_shell()
    assert shell.run(".key ctrl-alt-delete f2 A" + FAST).exit_code == 0
    assert typed(shell) == [
        "+ctrl +alt +delete -delete -alt -ctrl",
        "+f2 -f2",
        "+shift +a -a -shift",
    ]
    assert (shell.answers[0].text, shell.answers[0].reply) == ("pressed 3 keys", {"typed": 3})


def test_a_server_without_a_schema_judges_the_keys_itself() -> None:
    shell = a_shell([error("Invalid parameter 'nokey'")])
    shell.context.introspection.schema = None
    outcome = shell.run(".key nokey")
    assert outcome.exit_code == 1
    assert "Invalid parameter 'nokey'; typed 0 of 1" in str(outcome.error)


@pytest.mark.parametrize("line", [".type a", ".key a"])
def test_a_server_without_a_keyboard_is_refused(line: str) -> None:
    shell = ScriptedShell({"query-commands": [[{"return": [{"name": "query-jobs"}]}]]})
    outcome = shell.run(line)
    assert outcome.exit_code == 2
    name = line.split()[0]
    assert str(outcome.error) == (
        f"{name}: a storage daemon has no keyboard; connect to the QMP monitor of a QEMU"
    )


@pytest.mark.parametrize("line", [".type a", ".key a"])
def test_read_only_refuses(line: str) -> None:
    shell = a_shell(settings=Settings(read_only=True))
    outcome = shell.run(line)
    assert outcome.exit_code == 2
    assert str(outcome.error).startswith("input-send-event was not sent: --read-only allows only")
    assert shell.names == []


def test_dry_run_prints_the_commands() -> None:
    shell = a_shell(settings=Settings(dry_run=True))
    assert shell.run(".type ab").exit_code == 0
    lines = (shell.answers[0].text or "").splitlines()
    assert [keys(json.loads(line)["arguments"]) for line in lines] == ["+a -a", "+b -b"]
    assert shell.names == []


def test_keys_are_paced() -> None:
    shell = a_shell()
    started = time.monotonic()
    shell.run(".type abc --rate 10ms")
    assert time.monotonic() - started >= 0.03


def test_a_failure_says_how_many_were_typed() -> None:
    shell = a_shell([OK], [OK], [error("VM not running")])
    outcome = shell.run(".type abcd" + FAST)
    assert outcome.exit_code == 1
    assert str(outcome.error) == "GenericError: VM not running; typed 2 of 4"


def test_a_lost_connection_says_how_many_were_typed() -> None:
    shell = a_shell([OK], [None])
    outcome = shell.run(".type abcd" + FAST)
    assert outcome.exit_code == 4
    assert str(outcome.error).endswith("; typed 1 of 4")


def test_at_the_prompt_a_note_says_it_since_the_loss_itself_is_shown_once() -> None:
    shell = a_shell([OK], [None], settings=Settings(interactive=True))
    assert shell.run(".type abcd" + FAST).exit_code == 4
    assert shell.said == [Note("typed 1 of 4")]


def test_a_time_limit_says_how_many_were_typed() -> None:
    shell = a_shell([OK], [])
    outcome = shell.run(".type abcd --rate 0 --timeout 50ms")
    assert outcome.exit_code == 124
    assert str(outcome.error).endswith("; typed 1 of 4")


def test_an_interrupt_between_two_keys_says_how_many_were_typed() -> None:
    shell = a_shell()
    task = Task(run_line(shell.context, ".type abcd --rate 1h"), shell.said.append)
    while not typed(shell) or task.until is None or task.until.deadline is None:
        task.advance(time.monotonic())
        shell.client.poll(0)
    assert task.stops
    task.interrupt()
    assert task.outcome is not None
    assert task.outcome.exit_code == INTERRUPTED
    assert shell.said == [Note("typed 1 of 4")]
    assert typed(shell) == ["+a -a"]


def answer_with(shell: ScriptedShell, line: str, answer: str) -> tuple[Task, list[Ask]]:
    """Run a line whose question is answered."""
    asked: list[Ask] = []

    def ask(asking: Ask) -> str:
        asked.append(asking)
        return answer

    task = Task(run_line(shell.context, line), shell.said.append)
    drive(task, ask, lambda _, seconds: shell.client.poll(seconds))
    return task, asked


@pytest.mark.parametrize("line", [".type ?", ".type '?'", ".type ? --layout us"])
def test_a_question_mark_asks_for_the_text(line: str) -> None:
    shell = a_shell()
    _, asked = answer_with(shell, line + FAST, "a\\n")
    assert [type(one) for one in asked] == [AskSecret]
    assert typed(shell) == ["+a -a", "+backslash -backslash", "+n -n"]
    assert [answer.text for answer in shell.answers] == ["typed it"]


def test_what_was_asked_for_is_in_no_message() -> None:
    shell = a_shell()
    task, _ = answer_with(shell, ".type ?", "hünter")
    assert task.outcome is not None
    assert task.outcome.exit_code == 2
    assert str(task.outcome.error) == "the layout us lacks character 2 of the text"
    assert KEY_COMMAND not in shell.names


def test_help_is_asked_for_by_its_name_alone() -> None:
    shell = a_shell(settings=Settings(interactive=True))
    assert shell.run(".type --help").exit_code == 0
    assert shell.names == []
    assert "type a text" in (shell.answers[0].text or "")


@pytest.mark.parametrize("version", VERSIONS)
def test_all_keys_that_are_pressed_are_of_the_schema(version: str) -> None:
    known = set(key_codes(schema(version)))
    strokes = [
        stroke for layout in LAYOUTS for keys in strokes_of(layout).values() for stroke in keys
    ]
    assert {code for stroke in strokes for code in (stroke.code, *stroke.held)} <= known
    assert {*ALIASES.values(), "meta_l", "less"} <= known


def test_without_a_schema_no_key_is_known() -> None:
    assert key_codes(None) == ()
