"""A server that follows a script: how far a session gets, and what happens to it there.

Each connection has its own script, in the order of the connections; those after the last one are
served well. All commands that ever came are counted, whatever became of them.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Final

from qmpsh.jsontypes import Json, JsonObject
from tests.client.servers import GREETING, Peer
from tests.waiting import PATIENCE

DRIP: Final = 0.002  # seconds between two bytes of a slow server
BLOCK: Final = b"x" * (1 << 20)
MOST: Final = 80  # blocks that a huge message has at most
LIMIT: Final = 66 << 20  # bytes of it that a client may take: the bound, and what sockets hold
FLOOD: Final = b'{"event": "RESET", "data": {"guest": true}}\r\n' * 200

ANSWERS: Final[dict[str, Json]] = {
    "qmp_capabilities": {},
    "query-name": {"name": "vm1"},
    "query-uuid": {"UUID": "d1b0e1a0-0000-4000-8000-000000000001"},
    "query-status": {"status": "running", "running": True},
    "stop": {},
    "cont": {},
    "quit": {},
    "device_del": {},
    "job-complete": {},
    "migrate": {},
    "system_powerdown": {},
}
"""What is answered; to everything else it says that there is no such command."""

LEARNT: Final = "query-qmp-schema"
"""The last thing that a session asks on its own."""


class State(Enum):
    """How far the session got when the fault came."""

    BEFORE_GREETING = "before the greeting"
    MID_GREETING = "in the greeting"
    GREETED = "before the reply to qmp_capabilities"
    IDLE = "idle"
    UNANSWERED = "command unanswered"
    MID_REPLY = "in the reply"
    EVENTS = "events before the reply"
    BETWEEN = "between two lines"
    QUIT = "quit unanswered"


class Served(Peer):
    """One connection. taken: bytes of a huge message that the client took."""

    def __init__(self, connection: socket.socket, server: Server) -> None:
        super().__init__(connection)
        self.server = server
        self.request: JsonObject = {}

    def raw(self, data: bytes) -> None:
        self.connection.sendall(data)

    def receive(self) -> JsonObject:
        request = super().receive()
        self.server.got.append(str(request.get("execute")))
        return request

    def answer(self, request: JsonObject) -> None:
        value = ANSWERS.get(str(request["execute"]))
        if value is None:
            self.refuse(request)
        else:
            self.reply(request, value)

    def refuse(self, request: JsonObject) -> None:
        error: JsonObject = {"class": "CommandNotFound", "desc": "it has not been found"}
        self.send({"error": error, "id": request["id"]})

    def attend(self, *until: str) -> None:
        """Answer everything until one of these commands comes; that one is in `request`."""
        while (request := self.receive())["execute"] not in until:
            self.answer(request)
        self.request = request

    def ignore(self) -> None:
        """Read on and say nothing, until the client leaves or the test has seen enough."""
        self.connection.settimeout(DRIP)
        while not self.server.released.is_set():
            with contextlib.suppress(TimeoutError):
                self.receive()


Act = Callable[[Served], None]
"""A piece of a connection's script; it may end the connection by returning from the last one."""


class Server:
    """path: of the socket; got: the commands that came; faulted: the fault has happened;
    may_fail: set by a test where no command tells the server that a line waits;
    released: set by a test, after which a silent server closes; taken: bytes of a huge message
    """

    def __init__(self, path: str, listener: socket.socket, scripts: list[tuple[Act, ...]]) -> None:
        self.path = path
        self.got: list[str] = []
        self.taken = 0
        self.faulted = threading.Event()
        self.may_fail = threading.Event()
        self.released = threading.Event()
        self._listener = listener
        self._scripts = scripts

    def serve(self) -> None:
        """Serve one client after the other until the listener is shut."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                script = self._scripts.pop(0) if self._scripts else (greet, well)
                with connection:
                    connection.settimeout(PATIENCE)
                    self._play(Served(connection, self), script)

    def _play(self, peer: Served, script: tuple[Act, ...]) -> None:
        # A client that leaves ends the script of its server.
        with contextlib.suppress(EOFError, ConnectionError, TimeoutError):
            for act in script:
                act(peer)


@contextlib.contextmanager
def server(*scripts: tuple[Act, ...]) -> Iterator[Server]:
    """A server that listens; one script a connection."""
    folder = tempfile.mkdtemp(prefix="qmpsh-", dir="/tmp")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        listener.listen(1)
        served = Server(f"{folder}/s", listener, list(scripts))
        thread = threading.Thread(target=served.serve, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            served.released.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
            shutil.rmtree(folder, ignore_errors=True)


# ------------------------------------------------------------------------ how far it gets


def greet(peer: Served) -> None:
    """Greeting and negotiation."""
    peer.send(GREETING)
    peer.answer(peer.receive())


def well(peer: Served) -> None:
    """Answer everything there is."""
    peer.attend("")


def half_a_greeting(peer: Served) -> None:
    peer.raw(b'{"QMP": {"version": ')


def ask_capabilities(peer: Served) -> None:
    peer.send(GREETING)
    peer.request = peer.receive()


def asked(peer: Served) -> None:
    """A command of the user's came."""
    greet(peer)
    peer.attend("stop", "quit")


