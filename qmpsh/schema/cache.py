"""Schemas kept from earlier sessions, so that a one-shot needs no 200 kB round trip.

A file is a header line, then the entities, one a line. The header holds where each one stands, so
that only those that are asked for are ever parsed: opening costs about a millisecond, whatever the
schema's size. A file that is damaged in any way is no file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.paths import cache_file
from qmpsh.schema.model import Schema, entity_table, names_of

FORMAT = 1
MOST_FILES = 16
"""schemas kept at most; the ones used longest ago go"""
_PREFIX = "schema-"
_UNSAFE = re.compile(r"[^A-Za-z0-9.+~-]+")
_LONGEST_NAME = 200


def cache_path(identity: Sequence[str]) -> str:
    """The file for a server. identity: what tells its binary from others (version, inode, ...)."""
    name = _UNSAFE.sub("_", "-".join(part for part in identity if part))
    return cache_file(f"{_PREFIX}{name[:_LONGEST_NAME]}")


def load_schema(path: str, commands: Sequence[str] | None = None) -> Schema | None:
    """The schema of a file; None where there is none, or it is not this server's.

    commands: what query-commands answers now, to verify it by; None trusts the file
    """
    try:
        with open(path, "rb") as file:
            head, body = file.readline(), file.read()
        header = json.loads(head)
        if header["format"] != FORMAT or len(body) != header["size"]:
            return None
        if commands is not None and sorted(header["listed"]) != sorted(commands):
            return None
        os.utime(path)  # the newest are kept
        return _open(header, body)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def store_schema(path: str, entities: Iterable[Json], commands: Iterable[str]) -> None:
    """Keep a schema. A folder that cannot be written keeps none.

    entities: the list that query-qmp-schema returned; commands: what query-commands did
    """
    table = entity_table(entities)
    lines = [json.dumps(entity).encode() + b"\n" for entity in table.values()]
    index: dict[str, list[int]] = {}
    at = 0
    for name, line in zip(table, lines, strict=True):
        index[name] = [at, at + len(line)]
        at += len(line)
    header = {
        "format": FORMAT,
        "size": at,
        "listed": list(commands),
        "commands": names_of(table, "command"),
        "events": names_of(table, "event"),
        "index": index,
    }
    _write(path, json.dumps(header).encode() + b"\n" + b"".join(lines))


def _open(header: JsonObject, body: bytes) -> Schema:
    index = header["index"]
    if not isinstance(index, dict):
        raise TypeError("index")

    def lookup(name: str) -> JsonObject | None:
        match index.get(name):
            case [int(start), int(end)]:
                entity = json.loads(body[start:end])
            case _:
                return None
        return entity if isinstance(entity, dict) else None

    return Schema(lookup, _names(header["commands"]), _names(header["events"]))


def _names(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("names")
    return tuple(str(name) for name in value)


def _write(path: str, data: bytes) -> None:
    """In one step, so that a reader sees the old file or the new one, never half of one."""
    partial = f"{path}.{os.getpid()}.part"
    try:
        with open(partial, "wb") as file:
            file.write(data)
        os.replace(partial, path)
        _prune(os.path.dirname(path))
    except OSError:
        return


def _prune(folder: str) -> None:
    with os.scandir(folder) as entries:
        files = [(e.stat().st_mtime, e.path) for e in entries if e.name.startswith(_PREFIX)]
    for _, path in sorted(files)[:-MOST_FILES]:
        os.unlink(path)
