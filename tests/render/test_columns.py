"""How wide text is."""

from __future__ import annotations

import pytest
from prompt_toolkit.utils import get_cwidth

from qmpsh.render.tables import beginning, text_columns


@pytest.mark.parametrize(
    "text, columns",
    [
        ("", 0),
        ("vm", 2),
        ("日本", 4),
        ("e\u0301x\u200d", 2),  # an accent of its own, a joiner
        ("हिन्दी", 3),  # vowels that stand on consonants
        ("\u1112\u1161\u11ab", 2),  # one syllable of Hangul, in its parts
        ("🚀", 2),
        ("\u0378", 1),  # not a character yet
    ],
)
def test_columns_are_those_of_the_screen(text: str, columns: int) -> None:
    assert (text_columns(text), get_cwidth(text)) == (columns, columns)


@pytest.mark.parametrize(
    "text, columns, shown",
    [
        ("hello", 5, "hello"),
        ("hello", 4, "hell"),
        ("hello", -1, ""),
        ("日本語", 5, "日本"),
        ("e\u0301x", 1, "e\u0301"),
        ("日", 0, ""),
    ],
)
def test_beginning(text: str, columns: int, shown: str) -> None:
    assert beginning(text, columns) == shown
