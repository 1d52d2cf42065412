"""The facts about block devices and block nodes."""

from __future__ import annotations

import json
from typing import Final

from qmpsh.jsontypes import Json, JsonObject, as_dict, as_dicts, get_dict, get_dicts, get_str
from qmpsh.secrets.text import mask_text
from qmpsh.shell.overview.replies import Replies, each, flag, known, number

_MAX_DEPTH: Final = 200
"""images in a chain that are counted"""


def read_disks(replies: Replies) -> Json:
    return each(replies, "query-block", _disk)


def _disk(item: JsonObject) -> JsonObject:
    inserted = item.get("inserted")
    io_status = get_str(item, "io-status")
    about: JsonObject = {"device": _disk_name(item)}
    about |= _node(inserted) if isinstance(inserted, dict) else {"empty": True}
    return known(about | {"io-status": "" if io_status == "ok" else io_status})


def _disk_name(item: JsonObject) -> str:
    """Return the name of the device, or that of its backend where it has none of its own."""
    qdev = get_str(item, "qdev").removesuffix("/virtio-backend")
    is_named = qdev and (not qdev.startswith("/") or qdev.startswith("/machine/peripheral/"))
    last = qdev.rpartition("/")[2]
    return last if is_named else get_str(item, "device") or last


def _node(inserted: JsonObject) -> JsonObject:
    image = get_dict(inserted, "image")
    return known(
        {
            "node": get_str(inserted, "node-name"),
            "driver": get_str(inserted, "drv"),
            "size": number(image, "virtual-size"),
            "read-only": flag(inserted, "ro"),
            "backing": _backing(image),
            "file": mask_text(innermost_file(get_str(inserted, "file"))),
        }
    )


def _backing(image: JsonObject) -> int:
    """Return how many images are below an image. That of a filter has the same file once more."""
    count, file = 0, innermost_file(get_str(image, "filename"))
    for _ in range(_MAX_DEPTH):
        image = get_dict(image, "backing-image")
        if not image:
            break
        below = innermost_file(get_str(image, "filename"))
        count += below != file
        file = below
    return count


def innermost_file(name: str) -> str:
    """Return the file of a block node. name: as QEMU gives it, `json:{...}` for a filter; one that
    names no file stays as it is
    """
    if not name.startswith("json:"):
        return name
    try:
        node = as_dict(json.loads(name.removeprefix("json:")))
    except (ValueError, RecursionError):  # a server may send anything
        return name
    for _ in range(_MAX_DEPTH):
        below = get_dict(node, "file") or get_dict(node, "image")
        if not below:
            break
        node = below
    return get_str(node, "filename") or get_str(node, "path") or name


def read_nodes(replies: Replies) -> Json:
    """Return the nodes at the top: those that are below another one are part of it."""
    if "query-named-block-nodes" not in replies:
        return None
    graph = replies.get("x-debug-query-block-graph")
    parts = get_dicts(graph, "nodes")
    names = {part.get("id"): get_str(part, "name") for part in parts if _is_node(part)}
    edges = [edge for edge in get_dicts(graph, "edges") if _id(edge, "parent") in names]
    below = {names.get(_id(edge, "child"), "") for edge in edges}
    found = as_dicts(replies.get("query-named-block-nodes"))
    return [_node(node) for node in found if get_str(node, "node-name") not in below]


def _is_node(part: JsonObject) -> bool:
    return get_str(part, "type") == "block-driver" and type(part.get("id")) is int


def _id(edge: JsonObject, end: str) -> int:
    found = edge.get(end)
    return found if type(found) is int else -1


def read_exports(replies: Replies) -> Json:
    return each(replies, "query-block-exports", _export)


def _export(item: JsonObject) -> JsonObject:
    id, kind, node = (get_str(item, name) for name in ("id", "type", "node-name"))
    return known({"id": id, "type": kind, "node": node})
