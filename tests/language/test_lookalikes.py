"""No-break spaces, curly quotes and dashes of web pages are named, not taken for something else."""

from __future__ import annotations

import pytest

from qmpsh.complete.candidates import Catalog
from qmpsh.complete.hints import find_faults
from qmpsh.errors import LineSyntaxError
from qmpsh.language.lines import parse_line, parse_words
from qmpsh.language.syntax import PLAIN, CommandLine, HmpLine, Mode, Scalar
from qmpsh.render.answers import caret_lines
from qmpsh.render.theme import plain
from qmpsh.ui.common.style import echo_lines

HMP = Mode(hmp=True, prompt=True)
NBSP = "U+00A0, a no-break space, stands where a space is expected: type a space, or quote the text"
CURLY = "a curly quote, is not a quotation mark: type \" or ' instead"
DASH = "stands where - or -- is expected: type that instead"


@pytest.mark.parametrize(
    "line, mode, column, said",
    [
        ("device_add\u00a0driver=virtio-rng-pci\u00a0id=r1", PLAIN, 10, NBSP),
        ("device_add driver=virtio-rng-pci\u00a0id=r1", PLAIN, 32, NBSP),
        ("device_add \u00a0driver=x", PLAIN, 11, NBSP),
        ("\u00a0device_add", PLAIN, 0, NBSP),
        (".wait\u00a0STOP", PLAIN, 5, NBSP),
        (".wait STOP\u00a0--new", PLAIN, 10, NBSP),
        (".source a\u00a0b", PLAIN, 9, NBSP),
        ("(QEMU)\u00a0query-status", PLAIN, 6, NBSP),
        ("x a={b:\u00a01}", PLAIN, 7, NBSP),
        ("x a='b'\u00a0c=d", PLAIN, 7, NBSP),
        ("query-status --json\u00a0", PLAIN, 19, NBSP),
        ("query-status > a\u00a0b", PLAIN, 16, NBSP),
        ('{"execute":\u00a0"query-status"}', PLAIN, 11, NBSP),
        ("info\u00a0block", HMP, 4, NBSP),
        ("stop\u200b", PLAIN, 4, "U+200B, a zero width space, stands where a space is expected"),
        ("\ufeffstop", PLAIN, 0, "U+FEFF, a zero width no-break space, stands where"),
        ("stop\u3000", PLAIN, 4, "U+3000, an ideographic space, stands where"),
        ("object-add qom-type=iothread id=\u201cio8\u201d", PLAIN, 32, f"U+201C, {CURLY}"),
        ("object-add qom-type=iothread id=\u2018io8\u2019", PLAIN, 32, f"U+2018, {CURLY}"),
        ("object-add \u201cid=a\u201d", PLAIN, 11, f"U+201C, {CURLY}"),
        ("x a=[\u201cb\u201d]", PLAIN, 5, f"U+201C, {CURLY}"),
        ("x a={\u201cb\u201d: 1}", PLAIN, 5, f"U+201C, {CURLY}"),
        ("{\u201cexecute\u201d: \u201cquery-status\u201d}", PLAIN, 1, f"U+201C, {CURLY}"),
        ("drive_add 0 \u201cfile=a\u201d", HMP, 12, f"U+201C, {CURLY}"),
        ("x a=\u00abb\u00bb", PLAIN, 4, "U+00AB, a left-pointing double angle"),
        ("query\u2013status", PLAIN, 5, f"U+2013, an en dash, {DASH}"),
        ("device_del id=x \u2014wait", PLAIN, 16, f"U+2014, an em dash, {DASH}"),
        (
            "device_del id=x --no\u2011oob",
            PLAIN,
            20,
            "U+2011, a non-breaking hyphen, stands where - or -- is",
        ),
        ("blockdev-add node\u2013name=x", PLAIN, 17, f"U+2013, an en dash, {DASH}"),
    ],
)
def test_they_are_named(line: str, mode: Mode, column: int, said: str) -> None:
    with pytest.raises(LineSyntaxError) as caught:
        parse_line(line, mode)
    assert str(caught.value).startswith(said)
    assert caught.value.span == (column, column + 1)


def value_of(line: str) -> str:
    (statement,) = parse_line(line)
    assert isinstance(statement, CommandLine)
    value = statement.arguments[-1].value
    assert isinstance(value, Scalar)
    return value.text


@pytest.mark.parametrize(
    "text", ["a\u00a0b", "\u201ca\u201d", "\u00a0", "a \u2013 b", "\u2018", "a\u200bb"], ids=ascii
)
@pytest.mark.parametrize("mark", ["'", '"'])
def test_quoted_they_are_text(text: str, mark: str) -> None:
    assert value_of(f"x a={mark}{text}{mark}") == text


@pytest.mark.parametrize(
    "text", ["a\u201cb\u201d", "it\u2019s", "a\u2013b", "\u2013", "na\u00efve", "5\u2033"]
)
def test_in_a_value_they_are_text_where_they_can_be_meant(text: str) -> None:
    assert value_of(f"x a={text}") == text


def test_where_nothing_is_read() -> None:
    assert parse_line("# \u201c\u00a0\u201d") == []
    (line,) = parse_line("x | echo \u201c\u00a0\u201d")
    assert isinstance(line, CommandLine)
    assert parse_line('{"return": \u201c\u00a0\u201d}') == []
    (hmp,) = parse_line('drive_add 0 "a\u00a0\u201cb\u201d"', HMP)
    assert isinstance(hmp, HmpLine)


def test_words_of_the_command_line() -> None:
    with pytest.raises(LineSyntaxError, match=r"U\+00A0, a no-break space"):
        parse_words(["device_add", "\u00a0driver=x"])
    with pytest.raises(LineSyntaxError, match=r"U\+00A0, a no-break space"):
        parse_words(["device_add\u00a0driver=x", "id=y"])
    (line,) = parse_words(["x", "a=\u201cb\u00a0\u201d"])
    assert isinstance(line, CommandLine)
    assert line.arguments[0].value == Scalar("\u201cb\u00a0\u201d", False, (4, 8))


def test_they_are_seen_where_the_line_is_shown() -> None:
    (echo,) = echo_lines("(QEMU) ", "stop\u00a0a\u200bb\u3000\u201cc\u201d")
    assert plain(echo) == "(QEMU) stop\\xa0a\\u200bb\\u3000\u201cc\u201d"
    with pytest.raises(LineSyntaxError) as caught:
        parse_line("device_add\u00a0driver=x")
    assert caret_lines(caught.value) == (r"device_add\xa0driver=x", "          ^^^^")


def test_the_hint_names_them_while_they_are_typed() -> None:
    known = Catalog()
    known.commands = ("device_add",)
    (fault,) = find_faults("device_add\u00a0driver=x", known, PLAIN)
    assert (fault.span, fault.message) == ((10, 11), NBSP)
