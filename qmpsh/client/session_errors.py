"""Why no session could be established, one sentence for each way in which a handshake fails.

Loaded only when a server is silent or fails: what this machine shows of it comes from `system/`.
"""

from __future__ import annotations

import math
import time
from typing import Final

from qmpsh.address import Address
from qmpsh.client.dialect import Dialect
from qmpsh.client.handshake import Silence
from qmpsh.errors import (
    Busy,
    CannotConnect,
    ConnectTimeout,
    FrameTooLong,
    NotQmp,
    ProtocolError,
    QmpshError,
)
from qmpsh.light_typing import NamedTuple
from qmpsh.system.diagnose import Finding, why_no_reply, why_not_to_connect, why_silent
from qmpsh.system.listener import SocketTable, inspect_listener
from qmpsh.system.proc import maybe_process

_NO_GREETING: Final = "no greeting from {address}: {what}"
_NOT_ENOUGH: Final = (
    "{address} sent {received} bytes within {timeout:g} s, and no greeting in them: it does"
    " not speak QMP, or the way to it is slow"
)
_MORE_TIME: Final = "--connect-timeout allows more time"
_SILENT: Final = "connected to {address}, but {silence}"
_NOT_NEGOTIATED: Final = (
    "{address} greeted, but did not answer qmp_capabilities within {timeout:g} s: the VM is"
    " stopped or overloaded"
)
_WAKE: Final = "kill -CONT wakes a stopped process, --connect-timeout gives a slow one longer"
_STRAYED: Final = "{address} greeted, and then sent what is not QMP: {sample}"
_CLOSED: Final = (
    "{address} closed the connection before a session began: the VM has just ended, or"
    " something else than QEMU listens there"
)
_NO_PROMPT: Final = (
    "{address} greeted as an HMP monitor, but did not get to its prompt within {timeout:g} s: the"
    " VM is stopped or overloaded"
)
_NOT_QMP: Final = "{address} does not speak QMP: {what}"
_BEGAN_OTHERWISE: Final = "{address} does not speak QMP; it began with {sample}"

_TLS: Final = ("speaks TLS", "use tls:HOST:PORT?ca=FILE")
_STRANGERS: Final = {
    b"RFB ": ("is a VNC server, not a QMP monitor", ""),
    b"SSH-": ("is an SSH server, not a QMP monitor", ""),
    b"HTTP/": ("is a web server, not a QMP monitor", ""),
    b"\x16\x03": _TLS,
    b"\x15\x03": _TLS,
}
"""The first bytes of what is not QMP, what it is and what to do next.

Source: wire.md sections 2 and 12.
"""

_SAMPLE_BYTES = 40  # bytes of what a stranger said


class _Silence(NamedTuple):
    """The sentences on a server that is silent.

    missing: what does not come; whose: before its address; notice: after the connecting;
    end: in its place, its `{}` is how long was waited; todo: what to do next, after the end.
    """

    missing: str
    whose: str
    notice: str
    end: str
    todo: str = ""


_OF_MONITORS: Final = _Silence(
    "greeting",
    "from",
    "no greeting yet: another client may hold this monitor, which serves one at a time, or it is"
    " a guest agent, which needs --guest-agent",
    "no greeting within {} s: another client probably holds this monitor, which serves one at a"
    " time, or the VM is stopped",
    "close that client, or give QEMU a second -qmp; a guest agent's socket needs --guest-agent",
)
_OF_AGENTS: Final = _Silence(
    "answer of the guest agent",
    "at",
    "no answer from the guest agent yet: it may not run in the guest, or another client may hold"
    " it",
    "the guest agent did not answer within {} s: qemu-ga does not run in the guest, the VM is"
    " stopped or has no device for it (-device virtserialport,name=org.qemu.guest_agent.0), or"
    " another client holds this socket",
)


def _silence(dialect: Dialect) -> _Silence:
    return _OF_MONITORS if dialect.greets else _OF_AGENTS


def check_silent(address: Address, dialect: Dialect, quiet: Silence) -> None:
    """Raise NotQmp if this machine shows that something other than QMP is spoken there."""
    if not dialect.greets or quiet.received():
        return
    finding = _maybe_cause(address, quiet.fileno())
    if finding is not None and finding.error is NotQmp:
        raise NotQmp(_NO_GREETING.format(address=address, what=finding.what), finding.todo)


def waiting(address: Address, timeout: float | None, dialect: Dialect, quiet: Silence) -> str:
    """Return the notice while a connection is silent."""
    limit = "" if timeout is None else f" up to {timeout:g} s"
    if quiet.received() and dialect.greets:
        return f"{address} has not greeted yet, though it sends something; waiting{limit}"
    finding = _maybe_finding(address, dialect, quiet)
    if finding is not None:
        silence = _silence(dialect)
        missing = f"{silence.missing} {silence.whose} {address}"
        return f"no {missing} yet: {finding.what}; waiting{limit}"
    return f"connected to {address}, but {_silence(dialect).notice}; waiting{limit}"


