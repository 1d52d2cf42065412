"""Many monitors without VMs, in one process: `python -m benchmarks.monitors FOLDER COUNT`.

Each is a socket that answers what QEMU 7.2.22 with a disk, a balloon and four CPUs answered once;
its name and its counters are its own. It is for what this machine could not start: a thousand VMs.
"""

from __future__ import annotations

import json
import os
import resource
import select
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

SAMPLES = Path(__file__).parent / "monitor.json"
"""the recorded greeting and replies"""
SPARE = 64


class Monitor:
    """One monitor, of which one client at a time is served.

    number: of this one, which its name and its counters depend on
    """

    def __init__(self, path: str, number: int, samples: dict[str, object]) -> None:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(4)
        self.listener.setblocking(False)
        self.client: socket.socket | None = None
        self._number = number
        self._asked = 0
        self._rest = b""
        self._greeting = json.dumps(samples["greeting"]).encode() + b"\r\n"
        self._replies = samples

    def accept(self) -> socket.socket:
        """Take a client, and greet it."""
        self.client, _ = self.listener.accept()
        self.client.setblocking(False)
        self.client.send(self._greeting)
        self._rest = b""
        return self.client

    def answer(self) -> bool:
        """Answer what has come; return whether the client is still there."""
        if self.client is None:
            return False
        try:
            data = self.client.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.client.close()
            self.client = None
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        out = b"".join(self._reply(line) for line in lines if line.strip())
        if out:
            self.client.send(out)
        return True

    def _reply(self, line: bytes) -> bytes:
        request = json.loads(line)
        name = request.get("execute") or request.get("exec-oob")
        reply = {"return": self._value(name)}
        if "id" in request:
            reply["id"] = request["id"]
        return json.dumps(reply).encode() + b"\r\n"

    def _value(self, name: str) -> object:
        if name == "query-name":
            return {"name": f"vm{self._number:04}"}
        value = self._replies.get(name, {})
        if name != "query-blockstats" or not isinstance(value, list):
            return value
        self._asked += 1
        for disk in value:
            disk["stats"]["rd_bytes"] = self._asked * self._number * 4096
            disk["stats"]["rd_operations"] = self._asked * self._number
        return value


class MonitorServer:
    """All of them, on one epoll descriptor."""

    def __init__(self, folder: str, count: int) -> None:
        samples = json.loads(SAMPLES.read_text())
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}
        for number in range(count):
            monitor = Monitor(f"{folder}/vm{number:04}.sock", number, samples)
            self._watch(monitor.listener.fileno(), partial(self._accept, monitor))

    def _watch(self, fd: int, handler: Callable[[], None]) -> None:
        self._handlers[fd] = handler
        self._epoll.register(fd, select.EPOLLIN)

    def _accept(self, monitor: Monitor) -> None:
        if monitor.client is not None:
            self._epoll.modify(monitor.listener.fileno(), 0)  # as QEMU: the next one waits
            return
        fd = monitor.accept().fileno()
        self._watch(fd, partial(self._answer, monitor, fd))

    def _answer(self, monitor: Monitor, fd: int) -> None:
        if not monitor.answer():
            self._handlers.pop(fd, None)
            self._epoll.modify(monitor.listener.fileno(), select.EPOLLIN)

    def serve(self) -> None:
        """Answer for ever."""
        while True:
            for fd, _ in self._epoll.poll():
                handler = self._handlers.get(fd)
                if handler is not None:
                    handler()


def main(words: list[str]) -> None:
    folder, count = words[0], int(words[1])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = 2 * count + SPARE
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(need, hard), hard))
    os.makedirs(folder, exist_ok=True)
    server = MonitorServer(folder, count)
    print("listening", flush=True)
    server.serve()


if __name__ == "__main__":
    main(sys.argv[1:])
