"""A schema from a file (`--schema FILE`), for work without a server."""

from __future__ import annotations

import json

from qmpsh.errors import UsageError
from qmpsh.schema.model import Schema


def read_schema_file(path: str) -> Schema:
    """Read a schema from a `query-qmp-schema` reply, or from its `return` list alone.

    Raises UsageError if the file cannot be read or is neither.
    """
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON file: {error}") from error
    entities = value.get("return") if isinstance(value, dict) else value
    schema = Schema.from_entities(entities) if isinstance(entities, list) else None
    if schema is None or not schema.commands:
        raise UsageError(f"{path} is no reply of query-qmp-schema")
    return schema
