"""`.json` and `.export`: a line as JSON, or as a program for another tool; nothing is sent."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Generator, Sequence

from qmpsh.address import TcpAddress, UnixAddress, parse_address
from qmpsh.client.client import Client
from qmpsh.errors import LineSyntaxError, QmpshError, UsageError
from qmpsh.jsontypes import Json, get_str
from qmpsh.language.syntax import Modifiers, VerbLine
from qmpsh.language.verbs import Reach, Takes
from qmpsh.protocol.messages import Command, Reply, command_object
from qmpsh.shell.context import Context
from qmpsh.shell.execute import Request, dry_run_text
from qmpsh.shell.interpreter import requests_of
from qmpsh.shell.machine import Machine
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, WaitFor, Wish
from qmpsh.shell.transaction import masked_request
from qmpsh.shell.verbs.table import text_answer, verb


@verb(
    "json",
    "LINE",
    "print the JSON that LINE would send, and send nothing",
    Takes.LINE,
    reach=Reach.LOCAL,
)
def show_json(context: Context, line: VerbLine) -> Steps:
    requests = yield from _shown_requests(context, line)
    yield _shown(line, requests, "\n".join(map(dry_run_text, requests)))
    return Outcome()


@verb(
    "export",
    "bash|python|virsh LINE",
    "write the same command for another tool",
    Takes.TOOL_LINE,
    reach=Reach.LOCAL,
)
def export(context: Context, line: VerbLine) -> Steps:
    tool, write = line.head, find_tool(line.head)
    requests = yield from _shown_requests(context, line)
    names = [name for request in requests for name in left_out(request.modifiers, tool)]
    for name in dict.fromkeys(names):
        yield Note(f"{name} is left out: it cannot be expressed in {tool}")
    if said := unreachable(context.machine, tool):
        yield Note(said)
    if tool == "virsh" and context.client is not None and not context.machine.name:
        context.machine.name = yield from name_of_vm(context.client)
    text = write([request.command for request in requests], context.machine)
    yield _shown(line, requests, text)
    return Outcome()


def _shown_requests(context: Context, line: VerbLine) -> Generator[Wish, str, list[Request]]:
    """Return what the line after a verb would send, without its secrets; with them only by --dry-
    run, whose purpose that is.
    """
    requests = (yield from requests_of(context, line)) if line.rest else []
    if not requests:
        raise LineSyntaxError(
            f"expected a command, as in {line.source.strip()} query-status",
            line.source,
            line.rest_span,
        )
    if context.settings.dry_run and not context.settings.interactive:
        return requests
    masked = [masked_request(request) for request in requests]
    if masked != requests:
        yield Note("secrets are masked; `qmpsh -n` prints them")
    return masked


def _shown(line: VerbLine, requests: Sequence[Request], text: str) -> Answer:
    """Return a text as an answer, with the redirect of the line that it is about."""
    return text_answer(line, text)._replace(redirect=requests[-1].redirect)


_NO_ADDRESS = UnixAddress("/path/to/monitor.sock")
_SOCAT_MARKS = re.compile(r"""[\\,:!"'()\[\]{}]""")
"""What means something in socat's addresses; a backslash takes it off. Source: socat(1)."""


Writer = Callable[[Sequence[Command], Machine], str]
"""Gives the text of a program or command line that runs the commands."""


def find_tool(tool: str) -> Writer:
    """Return the writer for a tool. Raises UsageError for an unknown one."""
    write = TOOLS.get(tool)
    if write is None:
        raise UsageError(f"no tool {tool or 'named'}: .export {'|'.join(TOOLS)} LINE")
    return write


def left_out(modifiers: Modifiers, tool: str) -> list[str]:
    """Return the modifiers that change what is done and that a tool cannot express."""
    doing = ("wait", "timeout", "fd")
    names = [name for name in doing if getattr(modifiers, name) is not None]
    if modifiers.oob and tool == "virsh":  # libvirt negotiates no out-of-band execution
        names.append("oob")
    return [f"--{name}" for name in names]


def name_of_vm(client: Client) -> Generator[Wish, str, str]:
    """Ask for the VM's name, which is that of its domain; "" for none."""
    pending = client.submit(Command("query-name"))
    yield WaitFor(lambda: pending.done, for_reply=True)
    return get_str(pending.reply.value if isinstance(pending.reply, Reply) else None, "name")


def unreachable(machine: Machine, tool: str) -> str:
    """Return the note on an address that a tool cannot connect to; "" for any other."""
    if not machine.address or tool == "virsh" or _address(machine) is not _NO_ADDRESS:
        return ""
    return f"{tool} cannot connect to {machine.address}: write an address in its place that it can"


def _bash(commands: Sequence[Command], machine: Machine) -> str:
    """Return a call of socat, with negotiation and commands in one connection: two would not work.

    -t keeps it open for the answers after the end of its input (wire.md section 14).
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
    """Return a word for bash; what a terminal cannot show is written as its bytes."""
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
    """Return virsh's option for the URI, quoted and with a blank before it, and the domain."""
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
    # All in ASCII, whatever the locale where it runs; DEL is ASCII, and no text.
    return json.dumps(command_object(command)).replace("\x7f", "\\u007f")


def _address(machine: Machine) -> UnixAddress | TcpAddress:
    try:
        address = parse_address(machine.address)
    except QmpshError:
        return _NO_ADDRESS
    return address if isinstance(address, UnixAddress | TcpAddress) else _NO_ADDRESS
