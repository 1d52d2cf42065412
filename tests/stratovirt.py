"""A monitor that behaves as StratoVirt's: `python -m tests.stratovirt PATH`.

From its source: of 2.5.0 what wire.md section 13 says, and the bucket and its place, one a client,
from util/src/leak_bucket.rs and machine_manager/src/qmp/qmp_socket.rs of revisions not pinned down.
Never measured beside the program itself, which wants KVM and a kernel. What it does with the wire
is meant to be exact: one read is one request, ids are strings, 100 requests a second, events behind
replies. The machine behind it is a toy: half of its commands take any arguments and do nothing, and
of serde's error texts the wording is kept but for the columns.

    --old           greets with the key "StratoVirt", and misspells the time of its events
    --failing NAME  this command's handler fails, which is told with an empty text; repeatable
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from qmpsh.jsontypes import Json, JsonObject

LIMIT: Final = 100  # requests a second
LONGEST: Final = 8192  # bytes of one read
EVENTS_KEPT: Final = 50
RIGHTS: Final = socket.CMSG_SPACE(8)  # room for two descriptors


class Refusal(Exception):
    """A GenericError; without an id where the request was not even read (its id is not known)."""


# ------------------------------------------------------------------------ the rate


class LeakBucket:
    """Full above `rate`; leaks `rate` a second. Once full it stays shut until it has leaked."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._level = 0.0
        self._looked = time.monotonic()
        self._shut_until = 0.0

    def throttled(self) -> bool:
        """Whether one more is too many; else it is counted."""
        now = time.monotonic()
        if now < self._shut_until:
            return True
        self._level = max(0.0, self._level - (now - self._looked) * self._rate)
        self._looked = now
        if self._level > self._rate:
            self._shut_until = now + (self._level - self._rate) / self._rate
            return True
        self._level += 1
        return False


# ------------------------------------------------------------------------ the machine


class Machine:
    """A toy: devices, block nodes and a run state. events: raised and not yet sent."""

    def __init__(self) -> None:
        self.running = True
        self.ended = False
        self.devices: set[str] = set()
        self.nodes: set[str] = set()
        self.fds: dict[str, int] = {}
        self.events: deque[tuple[str, JsonObject]] = deque(maxlen=EVENTS_KEPT)

    def tell(self, name: str, data: JsonObject | None = None) -> None:
        self.events.append((name, data or {}))


class Call(NamedTuple):
    """One request to a handler. fd: the last that came with the same read."""

    machine: Machine
    arguments: JsonObject
    fd: int | None


Handler = Callable[[Call], Json]


def _fail(call: Call) -> Json:
    raise Refusal("")


def _nothing(call: Call) -> Json:
    return {}


def _always(value: Json) -> Handler:
    return lambda call: value


def _set_running(running: bool, event: str) -> Handler:
    def handle(call: Call) -> Json:
        call.machine.running = running
        call.machine.tell(event)
        return {}

    return handle


def _status(call: Call) -> Json:
    running = call.machine.running
    status = "running" if running else "paused"
    return {"running": running, "singlestep": False, "status": status}


def _telling(event: str) -> Handler:
    def handle(call: Call) -> Json:
        call.machine.tell(event)
        return {}

    return handle


def _device_add(call: Call) -> Json:
    id = str(call.arguments["id"])
    if id in call.machine.devices:
        raise Refusal(f"Device {id} already exists")
    call.machine.devices.add(id)
    return {}


def _device_del(call: Call) -> Json:
    id = str(call.arguments["id"])
    if id not in call.machine.devices:
        raise Refusal(f"Device {id} not found")
    call.machine.devices.remove(id)
    # In older ones and in the manual the path is but the id.
    call.machine.tell("DEVICE_DELETED", {"device": id, "path": id})
    return {}


def _blockdev_add(call: Call) -> Json:
    call.machine.nodes.add(str(call.arguments["node-name"]))
    return {}


