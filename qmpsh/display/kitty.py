"""A picture for terminals with kitty's graphics protocol: kitty, Ghostty, WezTerm, Konsole.

Source: sw.kovidgoyal.net/kitty/graphics-protocol, "Transferring pixel data".
"""

from __future__ import annotations

import zlib
from base64 import standard_b64encode

from qmpsh.display.picture import Picture

_CHUNK_CHARACTERS = 4096


def kitty_sequence(picture: Picture, columns: int, rows: int) -> str:
    """Return what shows the picture at the cursor. columns, rows: cells that it fills"""
    data = standard_b64encode(zlib.compress(picture.pixels)).decode()
    chunks = [
        data[start : start + _CHUNK_CHARACTERS] for start in range(0, len(data), _CHUNK_CHARACTERS)
    ]
    # q=2: the terminal answers nothing, which would be taken for keys.
    keys = f"a=T,q=2,f=24,o=z,s={picture.width},v={picture.height},c={columns},r={rows},"
    last = len(chunks) - 1
    return "".join(
        f"\x1b_G{keys if index == 0 else ''}m={int(index < last)};{chunk}\x1b\\"
        for index, chunk in enumerate(chunks)
    )
