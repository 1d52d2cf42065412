"""Finds the monitor of a VM by its name, as QEMU's `-name` or libvirt says it.

Any user may start a process that calls itself QEMU, takes a name and points at a socket. A name
therefore leads only to monitors of one's own user, of root and of the system's libvirt, and of
these only to what such a user made: the file of the socket, or the process that listens, shows it.
Connects to no monitor.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from qmpsh.address import (
    Address,
    TcpAddress,
    UnixAddress,
    find_address,
    looks_like_address,
    parse_address,
)
from qmpsh.client.discovery import Monitor, find_monitors, qemu_command_of, running_domains
from qmpsh.errors import ADD_QMP, NAME_CHARS, CannotConnect, QmpshError, UsageError
from qmpsh.suggest import did_you_mean
from qmpsh.system.argv import HMP, QMP, ChannelKind
from qmpsh.system.diagnose import LIST
from qmpsh.system.listener import inspect_listener
from qmpsh.system.owners import LIBVIRT, SYSTEM, advice, libvirt_form
from qmpsh.system.proc import maybe_process, pids

_SEVERAL: Final = "{count} VMs are named {name}; write the address of one: {monitors}"
_NO_VM: Final = "no VM named {name} runs here{hint}"
_NO_MONITOR: Final = "the VM {name} (pid {pid}) has no {missing}"
_ONLY_OWNED: Final = "the VM {name} has no monitor but {owner}'s own"
_OF_OTHERS: Final = (
    "the VM {name} is of user {users}: only your own, root's and libvirt's open by name",
    "its address is {monitors}",
)

_ABSENT: Final = (
    "the VM {name} does not listen on {monitors}",
    "it is still starting, or its socket was removed",
)

_UNPROVEN: Final = (
    "nothing shows that the VM {name} itself listens on {monitors}",
    "an address, unlike a name, is connected to all the same",
)

_ROOT: Final = 0
_MAX_LISTED: Final = 5  # most monitors in a message


def is_vm_name(name: str, *, libvirt: bool = True) -> bool:
    """Whether a VM of that name runs here, of a user whose monitors open by name.

    libvirt: ask its daemon as well, if there is one
    """
    if any(one == name for _, one in _named_processes()):
        return True
    return libvirt and name in running_domains()


def find_vm(text: str) -> Address:
    """Return the address to connect to; a text that can be nothing else may be the name of a VM.

    Raises AddressError, CannotConnect, UsageError.
    """
    if not looks_like_address(text) and is_vm_name(text):
        text = f"name:{text}"
    return find_address(text)


def find_by_name(name: str, kind: ChannelKind = QMP) -> Address:
    """Return the address of the one VM of that name; of its monitors one that is free, of HMP
    where it has no other.

    Raises UsageError if several VMs have the name, CannotConnect if none has.
    """
    named = _monitors_of(name)
    found = [one for one in named if one.kind == kind]
    if not found and kind == QMP:
        found = [one for one in named if one.kind == HMP]
    machines: dict[int | str, Monitor] = {}
    for one in sorted(found, key=_reluctance):
        machines.setdefault(one.pid or one.address, one)
    match [*machines.values()]:
        case [only]:
            return parse_address(only.address)
        case []:
            raise _refusal(name, kind)
        case several:
            monitors = _listed(several)
            raise UsageError(_SEVERAL.format(count=len(several), name=name, monitors=monitors))


def _monitors_of(name: str) -> list[Monitor]:
    found = {one.address: one for one in _named_monitors(name)}
    if name in running_domains():
        address = libvirt_form(SYSTEM, name)
        found.setdefault(address, Monitor(address, name=name, owner=LIBVIRT))
    return [*found.values()]


def _named_monitors(name: str = "") -> list[Monitor]:
    """Return the monitors that open by their names. name: this one alone, "" for all"""
    found = find_monitors(libvirt=False)
    return [one for one in found if name in ("", one.name) and opens_by_name(one)]


def _reluctance(monitor: Monitor) -> tuple[bool, bool]:
    """Return the key to sort the monitors of one VM by: a free one of the user's own first."""
    return bool(monitor.owner), monitor.clients == "busy"


def _trusted_uids() -> set[int]:
    return {os.geteuid(), _ROOT}


def _named_processes() -> list[tuple[int, str]]:
    """Return the trusted VMs: process and name."""
    uids, found = _trusted_uids(), []
    for pid in pids():
        command = qemu_command_of(pid)
        if command is None or not 0 < len(command.name) <= NAME_CHARS:
            continue  # the name of a process has been cut if it is longer
        process = maybe_process(pid)
        if process is not None and process.uid in uids:
            found.append((pid, command.name))
    return found


def opens_by_name(monitor: Monitor) -> bool:
    """Whether it has a name, and the process and its socket are of a trusted user.

    A program that runs as root has whatever arguments its caller gave, so that both count.
    """
    uids = _trusted_uids()
    may_open = bool(monitor.name) and monitor.owner in ("", LIBVIRT)
    process = maybe_process(monitor.pid) if may_open and monitor.pid is not None else None
    if process is None or process.uid not in uids:
        return False
    try:
        address = parse_address(monitor.address)
        if isinstance(address, UnixAddress) and not address.abstract:
            return os.stat(address.path).st_uid in uids
    except (OSError, QmpshError):
        return False
    if not isinstance(address, UnixAddress | TcpAddress):
        return True  # libvirt's daemon itself leads to the VM
    listener = inspect_listener(address).listener
    return listener is not None and listener.uid in uids


def _refusal(name: str, kind: ChannelKind) -> CannotConnect:
    """Return the error for a name that leads to no monitor."""
    others = [one for one in find_monitors(libvirt=False) if (one.name, one.kind) == (name, kind)]
    running = [pid for pid, one in _named_processes() if one == name]
    if others:
        return _refusal_of(name, others, running)
    if running:
        missing, todo = ("monitor", ADD_QMP) if kind == QMP else (f"socket of a {kind}", LIST)
        what = _NO_MONITOR.format(name=name, pid=running[0], missing=missing)
        return CannotConnect(what, todo)
    hint = did_you_mean(name, [one.name for one in _named_monitors()])
    return CannotConnect(_NO_VM.format(name=name, hint=hint), LIST)


def _refusal_of(name: str, monitors: Sequence[Monitor], trusted: Sequence[int]) -> CannotConnect:
    """Return why none of the monitors of that name opens. trusted: processes that have it"""
    owned = next((one for one in monitors if one.owner), None)
    if owned is not None:
        what = _ONLY_OWNED.format(name=name, owner=owned.owner)
        todo = advice(parse_address(owned.address)) or f"its address is {owned.address}"
        return CannotConnect(what, todo)
    own = [one for one in monitors if one.pid in trusted]
    absent = [one for one in own if one.address.startswith("/") and not os.path.exists(one.address)]
    users = " and ".join(sorted({one.user for one in monitors}))
    what, todo = _ABSENT if absent else _UNPROVEN if own else _OF_OTHERS
    shown = _listed(absent or own or monitors)
    return CannotConnect(
        what.format(name=name, monitors=shown, users=users), todo.format(monitors=shown)
    )


def _listed(monitors: Sequence[Monitor]) -> str:
    """Return `/run/a.sock (pid 12) or /run/b.sock (pid 13)`."""
    shown = [
        one.address if one.pid is None else f"{one.address} (pid {one.pid})"
        for one in monitors[:_MAX_LISTED]
    ]
    more = len(monitors) - len(shown)
    return " or ".join(shown) + (f" and {more} more (qmpsh ls)" if more else "")
