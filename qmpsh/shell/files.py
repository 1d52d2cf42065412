"""Paths on this host, for completion. Bounded, and quiet about what cannot be read."""

from __future__ import annotations

import os

MOST = 1000
"""entries of a folder that are looked at"""


def list_paths(prefix: str) -> list[str]:
    """Paths that begin with the prefix, folders with a slash at their end, sorted.

    Hidden ones only where the prefix asks for them.
    """
    folder, _, begun = prefix.rpartition("/")
    head = prefix[: len(prefix) - len(begun)]
    found = []
    try:
        with os.scandir(f"{folder}/" if head else ".") as entries:
            for entry, _ in zip(entries, range(MOST), strict=False):
                hidden = entry.name.startswith(".") and not begun.startswith(".")
                if entry.name.startswith(begun) and not hidden:
                    found.append(f"{head}{entry.name}{'/' if entry.is_dir() else ''}")
    except OSError:
        return []
    return sorted(found)
