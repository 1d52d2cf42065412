"""A QMP server without a VM that pours out events: `python -m benchmarks.eventserver SOCKET`.

It serves one client, and begins once it is sent the command `flood`. When all events are written it
prints how many seconds that took: more than intended, when the client does not keep up.
"""

from __future__ import annotations

import json
import socket
import sys
import time

NAME = "FLOOD"
COMMAND = "flood"
RATE = 10_000  # events a second
SECONDS = 10
TOTAL = RATE * SECONDS
BATCH = 100

GREETING: dict[str, object] = {
    "QMP": {
        "version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""},
        "capabilities": [],
    }
}
RETURNS: dict[str, object] = {
    "qmp_capabilities": {},
    "query-commands": [{"name": COMMAND}],
    "query-name": {"name": "flood"},
    "query-status": {"status": "running", "running": True},
    COMMAND: {},
}


def main(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        print("listening", flush=True)
        sock, _ = listener.accept()
    with sock, sock.makefile("rb") as stream:
        send(sock, GREETING)
        for line in stream:
            request = json.loads(line)
            name = request["execute"]
            send(sock, reply(name) | {key: request[key] for key in ("id",) if key in request})
            if name == COMMAND:
                print(pour(sock), flush=True)


def reply(name: str) -> dict[str, object]:
    """What a command is answered."""
    if name in RETURNS:
        return {"return": RETURNS[name]}
    return {"error": {"class": "CommandNotFound", "desc": f"The command {name} has not been found"}}


def pour(sock: socket.socket) -> float:
    """Send all events, each with data of its own so that none is the other's repeat."""
    start = time.perf_counter()
    for first in range(0, TOTAL, BATCH):
        time.sleep(max(0.0, start + first / RATE - time.perf_counter()))
        sock.sendall(b"".join(event(number) for number in range(first, first + BATCH)))
    return time.perf_counter() - start


def event(number: int) -> bytes:
    seconds, microseconds = divmod(time.time_ns() // 1000, 1_000_000)
    text = (
        f'{{"timestamp": {{"seconds": {seconds}, "microseconds": {microseconds}}}, '
        f'"event": "{NAME}", "data": {{"number": {number}, "device": "disk{number % 7}"}}}}\r\n'
    )
    return text.encode()


def send(sock: socket.socket, message: dict[str, object]) -> None:
    sock.sendall(json.dumps(message).encode() + b"\r\n")


if __name__ == "__main__":
    main(sys.argv[1])
