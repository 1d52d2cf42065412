"""Candidates as rows of the menu."""

from __future__ import annotations

from prompt_toolkit.formatted_text import fragment_list_to_text, to_formatted_text

from qmpsh.complete.candidates import Candidate
from qmpsh.ui.common.completer import completions


def rows(*candidates: Candidate, cursor: int = 10) -> list[tuple[str, str, str, int]]:
    return [
        (
            completion.text,
            fragment_list_to_text(to_formatted_text(completion.display)),
            completion.display_meta_text,
            completion.start_position,
        )
        for completion in completions(list(candidates), cursor, 200, "…")
    ]


def test_columns() -> None:
    assert rows(
        Candidate("file=", 8, "BlockdevRef", "the data source", required=True),
        Candidate("read-only=", 8, "bool", "whether", unstable=True),
        Candidate("stop ", 8, "command"),
    ) == [
        ("file=", "file *", "BlockdevRef  the data source", -2),
        ("read-only=", "read-only ~", "bool         whether", -2),
        ("stop ", "stop", "command", -2),
    ]


def test_deprecated_is_struck_through() -> None:
    (one,) = completions([Candidate("old", 0, deprecated=True)], 0, 200, "…")
    assert to_formatted_text(one.display)[0][0] == "strike"


def test_a_long_kind_is_cut_and_the_columns_stay() -> None:
    (one, other) = rows(
        Candidate("a", 0, " | ".join("abcdefghijklmnopqrstuvwxyz"), "first"),
        Candidate("b", 0, "int", "second"),
    )
    assert one[2].index("first") == other[2].index("second") == 30


def test_a_narrow_terminal_has_narrow_kinds() -> None:
    (one,) = completions([Candidate("a", 0, "x" * 40, "first")], 0, 80, "…")
    assert one.display_meta_text.index("first") == 18


def test_what_the_vm_named_is_made_safe_to_show_and_kept_to_insert() -> None:
    ((text, display, meta, _),) = rows(Candidate("a\x1b[2J", 0, "k\n", "d\u202e"))
    assert text == "a\x1b[2J"
    assert display == "a\\x1b[2J"
    assert meta == "k\\n  d\\u202e"


def test_a_candidate_of_nothing_but_a_mark_is_shown() -> None:
    assert rows(Candidate("= ", 0))[0][1] == "= "


def test_no_candidates() -> None:
    assert rows() == []
