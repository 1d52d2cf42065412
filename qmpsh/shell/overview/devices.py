"""The facts about network cards, displays, chardevs and ports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qmpsh.complete.buses import child_kind
from qmpsh.jsontypes import (
    Json,
    JsonObject,
    as_dict,
    as_dicts,
    as_str,
    get_dicts,
    get_list,
    get_str,
)
from qmpsh.secrets.text import mask_text
from qmpsh.shell.overview.replies import Replies, each, flag, known, number
from qmpsh.shell.overview.survey import PORT_KEY
from qmpsh.shell.ports import is_free

_MONITORS: Final = ("compat_monitor", "qmpsh-monitor")
"""How the chardevs of the monitors themselves begin: QEMU's, and that of `qmpsh run`."""


def _network(replies: Replies) -> tuple[list[JsonObject], list[Json]]:
    """Return the cards and the netdevs that none uses, from HMP's `info network`.

    A card is `nic0: index=0,type=nic,model=...,macaddr=...`, what it uses is below it and begins
    with a backslash; a netdev without a card is a line of its own.
    """
    cards: list[JsonObject] = []
    unused: list[Json] = []
    for text in as_str(replies.get("info network")).splitlines():
        is_below = text.startswith(" \\ ")
        name, colon, rest = text.removeprefix(" \\ ").partition(": ")
        members = dict(pair.partition("=")[::2] for pair in rest.split(","))
        kind = members.get("type", "")
        if not colon or not kind or (is_below and (not cards or "backend" in cards[-1])):
            continue
        if is_below:
            cards[-1] |= {"backend": name, "backend-type": kind}
        elif kind == "nic":
            model, mac = members.get("model", ""), members.get("macaddr", "")
            cards.append(known({"id": name, "model": model, "mac": mac}))
        else:
            unused.append(name)
    return cards, unused


def read_nics(replies: Replies) -> Json:
    return [*_network(replies)[0]] if "info network" in replies else None


def read_unused_netdevs(replies: Replies) -> Json:
    return _network(replies)[1] if "info network" in replies else None


def read_displays(replies: Replies) -> Json:
    is_known = (
        "query-vnc-servers" in replies or flag(replies.get("query-vnc"), "enabled") is not None
    )
    if not is_known and "query-spice" not in replies:
        return None
    return [*_vnc_displays(replies), *_spice_displays(replies)]


def _vnc_displays(replies: Replies) -> Iterator[Json]:
    for item in as_dicts(replies.get("query-vnc-servers")):
        for server in get_dicts(item, "server")[:1]:
            clients = len(get_list(item, "clients"))
            yield {"type": "vnc", "address": _socket_address(server), "clients": clients}
    single = replies.get("query-vnc")
    if as_dict(single).get("enabled") is True:
        clients = len(get_list(single, "clients"))
        yield {"type": "vnc", "address": _socket_address(as_dict(single)), "clients": clients}


def _spice_displays(replies: Replies) -> Iterator[Json]:
    spice = as_dict(replies.get("query-spice"))
    if spice.get("enabled") is not True:
        return
    port = number(spice, "port") or number(spice, "tls-port")
    host = get_str(spice, "host")
    ids = [item.get("connection-id") for item in get_dicts(spice, "channels")]
    clients = len({id for id in ids if isinstance(id, int)})
    yield {"type": "spice", "address": f"{host}:{port}" if port else host, "clients": clients}


def _socket_address(server: JsonObject) -> str:
    service, host = get_str(server, "service"), get_str(server, "host")
    if get_str(server, "family") == "unix":
        return service or host
    return f"{host}:{service}" if service else host


def read_chardevs(replies: Replies) -> Json:
    found = as_dicts(each(replies, "query-chardev", _chardev))
    others: list[Json] = [item for item in found if not _is_monitor(item)]
    return others if "query-chardev" in replies else None


def _is_monitor(item: JsonObject) -> bool:
    return get_str(item, "label").startswith(_MONITORS)


def _chardev(item: JsonObject) -> JsonObject:
    return known(
        {
            "label": get_str(item, "label"),
            "filename": mask_text(get_str(item, "filename")),
            "open": flag(item, "frontend-open"),
        }
    )


def read_devices(replies: Replies) -> Json:
    if "peripheral" not in replies:
        return None
    return [
        {"id": get_str(item, "name"), "driver": driver}
        for item in as_dicts(replies["peripheral"])
        if (driver := child_kind(item))
    ]


def read_free_ports(replies: Replies) -> Json:
    if "peripheral" not in replies:
        return None
    return [
        key.removeprefix(PORT_KEY)
        for key, bus in replies.items()
        if key.startswith(PORT_KEY) and is_free(bus)
    ]
