"""A holder of a monitor that shares it, and raw clients of the share, all in one thread."""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from time import monotonic

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions
from qmpsh.client.shares import connect_share
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.share.door import Door, own_door
from qmpsh.share.server import ShareNews, ShareServer
from qmpsh.shell.policy import reads_only
from tests.qemu import ROOT
from tests.waiting import PATIENCE

NEGOTIATE: JsonObject = {"execute": "qmp_capabilities"}
NEGOTIATE_OOB: JsonObject = {"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}

_DEFAULTS = ClientOptions()


class Holder:
    """A client of a VM, its share, and the loop of both."""

    def __init__(
        self,
        path: str,
        *doors: Door,
        read_only: bool = False,
        options: ClientOptions = _DEFAULTS,
    ) -> None:
        self.address = UnixAddress(path)
        self.client = Client.connect(self.address, options)
        self.news: list[ShareNews] = []
        self.raw_clients: list[RawClient] = []
        own = own_door(self.address, read_only=read_only)
        assert own is not None
        self.own = own
        self._serve([own, *doors])

    def _serve(self, doors: list[Door]) -> None:
        self.server = ShareServer(self.client, doors, reads_only, self.news.append)
        self.client.subscriber = self.server.send_message
        self._poll = select.poll()
        self._poll.register(self.client.fileno(), select.POLLIN)
        self._poll.register(self.server.fileno(), select.POLLIN)

    def share_again(self) -> None:
        """Open the share again, after `server` was closed."""
        own = own_door(self.address, read_only=False)
        assert own is not None
        self._serve([own])

    def run_until(self, ready: Callable[[], bool]) -> None:
        deadline = monotonic() + PATIENCE
        while not ready():
            assert monotonic() < deadline, "the share did not get there"
            self._poll.poll(10)
            self.run_once()

    def run_once(self) -> None:
        """Go on as far as it goes without waiting."""
        if not self.client.closed:
            self.client.poll(0)
        self.server.poll()

    def close(self) -> None:
        self.server.close()
        self.client.close()

    def close_all(self) -> None:
        self.close()
        for client in self.raw_clients:
            client.socket.close()


class RawClient:
    """A client of the share that sends what it is given."""

    def __init__(self, holder: Holder, path: str = "") -> None:
        self._holder = holder
        holder.raw_clients.append(self)
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(path)
        else:
            connected = connect_share(holder.address)
            assert connected is not None
            self.socket = connected.socket
        self.socket.setblocking(False)
        self.received: list[JsonObject] = []
        self.is_over = False
        self._data = b""

    @property
    def who(self) -> str:
        """How the share calls it; it is of this process."""
        return self._holder.server.clients[0].who

    def send(self, *messages: Mapping[str, Json] | str) -> None:
        lines = [one if isinstance(one, str) else json.dumps(one) for one in messages]
        self.socket.sendall("".join(f"{line}\n" for line in lines).encode())

    def read(self) -> list[JsonObject]:
        """All that came so far."""
        try:
            while data := self.socket.recv(65536):
                self._data += data
            self.is_over = True
        except BlockingIOError:
            pass
        *lines, self._data = self._data.split(b"\r\n")
        self.received += [json.loads(line) for line in lines]
        return self.received

    def gets(self, count: int) -> list[JsonObject]:
        """Wait for the next messages, events included."""
        self._holder.run_until(lambda: len(self.read()) >= count or self.is_over)
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def negotiate(self, message: JsonObject = NEGOTIATE) -> None:
        self.send(message)
        greeting, reply = self.gets(2)
        assert "QMP" in greeting
        assert reply == {"return": {}}


class Share:
    """A running `qmpsh share`."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "qmpsh", "share", *words],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        self.said = self.process.stderr.readline()

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return code
