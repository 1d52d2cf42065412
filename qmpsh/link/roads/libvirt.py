"""`libvirt:[URI#]DOMAIN`: a VM that belongs to libvirt, here or at a `qemu+ssh://` host, by way of
libvirt's own pass-through of monitor commands, so that libvirt keeps its monitor.
"""

from __future__ import annotations

import os
import re
import threading
from typing import Final, NamedTuple

from qmpsh.errors import AddressError, ConnectTimeout, QmpshError, UsageError
from qmpsh.jsontypes import JsonObject
from qmpsh.link.roads.libvirt_bridge import Bridge, BridgeStream
from qmpsh.link.roads.libvirt_host import list_domains, load
from qmpsh.link.transport import Stream
from qmpsh.link.watch import READ, wait_for

SCHEME: Final = "libvirt:"
_OVER_SSH: Final = r"[a-z0-9]+\+(ssh|libssh2?):"


class LibvirtRoad(NamedTuple):
    """uri: "" for libvirt's own choice, as virsh makes it; domain: a name, uuid or id, "" where
    none is named: such an address lists the domains, and leads to none of them.
    """

    uri: str
    domain: str

    def __str__(self) -> str:
        """A form that parses back."""
        needs_uri = self.uri or "#" in self.domain or "://" in self.domain
        return f"{SCHEME}{self.uri}{'#' if needs_uri else ''}{self.domain}"

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
            raise UsageError(f"no domain is named: `qmpsh {self}` lists those that are there")
        return Bridge(load(), uri, self.domain)

    def _wait(self, bridge: Bridge, timeout: float | None) -> None:
        if not _is_readable(bridge, timeout):
            raise self._silence(bridge, timeout)
        if bridge.error is not None:
            raise bridge.error

    def _silence(self, bridge: Bridge, timeout: float | None) -> ConnectTimeout:
        if bridge.found:
            return ConnectTimeout(
                f"the domain {self.domain} did not answer libvirt{_within(timeout)}: its QEMU is"
                " stopped, or busy with another command"
            )
        return _no_answer(self, timeout)


def parse(text: str) -> LibvirtRoad:
    """What stands before the first `#` is a URI, or an alias of libvirt.conf; without one, what
    holds `://` is a URI, and all else a domain. Raises AddressError.
    """
    rest = text.removeprefix(SCHEME)
    uri, mark, domain = rest.partition("#")
    if not mark and "://" not in rest:
        uri, domain = "", rest
    if "\n" in rest or "/" in domain:
        raise AddressError(
            f"{text!r} is no address: the name of a domain holds no slash and no line break; an"
            " address of libvirt's is libvirt:DOMAIN or libvirt:URI#DOMAIN"
        )
    return LibvirtRoad(uri, domain)


def domains(road: LibvirtRoad, timeout: float | None) -> list[JsonObject]:
    """The domains at the road's URI: `id` (null where not active), `name` and `state`.

    Raises CannotConnect, of which ConnectTimeout.
    """
    library = load()
    found: list[list[JsonObject]] = []
    errors: list[QmpshError] = []

    def look() -> None:
        try:
            found.append(list_domains(library, road.uri))
        except QmpshError as error:
            errors.append(error)

    # A thread of its own, since no call of libvirt knows of a limit, nor of Ctrl-C.
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(timeout)
    if errors:
        raise errors[0]
    if not found:
        raise _no_answer(road, timeout)
    return found[0]


def _no_answer(road: LibvirtRoad, timeout: float | None) -> ConnectTimeout:
    return ConnectTimeout(
        f"no answer from libvirt{_within(timeout)}",
        f"check {road}, and whether its host can be reached",
    )


def _within(timeout: float | None) -> str:
    return "" if timeout is None else f" within {timeout:g} s"


def _is_readable(bridge: Bridge, timeout: float | None) -> bool:
    """Wait for the greeting, or for the end; False when the time ran out."""
    return bool(wait_for({bridge.near.fileno(): READ}, timeout))
