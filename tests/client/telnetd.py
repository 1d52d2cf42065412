"""A relay like a chardev with telnet=on: `python -m tests.client.telnetd PORT PATH`.

It greets with four options; of what comes it takes each 0xff for the beginning of a command of
three bytes, and a pair for one 0xff. What goes out it leaves as it is. One caller at a time.
Source: QEMU 7.2 and 10.0, measured; chardev/char-socket.c, tcp_chr_process_IAC_bytes.
"""

from __future__ import annotations

import re
import select
import socket
import sys

_OPTIONS = b"\xff\xfb\x01\xff\xfb\x03\xff\xfb\x00\xff\xfd\x00"


def without_commands(data: bytes) -> bytes:
    return re.sub(rb"\xff(\xff)|\xff..", lambda found: found[1] or b"", data, flags=re.DOTALL)


def pass_on(caller: socket.socket, server: socket.socket) -> None:
    """Until one of them leaves."""
    caller.sendall(_OPTIONS)
    while True:
        for ready in select.select([caller, server], [], [])[0]:
            data = ready.recv(1 << 16)
            if not data:
                return
            if ready is caller:
                server.sendall(without_commands(data))
            else:
                caller.sendall(data)


def main(port: int, path: str) -> None:
    with socket.create_server(("127.0.0.1", port)) as listener:
        sys.stderr.write("listening on it\n")
        sys.stderr.flush()
        while True:
            caller, _ = listener.accept()
            with caller, socket.socket(socket.AF_UNIX) as server:
                try:
                    server.connect(path)
                    pass_on(caller, server)
                except OSError:
                    continue  # one of them is gone


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