def _blockdev_del(call: Call) -> Json:
    name = str(call.arguments["node-name"])
    if name not in call.machine.nodes:
        raise Refusal(f'Drive with id "{name}" not found')
    call.machine.nodes.remove(name)
    return {}


def _getfd(call: Call) -> Json:
    if call.fd is None:
        raise Refusal("Invalid SCM message")
    name = str(call.arguments["fdname"])
    if name in call.machine.fds:
        os.close(call.machine.fds[name])
    call.machine.fds[name] = os.dup(call.fd)
    return {}


def _hmp(call: Call) -> Json:
    words = str(call.arguments["command-line"]).split()
    match words:
        case ["info", "snapshots"]:
            return "There is no snapshot available.\r\n"
        case ["drive_add", _, _]:
            return "OK\r\n"
        case ["drive_del", _]:
            return {}
        case ["info" | "drive_add" | "drive_del", *_]:
            raise Refusal("Invalid number of arguments")
    raise Refusal(f"Unsupported command: {words[0] if words else ''}")


def _quit(call: Call) -> Json:
    call.machine.ended = True
    call.machine.tell("SHUTDOWN", {"guest": False, "reason": "host-qmp-quit"})
    return {}


# ------------------------------------------------------------------------ the commands


class Row(NamedTuple):
    """A command. known: its members, None where any are taken and left alone; required: those
    that must be there; wants_arguments: the member `arguments` itself must, empty or not;
    echoes_id: False for the two whose replies bear none.
    """

    handler: Handler
    known: tuple[str, ...] | None = ()
    required: tuple[str, ...] = ()
    wants_arguments: bool = False
    echoes_id: bool = True


def _of(handler: Handler, required: str, optional: str = "") -> Row:
    """A command with arguments."""
    needed = tuple(required.split())
    return Row(handler, (*needed, *optional.split()), needed, wants_arguments=bool(needed))


_DEVICE = (
    "addr bus mac netdev drive serial chardev virtqueue_size boot_index multifunction mq vectors"
    " num-queues queue-size max_ports nr rng disable-modern host sysfsdev iothread"
)
_EMPTY_LISTS = "qom-list qom-get query-block query-named-block-nodes query-blockstats"
_EVENTS = (
    "SHUTDOWN RESET STOP RESUME POWERDOWN CPU_RESIZE DEVICE_DELETED BALLOON_CHANGED"
    " USB_HOST_ADD_RES AUDIO_CHANGED VM_NOTIFY_EVENT"
)
_PLAIN = (
    "cameradev_add cameradev_del chardev-add chardev-remove get-viomem input_event migrate"
    " migrate_cancel netdev_add netdev_del netlink_set query-balloon query-command-line-options"
    " query-cpus query-display-image query-gic-capabilities query-hotpluggable-cpus query-machines"
    " query-mem query-mem-gpa query-migrate query-migrate-capabilities query-ohui-status"
    " query-qmp-schema query-sev-capabilities query-target query-tpm-models query-tpm-types"
    " query-vcpu-reg query-vnc set-viomem switch-audio-record trace-get-state trace-set-state"
    " update_region blockdev-snapshot-internal-sync blockdev-snapshot-delete-internal-sync"
)
"""Commands whose doings and arguments are not played: they take any and answer `{}`."""

