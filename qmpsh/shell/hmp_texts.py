"""What the human monitor prints when a command has failed, and when it has not.

A failure is text, not an error reply, and has no mark that all of them share. So there are two
tables: commands that print nothing when they succeed, and commands that print something, with its
beginnings. Of all others, those of newer versions included, only the beginnings are known that a
failure of any command may have. Failures that print nothing are listed in docs/language.md.

Source: wire.md section 9, and every command of `help` of QEMU 7.2 and 10.0, tried.
"""

from __future__ import annotations

import re
from typing import Final

_ALIASES: Final = {"c": "cont", "s": "stop", "q": "quit"}

_SILENT: Final = frozenset({
    "announce_self", "balloon", "block_job_cancel", "block_job_complete", "block_job_pause",
    "block_job_resume", "block_job_set_speed", "block_resize", "block_set_io_throttle",
    "block_stream", "change", "chardev-remove", "chardev-send-break", "client_migrate_info",
    "closefd", "commit", "cont", "cpu", "delvm", "device_add", "device_del", "drive_backup",
    "drive_del", "drive_mirror", "dump-guest-memory", "dumpdtb", "eject", "exit_preconfig",
    "expire_password", "getfd", "hostfwd_add", "loadvm", "log", "logfile", "mce", "memsave",
    "migrate_cancel", "migrate_continue", "migrate_incoming", "migrate_pause", "migrate_recover",
    "migrate_set_capability", "migrate_set_parameter", "migrate_start_postcopy", "mouse_button",
    "mouse_move", "mouse_set", "nbd_server_add", "nbd_server_remove", "nbd_server_start",
    "nbd_server_stop", "netdev_add", "netdev_del", "nmi", "o", "object_add", "object_del",
    "one-insn-per-tb", "pmemsave", "qemu-io", "qom-set", "quit", "replay_break",
    "replay_delete_break", "replay_seek", "ringbuf_write", "savevm", "screendump", "sendkey",
    "set_link", "set_password", "singlestep", "snapshot_blkdev", "snapshot_blkdev_internal",
    "snapshot_delete_blkdev_internal", "stop", "stopcapture", "system_powerdown", "system_reset",
    "system_wakeup", "trace-event", "watchdog_action", "wavcapture", "x_colo_lost_heartbeat",
    "xen-event-inject",
})  # fmt: skip
"""Commands whose success prints nothing."""

_SPEAKING: Final = {
    "boot_set": "boot device list now set to ",
    "calc_dirty_rate": "Starting dirty rate measurement ",
    "cancel_vcpu_dirty_limit": r"\[Please use ",
    "chardev-add": "char device redirected to ",
    "chardev-change": "char device redirected to ",
    "drive_add": "OK|Supported formats:",
    "gdbserver": "Waiting for gdb |Disabled gdbserver",
    "gpa2hpa": "Host physical address for ",
    "gpa2hva": "Host virtual address for ",
    "gva2gpa": "gpa: ",
    "hostfwd_remove": "host forwarding rule for .* removed$",
    "migrate": "terminal does not allow synchronous migration",
    "pcie_aer_inject_error": "OK id: ",
    "set_vcpu_dirty_limit": r"\[Please use ",
    "sync-profile": "sync-profile is ",
}
"""Commands whose success prints something: how that begins. It may also print nothing."""

_HELPFUL: Final = frozenset({"chardev-add", "device_add", "log", "netdev_add", "object_add"})
"""Commands whose arguments may ask for a list of what they take."""

_ASKS_FOR_HELP: Final = re.compile(r"(?:^|[\s,=])(?:help|\?)(?=$|[\s,])")

_FAILURE: Final = re.compile(
    r"""Error:[ ]|unknown[ ]command:[ ]|unknown[ ]event[ ]"|Command[ ]".*"[ ](is[ ])?not[ ]available
    |Device[ ]'.*'[ ]not[ ]found$|Try[ ]"help[ ]""",
    re.VERBOSE,
)
"""How failures of any command begin, or the line that ends them."""

_READING: Final = {
    "info": "CPU#[0-9]+ not available|No CPU available|Path '.*' could not be resolved"
    "|invalid stats target ",
    "x": "[0-9a-f]+: Cannot access memory",
    "xp": "[0-9a-f]+: Cannot access memory",
}
"""Commands that print what they read: how some of their failures begin."""

_REMARK: Final = ("warning: ", "info: ")
"""How lines begin that say nothing of a failure."""


def hmp_failed(line: str, text: str) -> bool:
    """Whether a text is what the monitor prints when that line has failed.

    text: not empty, LF ends, no trailing newline
    """
    name, arguments = _split(line)
    lines = [each for each in text.split("\n") if not each.startswith(_REMARK)]
    if not "".join(lines).strip():
        return False
    if _FAILURE.match(lines[0]) or lines[-1].startswith('Try "help'):
        return True
    if name in _HELPFUL and _ASKS_FOR_HELP.search(arguments):
        return any(map(_FAILURE.match, lines))
    if name in _SPEAKING:
        return re.match(_SPEAKING[name], lines[0]) is None
    return name in _SILENT or re.match(_READING.get(name, "(?!)"), lines[0]) is not None


def _split(line: str) -> tuple[str, str]:
    """Return a command's name and its arguments; a format may follow the name, as in `x/4xb 0`.

    Source: get_command_name in QEMU's monitor/hmp.c.
    """
    found = re.match(r"\s*([^\s/]*)(.*)", line, re.DOTALL)
    name, arguments = found.groups() if found is not None else ("", "")
    return _ALIASES.get(name, name), arguments
