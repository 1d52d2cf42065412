"""The value of `qom-set` as the live type of its property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import SchemaMismatch
from qmpsh.jsontypes import Json
from qmpsh.language.lines import parse_line, parse_words
from qmpsh.language.syntax import CommandLine
from qmpsh.schema.scalars import choices_of, is_enum, property_member, read_qom_value


def read(kind: str, value: str) -> Json:
    """A value as it stands in a line."""
    (line,) = parse_line(f"qom-set value={value}")
    assert isinstance(line, CommandLine)
    return read_qom_value(line.arguments[0], kind, line.source)


@pytest.mark.parametrize(
    "kind, value, sent",
    [
        ("bool", "off", False),
        ("bool", "on", True),
        ("bool", "maybe", "maybe"),
        ("bool", "'off'", "off"),
        *((kind, "0x100", 256) for kind in ("uint8", "uint64", "int", "int32", "uint64_t")),
        ("size", "10G", 10 << 30),
        ("busnr", "3", 3),
        ("size", "much", "much"),
        ("size", '"5"', "5"),
        ("int", "[1, 2]", [1, 2]),
        ("str", "007", "007"),
        ("string", "true", "true"),
        ("string", "null", "null"),
        ("link<iothread>", "/objects/io0", "/objects/io0"),
        ("OnOffAuto", "on", "on"),
        ("PCIELinkWidth", "16", "16"),
        ("SMPConfiguration", "{cpus: 2}", {"cpus": 2}),
        ("strList", "[a, 1]", ["a", 1]),
    ],
)
def test_a_value_has_the_type_of_its_property(kind: str, value: str, sent: Json) -> None:
    found = read(kind, value)
    assert (found, type(found)) == (sent, type(sent))


@pytest.mark.parametrize(
    "kind, sent", [("string", "{a: 1}"), ("link<x>", "{a: 1}"), ("ThrottleLimits", {"a": 1})]
)
def test_brackets_in_a_word_of_the_command_line(kind: str, sent: Json) -> None:
    (line,) = parse_words(["qom-set", "value={a: 1}"])
    assert isinstance(line, CommandLine)
    assert read_qom_value(line.arguments[0], kind, line.source) == sent


def test_a_child_is_not_set() -> None:
    with pytest.raises(SchemaMismatch) as caught:
        read("child<memory-backend-ram>", "x")
    assert str(caught.value) == (
        "a child cannot be set, this is a memory-backend-ram; set one of its properties"
    )


@pytest.mark.parametrize(
    "description, choices",
    [
        ("on/off/auto", "on off auto"),
        ("1/2/4/8/12/16/32", "1 2 4 8 12 16 32"),
        ("Error handling policy, report/ignore/enospc/stop/auto", "report ignore enospc stop auto"),
        ("Error handling policy (report/ignore/auto)", "report ignore auto"),
        ("CXL Fixed Memory Windows (array)", ""),
        ('IOThread virtqueue mapping list [{"iothread":"<id>", "vqs":[1,2,3,...]},...]', ""),
        ("a | touch /tmp/x/y #", ""),
        (None, ""),
        (["on/off"], ""),
    ],
)
def test_the_words_that_a_description_lists(description: Json, choices: str) -> None:
    assert choices_of(description) == tuple(choices.split())


def test_what_a_reply_tells_of_a_property() -> None:
    listed: Json = [7, {"name": "b", "type": "bool"}]
    assert property_member(listed, "b", "type") == "bool"
    assert property_member(listed, "c", "type") is None
    assert property_member("nonsense", "b", "type") is None
    assert (is_enum("OnOffAuto"), is_enum("uint8"), is_enum("")) == (True, False, False)


@given(st.text())
def test_words_from_a_description_are_bare_words(description: str) -> None:
    for word in choices_of(description):
        assert read("OnOffAuto", word) == word


@given(
    st.sampled_from(["bool", "size", "uint8", "int", "str", "OnOffAuto", "link<x>", "", "x"]),
    st.text("0123456789xabcdefKMGtruefalseon.-+_ ", min_size=1),
)
def test_a_word_is_read_as_something(kind: str, text: str) -> None:
    word = text.replace(" ", "") or "x"
    value = read(kind, word)
    assert value == word or isinstance(value, bool | int)
