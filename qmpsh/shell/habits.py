"""Translates lines as typed in the human monitor into the language of this shell.

Only what means exactly the same is converted; another line is offered as it stands, for `.hmp`. The
units differ, for one: `balloon 2048` are MiB there and bytes in QMP.
Source: QEMU 7.2 and 10.0, hmp-commands.hx (args_type) and monitor/hmp-cmds.c.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from qmpsh.light_typing import NamedTuple
from qmpsh.shell.hmp import HMP_COMMANDS

_LIKE_QMP = frozenset({
    "balloon", "block_job_cancel", "block_job_complete", "block_job_pause", "block_job_resume",
    "block_job_set_speed", "block_resize", "block_set_io_throttle", "block_stream",
    "cancel_vcpu_dirty_limit", "chardev-add", "chardev-change", "chardev-remove",
    "chardev-send-break", "client_migrate_info", "closefd", "cont", "device_add", "device_del",
    "drive_backup", "drive_mirror", "dump-guest-memory", "dumpdtb", "eject", "exit_preconfig",
    "expire_password", "getfd", "memsave", "migrate", "migrate_cancel", "migrate_continue",
    "migrate_incoming", "migrate_pause", "migrate_recover", "migrate_set_capability",
    "migrate_set_parameter", "migrate_start_postcopy", "nbd_server_add", "nbd_server_remove",
    "nbd_server_start", "nbd_server_stop", "netdev_add", "netdev_del", "object_add", "object_del",
    "pmemsave", "qom-get", "qom-list", "qom-set", "quit", "replay_break", "replay_delete_break",
    "replay_seek", "ringbuf_read", "ringbuf_write", "screendump", "set_link", "set_password",
    "set_vcpu_dirty_limit", "snapshot_blkdev", "stop", "system_powerdown", "system_reset",
    "system_wakeup", "watchdog_action", "x_colo_lost_heartbeat", "xen-event-inject",
    "xen-event-list",
})  # fmt: skip
MONITOR_COMMANDS = HMP_COMMANDS | _LIKE_QMP
"""The commands of the human monitor."""

_PLAIN = r"[^\s'\"{\[#|>?=-][^\s'\"]*"
_SIZE = r"([0-9]+)([kKmMgGtTpPeE]?)"
_OPTIONS = frozenset({"device_add", "netdev_add", "object_add"})
"""Those that take one word, `TYPE,NAME=VALUE,...`."""


class _Form(NamedTuple):
    """The QMP form of a line of the human monitor.

    name: of the command in QMP; members: for the words in their order, followed by a `?` where they
    may be left out, by `:M` for a size that is in MiB where it has no unit; flags: what an option
    such as -f says, "" for what QMP does anyway; plain: what QMP needs where that option is missing
    """

    name: str
    members: str
    flags: dict[str, str] = {}  # noqa: RUF012 - never changed, as every field of a value
    plain: str = ""


_FORMS = {
    "balloon": _Form("balloon", "value:M"),
    "block_resize": _Form("block_resize", "device size:M"),
    "block_set_io_throttle": _Form(
        "block_set_io_throttle", "device bps bps_rd bps_wr iops iops_rd iops_wr"
    ),
    "block_job_cancel": _Form("block-job-cancel", "device", {"-f": "force=true"}),
    "block_job_complete": _Form("block-job-complete", "device"),
    "block_job_pause": _Form("block-job-pause", "device"),
    "block_job_resume": _Form("block-job-resume", "device"),
    "chardev-remove": _Form("chardev-remove", "id"),
    "chardev-send-break": _Form("chardev-send-break", "id"),
    "client_migrate_info": _Form(
        "client_migrate_info", "protocol hostname port? tls-port? cert-subject?"
    ),
    "closefd": _Form("closefd", "fdname"),
    "device_add": _Form("device_add", "driver"),
    "device_del": _Form("device_del", "id"),
    "eject": _Form("eject", "device", {"-f": "force=true"}),
    "expire_password": _Form("expire_password", "protocol time"),
    "getfd": _Form("getfd", "fdname"),
    "memsave": _Form("memsave", "val size filename"),
    "migrate": _Form("migrate", "uri", {"-d": "", "-r": "resume=true"}, plain="--wait"),
    "migrate_incoming": _Form("migrate-incoming", "uri"),
    "migrate_recover": _Form("migrate-recover", "uri"),
    "migrate_continue": _Form("migrate-continue", "state"),
    "nbd_server_remove": _Form("nbd-server-remove", "name", {"-f": "mode=hard"}),
    "netdev_add": _Form("netdev_add", "type"),
    "netdev_del": _Form("netdev_del", "id"),
    "object_add": _Form("object-add", "qom-type"),
    "object_del": _Form("object-del", "id"),
    "pmemsave": _Form("pmemsave", "val size filename"),
    "qom-get": _Form("qom-get", "path property"),
    "qom-list": _Form("qom-list", "path"),
    "ringbuf_read": _Form("ringbuf-read", "device size"),
    "ringbuf_write": _Form("ringbuf-write", "device data"),
    "screendump": _Form("screendump", "filename device? head?"),
    "set_link": _Form("set_link", "name up"),
    "watchdog_action": _Form("watchdog-set-action", "action"),
}


def in_our_words(text: str, has: Callable[[str], bool]) -> str:
    """Return a line of the human monitor in our language, or after `.hmp`; "" for no such line.

    has: whether QMP has a command of that name here
    """
    name, *words = text.split() or [""]
    if name not in MONITOR_COMMANDS:
        return ""
    form = _FORMS.get(name)
    arguments = _arguments(form, name, words) if form is not None and has(form.name) else None
    if form is None or arguments is None:
        return f".hmp {text.strip()}"
    # With a wrong size it is not a line of the human monitor either.
    return " ".join([form.name, *arguments]) if "" not in arguments else ""


def _arguments(form: _Form, name: str, words: Sequence[str]) -> list[str] | None:
    """Return the words as arguments; None if they are not exactly what the form takes."""
    said: list[str] = []
    values: list[str] = []
    for word in words:
        if word.startswith("-"):
            if word not in form.flags:
                return None
            said += form.flags[word].split()
        elif re.fullmatch(_PLAIN, word):
            values.append(word)
        else:
            return None
    if not any(form.flags.get(word) == "" for word in words):
        said += form.plain.split()
    pairs: list[str] = []
    if name in _OPTIONS and len(values) == 1:
        first, *pairs = values[0].split(",")
        values = [first]
    members = form.members.split()
    least = sum(not member.endswith("?") for member in members)
    if not least <= len(values) <= len(members) or not all(map(_is_pair, pairs)):
        return None
    arguments = [_argument(*both) for both in zip(members, values, strict=False)]
    return [*arguments, *pairs, *said]


def _is_pair(text: str) -> bool:
    name, equals, value = text.partition("=")
    return bool(name and equals and re.fullmatch(_PLAIN, value))


def _argument(member: str, word: str) -> str:
    """Return one argument; "" for a word that is not a valid size."""
    name, _, unit = member.removesuffix("?").partition(":")
    if not unit:
        return f"{name}={word}"
    size = re.fullmatch(_SIZE, word)
    return f"{name}={size[1]}{size[2].upper() or unit}" if size is not None else ""
