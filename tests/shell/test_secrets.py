"""Secrets: whatever the form of a line, none is left in what is shown or kept of it."""

from __future__ import annotations

import json
import shlex
import string
import traceback
import tracemalloc
from typing import Never

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.errors import LineError, LineSyntaxError, QmpshError, SchemaMismatch
from qmpsh.jsontypes import Json
from qmpsh.language.lines import parse_line
from qmpsh.language.syntax import CommandLine, JsonLine, Mode
from qmpsh.language.untyped import guess_arguments
from qmpsh.render.answers import caret_lines
from qmpsh.secrets.masker import mask_error, mask_line, mask_message, words_secrets
from qmpsh.secrets.rules import mask_hmp_text, mask_json
from qmpsh.secrets.text import mask_spans, named_secrets
from qmpsh.shell.context import Context
from qmpsh.shell.interpreter import run_line, run_words
from qmpsh.shell.machine import Machine
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, AskSecret, Note, Task
from qmpsh.shell.wirelog import WireTracer
from tests.fuzzing import examples
from tests.secrets import HMP, OPEN, QMP

SECRET = "hunter2"
ODD = st.text(string.ascii_letters + string.digits + "!#$%&*+/;<>@^~|.-_? ", max_size=12)
"""Letters and marks that need no escape in any of the forms"""

SECRETS = ODD.map(lambda text: f"Zq9{text}x7W")


def pieces(secret: str) -> list[str]:
    """Both ends of a secret: no part of it may be left either."""
    return [secret[:3], secret[-3:]]


def shell(*, hmp: bool = False) -> Context:
    return Context(None, Settings(interactive=True, hmp=hmp, dry_run=True), Machine("", None))


def shown(line: str, *, hmp: bool = False) -> str:
    """All that running a line without a server says, except what it would have sent."""
    said: list[Answer | Note] = []
    task = Task(run_line(shell(hmp=hmp), line), said.append)
    task.advance(0.0)
    texts = [item.text or "" for item in said if isinstance(item, Note) or line.startswith(".")]
    if line.startswith((".hmp", "hmp ")) or hmp:
        texts = []  # a dry run prints what it would send: that is what it is for
    error = task.outcome.error if task.outcome else None
    if error is not None:
        texts += [str(error), repr(error)]
    if isinstance(error, LineError):
        texts += [*caret_lines(error), error.source]
    return "\n".join(texts)


@pytest.mark.parametrize("form", [*QMP, *OPEN])
@examples(0.25)
@given(secret=SECRETS)
@example(secret="Zq9@/x7W")
@example(secret="Zq9 x7W")
def test_no_line_keeps_its_secret(form: str, secret: str) -> None:
    line = {**QMP, **OPEN}[form](secret)
    kept = mask_line(line) + shown(line)
    assert [piece for piece in pieces(secret) if piece in kept] == []


@pytest.mark.parametrize("form", HMP)
@examples(0.25)
@given(secret=SECRETS.map(lambda secret: secret.replace(" ", "")))
def test_no_line_of_hmp_mode_keeps_its_secret(form: str, secret: str) -> None:
    line = HMP[form](secret)
    kept = mask_line(line, hmp=True) + shown(line, hmp=True)
    assert [piece for piece in pieces(secret) if piece in kept] == []


@pytest.mark.parametrize("form", QMP)
@examples(0.25)
@given(secret=SECRETS)
def test_no_message_keeps_its_secret(form: str, secret: str) -> None:
    try:
        statements = parse_line(QMP[form](secret), Mode(prompt=True))
    except LineSyntaxError:
        return
    for statement in statements:
        message: Json = None
        if isinstance(statement, JsonLine):
            message = {"execute": statement.name, "arguments": statement.arguments}
        elif isinstance(statement, CommandLine):
            arguments = guess_arguments(statement)
            message = {"id": "1", "execute": statement.name.text, "arguments": arguments}
        text = json.dumps(mask_json(message))
        assert [piece for piece in pieces(secret) if piece in text] == []


