"""Lines to try on this machine, made of its facts: each works as it stands. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Final

from qmpsh.jsontypes import JsonObject, as_dicts, get_dict, get_list, get_str

MAX_LINES: Final = 3

_GO_ON: Final = {
    "inmigrate": "query-migrate",
    "postmigrate": "cont",
    "finish-migrate": "query-migrate",
    "io-error": "query-block --table",
    "guest-panicked": "system_reset",
    "internal-error": "system_reset",
    "shutdown": "system_reset",
}
"""What to do first in a run state that is neither running nor just paused."""

_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
"""Characters of a name that needs no quotes in a line; another one is not offered."""


def lines_to_try(facts: JsonObject) -> list[str]:
    """Return the lines, at most MAX_LINES, what matters most first."""
    return list(dict.fromkeys(_lines(facts)))[:MAX_LINES]


def _lines(facts: JsonObject) -> Iterator[str]:
    state = get_dict(facts, "state")
    if state.get("preconfig"):
        yield "x-exit-preconfig"
        yield "query-hotpluggable-cpus --table"
    elif state.get("running") is False:
        yield _GO_ON.get(get_str(state, "status"), "cont")
    yield from _jobs(facts)
    if facts.get("disks"):
        yield "query-block --table"
    if "nodes" in facts:
        yield "query-named-block-nodes --table"
        yield "query-block-exports --table"
    yield from _hot_plug(facts)
    if "system" in facts:
        yield "guest-get-fsinfo --table"
        yield ".exec uname -a"
        yield ".cat /etc/os-release"
    elif state.get("running"):
        yield ".watch query-status"
    if "nics" in facts:  # which come from the human monitor
        yield ".hmp info registers"


def _jobs(facts: JsonObject) -> Iterator[str]:
    for job in as_dicts(facts.get("jobs"))[:1]:
        yield f".wait job={id}" if _is_plain(id := get_str(job, "id")) else "query-jobs --table"


def _hot_plug(facts: JsonObject) -> Iterator[str]:
    """Yield a line that plugs a device into a free port."""
    ports = [port for port in get_list(facts, "free-ports") if _is_plain(port)]
    if ports:
        taken = {get_str(device, "id") for device in as_dicts(facts.get("devices"))}
        id = next(name for n in count() if (name := f"rng{n}") not in taken)
        yield f"device_add driver=virtio-rng-pci bus={ports[0]} id={id}"


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and bool(name) and _PLAIN.issuperset(name)
