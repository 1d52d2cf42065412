"""What a client of a share sends, however it is cut."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.jsontypes import JsonObject
from qmpsh.share.limits import MAX_REQUEST_BYTES
from qmpsh.share.requests import MAX_BRACKETS, BadRequest, RequestReader


def read(*pieces: bytes) -> list[JsonObject | str]:
    """The requests, and why others were refused."""
    reader, found = RequestReader(), []
    for piece in pieces:
        reader.receive_data(piece)
        while (request := reader.next_request()) is not None:
            found.append(request.why if isinstance(request, BadRequest) else request)
    return found


@pytest.mark.parametrize(
    "data, requests",
    [
        (b'{"execute":"stop"}\n', [{"execute": "stop"}]),
        (b'{"execute":"stop"}', [{"execute": "stop"}]),
        (b"{'execute': 'stop'}", [{"execute": "stop"}]),
        (b"{'a': '\\'}', \"b\": \"'}\"}", [{"a": "'}", "b": "'}"}]),
        (b'{"a":1}{"b":2} \r\n {"c":3}', [{"a": 1}, {"b": 2}, {"c": 3}]),
        (b'{\n "a": [1,\n {}]\n}\n', [{"a": [1, {}]}]),
        (b"  \n\t", []),
        (b'{"a": 1', []),
        ('{"a": "ä"}'.encode(), [{"a": "ä"}]),
    ],
)
def test_requests(data: bytes, requests: list[JsonObject]) -> None:
    assert read(data) == requests
    assert read(*(data[n : n + 1] for n in range(len(data)))) == requests


GOOD = b'{"a":1}\n'


@pytest.mark.parametrize(
    "bad, why",
    [
        (b"stop\n", "must be a JSON object"),
        (b"[1]\n", "must be a JSON object"),
        (b'{"a" 1}\n', "JSON parse error"),
        (b'{"a": nan}\n', "JSON parse error"),
        (b'{"a": "\xff"}\n', "JSON parse error"),
        (b'{"a": "' + b"x" * MAX_REQUEST_BYTES + b'"}\n', "longer than the 65536 bytes"),
        (b"x" * (MAX_REQUEST_BYTES + 1) + b"\n", "must be a JSON object"),
        (b'{"a":' + b"[" * MAX_BRACKETS + b"]" * MAX_BRACKETS + b"}\n", "more than 300 brackets"),
        (b'{"a":' + b"[" * MAX_BRACKETS + b"\n", "more than 300 brackets"),
    ],
)
def test_what_is_not_a_request_costs_one_error_and_its_line(bad: bytes, why: str) -> None:
    for pieces in ([bad + GOOD], [bad, GOOD], [bad[:9], bad[9:] + GOOD]):
        first, second = read(*pieces)
        assert why in str(first)
        assert second == {"a": 1}


def test_memory_is_bounded_however_much_comes_without_a_newline() -> None:
    reader = RequestReader()
    for _ in range(100):
        reader.receive_data(b"{" * 4096)
        while reader.next_request() is not None:
            pass
        assert len(reader._data) <= MAX_REQUEST_BYTES


def test_the_limit_may_be_raised() -> None:
    reader = RequestReader()
    long = b'{"a": "' + b"x" * MAX_REQUEST_BYTES + b'"}\n'
    reader.limit = 2 * MAX_REQUEST_BYTES
    reader.receive_data(long)
    assert isinstance(reader.next_request(), dict)
    reader.receive_data(long.replace(b"x", b"xx"))
    assert "longer than the 131072 bytes" in str(reader.next_request())


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.text("ab'\"\\{}", max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=4),
    st.lists(st.integers(0, 200), max_size=6),
    st.booleans(),
)
def test_every_object_comes_through_however_it_is_cut(
    objects: list[JsonObject], cuts: list[int], ascii: bool
) -> None:
    data = b"\n".join(json.dumps(one, ensure_ascii=ascii).encode() for one in objects)
    edges = [0, *sorted(cuts), len(data)]
    assert read(*(data[a:b] for a, b in pairwise(edges))) == objects


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_total(pieces: list[bytes]) -> None:
    read(*pieces)
