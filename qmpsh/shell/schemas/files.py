"""A schema from a file: a reply of query-qmp-schema, its list, or a recording that holds one."""

from __future__ import annotations

import json
import os
from typing import Final

from qmpsh.errors import UsageError, os_reason
from qmpsh.jsontypes import Json, as_dict, as_dicts
from qmpsh.regular import MAX_SCHEMA_BYTES, open_regular, read_regular
from qmpsh.replay.recording import read_recording
from qmpsh.replay.scanner import MessageKind, scan
from qmpsh.schema.model import Schema
from qmpsh.shell.policy import reads_only

_UNREADABLE: Final = "cannot read {path}: {reason}"
_NOT_ONE: Final = "{path} holds no reply of query-qmp-schema"
_HEAD_BYTES: Final = 4096  # in which a file shows what it is


def holds_messages(path: str) -> bool:
    """Whether a file is to be read, and not to be started: it begins as JSON does, or has a message
    of QMP in it.

    Raises UsageError if it cannot be read.
    """
    head = _read(path, _HEAD_BYTES, whole=False)
    if head.lstrip()[:1] in (b"{", b"["):
        return True
    return b"\0" not in head and any(scan(_text(path)))


def read_schema_file(path: str) -> Schema:
    """Return the schema in a file. Raises UsageError."""
    text = _text(path)
    for find, where in ((_reply_in, text), (_recorded_in, path), (_last_reply_in, text)):
        entities = find(where)
        if any("meta-type" in item for item in as_dicts(entities)):
            schema = Schema.from_entities(entities if isinstance(entities, list) else [])
            if schema.commands:
                return schema
    raise UsageError(_NOT_ONE.format(path=path))


def _text(path: str) -> str:
    return _read(path, MAX_SCHEMA_BYTES).decode(errors="replace")


def _read(path: str, most: int, *, whole: bool = True) -> bytes:
    """Return a file, or its beginning. most: bytes. Raises UsageError."""
    try:
        if whole:
            return read_regular(path, most)
        with open(open_regular(path, os.O_RDONLY), "rb") as file:
            return file.read(most)
    except OSError as error:
        raise UsageError(_UNREADABLE.format(path=path, reason=os_reason(error))) from error


def _reply_in(text: str) -> Json:
    """Return what a file that is one reply, or its list, holds; None for another one."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value.get("return") if isinstance(value, dict) else value


def _last_reply_in(text: str) -> Json:
    """Return the last schema among replies without their requests, None for none."""
    found: Json = None
    for one in scan(text):
        answer = one.message.get("return") if one.kind is MessageKind.REPLY else None
        if isinstance(answer, list) and "meta-type" in as_dict(next(iter(answer), None)):
            found = answer
    return found


def _recorded_in(path: str) -> Json:
    """Return the schema of the last session of a recording or log, None for none."""
    try:
        return read_recording(path, reads_only).schema()
    except UsageError:
        return None  # it is no recording