COMMANDS: dict[str, Row] = {
    "qmp_capabilities": Row(_nothing, echoes_id=False),
    "quit": Row(_quit),
    "stop": Row(_set_running(False, "STOP")),
    "cont": Row(_set_running(True, "RESUME")),
    **{name: Row(_nothing, None) for name in _PLAIN.split()},
    **{name: Row(_always([]), None) for name in _EMPTY_LISTS.split()},
    "query-block-jobs": Row(_always([])),
    "query-chardev": Row(_always([{"label": "serial0", "filename": "pty:/dev/pts/9"}])),
    "query-iothreads": Row(_always([{"id": "iothread1", "thread-id": 7}])),
    "query-kvm": Row(_always({"enabled": True, "present": True})),
    "query-version": Row(
        _always({"package": "StratoVirt-2.5.0", "qemu": {"major": 5, "minor": 0, "micro": 1}})
    ),
    "query-commands": Row(lambda call: [{"name": name} for name in sorted(COMMANDS)]),
    "query-events": Row(_always([{"name": name} for name in _EVENTS.split()])),
    "query-status": Row(_status),
    "qom-list-types": Row(
        _always([{"name": "virtio-net-pci", "parent": "pci-device"}]), ("implements", "abstract")
    ),
    "device-list-properties": _of(_always([]), "typename"),
    "query-workloads": Row(_always([]), wants_arguments=True),
    "detect-silent-audio": Row(_nothing, wants_arguments=True),
    "block-commit": Row(_nothing, None, echoes_id=False),
    "system_reset": Row(_telling("RESET")),
    "system_powerdown": Row(_telling("POWERDOWN")),
    "balloon": _of(_telling("BALLOON_CHANGED"), "value"),
    "device_add": _of(_device_add, "id driver", _DEVICE),
    "device_del": _of(_device_del, "id"),
    "blockdev-add": _of(
        _blockdev_add,
        "node-name file",
        "media cache read-only driver aio discard detect-zeroes throttling.iops-total",
    ),
    "blockdev-del": _of(_blockdev_del, "node-name"),
    "getfd": _of(_getfd, "fdname"),
    "human-monitor-command": _of(_hmp, "command-line"),
    # What this kind of machine cannot do is told as a success.
    "netdev_replace": Row(_always("netdev_replace not supported for VM"), None),
}


# ------------------------------------------------------------------------ requests


def _request(text: str) -> tuple[str, JsonObject, str | None]:
    """Name, arguments and id of a read's text. Raises Refusal with serde's words."""
    text = text.strip()
    try:
        request, end = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        at_end = error.pos >= len(text) or error.msg.startswith("Unterminated")
        what = "EOF while parsing a value" if at_end else "expected value"
        raise Refusal(f"{what} at line 1 column {error.pos}") from error
    if end != len(text):
        column = len(text[: end + 1].rpartition("\n")[2])
        line = text.count("\n", 0, end + 1) + 1
        raise Refusal(f"trailing characters at line {line} column {column}")
    if not isinstance(request, dict):
        raise Refusal("invalid type, expected internally tagged enum QmpCommand")
    if "execute" not in request:
        raise Refusal(f"missing field `execute` at line 1 column {end}")
    return _checked(request)


def _checked(request: JsonObject) -> tuple[str, JsonObject, str | None]:
    name, id, arguments = request["execute"], request.get("id"), request.get("arguments", {})
    row = COMMANDS.get(name) if isinstance(name, str) else None
    if row is None or not isinstance(name, str):
        names = ", ".join(f"`{known}`" for known in COMMANDS)
        raise Refusal(f"unknown variant `{name}`, expected one of {names}")
    for member in request:
        if member not in ("execute", "arguments", "id"):
            raise Refusal(f"unknown field `{member}`, expected `arguments` or `id`")
    if id is not None and not isinstance(id, str):
        kind = "integer" if isinstance(id, int) else "value"
        raise Refusal(f"invalid type: {kind} `{json.dumps(id)}`, expected a string")
    if row.wants_arguments and "arguments" not in request:
        raise Refusal("missing field `arguments`")
    if not isinstance(arguments, dict):
        raise Refusal(f"invalid type, expected struct {name}")
    _check_members(name, row, arguments)
    return name, arguments, id


def _check_members(name: str, row: Row, arguments: JsonObject) -> None:
    for member in arguments:
        if row.known is not None and member not in row.known:
            names = ", ".join(f"`{known}`" for known in row.known)
            expected = f"expected one of {names}" if names else "there are no fields"
            raise Refusal(f"unknown field `{member}`, {expected}")
    for member in row.required:
        if member not in arguments:
            raise Refusal(f"missing field `{member}`")


