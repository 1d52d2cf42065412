"""Schemas in files: kept from earlier sessions, or given by the user with `--schema FILE`.

The cache saves a one-shot a round trip of 200 kB. A cached file is a header line, then the
entities, one per line. The header holds the offset of each, so that an entity is parsed only when
asked for: opening takes about a millisecond, whatever the schema's size. A damaged file is ignored.

The files of `--schema` are for work without a server.
"""

from __future__ import annotations

import json
import os
import re

from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json, JsonObject, as_dicts, as_list
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.paths import cache_file
from qmpsh.regular import MAX_SCHEMA_BYTES, PART, read_regular, replace_file
from qmpsh.schema.model import Schema, entity_table, names_of
from qmpsh.schema.walk import property_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_OTHER_REPLY = "{path} is neither a reply of query-qmp-schema nor one of device-list-properties"
_NOT_A_SCHEMA = "{path} is not a reply of query-qmp-schema"
_NO_SCHEMA = "--schema needs a reply of query-qmp-schema too, in a file of its own"
_UNREADABLE = "cannot read {path}: {reason}"
_NOT_JSON = "{path} is not a JSON file: {error}"

_DAMAGED = (OSError, ValueError, KeyError, TypeError, RecursionError)
"""what a file that is cut, mixed up or not ours leads to"""

FORMAT_VERSION = 1
MAX_FILES = 16
"""most schemas kept; the least recently used are removed"""
MAX_CACHE_BYTES = 16 * 1024 * 1024
"""bytes of a file; QEMU's schema has 230 kB"""
_PREFIX = "schema-"
_WRITE_SECONDS = 60.0  # seconds in which a file is written
_UNSAFE = re.compile(r"[^A-Za-z0-9.+~-]+")
_MAX_NAME_CHARACTERS = 200


def cache_path(identity: Sequence[str]) -> str:
    """Return a server's file. identity: what identifies its binary (version, inode, ...)."""
    name = _UNSAFE.sub("_", "-".join(part for part in identity if part))
    return cache_file(f"{_PREFIX}{name[:_MAX_NAME_CHARACTERS]}")


def load_schema(path: str, commands: Sequence[str] | None = None) -> Schema | None:
    """Load a schema; None if there is no such file or it is not this server's.

    commands: what query-commands returns now, to verify the file; None trusts it
    """
    try:
        head, _, body = read_regular(path, MAX_SCHEMA_BYTES).partition(b"\n")
        header = json.loads(head)
        if header["format"] != FORMAT_VERSION or len(body) != header["size"]:
            return None
        if commands is not None and sorted(header["listed"]) != sorted(commands):
            return None
        os.utime(path)  # mark as recently used
        return _open(header, body)
    except _DAMAGED:
        return None


def load_entities(path: str) -> list[Json]:
    """Load the entities of a schema as they are kept, [] if there is no such file."""
    try:
        _, _, body = read_regular(path, MAX_SCHEMA_BYTES).partition(b"\n")
        return [json.loads(line) for line in body.splitlines()]
    except _DAMAGED:
        return []


def store_schema(path: str, entities: Iterable[Json], commands: Iterable[str]) -> None:
    """Keep a schema; does nothing if it is far too large, or if the folder cannot be written.

    entities: the list that query-qmp-schema returned
    commands: the list that query-commands returned
    """
    table = entity_table(entities)
    lines: list[bytes] = []
    index: dict[str, list[int]] = {}
    at = 0
    for name, entity in table.items():
        lines.append(json.dumps(entity).encode() + b"\n")
        index[name] = [at, at + len(lines[-1])]
        at += len(lines[-1])
        if at > MAX_CACHE_BYTES:
            return
    header = {
        "format": FORMAT_VERSION,
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
                try:
                    entity = json.loads(body[start:end])
                except _DAMAGED:
                    return None
            case _:
                return None
        return entity if isinstance(entity, dict) else None

    return Schema(lookup, _names(header["commands"]), _names(header["events"]))


def _names(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("names")
    return tuple(str(name) for name in value)


def _write(path: str, data: bytes) -> None:
    """Replace the file, and make room for it."""
    try:
        replace_file(path, data)
        _prune(os.path.dirname(path))
    except OSError:
        return


def _prune(folder: str) -> None:
    """Remove the least recently used files, and parts whose writer was killed."""
    with os.scandir(folder) as entries:
        files = [
            (entry.stat(follow_symlinks=False).st_mtime, entry.path)
            for entry in entries
            if entry.name.startswith(_PREFIX)
        ]
    whole = sorted(file for file in files if not file[1].endswith(PART))
    newest = max(files)[0]  # of the file that was just written
    orphans = [
        file for file in files if file[1].endswith(PART) and file[0] < newest - _WRITE_SECONDS
    ]
    for _, path in (*whole[:-MAX_FILES], *orphans):
        try:
            os.unlink(path)
        except OSError:
            continue  # another process has removed it


def read_schema_files(paths: Sequence[str]) -> Schema:
    """Read a schema from a `query-qmp-schema` reply, and with it what devices there are from
    `device-list-properties` replies, each in a file that is named after its device.

    A reply may be its `return` list alone. Raises UsageError for a file that cannot be read or is
    neither, and without a schema.
    """
    schema: Schema | None = None
    devices: dict[str, dict[str, str]] = {}
    for path in paths:
        listed = _read(path)
        if any("meta-type" in item for item in as_dicts(listed)):
            schema = Schema.from_entities(listed)
        elif properties := property_types(listed):
            devices[os.path.basename(path).partition(".")[0]] = properties
        else:
            schema = Schema.from_entities([])
        if schema is not None and not schema.commands:
            raise UsageError(_OTHER_REPLY.format(path=path))
    if schema is None:
        raise UsageError(_NO_SCHEMA)
    schema.devices = devices
    return schema


def read_schema_entities(path: str) -> list[Json]:
    """Read what query-qmp-schema replied, as it is. Raises UsageError for a file of another kind"""
    entities = _read(path)
    if not any("meta-type" in entity for entity in as_dicts(entities)):
        raise UsageError(_NOT_A_SCHEMA.format(path=path))
    return entities


def _read(path: str) -> list[Json]:
    try:
        value = json.loads(read_regular(path, MAX_SCHEMA_BYTES))
    except OSError as error:
        raise UsageError(_UNREADABLE.format(path=path, reason=error.strerror)) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(_NOT_JSON.format(path=path, error=error)) from error
    return as_list(value.get("return") if isinstance(value, dict) else value)
