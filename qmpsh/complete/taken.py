"""What of this VM cannot take another device: buses that are full or fixed, back ends in use.

From answers to queries that completion asks elsewhere too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from qmpsh.complete.buses import NO_HOT_PLUG, USED_BY, read_buses
from qmpsh.complete.live import SOURCES, LiveQuery, LiveValues
from qmpsh.jsontypes import Json, as_dicts, as_str, get_dict, get_str
from qmpsh.language.cursor import CursorContext

OPEN_IMAGE = "open in this VM"


def _buses(answer: Json) -> Iterator[tuple[str, str]]:
    for bus in read_buses(as_str(answer)):
        yield bus.name, bus.why_not


def _netdevs(answer: Json) -> Iterator[tuple[str, str]]:
    r"""Read HMP `info network`: below a device, `nic0: ...`, stands what it uses, ` \ nd0: ...`."""
    device = ""
    for line in as_str(answer).splitlines():
        name = line.strip().removeprefix("\\ ").partition(": ")[0]
        if line.lstrip().startswith("\\ "):
            yield name, USED_BY.format(device)
        else:
            device = name


def _drives(answer: Json) -> Iterator[tuple[str, str]]:
    for item in as_dicts(answer):
        device = get_str(item, "qdev").removesuffix("/virtio-backend").rpartition("/")[2]
        if device:
            yield get_str(get_dict(item, "inserted"), "node-name"), USED_BY.format(device)


def open_images(live: LiveValues) -> Iterator[str]:
    """Yield the absolute paths of the files that the VM's block nodes have open."""
    for node in as_dicts(live.answer(LiveQuery("query-named-block-nodes", (("flat", True),)))):
        path = get_str(node, "file")
        if path.startswith("/"):
            yield path


_READERS: dict[str, tuple[str, Callable[[Json], Iterator[tuple[str, str]]]]] = {
    "bus": ("bus", _buses),
    "netdev": ("netdev", _netdevs),
    "drive": ("block", _drives),
}
"""Members of device_add: which of `live.SOURCES` says what is taken, and how that is read."""


def taken_values(context: CursorContext, live: LiveValues) -> dict[str, str]:
    """Return the values at the cursor that no other device can take, each with the reason."""
    if context.name != "device_add" or len(context.path) != 1:
        return {}
    row = _READERS.get(context.path[0])
    if row is None:
        return {}
    source, read = row
    query = SOURCES[source].query(context)
    if query is None:
        return {}
    return {name: why for name, why in read(live.answer(query)) if name and why}


def place_of(value: str, taken: Mapping[str, str]) -> int:
    """Return where a value comes: what is free, then parts of a node, whose names begin with #,
    then what is in use, then what takes nothing at all.
    """
    why = taken.get(value, "")
    if not why:
        return 1 if value.startswith("#") else 0
    return 3 if why == NO_HOT_PLUG else 2
