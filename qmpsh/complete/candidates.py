"""What completion works from, and what it yields."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple

from qmpsh.complete.live import Facts
from qmpsh.jsontypes import Json
from qmpsh.schema.actions import actions_of
from qmpsh.schema.manual import Manual
from qmpsh.schema.model import Schema


class Form(Enum):
    """What a candidate is to the language; of all but OURS the text comes from somebody else."""

    OURS = auto()  # a mark, a verb, an option: written here
    NAME = auto()  # of a command or an event: it has no quotes
    HMP = auto()  # a word of the human monitor, which has no quotes either
    KEY = auto()  # a member's name
    INDEX = auto()  # of a list's item, in the place of a name
    WORD = auto()  # a value of an enum, which is read as that whatever it looks like
    TEXT = auto()  # a value that is a string
    PATH = auto()  # a file of this host


class Candidate(NamedTuple):
    """One way to go on.

    text:   what replaces the source from `start` to the cursor; where a source yields it, the bare
            name or value, which `insertion` writes as the line needs it
    start:  offset into the line
    kind:   what it is or which type it wants, in plain words: "command", "str", "qcow2 | raw"
    doc:    first sentence of its documentation, or ""
    required, deprecated, unstable: its marks
    form:   what it is to the language
    tail:   where a source yields it, what the text is to end in: `=`, `.`, `: `
    value:  the name or value that a written text stands for; "" for one of ours
    """

    text: str
    start: int
    kind: str = ""
    doc: str = ""
    required: bool = False
    deprecated: bool = False
    unstable: bool = False
    form: Form = Form.OURS
    tail: str = ""
    value: str = ""


class Setting(NamedTuple):
    """An option as completion shows it. value: its value now; choices: words that it takes."""

    summary: str
    value: Callable[[], str]
    choices: Callable[[], Sequence[str]]


class Catalog:
    """What completion knows of the server; filled in as background replies come.

    commands, events: names as the server lists them, () before they are known
    disabled:         of the commands, those that a guest's administrator has turned off
    schema:           None before it is known, or where the server has none
    ends:             the commands whose end is known, so that it can be waited for
    settings:         the options of `.set`
    aliases:          words that stand for the beginning of a line
    hmp, hmp_info:    the human monitor's commands and `info` subjects: name to help text
    facts:            what the running VM knows of now
    manual:           the local manual of this kind of server, None where none is installed
    paths:            lists the paths on this host that begin with a text
    replaced:         tells what has become of the server's program since it started, "" for nothing
    """

    def __init__(self) -> None:
        self.commands: tuple[str, ...] = ()
        self.events: tuple[str, ...] = ()
        self.disabled: frozenset[str] = frozenset()
        self.schema: Schema | None = None
        self.ends: frozenset[str] = frozenset()
        self.settings: Mapping[str, Setting] = {}
        self.aliases: Mapping[str, str] = {}
        self.hmp: dict[str, str] = {}
        self.hmp_info: dict[str, str] = {}
        self.facts = Facts()
        self.manual: Manual | None = None
        self.paths: Callable[[str], list[str]] = lambda prefix: []
        self.replaced: Callable[[], str] = str

    def learn(self, commands: tuple[str, ...], schema: Schema | None) -> None:
        """Take in what the server accepts. schema: None where it has none."""
        self.commands = commands
        self.schema = schema
        self.events = schema.events if schema is not None else ()

    def inside(self, *, transaction: bool) -> Catalog:
        """The catalog for a line: inside a transaction its commands are the actions."""
        if not transaction:
            return self
        found = copy.copy(self)
        actions = actions_of(self.schema) if self.schema is not None else None
        found.schema = actions
        found.commands = actions.commands if actions is not None else ()
        return found

    def learn_hmp(self, value: Json) -> None:
        """Take in the text of HMP `help`."""
        self.hmp = hmp_entries(value)

    def learn_hmp_info(self, value: Json) -> None:
        """Take in the text of HMP `info`."""
        self.hmp_info = hmp_entries(value, prefix="info ")


def hmp_entries(value: Json, prefix: str = "") -> dict[str, str]:
    """Names of a help text with what is said of them.

    An entry is a line with a lowercase letter in column 0; its name ends at the first blank and may
    hold twins behind `|`. Source: WIRE.md section 9.
    """
    entries: dict[str, str] = {}
    lines = value.replace("\r\n", "\n").split("\n") if isinstance(value, str) else []
    for line in lines:
        line = line.removeprefix(prefix)
        if line[:1].islower():
            names, _, rest = line.partition(" ")
            for name in names.split("|"):
                entries[name] = rest.partition("-- ")[2].strip() or rest.strip()
    return entries
