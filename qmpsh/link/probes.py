"""Questions to a server that is silent, for an examination alone: what is it, if not QMP?

Each has a connection of its own, closed at once. To a TCP port goes the beginning of a TLS session,
which only what is no monitor could take amiss; to a unix socket what WIRE.md section 10 found
harmless: on a QMP monitor it yields two refusals, should it ever be read.
"""

from __future__ import annotations

import socket
import time
from typing import Final

from qmpsh.link.address import TcpAddress, UnixAddress

PATIENCE: Final = 2.0
"""seconds for an answer"""

TLS, HTTP, AGENT = "TLS", "HTTP", "guest agent"

_HELLO: Final = bytes.fromhex(
    # record: handshake, TLS 1.0, 47 bytes; client hello of 43 bytes, TLS 1.2
    "160301002f" "0100002b" "0303"
) + bytes(32) + bytes.fromhex(
    "00" "0002" "002f" "0100" "0000"  # no session, one cipher, no compression, no extensions
)  # fmt: skip
"""As short as a server bears: it answers with a hello or an alert. Source: RFC 5246, 7.4.1.2."""

_TLS_RECORDS: Final = (b"\x16\x03", b"\x15\x03")  # handshake, alert
_SYNC: Final = b'\xff{"execute":"guest-sync-delimited","arguments":{"id":1}}\n'


def tcp_kind(address: TcpAddress) -> str:
    """TLS or HTTP, "" where the answer is neither, or none comes."""
    answer = _answer(socket.AF_UNSPEC, address, _HELLO, 2)
    if answer.startswith(_TLS_RECORDS):
        return TLS
    return HTTP if answer.startswith(b"HT") else ""


def unix_kind(address: UnixAddress) -> str:
    """AGENT, or "" for silence."""
    place = f"\0{address.path}" if address.abstract else address.path
    # It ends what a client before us left half said with complaints, then comes the answer.
    return AGENT if b"\xff" in _answer(socket.AF_UNIX, place, _SYNC, 1 << 16) else ""


def _answer(family: int, place: str | TcpAddress, question: bytes, most: int) -> bytes:
    """What comes back until enough of it has, or the time is over."""
    data, deadline = b"", time.monotonic() + PATIENCE
    try:
        with _connected(family, place) as connection:
            connection.sendall(question)
            while len(data) < most and b"\xff" not in data:
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                piece = connection.recv(most - len(data))
                if not piece:
                    break
                data += piece
    except OSError:
        pass
    return data


def _connected(family: int, place: str | TcpAddress) -> socket.socket:
    if isinstance(place, TcpAddress):
        return socket.create_connection(place, PATIENCE)
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(PATIENCE)
    connection.connect(place)
    return connection
