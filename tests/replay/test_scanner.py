"""What is found in a text, whatever else it holds."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.replay.scanner import MessageKind, scan
from tests.fuzzing import examples
from tests.protocol.strategies import values

KINDS = [
    ('{"execute": "stop"}', MessageKind.REQUEST),
    ('{"exec-oob": "migrate-pause", "id": 1}', MessageKind.REQUEST),
    ("{'execute': 'stop', 'arguments': {'a': \"it's\"}}", MessageKind.REQUEST),
    ('{"return": {}}', MessageKind.REPLY),
    ('{"error": {"class": "GenericError", "desc": "no"}}', MessageKind.REPLY),
    ('{"event": "STOP", "timestamp": {"seconds": TIMESTAMP}}', MessageKind.EVENT),
    ('{"QMP": {"version": {}}}', MessageKind.GREETING),
    ('{"direction": "sent", "message": {"execute": "stop"}}', MessageKind.LOGGED),
]


@pytest.mark.parametrize("text, kind", KINDS)
def test_kinds(text: str, kind: MessageKind) -> None:
    for around in ("{}", "before {} after", "{{ {} }}", '{{"a": {} }}', "{{{}", "msg={}\n fd=-1"):
        assert [found.kind for found in scan(around.format(text))] == [kind], around


@pytest.mark.parametrize(
    "text",
    ["", "{", "}", "{}", '{"a": 1}', '{"return"}', '{"error": {}}', '{"execute": 5}', "['execute']",
     '{"return": NaN}', '{"return": 1e999}', '{"return": ' + "9" * 5000 + "}", "{'execute': 'a'"],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert list(scan(text)) == []


def test_words_are_repaired_outside_strings_only() -> None:
    text = '{"event": "STOP", "data": {"name": "TIMESTAMP", "n": [TIMESTAMP, SIZE_KB]}}'
    [found] = scan(text)
    assert found.message["data"] == {"name": "TIMESTAMP", "n": [0, 0]}


def test_what_stands_before() -> None:
    found = list(scan('a {"return": 1} b\n {"return": 2}' + "x" * 999 + '{"return": 3}'))
    assert [one.near for one in found] == ["a ", " b\n ", "x" * 400]


def test_pretty_over_many_lines() -> None:
    message = {"execute": "device_add", "arguments": {"driver": "x", "list": [1, {"a": None}]}}
    [found] = scan(f"DEBUG:--> {json.dumps(message, indent=2)}\nDEBUG:end")
    assert found.message == message


@given(values, st.text(alphabet="ab{}[]\"' \n:,", max_size=30))
def test_any_value_is_found_whole(value: object, before: str) -> None:
    message = {"return": value, "id": 7}
    found = [one.message for one in scan(f"{before}\n\n{json.dumps(message)}")]
    assert found == [message] or "{" in before


@examples(3)
@given(st.lists(st.sampled_from(
    ['{"', '":', "{", "}", "[", "]", '"', "'", "\\", "execute", "return", "event", ":", ",", "1",
     '{"return":', "{'execute':'a'", "TIMESTAMP", "\n", '{"a":{"b":', "\ud800"]
)).map("".join))  # fmt: skip
def test_any_text_is_read(text: str) -> None:
    for found in scan(text):
        json.dumps(found.message)


HOSTILE = {
    "open brackets": "{" * 300_000,
    "nested objects": '{"a":' * 60_000,
    "nested lists": '{"return":' + "[" * 300_000,
    "an endless string": '{"return":"' + "x" * 1_000_000,
    "many endless strings": '{"a":"x' * 60_000,
    "many that fail late": '{"a":[' + "1," * 1000 + '{"a":[' * 30_000,
    "single quotes": "{'execute':" * 30_000,
    "words": '{"event":' + "TIMESTAMP" * 100_000,
    "names of messages": '{"return":{"return":' * 30_000,
    "no message in a large object": '{"a":' + json.dumps({str(n): {"b": n} for n in range(50_000)}),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_read_in_linear_time(text: str) -> None:
    before = time.process_time()
    found = list(scan(text + '\n{"return": {}}'))
    assert time.process_time() - before < 5
    assert len(found) <= 1


def test_a_deep_message_is_none() -> None:
    text = '{"return": ' + "[" * 400 + "]" * 400 + "}"
    assert list(scan(text)) == []
