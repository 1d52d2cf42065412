"""What a parsed line is made of, with the span of every node in the source, and lengths of time.

Values are kept as they were typed, not yet as JSON: what a bare `007` means is decided later, by
the schema where there is one (`schema/`), else by the guess in `language/untyped.py`. Only lengths
of time are read here: `5`, `500ms`, `1.5s`, `2m`, `1h`.
"""

from __future__ import annotations

import re

from qmpsh.errors import Span, UsageError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Literal


class Mode(NamedTuple):
    """The circumstances that must be known before a line can be read.

    hmp:            the line is one of the human monitor's
    prompt:         it was typed at the prompt: there, ` | ` and ` > ` redirect an HMP line too
    in_transaction: a `transaction(` is open
    bare_verbs:     verbs that are understood without their dot, for the time being
    counted:        a verb repeats the line, which may say how often: `--count 3`
    helps:          a person reads the answer: `NAME --help` is `.help NAME`
    """

    hmp: bool = False
    prompt: bool = False
    in_transaction: bool = False
    bare_verbs: frozenset[str] = frozenset()
    counted: bool = False
    helps: bool = False


PLAIN = Mode()
"""A line of a script, outside everything."""

MemberPath = tuple[str, ...]
"""The names from a command down to one of its members, nested ones too."""


class Part(NamedTuple):
    """One part of a key: bare, split at dots, or quoted and then always one whole name."""

    text: str
    quoted: bool
    span: Span


class Scalar(NamedTuple):
    """A single value. text: unescaped; quoted: it stood in '...' or "..." and is a string."""

    text: str
    quoted: bool
    span: Span


class ArrayLiteral(NamedTuple):
    """A list, `[a, b]`."""

    items: tuple[Node, ...]
    span: Span


class ObjectLiteral(NamedTuple):
    """An object, `{key: value}`; keys are whole names, never split at dots."""

    members: tuple[tuple[Part, Node], ...]
    span: Span


Node = Scalar | ArrayLiteral | ObjectLiteral


class RawLiteral(NamedTuple):
    """A text that begins with `{` or `[`, in an argument quoted as a whole or in an argv word.

    Where the declared type is str it is that text; everywhere else `values.read_raw` reads it.
    """

    text: str
    span: Span


class Argument(NamedTuple):
    """One argument, `KEY=value`; key: at least one part; span: key and value."""

    key: tuple[Part, ...]
    value: Node | RawLiteral
    span: Span


class OutputFormat(NamedTuple):
    """A form in which an answer can be shown: an option, a modifier and perhaps a view.

    summary:      what `--NAME` does, as in "print ..."
    note:         what `.help --NAME` adds
    renderer:     "module:function", which makes a `render.formats.Rendering` of an answer, or None
                  for an answer that this format does not suit
    is_view:      `.set view NAME` makes it the format of all answers
    prints_reply: shows the whole reply, that of a failure too
    """

    summary: str
    note: str
    renderer: str
    is_view: bool = True
    prints_reply: bool = False


FORMATS: dict[str, OutputFormat] = {
    "json": OutputFormat(
        "print the whole reply, errors included",
        "The reply as the server sent it, errors included, with the id that a raw JSON line has.",
        "qmpsh.render.formats:render_reply",
        is_view=False,
        prints_reply=True,
    ),
    "raw": OutputFormat(
        "print a string without its quotes",
        "For a value that is one string, such as human-monitor-command's. Other answers stay JSON.",
        "qmpsh.render.formats:render_raw",
        is_view=False,
    ),
    "table": OutputFormat(
        "print a list of objects as a table",
        "Members that are objects themselves come last, as JSON.",
        "qmpsh.render.formats:render_table",
    ),
}
"""All output formats by name. An answer takes the first of those asked for that suits it, else it
is JSON. Options, modifiers, views, help, completion and docs/ are made from this table."""


def prints_reply(formats: frozenset[str]) -> bool:
    """Return whether one of the formats shows whole replies, so that errors are printed too."""
    return any(FORMATS[name].prints_reply for name in formats)


