"""What a server accepts, from files (`--schema FILE`), for work without it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json
from qmpsh.regular import SCHEMA, read_regular
from qmpsh.schema.model import Schema
from qmpsh.schema.properties import property_types


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
        if any(isinstance(item, dict) and "meta-type" in item for item in listed):
            schema = Schema.from_entities(listed)
        elif properties := property_types(listed):
            devices[os.path.basename(path).partition(".")[0]] = properties
        else:
            schema = Schema.from_entities([])
        if schema is not None and not schema.commands:
            raise UsageError(
                f"{path} is not a reply of query-qmp-schema, nor one of device-list-properties"
            )
    if schema is None:
        raise UsageError("--schema needs a reply of query-qmp-schema too, in a file of its own")
    schema.devices = devices
    return schema


def _read(path: str) -> list[Json]:
    try:
        value = json.loads(read_regular(path, SCHEMA))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a JSON file: {error}") from error
    listed = value.get("return") if isinstance(value, dict) else value
    return listed if isinstance(listed, list) else []
