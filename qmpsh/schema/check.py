"""Reads a command's arguments as JSON, checked against the types that the server declares.

Every error points at what is wrong, says what was expected and suggests the nearest names. Nothing
is refused that the schema allows: open commands take undeclared members. Raw JSON is checked as a
typed line is, using a tree made from the JSON; since it is sent unchanged, what is found there is
only a warning.
"""

from __future__ import annotations

from qmpsh.errors import SchemaMismatch, Span, shortened
from qmpsh.jsontypes import Json, JsonObject, is_broken_size
from qmpsh.language.syntax import (
    Argument,
    ArrayLiteral,
    CommandLine,
    JsonLine,
    Modifiers,
    Node,
    ObjectLiteral,
    Part,
    RawLiteral,
    Scalar,
)
from qmpsh.language.untyped import NULL_WORDS, UntypedBranch, declared_text, key_tree
from qmpsh.language.values import quote, read_raw
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.schema.model import (
    AlternateType,
    ArrayType,
    Builtin,
    EnumType,
    Member,
    ObjectType,
    Schema,
    Type,
    is_open,
)
from qmpsh.schema.scalars import EXPECTED, NAMES, NOT_READ, READERS
from qmpsh.schema.walk import (
    MemberEntry,
    Properties,
    Unfolded,
    entries_of,
    leaves_of,
    read_property,
    unfold,
)
from qmpsh.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import NoReturn

_NO_MEMBER = "{owner} has no {part} {name}"
_NEEDS = "{owner} needs {names}"
_NEEDS_TAG = "{owner} needs {tag}=... ({values})"
_EXPECTED = "{name}: expected {what}"
_NO_WORD = "{word} is not a value of {name}"
_QUOTED = "{name} is {kind}: write it without quotes"
_BROKEN_SIZE = "{size} is not a whole number of bytes"
_MANY_VALUES = "{count} values; Tab or .help lists them"
_KNOWN = "; there are {names}"
_ONLY = "; there is only {name}"
_TAKES_NONE = "; it takes none"
_TAG_MISSING = "; what it takes depends on {tag}, which is missing ({values})"
_COMMAS = "; spaces separate arguments, not commas: {line}"
_QUOTE_MARK = "; text that begins with {mark} is quoted"
_QUOTE_TEXT = "; text is quoted: {text}"

MAX_LISTED_VALUES = 8
"""most values of a tag that an error lists"""


def check_arguments(
    schema: Schema, command: CommandLine, properties: Properties | None = None
) -> JsonObject:
    """Return the arguments of a command, which the schema must have.

    properties: of the driver, for `device_add`; None if unknown
    Raises SchemaMismatch for what this server would refuse, LineSyntaxError for clashing keys.
    """
    name = command.name.text
    kind = schema.arguments(name)
    if kind is None:
        hint = did_you_mean(name, schema.commands)
        raise SchemaMismatch(f"no command {name}{hint}", command.source, command.name.span)
    reader = ArgumentTyper(schema, command.source)
    undeclared = undeclared_reader(name, kind, properties)
    tree = key_tree(command)
    if command.modifiers != Modifiers():
        # Imported here: most lines have no modifier.
        from qmpsh.schema.collisions import refuse_collisions

        unfolded = unfold(schema, kind, lambda tag: _tag_value(tree, tag))
        names = {member.name for member in unfolded.members}
        refuse_collisions(command, names.union(undeclared.names if undeclared else ()))
    return reader.object(kind, tree, ValueSpot(name, command.name.span), undeclared)


class ValueSpot(NamedTuple):
    """The name by which an error calls an object, and the object's position in the line.

    part: what its members are called: the arguments of a command, the members of an object
    """

    name: str
    span: Span
    part: str = "argument"


class Undeclared(NamedTuple):
    """The way an open command treats undeclared members.

    read:  returns a member's value, given its entry and the line
    names: members known from elsewhere; a name may contain a dot (`zoned.zasl` of nvme)
    """

    read: Callable[[MemberEntry, str], Json]
    names: Collection[str] = ()


def undeclared_reader(
    name: str, kind: ObjectType, properties: Properties | None
) -> Undeclared | None:
    """Return how an open command's undeclared members are read; None for a closed command."""
    if not is_open(name, kind):
        return None
    if name == "device_add":
        live = properties or {}
        return Undeclared(lambda entry, source: read_property(entry, source, live), live)
    return Undeclared(lambda entry, source: entry.guess(source))


