"""What a shell's command line is made of, as far as it is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.cli.tab.words import ShellWord, Splitter, arguments_of

BREAKS = " \t\n\"'><=;|&(:"
VARIABLES = {"S": "/tmp/my vm/s", "EMPTY": ""}


@pytest.mark.parametrize(
    "text,words",
    [
        ("", [""]),
        ("qmpsh", ["qmpsh"]),
        ("qmpsh ", ["qmpsh", ""]),
        ("qmpsh  ./s\tdri", ["qmpsh", "./s", "dri"]),
        ("q unix:/tmp/s a=b:c", ["q", "unix:/tmp/s", "a=b:c"]),
        ("q 'id=my rng' x", ["q", "id=my rng", "x"]),
        ("q id='my rng' x", ["q", "id=my rng", "x"]),
        ('q "a\\"b" x', ["q", 'a"b', "x"]),
        ('q "a\\b" x', ["q", "a\\b", "x"]),
        ("q my\\ vm x", ["q", "my vm", "x"]),
        ("q '' x", ["q", "", "x"]),
        ("q 'a b", ["q", "a b"]),
        ('q "a b', ["q", "a b"]),
        ("q a\\", ["q", "a\\"]),
        ("q $S x", ["q", "/tmp/my vm/s", "x"]),
        ('q "${S}x" y', ["q", "/tmp/my vm/sx", "y"]),
        ("q '$S' x", ["q", "$S", "x"]),
        ("q $EMPTY x", ["q", "", "x"]),
        ("q $NOPE x$", ["q", "$NOPE", "x$"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert [word.text for word in Splitter(VARIABLES).split(text)] == words


def test_fish_knows_escapes_in_single_quotes() -> None:
    assert Splitter(fish=True).split(r"'it\'s \\ a\b")[-1].text == r"it's \ a\b"
    assert Splitter().split(r"'a\'b")[-1].text == r"a\b"


@pytest.mark.parametrize(
    "text,word",
    [
        ("driver=vi", ShellWord("driver=vi", "", 7)),
        ("unix:/tmp/", ShellWord("unix:/tmp/", "", 5)),
        ("a=b:c", ShellWord("a=b:c", "", 4)),
        # What is quoted is no break, and in an open quote all behind its mark is replaced.
        ("a\\=b", ShellWord("a=b", "", 0)),
        ("'a=b'c", ShellWord("a=bc", "", 0)),
        ("x='a=b'c", ShellWord("x=a=bc", "", 2)),
        ("'a=b", ShellWord("a=b", "'", 0)),
        ('id="my r', ShellWord("id=my r", '"', 3)),
        ("", ShellWord()),
    ],
)
def test_what_bash_replaces(text: str, word: ShellWord) -> None:
    assert Splitter(breaks=BREAKS).split(f"q {text}")[-1] == word


def test_targets_of_redirects_are_no_arguments() -> None:
    words = Splitter().split("q ./s stop >out 2>/dev/null &>> all x <in")
    assert arguments_of(words) == ({}, ["./s", "stop", "x"])
    assert Splitter().split("q stop > ou")[-1] == ShellWord("ou", is_target=True)
    assert Splitter().split("q stop>")[-1] == ShellWord("", is_target=True)


def test_assignments_before_the_program() -> None:
    words = Splitter().split("QMP_SOCKET=./s A='b c' qmpsh stop x=y ")
    assert arguments_of(words[:-1]) == (
        {"QMP_SOCKET": "./s", "A": "b c"},
        ["stop", "x=y"],
    )
    assert arguments_of([]) == ({}, [])


@given(st.text(alphabet="a =\\'\"$S{}>&:\n"), st.booleans())
def test_any_text_is_split(text: str, fish: bool) -> None:
    word = Splitter(VARIABLES, breaks=BREAKS, fish=fish).split(text)[-1]
    assert 0 <= word.kept <= len(word.text)
