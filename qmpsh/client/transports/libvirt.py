"""`libvirt:[URI#]DOMAIN`: a VM that belongs to libvirt, here or at a `qemu+ssh://` host.

libvirt keeps its monitor: the commands go through libvirt's own pass-through, and a bridge makes a
stream of that, which is QMP on a socket pair. Every call of libvirt blocks, so the bridge adds two
threads to the program's one: its own runs commands, one after the other as libvirt itself does;
libvirt's event loop writes the events, so that a slow command does not delay them. Both speak to
the program through the socket pair, and store why it ended (`error`) before they close it.

Source: libvirt-qemu.h, virDomainQemuMonitorCommand, virConnectDomainQemuMonitorEventRegister.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Final

from qmpsh.address import Transport, refusal
from qmpsh.client.connect import SocketStream
from qmpsh.client.poll import READ, wait_for
from qmpsh.client.transports.libvirt_api import (
    COMMANDS_THREAD,
    Domain,
    Host,
    Library,
    LibvirtError,
    connect,
    find_domain,
    is_tainted,
    list_domains,
    load,
    not_running,
    reason,
)
from qmpsh.errors import CannotConnect, ConnectionLost, ConnectTimeout, QmpshError, UsageError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.framing import DECODING, MessageFramer, Pause
from qmpsh.stream import Stream

_FAILED: Final = "libvirt: {kind}: {reason}"
_NO_PASSTHROUGH: Final = "libvirt passes no commands to the domain {name}: {reason}"
_TAINTED: Final = (
    "libvirt now marks the domain {name} as tainted (custom-monitor): it does not see what commands"
    " to the monitor change"
)
_NO_OOB: Final = "libvirt passes no out-of-band commands on; send it in band"
_COMMAND_FAILED: Final = "libvirt: {reason}"
_HUNG_UP: Final = (
    "libvirt at {uri} hung up: its daemon ended, or the connection to it broke; the domain"
    " may still be running"
)
_NO_NAME: Final = (
    "the name of a domain holds no slash and no line break; libvirt:DOMAIN or"
    " libvirt:URI#DOMAIN is expected"
)
_UNNAMED: Final = "no domain is named: `qmpsh {address}` lists those that are there"
_BUSY: Final = (
    "the domain {domain} did not answer libvirt{within}: its QEMU is stopped, or busy with"
    " another command"
)
_NO_ANSWER: Final = "no answer from libvirt{within}"
_CHECK_HOST: Final = "check {address}, and whether its host can be reached"

_READ_BYTES = 64 * 1024  # bytes of one read
_LAST_EVENTS_SECONDS = 2.0  # seconds that a domain which has ended may take to report it
_AMBIGUOUS_ERRORS = frozenset({1, 9, 38, 55})
"""The errors that a command gets whose QEMU ends meanwhile, and others as well:
VIR_ERR_INTERNAL_ERROR, VIR_ERR_OPERATION_FAILED, VIR_ERR_SYSTEM_ERROR, VIR_ERR_OPERATION_INVALID.
"""
_VERSION = '{"execute":"query-version"}'


class Bridge:
    """A socket pair whose far end libvirt's pass-through to one domain serves.

    uri: "" for libvirt's own choice; name: the domain, by id, uuid or name.

    near: the program's end of the socket pair; error: why the bridge ended, None where the domain
    did; found: the domain is there, so that it is QEMU that is waited for
    """

    def __init__(self, library: Library, uri: str, name: str) -> None:
        self.near, self._far = socket.socketpair()
        self.error: QmpshError | None = None
        self.found = False
        self._library = library
        self._uri = uri
        self._name = name
        self._writing = threading.Lock()  # messages go out whole
        self._over = threading.Event()  # nothing more is written
        # A daemon: no call of libvirt can be taken back, and a command that is stuck in the VM
        # would hold up the end of the process for good.
        threading.Thread(target=self._run, name=COMMANDS_THREAD, daemon=True).start()

    def _run(self) -> None:
        try:
            self._cross()
        except QmpshError as error:
            self._end(error)
        except Exception as error:
            # The top of a thread: no caller above would see it.
            self._end(
                CannotConnect(_FAILED.format(kind=type(error).__name__, reason=reason(error)))
            )
        finally:
            self._end()
            with self._writing:
                self._far.close()

    def _cross(self) -> None:
        """Connect, greet, and serve until the program's end is closed. Raises QmpshError."""
        host = connect(self._library, self._uri)
        with contextlib.ExitStack() as undone:
            undone.callback(self._quietly, host.close)
            domain = find_domain(self._library, host, self._name)
            self.found = True
            try:
                self._subscribe(host, domain, undone)
                greeting = self._greeting(domain)
            except self._library.core.libvirtError as error:
                raise self._refusal(host, domain, error) from error
            self._write(greeting)
            for request in self._requests():
                reply = self._reply(host, domain, request)
                if reply is None:
                    self._end()
                else:
                    self._write(reply)

    def _quietly(self, undo: Callable[[], object]) -> None:
        """Undo what may be undone already, by the end of the other side."""
        with contextlib.suppress(self._library.core.libvirtError):
            undo()

    # ------------------------------------------------------------------------ commands

    def _greeting(self, domain: Domain) -> JsonObject:
        """As QEMU would greet, without out-of-band commands; `remark` is for the user.

        Raises libvirtError.
        """
        body: JsonObject = {"version": {}, "capabilities": []}
        if not is_tainted(self._library, domain):
            body["remark"] = _TAINTED.format(name=domain.name())
        reply = json.loads(self._library.qemu.qemuMonitorCommand(domain, _VERSION, 0))
        body["version"] = reply.get("return", {})
        return {"QMP": body}

    def _refusal(self, host: Host, domain: Domain, error: LibvirtError) -> CannotConnect:
        if self._is_over(domain, error):
            return not_running(host, domain.name())
        return CannotConnect(_NO_PASSTHROUGH.format(name=domain.name(), reason=reason(error)))

    def _requests(self) -> Iterator[JsonObject]:
        """What the program sends, until it closes its end."""
        framer = MessageFramer()
        while True:
            frame = framer.next_frame()
            if not isinstance(frame, Pause):
                yield frame.object
                continue
            if frame is DECODING:
                continue
            try:
                data = self._far.recv(_READ_BYTES)
            except ConnectionResetError:  # closed with a message unread
                return
            if not data:
                return
            framer.receive_data(data)

    def _reply(self, host: Host, domain: Domain, request: JsonObject) -> JsonObject | None:
        """What the program gets; None where the domain has ended, and no answer will come.

        Raises ConnectionLost where libvirt is gone.
        """
        # Ids are libvirt's own to give: it refuses a request that has one.
        id = request.pop("id", None)
        if request.get("execute") == "qmp_capabilities":
            return {"return": {}, "id": id}
        if "exec-oob" in request:
            return _refused(id, _NO_OOB)
        try:
            text = self._library.qemu.qemuMonitorCommand(domain, json.dumps(request), 0)
        except self._library.core.libvirtError as error:
            if not host.isAlive():
                raise _hung_up(host) from error
            if self._is_over(domain, error):
                return None
            return _refused(id, _COMMAND_FAILED.format(reason=reason(error)))
        reply: JsonObject = json.loads(text)
        reply["id"] = id
        return reply

    def _is_over(self, domain: Domain, error: LibvirtError) -> bool:
        """Whether the domain has ended; its last events, SHUTDOWN among them, have come then.

        The end breaks a command a moment before libvirt calls the domain ended.
        """
        if error.get_error_code() in _AMBIGUOUS_ERRORS:
            self._over.wait(_LAST_EVENTS_SECONDS)
        with contextlib.suppress(self._library.core.libvirtError):
            if domain.isActive():
                return False
        self._over.wait(_LAST_EVENTS_SECONDS)
        return True

    # ------------------------------------------------------------------------ events

    def _subscribe(self, host: Host, domain: Domain, undone: contextlib.ExitStack) -> None:
        """Receive events until the stack is unwound. Raises libvirtError."""
        core, qemu = self._library
        events = qemu.qemuMonitorEventRegister(host, domain, None, self._on_event, None)
        undone.callback(self._quietly, lambda: qemu.qemuMonitorEventDeregister(host, events))
        kind = core.VIR_DOMAIN_EVENT_ID_LIFECYCLE
        life = host.domainEventRegisterAny(domain, kind, self._on_lifecycle, None)
        undone.callback(self._quietly, lambda: host.domainEventDeregisterAny(life))
        host.registerCloseCallback(self._on_close, None)
        undone.callback(self._quietly, host.unregisterCloseCallback)

    def _on_event(
        self,
        _host: Host,
        _domain: Domain,
        name: str,
        seconds: int,
        microseconds: int,
        data: str | None,
        _opaque: object,
    ) -> None:
        timestamp: JsonObject = {"seconds": seconds, "microseconds": microseconds}
        event: JsonObject = {"timestamp": timestamp, "event": name}
        if data is not None:
            event["data"] = json.loads(data)
        self._write(event)

    def _on_lifecycle(
        self, _host: Host, _domain: Domain, what: int, _why: int, _opaque: object
    ) -> None:
        """The end of QEMU is the end of the stream; it comes after SHUTDOWN."""
        if what == self._library.core.VIR_DOMAIN_EVENT_STOPPED:
            self._end()

    def _on_close(self, host: Host, _why: int, _opaque: object) -> None:
        self._end(_hung_up(host))

    # ------------------------------------------------------------------------ the socket pair

    def _write(self, message: JsonObject) -> None:
        """Waits while the program reads nothing; until it closes its end at the longest."""
        data = json.dumps(message).encode() + b"\n"
        with self._writing, contextlib.suppress(OSError):
            if not self._over.is_set():
                self._far.sendall(data)

    def _end(self, error: QmpshError | None = None) -> None:
        """End the stream; only the first time says why."""
        with self._writing:
            if self._over.is_set():
                return
            self.error = error
            self._over.set()
            with contextlib.suppress(OSError):
                self._far.shutdown(socket.SHUT_WR)


