"""The line's colours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.document import Document

from qmpsh.render.theme import Line, plain
from qmpsh.ui.common.style import MAX_LEXED_CHARACTERS, LineLexer, echo_lines, line_colours

QEMU = "(QEMU) "


@pytest.mark.parametrize(
    "prompt, text, line",
    [
        (
            QEMU,
            "device_add id=net0 n=12",
            [
                ("echo", "device_add"),
                ("json.key", "id"),
                ("json.punctuation", "="),
                ("json.string", "net0"),
                ("json.key", "n"),
                ("json.punctuation", "="),
                ("json.number", "12"),
            ],
        ),
        (QEMU, "a x=true # why", [
            ("echo", "a"),
            ("json.key", "x"),
            ("json.punctuation", "="),
            ("json.literal", "true"),
            ("dim", "# why"),
        ]),
        (QEMU, ".help", [("hint.current", ".help")]),
        (QEMU, "a --wait --nope", [("echo", "a"), ("json.literal", "--wait"), ("error", "--nope")]),
        ("(hmp) ", "info status", [("echo", "info"), ("echo", "status")]),
    ],
)  # fmt: skip
def test_roles(prompt: str, text: str, line: Line) -> None:
    shown = [(role, part) for role, part in line_colours(prompt, text)[0] if part.strip()]
    assert shown == line


@given(text=st.text())
def test_the_text_stays(text: str) -> None:
    for prompt in (QEMU, "(hmp) ", "TRANS> "):
        lines = line_colours(prompt, text)
        assert "\n".join(plain(line) for line in lines) == text


def test_a_huge_text_stays_plain() -> None:
    assert line_colours(QEMU, "a" * (MAX_LEXED_CHARACTERS + 1)) == [
        [("echo", "a" * (MAX_LEXED_CHARACTERS + 1))]
    ]


def test_an_echo_has_the_prompt_and_shows_controls() -> None:
    first, second = echo_lines(QEMU, "a b={\n\x1b[2J}")
    assert plain(first) == "(QEMU) a b={"
    assert first[0] == ("prompt", "(QEMU) ")
    assert plain(second) == "       \\x1b[2J}"


def test_an_echo_tells_no_secrets() -> None:
    (line,) = echo_lines(QEMU, "set_password protocol=vnc password=hunter2")
    assert plain(line) == "(QEMU) set_password protocol=vnc password=********"
    (line,) = echo_lines("(hmp) ", "set_password vnc hunter2")
    assert "hunter2" not in plain(line)


def test_the_lexer_asks_for_the_prompt() -> None:
    prompts = [QEMU]
    lexer = LineLexer(lambda: prompts[0])
    get_line = lexer.lex_document(Document("stop\n"))
    assert get_line(0) == [("class:echo", "stop")]
    assert get_line(1) == []
    assert get_line(7) == []
    before = lexer.invalidation_hash()
    prompts[0] = "(hmp) "
    assert lexer.invalidation_hash() != before
