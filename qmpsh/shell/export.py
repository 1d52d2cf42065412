"""`.export`: the same commands for somebody else's tool."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence

from qmpsh.errors import QmpshError, UsageError
from qmpsh.jsontypes import Json
from qmpsh.lang.syntax import Modifiers
from qmpsh.link.address import TcpAddress, UnixAddress, parse_address
from qmpsh.shell.machine import Machine
from qmpsh.wire.messages import Command, command_object

_NO_ADDRESS = UnixAddress("/path/to/monitor.sock")


Writer = Callable[[Sequence[Command], Machine], str]
"""Gives the text of a program or command line that runs the commands."""


def find_tool(tool: str) -> Writer:
    """The writer for a tool. Raises UsageError for an unknown one."""
    write = TOOLS.get(tool)
    if write is None:
        raise UsageError(f"no tool {tool or 'named'}: .export {'|'.join(TOOLS)} LINE")
    return write


def left_out(modifiers: Modifiers) -> list[str]:
    """The modifiers that no other tool has a word for, of those that change what is done."""
    doing = ("wait", "timeout", "fd")
    return [f"--{name}" for name in doing if getattr(modifiers, name) is not None]


def _bash(commands: Sequence[Command], machine: Machine) -> str:
    """socat, with the negotiation and the commands in one connection: two would not work.

    -t keeps it open for the answers after the end of its input (PEERS.md, C7).
    """
    address = _address(machine)
    peer = (
        f"UNIX-CONNECT:{address.path}"
        if isinstance(address, UnixAddress)
        else f"TCP:{address.host}:{address.port}"
    )
    messages = [Command("qmp_capabilities"), *commands]
    lines = " \\\n    ".join(shlex.quote(_text(command)) for command in messages)
    return f"printf '%s\\n' \\\n    {lines} \\\n  | socat -t 60 - {shlex.quote(peer)}"


def _python(commands: Sequence[Command], machine: Machine) -> str:
    address = _address(machine)
    peer: object = (
        address.path if isinstance(address, UnixAddress) else (address.host, address.port)
    )
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
    return "\n".join(
        f"virsh{connect} qemu-monitor-command {domain} {shlex.quote(_text(command))}"
        for command in commands
    )


def _virsh_place(machine: Machine) -> tuple[str, str]:
    """virsh's option for the URI, with a blank before it, and the domain; both quoted."""
    if machine.address.startswith("libvirt:"):
        # Imported here: few addresses are libvirt's.
        from qmpsh.link.roads.libvirt import parse

        uri, domain = parse(machine.address)
        return f" -c {shlex.quote(uri)}" if uri else "", shlex.quote(domain)
    return "", shlex.quote(machine.name or "DOMAIN")


TOOLS: dict[str, Writer] = {
    "bash": _bash,
    "python": _python,
    "virsh": _virsh,
}


def _text(command: Command) -> str:
    message: Json = command_object(command)
    return json.dumps(message)


def _address(machine: Machine) -> UnixAddress | TcpAddress:
    try:
        address = parse_address(machine.address)
    except QmpshError:
        return _NO_ADDRESS
    return address if isinstance(address, UnixAddress | TcpAddress) else _NO_ADDRESS
