"""Who owns a socket: libvirt and Proxmox keep the monitors of their VMs to themselves.

They do not share: such an owner is known by the folder of the socket, and the name of its VM by the
process where that is known.
"""

from __future__ import annotations

import os
import re

from qmpsh.address import Address, UnixAddress
from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

LIBVIRT: Final = "libvirt"
PROXMOX: Final = "Proxmox"
SYSTEM: Final = "qemu:///system"
SESSION: Final = "qemu:///session"

TREES: Final = {
    "/run/libvirt": LIBVIRT,
    "/var/run/libvirt": LIBVIRT,
    "/var/lib/libvirt": LIBVIRT,
    "/run/qemu-server": PROXMOX,
    "/var/run/qemu-server": PROXMOX,
}
"""Where they keep their sockets."""
_USERS_OWN = "/libvirt/qemu/"
_SESSION = rf"{_USERS_OWN}(?:lib/|run/)?(?:channel/(?:target/)?)?(?:domain-)?\d+-[^/]+/[^/]+"
"""The end of a path of a user's own libvirt (qemu:///session), in a home or a run folder."""
_DOMAIN = r"/(?:domain-)?\d+-([^/]+)/[^/]+"
"""Libvirt's folder of a VM, `domain-3-web`, and the socket in it; it cuts long names."""
_VMID = r"/(\d+)\.[a-z]+"


def owner_of(address: Address) -> str:
    """Return the manager of a socket: LIBVIRT, PROXMOX, "" for the user's own."""
    if not isinstance(address, UnixAddress) or address.abstract:
        return ""
    for place in spellings(address.path):
        for top, owner in TREES.items():
            if place.startswith(f"{top}/"):
                return owner
        # Few paths are worth compiling the pattern for.
        if _USERS_OWN in place and re.search(f"{_SESSION}$", place):
            return LIBVIRT
    return ""


def domain_of(address: Address, name: str = "") -> str:
    """What its owner calls the VM of such a socket: a libvirt domain, a Proxmox VMID, "" unknown.

    name: the VM's, where its process says it; it is the whole one
    """
    path = address.path if isinstance(address, UnixAddress) else ""
    if owner_of(address) == LIBVIRT:
        found = re.search(f"{_DOMAIN}$", path)
        return name or (found[1] if found else "")
    found = re.search(f"{_VMID}$", path)
    return found[1] if found else ""


def uri_of(address: Address) -> str:
    """Which of libvirt's two daemons a socket of its belongs to: the system's, or a user's own."""
    path = address.path if isinstance(address, UnixAddress) else ""
    trees = tuple(f"{top}/" for top in TREES)
    return SYSTEM if any(place.startswith(trees) for place in spellings(path)) else SESSION


def spellings(path: str) -> tuple[str, str]:
    """The absolute path as it is written, and with its links followed where they can be: below
    /proc/PID/root the process may end meanwhile.
    """
    written = os.path.abspath(path)
    try:
        return written, os.path.realpath(path)
    except OSError:
        return written, written


def libvirt_form(uri: str, domain: str) -> str:
    """The address of a domain: without a URI where libvirt chooses that one by itself.

    Source: libvirt's manual, "Connection URIs", default choice: root's is the system's.
    """
    default = SESSION if os.geteuid() else SYSTEM
    return f"libvirt:{domain}" if uri == default else f"libvirt:{uri}#{domain}"


def advice(address: Address, name: str = "") -> str:
    """Return which way to take instead, as the end of a sentence; "" for the user's own."""
    owner, domain = owner_of(address), domain_of(address, name)
    if owner == LIBVIRT:
        return f"use {libvirt_form(uri_of(address), domain or 'NAME')}, which works beside libvirt"
    if owner == PROXMOX:
        vmid = domain or "VMID"
        return (
            f"use qm monitor {vmid}, or give the VM a monitor of your own:"
            f" qm set {vmid} --args '-qmp unix:/run/{vmid}-mine.qmp,server=on,wait=off'"
        )
    return ""
