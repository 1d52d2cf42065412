"""What Tab inserts in a shell is the one word that it stands for, to the shell and to qmpsh."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.cli.tab.items import find_items
from qmpsh.cli.tab.offers import LineServer, ShellCandidate, TypedWords
from qmpsh.cli.tab.shells import Bash
from qmpsh.cli.tab.words import ShellWord, Splitter
from qmpsh.complete.candidates import Candidate
from qmpsh.complete.complete import complete
from qmpsh.language.lines import parse_words
from qmpsh.language.syntax import CommandLine, Mode, Scalar, VerbLine
from tests.complete.hostile import hostile_catalog, names
from tests.fuzzing import examples
from tests.programs import need
from tests.waiting import PATIENCE

WORDS = [
    ["command", "ki"],
    ["command", ""],
    ["command", "kind="],
    ["command", "either="],
    ["command", "object.kind="],
    ["device_add", "driver=d", ""],
    ["device_add", "driver="],
    ["device_del", "id="],
    ["qom-get", "path=/machine/"],
    [".wait", ""],
    [".wait", "EVENT", ""],
    [".help", ""],
    [""],
]
"""The words of a LINE, the last one at the cursor"""

OURS = ("null", "true", "false", "on", "off")

BASH = Bash()


def offered(name: str, words: list[str]) -> list[ShellCandidate]:
    def ask(server: LineServer, line: str, mode: Mode) -> list[Candidate]:
        return complete(line, len(line), hostile_catalog(name), mode)

    typed = TypedWords(["./s", *words[:-1]], words[-1], [])
    found = find_items(typed, {}, ask)
    return [item for item in found if item.files is None and item.text.startswith(words[-1])]


@examples(2)
@given(names, st.sampled_from(WORDS))
@example("{a", ["command", "kind="])
@example("a b", ["command", ""])
@example("-x", ["command", ""])
def test_a_word_is_one_argument_of_that_value(name: str, words: list[str]) -> None:
    meant = {name, f"{name}x", f"{name}y", f"z{name}", f"{name}E"}
    for item in offered(name, words):
        asks_value = not item.ends and item.text.endswith("=")
        if len(words) == 1 or not (item.ends or asks_value):
            continue
        word = f"{item.text}v" if asks_value else item.text
        (statement,) = parse_words([*words[:-1], word])
        if isinstance(statement, VerbLine):
            assert statement.redirect is None
            continue
        assert isinstance(statement, CommandLine)
        assert len(statement.arguments) == len(words) - 1
        last = statement.arguments[-1]
        assert isinstance(last.value, Scalar)
        key, _, value = word.partition("=")
        assert ".".join(part.text for part in last.key) == key
        assert last.value.text == value
        assert asks_value or value in OURS or any(value.endswith(text) for text in meant)


@examples(2)
@given(names, st.sampled_from(["", "'", '"']))
@example("!!", '"')
@example("a'b", "'")
@example('a"$(id)`', '"')
def test_bash_reads_back_what_was_inserted(name: str, quote: str) -> None:
    (line,) = BASH.lines([ShellCandidate(f"x{name}")], ShellWord("x", quote, 1)) or [""]
    text = line.split("\x1f")[1] if name.isprintable() else ""
    if text:
        (_, word) = Splitter().split(f"q {quote}x{text}{quote}")
        assert word.text == f"x{name}"


def test_a_real_bash_reads_back_what_was_inserted(tmp_path: Path) -> None:
    bash = need("bash")
    folder = tmp_path / "empty"
    folder.mkdir()
    told = ["a b", "a|touch X", "a > b", "$(touch X)", "`touch X`", "a;b&c", "!!", "~", "*", "a'b"]
    told += ['a"b', "a\\", "#a", "{a,b}", "[a]", "<(ls)", "é", "a!b$c"]
    quoted = [
        quote + line.split("\x1f")[1] + quote
        for quote in ("", "'", '"')
        for line in BASH.lines([ShellCandidate(text) for text in told], ShellWord("", quote, 0))
    ]
    # Interactive, because only then an exclamation mark means something.
    done = subprocess.run(
        [str(bash), "--norc", "--noprofile", "-i"],
        input=f"set -H\nprintf '%s\\0' {' '.join(quoted)}\n",
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        timeout=PATIENCE,
        start_new_session=True,
    )
    assert done.stdout.split("\0")[:-1] == told * 3
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["a\nb", "a\x1bb", "a\u202eb"])
def test_what_cannot_be_shown_is_not_offered(name: str) -> None:
    answers = BASH.lines([ShellCandidate(name)], ShellWord())
    assert all(name not in line for line in answers)
