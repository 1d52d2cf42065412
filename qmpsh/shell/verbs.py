"""The shell's own words: one row a verb.

They begin with a dot so that they can never hide a command of the server.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.lang.syntax import VerbLine
from qmpsh.shell.execute import Request, execute
from qmpsh.shell.hmp import hmp_command
from qmpsh.shell.outcome import Answer, Outcome, Steps

if TYPE_CHECKING:
    from qmpsh.shell.shell import Shell

COLUMNS_WIDTH = 78
"""characters a line of the list of commands takes at most"""


class Verb(NamedTuple):
    """usage: behind the name; summary: one line; run: the shell and the line to steps."""

    usage: str
    summary: str
    run: Callable[[Shell, VerbLine], Steps]


def find_verb(line: VerbLine) -> Verb:
    """The row of a verb. Raises LineSyntaxError that names the nearest one."""
    verb = VERBS.get(line.name)
    if verb is None:
        # Imported here: needed for an error alone, and slow to load.
        from difflib import get_close_matches

        near = get_close_matches(line.name, VERBS, n=1)
        hint = f"; did you mean .{near[0]}?" if near else "; .help lists them"
        raise LineSyntaxError(f"no verb .{line.name}{hint}", line.source, line.name_span)
    return verb


def _help(shell: Shell, line: VerbLine) -> Steps:
    name = line.rest.strip()
    if not name:
        yield from shell.introspection.load_commands()
        yield _text(line, _overview(shell))
        return Outcome()
    verb = VERBS.get(name.removeprefix("."))
    if verb is None:
        raise UsageError(f"no verb {name}; .help lists the verbs and the server's commands")
    yield _text(line, f".{name.removeprefix('.')} {verb.usage}".rstrip() + f"\n    {verb.summary}")
    return Outcome()


def _hmp(shell: Shell, line: VerbLine) -> Steps:
    if not line.rest.strip():
        shell.hmp = not shell.hmp
        return Outcome()
    request = Request(hmp_command(line.rest.strip()), redirect=line.redirect, hmp=True)
    return (yield from execute(shell.client, request, shell.settings))


def _json(shell: Shell, line: VerbLine) -> Steps:
    settings = shell.settings
    shell.settings = settings._replace(dry_run=True)
    try:
        return (yield from shell.run_line(line.rest))
    finally:
        shell.settings = settings


def _exit(shell: Shell, line: VerbLine) -> Steps:
    if line.rest.strip():
        raise LineSyntaxError(".exit takes no arguments", line.source, line.rest_span)
    return Outcome(leave=True)
    yield  # makes this a generator


VERBS: dict[str, Verb] = {
    "help": Verb("[NAME]", "list the verbs and the server's commands, or explain one", _help),
    "hmp": Verb("[LINE]", "run one line of the human monitor; alone: HMP mode on or off", _hmp),
    "json": Verb("LINE", "print the JSON that LINE would send, and send nothing", _json),
    "exit": Verb("", "leave the shell; the VM goes on", _exit),
}


def _text(line: VerbLine, text: str) -> Answer:
    return Answer("", text=text, modifiers=line.modifiers, redirect=line.redirect)


def _overview(shell: Shell) -> str:
    width = max(len(f".{name} {verb.usage}") for name, verb in VERBS.items())
    lines = ["Verbs of the shell:"]
    lines += [f"  {f'.{n} {verb.usage}':<{width}}  {verb.summary}" for n, verb in VERBS.items()]
    if shell.introspection.commands:
        lines += ["", f"Commands of this server ({len(shell.introspection.commands)}):"]
        lines += _in_columns(sorted(shell.introspection.commands))
    return "\n".join(lines)


def _in_columns(names: list[str]) -> list[str]:
    """Names in columns, read downwards, as ls does."""
    width = max(map(len, names)) + 2
    columns = max(1, (COLUMNS_WIDTH - 2) // width)
    rows = -(-len(names) // columns)
    return [
        "  " + "".join(f"{name:<{width}}" for name in names[row::rows]).rstrip()
        for row in range(rows)
    ]
