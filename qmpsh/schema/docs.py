"""The locally installed manual: where its pages lie, and reading them.

No text of QEMU is part of this package: what is shown comes from the page that belongs to the
installed QEMU, or there is none. Nothing is cached: a page is unpacked and indexed in the time that
a cache file of its size would take to read.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Mapping

from qmpsh.schema.manual import Manual

LARGEST = 64 * 1024 * 1024
"""Bytes of a page, unpacked; the rest is not read. QEMU 10's has less than 1 MB."""

_FOLDERS = ("/usr/share/man", "/usr/local/share/man", "/opt/homebrew/share/man")


def load_manual(path: str) -> Manual:
    """The manual in a page, packed by gzip or not. Raises OSError."""
    with open(path, "rb") as file:
        data = file.read(LARGEST)
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, LARGEST)
        except zlib.error:
            data = b""
    return Manual(data.decode("utf-8", "replace"))


def find_pages(names: Iterable[str], environ: Mapping[str, str]) -> list[str]:
    """The paths of pages of section 7, at most one for each name, in the order of the names.

    environ: QMPSH_MANPATH, when set, names the only folders to look in
    """
    folders = _manual_folders(environ)
    found = []
    for name in names:
        candidates = (
            os.path.join(folder, "man7", name + suffix)
            for folder in folders
            for suffix in (".7.gz", ".7")
        )
        path = next((path for path in candidates if os.path.isfile(path)), None)
        if path is not None:
            found.append(path)
    return found


def _manual_folders(environ: Mapping[str, str]) -> list[str]:
    """Where man(1) looks: MANPATH, then beside each folder of PATH, then the usual ones.

    Source: manpath(5), "MANPATH_MAP" and what it does with folders that are not in the map.
    """
    private = environ.get("QMPSH_MANPATH")
    if private is not None:
        return [folder for folder in private.split(":") if folder]
    folders = [folder for folder in environ.get("MANPATH", "").split(":") if folder]
    for programs in environ.get("PATH", "").split(":"):
        if os.path.isabs(programs):
            parent = os.path.dirname(os.path.normpath(programs))
            folders += [os.path.join(parent, "share/man"), os.path.join(parent, "man")]
    return list(dict.fromkeys([*folders, *_FOLDERS]))