# ------------------------------------------------------------------------ the server


class Server:
    """One client at a time: while there is one, the listener is not looked at.

    failing: commands whose handlers fail; old: greet and tell the time as old ones did
    """

    def __init__(self, path: str, failing: Sequence[str] = (), *, old: bool = False) -> None:
        self._machine = Machine()
        self._failing = frozenset(failing)
        self._old = old
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(1)

    def serve(self) -> None:
        """Serve one client after the other, until one of them ends the machine."""
        while not self._machine.ended:
            client, _ = self._listener.accept()
            with client, contextlib.suppress(ConnectionError):
                self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        bucket = LeakBucket(LIMIT)  # each client has one of its own
        self._send(client, self._greeting())
        while not self._machine.ended:
            select.select([client], [], [])
            if bucket.throttled():
                if not self._read(client)[0]:
                    return
                said = f"More than {LIMIT} requests received during 1 second"
                self._send(client, _error("OperationThrottled", said))
                continue
            data, fds = self._read(client)
            if not data:
                return
            self._send(client, self._answer(data, fds))
            for fd in fds:
                os.close(fd)
            while self._machine.events:
                self._send(client, self._event(*self._machine.events.popleft()))

    def _greeting(self) -> JsonObject:
        number: JsonObject = {"micro": 1, "minor": 0, "major": 5}
        version: JsonObject = {"qemu": number, "package": "StratoVirt-2.5.0"}
        if self._old:
            version = {"StratoVirt": number, "package": ""}
        return {"QMP": {"version": version, "capabilities": []}}

    def _event(self, name: str, data: JsonObject) -> JsonObject:
        now = time.time()
        seconds = "ds" if self._old else "seconds"
        stamp: JsonObject = {seconds: int(now), "microseconds": int(now % 1 * 1e6)}
        return {"event": name, "data": data, "timestamp": stamp}

    def _read(self, client: socket.socket) -> tuple[bytes, list[int]]:
        """All there is to read, and the descriptors that came with it; b"" at the end."""
        data = b""
        fds: list[int] = []
        while True:
            try:
                piece, rights, _, _ = client.recvmsg(65536, RIGHTS, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return data, fds
            for level, kind, held in rights:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds += memoryview(held[: len(held) // 4 * 4]).cast("i").tolist()
            if not piece:
                return data, fds
            data += piece

    def _answer(self, data: bytes, fds: list[int]) -> JsonObject:
        if len(data) > LONGEST:
            return _error("GenericError", "The socket message is too long.")
        id: str | None = None
        try:
            name, arguments, id = _request(data.decode(errors="replace"))
            if not COMMANDS[name].echoes_id:
                id = None
            handler = _fail if name in self._failing else COMMANDS[name].handler
            call = Call(self._machine, arguments, fds[-1] if fds else None)
            reply: JsonObject = {"return": handler(call)}
        except Refusal as refusal:
            reply = _error("GenericError", str(refusal))
        return reply if id is None else {**reply, "id": id}

    def _send(self, client: socket.socket, message: JsonObject) -> None:
        """Compact; the text with its \\r, and the \\n in a segment of its own."""
        text = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
        client.sendall(f"{text}\r".encode())
        client.sendall(b"\n")


def _error(kind: str, desc: str) -> JsonObject:
    return {"error": {"class": kind, "desc": desc}}


def main() -> None:
    """Serve on a path until a client sends quit."""
    parser = argparse.ArgumentParser(prog="python -m tests.stratovirt")
    parser.add_argument("path")
    parser.add_argument("--old", action="store_true")
    parser.add_argument("--failing", action="append", default=[])
    options = parser.parse_args()
    Server(options.path, options.failing, old=options.old).serve()


if __name__ == "__main__":
    main()
