"""The rows of an overview: what a person reads of its facts, a label and a few parts each.

A row that does not fit loses parts, and a path its middle: each part says how much it matters, the
layout is the front end's (`render/overview.py`). Pure; nothing is made safe for a terminal here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from qmpsh.jsontypes import Json, JsonObject, as_dicts, as_str, get_dict, get_list, get_str
from qmpsh.light_typing import NamedTuple
from qmpsh.shell.overview.replies import number

TIMES: Final = "×"  # noqa: RUF001 - the multiplication sign is meant
"""between the factors of a CPU topology"""


class RowPart(NamedTuple):
    """A part of a row.

    rank: how early it is left out where there is no room: the highest first, 0 never
    is_path: it loses its middle before anything is left out
    """

    text: str
    rank: int = 0
    is_path: bool = False


class OverviewRow(NamedTuple):
    """A row of an overview.

    section: of the facts, which it shows; label: what of the machine it is about
    is_main: shown even on a narrow terminal; is_device: on a wide one it goes to the right
    is_list: its parts are things of one kind
    """

    section: str
    label: str
    parts: tuple[RowPart, ...]
    is_main: bool = False
    is_device: bool = False
    is_list: bool = False


NO_ANSWER: Final = "no answer yet"

_MAIN: Final = frozenset({"machine", "state", "disks", "nodes", "exports", "system", "filesystems"})
_LEFT: Final = frozenset({"machine", "state", "cpu", "memory", "system", "jobs", "migration"})
_LISTS: Final = frozenset({"chardevs", "free-ports", "interfaces"})


def rows_of(facts: JsonObject) -> list[OverviewRow]:
    """Return all rows, in order: the facts, and what was not answered."""
    late = set(get_list(facts, "unanswered"))
    rows: list[OverviewRow] = []
    for section, (name, read) in _SECTIONS.items():
        made = [_row(section, label, parts) for label, parts in read(facts)]
        found = [row for row in made if row.parts]
        if not found and section in late:
            found = [_row(section, name, [RowPart(NO_ANSWER)])]
        rows += found
    return rows


def plain_text(rows: Iterable[OverviewRow]) -> str:
    """Return the rows as text, nothing left out: for a program that reads it, and for the log."""
    pairs = [
        (_one_line(row.label), _one_line(" · ".join(part.text for part in row.parts)))
        for row in rows
    ]
    width = max((len(label) for label, _ in pairs), default=0)
    return "\n".join(f"{label:<{width}}  {text}" for label, text in pairs)


def _one_line(text: str) -> str:
    """Return a text of which no part can pass for a row of its own."""
    return text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def binary_size(count: int) -> str:
    """Return a size in bytes as QEMU's options take it: `256 MiB`, `1.5 GiB`, `512 B`."""
    value, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if value < 1024 or unit == "PiB":
            break
        value /= 1024
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


Labelled = tuple[str, list[RowPart]]


def _row(section: str, label: str, parts: list[RowPart]) -> OverviewRow:
    said = tuple(part for part in parts if part.text)
    is_main, is_device, is_list = section in _MAIN, section not in _LEFT, section in _LISTS
    return OverviewRow(section, label, said, is_main, is_device, is_list)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _of(label: str, name: str) -> str:
    return f"{label} {name}".rstrip()


# -------------------------------------------------------------------- the machine


def _machine(facts: JsonObject) -> Iterator[Labelled]:
    server, machine = get_dict(facts, "server"), get_dict(facts, "machine")
    kvm, accelerator = machine.get("kvm"), get_str(machine, "accelerator")
    # No query of QEMU 7.2 and 10.0 names what is used instead.
    how = accelerator.upper() or ("no KVM" if kvm is False else "")
    version = f"{get_str(server, 'kind')} {get_str(server, 'version')}".strip()
    parts = [
        RowPart(get_str(machine, "type")),
        RowPart(get_str(machine, "target"), 2),
        RowPart(how, 1),
        RowPart(version, 3 if machine else 0),
    ]
    yield "machine" if machine or not facts.keys() & {"nodes", "system"} else "server", parts