@pytest.mark.parametrize(
    "line, masked",
    [
        ("set_password a=b password=hunter2", "set_password a=******** password=********"),
        ("set_password password='a b' display=d", "set_password password='********' display=d"),
        ("set_password protocol=vnc password=a,b}c", "set_password protocol=vnc password=********"),
        ("set_password protocol=vnc password=?", "set_password protocol=vnc password=?"),
        ("change-vnc-password password='?'", "change-vnc-password password='********'"),
        ("set_password vnc hunter2", "set_password ********"),
        ("object-add data=x qom-type=secret", "object-add data=******** qom-type=secret"),
        (".type root", ".type ********"),
        (".type 'a b' --rate 5ms c > f", ".type ********"),
        (".type 'a b' c --rate 5ms", ".type ******** --rate 5ms"),
        (".type a --hunter2", ".type ********"),
        (".type --layout de --rate 50ms x", ".type --layout de --rate 50ms ********"),
        ("  .type it's # a", "  .type ********"),
        (".type 'hunter2", ".type ********"),
        (".type ?",) * 2,
        (".type --layout fr ?",) * 2,
        (".type",) * 2,
        (".key ctrl-alt-delete f2 --rate 5ms",) * 2,
        (".key esc : q shift-Q 'x' f1", ".key esc ******** ******** ******** ******** f1"),
        ("object-add qom-type=iothread id=i poll-max-ns=5",) * 2,
        ("blockdev-add driver=https password-secret=sec0",) * 2,
        ("transaction actions=[{type: abort, data: {}}]",) * 2,
        (
            '{"execute": "set_password", "arguments": {"password": "hunter2", "id": 1}}',
            '{"execute": "set_password", "arguments": {"password": "********", "id": 1}}',
        ),
        (".hmp set_password vnc hunter2 keep", ".hmp set_password vnc ******** keep"),
        (
            "human-monitor-command command-line='set_password vnc hunter2'",
            "human-monitor-command command-line='set_password vnc ********'",
        ),
        ("query-status # the password of the day",) * 2,
        ("device_add driver=virtio-rng-pci id=a",) * 2,
        ("device_del net0",) * 2,
        ("object-add qom-type=iothread io0",) * 2,
    ],
)
def test_what_is_no_secret_stays(line: str, masked: str) -> None:
    assert mask_line(line) == masked
    assert mask_line(masked) == masked


def test_an_error_keeps_its_place() -> None:
    line = "set_password password=hunter2 display=vnc"
    error = SchemaMismatch("no member display in set_password", line, (30, 37))
    mask_error(error)
    assert "\n".join(caret_lines(error)) == (
        "set_password password=******** display=vnc\n                               ^^^^^^^"
    )
    assert str(error) == "no member display in set_password"
    mask_error(error)
    assert error.span == (31, 38)


def test_an_error_about_the_secret_marks_the_mask() -> None:
    line = "set_password protocol=vnc password=hunter2"
    error = SchemaMismatch("password: hunter2 is no string", line, (35, 42))
    mask_error(error)
    assert [*caret_lines(error)] == [
        "set_password protocol=vnc password=********",
        "                                   ^^^^^^^^",
    ]
    assert str(error) == "password: ******** is no string"


def test_only_the_guess_goes_whole() -> None:
    line = "set_password protocol=vnc password=ab cd"
    error = LineSyntaxError("expected: KEY=value", line, (38, 40), 'password="ab cd"?')
    assert str(error) == 'expected: KEY=value: password="ab cd"?'
    mask_error(error)
    assert str(error) == "expected: KEY=value"


def test_words_of_a_command_line_are_masked_one_by_one() -> None:
    task = Task(
        run_words(shell(), ["set_password", "protocol=vnc", "password=a # hunter2", "x"]), print
    )
    task.advance(0.0)
    error = task.outcome.error if task.outcome else None
    assert isinstance(error, LineError)
    assert caret_lines(error)[0] == "set_password protocol=vnc password=******** ********"
    assert str(error) == "expected KEY=value"


