"""Addresses: what a user types, QEMU's own spellings included, and what it means.

Looks at the file system only to tell a path from the other forms; opens nothing.
Source: qemu(1), "Character device options", socket; wire.md section 12.
"""

from __future__ import annotations

import os
import re

from qmpsh.errors import AddressError, shortened
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ClassVar, Final

    from qmpsh.stream import Stream

EMPTY: Final = "the address is empty; qmpsh ls lists the monitors of this machine"
_NUL: Final = "it holds a NUL character"
_NO_PATH: Final = "it has no path"
_NO_OPTION: Final = "unknown option {name} in the address; a comma in a path is doubled, as in QEMU"
_WANTS_PORT: Final = "HOST:PORT is expected, an IPv6 address in brackets"
_NO_PORT: Final = "port {port}: must be 1 to 65535"
_NO_ADDRESS: Final = "{text!r} is not an address: {why}"

_PATH_STARTS = ("/", "./", "../", "~/")


class AddressKind:
    """What the addresses of one scheme have in common.

    scheme:         the part of an address before the first colon
    form, help:     its row in the table of addresses: how it is written, and what it is
    is_local_relay: its descriptor leads to a process of this machine that passes the bytes on, so
                    that the peer of the socket is not the server
    needs_cleanup:  its stream leaves processes or files behind unless it is closed
    makes_greeting: the greeting is made by us, not by the server
    """

    __slots__ = ()

    scheme: ClassVar[str]
    form: ClassVar[str]
    help: ClassVar[str]
    is_local_relay: ClassVar[bool] = False
    needs_cleanup: ClassVar[bool] = False
    makes_greeting: ClassVar[bool] = False


class _UnixFields(NamedTuple):
    path: str
    abstract: bool = False


class UnixAddress(_UnixFields, AddressKind):
    """A unix socket.

    abstract: `path` is a name in Linux's abstract namespace, which has no file.
    """

    __slots__ = ()

    scheme = "unix"
    form = "PATH, unix:PATH"
    help = "a unix socket"

    def __str__(self) -> str:
        """A form that parses back."""
        if self.path.startswith(_PATH_STARTS) and not self.abstract:
            return self.path
        return f"unix:{self.path.replace(',', ',,')}{',abstract=on' if self.abstract else ''}"


class _TcpFields(NamedTuple):
    host: str
    port: int


