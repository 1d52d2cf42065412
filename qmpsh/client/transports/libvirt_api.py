"""As much of libvirt as is needed: a host, its domains, and its refusals as one sentence each.

Only this module imports libvirt-python. That has no types: the protocols say what is used of it.
"""

from __future__ import annotations

import atexit
import contextlib
import re
import shlex
import threading
from collections.abc import Callable
from functools import cache
from typing import Final, Protocol

from qmpsh.errors import CannotConnect
from qmpsh.jsontypes import JsonObject
from qmpsh.light_typing import NamedTuple
from qmpsh.suggest import did_you_mean

_MISSING: Final = (
    "libvirt support is not installed",
    "Debian: apt install python3-libvirt; Fedora: dnf install python3-libvirt;"
    " pip: pip install 'qmpsh[libvirt]', which needs libvirt's headers",
)
_NO_LIBVIRT: Final = "cannot connect to libvirt{place}: {reason}"
_ASK_VIRSH: Final = "virsh{option} list --all shows whether its daemon is running"
_NO_DOMAIN: Final = "no domain {text} at {uri}{hint}"
_LIST: Final = "qmpsh {address} lists those that are there"
_NOT_RUNNING: Final = "the domain {name} is not running"
_START: Final = "{start} starts it"
_NO_LIST: Final = "libvirt did not list its domains: {reason}"

EventHeard = Callable[["Host", "Domain", str, int, int, str | None, object], None]
"""host, domain, event, seconds, microseconds, data as JSON, None"""
LifeHeard = Callable[["Host", "Domain", int, int, object], None]
"""host, domain, what happened, why, None"""
HostClosed = Callable[["Host", int, object], None]
"""host, why, None"""


class Domain(Protocol):
    """A virDomain."""

    def name(self) -> str: ...
    def ID(self) -> int: ...
    def state(self) -> list[int]: ...
    def isActive(self) -> int: ...
    def messages(self, flags: int) -> list[str]: ...


class Host(Protocol):
    """A virConnect."""

    def getURI(self) -> str: ...
    def isAlive(self) -> int: ...
    def close(self) -> int: ...
    def setKeepAlive(self, interval: int, count: int) -> int: ...
    def lookupByID(self, id: int) -> Domain: ...
    def lookupByUUIDString(self, uuid: str) -> Domain: ...
    def lookupByName(self, name: str) -> Domain: ...
    def listAllDomains(self, flags: int) -> list[Domain]: ...
    def registerCloseCallback(self, callback: HostClosed, opaque: None) -> int: ...
    def unregisterCloseCallback(self) -> int: ...
    def domainEventRegisterAny(
        self, domain: Domain, kind: int, callback: LifeHeard, opaque: None
    ) -> int: ...
    def domainEventDeregisterAny(self, id: int) -> None: ...


class LibvirtError(Exception):
    """The exception of libvirt, as far as it is used."""

    def get_error_code(self) -> int:
        """One of libvirt's VIR_ERR_ numbers."""
        raise NotImplementedError


class Core(Protocol):
    """The module libvirt."""

    VIR_DOMAIN_EVENT_ID_LIFECYCLE: int
    VIR_DOMAIN_EVENT_STOPPED: int

    @property
    def libvirtError(self) -> type[LibvirtError]: ...

    def open(self, uri: str | None) -> Host: ...
    def registerErrorHandler(
        self, handler: Callable[[object, object], None], opaque: None
    ) -> int: ...
    def virEventRegisterDefaultImpl(self) -> int: ...
    def virEventRunDefaultImpl(self) -> int: ...


class Qemu(Protocol):
    """The module libvirt_qemu."""

    def qemuMonitorCommand(self, domain: Domain, command: str, flags: int) -> str: ...
    def qemuMonitorEventRegister(
        self, host: Host, domain: Domain, event: None, callback: EventHeard, opaque: None
    ) -> int: ...
    def qemuMonitorEventDeregister(self, host: Host, id: int) -> None: ...


class Library(NamedTuple):
    """The two modules of libvirt-python."""

    core: Core
    qemu: Qemu


_STATES: Final = (
    "no state",
    "running",
    "idle",
    "paused",
    "in shutdown",
    "shut off",
    "crashed",
    "pmsuspended",
)
"""virsh's words for VIR_DOMAIN_NOSTATE and those after it."""
_UUID: Final = r"[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}"
_TAINTING: Final = 2  # VIR_DOMAIN_MESSAGE_TAINTING, of libvirt 7.1
_TAINT: Final = "custom monitor"
COMMANDS_THREAD: Final = "libvirt-commands"
"""The name of a bridge's thread."""
_PARTING: Final = 0.5  # seconds at most that the end of the process waits for each of them
_KEEPALIVE: Final = (5, 6)  # seconds between two questions, how many go unanswered; as virsh does


