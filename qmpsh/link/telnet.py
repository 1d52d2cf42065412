"""What a monitor with telnet=on says before it greets: the options of telnet, which nobody needs.

QEMU waits for no answer to them, and data of QMP is ASCII, so that nothing is ever escaped.
Source: RFC 854, "TELNET COMMAND STRUCTURE"; WIRE.md section 12.
"""

from __future__ import annotations

_WILL, _DONT = 0xFB, 0xFE  # with what is between: the commands that name an option
_LENGTH = 3


def strip(data: bytes) -> tuple[bytes, bytes]:
    """What follows the negotiation at the beginning, and the part of it that is still unfinished.

    A 0xff that begins no negotiation, as a guest agent sends it, stays.
    """
    at = 0
    while data[at : at + 1] == b"\xff" and _WILL <= (data[at + 1 : at + 2] or b"\xfb")[0] <= _DONT:
        if len(data) - at < _LENGTH:
            return b"", data[at:]
        at += _LENGTH
    return data[at:], b""