class ArgumentTyper:
    """The reader of one line's values as values of declared types. source: the line."""

    def __init__(self, schema: Schema, source: str) -> None:
        self._schema = schema
        self._source = source

    # ---------------------------------------------------------------- objects

    def object(
        self,
        kind: ObjectType,
        child: UntypedBranch | ObjectLiteral,
        spot: ValueSpot,
        undeclared: Undeclared | None = None,
    ) -> JsonObject:
        """Read an object from dotted keys or from braces."""
        unfolded = unfold(self._schema, kind, lambda tag: _tag_value(child, tag))
        members = {m.name: m for m in unfolded.members}
        result: JsonObject = {}
        strays: list[MemberEntry] = []
        for entry in entries_of(child, (*members, *(undeclared.names if undeclared else ()))):
            member = members.get(entry.name)
            if member is not None:
                result[entry.name] = self.value(member, entry)
            elif undeclared is not None:
                result[entry.name] = undeclared.read(entry, self._source)
                strays.append(entry)
            else:
                self._refuse_name(entry, unfolded, spot)
        self._require(unfolded, result, spot, strays)
        return result

    def _refuse_name(self, entry: MemberEntry, unfolded: Unfolded, spot: ValueSpot) -> NoReturn:
        where = f"{spot.name}{_with_tags(unfolded)}"
        names = [member.name for member in unfolded.members]
        union = unfolded.undecided
        first = union.tag if union is not None else next(iter(names), None)
        hint = did_you_mean(entry.name, names) or self._parted(entry, first or "")
        if not hint and union is not None:
            hint = _TAG_MISSING.format(tag=union.tag, values=self._values(union))
        elif not hint:
            hint = _known(names) if names else _TAKES_NONE
        message = _NO_MEMBER.format(owner=where, part=spot.part, name=_shown(entry.name))
        self._refuse(message + hint, entry.span)

    def _require(
        self, unfolded: Unfolded, given: JsonObject, spot: ValueSpot, strays: Sequence[MemberEntry]
    ) -> None:
        """Refuse an object that lacks a required member. strays: its undeclared members."""
        missing = [m for m in unfolded.members if not m.optional and m.name not in given]
        if not missing:
            return
        union = unfolded.undecided
        if union is not None and any(member.name == union.tag for member in missing):
            where = f"{spot.name}{_with_tags(unfolded)}"
            message = _NEEDS_TAG.format(owner=where, tag=union.tag, values=self._values(union))
            self._refuse(message, spot.span)
        for stray in strays:
            hint = did_you_mean(stray.name, [member.name for member in missing])
            hint = hint or self._parted(stray, missing[0].name)
            if hint:
                name = _shown(stray.name)
                message = _NO_MEMBER.format(owner=spot.name, part=spot.part, name=name)
                self._refuse(message + hint, stray.span)
        # Imported here: needed for an error alone, as below.
        from qmpsh.schema.describe import assignment_words

        names = ", ".join(assignment_words(self._schema, member) for member in missing)
        where = f"{spot.name}{_in_brackets(unfolded, spot)}"
        self._refuse(_NEEDS.format(owner=where, names=names), spot.span)

    def _parted(self, entry: MemberEntry, name: str) -> str:
        """Return how to type `DRIVER,id=x` here, which is QEMU's own command-line syntax.

        name: of the member that comes first there and without its name
        """
        if "," not in entry.name or not isinstance(entry.child, Argument):
            return ""
        words = self._source[slice(*entry.child.span)].split(",")
        line = " ".join([f"{name}={words[0]}", *words[1:]])
        return _COMMAS.format(line=line)

    def _values(self, union: ObjectType) -> str:
        """Return the values of a union's tag, or their number where they would fill a screen."""
        if len(union.variants) <= MAX_LISTED_VALUES:
            return f"one of {self._choices(union)}"
        return _MANY_VALUES.format(count=len(union.variants))

    def _choices(self, union: ObjectType) -> str:
        """Return the values of a union's tag, or its type if the server names no branches."""
        tag = next((m for m in union.members if m.name == union.tag), None)
        if union.variants or tag is None:
            return " ".join(union.variants) or "any"
        from qmpsh.schema.describe import type_words

        return type_words(self._schema, tag.type)

    # ---------------------------------------------------------------- values

    def value(self, member: Member, entry: MemberEntry) -> Json:
        """Read the value of a member."""
        return self.read(self._schema.type(member.type), entry)

    def read(self, kind: Type, entry: MemberEntry) -> Json:
        """Read a value of a type."""
        match kind:
            case Builtin():
                return self._builtin(kind.json_type, entry)
            case EnumType():
                return self._enum(kind, entry)
            case ArrayType():
                return self._array(kind, entry)
            case AlternateType():
                return self.read(self._choose(kind, entry), entry)
            case ObjectType():
                child = self._opened(entry)
                if isinstance(child, UntypedBranch | ObjectLiteral):
                    return self.object(
                        kind, child, ValueSpot(entry.name, entry.value_span, "member")
                    )
                return self._refuse_value(f"an object {_kind_words(self._schema, kind)}", entry)

    def _builtin(self, json_type: str, entry: MemberEntry) -> Json:
        if json_type == "value":
            return entry.guess(self._source)
        value = entry.value
        if json_type == "string":
            if isinstance(value, Scalar) and not value.quoted:
                return declared_text(value.text)
            if isinstance(value, Scalar | RawLiteral):
                return value.text
            return self._refuse_value("a string", entry, hint=self._in_quotes(entry))
        if entry.word is not None:
            read = READERS[json_type](entry.word)
            if read is not NOT_READ:
                return read
        if isinstance(value, Scalar) and value.quoted:
            message = _QUOTED.format(name=entry.name, kind=NAMES[json_type])
            self._refuse(message, entry.value_span)
        if json_type == "int" and entry.word is not None and is_broken_size(entry.word):
            self._refuse(_BROKEN_SIZE.format(size=entry.word), entry.value_span)
        return self._refuse_value(EXPECTED[json_type], entry)

    def _enum(self, kind: EnumType, entry: MemberEntry) -> Json:
        value = entry.value
        names = kind.names()
        if isinstance(value, Scalar):
            if value.text in names:
                return value.text
            hint = did_you_mean(value.text, names) or _known(names)
            message = _NO_WORD.format(word=_shown(value.text), name=entry.name)
            self._refuse(message + hint, entry.value_span)
        return self._refuse_value(f"one of {', '.join(names)}", entry)

    def _array(self, kind: ArrayType, entry: MemberEntry) -> Json:
        element = self._schema.type(kind.element)
        child = self._opened(entry)
        if isinstance(child, ArrayLiteral):
            items = [
                MemberEntry(f"{entry.name}[{n}]", i.span, i) for n, i in enumerate(child.items)
            ]
            return [self.read(element, item) for item in items]
        if isinstance(child, UntypedBranch):
            return [
                self.read(element, MemberEntry(f"{entry.name}[{item.name}]", item.span, item.child))
                for item in child.items()
            ]
        return self._refuse_value(f"a list {_kind_words(self._schema, kind)}", entry)

    def _choose(self, kind: AlternateType, entry: MemberEntry) -> Type:
        """Return the branch with the JSON type of the text."""
        branches = [self._schema.type(name) for name in kind.branches]
        for wanted in _forms(entry, self._opened(entry)):
            for branch in branches:
                if _form(branch) == wanted and self._fits(branch, entry):
                    return branch
        words = next((branch for branch in branches if isinstance(branch, EnumType)), None)
        if words is not None and isinstance(entry.value, Scalar):
            return words  # suggests the nearest names
        return self._refuse_value(f"one of {_kind_words(self._schema, kind)}", entry)

    def _fits(self, branch: Type, entry: MemberEntry) -> bool:
        """Return whether a word is a value of the branch; branches of other kinds always fit."""
        if isinstance(branch, EnumType) and isinstance(entry.value, Scalar):
            return entry.value.text in branch.names()
        if not isinstance(branch, Builtin) or branch.json_type not in READERS:
            return True
        return entry.word is not None and READERS[branch.json_type](entry.word) is not NOT_READ

    def _opened(self, entry: MemberEntry) -> UntypedBranch | Node:
        """Return the value, parsed if it is raw text in brackets."""
        value = entry.value
        return read_raw(value, self._source) if isinstance(value, RawLiteral) else value

    # ---------------------------------------------------------------- errors

    def _in_quotes(self, entry: MemberEntry) -> str:
        """Say how to quote text that was taken for a bracket; "" for dotted keys."""
        if isinstance(entry.value, UntypedBranch):
            return ""
        text = self._source[slice(*entry.value_span)]
        quoted = quote(text)
        if quoted[1:-1] != text:  # escapes would make the suggestion hard to read
            return _QUOTE_MARK.format(mark=text[0])
        if not isinstance(entry.child, Argument):
            return _QUOTE_TEXT.format(text=quoted)
        key = entry.child.key
        name = self._source[key[0].span[0] : key[-1].span[1]]
        return _QUOTE_TEXT.format(text=f"{name}={quoted}")

    def _refuse_value(self, expected: str, entry: MemberEntry, *, hint: str = "") -> NoReturn:
        message = _EXPECTED.format(name=entry.name, what=expected)
        self._refuse(message + hint, entry.value_span)

    def _refuse(self, message: str, span: Span) -> NoReturn:
        raise SchemaMismatch(message, self._source, span)


