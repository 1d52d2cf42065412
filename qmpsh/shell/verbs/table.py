"""What the shell's own words do: the steps of each.

What else is known of them is in `language.verbs`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.jsontypes import Json
from qmpsh.language import verbs as table
from qmpsh.language.arguments import words_and_redirect
from qmpsh.language.lines import parse_line
from qmpsh.language.syntax import HmpLine, Mode, Modifiers, Redirect, VerbLine
from qmpsh.protocol.messages import Command
from qmpsh.schema.describe import hanging
from qmpsh.shell.devices import device_properties
from qmpsh.shell.execute import Request, dry_run_text, execute, hmp_request, no_human_monitor
from qmpsh.shell.pipes import begin_file
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, Wish
from qmpsh.shell.transaction import masked_request
from qmpsh.shell.verbs.connection import disconnect, reconnect
from qmpsh.shell.verbs.guest_exec import exec_in_guest
from qmpsh.shell.verbs.guest_files import cat, put
from qmpsh.shell.verbs.help import WIDTH, HelpTopics, find_tool, left_out, name_of_vm, unreachable
from qmpsh.shell.verbs.source import source
from qmpsh.shell.verbs.topics import special_topic
from qmpsh.shell.wirelog import log
from qmpsh.suggest import nearest

if TYPE_CHECKING:
    from qmpsh.shell.interpreter import Shell
    from qmpsh.shell.introspection import Introspection


_ON_WAITING = (
    "--wait after a command waits for its end. Events raised while nobody is connected are lost: "
    "two one-shots cannot do what one --wait does."
)
_ON_TOPICS = (
    "Help on the rest: .help keys, .help exit-codes, .help --wait and the other modifiers; "
    "`qmpsh --help` outside."
)
_LATEST = 100
"""lines of the history that are shown unasked"""


Run = Callable[["Shell", VerbLine], Steps]
"""The shell and a verb's line to steps."""


def find_verb(line: VerbLine) -> Run:
    """What a verb does. Raises LineSyntaxError that names the nearest one."""
    run = VERBS.get(line.name)
    if run is None:
        near = nearest(line.name, VERBS)
        hint = f"; did you mean .{near[0]}?" if near else "; .help lists them"
        raise LineSyntaxError(f"no verb .{line.name}{hint}", line.source, line.name_span)
    return run


def _help(shell: Shell, line: VerbLine) -> Steps:
    words = line.rest.strip()
    if not words:
        yield from shell.introspection.load_commands()
        yield _text(line, _overview(shell, _columns(shell)))
        return Outcome()
    topic = special_topic(shell, words, min(WIDTH, _columns(shell)))
    if topic is not None:
        yield _text(line, topic)
        return Outcome()
    name = words.removeprefix(".")
    if words.startswith(".") or (name in VERBS and name not in shell.introspection.commands):
        find_verb(line._replace(name=name, name_span=line.rest_span))
        verb = table.VERBS[name]
        yield _text(line, f".{name} {verb.usage}".rstrip() + f"\n    {verb.summary}")
        return Outcome()
    topics, width = (yield from _topics(shell)), min(WIDTH, _columns(shell))
    properties = yield from device_properties(shell.introspection, words, width)
    yield _text(line, topics.explain(words, width, properties))
    return Outcome()


def _apropos(shell: Shell, line: VerbLine) -> Steps:
    word = line.rest.strip()
    if not word:
        raise LineSyntaxError(
            "expected a word, as in .apropos snapshot", line.source, line.rest_span
        )
    yield _text(line, (yield from _topics(shell)).search(word))
    return Outcome()


def _topics(shell: Shell) -> Generator[Wish, str, HelpTopics]:
    """All that help knows about, asked for where it is not known yet."""
    introspection = shell.introspection
    yield from introspection.load_schema()
    return HelpTopics(
        introspection.commands,
        introspection.schema,
        introspection.manual(),
        introspection.manual_name,
        introspection.disabled,
    )


