"""Reads a command line for the monitors, guest agents and serial lines that it makes.

Pure. Knows QEMU, its storage daemon, StratoVirt and qemu-ga, and QEMU's ways to write options:
`key=value` lists with doubled commas, JSON, short flags. Any process may have any argv: no word
raises, and what cannot be a socket is left out.
Source: qemu(1), qemu-storage-daemon(1), qemu-ga(8).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from qmpsh.errors import shortened
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.patterns import LatePattern

if TYPE_CHECKING:
    from typing import Final, Literal

    ChannelKind = Literal["qmp", "hmp", "guest agent", "serial line"]
    Wrap = Literal["telnet", "tls", "websocket", ""]
else:
    ChannelKind = Wrap = str

QMP: Final = "qmp"
HMP: Final = "hmp"
AGENT: Final = "guest agent"
SERIAL: Final = "serial line"
_PROGRAMS: Final = {
    r"qemu-system-[\w-]{1,40}|qemu-kvm|kvm|qemu": "emulator",
    r"qemu-storage-daemon": "daemon",
    r"stratovirt": "emulator",
    r"qemu-ga": "agent",
}
_CHANNELS: Final = 64  # of one program that are looked at
_PATH: Final = 4096  # bytes of a path, at most. Source: limits.h, PATH_MAX
_TRUE: Final = frozenset({"on", "yes", "true", "y"})
_AGENT_NAME: Final = "org.qemu.guest_agent."
"""How the channels of guest agents are named. Source: qemu-ga(8), --path."""
_SERIAL_DEVICE: Final = LatePattern(r"serial|console|vty")
"""Drivers that carry a serial line of the guest: isa-serial, virtconsole, spapr-vty."""


class MonitorChannel(NamedTuple):
    """One socket that a program listens on.

    kind:       what is spoken there
    path:       of a unix socket, as it was given
    abstract:   `path` is a name without a file
    host, port: of a TCP one, host "" for any
    fd:         inherited, -1 for none, and then nothing else
    wrap:       what is around the bytes, "" for nothing
    """

    kind: ChannelKind
    path: str = ""
    abstract: bool = False
    host: str = ""
    port: int = 0
    fd: int = -1
    wrap: Wrap = ""


class QemuArgv(NamedTuple):
    """The command line of a QEMU, or of a program like it, as far as it names sockets.

    program: its file's name; name: of the VM, "" for none; channels: its sockets, those that a
    session can be had on first.
    """

    program: str
    name: str
    channels: tuple[MonitorChannel, ...]

    @property
    def monitors(self) -> tuple[MonitorChannel, ...]:
        """The channels without the serial lines."""
        return tuple(channel for channel in self.channels if channel.kind != SERIAL)


QemuOptions = dict[str, str]
"""`path=/a,server=on` by keys; a flag such as `server` is "on"."""


def maybe_command_line(words: Sequence[str]) -> QemuArgv | None:
    """What a process was started for, None where it is none of these programs. words: its argv."""
    program = os.path.basename(words[0]) if words else ""
    for pattern, kind in _PROGRAMS.items():
        if re.fullmatch(pattern, program):
            name, channels = _READERS[kind](words[1:])
            return QemuArgv(program, shortened(name), tuple(islice(channels, _CHANNELS)))
    return None


def read_options(text: str, implied: str = "") -> QemuOptions:
    """`key=value,...` or a JSON object. implied: the key of a first word without one."""
    if text.startswith("{"):
        return _read_json(text)
    options: QemuOptions = {}
    for index, part in enumerate(re.findall(r"(?:,,|[^,])+", text)):
        key, equals, value = part.replace(",,", ",").partition("=")
        if not equals and index == 0 and implied:
            options[implied] = key
        elif equals:
            options[key] = value
        elif key.startswith("no"):
            options[key.removeprefix("no")] = "off"
        else:
            options[key] = "on"
    return options


def _read_json(text: str) -> QemuOptions:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    return {
        key: ("on" if member else "off") if isinstance(member, bool) else str(member)
        for key, member in value.items()
        if isinstance(member, str | int)
    }


# ---------------------------------------------------------------------------- QEMU and its like


def _read_emulator(words: Sequence[str]) -> tuple[str, list[MonitorChannel]]:
    name = ""
    chardevs: dict[str, QemuOptions] = {}
    uses: list[tuple[ChannelKind, str]] = []  # kind, and what was said of its device
    for option, value in _pairs(words):
        if option == "name":
            name = read_options(value, "guest").get("guest", "")
        elif option == "chardev":
            options = read_options(value, "backend")
            chardevs[options.get("id", "")] = options
        elif option in _USES:
            uses += _USES[option](value)
    # A socket may be a serial line and a monitor at once (mux=on): that is a monitor.
    uses.sort(key=lambda use: use[0] == SERIAL)
    return name, [channel for use in uses for channel in _channels(*use, chardevs)]


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every option, and the word after it: which of them take a value need not be known."""
    for word, following in zip(words, (*words[1:], ""), strict=False):
        if word.startswith("-") and len(word) > 1:
            option, equals, value = word.lstrip("-").partition("=")
            yield option, value if equals else following


