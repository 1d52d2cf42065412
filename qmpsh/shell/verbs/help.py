"""What `.help`, `.apropos` and `.export` print of the server's commands.

Signatures come from the schema, prose from the local manual; `.export` writes the same commands for
use in another tool.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

from qmpsh.address import TcpAddress, UnixAddress, parse_address
from qmpsh.client.client import Client
from qmpsh.errors import QmpshError, UsageError
from qmpsh.jsontypes import Json
from qmpsh.language.syntax import Modifiers
from qmpsh.protocol.messages import Command, Reply, command_object
from qmpsh.schema.describe import command_signature, event_signature
from qmpsh.schema.manual.find import Manual
from qmpsh.schema.model import EnumType, Schema
from qmpsh.shell.machine import Machine
from qmpsh.shell.steps import WaitFor, Wish
from qmpsh.suggest import did_you_mean

WIDTH = 78
"""columns that help takes at most, as man does"""


class HelpTopics:
    """What help knows about.

    schema, manual: None where there is none; page: the manual's name, "" where this kind of server
    has none; disabled: commands that a guest's administrator turned off.
    """

    def __init__(
        self,
        commands: tuple[str, ...],
        schema: Schema | None,
        manual: Manual | None,
        page: str = "qemu-qmp-ref",
        disabled: frozenset[str] = frozenset(),
    ) -> None:
        self.commands = commands
        self.schema = schema
        self.manual = manual
        self._page = page
        self._disabled = disabled

    def explain(self, words: str, width: int = WIDTH, more: str = "") -> str:
        """The signature and the prose of one name.

        words: the name, and values of tags as in `blockdev-add driver=qcow2`
        width: columns that the text may take; an example takes what it needs
        more: what stands below the signature
        Raises UsageError for an unknown name, and for a value that is none of a tag's.
        """
        name, *pairs = words.split()
        tags = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        self._refuse_values(name, tags)
        parts = ["\n".join(self._signature(name, tags, width)), self._prose(name, width)]
        found = [part for part in parts if part]
        if not found:
            hint = did_you_mean(name, self._names())
            raise UsageError(f"no command, event or type is called {name}{hint}")
        example = self._examples(name, width)
        if example:
            found.insert(1 if parts[0] else 0, example)
        if more:
            found.insert(1 if parts[0] else 0, more)
        if name in self._disabled:
            found.insert(0, f"{name} is disabled: the guest's administrator has turned it off")
        if not parts[1] and self.manual is None and self._page:
            found.append(f"(No manual is installed here: {self._page}(7) would tell more.)")
        return "\n\n".join(found)

    def search(self, word: str) -> str:
        """Names that hold the word, then those whose prose does, a line each.

        Raises UsageError where there is none.
        """
        if self.manual is not None:
            found = dict(self.manual.search(word))
        else:
            found = {name: "" for name in self._names() if word.lower() in name.lower()}
        if not found:
            raise UsageError(f"no name or text of the manual has {word} in it")
        width = min(32, max(map(len, found)))
        return "\n".join(f"{name:<{width}}  {text}".rstrip() for name, text in found.items())

    def _refuse_values(self, name: str, tags: Mapping[str, str]) -> None:
        kind = self.schema.arguments(name) if self.schema is not None else None
        for key, value in tags.items():
            member = kind.member(key) if kind is not None else None
            words = self.schema.type(member.type) if self.schema and member else None
            if isinstance(words, EnumType) and value not in words.names():
                hint = (
                    did_you_mean(value, words.names()) or f"; there are {', '.join(words.names())}"
                )
                raise UsageError(f"{name}: no value {value} of {key}{hint}")

    def _signature(self, name: str, tags: Mapping[str, str], width: int) -> list[str]:
        if self.schema is not None:
            command, event = self.schema.command(name), self.schema.event(name)
            if command is not None:
                return command_signature(self.schema, command, tags, width)
            if event is not None:
                return event_signature(self.schema, event, width)
        return [f"{name}  (command)"] if name in self.commands else []

    def _prose(self, name: str, width: int) -> str:
        entry = self.manual.entry(name, width) if self.manual is not None else None
        if entry is None or self.manual is None:
            return ""
        version = f" of QEMU {self.manual.version}" if self.manual.version else ""
        return f"From the manual{version} installed here:\n\n{entry.text}"

    def _examples(self, name: str, width: int) -> str:
        """The manual's examples as they are typed here: there they are JSON."""
        entry = self.manual.entry(name, width) if self.manual is not None else None
        if entry is None:
            return ""
        # Imported here: only help has a use for them.
        from qmpsh.schema.manual.examples import example_lines

        lines = example_lines(entry.text, name)
        title = "Examples:" if len(lines) > 1 else "Example:"
        return "\n  ".join([title, *lines]) if lines else ""

    def _names(self) -> Iterable[str]:
        events = self.schema.events if self.schema is not None else ()
        return (*self.commands, *events, *(self.manual.names if self.manual else ()))


_NO_ADDRESS = UnixAddress("/path/to/monitor.sock")
_SOCAT_MARKS = re.compile(r"""[\\,:!"'()\[\]{}]""")
"""What means something in socat's addresses; a backslash takes it off. Source: socat(1)."""


Writer = Callable[[Sequence[Command], Machine], str]
"""Gives the text of a program or command line that runs the commands."""


