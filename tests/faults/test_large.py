"""Large messages of a hostile server: bounded memory; keys and time limits work meanwhile."""

from __future__ import annotations

import json
import threading

import pytest

from tests.console import console
from tests.faults.fronts import one_shot
from tests.faults.server import Served, asked, greet, server, well

SIZE = 20_000_000
REFUSED = "a message of more than 500,000 values"


def around(peer: Served, body: bytes) -> bytes:
    id = json.dumps(peer.request["id"]).encode()
    return b'{"return": ' + body + b', "id": ' + id + b"}\r\n"


@pytest.mark.parametrize("item", [b"[],", b"{},", b"0,", b'"",', b'{"a":[[]]},'])
def test_a_flood_of_values_is_refused(item: bytes) -> None:
    def many(peer: Served) -> None:
        asked(peer)
        peer.raw(around(peer, b"[" + item * (SIZE // len(item)) + b"0]"))
        peer.ignore()

    with server((many,)) as served:
        said = one_shot(served.path, [], ["stop"]).end()
    assert (said.code, said.out) == (4, "")
    assert REFUSED in said.err


def test_a_time_limit_holds_while_a_large_message_comes() -> None:
    def endless(peer: Served) -> None:
        asked(peer)
        peer.raw(b'{"return": ["')
        while not peer.server.released.wait(0.01):
            peer.raw(b"x" * 100_000)

    with server((endless,)) as served:
        said = one_shot(served.path, ["-t", "1"], ["stop"]).end()
    assert said.code == 124
    assert "no answer to stop within 1 s" in said.err


def test_keys_work_while_a_large_message_comes() -> None:
    seen = threading.Event()

    def slow(peer: Served) -> None:
        asked(peer)
        reply = around(
            peer, json.dumps([{"n": n, "text": "y" * 200} for n in range(90_000)]).encode()
        )
        half = len(reply) // 2
        peer.raw(reply[:half])
        peer.server.faulted.set()
        seen.wait()
        peer.raw(reply[half:])
        well(peer)

    with server((slow,), (greet, well)) as served, console(served.path) as shown:
        try:
            shown.keys("stop\r")
            assert served.faulted.wait(30)
            shown.keys("\u0100")
            shown.sees("\u0100")
            seen.set()
            shown.sees("more lines")
            shown.keys("\u0101")
            shown.sees("\u0101")
            assert shown.memory("VmHWM") < 200
        finally:
            served.released.set()
            seen.set()
