"""What overviews of earlier connections showed: a checksum of each row, by the UUID of the VM.

Kept in the state folder, so that the next connection can say which rows have changed. It is only
advice: a file that is missing, broken or not ours to read compares with nothing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from typing import Final
from zlib import crc32

from qmpsh.jsontypes import Json, JsonObject, get_dict
from qmpsh.paths import state_file
from qmpsh.regular import read_regular, replace_file
from qmpsh.shell.overview.rows import OverviewRow

Sums = dict[str, int]
"""Checksums of the texts of rows, by section and label."""

MAX_MACHINES: Final = 200
"""machines that are remembered; the one seen longest ago is forgotten first"""
MAX_ROWS: Final = 200
_MAX_BYTES: Final = 2 << 20
_NO_UUID: Final = "00000000-0000-0000-0000-000000000000"
_UUID_CHARACTERS: Final = 36


def sums_of(rows: Iterable[OverviewRow]) -> Sums:
    """Return the checksums of the rows; rows of one label have one."""
    sums: Sums = {}
    for row in rows:
        key = key_of(row)
        text = "\0".join(part.text for part in row.parts)
        if key in sums or len(sums) < MAX_ROWS:
            sums[key] = crc32(text.encode(errors="replace"), sums.get(key, 0))
    return sums


def key_of(row: OverviewRow) -> str:
    """Return the key of a row's checksum."""
    return f"{row.section} {row.label}"


def read_sums(uuid: str) -> Sums | None:
    """Return what was stored of a machine; None if it was never seen, or cannot be compared."""
    found = _read().get(uuid) if _is_usable(uuid) else None
    if not isinstance(found, dict):
        return None
    return {key: value for key, value in found.items() if type(value) is int}


def store_sums(uuid: str, sums: Sums) -> None:
    """Store what was shown of a machine; in silence where that cannot be."""
    if not _is_usable(uuid):
        return
    machines = _read()
    machines.pop(uuid, None)
    entry: JsonObject = {**sums}
    machines[uuid] = entry
    for oldest in list(machines)[:-MAX_MACHINES]:
        del machines[oldest]
    with contextlib.suppress(OSError):
        replace_file(_path(), json.dumps({"machines": machines}).encode())


def _is_usable(uuid: str) -> bool:
    """Whether a UUID tells machines apart: QEMU gives those without one of their own this one."""
    return len(uuid) == _UUID_CHARACTERS and uuid != _NO_UUID


def _read() -> dict[str, Json]:
    try:
        return get_dict(json.loads(read_regular(_path(), _MAX_BYTES)), "machines")
    except (OSError, ValueError, RecursionError):
        return {}


def _path() -> str:
    return state_file("machines.json")