def still_waiting(address: Address, dialect: Dialect, fd: int) -> str:
    """Return the notice of a long wait without a limit; it leaves out the address."""
    quiet = Silence(lambda: fd, -math.inf)
    finding, silence = _maybe_finding(address, dialect, quiet), _silence(dialect)
    what = f"no {silence.missing} yet: {finding.what}" if finding else silence.notice
    return f"{what}; still waiting"


def no_reply(address: Address, fd: int) -> str:
    """Return the notice while a command is not answered. fd: the connection"""
    listener = inspect_listener(address, fd).listener
    if listener is None:
        # Imported here: few monitors are a libvirt domain's.
        from qmpsh.client.discovery import maybe_domain

        domain = maybe_domain(address)
        listener = maybe_process(domain.pid) if domain is not None and domain.pid else None
    finding = why_no_reply(listener)
    return f"no reply yet: {finding.what}; {finding.todo}"


def no_greeting(
    address: Address,
    timeout: float,
    dialect: Dialect,
    quiet: Silence,
    sockets: SocketTable | None = None,
) -> CannotConnect:
    """Return why there was silence. quiet: the connection; sockets: see `inspect_listener`"""
    if quiet.received() and dialect.greets:
        return NotQmp(
            _NOT_ENOUGH.format(address=address, received=quiet.received(), timeout=timeout),
            _MORE_TIME,
        )
    finding, silence = _maybe_finding(address, dialect, quiet, sockets), _silence(dialect)
    if finding is not None:
        missing = f"{silence.missing} {silence.whose} {address}"
        return finding.error(f"no {missing} within {timeout:g} s: {finding.what}", finding.todo)
    return Busy(
        _SILENT.format(address=address, silence=silence.end.format(f"{timeout:g}")), silence.todo
    )


def _maybe_finding(
    address: Address, dialect: Dialect, quiet: Silence, sockets: SocketTable | None = None
) -> Finding | None:
    """Return why there is silence, if this machine shows it; None for a known guest agent."""
    seconds = time.monotonic() - quiet.since
    finding = why_silent(address, quiet.fileno(), seconds, sockets)
    if not dialect.greets:
        return None if finding is not None and finding.error is NotQmp else finding
    if finding is None or finding.error is Busy:
        # Imported here: few monitors are shared, and silent all the same.
        from qmpsh.client.sharing import why_not_through

        return why_not_through(address) or finding
    return finding


def _maybe_cause(address: Address, fd: int = -1) -> Finding | None:
    """Return what this machine shows of a server. fd: our own connection, -1 for none"""
    return why_not_to_connect(address, inspect_listener(address, fd))


def no_agreement(address: Address, timeout: float, dialect: Dialect) -> ConnectTimeout:
    """Return the error for a server that greeted and then did not answer."""
    what = _NOT_NEGOTIATED if dialect.qmp else _NO_PROMPT
    return ConnectTimeout(what.format(address=address, timeout=timeout), _WAKE)


def refusal(address: Address, lost: QmpshError | None, *, greeted: bool) -> CannotConnect:
    """Return why no session could be established, from how the connection was lost."""
    if isinstance(lost, CannotConnect):
        return lost
    if not isinstance(lost, ProtocolError):
        return _ended(address)
    if isinstance(lost, FrameTooLong) or not lost.data:
        return NotQmp(f"{address}: {lost}")
    if greeted:
        return NotQmp(_STRAYED.format(address=address, sample=_sample(lost.data)))
    return _not_qmp(address, lost.data)


def _ended(address: Address) -> CannotConnect:
    """Return the error for an end of the stream before the session began."""
    return CannotConnect(_CLOSED.format(address=address))


def _not_qmp(address: Address, data: bytes) -> NotQmp:
    """Return the error for data that is not QMP. data: its first bytes"""
    finding = _maybe_cause(address)
    is_known = finding is not None and finding.error is NotQmp
    for beginning, (kind, todo) in _STRANGERS.items():
        # However the bytes were cut: the first piece may be too short to recognise.
        if data.startswith(beginning) or beginning.startswith(data):
            return NotQmp(f"{address} {kind}", finding.todo if finding and is_known else todo)
    if finding is not None and is_known:
        return NotQmp(_NOT_QMP.format(address=address, what=finding.what), finding.todo)
    return NotQmp(_BEGAN_OTHERWISE.format(address=address, sample=_sample(data)))


def _sample(data: bytes) -> str:
    return ascii(data[:_SAMPLE_BYTES])[1:]