class TcpAddress(_TcpFields, AddressKind):
    """A TCP port on a host.

    host: a name, an IPv4 or an IPv6 address without brackets.
    """

    __slots__ = ()

    scheme = "tcp"
    form = "HOST:PORT, [V6]:PORT, tcp:HOST:PORT"
    help = "TCP; telnet=on is understood as well"

    def __str__(self) -> str:
        """Return a form that parses back."""
        return f"tcp:{self.place}"

    @property
    def place(self) -> str:
        """HOST:PORT, an IPv6 address in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Transport(AddressKind):
    """An address that implements its own transport; a subclass for each scheme.

    Its `str` is a form that parses back, and two addresses of one form are equal.
    """

    @classmethod
    def parse(cls, text: str) -> Transport:
        """Return the address that a text of this scheme means. Raises AddressError."""
        raise NotImplementedError

    def begin(self) -> Stream:
        """Begin to connect without waiting for anything, and without asking on the terminal.

        The stream may be a `ConnectingStream`, which says later that it failed.

        Raises CannotConnect for what fails at once.
        """
        raise NotImplementedError

    def open(self, timeout: float | None) -> Stream:
        """Connect for a user who waits. timeout: seconds, None for no limit.

        The stream may still be connecting: `connect.open_stream` waits for it.

        Raises CannotConnect, of which Busy and ConnectTimeout.
        """
        return self.begin()

    def target(self, *, agent: bool = False) -> Address:
        """Return the address to connect to: this one, or what it stands for.

        agent: a guest agent is wanted
        Raises CannotConnect, UsageError.
        """
        return self

    @property
    def realm(self) -> str:
        """Return where the server is, as far as a schema of one server there serves another that
        says that it is of the same version and has the same commands.
        """
        return str(self)

    @property
    def names_server(self) -> bool:
        """Whether it leads to a server; otherwise it lists those that it could lead to."""
        return True

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


TRANSPORTS: Final[dict[str, str]] = {
    "name": "qmpsh.client.transports.name.NameAddress",
    "tls": "qmpsh.client.transports.tls.TlsAddress",
    "ssh": "qmpsh.client.transports.ssh.SshAddress",
    "libvirt": "qmpsh.client.transports.libvirt.LibvirtAddress",
    "exec": "qmpsh.client.transports.process.ExecAddress",
    "listen": "qmpsh.client.transports.listen.ListenAddress",
    "vsock": "qmpsh.client.transports.vsock.VsockAddress",
    "fd": "qmpsh.client.transports.fd.FdAddress",
}
"""The class of each scheme, a `Transport`, in the order of the table of addresses. It is imported
when an address of that scheme is parsed.
"""


Address = UnixAddress | TcpAddress | Transport

# Patterns are compiled by `re` when first used: the usual address, a path, needs none of them.
_HOST_PORT = r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<host>[\w.-]+)):(?P<port>[0-9]+)"
_SCHEME = r"([A-Za-z][A-Za-z0-9+.-]*):"

# The options that QEMU knows for a socket; a path may hold a comma, so that only these end it.
_OPTION_WORDS = (
    "abstract|append|delay|fd|id|ipv4|ipv6|keep-alive|logappend|logfile|mptcp|mux|path|reconnect"
    "|reconnect-ms|server|telnet|tight|tls-authz|tls-creds|tn3270|to|wait|websocket"
)
# A comma of a path may be doubled; what begins the options is a comma without a partner.
_OPTIONS = rf"(?s)(?<!,)(?:,,)*(,(?:no)?(?:{_OPTION_WORDS})(?:[=,].*)?)\Z"
_ABSTRACT = r",abstract(?:=(?:on|yes|true|y))?(?:,|$)"
_OPTION = rf"(?:no)?(?:{_OPTION_WORDS})(?:=.*)?"


def parse_address(text: str) -> Address:
    """Return the address that a user means.

    `~` is expanded; a bare path is taken as it stands, options and doubled commas are of `unix:`.
    Raises AddressError.
    """
    if not text or "\0" in text:
        raise refusal(text, _NUL) if text else AddressError(EMPTY)
    if text.startswith(_PATH_STARTS):
        return UnixAddress(os.path.expanduser(text))
    scheme = _maybe_scheme(text)
    if scheme in _SCHEMES:
        return _SCHEMES[scheme](text)
    if scheme in TRANSPORTS:
        return transport_class(scheme).parse(text)
    if os.path.exists(text):
        return UnixAddress(text)
    if re.fullmatch(_HOST_PORT, text):
        return host_and_port(text, text)
    if scheme:
        raise AddressError(no_scheme(scheme))
    return UnixAddress(text)


def find_address(text: str, *, agent: bool = False) -> Address:
    """Return the address to connect to: the one that a user means, or what that stands for.

    agent: a guest agent is wanted
    Raises AddressError, CannotConnect, UsageError.
    """
    address = parse_address(text)
    return address.target(agent=agent) if isinstance(address, Transport) else address


def looks_like_address(text: str) -> bool:
    """Whether the first word of a command line is an address, and not the beginning of a line."""
    return (
        text.startswith(_PATH_STARTS)
        or _maybe_scheme(text) in _schemes()
        or os.path.exists(text)
        or re.fullmatch(_HOST_PORT, text) is not None
    )


def no_scheme(scheme: str) -> str:
    """Return the message on an unknown scheme."""
    return f"{shortened(scheme)}: is not an address scheme; known: {' '.join(sorted(_schemes()))}"


def _maybe_scheme(text: str) -> str:
    found = re.match(_SCHEME, text)
    return found[1] if found else ""


def _parse_unix(text: str) -> UnixAddress:
    """`unix:PATH[,server=on][,wait=off]...`: only abstract=on means something to a client."""
    rest = text.removeprefix("unix:")
    found = re.search(_OPTIONS, rest)
    options = found[1] if found else ""
    path = rest.removesuffix(options).replace(",,", ",")
    if not path:
        raise refusal(text, _NO_PATH)
    _check_options(options)
    # A comma in a path may stand alone, but what looks like an option is one, mistyped.
    mistyped = re.search(r"(?<!,)(?:,,)*,([\w-]+=[^/]*)$", rest.removesuffix(options))
    if mistyped and not os.path.exists(path):
        _check_options(f",{mistyped[1]}")
    if re.search(_ABSTRACT, options):
        return UnixAddress(path, abstract=True)
    return UnixAddress(os.path.expanduser(path) if path.startswith("~/") else path)


def _parse_tcp(text: str) -> TcpAddress:
    """`tcp:HOST:PORT[,server=on]...`; no HOST, which a server takes for any, is this machine.

    `telnet:` is QEMU's for the same with telnet=on, which shows by itself (`connect.strip`).
    """
    place, comma, options = text.partition(":")[2].partition(",")
    _check_options(comma + options)
    return host_and_port(f"localhost{place}" if place.startswith(":") else place, text)


def _check_options(options: str) -> None:
    """Raises AddressError for one that QEMU's sockets do not have. options: `,NAME=VALUE...`"""
    for option in re.findall(r"(?:,,|[^,])+", options):
        if not re.fullmatch(_OPTION, option, re.DOTALL):
            name = shortened(option.partition("=")[0])
            raise AddressError(_NO_OPTION.format(name=name))


