"""Names of VMs of which no two are the same: `web@a` and `web@b` are at a.sock and b.sock. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from os.path import splitext

from qmpsh.top.record import VmRecord


def tell_apart(records: Sequence[VmRecord]) -> None:
    """Give each VM the name that it has for itself, with a part of its address where several have
    the same one.
    """
    alike: dict[str, list[VmRecord]] = {}
    for record in records:
        record.name = record.own_name
        alike.setdefault(record.own_name, []).append(record)
    for name, group in alike.items():
        if len(group) > 1:
            parts = distinct_parts([one.target.text for one in group])
            for record, part in zip(group, parts, strict=True):
                record.name = f"{name}@{part}"


def distinct_parts(addresses: Sequence[str]) -> list[str]:
    """Return the shortest part of each address that no other has in its place, counted from the
    end; as many parts as it takes, where a single one does not do.
    """
    rows = [_parts(address) for address in addresses]
    columns = [[*column] for column in zip_longest(*rows, fillvalue="")]
    telling = [column for column in columns if all(column) and _are_distinct(column)]
    if telling:
        return min(telling, key=lambda column: max(map(len, column)))
    for count in range(2, len(columns)):
        joined = ["/".join(row[count - 1 :: -1]) for row in rows]
        if _are_distinct(joined):
            return joined
    return [*addresses]


def _parts(address: str) -> list[str]:
    """Return the name of its file without the ending, and the folders above it."""
    *folders, file = address.split("/")
    return [splitext(file)[0] or file, *reversed(folders)]


def _are_distinct(texts: Sequence[str]) -> bool:
    return len({*texts}) == len(texts)