def _kind_words(schema: Schema, kind: Type) -> str:
    from qmpsh.schema.describe import kind_words

    return kind_words(schema, kind)


def _tag_value(child: UntypedBranch | ObjectLiteral, tag: str) -> str | None:
    """Return the text of a union's tag, wherever it is in the line."""
    for name, value in leaves_of(child):
        if name == tag and isinstance(value, Scalar):
            return value.text
    return None


def _known(names: Sequence[str]) -> str:
    """Return what there is, at the end of a message."""
    if len(names) == 1:
        return _ONLY.format(name=names[0])
    return _KNOWN.format(names=", ".join(names))


def _in_brackets(unfolded: Unfolded, spot: ValueSpot) -> str:
    """Return ` (abort)` for an element of a list, ` with driver=qcow2` for a command."""
    if spot.part == "argument" or not unfolded.tags:
        return _with_tags(unfolded)
    return f" ({', '.join(value for _, value in unfolded.tags)})"


def _shown(word: str) -> str:
    """Return a word of the user's as a message repeats it."""
    return f"'{shortened(word)}'"


def _with_tags(unfolded: Unfolded) -> str:
    """Return ` with driver=qcow2`; "" for no union, or if its tag is missing."""
    return f" with {' '.join(map('='.join, unfolded.tags))}" if unfolded.tags else ""