def half_a_reply(peer: Served) -> None:
    asked(peer)
    peer.raw(b'{"id": "0", "return": ')


def events(peer: Served) -> None:
    asked(peer)
    peer.send({"event": "STOP"}, {"event": "RESUME"})


def one_line(peer: Served) -> None:
    """The first line is answered, and whatever is next comes at once with that."""
    asked(peer)
    peer.answer(peer.request)


def learnt(peer: Served) -> None:
    """A session has asked all it asks on its own."""
    greet(peer)
    peer.attend(LEARNT)
    peer.refuse(peer.request)


REACH: Final[dict[State, tuple[Act, ...]]] = {
    State.BEFORE_GREETING: (),
    State.MID_GREETING: (half_a_greeting,),
    State.GREETED: (ask_capabilities,),
    State.IDLE: (greet,),
    State.UNANSWERED: (asked,),
    State.MID_REPLY: (half_a_reply,),
    State.EVENTS: (events,),
    State.BETWEEN: (one_line,),
    State.QUIT: (asked,),
}
"""What a server does to bring a session to a state."""

# ------------------------------------------------------------------------ what happens there


def closed(peer: Served) -> None:
    """The process ends, having read all: a clean end."""


def silent(peer: Served) -> None:
    """The process is stopped."""
    peer.ignore()


def half_silent(peer: Served) -> None:
    peer.raw(b'{"return": {"a": ')
    peer.ignore()


def half_closed(peer: Served) -> None:
    peer.raw(b'{"return": {"a": ')


def garbage(peer: Served) -> None:
    """Bytes of no protocol, and brackets that close what may be open."""
    peer.raw(b"\x02\x81\x03}}\r\n")
    peer.ignore()


def no_qmp(peer: Served) -> None:
    peer.send({"jsonrpc": "2.0"})
    peer.ignore()


def greets_again(peer: Served) -> None:
    peer.send(GREETING)
    peer.ignore()


def huge(peer: Served) -> None:
    """One message without an end."""
    peer.raw(b'{"return": "')
    _blocks(peer)


def huge_inside(peer: Served) -> None:
    """The same, the message being begun."""
    peer.raw(b'"')
    _blocks(peer)


def _blocks(peer: Served) -> None:
    for _ in range(MOST):
        peer.raw(BLOCK)
        peer.server.taken += len(BLOCK)
    peer.ignore()


def drip(peer: Served) -> None:
    """Byte by byte, for ever."""
    peer.raw(b'{"return": "')
    drip_inside(peer)


def drip_inside(peer: Served) -> None:
    """The same, the message being begun."""
    peer.raw(b'"')
    while not peer.server.released.wait(DRIP):
        peer.raw(b"x")


def nested(peer: Served) -> None:
    """So deep that whoever walks it without care has no stack left."""
    depth = 100_000
    peer.raw(b'{"return": ' + b"[" * depth + b"]" * depth + b"}\r\n")
    peer.ignore()


def nested_inside(peer: Served) -> None:
    """The same, the message being begun."""
    depth = 100_000
    peer.raw(b"[" * depth + b"]" * depth + b"}}\r\n")
    peer.ignore()


def deep(peer: Served) -> None:
    """Deep enough to be read, and too deep to be shown."""
    depth = 700
    id = json.dumps(peer.request.get("id")).encode()
    peer.raw(b'{"id": ' + id + b', "return": ' + b"[" * depth + b"]" * depth + b"}\r\n")
    peer.ignore()


def no_utf8(peer: Served) -> None:
    peer.raw(b'{"return": "\xc3\x28"}\r\n')
    peer.ignore()


def no_utf8_inside(peer: Served) -> None:
    peer.raw(b'"\xc3\x28"}}\r\n')
    peer.ignore()


def nul(peer: Served) -> None:
    peer.raw(b"\0\0\0\0")
    peer.ignore()


def nul_inside(peer: Served) -> None:
    peer.raw(b"\0\0}}\r\n")
    peer.ignore()


def flood(peer: Served) -> None:
    """Events without an end, and no reply."""
    while not peer.server.released.is_set():
        peer.raw(FLOOD)


def wrong_id(peer: Served) -> None:
    peer.send({"return": {}, "id": "nobody's"})
    peer.ignore()


def wrong_type_of_id(peer: Served) -> None:
    peer.send({"return": {}, "id": 1})
    peer.ignore()


def twice(peer: Served) -> None:
    """One reply too many; from then on all is well."""
    peer.answer(peer.request)
    peer.answer(peer.request)
    well(peer)


def late_twice(peer: Served) -> None:
    """The first line's reply once more when the second is asked, which is refused then."""
    first = peer.request
    peer.attend("cont")
    peer.answer(first)
    peer.refuse(peer.request)
    well(peer)


def told(peer: Served) -> None:
    """The fault begins: whoever waits for that may go on."""
    peer.server.faulted.set()