def _refused(id: Json, desc: str) -> JsonObject:
    """An error of ours, in the shape of QEMU's."""
    return {"error": {"class": "GenericError", "desc": desc}, "id": id}


def _hung_up(host: Host) -> ConnectionLost:
    return ConnectionLost(_HUNG_UP.format(uri=host.getURI()))


class BridgeStream(SocketStream):
    """The program's end of a bridge: where it ended for a reason, that is what ends the stream."""

    __slots__ = ("_bridge", "_has_received")

    def __init__(self, bridge: Bridge) -> None:
        super().__init__(bridge.near)
        self._bridge = bridge
        self._has_received = False

    def recv(self, size: int) -> bytes | None:
        data = super().recv(size)
        error = self._bridge.error
        if data == b"" and error is not None:
            is_refusal = isinstance(error, CannotConnect) and not self._has_received
            raise error if is_refusal else ConnectionLost(str(error)) from error
        self._has_received = self._has_received or bool(data)
        return data


_OVER_SSH: Final = r"[a-z0-9]+\+(ssh|libssh2?):"


class LibvirtAddress(Transport):
    """A domain of libvirt as an address.

    uri: "" for libvirt's own choice, as virsh makes it; domain: a name, uuid or id, "" if
    none is named: such an address lists the domains, and leads to none of them.
    """

    scheme = "libvirt"
    form = "libvirt:[URI#]DOMAIN"
    help = "through libvirt; libvirt: alone lists its domains"
    is_local_relay = True
    needs_cleanup = True
    makes_greeting = True

    def __init__(self, uri: str, domain: str) -> None:
        self.uri = uri
        self.domain = domain

    @classmethod
    def parse(cls, text: str) -> LibvirtAddress:
        """What stands before the first `#` is a URI, or an alias of libvirt.conf; without one, what
        holds `://` is a URI, and all else a domain.
        """
        rest = text.removeprefix("libvirt:")
        uri, mark, domain = rest.partition("#")
        if not mark and "://" not in rest:
            uri, domain = "", rest
        if "\n" in rest or "/" in domain:
            raise refusal(
                text,
                _NO_NAME,
            )
        return cls(uri, domain)

    def __str__(self) -> str:
        needs_uri = self.uri or "#" in self.domain or "://" in self.domain
        return f"libvirt:{self.uri}{'#' if needs_uri else ''}{self.domain}"

    @property
    def names_server(self) -> bool:
        return bool(self.domain)

    def open(self, timeout: float | None) -> Stream:
        """Raises CannotConnect, of which ConnectTimeout; ssh may ask for a password meanwhile."""
        bridge = self._bridge(self.uri)
        stream = BridgeStream(bridge)
        try:
            self._wait(bridge, timeout)
        except BaseException:
            # Closed at once, an interrupt included: else a slow libvirt would serve us later.
            stream.close()
            raise
        return stream

    def begin(self) -> Stream:
        """Raises CannotConnect; ssh asks for nothing, since a screen may have the terminal."""
        uri = self.uri or os.environ.get("LIBVIRT_DEFAULT_URI", "")
        if re.match(_OVER_SSH, uri):
            uri += f"{'&' if '?' in uri else '?'}no_tty=1"
        return BridgeStream(self._bridge(uri))

    def _bridge(self, uri: str) -> Bridge:
        if not self.domain:
            raise UsageError(_UNNAMED.format(address=self))
        return Bridge(load(), uri, self.domain)

    def _wait(self, bridge: Bridge, timeout: float | None) -> None:
        if not _is_readable(bridge, timeout):
            raise self._silence(bridge, timeout)
        if bridge.error is not None:
            raise bridge.error

    def _silence(self, bridge: Bridge, timeout: float | None) -> ConnectTimeout:
        if bridge.found:
            return ConnectTimeout(_BUSY.format(domain=self.domain, within=_within(timeout)))
        return _no_answer(self, timeout)


def domains(address: LibvirtAddress, timeout: float | None) -> list[JsonObject]:
    """The domains at the address's URI: `id` (null where not active), `name` and `state`.

    Raises CannotConnect, of which ConnectTimeout.
    """
    library = load()
    found: list[list[JsonObject]] = []
    errors: list[QmpshError] = []

    def look() -> None:
        try:
            found.append(list_domains(library, address.uri))
        except QmpshError as error:
            errors.append(error)

    # A thread of its own, since no call of libvirt knows of a limit, nor of Ctrl-C.
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(timeout)
    if errors:
        raise errors[0]
    if not found:
        raise _no_answer(address, timeout)
    return found[0]


def _no_answer(address: LibvirtAddress, timeout: float | None) -> ConnectTimeout:
    return ConnectTimeout(
        _NO_ANSWER.format(within=_within(timeout)),
        _CHECK_HOST.format(address=address),
    )


def _within(timeout: float | None) -> str:
    return "" if timeout is None else f" within {timeout:g} s"


def _is_readable(bridge: Bridge, timeout: float | None) -> bool:
    """Wait for the greeting, or for the end; False when the time ran out."""
    return bool(wait_for({bridge.near.fileno(): READ}, timeout))
