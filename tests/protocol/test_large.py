"""Large messages: in slices of any size they are what the decoder makes of them at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import FrameTooLong, ProtocolError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol import framing, large
from qmpsh.protocol.framing import DECODING, NEED_DATA, NESTING, PEER_CLOSED, Frame, MessageFramer
from tests.protocol.strategies import cuts, layouts, objects, patient, values

PIECES = [b"{", b"}", b"[", b"]", b'"', b"\\", b":", b",", b"1", b"a", b"\n", b" ", b"-", b"e"]
MORE_PIECES = [b'"a"', b'"a":', b"{}", b"[]", b"\\u00e9", b"\\ud83d\\ude00", b"\\ud83d", b"\xff"]
WORDS = [b"\xc3\xa9", b"\xf0\x9f\x98\x80", b"\x00", b"NaN", b"true", b"null", b"1e999", b"0.5"]
JSON_LIKE = st.lists(st.sampled_from(PIECES + MORE_PIECES + WORDS), max_size=30).map(b"".join)

texts = st.text(st.sampled_from('a"\\/\n\x7fé€\U0001f600\ud83d{}[],:'), max_size=30)
messages = st.dictionaries(texts, st.one_of(values, texts, st.lists(texts)), max_size=5)


@contextmanager
def sliced(chunk: int, steps: int, size: int = 0) -> Iterator[None]:
    """Messages above this size are large ones, and decoded in pieces of so many bytes."""
    with (
        patch.object(framing, "LARGE", size),
        patch.object(framing, "SCANNED", size // 2),
        patch.object(large, "CHUNK", chunk),
        patch.object(large, "STEPS", steps),
    ):
        yield


def decoded(pieces: Iterable[bytes], limit: int = 100_000) -> list[Frame] | str:
    """All messages of a stream that ends, or what was wrong with it."""
    framer = MessageFramer(limit=limit)
    frames: list[Frame] = []
    try:
        for piece in [*pieces, b""]:
            framer.receive_data(piece)
            while (frame := framer.next_frame()) not in (NEED_DATA, PEER_CLOSED):
                frames += [frame] if isinstance(frame, Frame) else []
    except ProtocolError as error:
        return type(error).__name__
    return frames


def finish(framer: MessageFramer) -> Frame | framing.Pause:
    """Call until nothing more is to be decoded."""
    while (frame := framer.next_frame()) is DECODING:
        pass
    return frame


@patient
@given(
    st.lists(st.tuples(layouts, st.one_of(objects, messages)), max_size=3),
    st.integers(1, 40),
    st.integers(1, 9),
    st.integers(0, 60),
    st.data(),
)
def test_any_slices_give_the_messages(
    told: list[tuple[Callable[[JsonObject], str], JsonObject]],
    chunk: int,
    steps: int,
    size: int,
    data: st.DataObject,
) -> None:
    written = [layout(message).encode("utf-8", "backslashreplace") for layout, message in told]
    with sliced(chunk, steps, size):
        frames = decoded(data.draw(cuts(b"\r\n".join(written))))
    assert frames == [Frame(json.loads(text), len(text)) for text in written]


@patient
@given(JSON_LIKE.map(b"{".__add__), st.integers(1, 40), st.integers(1, 9))
def test_garbage_is_the_same_garbage(written: bytes, chunk: int, steps: int) -> None:
    at_once = decoded([written])
    with sliced(chunk, steps):
        in_slices = decoded([written])
    if isinstance(at_once, str) or not isinstance(in_slices, str):
        assert in_slices == at_once
    # Else the message lacks its end, before which only slices find a fault.


def counted(value: Json) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(counted, inner))


@patient
@given(objects, st.integers(1, 40))
def test_values_are_counted(message: JsonObject, chunk: int) -> None:
    written = [json.dumps(message, separators=(",", ":")).encode()]
    with sliced(chunk, 5), patch.object(large, "VALUES", counted(message)):
        assert isinstance(decoded(written), list)
    with sliced(chunk, 5), patch.object(large, "VALUES", counted(message) - 1):
        assert decoded(written) == "FrameTooLong"


SIZE = 3_000_000
ENOUGH = 400_000  # bytes, more than what is decoded at once


def flood(body: bytes, count: int) -> bytes:
    return b'{"return": [' + body * count + b"0]}\n"


@pytest.mark.parametrize(
    "written, complaint",
    [
        (flood(b"[],", ENOUGH // 3), "a message of more than 30,000 values"),
        (flood(b"0,", ENOUGH // 2), "a message of more than 30,000 values"),
        (flood(b'"",', ENOUGH // 3), "a message of more than 30,000 values"),
        (flood(b'{"a":1},', ENOUGH // 8), "a message of more than 30,000 values"),
        (flood(b"[[[[1]]]],", ENOUGH // 10), "a message of more than 30,000 values"),
        (flood(b"[" * 400, 1000), "what is not JSON (nested more than 300 levels deep)"),
        (flood(b"9" * ENOUGH, 1), "a number of too many digits"),
        (flood(b"1e" + b"9" * ENOUGH, 1), "a number that is too large"),
    ],
)
def test_what_would_take_much_memory_is_refused(
    written: bytes, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large, "VALUES", 30_000)
    framer = MessageFramer()
    framer.receive_data(written)
    with pytest.raises(ProtocolError) as caught:
        finish(framer)
    assert str(caught.value) == f"the server sent {complaint}"
    assert caught.value.data == written[:256]
    with pytest.raises(ProtocolError):
        framer.next_frame()


def test_a_wide_string_is_bounded_as_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "TEXT", 4 * 1024 * 1024)
    text = "\U0001f600" + "x" * (large.TEXT // 4)
    framer = MessageFramer()
    framer.receive_data(b'{"return": "' + text.encode() + b'"}\n')
    with pytest.raises(FrameTooLong, match="a string that takes more than 4194304 bytes"):
        finish(framer)


def test_a_slice_is_small_whatever_comes() -> None:
    """No call decodes more than a chunk and a half, however much is there."""
    framer = MessageFramer()
    framer.receive_data(flood(b'{"a": "b", "c": [1, 2]},', SIZE // 50))
    calls = 0
    while framer.next_frame() is DECODING:
        calls += 1
    assert calls > SIZE // 4 // large.CHUNK


def test_a_string_of_any_length() -> None:
    text = "x" * SIZE + '\u00e9\\"\n' * 1000
    framer = MessageFramer()
    written = json.dumps({"return": text}).encode()
    for _ in range(2):
        framer.receive_data(written + b'\n{"event": "X"}')
        assert finish(framer) == Frame({"return": text}, len(written))
        assert framer.next_frame() == Frame({"event": "X"}, 14)
    framer.receive_data(b'{"event": "Y"}\n')
    assert framer.next_frame() == Frame({"event": "Y"}, 14)
    assert framer.unfinished == 0


def test_what_is_left_of_a_large_message_is_unfinished() -> None:
    framer = MessageFramer()
    framer.receive_data(flood(b"1000,", SIZE // 50)[:-3])
    finish(framer)
    assert framer.unfinished == len(flood(b"1000,", SIZE // 50)) - 3
    framer.receive_data(b"")
    assert framer.next_frame() is PEER_CLOSED


def test_a_large_message_spread_over_lines() -> None:
    value: Json = [{"name": f"n{number}", "list": [number, None]} for number in range(20_000)]
    framer = MessageFramer()
    framer.receive_data(json.dumps({"return": value}, indent=4).encode() + b"\r\n")
    frame = finish(framer)
    assert isinstance(frame, Frame)
    assert frame.object == {"return": value}


def test_the_limit_counts_bytes_of_one_message() -> None:
    written = b'{"a": "' + b"x" * SIZE + b'"}'
    for limit, fits in ((len(written), True), (len(written) - 1, False)):
        framer = MessageFramer(limit=limit)
        framer.receive_data(written + b"\n" + b" " * SIZE)
        if fits:
            frame = finish(framer)
            assert isinstance(frame, Frame)
            assert frame.size == limit
        else:
            with pytest.raises(FrameTooLong, match=f"a message of more than {limit} bytes"):
                finish(framer)


@pytest.mark.parametrize("deeper", [0, 1])
def test_nesting_is_bounded_within_a_chunk_and_across(deeper: int) -> None:
    for filler in (b"", b'"' + b"x" * large.CHUNK + b'",'):
        depth = NESTING - 2 + deeper
        inner = b"[" * depth + filler + b"0" + b"]" * depth
        framer = MessageFramer()
        framer.receive_data(flood(b'"' + b"y" * 300_000 + b'",' + inner + b",", 1))
        if deeper:
            with pytest.raises(ProtocolError, match="nested more than 300 levels deep"):
                finish(framer)
        else:
            frame = finish(framer)
            assert isinstance(frame, Frame)
