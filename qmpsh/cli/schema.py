"""`qmpsh schema`: compares, searches and describes what QEMUs accept, running or not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import click

from qmpsh.cli.argv import SplitArgv
from qmpsh.cli.option_errors import COLOR, HELP_FLAGS, read_options
from qmpsh.cli.options import PositiveDuration
from qmpsh.cli.signals import end_by_signals
from qmpsh.errors import UsageError, os_reason, shortened
from qmpsh.regular import replace_named_file
from qmpsh.render.environment import Environment
from qmpsh.render.formats import compact
from qmpsh.render.layouts import row_lines
from qmpsh.render.safe import visible
from qmpsh.render.theme import painter, plain, printed_theme
from qmpsh.schema.tools.report import SchemaReport
from qmpsh.shell.schemas.sources import SOURCE_SECONDS, Patience, open_source
from qmpsh.shell.schemas.tools import TOOLS, Running, ToolRequest, ToolResult
from qmpsh.suggest import did_you_mean

_NO_TOOL: Final = "qmpsh schema has no {name}{hint}; there are {tools}"
_WHICH: Final = "which? qmpsh schema {tools}. Try qmpsh schema --help."
_NOT_WRITTEN: Final = "cannot write {path}: {reason}"
_NEEDS: Final = "expected qmpsh schema {tool} {usage}. Try qmpsh schema {tool} --help."
FILE_MODE: Final = 0o644

HELP: Final = """Compare, search and describe what QEMUs accept, running or not.

\b
qmpsh schema diff SOURCE SOURCE [NAME...]          what differs, what breaks clients first
qmpsh schema has SOURCE NAME [MEMBER[=VALUE]...]   exit code 0: it has that, 1: it has not
qmpsh schema describe SOURCE NAME [TAG=VALUE...]   the arguments as JSON Schema 2020-12
qmpsh schema find SOURCE NAME                      where a member or a value is used
qmpsh schema dump SOURCE                           the reply, sorted: equal for equal builds

SOURCE is an address; a file with a reply of query-qmp-schema in it, such as a recording; or a QEMU
program, which is started without a machine, asked, and ended. Each has a --help of its own.
"""

_HELPS: Final = {
    "diff": """Show what differs between what two QEMUs accept and answer: first what breaks those
who call them.

NAMEs are the commands and events that matter. Equal schemas do not mean equal behaviour.

\b
qmpsh schema diff /usr/bin/qemu-system-x86_64 ./vm.sock
qmpsh schema diff old.json new.json --breaking migrate

\b
Exit codes: 0 no difference; 1 there are some, with --breaking some that break clients;
others as of qmpsh --help.
""",
    "has": """Say by the exit code whether a QEMU has a command or event, a member, a value, a
feature.

MEMBER is declared there, once the values before and after it have selected the branch of a union;
MEMBER=VALUE would be accepted; +FEATURE is of what stands before it. Nothing is sent. What
device_add takes is asked of a running QEMU, or a program.

\b
qmpsh schema has ./vm.sock blockdev-add driver=qcow2 discard-no-unref
qmpsh schema has ./vm.sock migrate-set-capabilities 'capabilities[].capability=mapped-ram'
qmpsh schema has ./vm.sock blockdev-add driver=file +dynamic-auto-read-only
qmpsh schema has qemu-system-x86_64 device_add driver=virtio-net-pci rss

\b
Exit codes: 0 it has; 1 it has not; others as of qmpsh --help.
""",
    "describe": """Print the arguments of a command, or the data of an event, as JSON Schema
2020-12.

TAG=VALUE selects the branch of a union.

\b
qmpsh schema describe ./vm.sock blockdev-add driver=qcow2
qmpsh schema describe ./vm.sock query-block --returns

\b
Exit codes: 0; 1 there is no command of that name; others as of qmpsh --help.
""",
    "find": """List the commands that take a member, a value or a feature, and where.

NAME may be a glob, and +NAME is a feature.

\b
qmpsh schema find ./vm.sock iothread
qmpsh schema find ./vm.sock '*-threads'
qmpsh schema find ./vm.sock +deprecated

\b
Exit codes: 0; 1 there is nothing of that name; others as of qmpsh --help.
""",
    "dump": """Print the schema as a reply of query-qmp-schema, sorted.

Types are named after where they are used first, so that two dumps of one build are equal, and git
diff shows what changed between two.

\b
qmpsh schema dump qemu-system-x86_64 -o 10.0.json