def host_and_port(place: str, text: str) -> TcpAddress:
    """The place of an address `text`. Raises AddressError."""
    found = re.fullmatch(_HOST_PORT, place)
    if not found:
        raise refusal(text, _WANTS_PORT)
    # Nine digits at most: int() refuses thousands of them.
    port = int(found["port"][:9])
    if not 1 <= port <= 65535:
        raise AddressError(_NO_PORT.format(port=shortened(found["port"], 20)))
    return TcpAddress(found["v6"] or found["host"], port)


def transport_class(scheme: str) -> type[Transport]:
    """Return the class of a scheme in `TRANSPORTS`."""
    # Imported here: a socket needs none of them.
    from importlib import import_module

    module, _, name = TRANSPORTS[scheme].rpartition(".")
    found: type[Transport] = getattr(import_module(module), name)
    return found


def address_forms() -> list[tuple[str, str]]:
    """Return the table of addresses: how each is written, and what it is. Imports them all."""
    transports = [transport_class(scheme) for scheme in TRANSPORTS]
    kinds: list[type[AddressKind]] = [UnixAddress, TcpAddress, *transports]
    return [(kind.form, kind.help) for kind in kinds]


def complete_scheme(word: str) -> list[str]:
    """Return the beginnings of addresses, `tls:` or `ssh://`, that a word may go on to be."""
    typed = word.partition(":")[0]
    found = [_beginning(scheme) for scheme in sorted(_schemes()) if scheme.startswith(typed)]
    return [one for one in found if one.startswith(word) and one != word]


def _beginning(scheme: str) -> str:
    url = f"{scheme}://"
    is_url = scheme in TRANSPORTS and url in transport_class(scheme).form
    return url if is_url else f"{scheme}:"


def _schemes() -> set[str]:
    return {*_SCHEMES, *TRANSPORTS}


_SCHEMES: Final[dict[str, Callable[[str], Address]]] = {
    "unix": _parse_unix,
    "tcp": _parse_tcp,
    "telnet": _parse_tcp,
}


def refusal(text: str, why: str) -> AddressError:
    """Return the error for a text that is not an address."""
    return AddressError(_NO_ADDRESS.format(text=shortened(text), why=why))
