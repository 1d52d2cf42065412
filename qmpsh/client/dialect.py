"""The kinds of servers, one row each.

The server kind is detected in steps: from an option (a guest agent), the greeting (StratoVirt, an
HMP monitor), then the command list (a storage daemon, whose greeting is the emulator's: wire.md
section 1).
"""

from __future__ import annotations

from qmpsh.address import parse_address
from qmpsh.errors import NAME_CHARS
from qmpsh.jsontypes import Json, JsonObject, as_dicts, get_dict, get_str
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.protocol.messages import HMP_MARKER, Greeting

if TYPE_CHECKING:
    from typing import Final


class Dialect(NamedTuple):
    """A kind of server: the row of what distinguishes it.

    name:   of such a server, by itself
    title:  what to call one in a sentence
    greets:   it greets, and wants capabilities negotiated
    window:   in-band requests on the wire at most
    rate:     requests in any one second at most, None for no limit
    longest:  bytes of one request at most, None for no limit
    names:    the command that lists the commands, "" for none
    schema:   the command that answers the schema, "" for none
    manual:   the page of the local manual that describes its commands, "" for none
    hmp:      it has a human monitor
    qmp:      it takes QMP commands; else every line is the human monitor's
    status:   it has a run state: query-status
    named:    it has a name: query-name, query-uuid
    silent:   commands that send no reply on success
    events:   it sends events, and has jobs, which end with them
    guest:    it runs inside the guest: `.exec` and `.cat`
    braced:   commands without arguments that want an empty object of them all the same
    """

    name: str
    title: str
    greets: bool = True
    window: int = 7
    rate: int | None = None
    longest: int | None = None
    names: str = "query-commands"
    schema: str = "query-qmp-schema"
    manual: str = "qemu-qmp-ref"
    hmp: bool = True
    qmp: bool = True
    status: bool = True
    named: bool = True
    silent: frozenset[str] = frozenset()
    events: bool = True
    guest: bool = False
    braced: frozenset[str] = frozenset()


# At eight requests in band QEMU stops reading, and would not see one out of band (wire.md
# section 1): the window stays below.
QEMU: Final = Dialect("QEMU", "QEMU")
STORAGE_DAEMON: Final = Dialect(
    "storage daemon",
    "a storage daemon",
    manual="qemu-storage-daemon-qmp-ref",
    hmp=False,
    status=False,
    named=False,
)
# Source: wire.md section 10; qemu-ga-ref(7), "success-response".
GUEST_AGENT: Final = Dialect(
    "guest agent",
    "a guest agent",
    greets=False,
    names="guest-info",
    schema="",
    manual="qemu-ga-ref",
    hmp=False,
    status=False,
    named=False,
    silent=frozenset(
        {"guest-shutdown", "guest-suspend-disk", "guest-suspend-ram", "guest-suspend-hybrid"}
    ),
    events=False,
    guest=True,
)
# Source: wire.md section 13: everything readable at once is one request; 100 a second at most. Its
# query-qmp-schema answers `{}`, so there is no need to ask.
STRATOVIRT: Final = Dialect(
    "StratoVirt",
    "StratoVirt",
    window=1,
    rate=100,
    longest=8192,
    schema="",
    manual="",
    named=False,
    braced=frozenset({"detect-silent-audio", "query-workloads"}),
)
# One line at a time: at a question for a password the next would be taken for it.
HMP_MONITOR: Final = Dialect(
    "HMP monitor of QEMU",
    "an HMP monitor",
    window=1,
    names="",
    schema="",
    manual="",
    qmp=False,
    events=False,
)


def dialect_of_greeting(greeting: Greeting) -> Dialect:
    """Return the kind of server that sent a greeting; QEMU for a storage daemon, whose greeting is
    the same.
    """
    body = get_dict(greeting.raw, "QMP")
    if HMP_MARKER in body:
        return HMP_MONITOR
    said = f"{greeting.package} {body}"
    return STRATOVIRT if "StratoVirt" in said else QEMU


def server_version(greeting: Greeting) -> tuple[str, str, str]:
    """Return program, version and package of a greeting, "" for what it does not name.

    StratoVirt claims to be a QEMU 5.0.1, and gives its own version as the package.
    """
    dialect = dialect_of_greeting(greeting)
    if dialect is STRATOVIRT and greeting.package:
        return dialect.name, greeting.package.removeprefix(f"{dialect.name}-"), ""
    return dialect.name, greeting.version, greeting.package


def remark(address: str, greeting: Greeting | None) -> str:
    """Return what a greeting made by us says to the user about the connection, "" for nothing.

    A server whose greeting holds such a remark is ignored.
    """
    text = get_str(greeting.raw.get("QMP"), "remark") if greeting else ""
    return text if text and parse_address(address).makes_greeting else ""


REPLAY: Final = "replay"
"""the member of a greeting's body in which `qmpsh replay` says what it is"""

RECORDING, DEMO = "recording", "demo"
REPLAYS: Final = {
    RECORDING: "A recording of {server}; nothing here is a running VM.",
    DEMO: "A recording of {server}; QEMU is not installed.",
}
"""The kinds of recordings, and what is said of each."""


def replay_remark(greeting: Greeting | None) -> str:
    """Return what is said of a greeting that comes from a recording, "" for any other."""
    kind = get_str(greeting.raw.get("QMP"), REPLAY) if greeting else ""
    if greeting is None or kind not in REPLAYS:
        return ""
    server, version, _ = server_version(greeting)
    return REPLAYS[kind].format(server=f"{server} {version}".rstrip())


def command_names(reply: Json) -> tuple[str, ...]:
    """Return the names in a reply of query-commands or guest-info; () for any other shape."""
    return tuple(name for name, _ in _listed_entries(reply))


def disabled_names(reply: Json) -> frozenset[str]:
    """Return the commands of a guest agent that its administrator has disabled."""
    return frozenset(
        name for name, entry in _listed_entries(reply) if entry.get("enabled") is False
    )


def _listed_entries(reply: Json) -> list[tuple[str, JsonObject]]:
    entries = reply.get("supported_commands") if isinstance(reply, dict) else reply
    named = [(name, entry) for entry in as_dicts(entries) if (name := get_str(entry, "name"))]
    return [(name, entry) for name, entry in named if len(name) <= NAME_CHARS]


def dialect_of_commands(dialect: Dialect, commands: tuple[str, ...]) -> Dialect:
    """Return the dialect, refined by the names of the commands."""
    if dialect is QEMU and commands and "query-status" not in commands:
        return STORAGE_DAEMON
    return dialect