def _export(shell: Shell, line: VerbLine) -> Steps:
    tool, write = line.head, find_tool(line.head)
    requests = yield from _shown_requests(shell, line)
    names = [name for request in requests for name in left_out(request.modifiers, tool)]
    for name in dict.fromkeys(names):
        yield Note(f"{name} is left out: it cannot be expressed in {tool}")
    if said := unreachable(shell.machine, tool):
        yield Note(said)
    if tool == "virsh" and shell.client is not None and not shell.machine.name:
        shell.machine.name = yield from name_of_vm(shell.client)
    text = write([request.command for request in requests], shell.machine)
    yield _shown(line, requests, text)
    return Outcome()


def _shown_requests(shell: Shell, line: VerbLine) -> Generator[Wish, str, list[Request]]:
    """What the line after a verb would send, without its secrets; with them only by --dry-run,
    whose purpose that is.
    """
    requests = (yield from shell.requests(line)) if line.rest else []
    if not requests:
        raise LineSyntaxError(
            f"expected a command, as in {line.source.strip()} query-status",
            line.source,
            line.rest_span,
        )
    if shell.settings.dry_run and not shell.settings.interactive:
        return requests
    masked = [masked_request(request) for request in requests]
    if masked != requests:
        yield Note("secrets are masked; `qmpsh -n` prints them")
    return masked


def _hmp(shell: Shell, line: VerbLine) -> Steps:
    if not line.rest.strip():
        if not shell.hmp and shell.client is not None and not shell.client.dialect.hmp:
            raise UsageError(f".hmp: {no_human_monitor(shell.client)}")
        shell.hmp = not shell.hmp
        return Outcome()
    outcome = Outcome()
    for statement in _hmp_lines(shell, line):
        begin_file(statement.redirect)
        request = hmp_request(statement.text, statement.redirect)
        outcome = yield from shell.execute(request)
    return outcome


def _hmp_lines(shell: Shell, line: VerbLine) -> list[HmpLine]:
    """The monitor's line after `.hmp`, none for a comment; its redirect is ours at the prompt."""
    text = line.rest.strip()
    if line.words is not None:
        return [HmpLine(line.source, text)]
    mode = Mode(hmp=True, prompt=shell.settings.interactive)
    return [found for found in parse_line(text, mode) if isinstance(found, HmpLine)]


def _json(shell: Shell, line: VerbLine) -> Steps:
    requests = yield from _shown_requests(shell, line)
    yield _shown(line, requests, "\n".join(map(dry_run_text, requests)))
    return Outcome()


def _set(shell: Shell, line: VerbLine) -> Steps:
    """`.set theme light`."""
    # Imported here: of all verbs only this one needs the table of options.
    from qmpsh.shell.preferences import set_option

    text = set_option(shell, line)
    if text:
        yield _text(line, text)
    return Outcome()


def _add_fd(shell: Shell, line: VerbLine) -> Steps:
    """A set of its own for one file; its name there is the answer."""
    words = words_and_redirect(line.rest)[0] if line.words is None else line.words
    if len(words) != 1:
        raise LineSyntaxError(
            "expected one file, as in .add-fd ./disk.img", line.source, line.rest_span
        )
    modifiers = line.modifiers._replace(fd=words[0])
    request = Request(Command("add-fd"), modifiers, line.redirect, as_text=_name_of_set)
    return (yield from execute(shell.client, request, shell.settings))


def _name_of_set(value: Json) -> str | None:
    """What blockdev-add and others take as a file name; None for an answer of another shape."""
    number = value.get("fdset-id") if isinstance(value, dict) else None
    return None if number is None else f"/dev/fdset/{number}"


def _events(shell: Shell, line: VerbLine) -> Steps:
    """At the prompt: which events the pane shows, the others are kept; else they come as lines."""
    if shell.filter_events is None:
        # Imported here, as below: few lines wait for events.
        from qmpsh.shell.verbs.events import events

        return (yield from events(shell, line))
    if "=" in line.rest or line.modifiers != Modifiers():
        raise UsageError("at the prompt .events takes patterns only; .wait waits for one event")
    patterns = tuple(line.rest.split() if line.words is None else line.words)
    shell.filter_events(patterns)
    yield Note(f"events shown: {' '.join(patterns) or 'all'}")
    return Outcome()


def _wait(shell: Shell, line: VerbLine) -> Steps:
    from qmpsh.shell.verbs.events import wait

    return wait(shell, line)


