"""The facts of an overview: one JSON object, made of the replies to a survey.

Its keys are a promise to programs, which FACT_KEYS documents: numbers are raw, a fact that the
server does not give has no key. Pure; what has another shape than expected is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from qmpsh.jsontypes import (
    Json,
    JsonObject,
    as_dict,
    as_dicts,
    as_str,
    get_dict,
    get_dicts,
    get_str,
)
from qmpsh.shell.overview import block, devices
from qmpsh.shell.overview.replies import Replies, each, flag, known, number
from qmpsh.shell.overview.rows import CPU_LEVELS
from qmpsh.shell.overview.survey import PRECONFIG_KEY

FACT_KEYS: Final[dict[str, str]] = {
    "server": "kind, version, package",
    "machine": "type, target, kvm; accelerator where QEMU names it",
    "state": "status, running, name, uuid; preconfig: true with --preconfig",
    "cpu": "online, max, model, and the topology: sockets, dies, cores, threads, ...",
    "memory": "base, plugged and balloon, in bytes",
    "disks": "a list of device, node, driver, size in bytes, read-only, backing (images below"
    " it), file; empty: true for a drive without a medium; io-status unless ok",
    "nics": "a list of id, model, mac, backend, backend-type",
    "unused-netdevs": "a list of the names of netdevs that no card uses",
    "displays": "a list of type, address, clients",
    "chardevs": "a list of label, filename, open",
    "devices": "a list of id and driver of the devices that have a name",
    "free-ports": "a list of the names of PCI ports without a device",
    "jobs": "a list of id, type, status, current and total progress",
    "migration": "status; of the RAM transferred, remaining and total, in bytes",
    "nodes": "of a storage daemon: a list of node, driver, size, read-only, backing, file",
    "exports": "of a storage daemon: a list of id, type, node",
    "system": "of a guest: name, kernel, machine, host-name, time in nanoseconds since 1970",
    "filesystems": "of a guest: a list of mountpoint, type, used and total, in bytes",
    "interfaces": "of a guest: a list of name, mac, addresses",
    "unanswered": "a list of the keys that were asked for and not answered in time",
}
"""The keys of the object in `.status --json`, and what each holds."""


def facts_of(server: JsonObject, replies: Replies, unanswered: Iterable[str] = ()) -> JsonObject:
    """Return the object. server: kind, version and package of the program that answers"""
    facts: JsonObject = {"server": known(server)}
    for key, read in _READERS.items():
        found = read(replies)
        if found is not None and found != {}:
            facts[key] = found
    late: list[Json] = list(unanswered)
    if late:
        facts["unanswered"] = late
    return facts


# -------------------------------------------------------------------- the machine


def _machine(replies: Replies) -> Json:
    accelerator = as_dict(replies.get("query-accelerators")).get("enabled")
    kvm = flag(replies.get("query-kvm"), "enabled")
    if isinstance(accelerator, str):
        kvm = accelerator == "kvm"
    elif kvm:
        accelerator = "kvm"
    return known(
        {
            "type": as_str(replies.get("type")).removesuffix("-machine"),
            "target": get_str(replies.get("query-target"), "arch"),
            "accelerator": as_str(accelerator),
            "kvm": kvm,
        }
    )


def _state(replies: Replies) -> Json:
    status = replies.get("query-status")
    return known(
        {
            "status": get_str(status, "status"),
            "running": flag(status, "running"),
            "preconfig": PRECONFIG_KEY in replies or None,
            "name": get_str(replies.get("query-name"), "name"),
            "uuid": get_str(replies.get("query-uuid"), "UUID"),
        }
    )


def _cpu(replies: Replies) -> Json:
    slots = as_dicts(replies.get("query-hotpluggable-cpus"))
    smp = replies.get("smp")
    running = replies.get("query-cpus-fast", replies.get("query-cpus"))
    vcpus = as_dicts(replies.get("guest-get-vcpus"))
    online = sum(item.get("online") is True for item in vcpus) or len(as_dicts(running))
    models = dict.fromkeys(get_str(slot, "type") for slot in slots)
    return known(
        {
            "online": online or None,
            "max": len(vcpus) or number(smp, "maxcpus") or None,
            "model": next(iter(models), "") if len(models) == 1 else "",
            **{level: number(smp, level) for level in CPU_LEVELS},
        }
    )


def _memory(replies: Replies) -> Json:
    summary = replies.get("query-memory-size-summary")
    return known(
        {
            "base": number(summary, "base-memory"),
            "plugged": number(summary, "plugged-memory"),
            "balloon": number(replies.get("query-balloon"), "actual"),
        }
    )


# -------------------------------------------------------------------- work


def _jobs(replies: Replies) -> Json:
    return each(replies, "query-jobs", _job)


def _job(item: JsonObject) -> JsonObject:
    return known(
        {
            "id": get_str(item, "id"),
            "type": get_str(item, "type"),
            "status": get_str(item, "status"),
            "current": number(item, "current-progress"),
            "total": number(item, "total-progress"),
        }
    )


def _migration(replies: Replies) -> Json:
    found = replies.get("query-migrate")
    status, ram = get_str(found, "status"), get_dict(found, "ram")
    if status in ("", "none"):
        return {}
    counts = {key: number(ram, key) for key in ("transferred", "remaining", "total")}
    return known({"status": status, **counts})


# -------------------------------------------------------------------- a guest


def _system(replies: Replies) -> Json:
    about = replies.get("guest-get-osinfo")
    now = replies.get("guest-get-time")
    return known(
        {
            "name": get_str(about, "pretty-name") or get_str(about, "name"),
            "kernel": get_str(about, "kernel-release"),
            "machine": get_str(about, "machine"),
            "host-name": get_str(replies.get("guest-get-host-name"), "host-name"),
            "time": now if type(now) is int else None,
        }
    )


def _filesystems(replies: Replies) -> Json:
    return each(replies, "guest-get-fsinfo", _filesystem)


def _filesystem(item: JsonObject) -> JsonObject:
    return known(
        {
            "mountpoint": get_str(item, "mountpoint"),
            "type": get_str(item, "type"),
            "used": number(item, "used-bytes"),
            "total": number(item, "total-bytes"),
        }
    )


def _interfaces(replies: Replies) -> Json:
    return each(replies, "guest-network-get-interfaces", _interface)


def _interface(item: JsonObject) -> JsonObject:
    return known(
        {
            "name": get_str(item, "name"),
            "mac": get_str(item, "hardware-address"),
            "addresses": [_prefixed(at) for at in get_dicts(item, "ip-addresses")],
        }
    )


def _prefixed(item: JsonObject) -> str:
    prefix = number(item, "prefix")
    address = get_str(item, "ip-address")
    return address if prefix is None else f"{address}/{prefix}"


_READERS: Final[dict[str, Callable[[Replies], Json]]] = {
    "machine": _machine,
    "state": _state,
    "cpu": _cpu,
    "memory": _memory,
    "disks": block.read_disks,
    "nics": devices.read_nics,
    "unused-netdevs": devices.read_unused_netdevs,
    "displays": devices.read_displays,
    "chardevs": devices.read_chardevs,
    "devices": devices.read_devices,
    "free-ports": devices.read_free_ports,
    "jobs": _jobs,
    "migration": _migration,
    "nodes": block.read_nodes,
    "exports": block.read_exports,
    "system": _system,
    "filesystems": _filesystems,
    "interfaces": _interfaces,
}
"""The reader of each key, in the order of the object."""
