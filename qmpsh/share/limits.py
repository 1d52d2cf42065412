"""The bounds of a request to a shared monitor, and of the option that changes them."""

from __future__ import annotations

from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

MAX_REQUEST_BYTES: Final = 64 * 1024
"""bytes of one request: another client's out-of-band command waits 0.2 s for QEMU to read them"""

MOST_REQUEST_BYTES: Final = 1024 * 1024
"""what the user may raise that to for clients of his own; the others then wait 2 s"""