@cache
def load() -> Library:
    """libvirt, with its event loop running in a thread of its own.

    There is one such loop in a process and no way to take it back: it runs to the end of the
    process, which it does not hold up. Raises CannotConnect where libvirt-python is not installed.
    """
    try:
        import libvirt
        import libvirt_qemu
    except ImportError as error:
        raise CannotConnect(*_MISSING) from error
    library = Library(libvirt, libvirt_qemu)
    # Without a handler libvirt writes every error to stderr; they are raised as well.
    library.core.registerErrorHandler(lambda _, __: None, None)
    # Before the first connection: only a later one gets events.
    library.core.virEventRegisterDefaultImpl()
    threading.Thread(target=_loop, args=(library.core,), name="libvirt-events", daemon=True).start()
    atexit.register(_part)
    return library


def _loop(core: Core) -> None:
    while True:
        core.virEventRunDefaultImpl()


def _part() -> None:
    """Let the bridges take their leave: else libvirt's daemon complains of broken connections."""
    for thread in threading.enumerate():
        if thread.name == COMMANDS_THREAD:
            thread.join(_PARTING)


def reason(error: Exception) -> str:
    """What libvirt said, in one line and without a full stop."""
    return " ".join(str(error).split()).removesuffix(".")


def connect(library: Library, uri: str) -> Host:
    """uri: "" for libvirt's own choice, which LIBVIRT_DEFAULT_URI makes, as virsh's is.

    Raises CannotConnect.
    """
    try:
        host = library.core.open(uri or None)
    except library.core.libvirtError as error:
        place, option = (f" at {uri}", f" -c {shlex.quote(uri)}") if uri else ("", "")
        raise CannotConnect(
            _NO_LIBVIRT.format(place=place, reason=reason(error)),
            _ASK_VIRSH.format(option=option),
        ) from error
    with contextlib.suppress(library.core.libvirtError):
        host.setKeepAlive(*_KEEPALIVE)
    return host


def find_domain(library: Library, host: Host, text: str) -> Domain:
    """The domain of this id, uuid or name, tried in this order, as virsh does.

    Raises CannotConnect, also for a domain that is not running.
    """
    domain = _maybe_domain(library, host, text)
    if domain is None:
        raise _no_domain(library, host, text)
    if not domain.isActive():
        raise not_running(host, domain.name())
    return domain


def _maybe_domain(library: Library, host: Host, text: str) -> Domain | None:
    lookups: list[Callable[[], Domain]] = [lambda: host.lookupByName(text)]
    if re.fullmatch(_UUID, text):
        lookups.insert(0, lambda: host.lookupByUUIDString(text))
    if re.fullmatch(r"[0-9]{1,9}", text):
        lookups.insert(0, lambda: host.lookupByID(int(text)))
    for lookup in lookups:
        with contextlib.suppress(library.core.libvirtError):
            return lookup()
    return None


def _no_domain(library: Library, host: Host, text: str) -> CannotConnect:
    names: list[str] = []
    with contextlib.suppress(library.core.libvirtError):
        names = [domain.name() for domain in host.listAllDomains(0)]
    uri = host.getURI()
    return CannotConnect(
        _NO_DOMAIN.format(text=text, uri=uri, hint=did_you_mean(text, names)),
        _LIST.format(address=shlex.quote(f"libvirt:{uri}")),
    )


def not_running(host: Host, name: str) -> CannotConnect:
    """Return the error for a domain that has no QEMU."""
    start = shlex.join(["virsh", "-c", host.getURI(), "start", name])
    return CannotConnect(_NOT_RUNNING.format(name=name), _START.format(start=start))


def is_tainted(library: Library, domain: Domain) -> bool:
    """Whether libvirt has marked the domain already; False where it does not say (before 7.1)."""
    with contextlib.suppress(library.core.libvirtError, AttributeError):
        return any(_TAINT in message for message in domain.messages(_TAINTING))
    return False


def list_domains(library: Library, uri: str) -> list[JsonObject]:
    """`id` (null for one that is not active), `name` and `state` of each, those that run first.

    Raises CannotConnect.
    """
    host = connect(library, uri)
    found: list[tuple[int, str, int]] = []
    try:
        for domain in host.listAllDomains(0):
            # One that is gone by now is left out.
            with contextlib.suppress(library.core.libvirtError):
                found.append((domain.ID(), domain.name(), domain.state()[0]))
    except library.core.libvirtError as error:
        raise CannotConnect(_NO_LIST.format(reason=reason(error))) from error
    finally:
        host.close()
    found.sort(key=lambda row: (row[0] < 0, row[0], row[1]))
    return [
        {"id": None if id < 0 else id, "name": name, "state": _state(state)}
        for id, name, state in found
    ]


def _state(number: int) -> str:
    return _STATES[number] if 0 <= number < len(_STATES) else f"state {number}"
