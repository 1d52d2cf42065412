"""What a parsed line is made of. Every node knows its span in the source.

Values are kept as they were typed, not yet as JSON: what a bare `007` means is decided later, by
the schema where there is one (`schema/`) and by the guess in `lang/build.py` where there is none.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from qmpsh.errors import Span
from qmpsh.jsontypes import Json, JsonObject


class Mode(NamedTuple):
    """What must be known before a line can be read.

    hmp:            the line is one of the human monitor's
    prompt:         it was typed at the prompt: there, ` | ` and ` > ` redirect an HMP line too
    in_transaction: a `transaction(` is open
    bare_verbs:     verbs that are understood without their dot, for the time being
    counted:        a verb repeats the line, which may say how often: `--count 3`
    helps:          somebody reads the answer: `NAME --help` is `.help NAME`
    """

    hmp: bool = False
    prompt: bool = False
    in_transaction: bool = False
    bare_verbs: frozenset[str] = frozenset()
    counted: bool = False
    helps: bool = False


PLAIN = Mode()
"""A line of a script, outside everything."""


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
    """`[a, b]`."""

    items: tuple[Node, ...]
    span: Span


class ObjectLiteral(NamedTuple):
    """`{key: value}`; keys are whole names, never split at dots."""

    members: tuple[tuple[Part, Node], ...]
    span: Span


Node = Scalar | ArrayLiteral | ObjectLiteral


class RawLiteral(NamedTuple):
    """Text that begins with `{` or `[`, in an argument quoted as a whole or in an argv word.

    Where the declared type is str it is that text; everywhere else `values.read_raw` reads it.
    """

    text: str
    span: Span


class Argument(NamedTuple):
    """`KEY=value`; key: at least one part; span: key and value."""

    key: tuple[Part, ...]
    value: Node | RawLiteral
    span: Span


class Modifiers(NamedTuple):
    """The `--words` of one line. wait: None not asked, "" asked, else the named end; seconds."""

    wait: str | None = None
    timeout: float | None = None
    json: bool = False
    raw: bool = False
    table: bool = False
    oob: bool = False
    yes: bool = False
    fd: str | None = None
    new: bool = False
    count: int | None = None  # type: ignore[assignment]  # hides tuple.count, of no use here


class Redirect(NamedTuple):
    """`| command`, `> file` or `>> file`. target: unquoted text."""

    mark: Literal["|", ">", ">>"]
    target: str
    span: Span


class CommandLine(NamedTuple):
    """`name key=value ... --modifier | redirect`."""

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
    """`.name rest`. rest: the text behind the name, without modifiers and redirect unless the
    verb takes a whole line (`verbs.WHOLE`), which keeps both; rest_span: where it stands.
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
    """`transaction(`; action: the one action when the line closes it too, else None.

    modifiers, redirect: what stands behind the `)` of that one line.
    """

    source: str
    span: Span
    action: CommandLine | None = None
    modifiers: Modifiers = Modifiers()
    redirect: Redirect | None = None


class TransactionClose(NamedTuple):
    """`)` on a line of its own; modifiers and redirect behind it are those of the transaction."""

    source: str
    span: Span
    modifiers: Modifiers = Modifiers()
    redirect: Redirect | None = None


Statement = CommandLine | JsonLine | VerbLine | HmpLine | TransactionOpen | TransactionClose
