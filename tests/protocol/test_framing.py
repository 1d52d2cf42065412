"""Framing: any cut of the bytes gives the same messages, and garbage nothing but ProtocolError."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import FrameTooLong, ProtocolError
from qmpsh.jsontypes import JsonObject
from qmpsh.protocol.framing import NEED_DATA, NESTING, PEER_CLOSED, Frame, MessageFramer, Pause
from tests.protocol.strategies import cuts, objects, one_line, patient, pretty, streams

DATA = Path(__file__).parent.parent / "data"


def take(framer: MessageFramer) -> list[Frame]:
    """All frames that are whole."""
    frames = []
    while not isinstance(frame := framer.next_frame(), Pause):
        frames.append(frame)
    return frames


def outcome(
    pieces: Iterable[bytes], limit: int = 1000
) -> tuple[list[Frame], type[ProtocolError] | None]:
    """All frames of a stream that ends, and the error it ended with."""
    framer = MessageFramer(limit=limit)
    frames: list[Frame] = []
    try:
        for piece in [*pieces, b""]:
            framer.receive_data(piece)
            while not isinstance(frame := framer.next_frame(), Pause):
                frames.append(frame)
    except ProtocolError as error:
        return frames, type(error)
    assert framer.next_frame() is PEER_CLOSED
    return frames, None


def objects_of(frames: Iterable[Frame]) -> list[JsonObject]:
    return [frame.object for frame in frames]


# ------------------------------------------------------------------------ properties


@patient
@given(streams(), st.data())
def test_any_cut_gives_the_messages(
    stream: tuple[list[JsonObject], bytes], data: st.DataObject
) -> None:
    messages, written = stream
    frames, error = outcome(data.draw(cuts(written)), limit=100_000)
    assert error is None
    assert objects_of(frames) == messages


@patient
@given(streams())
def test_byte_by_byte_equals_at_once(stream: tuple[list[JsonObject], bytes]) -> None:
    _, written = stream
    assert outcome([bytes([byte]) for byte in written]) == outcome([written])


PIECES = [b"{", b"}", b"[", b"]", b'"', b"\\", b":", b",", b"1", b"a", b"\n", b"\r", b" "]
ODD_PIECES = [b'{"a":1}', b"\xff", b"\xc3\xa9", b"\x00", b"NaN", b"true"]
JSON_LIKE = st.lists(st.sampled_from(PIECES + ODD_PIECES), max_size=30).map(b"".join)


@patient
@given(st.one_of(st.binary(), JSON_LIKE, JSON_LIKE.map(b"{".__add__)), st.data())
def test_garbage_is_a_protocol_error_wherever_it_is_cut(
    written: bytes, data: st.DataObject
) -> None:
    assert outcome(data.draw(cuts(written)), limit=20) == outcome([written], limit=20)


@patient
@given(objects)
def test_pretty_and_one_line_are_the_same_message(message: JsonObject) -> None:
    once, again = (outcome([form(message).encode()], 100_000) for form in (one_line, pretty))
    assert objects_of(once[0]) == objects_of(again[0]) == [message]


# ------------------------------------------------------------------------ what servers send


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("greeting-*.txt")))
def test_greetings_of_real_servers(name: str) -> None:
    written = (DATA / name).read_bytes()
    frames, error = outcome([written])
    assert error is None
    assert [set(frame.object) for frame in frames] == [{"QMP"}]
    assert frames[0].size == len(written.rstrip())


@pytest.mark.parametrize(
    "written, messages",
    [
        (b"", []),
        (b"\r\n \t\n", []),
        (b'{"a": 1}', [{"a": 1}]),
        (b'{"a": 1}\r\n{"b": 2}\r\n', [{"a": 1}, {"b": 2}]),
        (b'{"a": 1}{"b": 2} {"c": 3}\n{"d": 4}', [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}]),
        (b'{\r\n    "return": {\r\n    }\r\n}\r\n', [{"return": {}}]),
        (b'{\r\n    "return": [\r\n    ],\r\n    "id": 1\r\n}\r\n', [{"return": [], "id": 1}]),
        (b'{"a": "}{\\"\\\\"}\n', [{"a": '}{"\\'}]),
        (b'{"a":\n"\\\\"}{"b": "\\""}\n', [{"a": "\\"}, {"b": '"'}]),
        ('{"a": "é"}'.encode(), [{"a": "é"}]),
        (b'{"a": 18446744073709551615}\n', [{"a": 2**64 - 1}]),
        (b'{"a": 1}\n{"b": ', [{"a": 1}]),
    ],
)
def test_messages(written: bytes, messages: list[JsonObject]) -> None:
    frames, error = outcome([written])
    assert error is None
    assert objects_of(frames) == messages


def test_a_message_is_there_with_its_last_byte() -> None:
    framer = MessageFramer()
    framer.receive_data(b'{"a": {"b": "}"')
    assert framer.next_frame() is NEED_DATA
    framer.receive_data(b"}}")
    assert framer.next_frame() == Frame({"a": {"b": "}"}}, 17)
    assert framer.next_frame() is NEED_DATA
    assert framer.unfinished == 0


def test_line_end_in_a_piece_of_its_own() -> None:
    framer = MessageFramer()
    found = []
    for piece in (b'{"a": 1}\r', b'\n{"b": 2}\r', b"\n"):  # as StratoVirt writes
        framer.receive_data(piece)
        found += take(framer)
    assert found == [Frame({"a": 1}, 8), Frame({"b": 2}, 8)]


def test_ten_thousand_messages_on_one_line() -> None:
    written = b"".join(b'{"event": "RESET", "n": %d}' % n for n in range(10_000))
    frames, error = outcome([written])
    assert error is None
    assert [frame.object["n"] for frame in frames] == list(range(10_000))


def test_ten_thousand_lines_at_once() -> None:
    written = b"".join(b'{"event": "RESET", "n": %d}\r\n' % n for n in range(10_000))
    frames, error = outcome([written])
    assert error is None
    assert len(frames) == 10_000


def test_a_large_message_in_drops() -> None:
    message: JsonObject = {"return": [{"name": f"type-{n}", "members": []} for n in range(2000)]}
    written = json.dumps(message).encode() + b"\r\n"
    pieces = [written[start : start + 7] for start in range(0, len(written), 7)]
    frames, error = outcome(pieces, limit=len(written))
    assert error is None
    assert frames == [Frame(message, len(written) - 2)]


def test_end_inside_a_message_leaves_it_unfinished() -> None:
    framer = MessageFramer()
    framer.receive_data(b'{"return": ')
    framer.receive_data(b"")
    assert framer.next_frame() is PEER_CLOSED
    assert framer.unfinished == 11


# ------------------------------------------------------------------------ what is no QMP


@pytest.mark.parametrize(
    "written, message, sample",
    [
        (b"QEMU 7.2.22 monitor", "the server sent what is not JSON", b"QEMU 7.2.22 monitor"),
        (b' [1, 2]\n{"a": 1}', "the server sent what is not JSON", b'[1, 2]\n{"a": 1}'),
        (
            b'{"a": inf}\n',
            "the server sent what is not JSON (Expecting value: line 1 column 7 (char 6))",
            b'{"a": inf}\n',
        ),
        (
            b'{"a": "\xff"}',
            "the server sent what is not JSON ('utf-8' codec can't decode byte 0xff in position 7:"
            " invalid start byte)",
            b'{"a": "\xff"}',
        ),
        (b"\xff" * 300, "the server sent what is not JSON", b"\xff" * 256),
    ],
)
def test_garbage(written: bytes, message: str, sample: bytes) -> None:
    framer = MessageFramer()
    framer.receive_data(written)
    with pytest.raises(ProtocolError) as caught:
        take(framer)
    assert str(caught.value) == message
    assert caught.value.data == sample


@pytest.mark.parametrize(
    "written",
    [
        b'{"a":' * 100_000 + b"}" * 100_000,
        b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a": ' + b"1" * 5000 + b"}\n",
    ],
    ids=["deep-objects", "deep-arrays", "huge-integer"],
)
def test_what_the_parser_refuses(written: bytes) -> None:
    assert outcome([written], limit=10**6) == ([], ProtocolError)


@pytest.mark.parametrize(
    "number, said",
    [
        ("1e400", "a number that is too large"),
        ("-1e400", "a number that is too large"),
        ("NaN", "NaN, which is not a JSON number"),
        ("Infinity", "Infinity, which is not a JSON number"),
        ("-Infinity", "-Infinity, which is not a JSON number"),
        ("1" * 4301, "a number of too many digits"),
    ],
)
def test_numbers_that_could_not_be_printed_as_json(number: str, said: str) -> None:
    framer = MessageFramer()
    framer.receive_data(f'{{"a": [{number}]}}\n'.encode())
    with pytest.raises(ProtocolError) as caught:
        take(framer)
    assert str(caught.value) == f"the server sent {said}"


def test_large_numbers_are_taken() -> None:
    framer = MessageFramer()
    framer.receive_data(f'{{"a": [1e308, {"1" * 4300}]}}\n'.encode())
    assert framer.next_frame() == Frame({"a": [1e308, int("1" * 4300)]}, 4316)


def test_utf_16_is_not_guessed() -> None:
    assert outcome(['{"a": 1}'.encode("utf-16-le")]) == ([], ProtocolError)


def test_an_error_is_final() -> None:
    framer = MessageFramer()
    framer.receive_data(b"foo\n")
    for _ in range(2):
        with pytest.raises(ProtocolError, match=r"^the server sent what is not JSON$"):
            framer.next_frame()
        framer.receive_data(b'{"a": 1}\n')


@pytest.mark.parametrize(
    "written, fits",
    [
        (b'{"a":1}', True),
        (b'{"a":1}    \n', True),
        (b'{"a":1}{"b":2}{"c":3}', True),
        (b'{"a":1}{"b":2}\n', True),
        (b'{"a":12}', False),
        (b'{"a":12}\n', False),
        (b'{"a":"bbbbb', False),
    ],
)
def test_bound(written: bytes, fits: bool) -> None:
    _, error = outcome([written], limit=7)
    assert error is (None if fits else FrameTooLong)


def test_bound_is_told() -> None:
    framer = MessageFramer(limit=7)
    framer.receive_data(b'{"a":12}\n')
    with pytest.raises(FrameTooLong, match=r"^the server sent a message of more than 7 bytes$"):
        framer.next_frame()


@pytest.mark.parametrize("opening, closing", [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("deeper", [0, 1])
def test_nesting_is_bounded(opening: bytes, closing: bytes, deeper: int) -> None:
    depth = NESTING - 1 + deeper
    inner = b"0" if opening != b"[" else b""
    framer = MessageFramer()
    framer.receive_data(b'{"a": ' + opening * depth + inner + closing * depth + b"}\n")
    if not deeper:
        assert isinstance(framer.next_frame(), Frame)
        return
    with pytest.raises(ProtocolError) as caught:
        framer.next_frame()
    assert str(caught.value) == (
        f"the server sent what is not JSON (nested more than {NESTING} levels deep)"
    )


def test_brackets_in_strings_and_side_by_side_are_not_nested() -> None:
    framer = MessageFramer()
    beside = b"[],{}," * 5000
    framer.receive_data(b'{"a": "' + b"[" * 5000 + b'", "b": [' + beside + b"[]]}\n")
    assert isinstance(framer.next_frame(), Frame)


def test_nothing_is_kept_after_an_error() -> None:
    framer = MessageFramer(limit=7)
    framer.receive_data(b'{"a": "' + b"x" * 100_000)
    with pytest.raises(FrameTooLong):
        framer.next_frame()
    assert framer.unfinished == 0
