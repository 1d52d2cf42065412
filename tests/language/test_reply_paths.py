"""Paths into a reply, and the words of the lines that have them."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json
from qmpsh.language.analysis import analyse
from qmpsh.language.plot_words import (
    cut_path_words,
    cut_paths,
    path_spans,
    tokens_without_paths,
)
from qmpsh.language.reply_paths import (
    MAX_NUMBERS,
    FoundNumber,
    ItemSelector,
    Number,
    ReplyPath,
    moved,
    nothing_at,
    number_at,
    numbers,
    read_path,
    why_no_number,
)
from tests.language.strategies import lines

DISKS: Json = [
    {"device": "vda", "stats": {"rd_bytes": 5, "ok": True}},
    {"device": "", "node-name": "n 1", "qdev": "/m/virtio-backend", "stats": {"rd_bytes": 7}},
    {"device": "", "stats": {"rd_bytes": 9}},
]


@pytest.mark.parametrize(
    "text, steps, is_rate",
    [
        ("ram.mbps", ("ram", "mbps"), False),
        ("[0].stats.rd_bytes/s", (0, "stats", "rd_bytes"), True),
        ("[device=vda].x", (ItemSelector("device", "vda"), "x"), False),
        ("[qdev=/m/virtio-backend].a/s", (ItemSelector("qdev", "/m/virtio-backend"), "a"), True),
        ("[id='a]b'][2]", (ItemSelector("id", "a]b"), 2), False),
        ('[a=].b."c.d"', (ItemSelector("a", ""), "b", "c.d"), False),
        ("it", (), False),
        ("it/s", (), True),
        ("it.a", ("it", "a"), False),
    ],
)
def test_paths(text: str, steps: tuple[str | int | ItemSelector, ...], is_rate: bool) -> None:
    assert read_path(text) == ReplyPath(text, steps, is_rate)


@pytest.mark.parametrize("text", ["", "/s", ".a", "a.", "a..b", "[0", "[0]a", "a[x].b", "a=b", "]"])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_path(text)
    assert str(refused.value).startswith("expected a path like ram.mbps, [0].stats.rd_bytes or ")


@pytest.mark.parametrize(
    "path, number",
    [
        ("[0].stats.rd_bytes", 5),
        ("[device=vda].stats.ok", 1),
        ("[qdev=/m/virtio-backend].stats.rd_bytes/s", 7),
        ("[3].stats.rd_bytes", None),
        ("[device=vdb].stats.rd_bytes", None),
        ("stats", None),
        ("[0].device", None),
    ],
)
def test_the_number_at_a_path(path: str, number: Number | None) -> None:
    assert number_at(DISKS, read_path(path)) == number


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, None, "5", [], {}])
def test_what_is_no_number(value: Json) -> None:
    assert number_at(value, read_path("it")) is None
    assert list(numbers(value)) == []


def test_a_reply_that_is_a_number() -> None:
    assert list(numbers(5)) == [FoundNumber("it", 5)]
    assert number_at(5, read_path("it/s")) == 5


def test_what_there_is_instead() -> None:
    reply: Json = {"status": "running", "ram": {"mbps": 1, "total": 2}, "list": [1]}
    says = {path: why_no_number(reply, read_path(path)) for path in ("status", "ram", "list", "x")}
    assert says == {
        "status": "status is a text, not a number",
        "ram": "ram is an object, not a number; it has mbps, total",
        "list": "list is a list, not a number",
        "x": "",
    }
    near = "nothing at ram.mbsp/s in the reply; did you mean ram.mbps?"
    assert nothing_at(reply, read_path("ram.mbsp/s")) == near


def test_items_are_written_by_what_they_are_known_by() -> None:
    assert [found.path for found in numbers(DISKS)] == [
        "[device=vda].stats.rd_bytes",
        "[qdev=/m/virtio-backend].stats.rd_bytes",
        "[2].stats.rd_bytes",
    ]


def test_what_moved() -> None:
    before: Json = {"a": 1, "b": [{"id": "x", "n": 1}], "gone": 1, "same": 1}
    after: Json = {"a": 3, "b": [{"id": "x", "n": 0.5}], "new": 1, "same": 1}
    assert moved(before, after) == [(FoundNumber("a", 3), 1), (FoundNumber("b[id=x].n", 0.5), 1)]


def test_a_reply_without_end_has_an_end() -> None:
    assert sum(1 for _ in numbers([*range(MAX_NUMBERS + 5)])) == MAX_NUMBERS


KEYS = st.sampled_from(["a", "id", "device", "a.b", "x y", "[0]", "n/s", '"', "=", "it", "é"])
REPLIES = st.recursive(
    st.integers(-5, 5) | st.booleans() | st.text(max_size=3) | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(REPLIES)
def test_each_number_is_found_by_its_path(reply: Json) -> None:
    for found in numbers(reply):
        assert number_at(reply, read_path(found.path)) == found.value, json.dumps(reply)


@given(st.text(alphabet="ab.[]=/s\"'0 it", max_size=20) | st.text(max_size=20))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        read_path(text)
    except UsageError:
        return


# ---------------------------------------------------------------------------- the words


@pytest.mark.parametrize(
    "line, paths",
    [
        ("query-blockstats [device=vda].stats.rd_bytes/s", ["[device=vda].stats.rd_bytes/s"]),
        ("query-migrate ram.mbps ram.total --count 5", ["ram.mbps", "ram.total"]),
        ("query-x a=b --count 5 c d=e", ["c", "d=e"]),
        ("qom-get path=/machine property=x", []),
        ("query-x --count=5 [0].a | cut -f2", ["[0].a"]),
        ("query-x [0].a --count 5 > file b", ["[0].a"]),
        ("query-x '[device=vda].a/s' \"b.c\"", ["[device=vda].a/s", "b.c"]),
        ("query-x [device='a b'].c d # e", ["[device='a b'].c", "d"]),
        ("query-x a={b: c} d", ["d"]),
        ("", []),
    ],
)
def test_paths_of_a_line(line: str, paths: list[str]) -> None:
    rest, found = cut_paths(line)
    assert (list(found), len(rest)) == (paths, len(line))
    assert rest.split() == [word for word in rest.split() if word in line]


@pytest.mark.parametrize(
    "words, rest, paths",
    [
        (["query-x", "[a=b].c", "--count", "5"], ["query-x", "--count", "5"], ["[a=b].c"]),
        (["qom-get", "path=x", "y", "z=1"], ["qom-get", "path=x"], ["y", "z=1"]),
        (["query-x", "--json", "a b"], ["query-x", "--json"], ["a b"]),
        (["query-x"], ["query-x"], []),
    ],
)
def test_paths_among_words(words: list[str], rest: list[str], paths: list[str]) -> None:
    assert cut_path_words(words) == (tuple(rest), tuple(paths))


@given(lines)
def test_any_line_has_paths_or_none(line: str) -> None:
    rest, _ = cut_paths(line)
    assert len(rest) == len(line)
    analysis = analyse(f".plot {line}")
    spans = analysis.reading(path_spans)
    assert all(0 <= start < end <= len(line) + 6 for start, end in spans)
    others = [t for t in analysis.tokens if not any(a <= t.start < b for a, b in spans)]
    assert list(tokens_without_paths(analysis)) in (others, list(analysis.tokens))


@pytest.mark.parametrize("piece", ["[", "[.", "[a=b]", ".a", '"', "[a="])
def test_a_long_path_takes_linear_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    before = time.process_time()
    with suppress(UsageError):
        read_path(text)
    assert time.process_time() - before < 5


def test_many_paths_take_linear_time() -> None:
    line = analyse(".plot query-x" + " [a=b].c" * 50_000)
    before = time.process_time()
    tokens_without_paths(line)
    assert time.process_time() - before < 5


def test_the_paths_of_a_long_line_are_cut_at_once() -> None:
    """Many paths as one of the same length: not a copy of the line for each of them."""
    rest, paths = cut_paths("query-x " + "a.b " * 20_000)
    assert (rest.rstrip(), len(rest), len(paths)) == ("query-x", 80_008, 20_000)
