"""What QEMU reads of a raw JSON line and what we read: the same value, wherever QEMU takes it.

QEMU hands a command's `id` back as it understood it, so that it is an echo of any JSON.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.errors import LineSyntaxError
from qmpsh.jsontypes import INT_MAX, INT_MIN, Json
from qmpsh.language.parser import parse_line
from qmpsh.language.syntax import JsonLine
from tests.fuzzing import examples
from tests.qemu import Vm

_PIECES = [
    *("a", "b c", "\u20ac", "\U0001f600", "'", '"', "{", "]", ",", ":", "\x7f", "\x85", "#", "|"),
    *("\\'", '\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\d", "\\x41", "\\0"),
    *("\\u00e9", "\\u0000", "\\u0041", "\\u12", "\\ud83d\\ude00", "\\ud83d", "\\ude00"),
    *("\\uffff", "\\ufdd0", "\t", "\x01"),
]
_strings = st.builds(
    lambda mark, pieces: f"{mark}{''.join(pieces)}{mark}",
    st.sampled_from("'\""),
    st.lists(st.sampled_from(_PIECES), max_size=5),
)
_words = st.sampled_from(
    [
        *("0", "-0", "5", "-12", "007", "1.5", "-2.5E-1", "1e3", "0x10", "1_000", "+1"),
        *("18446744073709551615", "18446744073709551616", "-9223372036854775809", "true", "false"),
        *("null", "True", "None", "NaN", "a", ""),
    ]
)
_blanks = st.sampled_from(["", " ", "\t", "\n", "\r\n"])
_texts: st.SearchStrategy[str] = st.recursive(
    _strings | _words,
    lambda inner: (
        st.builds(
            lambda items, blank, end: f"[{blank}{f',{blank}'.join(items)}{end}]",
            *(st.lists(inner, max_size=3), _blanks, st.sampled_from(["", "", "", ","])),
        )
        | st.builds(
            lambda items, blank: (
                f"{{{blank}{','.join(f'{k}{blank}:{v}' for k, v in items)}{blank}}}"
            ),
            *(st.lists(st.tuples(_strings, inner), max_size=3), _blanks),
        )
    ),
    max_leaves=6,
)


class Echo:
    """A connection of our own, on which any bytes can be sent."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(60)
        self._socket.connect(path)
        self._file = self._socket.makefile("rb")
        self._file.readline()
        self._number = 0
        self.ask('{"execute": "qmp_capabilities"}')

    def ask(self, line: str) -> list[dict[str, Json]]:
        """The replies to a line; a broken one is thrown away by the 0xFF behind it."""
        self._number += 1
        end = f"end {self._number}"
        after = json.dumps({"execute": "query-name", "id": end})
        self._socket.sendall(line.encode() + b"\xff" + after.encode() + b"\n")
        replies: list[dict[str, Json]] = []
        while not replies or replies[-1].get("id") != end:
            replies.append(json.loads(self._file.readline()))
        return replies[:-1]

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture
def echo(q35: Vm) -> Iterator[Echo]:
    found = Echo(q35.path)
    yield found
    found.close()


def in_bounds(value: Json) -> Json:
    """QEMU reads an integer beyond 64 bits as a double."""
    match value:
        case bool():
            return value
        case int():
            return value if INT_MIN <= value <= INT_MAX else float(value)
        case list():
            return [in_bounds(item) for item in value]
        case dict():
            return {name: in_bounds(item) for name, item in value.items()}
    return value


def read(line: str) -> list[Json]:
    return [s.id for s in parse_line(line) if isinstance(s, JsonLine) and s.has_id]


def test_what_qemu_takes_is_read_to_the_same_value(echo: Echo) -> None:
    @examples(1)
    @given(text=_texts, mark=st.sampled_from("'\""))
    @example(text="'a\\nb\\u00e9'", mark="'")
    @example(text='"\\\'"', mark='"')
    @example(text="'\\ud83d\\ude00'", mark="'")
    @example(text="18446744073709551616", mark="'")
    @example(text="['\t', \"\\d\"]", mark="'")
    def check(text: str, mark: str) -> None:
        line = f"{{{mark}execute{mark}: {mark}query-name{mark}, {mark}id{mark}: {text}}}"
        answers = [reply for reply in echo.ask(line) if "return" in reply]
        try:
            found = read(line)
        except LineSyntaxError:
            assert answers == [], "QEMU takes it"
            return
        if answers:
            assert [in_bounds(value) for value in found] == [reply["id"] for reply in answers]

    check()
