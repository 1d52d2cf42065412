"""What came from a VM, made safe: any text, and JSON that stays JSON."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.jsontypes import Json
from qmpsh.render.safe import for_stderr, visible, visible_json, visible_word

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
BYTE_ORDER_MARK = "\ufeff"
HOSTILE = (
    "\x1b]0;title\x07\x1b[2J\x9b31m\x85\r\b\x7f" + BIDI + BYTE_ORDER_MARK + "\u2028\u2029\ud800"
)

texts = st.text(st.characters() | st.sampled_from(HOSTILE), max_size=60)
values: st.SearchStrategy[Json] = st.recursive(
    texts | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def obeyed(text: str) -> set[str]:
    """The characters of a text that a terminal would obey or hide, newline and tab left out."""
    unsafe = {c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")}
    return unsafe.union(set(text).intersection(BIDI + BYTE_ORDER_MARK))


@pytest.mark.parametrize("character", sorted(set(HOSTILE) - set("0;titleJ[2]31m")))
def test_each_character_is_seen_and_not_obeyed(character: str) -> None:
    assert obeyed(visible(f"a{character}b")) == set()
    assert obeyed(visible_word(f"a{character}b")) == set()
    assert visible(f"a{character}b") != f"a{character}b"


@given(texts)
def test_any_text(text: str) -> None:
    assert obeyed(visible(text)) <= {"\n", "\t"}
    assert obeyed(visible_word(text)) == set()
    assert visible(visible(text)) == visible(text)
    visible(text).encode()


@given(texts)
@example(BYTE_ORDER_MARK)
def test_what_is_harmless_stays(text: str) -> None:
    if not obeyed(text):
        assert visible(text) == visible_word(text) == text


@given(values, st.sampled_from([None, 2]), st.booleans())
def test_json_stays_the_same_json(value: Json, indent: int | None, ascii_only: bool) -> None:
    shown = visible_json(json.dumps(value, indent=indent, ensure_ascii=ascii_only))
    assert obeyed(shown) <= {"\n"}
    assert json.loads(shown) == value


def test_what_is_told_has_one_line_that_begins_at_the_left() -> None:
    assert for_stderr("bad\n\r\nqmpsh: all is well") == "bad\n  \\r\n  qmpsh: all is well"
