"""What servers may send, for hypothesis."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st

from qmpsh.jsontypes import Json, JsonObject

patient = settings(deadline=None)
"""For every property: how long one example takes on a busy machine proves nothing."""

# Text with what framing could stumble over: brackets, quotes and backslashes in strings.
texts = st.text(st.sampled_from('ab {}[]"\\,:é\u2028\U0001f600\n\x00'), max_size=8)
scalars: st.SearchStrategy[Json] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts
)
values: st.SearchStrategy[Json] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
objects: st.SearchStrategy[JsonObject] = st.dictionaries(texts, values, max_size=4)


def one_line(message: JsonObject) -> str:
    return json.dumps(message)


def raw_unicode(message: JsonObject) -> str:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def pretty(message: JsonObject) -> str:
    """As QEMU writes with pretty=on."""
    return json.dumps(message, indent=4).replace("\n", "\r\n")


layouts = st.sampled_from([one_line, raw_unicode, pretty])
separators = st.sampled_from(["\r\n", "\n", "", " ", "\r\n\r\n \t"])


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[JsonObject], bytes]:
    """Messages, and bytes that say them."""
    messages = draw(st.lists(objects, max_size=5))
    written = [draw(layouts)(message) + draw(separators) for message in messages]
    return messages, (draw(separators) + "".join(written)).encode()


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The same bytes in pieces, none of them empty."""
    places = draw(st.lists(st.integers(0, len(data)), max_size=12))
    edges = sorted({0, len(data), *places})
    return [data[start:end] for start, end in pairwise(edges)]


def replies(*names: str) -> st.SearchStrategy[Json]:
    """Values of any shape whose members have, most often, the names that are looked for."""
    keys = st.sampled_from(names) | texts
    odd = st.sampled_from(["", "\ud800", "\x1b[2J", "/a/b", "child<x>", "9" * 30, "null"])
    return st.recursive(
        scalars | odd | st.sampled_from(names),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
        max_leaves=12,
    )