def find_tool(tool: str) -> Writer:
    """The writer for a tool. Raises UsageError for an unknown one."""
    write = TOOLS.get(tool)
    if write is None:
        raise UsageError(f"no tool {tool or 'named'}: .export {'|'.join(TOOLS)} LINE")
    return write


def left_out(modifiers: Modifiers, tool: str) -> list[str]:
    """The modifiers that a tool has no word for, of those that change what is done."""
    doing = ("wait", "timeout", "fd")
    names = [name for name in doing if getattr(modifiers, name) is not None]
    if modifiers.oob and tool == "virsh":  # libvirt negotiates no out-of-band execution
        names.append("oob")
    return [f"--{name}" for name in names]


def name_of_vm(client: Client) -> Generator[Wish, str, str]:
    """The name that the VM has, which is that of its domain; "" where it has none."""
    pending = client.submit(Command("query-name"))
    yield WaitFor(lambda: pending.done)
    value = pending.reply.value if isinstance(pending.reply, Reply) else None
    name = value.get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) else ""


def unreachable(machine: Machine, tool: str) -> str:
    """What to say of an address that a tool cannot connect to; "" for another, or for none."""
    if not machine.address or tool == "virsh" or _address(machine) is not _NO_ADDRESS:
        return ""
    return f"{tool} cannot connect to {machine.address}: write an address in its place that it can"


def _bash(commands: Sequence[Command], machine: Machine) -> str:
    """socat, with the negotiation and the commands in one connection: two would not work.

    -t keeps it open for the answers after the end of its input (PEERS.md, C7).
    """
    wants_oob = any(command.oob for command in commands)
    enabled: Json = {"enable": ["oob"]} if wants_oob else None
    messages = [Command("qmp_capabilities", enabled), *commands]
    lines = " \\\n    ".join(_word(_text(command)) for command in messages)
    peer = _word(_socat_address(_address(machine)))
    return f"printf '%s\\n' \\\n    {lines} \\\n  | socat -t 60 - {peer}"


def _socat_address(address: UnixAddress | TcpAddress) -> str:
    if isinstance(address, TcpAddress):
        is_v6 = ":" in address.host
        return (
            f"TCP6:[{address.host}]:{address.port}"
            if is_v6
            else f"TCP:{address.host}:{address.port}"
        )
    path = _SOCAT_MARKS.sub(r"\\\g<0>", address.path)
    return f"{'ABSTRACT' if address.abstract else 'UNIX'}-CONNECT:{path}"


def _word(text: str) -> str:
    """A word of bash's. What a terminal could not show is written by its bytes."""
    if text.isprintable():
        return shlex.quote(text)
    plain = set(range(0x20, 0x7F)) - set(b"\\'")
    parts = [chr(byte) if byte in plain else rf"\x{byte:02x}" for byte in os.fsencode(text)]
    return f"$'{''.join(parts)}'"


def _python(commands: Sequence[Command], machine: Machine) -> str:
    address = _address(machine)
    peer: object = (address.host, address.port) if isinstance(address, TcpAddress) else address.path
    if isinstance(address, UnixAddress) and address.abstract:
        peer = f"\0{address.path}"
    calls = "\n".join(
        f"    print(await qmp.execute({', '.join(_python_words(command))}))" for command in commands
    )
    return (
        "import asyncio\n\nfrom qemu.qmp import QMPClient\n\n\n"
        "async def main():\n    qmp = QMPClient()\n"
        f"    await qmp.connect({peer!r})\n{calls}\n    await qmp.disconnect()\n\n\n"
        "asyncio.run(main())"
    )


def _python_words(command: Command) -> list[str]:
    words = [repr(command.name)]
    if command.arguments is not None:
        words.append(repr(command.arguments))
    return [*words, "oob=True"] if command.oob else words


def _virsh(commands: Sequence[Command], machine: Machine) -> str:
    connect, domain = _virsh_place(machine)
    # A domain's name may look like an option.
    name = _word(f"--domain={domain}" if domain.startswith("-") else domain)
    return "\n".join(
        f"virsh{connect} qemu-monitor-command {name} {_word(_text(command._replace(oob=False)))}"
        for command in commands
    )


def _virsh_place(machine: Machine) -> tuple[str, str]:
    """virsh's option for the URI, quoted and with a blank before it; the domain."""
    # Imported here: few lines are exported for virsh.
    from qmpsh.client.transports.libvirt import LibvirtAddress

    address = parse_address(machine.address) if machine.address else None
    if isinstance(address, LibvirtAddress):
        return f" -c {_word(address.uri)}" if address.uri else "", address.domain
    return "", machine.name or "DOMAIN"


TOOLS: dict[str, Writer] = {
    "bash": _bash,
    "python": _python,
    "virsh": _virsh,
}


def _text(command: Command) -> str:
    # All in ASCII, whatever the locale of who runs it; DEL is ASCII, and no text.
    return json.dumps(command_object(command)).replace("\x7f", "\\u007f")


def _address(machine: Machine) -> UnixAddress | TcpAddress:
    try:
        address = parse_address(machine.address)
    except QmpshError:
        return _NO_ADDRESS
    return address if isinstance(address, UnixAddress | TcpAddress) else _NO_ADDRESS
