"""The human monitor through `human-monitor-command`: its line and its text.

Whether a text reports a failure is decided by `hmp_texts`.
"""

from __future__ import annotations

from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Command

HMP_COMMANDS = frozenset({
    "announce_self", "boot_set", "c", "calc_dirty_rate", "change", "commit", "cpu", "delvm",
    "drive_add", "drive_del", "gdbserver", "gpa2hpa", "gpa2hva", "gva2gpa", "help",
    "hostfwd_add", "hostfwd_remove", "i", "info", "loadvm", "log", "logfile", "mce",
    "mouse_button", "mouse_move", "mouse_set", "nmi", "o", "one-insn-per-tb", "p",
    "pcie_aer_inject_error", "print", "q", "qemu-io", "s", "savevm", "sendkey", "singlestep",
    "snapshot_blkdev_internal", "snapshot_delete_blkdev_internal", "stopcapture", "sum",
    "sync-profile", "trace-event", "wavcapture", "x", "xp",
})  # fmt: skip
"""Commands that QMP has under no name that is like it.

Source: `help` of QEMU 7.2 and 10.0.
"""


def hmp_command(text: str) -> Command:
    """Return the QMP command that runs one HMP line."""
    return Command("human-monitor-command", {"command-line": text})


def hmp_text(value: Json) -> str | None:
    """Return the output with LF as line end and none at its end; None if it is not a string."""
    if not isinstance(value, str):
        return None
    return value.replace("\r\n", "\n").rstrip("\n")