def test_a_wrong_action_is_refused_without_its_secret() -> None:
    one = shell()
    errors: list[QmpshError | None] = []
    for line in ("transaction(", "x password = hunter2", ")"):
        task = Task(run_line(one, line), lambda item: None)
        task.advance(0.0)
        errors.append(task.outcome.error if task.outcome else None)
    assert "expected no spaces around =" in str(errors[1])
    assert "the transaction has no action" in str(errors[2])
    assert SECRET not in str(errors)


def test_the_actions_of_a_transaction_are_shown_without_secrets() -> None:
    one = shell()
    said: list[Answer | Note] = []
    for line in ("transaction(", f"x password={SECRET}", ")"):
        Task(run_line(one, line), said.append).advance(0.0)
    notes = [item.text for item in said if isinstance(item, Note)]
    assert notes == ["1. x password=********"]


# -------------------------------------------------------------------- words


@pytest.mark.parametrize("form", [form for form in QMP if "json" not in form])
@examples(0.1)
@given(secret=SECRETS)
@example(secret="Zq9 protocol=vnc x7W")
def test_no_words_keep_their_secret(form: str, secret: str) -> None:
    if "a b" not in QMP[form]("a b"):
        secret = "".join(char for char in secret if char.isalnum())
    words = [word.replace("PLACE", secret) for word in shlex.split(QMP[form]("PLACE"))]
    said: list[Answer | Note] = []
    task = Task(run_words(shell(), words), said.append)
    task.advance(0.0)
    error = task.outcome.error if task.outcome else None
    texts = [item.text or "" for item in said if isinstance(item, Note)]
    texts += [str(error), *(caret_lines(error) if isinstance(error, LineError) else ())]
    assert [piece for piece in pieces(secret) if piece in "\n".join(texts)] == []


@pytest.mark.parametrize(
    "words, masked",
    [
        ("set_password protocol=vnx password=x", "set_password protocol=vnx password=********"),
        ("set_password vnc hunter2 keep", "set_password vnc ******** keep"),
        ("set_password pasword=x display=d", "set_password pasword=******** display=d"),
        ("object-add secret s hunter2", "object-add ******** ******** ********"),
        ("object-add qom-type=iothread id=s", "object-add qom-type=iothread id=s"),
        ("x url=https://u:pw@h/p a=b", "x url=https://u:********@h/p a=b"),
        ("x file={a:[{password:pw}],b:1} c=d", "x file={a:[{password:********}],b:1} c=d"),
        ("x file={password:pw c=d", "x file=********"),
        (".json set_password vnc hunter2", ".json set_password vnc ********"),
        (".watch 2 --count=1 x password=pw a=b", ".watch 2 --count=1 x password=******** a=b"),
        (".export bash x password=pw", ".export bash x password=********"),
        (".hmp set_password vnc pw keep", ".hmp set_password vnc ******** keep"),
    ],
)
def test_words_are_masked_word_by_word(words: str, masked: str) -> None:
    split = words.split(" ")
    assert mask_spans(words, words_secrets(split)) == masked


@pytest.mark.parametrize(
    "line, masked",
    [
        ("set_password protocol=vnc password = x", "set_password protocol=vnc ********"),
        ("set_password protocol=vnc 'x", "set_password protocol=vnc ********"),
        ("set_password x protocol=vnc", "set_password ********"),
        ("object-add qom-type=secret id=s data='x", "object-add qom-type=secret id=s ********"),
        ("blockdev-add node-name=n url=https://u:p w@h", "blockdev-add node-name=n ********"),
        ("blockdev-add node-name=n 'x",) * 2,
    ],
)
def test_what_is_known_before_a_fault_is_shown(line: str, masked: str) -> None:
    assert mask_line(line) == masked


# -------------------------------------------------------------------- faults


def broken(*_: object, **__: object) -> Never:
    raise ZeroDivisionError(SECRET)


def test_a_masker_with_a_fault_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmpsh.secrets.masker.analyse", broken)
    assert mask_line(f"query-x a={SECRET}") == "********"
    assert mask_message(f"a={SECRET}", [f"query-x a={SECRET}"]) == "********"
    error = SchemaMismatch(f"no {SECRET}", f"query-x a={SECRET}", (8, 9))
    mask_error(error)
    assert SECRET not in "".join([str(error), repr(error), *caret_lines(error)])


