"""The one LINE of `-a`, read before anything is connected: whether it changes VMs, or goes on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Final

from qmpsh.errors import UsageError
from qmpsh.jsontypes import as_dict
from qmpsh.language.lines import parse_words
from qmpsh.language.syntax import (
    CommandLine,
    HmpLine,
    JsonLine,
    Modifiers,
    Statement,
    TransactionOpen,
    VerbLine,
)
from qmpsh.language.verbs import (
    OF_ONE_SHELL,
    STREAMING,
    UNKNOWN,
    VERBS,
    WAITING,
    Reach,
    Takes,
    takes,
)
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.shell.hmp import hmp_command
from qmpsh.shell.policy import question_before, reads_only
from qmpsh.shell.verbs.table import find_verb

EVERY: Final = "--every"

_EXPANDED: Final = (
    "your shell has expanded the TARGET of -a: put it in quotes, as in -a '/run/vms/*.sock'"
)
_NO_LINE: Final = "-a needs one LINE to send; there is no prompt for several VMs"
_NO_REDIRECT: Final = "-a: the answers of all VMs go to stdout; redirect it in your own shell"
_ONE_COMMAND: Final = "-a sends one command or a whole transaction(...), not a part of one"
_NO_WATCH: Final = ".{name} --watch is for one VM: leave out -a"
_NOT_FOR_MANY: Final = ".{name} is for one shell on one VM, not for -a"
_NO_DESCRIPTOR: Final = "--fd: a file goes to one VM at a time, not to all of -a"


class ManyLine(NamedTuple):
    """A line for many VMs.

    words:    of the line, as they are run on each
    title:    what it does, in a word or two
    changes:  it may change the VM
    ends:     it ends or resets the VM
    waits:    it may take any time
    streams:  its answers are shown as they come
    reach:    of a verb, None for a command
    every:    of a verb that awaits something: all VMs are waited for, not the first
    modifiers: of the line
    """

    words: tuple[str, ...]
    title: str
    changes: bool = False
    ends: bool = False
    waits: bool = False
    streams: bool = False
    reach: Reach | None = None
    every: bool = False
    modifiers: Modifiers = Modifiers()


def read_line(words: Sequence[str], *, hmp: bool) -> ManyLine:
    """Read the words of the command line. Raises UsageError, of which LineSyntaxError."""
    if not words or not "".join(words).strip():
        raise UsageError(_NO_LINE)
    if "/" in words[0] and os.path.exists(words[0]):
        raise UsageError(_EXPANDED)
    every = EVERY in words and _reach(words[0].partition(" ")[0]) is Reach.AWAITS
    words = tuple(word for word in words if not (every and word == EVERY))
    statements = parse_words(words, hmp=hmp)
    if not statements:
        raise UsageError(_NO_LINE)
    lines = [_read(statement) for statement in statements]
    first = lines[0]
    return first._replace(
        words=words,
        every=every,
        title="; ".join(dict.fromkeys(line.title for line in lines)),
        changes=any(line.changes for line in lines),
        ends=any(line.ends for line in lines),
    )


def _read(statement: Statement) -> ManyLine:
    if getattr(statement, "redirect", None) is not None:
        raise UsageError(_NO_REDIRECT)
    match statement:
        case CommandLine(name=name, modifiers=modifiers):
            if modifiers.fd is not None:
                raise UsageError(_NO_DESCRIPTOR)
            return _of_commands([Command(name.text)], modifiers)
        case JsonLine(name=name, arguments=arguments):
            return _of_commands([Command(name, as_dict(arguments))], Modifiers())
        case HmpLine(text=text):
            return _of_commands([hmp_command(text)], Modifiers())
        case TransactionOpen(action=CommandLine(), modifiers=modifiers):
            return _of_commands([Command("transaction")], modifiers)
        case VerbLine():
            return _of_verb(statement)
        case _:
            raise UsageError(_ONE_COMMAND)


def _of_commands(commands: Iterable[Command], modifiers: Modifiers) -> ManyLine:
    commands = [*commands]
    return ManyLine(
        (),
        commands[0].name if commands[0].name != "human-monitor-command" else _hmp_title(commands),
        changes=not all(map(reads_only, commands)),
        ends=any(question_before(one) is not None for one in commands),
        waits=modifiers.wait is not None,
        modifiers=modifiers,
    )


def _hmp_title(commands: Sequence[Command]) -> str:
    """Return the first word of a line of the human monitor."""
    words = str(as_dict(commands[0].arguments).get("command-line", "")).split()
    return words[0] if words else commands[0].name


def _of_verb(line: VerbLine) -> ManyLine:
    """Read a verb. Raises UsageError for one that means nothing on several VMs, of which
    LineSyntaxError for one that there is not.
    """
    if takes(line.name) is Takes.HMP and line.rest:
        return _of_commands([hmp_command(line.rest)], line.modifiers)
    find_verb(line)
    reach = VERBS[line.name].reach
    if reach in OF_ONE_SHELL:
        raise UsageError(_NOT_FOR_MANY.format(name=line.name))
    if line.modifiers.watch is not None:
        raise UsageError(_NO_WATCH.format(name=line.name))
    return ManyLine(
        (),
        f".{line.name}",
        changes=reach is Reach.CHANGES,
        waits=reach in WAITING,
        streams=reach in STREAMING,
        reach=reach,
        modifiers=line.modifiers,
    )


def _reach(word: str) -> Reach:
    """How far the verb reaches that a word names."""
    return VERBS.get(word.removeprefix("."), UNKNOWN).reach