def _use_mon(value: str) -> Iterator[tuple[ChannelKind, str]]:
    options = read_options(value, "chardev")
    control = options.get("mode", "readline") == "control"
    yield QMP if control else HMP, f"chardev:{options.get('chardev', '')}"


def _use_serial(value: str) -> Iterator[tuple[ChannelKind, str]]:
    device = value.removeprefix("mon:")
    yield SERIAL if device == value else HMP, device


def _use_device(value: str) -> Iterator[tuple[ChannelKind, str]]:
    options = read_options(value, "driver")
    device = f"chardev:{options.get('chardev', '')}"
    if options.get("name", "").startswith(_AGENT_NAME):
        yield AGENT, device
    elif _SERIAL_DEVICE.search(options.get("driver", "")):
        yield SERIAL, device


_USES: Final[dict[str, Callable[[str], Iterator[tuple[ChannelKind, str]]]]] = {
    "qmp": lambda value: iter([(QMP, value)]),
    "qmp-pretty": lambda value: iter([(QMP, value)]),
    "monitor": lambda value: iter([(HMP, value)]),
    "mon": _use_mon,
    "serial": _use_serial,
    "device": _use_device,
}
"""Options that put something on a character device: what, and on which."""


def _channels(
    kind: ChannelKind, device: str, chardevs: dict[str, QemuOptions]
) -> Iterator[MonitorChannel]:
    """The socket of a device as `-qmp` and `-monitor` name one, if it is a listening one."""
    scheme, _, rest = device.partition(":")
    if scheme == "chardev":
        options = chardevs.get(rest, {})
        if options.get("backend") != "socket":
            return
    elif scheme == "unix":
        options = read_options(rest, "path")
    elif scheme in ("tcp", "telnet", "websocket"):
        options = read_options(rest, "place")
        host, _, options["port"] = options.get("place", "").rpartition(":")
        options["host"] = host.strip("[]")
        if scheme != "tcp":
            options[scheme] = "on"
    else:
        return
    if options.get("server") in _TRUE:
        yield _channel(kind, options)


def _channel(kind: ChannelKind, options: QemuOptions) -> MonitorChannel:
    return MonitorChannel(
        kind,
        _path(options.get("path", "")),
        options.get("abstract") in _TRUE,
        options.get("host", ""),
        _number(options.get("port", ""), 0, 65535),
        _number(options.get("fd", ""), -1, 1 << 20),
        _wrap(options),
    )


def _number(text: str, otherwise: int, most: int) -> int:
    """A number of a few digits; otherwise where it is none, or larger than any can be."""
    is_one = text.isascii() and text.isdigit() and len(text) <= 7 and int(text) <= most
    return int(text) if is_one else otherwise


def _path(text: str) -> str:
    """A path that a file can have, else ""."""
    try:
        return text if len(os.fsencode(text)) < _PATH and "\0" not in text else ""
    except UnicodeError:
        return ""


def _wrap(options: QemuOptions) -> Wrap:
    if "tls-creds" in options:
        return "tls"
    if options.get("telnet") in _TRUE:
        return "telnet"
    return "websocket" if options.get("websocket") in _TRUE else ""


def _read_daemon(words: Sequence[str]) -> tuple[str, list[MonitorChannel]]:
    """A storage daemon's --monitor is `-mon` with mode=control."""
    chardevs: dict[str, QemuOptions] = {}
    monitors: list[str] = []
    for option, value in _pairs(words):
        if option == "chardev":
            options = read_options(value, "backend")
            chardevs[options.get("id", "")] = options
        elif option == "monitor":
            monitors.append(read_options(value, "chardev").get("chardev", ""))
    return "", [
        channel for name in monitors for channel in _channels(QMP, f"chardev:{name}", chardevs)
    ]


# ---------------------------------------------------------------------------- qemu-ga


def _read_agent(words: Sequence[str]) -> tuple[str, list[MonitorChannel]]:
    """Of getopt's four ways to write an option: -m X, -mX, --method X, --method=X."""
    method = path = ""
    for word, following in zip(words, (*words[1:], ""), strict=False):
        name, equals, value = word.partition("=")
        if not name.startswith("--"):
            name, value, equals = word[:2], word[2:], word[2:]
        value = value if equals else following
        if name in ("-m", "--method"):
            method = value
        elif name in ("-p", "--path"):
            path = value
    path = _path(path)
    return "", [MonitorChannel(AGENT, path)] if method == "unix-listen" and path else []


_READERS: Final[dict[str, Callable[[Sequence[str]], tuple[str, list[MonitorChannel]]]]] = {
    "emulator": _read_emulator,
    "daemon": _read_daemon,
    "agent": _read_agent,
}
