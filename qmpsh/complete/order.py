"""Which candidates come first: what is most often wanted, as far as it is known.

The server lists properties and types in the order of a hash table, and enums as they grew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qmpsh.language.syntax import MemberPath
from qmpsh.patterns import LatePattern

_FORMATS = ("qcow2", "raw", "file", "host_device", "nbd", "luks", "vmdk", "vdi", "vhdx", "vpc")

# Source: "Device front ends" and "-netdev", "-blockdev", "-object", "-chardev" in the manual of
# QEMU 10.0; what its pages on hot-plug, and those of libvirt, Proxmox and OpenStack, add to a VM.
FIRST: dict[str, tuple[str, ...]] = {
    # Properties, after the declared `bus` and `id`: what names something of this VM, then what
    # distinguishes one device from the next.
    "device_add": (
        *("drive", "netdev", "chardev", "memdev", "iothread", "rng", "cryptodev", "audiodev"),
        *("mac", "serial", "bootindex", "num-queues", "queue-size", "mq", "name", "nr", "lun"),
        *("scsi-id", "addr", "share-rw", "write-cache", "discard", "size"),
    ),
    # Values: a row is a member's name, or a command and a member's, or two members'.
    "device_add driver": (
        *("virtio-blk-pci", "virtio-net-pci", "virtio-scsi-pci", "scsi-hd", "scsi-cd", "nvme"),
        *("virtio-blk-ccw", "virtio-net-ccw", "virtio-scsi-ccw", "usb-storage", "usb-host"),
        *("virtio-serial-pci", "virtserialport", "virtio-rng-pci", "virtio-mem-pci", "pc-dimm"),
    ),
    "blockdev-add driver": _FORMATS,
    "blockdev-create driver": _FORMATS,
    "file driver": (
        *("file", "host_device", "nbd", "https", "http", "rbd", "iscsi", "nfs", "ssh", "nvme"),
    ),
    "netdev_add type": ("user", "tap", "bridge", "stream", "dgram", "vhost-user", "vhost-vdpa"),
    "backend type": ("socket", "file", "pty", "ringbuf", "pipe", "null"),
    "object-add qom-type": (
        *("iothread", "memory-backend-ram", "memory-backend-file", "memory-backend-memfd"),
        *("throttle-group", "secret", "tls-creds-x509", "rng-random", "rng-builtin"),
    ),
}
"""What comes first: of a command's members, or of a member's values."""

_VARIANTS = ("-non-transitional", "-transitional", "-device", "-cpu")
"""How the types end that are there for a particular need beside the usual one."""

IMAGES = (".qcow2", ".raw", ".img", ".iso", ".vmdk", ".vdi", ".vhdx", "/")
"""How the paths end that may lead to a disk image."""

_NEEDS = {
    "drive": LatePattern(r"virtio-blk-.*|scsi-(hd|block|generic)|ide-hd|usb-storage"),
    "memdev": LatePattern(r"pc-dimm|nvdimm|virtio-p?mem(-.*)?"),
    "chardev": LatePattern(r"vhost-user-(blk|scsi|fs|gpio|rng|i2c)-.*|usb-(redir|serial)"),
    "serial": LatePattern(r"nvme"),
}
"""Properties that a device cannot do without, although the server does not say so, with the types
of these devices. Source: what QEMU 7.2 and 10.0 say of a device without it.
"""


def is_needed(name: str, driver: str) -> bool:
    """Return whether a device cannot be added without this property."""
    return name in _NEEDS and _NEEDS[name].fullmatch(driver) is not None


PropertyOrder = tuple[int, bool, str]
"""sorts by: place in the table; whether it is a special one; the name"""


def property_place(name: str) -> PropertyOrder:
    """Return where a device's property comes: unstable ones last."""
    return _PLACES["device_add"].get(name, _LAST), name.startswith("x-"), name


def type_place(name: str) -> PropertyOrder:
    """Return where a QOM type comes: `virtio-blk-pci` before `virtio-blk-pci-non-transitional`."""
    return _PLACES["device_add driver"].get(name, _LAST), name.endswith(_VARIANTS), name


def value_places(command: str, path: MemberPath) -> Mapping[str, int]:
    """Return the places of the values of a member that come first."""
    names = [part for part in path if not part.isdigit()]
    if not names:
        return {}
    rows = (" ".join(names[-2:]), f"{command} {names[-1]}")
    return next((_PLACES[row] for row in rows if row in _PLACES), {})


def place_in(places: Mapping[str, int], name: str) -> int:
    """Return a value's place; the last one for all that are not in the table."""
    return places.get(name, _LAST)


_LAST = 1000


def _numbered(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


_PLACES = {row: _numbered(names) for row, names in FIRST.items()}