class Modifiers(NamedTuple):
    """The `--words` of one line. wait: None not asked, "" asked, else the named end; seconds.

    formats: names of FORMATS
    flags: what means something to one verb alone
    device, head: a display of the VM; until, font, watch: of its screen
    layout: of a keyboard; rate: seconds between two keys
    """

    wait: str | None = None
    timeout: float | None = None
    formats: frozenset[str] = frozenset()
    oob: bool = False
    yes: bool = False
    fd: str | None = None
    new: bool = False
    count: int | None = None  # type: ignore[assignment]  # hides tuple.count, of no use here
    flags: frozenset[str] = frozenset()
    device: str | None = None
    head: int | None = None
    until: str | None = None
    font: str | None = None
    depth: int | None = None
    layout: str | None = None
    rate: float | None = None
    watch: float | None = None


class Redirect(NamedTuple):
    """A redirect: `| command`, `> file` or `>> file`. target: unquoted text."""

    mark: Literal["|", ">", ">>"]
    target: str
    span: Span


class CommandLine(NamedTuple):
    """A line with a command: `name key=value ... --modifier | redirect`."""

    source: str
    name: Part
    arguments: tuple[Argument, ...] = ()
    modifiers: Modifiers = Modifiers()
    redirect: Redirect | None = None


class JsonLine(NamedTuple):
    """One `{"execute": ...}` or `{"exec-oob": ...}` object, typed or pasted.

    extra: top-level members other than execute, exec-oob, arguments and id, sent as they stand, so
    that the server judges them. has_id: the user gave an `id` (which may be null).
    """

    source: str
    name: str
    arguments: Json
    has_arguments: bool
    oob: bool
    has_id: bool
    id: Json
    extra: JsonObject
    span: Span
    redirect: Redirect | None = None


class VerbLine(NamedTuple):
    """A line with a verb, `.name rest`.

    rest: the text after the name, without modifiers and redirect unless the verb takes a whole line
    (`verbs.WHOLE`), which keeps both; rest_span: where it stands.
    head: the one word before such a line, a tool or a time; its modifiers are taken out as well.
    """

    source: str
    name: str
    name_span: Span
    rest: str
    rest_span: Span
    modifiers: Modifiers = Modifiers()
    redirect: Redirect | None = None
    words: tuple[str, ...] | None = None
    """argv words of the rest, verbatim, when it came from the command line; else None"""
    head: str = ""


class HmpLine(NamedTuple):
    """One line of the human monitor, verbatim."""

    source: str
    text: str
    redirect: Redirect | None = None


class TransactionOpen(NamedTuple):
    """The opening of a transaction, `transaction(`.

    action: the one action when the line closes it too, else None.

    modifiers, redirect: what stands after the `)` of that one line.
    """

    source: str
    span: Span
    action: CommandLine | None = None
    modifiers: Modifiers = Modifiers()
    redirect: Redirect | None = None


class TransactionClose(NamedTuple):
    """The closing of a transaction: `)` on a line of its own.

    modifiers, redirect: what stands after it, which holds for the whole transaction
    """

    source: str
    span: Span
    modifiers: Modifiers = Modifiers()
    redirect: Redirect | None = None


Statement = CommandLine | JsonLine | VerbLine | HmpLine | TransactionOpen | TransactionClose


_DURATION = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)?"
_SECONDS = {None: 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: str) -> float:
    """Return the seconds. Raises UsageError for anything but digits and one of the four units."""
    match = re.fullmatch(_DURATION, text)
    if match is None:
        raise UsageError(f"expected a time such as 5, 500ms, 2m or 1h, not {text or 'nothing'}")
    return float(match[1]) * _SECONDS[match[2]]


def parse_limit(text: str) -> float:
    """Return the seconds of a time limit. Raises UsageError also for 0."""
    seconds = parse_duration(text)
    if seconds <= 0:
        raise UsageError(f"expected more time than {text}, as in 500ms")
    return seconds
