"""Why connecting failed, from the OSError: one sentence that says what to do next.

Knows nothing of QMP beyond how QEMU is told to listen.
"""

from __future__ import annotations

import errno
import os
import pwd
import socket
import stat
from typing import Final

from qmpsh.errors import Busy, CannotConnect, ConnectTimeout, NotQmp
from qmpsh.link.address import TcpAddress, UnixAddress
from qmpsh.link.doctor import SECOND, Finding, why_not_to_connect
from qmpsh.link.owners import advice
from qmpsh.link.scene import look


def unix_refusal(address: UnixAddress, error: OSError) -> CannotConnect:
    """What to tell when connecting to a unix socket failed."""
    path = address.path
    if error.errno == errno.EAGAIN:
        why = crowd(address)
        return why.error(f"{path} takes no more clients: {why.what}", why.todo)
    if address.abstract:
        return CannotConnect(f"cannot connect to the abstract socket {path}: {_reason(error)}")
    # A path of one word is shown as the first word of a command line has to write it.
    path = path if "/" in path else f"./{path}"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return _not_there(path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return _no_permission(address)
    kind = _maybe_other_kind(path)
    if kind:
        return NotQmp(f"{path} is {kind}, not a socket", LIST)
    if error.errno == errno.ECONNREFUSED:
        return CannotConnect(
            f"nobody listens on {path}: the VM that made this socket has ended", "start it again"
        )
    if error.errno == errno.EPROTOTYPE:
        return CannotConnect(f"{path} is a socket of another type, not a stream as -qmp makes it")
    return CannotConnect(f"cannot connect to {path}: {_reason(error)}")


LIST: Final = "qmpsh ls lists the monitors of this machine"


def _not_there(path: str) -> CannotConnect:
    """A path without a file, or whose folder is not there."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        return CannotConnect(f"no such socket: {path}: there is no folder {folder}", LIST)
    return CannotConnect(
        f"no such socket: {path}",
        f"start QEMU with -qmp unix:{path.replace(',', ',,')},server=on,wait=off; {LIST}",
    )


def crowd(address: UnixAddress) -> Finding:
    """Why the kernel takes no more: one client is served, two wait (WIRE.md section 2)."""
    return why_not_to_connect(address, look(address)) or Finding(
        "one holds this monitor, which serves one at a time, and others wait already",
        f"close them, {SECOND}",
        Busy,
    )


def _maybe_other_kind(path: str) -> str:
    """What a file is that is no socket; "" for a socket, or where it cannot be told."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return ""
    if stat.S_ISSOCK(mode):
        return ""
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a regular file" if stat.S_ISREG(mode) else "a device or a pipe"


def _no_permission(address: UnixAddress) -> CannotConnect:
    """Names the owner of the socket, or of the first folder on the way that does not let us in."""
    path = address.path
    what, place = "it", os.path.abspath(path)
    while not os.path.exists(place) and place != "/":
        place = os.path.dirname(place)
        what = f"the folder {place}"
    return CannotConnect(
        f"no permission to connect to {path}: {what} belongs to {_owner(place)}",
        advice(address) or "run qmpsh as that user",
    )


def _owner(path: str) -> str:
    uid = os.stat(path).st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def tcp_refusal(
    address: TcpAddress, timeout: float | None, error: OSError, *, tls: bool = False
) -> CannotConnect:
    """What to tell when connecting over TCP failed. tls: TLS was to follow"""
    host, port = address
    if isinstance(error, socket.gaierror):
        return CannotConnect(f"cannot find the host {host}: {_reason(error)}")
    if isinstance(error, TimeoutError):
        within = "" if timeout is None else f" within {timeout:g} s"
        return ConnectTimeout(
            f"no answer from {host} port {port}{within}",
            "check the address, and whether a firewall or another client of this monitor is in the"
            " way",
        )
    if isinstance(error, ConnectionRefusedError):
        return CannotConnect(
            f"connection refused at {str(address).removeprefix('tcp:')}: nothing listens there",
            f"is QEMU running with {_tls_options(address) if tls else _tcp_options(address)}?",
        )
    return CannotConnect(f"cannot connect to {host} port {port}: {_reason(error)}")


def _tcp_options(address: TcpAddress) -> str:
    """What makes QEMU listen there; -qmp tcp: cannot take an IPv6 address (7.2)."""
    host, port = address
    if ":" not in host:
        return f"-qmp tcp:{host}:{port},server=on,wait=off"
    return _chardev(address, "")


def _tls_options(address: TcpAddress) -> str:
    """The same with TLS; a monitor without it is never advised to who wants one with it."""
    credentials = "-object tls-creds-x509,id=tls,endpoint=server,dir=FOLDER"
    return f"{credentials} {_chardev(address, ',tls-creds=tls')}"


def _chardev(address: TcpAddress, more: str) -> str:
    host, port = address
    return (
        f"-chardev socket,id=qmp,host={host},port={port},server=on,wait=off{more}"
        " -mon chardev=qmp,mode=control"
    )


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
