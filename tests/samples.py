"""Real replies, captured from real servers, for tests that need no VM."""

from __future__ import annotations

import gzip
import json
from functools import cache

from qmpsh.jsontypes import Json
from qmpsh.schema.model import Schema
from tests.qemu import ROOT

VERSIONS = ("7.2", "10.0")
SCHEMAS = (("7.2", "qemu"), ("10.0", "qemu"), ("10.2.50", "qemu"), ("7.2", "qsd"))
"""version and server of each captured schema"""


def text(name: str) -> str:
    """The text of a captured file, which may be compressed."""
    path = ROOT / "tests" / "data" / name
    if path.exists():
        return path.read_text()
    return gzip.decompress(path.with_name(f"{name}.gz").read_bytes()).decode()


def reply(name: str) -> Json:
    """The value of `return` of a captured reply."""
    found: Json = json.loads(text(f"{name}.json"))["return"]
    return found


def entities(version: str, server: str = "qemu") -> list[Json]:
    """What query-qmp-schema of a server returned."""
    found = reply(f"query-qmp-schema-{server}-{version}")
    assert isinstance(found, list)
    return found


@cache
def schema(version: str, server: str = "qemu") -> Schema:
    """The schema of a server."""
    return Schema.from_entities(entities(version, server))
