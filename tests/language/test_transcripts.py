"""Recorded sessions: marks, echoes, output and gaps."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.language.parser import parse_line
from qmpsh.language.reader import split_lines
from qmpsh.language.syntax import PLAIN, CommandLine, HmpLine, JsonLine, Mode, VerbLine
from tests.language.strategies import PIECES, modes

HMP = Mode(hmp=True)


def run(text: str, mode: Mode = PLAIN) -> list[str]:
    """What a file or paste runs: the command's name, and for an object the same in braces."""
    found: list[str] = []
    for line in split_lines(text, mode).lines:
        for statement in parse_line(line.text, mode):
            match statement:
                case JsonLine():
                    found.append(f"{{{statement.name}}}")
                case CommandLine():
                    found.append(statement.name.text)
                case HmpLine():
                    found.append(statement.text)
                case VerbLine():
                    found.append(f".{statement.name}")
                case _:
                    found.append(type(statement).__name__)
    return found


def notes(text: str, mode: Mode = PLAIN) -> list[str]:
    return [line.note for line in split_lines(text, mode).lines if line.note]


@pytest.mark.parametrize(
    "mark",
    [
        *("(QEMU)", "(QEMU /tmp/a b.sock)", "(hmp)", "(guest)", "(qemu)", "TRANS>", "TRANS 12>"),
        *("->", "<-", "-->", "--->", "<---", "C:", "S:"),
    ],
)
def test_a_mark_before_a_line(mark: str) -> None:
    assert run(f"{mark} query-status\n{mark}\n  {mark} stop") == ["query-status", "stop"]
    assert run(f"{mark} {{'execute': 'cont'}}") == ["{cont}"]


@pytest.mark.parametrize("mark", ["(QEMU)x", "(QEMU", "(Qemu)", "TRANS", "TRANS x>", "---->", "c:"])
def test_what_is_no_mark(mark: str) -> None:
    assert split_lines(f"{mark} stop").lines[0].text == f"{mark} stop"
    with pytest.raises(Exception, match="expected"):
        parse_line(f"{mark} stop")


@pytest.mark.parametrize("gap", ["...", "[...]", "  ...  ", "-> ...", "<- [...]", "(QEMU)", "```"])
def test_a_gap_is_an_empty_line(gap: str) -> None:
    assert run(f"stop\n{gap}\ncont") == ["stop", "cont"]


@pytest.mark.parametrize(
    "text",
    [
        '<--- { "package": "", "qemu": { "major": 10 } }',
        "<- { ... }",
        '-> { "id": 5 }',
        "(QEMU) { }",
        '<- [...]\n<- { "a": {...}, ... }',
    ],
)
def test_a_marked_object_without_a_known_key_is_passed_over(text: str) -> None:
    assert run(text) == []


ECHO = '{\n    "execute": "query-status",\n    "arguments": {}\n}'
REPLY = '{\n    "return": {\n        "status": "running"\n    }\n}'
ECHOES = [
    (f"(QEMU) query-status\n{ECHO}\n{REPLY}\n(QEMU) stop", ["query-status", "stop"]),
    (f"(QEMU) query-status\n\n(QEMU)\n...\n{ECHO}", ["query-status"]),
    (f"(QEMU vm.sock) query-status\n{ECHO}", ["query-status"]),
    # once
    (f"(QEMU) query-status\n{ECHO}\n{ECHO}", ["query-status", "{query-status}"]),
    # something stands between
    (f"(QEMU) query-status\n# why\n{ECHO}", ["query-status", "{query-status}"]),
    (f"(QEMU) query-status\n{REPLY}\n{ECHO}", ["query-status", "{query-status}"]),
    (f"(QEMU) query-status\nstop\n{ECHO}", ["query-status", "stop", "{query-status}"]),
    # another mark, or none
    (f"-> query-status\n{ECHO}", ["query-status", "{query-status}"]),
    (f"query-status\n{ECHO}", ["query-status", "{query-status}"]),
    (f"(QEMU) query-status\n-> {ECHO}", ["query-status", "{query-status}"]),
    (f"(QEMU) query-status\n(QEMU) {ECHO}", ["query-status", "{query-status}"]),
    # another command
    (f"(QEMU) stop\n{ECHO}", ["stop", "{query-status}"]),
    # on one line, with the reply and with a command of its own
    ("(QEMU) stop\n{'execute': 'stop'} {'return': {}} {'execute': 'cont'}", ["stop", "{cont}"]),
    ("(QEMU) a b=1\n{'exec-oob': 'a', 'arguments': {'b': 1}}", ["a"]),
    # not JSON: never sent
    ('(QEMU) a b=1\n{ "execute": "a", "arguments": { ... } }\n{ "return": [...] }', ["a"]),
    ('(QEMU) a b=1\n{ "arguments": {...},\n  "execute": "a" }', ["a"]),
    ('(QEMU) a b=1\n{ "execute": "other", ... }', ["a"]),
    ("(QEMU) a b=1\n{ ... }", ["a"]),
    # the whole of a transaction
    (
        "(QEMU) transaction(\nTRANS> abort\nTRANS> )\n{'execute': 'transaction', 'arguments': 1}",
        ["TransactionOpen", "abort", "TransactionClose"],
    ),
    ("(QEMU) transaction( abort )\n{'execute': 'transaction'}", ["TransactionOpen"]),
    # a line that is not in the language has its echo too
    ("(QEMU) stop ...\n{'execute': 'stop'}", None),
]


