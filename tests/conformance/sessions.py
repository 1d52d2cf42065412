"""Servers that split, delay, break off: what becomes of a session with ours, and with qemu.qmp's.

A server sends its three messages (greeting, agreement, reply) in pieces, with others between them,
and may hang up at any byte. Both clients must come to the same end: the answer, QEMU's refusal, no
session, or its loss.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from qemu.qmp import ConnectError, ExecuteError, QMPClient, QMPError

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions
from qmpsh.errors import CannotConnect, CommandFailed, QmpshError, ReplyTimeout
from qmpsh.protocol.messages import Command

_GREETING: Final = (
    b'{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": ""},'
    b' "capabilities": ["oob"]}}\r\n'
)
_EVENT: Final = b'{"timestamp": {"seconds": 1796000000, "microseconds": 5}, "event": "STOP"}\r\n'
_NAME: Final = "query-name"
_SECONDS: Final = 10.0
_LATE: Final = 0.05
_NO_SESSION: Final = "no session"
_LOST: Final = "lost"
_NO_ANSWER: Final = (_NO_SESSION, _LOST)


class Sent(NamedTuple):
    """A message of a server: _ID in it stands for the request's id, if that has one.

    length: bytes that are sent at a time
    ends:   how many bytes are sent before the server hangs up, None for all, and it does not
    """

    text: bytes
    length: int = 1 << 20
    ends: int | None = None


class Script(NamedTuple):
    """What a server does. late: a command is given up before its reply comes, and sent again"""

    title: str
    greeting: Sent = Sent(_GREETING)
    agreement: Sent = Sent(b'{"return": {}_ID}\r\n')
    reply: Sent = Sent(b'{"return": {"name": "vm"}_ID}\r\n')
    late: bool = False


def scripts() -> Iterator[Script]:
    """Yield each kind of session, broken at each of its bytes."""
    whole = Script("")
    replaced: dict[str, Callable[[str, Sent], Script]] = {
        "greeting": lambda title, sent: whole._replace(title=title, greeting=sent),
        "agreement": lambda title, sent: whole._replace(title=title, agreement=sent),
        "reply": lambda title, sent: whole._replace(title=title, reply=sent),
    }
    for field, with_message in replaced.items():
        message: Sent = getattr(whole, field)
        text = message.text
        for at in range(1, len(text)):
            yield with_message("split", Sent(text, length=at))
            yield with_message("hung up within", Sent(text, ends=at))
        yield with_message("hung up before", Sent(text, ends=0))
        yield with_message("an event before", Sent(_EVENT + text))
        yield with_message("an event after", Sent(text + _EVENT))
        for garbage in (b"nonsense\r\n", b"[]\r\n", b'{"x": 1}\r\n', b"\x00\xff\r\n"):
            yield with_message("what is not QMP", Sent(garbage))
    refusal = Sent(b'{"error": {"class": "GenericError", "desc": "no"}_ID}\r\n')
    yield whole._replace(title="refused", reply=refusal)
    yield whole._replace(title="agreement refused", agreement=refusal)
    yield whole._replace(title="answered late", late=True)


class Outcomes(NamedTuple):
    """What became of the sessions.

    all:    how many there were
    better: those that have an answer with ours alone
    faults: those that have an answer, or a refusal, with qemu.qmp alone
    """

    all: int
    better: int
    faults: list[str]


def outcomes() -> Outcomes:
    """Run each session with both clients."""
    count = better = 0
    faults = []
    for script in scripts():
        count += 1
        mine, theirs = (_with_server(script, run) for run in (_ours, _qemu_qmp))
        if theirs in _NO_ANSWER:
            better += mine not in _NO_ANSWER
        elif mine != theirs:
            faults.append(f"{script.title}: {mine}, qemu.qmp: {theirs}: {script}")
    return Outcomes(count, better, faults)


class _Server(threading.Thread):
    """A server that serves one client by its script."""

    def __init__(self, script: Script, listener: socket.socket) -> None:
        super().__init__(daemon=True)
        self._script = script
        self._listener = listener

    def run(self) -> None:
        with contextlib.suppress(OSError):
            connected, _ = self._listener.accept()
            with connected:
                connected.settimeout(_SECONDS)
                self._serve(connected, _request_ids(connected))

    def _serve(self, connected: socket.socket, requests: Iterator[str]) -> None:
        script = self._script
        if not self._send(connected, script.greeting, ""):
            return
        if not self._send(connected, script.agreement, next(requests, "")):
            return
        first = next(requests, "")
        if script.late:
            second = next(requests, "")
            self._send(connected, Sent(b'{"return": "late"_ID}\r\n'), first)
            first = second
        if self._send(connected, script.reply, first):
            next(requests, "")  # until the client hangs up

    @staticmethod
    def _send(connected: socket.socket, message: Sent, id: str) -> bool:
        """Send a message; False where the script hangs up."""
        member = f', "id": {json.dumps(id)}' if id else ""
        data = message.text.replace(b"_ID", member.encode())[: message.ends]
        for at in range(0, len(data), message.length):
            connected.sendall(data[at : at + message.length])
        return message.ends is None


def _request_ids(connected: socket.socket) -> Iterator[str]:
    """Yield the id of each request, "" for none; a request need not end in a newline."""
    text = ""
    while data := connected.recv(1 << 16):
        text += data.decode()
        with contextlib.suppress(ValueError):
            while text := text.strip():
                request, end = json.JSONDecoder().raw_decode(text)
                text = text[end:]
                yield str(request.get("id", ""))


def _with_server(script: Script, run: Callable[[str, bool], str]) -> str:
    """Return the end of a session of a client with the server of a script."""
    with (
        tempfile.TemporaryDirectory(prefix="qmpsh-") as folder,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        path = f"{folder}/s"
        listener.bind(path)
        listener.listen()
        server = _Server(script, listener)
        server.start()
        try:
            return run(path, script.late)
        finally:
            server.join(_SECONDS)


def _ours(path: str, late: bool) -> str:
    options = ClientOptions(connect_timeout=_SECONDS, shared=False)
    try:
        client = Client.connect(UnixAddress(path), options)
    except CannotConnect:
        return _NO_SESSION
    try:
        if late:
            with contextlib.suppress(ReplyTimeout):
                client.execute(Command(_NAME), _LATE)
        return json.dumps(client.execute(Command(_NAME), _SECONDS).value)
    except CommandFailed as refused:
        return f"refused: {refused.desc}"
    except QmpshError:
        return _LOST
    finally:
        client.close()


def _qemu_qmp(path: str, late: bool) -> str:
    return asyncio.run(_with_qemu_qmp(path, late=late))


async def _with_qemu_qmp(path: str, *, late: bool) -> str:
    client = QMPClient()
    try:
        await client.connect(path)
    except ConnectError:
        return _NO_SESSION
    except AssertionError:
        return _LOST  # that it has noticed while it still connects
    try:
        if late:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(client.execute(_NAME), _LATE)
        return json.dumps(await client.execute(_NAME))
    except ExecuteError as refused:
        return f"refused: {refused}"
    except QMPError:
        return _LOST
    finally:
        with contextlib.suppress(QMPError, EOFError, OSError):
            await client.disconnect()
