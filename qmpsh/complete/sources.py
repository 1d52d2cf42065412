"""The questions that the running VM answers for completion, and how their answers are read.

Pure: who asks them, and when, is the session's affair. Source of the questions and of their traps:
WIRE.md section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from qmpsh.complete.place import Place
from qmpsh.jsontypes import Json, JsonObject


class Query(NamedTuple):
    """A question to the server. arguments: (name, value) pairs, so that it can be a key."""

    command: str
    arguments: tuple[tuple[str, Json], ...] = ()


class Fact(NamedTuple):
    """A value that the VM knows of now, with a word on what it is."""

    value: str
    kind: str = ""


class Source(NamedTuple):
    """query: made from the place; read: the value of its reply to facts."""

    query: Callable[[Place], Query | None]
    read: Callable[[Json, Place], Iterable[Fact]]


LOADS_MODULES = frozenset({"qom-list-types"})
"""Questions that make the server load all its modules: with modules of another build, which is what
a VM faces after an upgrade in place, QEMU 10.0 aborts. Asked only when the user completes there."""


# -------------------------------------------------------------------- reading replies


def _objects(value: Json) -> Iterator[JsonObject]:
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield item


def _member(*names: str, kind: str = "") -> Callable[[Json, Place], Iterable[Fact]]:
    """Reads these members of each object of a list."""

    def read(value: Json, place: Place) -> Iterator[Fact]:
        for item in _objects(value):
            for name in names:
                found = item.get(name)
                if isinstance(found, str):
                    yield Fact(found, kind or str(item.get("type") or ""))

    return read


def _children(value: Json, place: Place) -> Iterator[Fact]:
    """Reads the children of qom-list: `child<virtio-net-pci>` is a virtio-net-pci."""
    for item in _objects(value):
        kind = str(item.get("type"))
        if kind.startswith("child<"):
            yield Fact(str(item.get("name")), kind[6:-1])


def _paths(value: Json, place: Place) -> Iterator[Fact]:
    parent = _parent(place.prefix)
    for fact in _children(value, place):
        yield Fact(f"{parent.rstrip('/')}/{fact.value}", fact.kind)


def _properties(value: Json, place: Place) -> Iterator[Fact]:
    for item in _objects(value):
        if not str(item.get("type")).startswith("child<"):
            yield Fact(str(item.get("name")), str(item.get("type")))


def _bitmaps(value: Json, place: Place) -> Iterator[Fact]:
    """Those of the node that the line names; of all where it names none, or a device."""
    name = _node(place)
    nodes = list(_objects(value))
    for node in [node for node in nodes if node.get("node-name") == name] or nodes:
        yield from _member("name", kind="bitmap")(node.get("dirty-bitmaps"), place)


def _node(place: Place) -> str | None:
    """What stands beside the member at the place, or else at the top, as the node that is meant."""
    texts = {given.path: given.text for given in place.given}
    owners = (place.path[:-1], ())
    paths = ((*owner, name) for owner in owners for name in ("node", "device"))
    return next((texts[path] for path in paths if texts.get(path)), None)


def _snapshots(value: Json, place: Place) -> Iterator[Fact]:
    for node in _objects(value):
        image = node.get("image")
        if isinstance(image, dict):
            yield from _member("name", kind="snapshot")(image.get("snapshots"), place)


def _jobs(value: Json, place: Place) -> Iterator[Fact]:
    for job in _objects(value):
        yield Fact(str(job.get("id")), f"{job.get('type')}, {job.get('status')}")


def _netdevs(value: Json, place: Place) -> Iterator[Fact]:
    """Reads HMP `info network`: lines ` \\ nd0: index=0,type=user,...`; no query lists netdevs."""
    for line in value.splitlines() if isinstance(value, str) else []:
        name, colon, rest = line.strip().removeprefix("\\ ").partition(": ")
        if colon and ",type=" in rest and "type=nic" not in rest:
            yield Fact(name, "netdev " + rest.partition("type=")[2].partition(",")[0])


def _buses(value: Json, place: Place) -> Iterator[Fact]:
    """Reads HMP `info qtree`: lines `  bus: rp0` and below `    type PCIE`."""
    name = ""
    for line in value.splitlines() if isinstance(value, str) else []:
        word, _, rest = line.strip().partition(" ")
        if word == "bus:":
            name = rest
        elif word == "type" and name:
            yield Fact(name, rest)
            name = ""


# -------------------------------------------------------------------- making queries


def _plain(command: str, **arguments: Json) -> Callable[[Place], Query | None]:
    query = Query(command, tuple((key.replace("_", "-"), v) for key, v in arguments.items()))
    return lambda place: query


def _parent(prefix: str) -> str:
    """The QOM path above what is typed."""
    return prefix.rpartition("/")[0] or "/"


def _list_parent(place: Place) -> Query | None:
    if place.prefix and not place.prefix.startswith("/"):
        return None
    return Query("qom-list", (("path", _parent(place.prefix)),))


def _list_given_path(place: Place) -> Query | None:
    path = next((given.text for given in place.given if given.path == ("path",)), None)
    return Query("qom-list", (("path", path),)) if path else None


def _trace_events(place: Place) -> Query | None:
    """The server does the globbing; all events at once are 300 kB."""
    return Query("trace-event-get-state", (("name", f"{place.prefix}*"),)) if place.prefix else None


SOURCES: dict[str, Source] = {
    "device": Source(_plain("qom-list", path="/machine/peripheral"), _children),
    "object": Source(_plain("qom-list", path="/objects"), _children),
    "node": Source(_plain("query-named-block-nodes", flat=True), _member("node-name", kind="node")),
    "block": Source(_plain("query-block"), _member("device", kind="block device")),
    "qdev": Source(_plain("query-block"), _member("qdev", kind="qdev")),
    "bitmap": Source(_plain("query-named-block-nodes", flat=True), _bitmaps),
    "snapshot": Source(_plain("query-named-block-nodes", flat=True), _snapshots),
    "job": Source(_plain("query-jobs"), _jobs),
    "export": Source(_plain("query-block-exports"), _member("id")),
    "chardev": Source(_plain("query-chardev"), _member("label", kind="chardev")),
    "netdev": Source(_plain("human-monitor-command", command_line="info network"), _netdevs),
    "bus": Source(_plain("human-monitor-command", command_line="info qtree"), _buses),
    "iothread": Source(_plain("query-iothreads"), _member("id", kind="iothread")),
    "memdev": Source(_plain("query-memdev"), _member("id", kind="memdev")),
    "cpu-model": Source(_plain("query-cpu-definitions"), _member("name", kind="CPU model")),
    "driver": Source(
        _plain("qom-list-types", implements="device", abstract=False),
        _member("name", kind="device"),
    ),
    "type": Source(_plain("qom-list-types"), _member("name", kind="type")),
    "path": Source(_list_parent, _paths),
    "property": Source(_list_given_path, _properties),
    "trace-event": Source(_trace_events, _member("name")),
    "option": Source(_plain("query-command-line-options"), _member("option")),
    "virtio": Source(_plain("x-query-virtio"), _member("path", kind="virtio device")),
    "nic": Source(_plain("query-rx-filter"), _member("name", kind="NIC")),
}