\b
Exit codes: 0; others as of qmpsh --help.
""",
}

_OPTIONS: Final = {
    "breaking": click.Option(["--breaking"], is_flag=True, help="Only what breaks clients."),
    "json": click.Option(["--json"], is_flag=True, help="JSON, an object on each line."),
    "verbose": click.Option(["-v", "--verbose"], is_flag=True, help="Say all, and why."),
    "returns": click.Option(
        ["--returns"], is_flag=True, help="Of answers and events, not of arguments."
    ),
    "all": click.Option(["--all"], is_flag=True, help="All commands, as one object."),
    "output": click.Option(
        ["-o", "--output"], metavar="FILE", default="", help="Replace FILE, in one step."
    ),
    "connect_timeout": click.Option(
        ["--connect-timeout"],
        type=PositiveDuration(),
        default=SOURCE_SECONDS,
        help="The longest wait for a greeting, and for an answer; default 10 s.",
    ),
    "color": COLOR,
}
_OPTIONS_OF: Final = {
    "diff": ("breaking", "json", "verbose", "color"),
    "has": ("verbose", "returns"),
    "describe": ("returns", "all"),
    "find": ("returns", "json"),
    "dump": ("output",),
}

SCHEMA: Final = click.Command("qmpsh schema", help=HELP, context_settings=HELP_FLAGS)


def _command(name: str) -> click.Command:
    tool = TOOLS[name]
    options = [_OPTIONS[one] for one in (*_OPTIONS_OF[name], "connect_timeout")]
    words = click.Argument(["words"], nargs=-1, metavar=tool.usage_after(0))
    return click.Command(
        f"qmpsh schema {name}",
        params=[*options, words],
        help=_HELPS[name],
        context_settings=HELP_FLAGS,
    )


SCHEMA_COMMANDS: Final = {name: _command(name) for name in TOOLS}


def main(words: SplitArgv) -> int:
    """Run a tool; return the exit code. Raises QmpshError."""
    typed = [*words.options, *words.line]
    place = next((place for place, word in enumerate(typed) if word in TOOLS), None)
    if place is None:
        return _no_tool(typed)
    name = typed.pop(place)
    given = read_options(SCHEMA_COMMANDS[name], typed)
    if given is None:
        return 0
    end_by_signals()
    environment = Environment(given.get("color", "auto"))
    result = _run(name, given, environment)
    _show(result, given, environment)
    return result.exit_code


def _no_tool(words: Sequence[str]) -> int:
    """Print the help if it is asked for. Raises UsageError for the rest."""
    flags = [word for word in words if word.startswith("-")]
    if read_options(SCHEMA, flags) is None:
        return 0
    name = next((word for word in words if not word.startswith("-")), "")
    if not name:
        raise UsageError(_WHICH.format(tools="|".join(TOOLS)))
    hint = did_you_mean(name, TOOLS)
    raise UsageError(_NO_TOOL.format(name=shortened(name), hint=hint, tools=", ".join(TOOLS)))


def _run(name: str, given: dict[str, Any], environment: Environment) -> ToolResult:
    """Open the sources and run a tool on them."""
    tool = TOOLS[name]
    patience = Patience(given["connect_timeout"], True, environment.notice)
    sources, words = given["words"][: tool.sources], given["words"][tool.sources :]
    request = ToolRequest(
        words,
        breaking=given.get("breaking", False),
        json=given.get("json", False),
        more="" if given.get("verbose") else "-v",
        returns=given.get("returns", False),
        all=given.get("all", False),
    )
    if len(sources) < tool.sources or not tool.takes(words, request):
        raise UsageError(_NEEDS.format(tool=name, usage=tool.usage_after(0)))
    return _finished(tool.run([partial(open_source, one, patience) for one in sources], request))


def _finished(running: Running) -> ToolResult:
    """Return the result of steps that block. Raises QmpshError."""
    while True:
        try:
            next(running)
        except StopIteration as end:
            result: ToolResult = end.value
            return result


def _show(result: ToolResult, given: dict[str, Any], environment: Environment) -> None:
    """Print a result, or write it to a file. Raises UsageError."""
    lines = [] if result.report is None else _painted(result.report, environment)
    lines += [compact(value) for value in result.values]
    lines += [visible(result.text)] if result.text else []
    text = "".join(f"{line}\n" for line in lines)
    path = given.get("output", "")
    if path:
        try:
            replace_named_file(path, text.encode(errors="replace"), FILE_MODE)
        except OSError as error:
            raise UsageError(_NOT_WRITTEN.format(path=path, reason=os_reason(error))) from error
    elif text:
        sys.stdout.write(text)
    if result.remark:
        environment.notice(result.remark)


def _painted(report: SchemaReport, environment: Environment) -> list[str]:
    """Return a report as wide as the terminal; without one no line is broken."""
    theme = printed_theme(environment.variables)
    paint = painter(theme) if environment.has_colours else plain
    lines = row_lines((report,), environment.columns, environment.glyphs)
    return [paint(line).rstrip() for line in lines]
