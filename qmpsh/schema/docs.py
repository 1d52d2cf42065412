"""Finds and reads the pages of the locally installed manual.

This package contains none of QEMU's text: it shows the page installed with QEMU, if there is one.
Nothing is cached, since unpacking and indexing a page takes no longer than reading a cache file of
its size.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Mapping

from qmpsh.schema.manual import Manual

LARGEST = 64 * 1024 * 1024
"""Most bytes read of a page, unpacked. QEMU 10's has less than 1 MB."""

_FOLDERS = ("/usr/share/man", "/usr/local/share/man", "/opt/homebrew/share/man")


def load_manual(path: str) -> Manual:
    """Read a page, gzipped or not. Raises OSError."""
    with open(path, "rb") as file:
        data = file.read(LARGEST)
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, LARGEST)
        except zlib.error:
            data = b""
    return Manual(data.decode("utf-8", "replace"))


def find_pages(names: Iterable[str], environ: Mapping[str, str]) -> list[str]:
    """Return paths of pages in section 7, at most one per name, in the order of the names.

    environ: QMPSH_MANPATH, if set, names the only folders to search
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
    """Return where man(1) looks: MANPATH, then beside each PATH folder, then the usual ones.


    Source: manpath(5), "MANPATH_MAP", and how it treats folders that are not in the map.
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
