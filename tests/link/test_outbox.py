"""The order in which requests are written."""

from __future__ import annotations

from qmpsh.link.dialect import QEMU
from qmpsh.link.outbox import Outbox

WINDOW = QEMU.window


def write_all(outbox: Outbox) -> list[bytes]:
    """What may be written now, in its order."""
    written = []
    while outbox.begin_next(0.0):
        written.append(outbox.rest)
    return written


def test_in_order() -> None:
    outbox = Outbox(WINDOW)
    for data in (b"a", b"b"):
        outbox.put(data, oob=False)
    assert write_all(outbox) == [b"a", b"b"]
    assert not outbox.begin_next(0.0)


def test_out_of_band_goes_first() -> None:
    outbox = Outbox(WINDOW)
    outbox.put(b"a", oob=False)
    outbox.put(b"x", oob=True)
    outbox.put(b"y", oob=True)
    assert write_all(outbox) == [b"x", b"y", b"a"]


def test_fewer_than_eight_in_band_are_on_the_wire() -> None:
    outbox = Outbox(WINDOW)
    requests = [b"%d" % n for n in range(20)]
    for data in requests:
        outbox.put(data, oob=False)
    assert WINDOW < 8
    assert write_all(outbox) == requests[:WINDOW]
    outbox.put(b"x", oob=True)
    assert write_all(outbox) == [b"x"]
    outbox.make_room()
    assert write_all(outbox) == [requests[WINDOW]]


def test_clear() -> None:
    outbox = Outbox(WINDOW)
    outbox.put(b"a", oob=False)
    outbox.begin_next(0.0)
    outbox.put(b"b", oob=False)
    outbox.put(b"x", oob=True)
    outbox.clear()
    assert outbox.rest == b""
    assert write_all(outbox) == []