def _state(facts: JsonObject) -> Iterator[Labelled]:
    state = get_dict(facts, "state")
    name = get_str(state, "name")
    go_on = "preconfig: x-exit-preconfig goes on" if state.get("preconfig") else ""
    parts = [
        RowPart(get_str(state, "status")),
        RowPart(f"name {name}" if name else "", 1),
        RowPart(go_on),
    ]
    yield "state", parts


CPU_LEVELS: Final = (
    *("drawers", "books", "sockets", "dies", "clusters", "modules", "cores", "threads"),
)
"""QEMU's CPU topology, outermost first."""
_USUAL: Final = frozenset({"sockets", "cores", "threads"})
"""Levels that are shown although there is one"""


def _cpu(facts: JsonObject) -> Iterator[Labelled]:
    cpu = get_dict(facts, "cpu")
    online, most = number(cpu, "online"), number(cpu, "max")
    counts = [(number(cpu, level) or 0, level) for level in CPU_LEVELS]
    factors = [
        _counted(count, level.removesuffix("s"))
        for count, level in counts
        if count > 1 or (count == 1 and level in _USUAL)
    ]
    if online is None:
        amount = f"at most {most:,}" if most else ""
    else:
        amount = f"{online:,} of {most:,}" if most else f"{online:,}"
    topology = f" {TIMES} ".join(factors)
    yield "cpu", [RowPart(amount), RowPart(get_str(cpu, "model"), 2), RowPart(topology, 1)]


def _memory(facts: JsonObject) -> Iterator[Labelled]:
    memory = get_dict(facts, "memory")
    base, plugged, balloon = (number(memory, key) for key in ("base", "plugged", "balloon"))
    parts = [
        RowPart("" if base is None else binary_size(base)),
        RowPart(f"{binary_size(plugged)} plugged" if plugged else "", 1),
        RowPart("" if balloon is None else f"balloon at {binary_size(balloon)}", 1),
    ]
    yield "memory", parts


# -------------------------------------------------------------------- devices


def _disks(facts: JsonObject) -> Iterator[Labelled]:
    for disk in as_dicts(facts.get("disks")):
        trouble = get_str(disk, "io-status")
        parts = [
            RowPart("empty" if disk.get("empty") else get_str(disk, "node"), 2),
            *_node_parts(disk),
            RowPart(f"I/O status {trouble}" if trouble else ""),
        ]
        yield _of("disk", get_str(disk, "device")), parts


def _nodes(facts: JsonObject) -> Iterator[Labelled]:
    for node in as_dicts(facts.get("nodes")):
        yield _of("node", get_str(node, "node")), _node_parts(node)


def _node_parts(node: JsonObject) -> list[RowPart]:
    size, backing = number(node, "size"), number(node, "backing")
    file = get_str(node, "file")
    return [
        RowPart(get_str(node, "driver"), 3),
        RowPart("" if size is None else binary_size(size)),
        RowPart("ro" if node.get("read-only") else "", 1),
        RowPart(f"{backing:,} backing" if backing else "", 4),
        # A node without a file has its whole description there, as null-co has.
        RowPart("" if file.startswith("json:") else file, is_path=True),
    ]


def _exports(facts: JsonObject) -> Iterator[Labelled]:
    for export in as_dicts(facts.get("exports")):
        parts = [RowPart(get_str(export, "type")), RowPart(get_str(export, "node"))]
        yield _of("export", get_str(export, "id")), parts


def _nics(facts: JsonObject) -> Iterator[Labelled]:
    for nic in as_dicts(facts.get("nics")):
        backend, kind = get_str(nic, "backend"), get_str(nic, "backend-type")
        parts = [
            RowPart(get_str(nic, "model"), 1),
            RowPart(get_str(nic, "mac")),
            RowPart(f"{backend} ({kind})" if backend else "not connected", 2),
        ]
        yield _of("nic", get_str(nic, "id")), parts


def _displays(facts: JsonObject) -> Iterator[Labelled]:
    for display in as_dicts(facts.get("displays")):
        place = f"{get_str(display, 'type').upper()} {get_str(display, 'address')}"
        clients = number(display, "clients") or 0
        yield "display", [RowPart(place, is_path=True), RowPart(_counted(clients, "client"), 1)]


