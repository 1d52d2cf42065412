"""`.help` and `.apropos`: what the server accepts, the verbs, the modifiers, keys and exit codes.

Signatures come from the schema, prose from the local manual.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from itertools import zip_longest

from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.language.modifiers import OPTIONS
from qmpsh.language.syntax import VerbLine
from qmpsh.language.verbs import VERBS, Takes
from qmpsh.schema.describe import command_signature, event_signature, hanging
from qmpsh.schema.manual.find import Manual
from qmpsh.schema.model import EnumType, Schema
from qmpsh.shell.context import Context
from qmpsh.shell.devices import device_properties
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.steps import Outcome, Steps, Wish
from qmpsh.shell.verbs.table import find_verb, text_answer, verb
from qmpsh.shell.waiting.rules import ENDS
from qmpsh.suggest import did_you_mean
from qmpsh.usage import EXIT_CODES, MODIFIER_NOTES, MODIFIERS, wrapped_columns

MAX_COLUMNS = 78
"""columns that help takes at most, as man does"""

_ON_WAITING = (
    "--wait after a command waits for its end. Events raised while no client is connected are "
    "lost: two one-shots cannot do what one --wait does."
)
_ON_TOPICS = (
    "Help on the rest: .help keys, .help exit-codes, .help --wait and the other modifiers; "
    "`qmpsh --help` outside."
)


@verb(
    "help", "[NAME]", "list verbs and commands, or explain a command, event, verb, modifier",
    Takes.NAME, bare=True,
)  # fmt: skip
def show_help(context: Context, line: VerbLine) -> Steps:
    words = line.rest.strip()
    if not words:
        yield from context.introspection.load_commands()
        yield text_answer(line, _overview(context, context.front_end.columns()))
        return Outcome()
    topic = special_topic(context, words, min(MAX_COLUMNS, context.front_end.columns()))
    if topic is not None:
        yield text_answer(line, topic)
        return Outcome()
    name = words.removeprefix(".")
    if words.startswith(".") or (name in VERBS and name not in context.introspection.commands):
        find_verb(line._replace(name=name, name_span=line.rest_span))
        row = VERBS[name]
        yield text_answer(line, f".{name} {row.usage}".rstrip() + f"\n    {row.summary}")
        return Outcome()
    topics, width = (yield from _topics(context)), min(MAX_COLUMNS, context.front_end.columns())
    properties = yield from device_properties(context.introspection, words, width)
    yield text_answer(line, topics.explain(words, width, properties))
    return Outcome()


@verb("apropos", "WORD", "search names and the text of the manual")
def apropos(context: Context, line: VerbLine) -> Steps:
    word = line.rest.strip()
    if not word:
        raise LineSyntaxError(
            "expected a word, as in .apropos snapshot", line.source, line.rest_span
        )
    yield text_answer(line, (yield from _topics(context)).search(word))
    return Outcome()


def _topics(context: Context) -> Generator[Wish, str, HelpTopics]:
    """Return what help can explain; ask the server for what is not known yet."""
    introspection = context.introspection
    yield from introspection.load_schema()
    return HelpTopics(
        introspection.commands,
        introspection.schema,
        introspection.manual(),
        introspection.manual_name,
        introspection.disabled,
    )


def _overview(context: Context, columns: int) -> str:
    width = max(len(f".{name} {row.usage}") for name, row in VERBS.items())
    lines = ["Verbs of the shell:"]
    for name, row in VERBS.items():
        lines += hanging(
            f"  {f'.{name} {row.usage}':<{width}}  ", row.summary, min(MAX_COLUMNS, columns)
        )
    lines += ["", *hanging("", _ON_WAITING, min(MAX_COLUMNS, columns))]
    lines += ["", *hanging("", _ON_TOPICS, min(MAX_COLUMNS, columns))]
    if context.introspection.commands:
        lines += ["", f"Commands of this server ({len(context.introspection.commands)}):"]
        lines += _in_columns(_marked(context.introspection), columns)
    return "\n".join(lines)


def _marked(introspection: Introspection) -> list[str]:
    """Return the commands in order, with a mark on what a guest's administrator has disabled."""
    return [
        f"{name} (disabled)" if name in introspection.disabled else name
        for name in sorted(introspection.commands)
    ]


def _in_columns(names: list[str], width: int) -> list[str]:
    """Return names in columns that are read downwards, as ls does. width: of a line"""
    columns: list[list[str]] = []
    for rows in range(1, len(names) + 1):
        columns = [_padded(names[start : start + rows]) for start in range(0, len(names), rows)]
        if sum(len(column[0]) for column in columns) <= width:
            break
    return [f"  {''.join(line)}".rstrip() for line in zip_longest(*columns, fillvalue="")]


def _padded(column: list[str]) -> list[str]:
    """Return the names padded to the longest and two blanks."""
    width = max(map(len, column)) + 2
    return [name.ljust(width) for name in column]


def special_topic(context: Context, words: str, width: int) -> str | None:
    """Return the text on modifiers, keys and exit codes; None for any other topic.

    Raises UsageError for dashes before what is not a modifier.
    """
    if words.startswith("--"):
        return _modifier(words.lstrip("-").partition("=")[0], width)
    if words == "exit-codes":
        return wrapped_columns(EXIT_CODES, width)
    if words == "keys" and (keys := context.front_end.keys()):
        return wrapped_columns(keys, width)
    return None


def _modifier(name: str, width: int) -> str:
    if name not in MODIFIERS:
        if name in OPTIONS:
            raise UsageError(f"--{name} is an option of qmpsh; see `qmpsh --help`")
        hint = did_you_mean(f"--{name}", [f"--{known}" for known in MODIFIERS])
        hint = hint or f"; there are {', '.join(f'--{known}' for known in MODIFIERS)}"
        raise UsageError(f"no modifier --{name}{hint}")
    value, does = MODIFIERS[name]
    lines = [f"--{name}{value}", *hanging("    ", does, width), ""]
    lines += hanging("", MODIFIER_NOTES[name], width)
    if name == "wait":
        known = ", ".join(command for end in ENDS for command in end.commands.split())
        lines += ["", "Ends are known of:", *hanging("    ", known, width)]
    return "\n".join(lines)


class HelpTopics:
    """The topics that help can explain.

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

    def explain(self, words: str, width: int = MAX_COLUMNS, more: str = "") -> str:
        """Return the signature and the manual's text of one name.

        words: the name, and values of tags as in `blockdev-add driver=qcow2`
        width: columns that the text may take; an example takes what it needs
        more: a text below the signature
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
            found.append(f"(No manual is installed here: {self._page}(7) would say more.)")
        return "\n\n".join(found)

    def search(self, word: str) -> str:
        """Return the names that contain the word, then those whose text does, a line each.

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
        """Return the manual's examples, which are JSON, as lines of this shell."""
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
