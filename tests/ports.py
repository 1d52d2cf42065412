"""A TCP port that nobody has."""

from __future__ import annotations

import socket


def free_port(host: str = "127.0.0.1", family: socket.AddressFamily = socket.AF_INET) -> int:
    """A port that was free a moment ago."""
    with socket.create_server((host, 0), family=family) as found:
        return int(found.getsockname()[1])
