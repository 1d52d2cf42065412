"""A picture for terminals with iTerm2's inline images. Source: iterm2.com/documentation-images."""

from __future__ import annotations

from base64 import standard_b64encode

from qmpsh.display.picture import Picture
from qmpsh.display.png import write_png


def iterm_sequence(picture: Picture, columns: int, rows: int) -> str:
    """Return what shows the picture at the cursor. columns, rows: cells that it fills"""
    data = write_png(picture)
    keys = f"inline=1;size={len(data)};width={columns};height={rows};preserveAspectRatio=1"
    return f"\x1b]1337;File={keys}:{standard_b64encode(data).decode()}\x07"
