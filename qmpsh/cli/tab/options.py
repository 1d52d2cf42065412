"""The candidates for options, their values, addresses, and what follows a subcommand.

Whatever click is needed for: the options are those of `cli.options` and of the subcommands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from qmpsh.address import complete_scheme, looks_like_address
from qmpsh.cli.argv import SUBCOMMANDS, SplitArgv, no_name
from qmpsh.cli.inspect.ls import shown_address
from qmpsh.cli.inspect.options import COMMANDS
from qmpsh.cli.options import COMMAND, RUN
from qmpsh.cli.tab.line import line_items
from qmpsh.cli.tab.offers import AskServer, LineServer, PathKind, ShellCandidate, TypedWords
from qmpsh.cli.tab.sorting import CURSOR_MARK, name_rule, sort, takes_options
from qmpsh.cli.top import TOP
from qmpsh.client.discovery import Monitor, find_monitors, for_shells
from qmpsh.client.names import opens_by_name
from qmpsh.errors import QmpshError
from qmpsh.many.filters import STATUS
from qmpsh.many.targets import ALL, TargetReader
from qmpsh.top.columns import COLUMNS

_INVENTORY = "@ansible:"
TARGET_FORMS = (
    (ALL, "every VM of this machine"),
    ("@", "a file with a target on each line"),
    (_INVENTORY, "the hosts of an inventory of Ansible's"),
)
"""what -a takes besides addresses and names, and what each is"""

CONDITION_FORMS = (
    ("name=", "the name of a VM"),
    ("name~", "a glob for names, or a part of them"),
    ("status=", "what query-status says"),
    ("host=", "the host of ssh addresses"),
    ("address~", "a glob for addresses, or a part of them"),
)
"""what --only and --except take besides tags"""

_STATES = (
    *("running", "paused", "prelaunch", "shutdown", "suspended", "io-error", "internal-error"),
    *("inmigrate", "finish-migrate", "postmigrate", "restore-vm", "save-vm", "guest-panicked"),
    *("colo", "debug", "watchdog"),
)
"""The values of status. Source: qapi/run-state.json, RunState"""


def option_items(
    words: SplitArgv, typed: TypedWords, environ: Mapping[str, str], ask: AskServer
) -> list[ShellCandidate]:
    """Return all that may be at the cursor. words: before it, sorted; environ: as in find_items"""
    if words.verb == "run":
        return list(_run_items(words.line[:-1], typed.word))
    if words.verb == "schema":
        return list(_schema_items(words.line[:-1], typed, ask))
    if words.verb:
        return list(_verb_items(words.verb, words.line[:-1], typed.word))
    if words.options[-1:] == [CURSOR_MARK]:
        context = _read_options(words.options[:-2])
        return list(_option_values(context, words.options[-2], typed.word, 0))
    context = _read_options(words.options)
    line = words.line[:-1]
    is_name = name_rule(environ)
    if not line and typed.word.startswith("-") and takes_options(typed.before, is_name):
        return list(_options(context, typed.word))
    targets = tuple(context.params["targets"] or ())
    address = _first_of(targets) if targets else words.address or environ.get("QMP_SOCKET")
    server = _server(context, address)
    if line or words.address is not None or targets:
        return line_items(line, typed, ask, server)
    if (server.address or server.schema) and not looks_like_address(typed.word):
        found = line_items(line, typed, ask, server)
        if any(item.text.startswith(typed.word) for item in found):
            return found
    verbs = (
        ShellCandidate(word, note=one.summary)
        for word, one in SUBCOMMANDS.items()
        if not typed.before
    )
    found = [item for item in verbs if item.text.startswith(typed.word)]
    return [*found, *_addresses(typed.word, may_be_name=is_name is not no_name)]


def _verb_items(verb: str, before: list[str], word: str) -> Iterator[ShellCandidate]:
    """Yield what may follow a subcommand: its options, their values, and addresses.

    before: the words in between
    """
    command = TOP if verb == "top" else COMMANDS.get(verb)
    if command is None:
        return
    awaiting = _awaiting(command, before[-1:])
    arguments = [one.metavar for one in command.params if isinstance(one, click.Argument)]
    if "--" in before or (arguments == ["FILE"] and awaiting is None and word[:1] != "-"):
        yield ShellCandidate(word, files=PathKind.ALL)
    elif awaiting is not None:
        yield from _values_of(awaiting, word)
    elif word.startswith("-"):
        yield from _options_of(command, word)
    elif command is TOP:
        yield from _targets(word)
    elif arguments:
        yield from _addresses(word, may_be_name=True)


def _schema_items(before: list[str], typed: TypedWords, ask: AskServer) -> Iterator[ShellCandidate]:
    """Yield what may follow `schema`. before: the words in between"""
    # Imported here: few command lines are of the schema tools.
    from qmpsh.cli.schema import SCHEMA_COMMANDS
    from qmpsh.cli.tab.schema import programs, tool_words
    from qmpsh.shell.schemas.tools import TOOLS

    word = typed.word
    if not before or before[0] not in TOOLS:
        yield from (ShellCandidate(name, note=tool.summary) for name, tool in TOOLS.items())
        return
    awaiting = _awaiting(SCHEMA_COMMANDS[before[0]], before[-1:])
    given = tool_words(before)
    if awaiting is not None:
        yield from _values_of(awaiting, word)
    elif word.startswith("-"):
        yield from _options_of(SCHEMA_COMMANDS[before[0]], word)
    elif given is None:
        yield from (ShellCandidate(name, note="program") for name in programs(word))
        for item in _addresses(word, may_be_name=True):
            yield item._replace(files=item.files and PathKind.ALL)
    elif given.address or given.files:
        server = LineServer(given.address or None, given.files, True, True, False)
        yield from line_items(given.line, typed, ask, server)


def _options_of(command: click.Command, word: str) -> Iterator[ShellCandidate]:
    """Yield the options of a subcommand."""
    context = command.make_context(command.name, [], resilient_parsing=True)
    for item in command.shell_complete(context, word):
        yield ShellCandidate(str(item.value), note=item.help or "")


def _awaiting(command: click.Command, last: list[str]) -> click.Option | None:
    """Return the option whose value is the next word; None for none. last: the word before it"""
    options = [one for one in command.params if isinstance(one, click.Option)]
    return next(
        (one for one in options if not one.is_flag and any(name in one.opts for name in last)), None
    )


def _values_of(option: click.Option, word: str) -> Iterator[ShellCandidate]:
    """Yield the values of an option of a subcommand."""
    if option.metavar in ("FILE", "PATH"):
        yield ShellCandidate(word, files=PathKind.ALL)
    elif option.metavar == "COLUMN":
        for column in COLUMNS:
            yield ShellCandidate(column.key, note=column.help)
    else:
        context = click.Context(TOP, resilient_parsing=True)
        for item in option.shell_complete(context, word):
            yield ShellCandidate(str(item.value))


# ---------------------------------------------------------------------------- options


def _read_options(words: list[str]) -> click.Context:
    """Return the options as far as they can be read; errors are reported when they are run."""
    return COMMAND.make_context("qmpsh", list(words), resilient_parsing=True)


def _server(context: click.Context, address: str | None) -> LineServer:
    given = context.params
    return LineServer(
        address,
        tuple(given["schema"] or ()),
        not given["skip_negotiation"],
        bool(given.get("read_only")),
        bool(given["hmp"]),
        bool(given["guest_agent"]),
    )


def _run_items(before: list[str], word: str) -> Iterator[ShellCandidate]:
    """Yield what may follow `run`: options, and after `--` what the shell offers. before: the words
    in between
    """
    if "--" in before:
        yield ShellCandidate(word, files=PathKind.ALL)
        return
    words = sort(before)
    if words.options[-1:] == [CURSOR_MARK]:
        yield from _option_values(_read_options(words.options[:-2]), words.options[-2], word, 0)
    elif word.startswith("-"):
        yield from _options(_read_options(words.options), word, RUN)


def _options(
    context: click.Context, word: str, command: click.Command = COMMAND
) -> Iterator[ShellCandidate]:
    """Yield the names of options, or after `--name=` its values."""
    name, equals, _ = word.partition("=")
    if equals:
        yield from _option_values(context, name, word, len(name) + 1)
        return
    for item in command.shell_complete(context, word):
        yield ShellCandidate(str(item.value), note=item.help or "")


def _option_values(
    context: click.Context, name: str, word: str, start: int
) -> Iterator[ShellCandidate]:
    """Yield the values of an option. start: where in the word the value begins."""
    if not name.startswith("--"):
        name = f"-{name[-1]}"  # of `-kt` it is the last that awaits a value
    for option in COMMAND.get_params(context):
        if name in option.opts:
            if option.metavar == "TARGET":
                for one in _targets(word[start:]):
                    yield one._replace(text=word[:start] + one.text, start=start + one.start)
            if option.metavar == "CONDITION":
                yield from _conditions(word, start)
            if option.metavar == "FILE":
                yield ShellCandidate(word, start, files=PathKind.ALL)
            for item in option.shell_complete(context, word[start:]):
                yield ShellCandidate(word[:start] + str(item.value), start)


def _addresses(word: str, *, may_be_name: bool) -> Iterator[ShellCandidate]:
    """Yield forms of addresses, and the monitors of this machine; paths are left to the shell.

    may_be_name: a word that can be nothing else is the name of a VM
    """
    is_path = word.startswith(("unix:", "/", ".", "~"))
    found = [] if is_path else for_shells(find_monitors(libvirt=False))
    yield from _names(word, found, may_be_name=may_be_name)
    for monitor in found:
        if not monitor.owner and monitor.address.startswith(word):
            yield ShellCandidate(monitor.address, note=_monitor_note(monitor))
    for beginning in complete_scheme(word) if word else ():
        yield ShellCandidate(beginning, note="address", ends=False)
    if word.startswith("unix:"):
        yield ShellCandidate(word, len("unix:"), files=PathKind.SOCKETS)
    elif ":" not in word or word.startswith(("/", "./", "../", "~/")):
        yield ShellCandidate(word, files=PathKind.SOCKETS)


def _targets(word: str) -> Iterator[ShellCandidate]:
    """Yield what may follow -a: an address or a name, or what stands for several."""
    inventory = word.startswith(_INVENTORY)
    if inventory or word.startswith("@"):
        yield ShellCandidate(word, len(_INVENTORY) if inventory else 1, files=PathKind.ALL)
    for text, note in TARGET_FORMS:
        if text.startswith(word):
            yield ShellCandidate(text, note=note, ends=text == ALL)
    if not word.startswith("@"):
        yield from _addresses(word, may_be_name=True)


def _conditions(word: str, start: int) -> Iterator[ShellCandidate]:
    """Yield what may follow --only: a key, or one of the states. start: where it begins"""
    key, equals, value = word[start:].partition("=")
    if equals:
        states = _STATES if key == STATUS else ()
        yield from (
            ShellCandidate(f"{word[:start]}{key}={one}", start)
            for one in states
            if one.startswith(value)
        )
        return
    for text, note in CONDITION_FORMS:
        if text.startswith(word[start:]):
            yield ShellCandidate(word[:start] + text, start, note=note, ends=False)


def _first_of(targets: Sequence[str]) -> str | None:
    """Return the address of one of the VMs, which stands for all of them; None for none."""
    texts = [text for text in targets if not text.startswith(("libvirt:", "@-", _INVENTORY))]
    try:
        found = TargetReader(agent=False, note=_ignore).read_all(texts[:1])
    except QmpshError:
        return None
    return found[0].text if found else None


def _ignore(text: str) -> None:
    """Say nothing of what a target leaves out."""


def _names(word: str, found: list[Monitor], *, may_be_name: bool) -> Iterator[ShellCandidate]:
    """Yield the names of VMs, each once, as they have to be written."""
    for name, monitor in {one.name: one for one in found if opens_by_name(one)}.items():
        is_bare = may_be_name and not (looks_like_address(name) or name in SUBCOMMANDS)
        text = name if is_bare and name[:1] != "-" else f"name:{name}"
        for one in dict.fromkeys((text, f"name:{name}")):
            if one.startswith(word) and name.isprintable():
                yield ShellCandidate(
                    one, note=f"{shown_address(monitor.address)}, {monitor.clients}"
                )
                break


def _monitor_note(monitor: Monitor) -> str:
    """Return `web, busy`: the name of the VM, and whether its monitor is free."""
    return ", ".join(part for part in (monitor.name or monitor.program, monitor.clients) if part)