def _chardevs(facts: JsonObject) -> Iterator[Labelled]:
    found = as_dicts(facts.get("chardevs"))
    label = "chardev" if len(found) == 1 else "chardevs"
    yield label, [RowPart(_chardev(item), place + 1, True) for place, item in enumerate(found)]


def _chardev(item: JsonObject) -> str:
    file = get_str(item, "filename").removeprefix("disconnected:").partition(",server=")[0]
    closed = " (closed)" if item.get("open") is False else ""
    return f"{get_str(item, 'label')} {file}{closed}"


def _free_ports(facts: JsonObject) -> Iterator[Labelled]:
    found = get_list(facts, "free-ports")
    yield "free ports", [RowPart(as_str(name), place + 1) for place, name in enumerate(found)]


# -------------------------------------------------------------------- work


def _jobs(facts: JsonObject) -> Iterator[Labelled]:
    for job in as_dicts(facts.get("jobs")):
        share = _share(number(job, "current"), number(job, "total"))
        parts = [RowPart(get_str(job, "type")), RowPart(get_str(job, "status")), RowPart(share, 1)]
        yield _of("job", get_str(job, "id")), parts


def _migration(facts: JsonObject) -> Iterator[Labelled]:
    found = get_dict(facts, "migration")
    status, share = get_str(found, "status"), ""
    total, left = number(found, "total"), number(found, "remaining")
    if status != "completed" and total is not None and left is not None:
        # What was transferred is less than the total, since pages of zeros are not.
        share = _share(max(0, total - left), total)
    yield "migration", [RowPart(status), RowPart(share, 1)]


def _share(done: int | None, whole: int | None) -> str:
    return f"{min(100, 100 * done // whole)} %" if done is not None and whole else ""


# -------------------------------------------------------------------- a guest


def _system(facts: JsonObject) -> Iterator[Labelled]:
    system = get_dict(facts, "system")
    parts = [RowPart(get_str(system, "name")), RowPart(get_str(system, "kernel"), 1)]
    yield "system", [*parts, RowPart(get_str(system, "machine"), 2)]
    yield "host name", [RowPart(get_str(system, "host-name"))]
    yield "time", [RowPart(_utc(system.get("time")))]


def _utc(nanoseconds: Json) -> str:
    """Return the guest's time, which is not ours; "" for one outside the calendar."""
    if not isinstance(nanoseconds, int):
        return ""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(nanoseconds // 10**9))
    except (OverflowError, ValueError, OSError):
        return ""


def _filesystems(facts: JsonObject) -> Iterator[Labelled]:
    for item in as_dicts(facts.get("filesystems")):
        used, total = number(item, "used"), number(item, "total")
        room = (
            "" if total is None or used is None else f"{binary_size(used)} of {binary_size(total)}"
        )
        parts = [RowPart(get_str(item, "type"), 2), RowPart(room), RowPart(_share(used, total), 1)]
        yield _of("fs", get_str(item, "mountpoint")), parts


def _interfaces(facts: JsonObject) -> Iterator[Labelled]:
    for item in as_dicts(facts.get("interfaces")):
        addresses = [as_str(address) for address in get_list(item, "addresses")]
        parts = [RowPart(address, place) for place, address in enumerate(addresses)]
        yield (
            _of("nic", get_str(item, "name")),
            [*parts, RowPart(get_str(item, "mac"), len(parts) + 1)],
        )


_SECTIONS: Final[dict[str, tuple[str, Callable[[JsonObject], Iterable[Labelled]]]]] = {
    "machine": ("machine", _machine),
    "system": ("system", _system),
    "state": ("state", _state),
    "cpu": ("cpu", _cpu),
    "memory": ("memory", _memory),
    "disks": ("disks", _disks),
    "nodes": ("nodes", _nodes),
    "exports": ("exports", _exports),
    "nics": ("nics", _nics),
    "displays": ("displays", _displays),
    "chardevs": ("chardevs", _chardevs),
    "free-ports": ("free ports", _free_ports),
    "jobs": ("jobs", _jobs),
    "migration": ("migration", _migration),
    "filesystems": ("filesystems", _filesystems),
    "interfaces": ("interfaces", _interfaces),
}
"""The sections in the order of their rows: the label of one without an answer, and its reader."""
