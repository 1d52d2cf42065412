"""The human monitor through `human-monitor-command`: its text, and whether it tells of a failure.

Source: WIRE.md section 9. A failure is no error reply but text, and there is no reliable mark of
one: the beginnings below are what QEMU 7.2 and 10.0 print, a best guess and documented as one.
"""

from __future__ import annotations

from qmpsh.jsontypes import Json
from qmpsh.wire.messages import Command

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

_FAILURE_BEGINNINGS = ("Error: ", "unknown command: ", "unknown event ")
_FAILURE_HINT = 'Try "help'


def hmp_command(text: str) -> Command:
    """The QMP command that runs one HMP line."""
    return Command("human-monitor-command", {"command-line": text})


def hmp_text(value: Json) -> str | None:
    """The output with LF ends and no trailing one; None when the server answered no string."""
    if not isinstance(value, str):
        return None
    return value.replace("\r\n", "\n").rstrip("\n")


def hmp_failed(text: str) -> bool:
    """Whether the text looks like one of the known failures."""
    if text.startswith(_FAILURE_BEGINNINGS):
        return True
    return text.rpartition("\n")[2].startswith(_FAILURE_HINT)
