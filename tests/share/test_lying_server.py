"""A server that answers what no one asked, or answers twice, behind a share."""

from __future__ import annotations

from tests.faults.server import Served, greet, server
from tests.share.holder import Holder, RawClient


def lie(peer: Served) -> None:
    """Answer two requests, the second one first, amid answers to no one."""
    first, second = peer.receive(), peer.receive()
    peer.send({"return": "no one's", "id": "no one's"}, {"return": "a number's", "id": 17})
    peer.send({"error": {"class": "GenericError", "desc": "no one's"}, "id": None, "more": 1})
    peer.reply(second, "of the second")
    peer.reply(second, "twice")
    third = peer.receive()
    peer.reply(first, "late")
    peer.reply(third, "of the third")
    peer.ignore()


def test_each_gets_what_bears_its_id_and_once() -> None:
    with server((greet, lie)) as served:
        holder = Holder(served.path)
        one, two = RawClient(holder), RawClient(holder)
        one.negotiate()
        two.negotiate()
        one.send({"execute": "first", "id": 1})
        holder.run_until(lambda: "first" in served.got)
        two.send({"execute": "second", "id": 2})
        assert two.gets(1) == [{"return": "of the second", "id": 2}]
        two.send({"execute": "third", "id": 3})
        assert two.gets(1) == [{"return": "of the third", "id": 3}]
        # An error without an id is that of the oldest request, as QEMU sends them.
        (answer,) = one.gets(1)
        assert answer["id"] == 1
        assert "error" in answer
        assert one.read() == two.read() == []
        holder.close_all()