# Which branches of an alternate a bare word may mean, likeliest first.
_BARE_FORMS = ("string", "enum", "int", "number", "boolean", "null")


def _forms(entry: MemberEntry, value: UntypedBranch | Node) -> Sequence[str]:
    """Return the JSON types a value may have, likeliest first. value: with brackets parsed."""
    match value:
        case UntypedBranch():
            return ("array", "object") if value.has_index() else ("object",)
        case ObjectLiteral():
            return ("object",)
        case ArrayLiteral():
            return ("array",)
        case Scalar(quoted=True):
            return ("string", "enum")
        case _:
            return ("null", *_BARE_FORMS) if entry.word in NULL_WORDS else _BARE_FORMS


def _form(kind: Type) -> str:
    match kind:
        case Builtin():
            return kind.json_type
        case EnumType():
            return "enum"
        case ArrayType():
            return "array"
        case _:
            return "object"


# ---------------------------------------------------------------------------- raw JSON

MAX_CHECKED_CHARACTERS = 200_000
"""characters of a line that is checked; longer ones were written by a program"""


def check_json(schema: Schema, line: JsonLine) -> str:
    """Return why this server would refuse a raw JSON command; "" if it would not, and for a line
    that takes longer to check than the warning is worth.
    """
    if len(line.source) > MAX_CHECKED_CHARACTERS:
        return ""
    kind = schema.arguments(line.name)
    if kind is None:
        return f"no command {line.name}{did_you_mean(line.name, schema.commands)}"
    node = _node(line.arguments if line.has_arguments else {}, line.span)
    if not isinstance(node, ObjectLiteral):
        return "arguments must be an object"
    try:
        read = ArgumentTyper(schema, line.source).object(
            kind, node, ValueSpot(line.name, line.span), undeclared_reader(line.name, kind, None)
        )
    except SchemaMismatch as error:
        return str(error)
    member = _differing(read, line.arguments) if line.name != "device_add" else None
    return f"{member}: another type is declared" if member else ""


def _node(value: Json, span: Span) -> Node:
    """Return the tree that typing this JSON would give."""
    match value:
        case dict():
            members = [(Part(name, True, span), _node(item, span)) for name, item in value.items()]
            return ObjectLiteral(tuple(members), span)
        case list():
            return ArrayLiteral(tuple(_node(item, span) for item in value), span)
        case str():
            return Scalar(value, True, span)
        case None | bool():
            return Scalar({None: "null", True: "true", False: "false"}[value], False, span)
        case _:
            return Scalar(str(value), False, span)


def _differing(read: Json, given: Json) -> str | None:
    """Return the name of the first member whose value was read differently from the JSON."""
    if not (isinstance(read, dict) and isinstance(given, dict)):
        return None
    return next((name for name in read if read[name] != given.get(name)), None)
