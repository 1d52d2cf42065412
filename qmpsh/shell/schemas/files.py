"""A schema from a file: a reply of query-qmp-schema, its list, or a recording that holds one."""

from __future__ import annotations

import json
import os
from typing import Final

from qmpsh.errors import UsageError, os_reason
from qmpsh.jsontypes import Json, as_dicts
from qmpsh.regular import MAX_SCHEMA_BYTES, open_regular, read_regular
from qmpsh.schema.model import Schema

_UNREADABLE: Final = "cannot read {path}: {reason}"
_NOT_ONE: Final = "{path} holds no reply of query-qmp-schema"
_HEAD_BYTES: Final = 4096  # in which a file shows what it is


def is_text_of_messages(path: str) -> bool:
    """Whether a file is to be read, and not to be started: it begins as JSON does.

    Raises UsageError if it cannot be read.
    """
    try:
        with open(open_regular(path, os.O_RDONLY), "rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise UsageError(_UNREADABLE.format(path=path, reason=os_reason(error))) from error
    return head.lstrip()[:1] in (b"{", b"[")


def read_schema_file(path: str) -> Schema:
    """Return the schema in a file. Raises UsageError."""
    try:
        data = read_regular(path, MAX_SCHEMA_BYTES)
    except OSError as error:
        raise UsageError(_UNREADABLE.format(path=path, reason=os_reason(error))) from error
    for value in _values_in(data):
        entities = value.get("return") if isinstance(value, dict) else value
        if any("meta-type" in item for item in as_dicts(entities)):
            schema = Schema.from_entities(entities if isinstance(entities, list) else [])
            if schema.commands:
                return schema
    raise UsageError(_NOT_ONE.format(path=path))


def _values_in(data: bytes) -> list[Json]:
    """Return the JSON values of a file; [] for one that is something else."""
    try:
        return [json.loads(data)]
    except (ValueError, RecursionError):
        return []