def test_a_log_with_a_fault_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmpsh.shell.wirelog.mask_json", broken)
    told: list[Json] = []
    tracing = WireTracer(lambda _, message: told.append(message))
    tracing("<-", {"return": SECRET})
    assert told == ["********"]


@pytest.mark.parametrize("in_words", [False, True])
def test_a_fault_of_ours_keeps_no_secret(
    monkeypatch: pytest.MonkeyPatch, *, in_words: bool
) -> None:
    def fail(line: str, *_: object) -> Never:
        raise RuntimeError(f"what is {SECRET}?") from KeyError(line)

    monkeypatch.setattr("qmpsh.shell.interpreter.parse_line", fail)
    monkeypatch.setattr(
        "qmpsh.shell.interpreter.parse_words", lambda words, hmp: fail(" ".join(words))
    )
    line = f"set_password protocol=vnc password={SECRET}"
    task = (
        Task(run_words(shell(), line.split()), print)
        if in_words
        else Task(run_line(shell(), line), print)
    )
    with pytest.raises(RuntimeError) as caught:
        task.advance(0.0)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


# -------------------------------------------------------------------- asking


def run(line: str, *typed: str) -> tuple[list[str], Json]:
    """The questions of a line, answered in turn, and what it would send."""
    said: list[Answer | Note] = []
    task = Task(run_line(shell(), line), said.append)
    questions: list[str] = []
    for secret in typed:
        task.advance(0.0)
        assert isinstance(task.asking, AskSecret)
        questions.append(task.asking.question)
        task.reply(secret)
    task.advance(0.0)
    return questions, _sent(task, said)


def _sent(task: Task, said: list[Answer | Note]) -> Json:
    assert task.outcome is not None
    assert task.outcome.error is None
    sent: Json = json.loads(next(i.text or "" for i in said if isinstance(i, Answer)))
    assert isinstance(sent, dict)
    return sent["arguments"]


@pytest.mark.parametrize(
    "line, question, member",
    [
        ("set_password protocol=vnc password=?", "password for set_password:", "password"),
        ("object-add data=? qom-type=secret id=s", "data for object-add:", "data"),
        ("change-vnc-password password=?", "password for change-vnc-password:", "password"),
    ],
)
def test_a_question_mark_asks(line: str, question: str, member: str) -> None:
    questions, arguments = run(line, SECRET)
    assert questions == [question]
    assert isinstance(arguments, dict)
    assert arguments[member] == SECRET


def test_every_question_mark_asks_and_any_text_is_a_string() -> None:
    line = "transaction actions=[{type: x, data: {password: ?}}, {type: y, data: {password: ?}}]"
    questions, arguments = run(line, "5", "")
    assert len(questions) == 2
    assert arguments == {
        "actions": [
            {"type": "x", "data": {"password": "5"}},
            {"type": "y", "data": {"password": ""}},
        ]
    }


@pytest.mark.parametrize(
    "line, arguments",
    [
        ("set_password protocol=vnc password='?'", {"protocol": "vnc", "password": "?"}),
        ("human-monitor-command command-line=?", {"command-line": "?"}),
        ("blockdev-add node-name=?", {"node-name": "?"}),
        ("ringbuf-write device=d data=?", {"device": "d", "data": "?"}),
    ],
)
def test_other_question_marks_are_values(line: str, arguments: Json) -> None:
    assert run(line) == ([], arguments)


@pytest.mark.parametrize("text", ['password="{}"', "password='{}'", "password={}"])
def test_a_long_secret_is_found_for_little_more_than_itself(text: str) -> None:
    text = text.format("x" * 200_000)
    named_secrets(text[:12])
    tracemalloc.start()
    (span,) = named_secrets(text)
    mask_hmp_text(f"change vnc {text}")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert span == (len("password="), len(text))
    assert most < 10 * len(text)