def _watch(shell: Shell, line: VerbLine) -> Steps:
    from qmpsh.shell.verbs.watch import watch

    return watch(shell, line)


def _history(shell: Shell, line: VerbLine) -> Steps:
    """`.history blockdev`: the lines that hold a text; alone the latest ones."""
    if shell.typed_before is None:
        raise UsageError(".history is for the interactive shell: it keeps what was typed there")
    word = line.rest.strip()
    lines = [text for text in shell.typed_before() if word in text]
    shown = lines if word else lines[-_LATEST:]
    yield _text(line, "\n".join(shown))
    return Outcome()


def _pager(shell: Shell, line: VerbLine) -> Steps:
    """The last answer again, into $PAGER."""
    if not shell.settings.interactive:
        raise UsageError(".pager is for the interactive shell; in a script write | less")
    if shell.last_answer is None:
        raise UsageError(".pager: nothing has been answered yet")
    pager = Redirect("|", os.environ.get("PAGER") or "less", line.name_span)
    yield shell.last_answer._replace(redirect=pager, failed=False)
    return Outcome()


def _exit(shell: Shell, line: VerbLine) -> Steps:
    if line.rest.strip():
        raise LineSyntaxError(".exit takes no arguments", line.source, line.rest_span)
    return Outcome(leave=True)
    yield  # makes this a generator


VERBS: dict[str, Run] = {
    "help": _help,
    "apropos": _apropos,
    "hmp": _hmp,
    "json": _json,
    "export": _export,
    "add-fd": _add_fd,
    "events": _events,
    "wait": _wait,
    "watch": _watch,
    "disconnect": disconnect,
    "reconnect": reconnect,
    "exec": exec_in_guest,
    "cat": cat,
    "put": put,
    "source": source,
    "history": _history,
    "pager": _pager,
    "log": log,
    "set": _set,
    "exit": _exit,
}
"""The steps of each verb of `lang.verbs`."""


def _text(line: VerbLine, text: str) -> Answer:
    return Answer("", text=text, modifiers=line.modifiers, redirect=line.redirect)


def _shown(line: VerbLine, requests: Sequence[Request], text: str) -> Answer:
    """A text for a line, which goes where that line's redirect says."""
    return _text(line, text)._replace(redirect=requests[-1].redirect)


def _columns(shell: Shell) -> int:
    """Columns that there are for a text."""
    return shell.columns() if shell.columns else WIDTH


def _overview(shell: Shell, columns: int) -> str:
    width = max(len(f".{name} {verb.usage}") for name, verb in table.VERBS.items())
    lines = ["Verbs of the shell:"]
    for name, verb in table.VERBS.items():
        lines += hanging(
            f"  {f'.{name} {verb.usage}':<{width}}  ", verb.summary, min(WIDTH, columns)
        )
    lines += ["", *hanging("", _ON_WAITING, min(WIDTH, columns))]
    lines += ["", *hanging("", _ON_TOPICS, min(WIDTH, columns))]
    if shell.introspection.commands:
        lines += ["", f"Commands of this server ({len(shell.introspection.commands)}):"]
        lines += _in_columns(_marked(shell.introspection), columns)
    return "\n".join(lines)


def _marked(introspection: Introspection) -> list[str]:
    """The commands in order; what a guest's administrator has turned off says so."""
    return [
        f"{name} (disabled)" if name in introspection.disabled else name
        for name in sorted(introspection.commands)
    ]


def _in_columns(names: list[str], width: int) -> list[str]:
    """Names beside and below each other, read downwards, as ls does. width: of a line."""
    columns: list[list[str]] = []
    for rows in range(1, len(names) + 1):
        columns = [_padded(names[start : start + rows]) for start in range(0, len(names), rows)]
        if sum(len(column[0]) for column in columns) <= width:
            break
    return [f"  {''.join(line)}".rstrip() for line in zip_longest(*columns, fillvalue="")]


def _padded(column: list[str]) -> list[str]:
    """Names made as wide as the longest, followed by two blanks."""
    width = max(map(len, column)) + 2
    return [name.ljust(width) for name in column]
