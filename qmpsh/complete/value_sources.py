"""Which live query feeds the values of which member: one table.

Source: wire.md section 6, and the commands of QEMU 7.2 and 10.0.
"""

from __future__ import annotations

from qmpsh.language.syntax import MemberPath

# A row is a member's name, or a command and a member's name, which goes before it.
FEEDS: dict[str, tuple[str, ...]] = {
    "node-name": ("node",),
    "node": ("node", "block"),
    "base-node": ("node",),
    "top-node": ("node",),
    "snapshot-node-name": ("node",),
    "overlay": ("node",),
    "replaces": ("node",),
    "filter-node-name": (),
    "iothread": ("iothread",),
    "chardev": ("chardev",),
    "netdev": ("netdev",),
    "memdev": ("memdev",),
    "typename": ("type",),
    "path": (),
    "file": ("node",),
    "backing": ("node",),
    "data-file": ("node",),
    "image": ("node",),
    "test": ("node",),
    "raw": ("node",),
    "log": ("node",),
    "children": ("node",),
    "target": ("node",),
    "device_add driver": ("driver",),
    "device_add bus": ("bus",),
    "device_add drive": ("node", "block"),
    "device_add iothread": ("iothread",),
    "device_del id": ("device",),
    "device-sync-config id": ("device",),
    "screendump device": ("device",),
    "set_link name": ("netdev", "device"),
    "netdev_del id": ("netdev",),
    "object-del id": ("object",),
    "chardev-remove id": ("chardev",),
    "chardev-change id": ("chardev",),
    "chardev-send-break id": ("chardev",),
    "ringbuf-read device": ("chardev",),
    "ringbuf-write device": ("chardev",),
    "block-export-del id": ("export",),
    "nbd-server-add device": ("node", "block"),
    "eject id": ("qdev",),
    "blockdev-open-tray id": ("qdev",),
    "blockdev-close-tray id": ("qdev",),
    "blockdev-insert-medium id": ("qdev",),
    "blockdev-remove-medium id": ("qdev",),
    "blockdev-change-medium id": ("qdev",),
    "block_set_io_throttle id": ("qdev",),
    "block-latency-histogram-set id": ("qdev",),
    "query-block-latency id": ("qdev",),
    "eject device": ("block",),
    "blockdev-change-medium device": ("block",),
    "block_resize device": ("block",),
    "block_set_io_throttle device": ("block",),
    "block-commit device": ("node", "block"),
    "block-stream device": ("node", "block"),
    "blockdev-backup device": ("node", "block"),
    "blockdev-mirror device": ("node", "block"),
    "drive-backup device": ("node", "block"),
    "drive-mirror device": ("node", "block"),
    "change-backing-file device": ("node", "block"),
    "change-backing-file image-node-name": ("node",),
    "block-job-cancel device": ("job",),
    "block-job-complete device": ("job",),
    "block-job-pause device": ("job",),
    "block-job-resume device": ("job",),
    "block-job-set-speed device": ("job",),
    "block-job-dismiss id": ("job",),
    "block-job-finalize id": ("job",),
    "block-job-change id": ("job",),
    "job-cancel id": ("job",),
    "job-complete id": ("job",),
    "job-dismiss id": ("job",),
    "job-finalize id": ("job",),
    "job-pause id": ("job",),
    "job-resume id": ("job",),
    "block-dirty-bitmap-remove name": ("bitmap",),
    "block-dirty-bitmap-clear name": ("bitmap",),
    "block-dirty-bitmap-enable name": ("bitmap",),
    "block-dirty-bitmap-disable name": ("bitmap",),
    "block-dirty-bitmap-merge bitmaps": ("bitmap",),
    "block-dirty-bitmap-merge name": ("bitmap",),
    "block-dirty-bitmap-merge target": ("bitmap",),
    "x-debug-block-dirty-bitmap-sha256 name": ("bitmap",),
    "blockdev-backup bitmap": ("bitmap",),
    "drive-backup bitmap": ("bitmap",),
    "blockdev-mirror bitmap": ("bitmap",),
    "blockdev-snapshot-delete-internal-sync device": ("block",),
    "blockdev-snapshot-delete-internal-sync name": ("snapshot",),
    "blockdev-snapshot-internal-sync device": ("block",),
    "snapshot-load tag": ("snapshot",),
    "snapshot-delete tag": ("snapshot",),
    "snapshot-save vmstate": ("node",),
    "snapshot-load vmstate": ("node",),
    "snapshot-save devices": ("node",),
    "snapshot-load devices": ("node",),
    "snapshot-delete devices": ("node",),
    "x-blockdev-change parent": ("node", "block"),
    "qom-get path": ("path",),
    "qom-set path": ("path",),
    "qom-list path": ("path",),
    "qom-get property": ("property",),
    "qom-set property": ("property",),
    "trace-event-get-state name": ("trace-event",),
    "trace-event-set-state name": ("trace-event",),
    "query-cpu-model-expansion name": ("cpu-model",),
    "query-cpu-model-comparison name": ("cpu-model",),
    "query-cpu-model-baseline name": ("cpu-model",),
    "query-command-line-options option": ("option",),
    "query-rx-filter name": ("nic",),
    "x-query-virtio-status path": ("virtio",),
    "x-query-virtio-queue-status path": ("virtio",),
    "x-query-virtio-queue-element path": ("virtio",),
    "x-query-virtio-vhost-queue-status path": ("virtio",),
    "display-update type": (),
}

# Members that name a file of the host, as QEMU sees it: absolute paths, its folder is not ours.
FILES = frozenset(
    {
        "filename",
        "snapshot-file",
        "backing-file",
        "mem-path",
        "logfile",
        "out",
        "in",
        "dir",
        "drive-backup target",
        "drive-mirror target",
        "data path",
    }
)

MAKES_NEW = frozenset(
    {"blockdev-add", "blockdev-create", "netdev_add", "chardev-add", "object-add"}
)
NEW_NAMES = frozenset({"node-name", "id"})
"""In a command that makes something, its name is a new one: none is offered."""


def sources_of(command: str, path: MemberPath) -> tuple[str, ...]:
    """Return the sources that feed a member: the command's own row, else the member's."""
    names = [part for part in path if not part.isdigit()]
    if not names:
        return ()
    own = FEEDS.get(f"{command} {names[-1]}")
    if own is not None:
        return own
    return () if command in MAKES_NEW and names[-1] in NEW_NAMES else FEEDS.get(names[-1], ())


def names_file(command: str, path: MemberPath) -> bool:
    """Return whether a member's value is a path: by its name, its command or its parent."""
    names = [part for part in path if not part.isdigit()]
    if not names:
        return False
    keys = {names[-1], f"{command} {names[-1]}", " ".join(names[-2:])}
    return not FILES.isdisjoint(keys)
