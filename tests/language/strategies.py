"""What hypothesis draws: lines that are nearly right, and commands as JSON."""

from __future__ import annotations

from hypothesis import strategies as st

from qmpsh.jsontypes import Json
from qmpsh.language.syntax import Mode

PIECES = [
    *"{}[]'\"\\=.,:|>#()- \t\n\r",
    *"ab05",
    "query-status",
    "transaction(",
    ".wait",
    ".hmp",
    ".json",
    ".watch 2s",
    ".plot 2s query-x [a=b].c",
    "[0].x/s",
    ".export bash",
    ".exec",
    "--wait",
    "--timeout 5",
    "--json",
    "--fd=",
    "(QEMU) ",
    "-> ",
    "C: ",
    "(qemu) ",
    "TRANS 1> ",
    "---> ",
    "...",
    "[...]",
    "--help",
    "-d",
    "(1,2)",
    "True",
    "{'execute': 'x'}",
    "{ 'return': ... }",
    "'\\n\\''",
    "```",
    "a=b",
    "a.b=",
    "a={b: 1}",
    "addr=5",
    '{"execute": "x"}',
    '{"return": {}}',
    "\\u00e9",
    "\\ud83d",
    " \\\n",
    "\u20ac",
    "\x00",
    "\x85",
]

lines = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=40)
"""Any text, most often one that looks like the language."""

modes = st.builds(
    Mode,
    hmp=st.booleans(),
    prompt=st.booleans(),
    in_transaction=st.booleans(),
    bare_verbs=st.sampled_from([frozenset[str](), frozenset({"a", "query-status"})]),
)

_words = st.sampled_from(["", "a", "b c", "a.b", "0", "007", "true", "null", "-1", "?", "#", "x)"])
_texts = _words | st.text(max_size=8)
_keys = st.sampled_from(["a", "addr", "__com.x", "node-name", "a.b", "0", "", "--json"]) | _texts
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**65)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts
)
values: st.SearchStrategy[Json] = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=8,
)

arguments = st.dictionaries(_keys, values, max_size=4)
"""The arguments of a command."""
