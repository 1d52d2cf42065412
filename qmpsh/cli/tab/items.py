"""The candidates at the cursor of a command line: options, an address, a word of the LINE.

Pure, except for checking whether a word is the path of something; what the server accepts comes
from the `LineServer` that is passed in. The words are sorted by the rules of `cli.argv`, the
options are those of `cli.options`, and the LINE is completed by `complete`, as at the prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import click

from qmpsh.address import complete_scheme, looks_like_address
from qmpsh.cli.argv import SUBCOMMANDS, SplitArgv, no_name, split_words
from qmpsh.cli.inspect.ls import shown_address
from qmpsh.cli.inspect.options import COMMANDS
from qmpsh.cli.options import COMMAND
from qmpsh.cli.tab.offers import Ask, LineServer, PathKind, ShellCandidate, TypedWords
from qmpsh.cli.top import TOP
from qmpsh.client.discovery import Monitor, find_monitors, for_shells
from qmpsh.client.names import is_vm_name, opens_by_name
from qmpsh.complete.candidates import Candidate, Form
from qmpsh.complete.value_sources import names_file
from qmpsh.errors import QmpshError, UsageError
from qmpsh.language.cursor import CursorContext, Slot, find_context
from qmpsh.language.syntax import Mode
from qmpsh.language.tokens import BLANKS
from qmpsh.language.values import quote
from qmpsh.language.verbs import WHOLE, Takes, takes
from qmpsh.light_typing import NamedTuple
from qmpsh.many.filters import STATUS
from qmpsh.many.targets import ALL, TargetReader
from qmpsh.top.columns import COLUMNS

_CURSOR_MARK = "\0"
"""Stands for the word at the cursor while the others are sorted: no address, no option."""

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

_BARE_VALUE = re.compile(rf"""(?![{BLANKS}"'{{\[])[^{BLANKS}]*""")


def find_items(typed: TypedWords, environ: Mapping[str, str], ask: Ask) -> list[ShellCandidate]:
    """Return all that may be at the cursor, including what does not begin as the word there does.

    environ: QMP_SOCKET of it is the address where none is named
    """
    has_address = bool(environ.get("QMP_SOCKET"))
    is_name = no_name if has_address else _is_vm_name
    words = _sort(typed.before, is_name)
    if words.verb == "run":
        return list(_run_items(words.line[:-1], typed.word))
    if words.verb == "schema":
        return list(_schema_items(words.line[:-1], typed, ask))
    if words.verb:
        return list(_verb_items(words.verb, words.line[:-1], typed.word))
    if words.options[-1:] == [_CURSOR_MARK]:
        context = _read_options(words.options[:-2])
        return list(_option_values(context, words.options[-2], typed.word, 0))
    context = _read_options(words.options)
    line = words.line[:-1]
    if not line and typed.word.startswith("-") and _takes_options(typed.before, is_name):
        return list(_options(context, typed.word))
    targets = tuple(context.params["targets"] or ())
    address = _first_of(targets) if targets else words.address or environ.get("QMP_SOCKET")
    server = _server(context, address)
    if line or words.address is not None or targets:
        return _line_items(line, typed, ask, server)
    if (server.address or server.schema) and not looks_like_address(typed.word):
        found = _line_items(line, typed, ask, server)
        if any(item.text.startswith(typed.word) for item in found):
            return found
    verbs = (
        ShellCandidate(word, note=one.summary)
        for word, one in SUBCOMMANDS.items()
        if not typed.before
    )
    found = [item for item in verbs if item.text.startswith(typed.word)]
    return [*found, *_addresses(typed.word, may_be_name=not has_address)]


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


def _schema_items(before: list[str], typed: TypedWords, ask: Ask) -> Iterator[ShellCandidate]:
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
        yield from _line_items(given.line, typed, ask, server)


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


# ---------------------------------------------------------------------------- the words


def _is_vm_name(word: str) -> bool:
    return word != _CURSOR_MARK and is_vm_name(word, libvirt=False)


def _sort(before: list[str], is_name: Callable[[str], bool] = no_name) -> SplitArgv:
    """Return the words as `split_words` sorts them, with a mark for the one at the cursor."""
    # An address of the environment serves to have nothing refused; it is taken out again.
    words = split_words([*before, _CURSOR_MARK], {"QMP_SOCKET": _CURSOR_MARK}, is_name)
    return words._replace(address=None) if words.address == _CURSOR_MARK else words


def _takes_options(before: list[str], is_name: Callable[[str], bool]) -> bool:
    """Whether a word with a dash is an option here, and not after `--`."""
    try:
        return split_words([*before, "--"], {}, is_name).line == []
    except UsageError:
        return False


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
    words = _sort(before)
    if words.options[-1:] == [_CURSOR_MARK]:
        yield from _option_values(_read_options(words.options[:-2]), words.options[-2], word, 0)
    elif word.startswith("-"):
        found = _options(_read_options(words.options), word)
        yield from (one for one in found if one.text not in _NOT_OF_RUN)


_NOT_OF_RUN = frozenset(
    {
        *("--all", "--only", "--except", "--parallel", "--no-fold"),
        *("--guest-agent", "--skip-negotiation", "--direct"),
    }
)
"""Options for VMs that run already, and for other servers"""


# ---------------------------------------------------------------------------- options, addresses


def _options(context: click.Context, word: str) -> Iterator[ShellCandidate]:
    """Yield the names of options, or after `--name=` its values."""
    name, equals, _ = word.partition("=")
    if equals:
        yield from _option_values(context, name, word, len(name) + 1)
        return
    for item in COMMAND.shell_complete(context, word):
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


# ---------------------------------------------------------------------------- the line


class LineText(NamedTuple):
    """The words as one text of the language, the cursor at its end.

    word: at the cursor; start: where it begins in the text; value: where in the word its value
    begins when that had to be quoted for the text, else None
    """

    text: str
    word: str
    start: int
    value: int | None = None


def write_line(words: list[str], typed: TypedWords, *, hmp: bool) -> LineText:
    """Return the line that the words make. words: those of the line before the cursor's."""
    if not words:
        return LineText(typed.word, typed.word, 0)
    verb = words[0].removeprefix(".") if words[0].startswith(".") else ""
    if hmp or takes(verb) is Takes.HMP:
        head = " ".join([*words, ""])
        return LineText(head + typed.word, typed.word, len(head))
    # What follows the cursor counts in any place; the words of a verb have an order.
    after = [] if verb else typed.after
    head = " ".join([words[0], *map(_argument, [*after, *words[1:]]), ""])
    if verb and takes(verb) not in WHOLE:
        return LineText(head + typed.word, typed.word, len(head))
    return _with_word(head, typed.word)


def _with_word(head: str, word: str) -> LineText:
    """Return the line with an argument at the cursor, whose quote is left open if it needs one."""
    key, equals, value = word.partition("=")
    if equals and not _is_literal(value) and not _BARE_VALUE.fullmatch(value):
        value = value.replace("\\", "\\\\").replace("'", "\\'")
        return LineText(f"{head}{key}='{value}", word, len(head), len(key) + 1)
    # A single dash can only become a modifier.
    return LineText(head + ("--" if word == "-" else word), word, len(head))


def _argument(word: str) -> str:
    """Return a word that is one argument, as the language writes it."""
    key, equals, value = word.partition("=")
    if not equals or _is_literal(value) or _BARE_VALUE.fullmatch(value):
        return word
    return f"{key}={quote(value)}"


def _is_literal(value: str) -> bool:
    return value[:1] in ("{", "[")


def _line_items(
    words: list[str], typed: TypedWords, ask: Ask, server: LineServer
) -> list[ShellCandidate]:
    """Yield what the word may become in the line. words: those of the line before the cursor's."""
    line = write_line(words, typed, hmp=server.hmp)
    mode = Mode(hmp=server.hmp)
    place = find_context(line.text, len(line.text), mode)
    path = _path_item(line, place)
    found = [
        _item(candidate, line, place)
        for candidate in ask(server, line.text, mode)
        if (path is None or candidate.kind != "path") and _is_word(candidate, line, place)
    ]
    return found if path is None else [*found, path]


def _path_item(line: LineText, place: CursorContext) -> ShellCandidate | None:
    """Return the item with which the shell completes paths, if the word names a file; else None."""
    start = place.start - line.start if line.value is None else line.value
    if not line.start or place.bracketed:
        return None
    is_local = place.takes is Takes.FILE or (
        place.takes is Takes.FILES and len(line.text[: line.start].split()) == 1
    )
    if place.slot is Slot.VERB_WORD and is_local:
        return ShellCandidate(line.word, files=PathKind.ALL)
    if place.slot is Slot.FILE:
        return ShellCandidate(line.word, start, files=PathKind.ALL)
    if place.slot is Slot.VALUE and names_file(place.name, place.path):
        value = line.word[start:]
        if value.startswith("/"):
            return ShellCandidate(line.word, start, files=PathKind.ALL)
        # The VM's folder is not known, so that its paths begin at the root.
        return None if value else ShellCandidate(f"{line.word}/", start, ends=False)
    return None


def _is_own_word(line: LineText, place: CursorContext) -> bool:
    """Whether the word at the cursor is an argument of its own, in which no quotes are read."""
    return line.start > 0 and not place.bracketed


def _is_word(candidate: Candidate, line: LineText, place: CursorContext) -> bool:
    """Whether the candidate is read as intended in the word at the cursor as well."""
    if not _is_own_word(line, place):
        return True
    if candidate.form in (Form.KEY, Form.INDEX):
        return candidate.text[:1] not in ("'", '"', "-")
    return not (candidate.value and _is_literal(candidate.value))


def _item(candidate: Candidate, line: LineText, place: CursorContext) -> ShellCandidate:
    """Return a candidate of the line as one of the word at the cursor."""
    text = candidate.text.removesuffix(" ")  # the blank of `key: ` would end the word
    start = candidate.start - line.start
    # A path of the machine's objects may go on.
    goes_on = text.startswith("/") or text.endswith(("=", ".", "[", "{", ":"))
    if _is_own_word(line, place) and place.slot is Slot.VALUE:
        # There a value needs no quotes of the language, and would keep them.
        text = candidate.value or text
        start = start if line.value is None else line.value
    ends = not (place.bracketed or goes_on or (place.in_transaction and text != ")"))
    return ShellCandidate(line.word[:start] + text, start, _note(candidate), ends)


def _note(candidate: Candidate) -> str:
    """Return a note on a candidate, as in `str, required: the name of the driver`."""
    kind = candidate.kind
    marks = ("required", "deprecated", "unstable")
    kinds = ", ".join([kind] * bool(kind) + [mark for mark in marks if getattr(candidate, mark)])
    return ": ".join(part for part in (kinds, candidate.doc) if part)
