"""What the running VM knows: the queries, how replies are read, and answers kept for seconds.

Pure: the session sends the queries, and decides when. Source of the queries and of their pitfalls:
wire.md section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from qmpsh.complete.buses import child_kind, read_buses
from qmpsh.complete.order import type_place
from qmpsh.complete.value_sources import sources_of
from qmpsh.jsontypes import Json, as_dicts, as_str, get_dict, get_str
from qmpsh.language.cursor import CursorContext
from qmpsh.light_typing import NamedTuple


class LiveQuery(NamedTuple):
    """A query to the running VM. arguments: (name, value) pairs, so that it can be a key."""

    command: str
    arguments: tuple[tuple[str, Json], ...] = ()


class LiveValue(NamedTuple):
    """A value that the VM knows of now, with a word on what it is."""

    value: str
    kind: str = ""


class LiveSource(NamedTuple):
    """A query that feeds a member, and how its reply is read.

    query: made from the cursor's context; read: the value of its reply to live values.
    """

    query: Callable[[CursorContext], LiveQuery | None]
    read: Callable[[Json, CursorContext], Iterable[LiveValue]]


LOADS_MODULES = frozenset({"qom-list-types"})
"""Questions that make the server load all its modules: with modules of another build, which is what
a VM faces after an upgrade in place, QEMU 10.0 aborts. Asked only when the user completes there."""


# -------------------------------------------------------------------- reading replies


def _member(*names: str, kind: str = "") -> Callable[[Json, CursorContext], Iterable[LiveValue]]:
    """Return a function that reads these members of each object in a list."""

    def read(value: Json, context: CursorContext) -> Iterator[LiveValue]:
        for item in as_dicts(value):
            for name in names:
                found = item.get(name)
                if isinstance(found, str):
                    yield LiveValue(found, kind or str(item.get("type") or ""))

    return read


def _children(value: Json, context: CursorContext) -> Iterator[LiveValue]:
    """Read the children of qom-list."""
    for item in as_dicts(value):
        kind = child_kind(item)
        if kind:
            yield LiveValue(str(item.get("name")), kind)


def _paths(value: Json, context: CursorContext) -> Iterator[LiveValue]:
    parent = _parent(context.prefix)
    for offered in _children(value, context):
        yield LiveValue(f"{parent.rstrip('/')}/{offered.value}", offered.kind)


def _properties(value: Json, context: CursorContext) -> Iterator[LiveValue]:
    for item in as_dicts(value):
        if not child_kind(item):
            yield LiveValue(str(item.get("name")), str(item.get("type")))


def _bitmaps(value: Json, context: CursorContext) -> Iterator[LiveValue]:
    """Yield those of the node that the line names; of all if it names none, or a device."""
    name = _node(context)
    nodes = as_dicts(value)
    for node in [node for node in nodes if node.get("node-name") == name] or nodes:
        yield from _member("name", kind="bitmap")(node.get("dirty-bitmaps"), context)


def _node(context: CursorContext) -> str | None:
    """Return the node that the line names beside the member at the cursor, or else at the top."""
    texts = {given.path: given.text for given in context.given}
    owners = (context.path[:-1], ())
    paths = ((*owner, name) for owner in owners for name in ("node", "device"))
    return next((texts[path] for path in paths if texts.get(path)), None)


def _snapshots(value: Json, context: CursorContext) -> Iterator[LiveValue]:
    for node in as_dicts(value):
        snapshots = get_dict(node, "image").get("snapshots")
        yield from _member("name", kind="snapshot")(snapshots, context)


def _jobs(value: Json, context: CursorContext) -> Iterator[LiveValue]:
    for job in as_dicts(value):
        yield LiveValue(str(job.get("id")), f"{job.get('type')}, {job.get('status')}")


def _netdevs(value: Json, context: CursorContext) -> Iterator[LiveValue]:
    """Read HMP `info network`: lines ` \\ nd0: index=0,type=user,...`; no query lists netdevs."""
    for line in as_str(value).splitlines():
        name, colon, rest = line.strip().removeprefix("\\ ").partition(": ")
        if colon and ",type=" in rest and "type=nic" not in rest:
            yield LiveValue(name, "netdev " + rest.partition("type=")[2].partition(",")[0])


def _buses(value: Json, context: CursorContext) -> Iterator[LiveValue]:
    # The tree lists what was added last first.
    for bus in reversed(read_buses(as_str(value))):
        yield LiveValue(bus.name, bus.kind)


def _types(kind: str) -> Callable[[Json, CursorContext], Iterable[LiveValue]]:
    """Return a function that reads types, the usual ones first."""

    def read(value: Json, context: CursorContext) -> Iterable[LiveValue]:
        names = [get_str(item, "name") for item in as_dicts(value)]
        return [LiveValue(name, kind) for name in sorted(names, key=type_place)]

    return read


# -------------------------------------------------------------------- making queries


def _plain(command: str, **arguments: Json) -> Callable[[CursorContext], LiveQuery | None]:
    query = LiveQuery(command, tuple((key.replace("_", "-"), v) for key, v in arguments.items()))
    return lambda context: query


def _parent(prefix: str) -> str:
    """Return the QOM path above what is typed."""
    return prefix.rpartition("/")[0] or "/"


def _list_parent(context: CursorContext) -> LiveQuery | None:
    if context.prefix and not context.prefix.startswith("/"):
        return None
    return LiveQuery("qom-list", (("path", _parent(context.prefix)),))


def _list_given_path(context: CursorContext) -> LiveQuery | None:
    path = next((given.text for given in context.given if given.path == ("path",)), None)
    return LiveQuery("qom-list", (("path", path),)) if path else None


def _trace_events(context: CursorContext) -> LiveQuery | None:
    """Yield names that fit; the server matches them, since all events at once are 300 kB."""
    return (
        LiveQuery("trace-event-get-state", (("name", f"{context.prefix}*"),))
        if context.prefix
        else None
    )


SOURCES: dict[str, LiveSource] = {
    "device": LiveSource(_plain("qom-list", path="/machine/peripheral"), _children),
    "object": LiveSource(_plain("qom-list", path="/objects"), _children),
    "node": LiveSource(
        _plain("query-named-block-nodes", flat=True), _member("node-name", kind="node")
    ),
    "block": LiveSource(_plain("query-block"), _member("device", kind="block device")),
    "qdev": LiveSource(_plain("query-block"), _member("qdev", kind="qdev")),
    "bitmap": LiveSource(_plain("query-named-block-nodes", flat=True), _bitmaps),
    "snapshot": LiveSource(_plain("query-named-block-nodes", flat=True), _snapshots),
    "job": LiveSource(_plain("query-jobs"), _jobs),
    "export": LiveSource(_plain("query-block-exports"), _member("id")),
    "chardev": LiveSource(_plain("query-chardev"), _member("label", kind="chardev")),
    "netdev": LiveSource(_plain("human-monitor-command", command_line="info network"), _netdevs),
    "bus": LiveSource(_plain("human-monitor-command", command_line="info qtree"), _buses),
    "iothread": LiveSource(_plain("query-iothreads"), _member("id", kind="iothread")),
    "memdev": LiveSource(_plain("query-memdev"), _member("id", kind="memdev")),
    "cpu-model": LiveSource(_plain("query-cpu-definitions"), _member("name", kind="CPU model")),
    "driver": LiveSource(
        _plain("qom-list-types", implements="device", abstract=False),
        _types("device"),
    ),
    "type": LiveSource(_plain("qom-list-types"), _types("type")),
    "path": LiveSource(_list_parent, _paths),
    "property": LiveSource(_list_given_path, _properties),
    "trace-event": LiveSource(_trace_events, _member("name")),
    "option": LiveSource(_plain("query-command-line-options"), _member("option")),
    "virtio": LiveSource(_plain("x-query-virtio"), _member("path", kind="virtio device")),
    "nic": LiveSource(_plain("query-rx-filter"), _member("name", kind="NIC")),
}


MAX_AGE_SECONDS = 3.0
"""how long an answer is taken for the truth"""


class LiveValues:
    """The answers to live queries; filled in by the session, which sends them.

    missing: queries that a completion missed, for the session to ask
    """

    def __init__(self) -> None:
        self._answers: dict[LiveQuery, tuple[float, Json]] = {}
        self.missing: list[LiveQuery] = []
        self.now = 0.0

    def answer(self, query: LiveQuery) -> Json:
        """Return the last answer; None if there is none yet. An old one is queried again."""
        known = self._answers.get(query)
        if (known is None or self.now - known[0] > MAX_AGE_SECONDS) and query not in self.missing:
            self.missing.append(query)
        return known[1] if known is not None else None

    def fresh_answer(self, query: LiveQuery) -> Json:
        """Return an answer young enough to be taken for the truth; None if there is none."""
        asked, answer = self._answers.get(query, (self.now, None))
        return answer if self.now - asked <= MAX_AGE_SECONDS else None

    def take_missing(self) -> list[LiveQuery]:
        """Return the queries to send now; each counts as fresh until its answer comes."""
        wanted, self.missing = self.missing, []
        for query in wanted:
            self._answers[query] = (self.now, self._answers.get(query, (0.0, None))[1])
        return wanted

    def set_answer(self, query: LiveQuery, value: Json) -> None:
        """Take in a reply's value, None for a refusal."""
        self._answers[query] = (self.now, value)

    def forget(self) -> None:
        """Forget all answers: the user ran a command, so everything may have changed."""
        self._answers.clear()


def live_values_at(context: CursorContext, live: LiveValues) -> Iterator[LiveValue]:
    """Yield the values that the running VM offers for the member at the cursor."""
    return live_values_of(sources_of(context.name, context.path), context, live)


def live_values_of(
    names: Iterable[str], context: CursorContext, live: LiveValues
) -> Iterator[LiveValue]:
    """Yield the values that sources offer, each once. names: of SOURCES"""
    seen = set()
    for name in names:
        source = SOURCES[name]
        query = source.query(context)
        if query is None:
            continue
        for offered in source.read(live.answer(query), context):
            if offered.value and offered.value not in seen:
                seen.add(offered.value)
                yield offered