@pytest.mark.parametrize("text,names", ECHOES)
def test_the_echo_of_qmp_shell(text: str, names: list[str] | None) -> None:
    if names is None:
        assert [line.text for line in split_lines(text).lines] == text.split("\n")[:1]
    else:
        assert run(text) == names


@pytest.mark.parametrize(
    "line,echo,differs",
    [
        ("a b=1", "{'b': 1}", False),
        ("a b=1", "{'b': '1'}", False),
        ("a b=True c=None", "{'b': true, 'c': 'None'}", False),
        ("a b={'x': [1, 'y']} c.d=e", "{'b': {'x': [1, 'y']}, 'c': {'d': 'e'}}", False),
        ("a", "{}", False),
        ("a b=1", "{'b': 2}", True),
        ("a b=1", "{}", True),
        ("a b=1", "{'b': 1, 'c': 1}", True),
        ("a b=", "{'b': 1}", True),
        ("a 0=1", "{'b': 1}", False),
    ],
)
def test_an_echo_with_other_arguments_is_noted(line: str, echo: str, differs: bool) -> None:
    text = f"(QEMU) {line}\n{{'execute': 'a', 'arguments': {echo}}}"
    said = "the echo of a has other arguments than the line; the line is used"
    assert notes(text) == ([said] if differs else [])
    assert len(split_lines(text).lines) == 1


def test_an_object_that_cannot_be_read_is_noted() -> None:
    said = "skipped an object that is not JSON, where a transcript echoes the command"
    assert notes('(QEMU) a\n{ "execute": "b", ... }') == [said]
    assert notes('(QEMU) a\n{ "execute": "a", ... }\n{ "return": ... }') == []


def test_output_of_the_human_monitor() -> None:
    text = (
        "QEMU 7.2.22 monitor - type 'help' for more information\n"
        "(qemu) info name\nvm1\n\n(qemu)\n"
        "(qemu) info status\nVM status: paused\n# a comment\n.hmp\n(qemu) "
    )
    assert run(text, HMP) == ["info name", "info status", ".hmp"]
    assert notes(text, HMP) == [
        "skipped lines without a mark such as (qemu): they are output in a transcript"
    ]


def test_hmp_lines_without_marks_are_commands() -> None:
    assert run("info name\ninfo status", HMP) == ["info name", "info status"]
    # Those above the first mark may have run already.
    assert run("info name\n(qemu) info status\nVM status: paused", HMP) == [
        *("info name", "info status")
    ]
    assert run("(hmp) info name\nvm1\n(QEMU) info status\nVM", HMP) == ["info name", "info status"]


@given(st.lists(st.sampled_from([*PIECES, "\n", "(QEMU) a\n", "(qemu) "]), max_size=14), modes)
@example(["(QEMU) a\n", "{'execute': 'a'} # x"], PLAIN)
def test_any_text_is_split_and_only_blanked(pieces: list[str], mode: Mode) -> None:
    text = "".join(pieces)
    split = split_lines(text, mode)
    kept = "".join([*(line.text for line in split.lines), split.rest])
    rest = iter("".join(text.split()))
    assert all(character in rest for character in "".join(kept.split()))


@pytest.mark.parametrize(
    "text, lines, rest",
    [
        ("", [], ""),
        ("  ", [], ""),
        ("a", ["a"], ""),
        ("a\nb\n", ["a", "b"], ""),
        ("a\n\n\nb", ["a", "b"], ""),
        ("a b={\n}\nb", ["a b={\n}", "b"], ""),
        ("a\nb c={\n", ["a"], "b c={\n"),
        ("{", [], "{"),
        ("{\n\n}", ["{\n\n}"], ""),
        ("a \\\n b", ["a \\\n b"], ""),
    ],
)
def test_lines_of_a_text(text: str, lines: list[str], rest: str) -> None:
    split = split_lines(text)
    assert [line.text for line in split.lines] == lines
    assert split.rest == rest
    assert split.total == len(lines) + bool(rest)
