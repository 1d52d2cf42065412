"""A recording of a session, for `qmpsh replay`: the log of the wire, and what it takes besides.

That is a line where each connection begins, one where the server ended it, and the schema, which a
session as a rule reads from the cache. It stands in a file once.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final

from qmpsh.client.client import Client
from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json, JsonObject, as_dict, get_dict, get_str
from qmpsh.regular import expanded, open_regular, read_regular
from qmpsh.schema.cache import load_entities
from qmpsh.shell.wirelog import WireLog, WireTracer, logs_of
from qmpsh.version import __version__

FORMAT: Final = 1
"""number of the format; a reader skips members that it does not know"""

HOLDS: Final = (
    "recording to {path}: all commands, replies and events, with the paths, names and MAC addresses"
    " in them; secrets are masked"
)

META: Final = "meta"
"""in the place of the direction: what a recording says of itself"""

_NO_RECORDING: Final = (
    "cannot record to {path}: it is there, and no recording; name a new file, or one to go on with"
)

_MAX_READ_BYTES: Final = 64 << 20  # of a recording that is continued
_MARK: Final = b'"direction": "meta"'
_GZIP: Final = 16 + zlib.MAX_WBITS


class RecordLog(WireLog):
    """The file of a recording, to which each connection is appended.

    Raises UsageError where it cannot be opened, and for a file that is something else: a mistyped
    name may be that of a disk.
    """

    def __init__(self, path: str, address: str, warn: Callable[[str], None], vm: str = "") -> None:
        _refuse_other_file(path)
        super().__init__(path, address, warn, vm)
        self._hashes: set[str] = set()
        self._read()

    def _read(self) -> None:
        """Read which connections and schemas the file has already."""
        try:
            lines = read_regular(self.path, _MAX_READ_BYTES).splitlines()
        except OSError:
            return  # a pipe, or too large: it is only written
        for line in lines:
            if _MARK in line:
                record = _decoded(line)
                schema = get_dict(record.get("message"), "schema")
                self._hashes |= {get_str(schema, "sha256")} if "gz" in schema else set()
                session = record.get("session")
                self.session = max(self.session, session if isinstance(session, int) else 0)

    def add_schema(self, entities: Sequence[Json]) -> None:
        """Record the schema of the connection, or only its hash where it is in the file."""
        data = json.dumps(entities).encode()
        digest = sha256(data).hexdigest()
        schema: dict[str, Json] = {"sha256": digest}
        if digest not in self._hashes:
            self._hashes.add(digest)
            packing = zlib.compressobj(level=9, wbits=_GZIP)
            packed = packing.compress(data) + packing.flush()
            schema["gz"] = base64.b64encode(packed).decode()
        self._write(META, {"schema": schema}, {})

    def _begin(self) -> None:
        self._write(META, {"format": FORMAT, "qmpsh": __version__}, {})

    def _end(self, message: Json) -> None:
        self._write(META, message, {})


def record_schema(client: Client, path: str) -> None:
    """Put the schema of a client's server into its recording. path: where the cache has it"""
    recordings = recordings_of(client)
    entities = load_entities(path) if recordings else []
    for log in recordings:
        if entities and log.on:
            log.add_schema(entities)


def recordings_of(client: Client) -> list[RecordLog]:
    """Return the recordings that a client writes, on or off."""
    return [log for log in logs_of(client) if isinstance(log, RecordLog)]


def end_recordings(client: Client) -> None:
    """End what a client records, and close the files."""
    ended = recordings_of(client)
    if isinstance(client.tracer, WireTracer):
        client.tracer.sinks = [sink for sink in client.tracer.sinks if sink not in ended]
    for log in ended:
        log.close()


def _refuse_other_file(path: str) -> None:
    """Raise UsageError for a file that does not begin as a log does."""
    try:
        with open(open_regular(expanded(path), os.O_RDONLY), "rb") as file:
            head = file.read(1)
    except OSError:
        return  # it is new, or can only be written
    if head not in (b"", b"{"):
        raise UsageError(_NO_RECORDING.format(path=path))


def _decoded(line: bytes) -> JsonObject:
    try:
        return as_dict(json.loads(line))
    except (ValueError, RecursionError):
        return {}
