"""What a line says while it is typed: its faults, and the hint below the prompt.

Faults are for the colours of the line and for the hint. They are tolerant where the checks before
sending are strict: the line is unfinished, so neither a missing member nor the word that is still
being typed is a fault.

Else the hint is the signature of the command that is being typed:

    blockdev-add  file.filename*  [node-name: str]  the node name of the new node

First what is still missing, with a star; then the member at the cursor in brackets, with the
manual's sentence; whether the command only starts something; then the other members of the object
in which the cursor stands, those that are given with their values.
"""

from __future__ import annotations

from collections.abc import Iterator

from qmpsh.complete.candidates import Catalog
from qmpsh.complete.line import TypedArguments, typed_arguments
from qmpsh.complete.live import LOADS_MODULES, SOURCES
from qmpsh.complete.value_sources import sources_of
from qmpsh.errors import Span
from qmpsh.jsontypes import read_boolean, read_int, read_number
from qmpsh.language.analysis import analyse
from qmpsh.language.cursor import (
    CursorContext,
    GivenMember,
    ParsedLine,
    Slot,
    find_context,
    parsed_line,
)
from qmpsh.language.lookalikes import find_look_alike
from qmpsh.language.names import HOW_TO_LEAVE, leaves_elsewhere
from qmpsh.language.syntax import MemberPath, Mode
from qmpsh.language.untyped import plain_word
from qmpsh.language.verbs import QOM_PROPERTIES
from qmpsh.light_typing import NamedTuple
from qmpsh.schema.describe import member_words, type_words
from qmpsh.schema.model import Builtin, EnumType, Member, ObjectType, Schema, Type, is_open
from qmpsh.schema.scalars import NAMES
from qmpsh.schema.walk import may_add, object_of
from qmpsh.suggest import did_you_mean, joined

_READERS = {"int": read_int, "number": read_number, "boolean": read_boolean}


class Fault(NamedTuple):
    """A fault in one part of the line.

    span: what it is about; role: "error", or "deprecated" for what still works; message: one
    sentence.
    """

    span: Span
    role: str
    message: str


def find_faults(text: str, catalog: Catalog, mode: Mode) -> list[Fault]:
    """Return the faults of a line, in its order."""
    if mode.hmp or not catalog.commands:
        return []
    look_alike = find_look_alike(text, analyse(text, mode).tokens) if not text.isascii() else None
    if look_alike is not None:
        span, message = look_alike
        return [Fault(span, "error", message)]
    typed = analyse(text, mode).reading(parsed_line)
    catalog = catalog.inside(transaction=typed.in_transaction)
    name = typed.command
    if not name or not catalog.commands or name in catalog.aliases:
        return []
    if name not in catalog.commands:
        return _unknown_command(text, typed, catalog, mode)
    schema = catalog.schema
    root = schema.arguments(name) if schema is not None else None
    if schema is None or root is None:
        return []
    line = TypedArguments(typed.given, schema, root)
    faults = list(_of_command(schema, name, typed.span))
    if not schema.binding:
        return faults
    for member in typed.given:
        faults += _of_member(line, name, member, text)
    return faults


def _unknown_command(text: str, typed: ParsedLine, catalog: Catalog, mode: Mode) -> list[Fault]:
    name, span = typed.command, typed.span
    still_typed = span[1] == len(text)
    if still_typed and any(command.startswith(name) for command in catalog.commands):
        return []
    if mode.prompt and leaves_elsewhere(text):
        return [Fault(span, "error", HOW_TO_LEAVE)]
    meant = joined(text[span[0] :].split(), catalog.commands)
    hint = f"; did you mean {meant}?" if meant else did_you_mean(name, catalog.commands)
    word = "action" if typed.in_transaction else "command"
    return [Fault(span, "error", f"no {word} {name}{hint}")]


def _of_command(schema: Schema, name: str, span: Span) -> Iterator[Fault]:
    info = schema.command(name)
    if info is not None and "deprecated" in info.features:
        yield Fault(span, "deprecated", f"{name} is deprecated")


def _of_member(
    line: TypedArguments, command: str, given: GivenMember, text: str
) -> Iterator[Fault]:
    kind = line.type_at(given.path)
    if kind is None:
        if given.key[0] < given.key[1] and not is_open(command, line.root):
            yield from _unknown_member(line, given)
        return
    if given.text is None or given.value[1] == len(text):
        return
    message = _wrong_value(kind, given)
    if message:
        yield Fault(given.value, "error", message)


def _unknown_member(line: TypedArguments, given: GivenMember) -> Iterator[Fault]:
    """Yield the fault of a member that its object does not have, whatever a missing tag will be."""
    owner_path, owner = _owner(line, given.path)
    unfolded = line.unfold_at(owner, owner_path) if owner is not None else None
    if unfolded is None:
        return
    name = given.path[len(owner_path)]
    if unfolded.undecided is not None and may_add(line.schema, unfolded.undecided, name):
        return
    names = [member.name for member in unfolded.members]
    part = "member" if owner_path else "argument"
    yield Fault(given.key, "error", f"no {part} '{name}'{did_you_mean(name, names)}")


def _owner(line: TypedArguments, path: MemberPath) -> tuple[MemberPath, ObjectType | None]:
    """Return the innermost object on the path that exists."""
    for length in range(len(path) - 1, -1, -1):
        kind = line.type_at(path[:length])
        if kind is not None:
            return path[:length], object_of(line.schema, kind)
    return (), line.root


def _wrong_value(kind: Type, given: GivenMember) -> str:
    value = given.text or ""
    match kind:
        case EnumType() if value not in kind.names():
            hint = did_you_mean(value, kind.names())
            return f"'{value}' is not a value of {given.path[-1]}{hint}"
        case Builtin(json_type) if json_type in _READERS:
            word = plain_word(value, inside=given.bracketed)
            if given.quoted or _READERS[json_type](word) is None:
                return f"{given.path[-1]}: {value} is not {NAMES[json_type]}"
    return ""


# ---------------------------------------------------------------------------- the hint

HintFragment = tuple[str, str]
"""(role, text), as everywhere a styled line goes to the screen"""

MAX_SHOWN_MEMBERS = 12
_STARTS_WORK = "returns at once; --wait waits for {}"
_DANGER = "not queried: {}; loading modules of another build can end the VM"


def hint(text: str, cursor: int, catalog: Catalog, mode: Mode) -> list[HintFragment]:
    """Return the hint as fragments; [] where there is nothing to say."""
    context = find_context(text, cursor, mode)
    if _loads_modules(context) and (why := catalog.replaced()):
        return [("hint.error", _DANGER.format(why))]
    after_verb = context.slot is Slot.COMMAND and context.name and not context.prefix
    if after_verb or context.slot in (Slot.VERB, Slot.VERB_WORD):
        summary = context.verb.summary if context.verb is not None else ""
        if context.takes in QOM_PROPERTIES:
            # Imported here: two verbs name properties.
            from qmpsh.complete.machine_words import property_hint

            summary = property_hint(text, catalog) or summary
        return [("hint", f".{context.name}  {summary}")] if summary else []
    name = context.name or text.strip()
    catalog = catalog.inside(transaction=context.in_transaction)
    line = typed_arguments(context._replace(name=name), catalog)
    if line is None:
        return []
    return [("hint", name), *_signature(line, context._replace(name=name), catalog, text)]


def _loads_modules(context: CursorContext) -> bool:
    """Return whether a candidate here, or the line itself, makes the server load modules."""
    if context.slot is Slot.HMP:
        return context.prefix.split()[:2] in (["device_add", "help"], ["device_add", "?"])
    if context.slot is not Slot.VALUE:
        return context.name in LOADS_MODULES
    queries = (SOURCES[name].query(context) for name in sources_of(context.name, context.path))
    return any(query is not None and query.command in LOADS_MODULES for query in queries)


def _signature(
    line: TypedArguments, context: CursorContext, catalog: Catalog, text: str
) -> Iterator[HintFragment]:
    """Yield what is still missing, what the cursor is on, what --wait would do, and the rest."""
    owner_path, current = _at_cursor(line, context)
    kind = line.type_at(owner_path)
    owner = object_of(line.schema, kind) if kind is not None else None
    if owner is None:
        return
    members = line.members(owner, owner_path)
    here = next((member for member in members if member.name == current), None)
    at_cursor = (*owner_path, current)
    lacking = [found for found in line.lacking() if at_cursor[: len(found[0])] != found[0]]
    for path, member in lacking:
        name = ".".join(path)
        words = type_words(line.schema, member.type)
        yield ("hint", f"  {name}*" if here is not None else f"  {name}*: {words}")
    if here is not None:
        yield from _of_current(line, context, catalog, (*owner_path, current), here)
    at_top = not owner_path and not lacking
    if at_top and context.name in catalog.ends and "--wait" not in text:
        yield ("hint", f"  {_STARTS_WORK.format(catalog.ends[context.name])}")
    said = {path for path, _ in lacking}
    others = [m for m in members if m is not here and (*owner_path, m.name) not in said]
    others.sort(key=lambda m: (not line.has_below((*owner_path, m.name)), m.optional))
    for member in others[:MAX_SHOWN_MEMBERS]:
        yield ("hint", f"  {_words(line, member, (*owner_path, member.name))}")
    if len(others) > MAX_SHOWN_MEMBERS:
        yield ("hint", f"  +{len(others) - MAX_SHOWN_MEMBERS}")


def _of_current(
    line: TypedArguments, context: CursorContext, catalog: Catalog, path: MemberPath, member: Member
) -> Iterator[HintFragment]:
    """Yield the member at the cursor, and the manual's sentence for it or for its value."""
    yield ("hint", "  ")
    yield ("hint.current", f"[{_words(line, member, path)}]")
    if catalog.manual is None:
        return
    given = context.beside(path)
    kind = line.schema.type(member.type)
    said = ""
    if isinstance(kind, EnumType) and context.prefix in kind.names():
        said = catalog.manual.member_sentence(context.name, *path, context.prefix, given=given)
    said = said or catalog.manual.member_sentence(context.name, *path, given=given)
    if said:
        yield ("hint", f"  {said}")


def _words(line: TypedArguments, member: Member, path: MemberPath) -> str:
    value = line.text_at(path)
    if value is not None:
        return f"{member.name}={value}"
    # An object that the line has begun is not missing, whatever it still lacks.
    is_begun = line.has_below(path)
    return member_words(line.schema, member._replace(optional=member.optional or is_begun))


def _at_cursor(line: TypedArguments, context: CursorContext) -> tuple[MemberPath, str]:
    """Return the path of the object whose members are shown, and the member at the cursor."""
    if context.slot is Slot.KEY:
        typed = tuple(piece.text for piece in context.pieces)
        return (*context.path, *typed[:-1]), typed[-1]
    if context.slot is Slot.VALUE:
        path = context.path
        while path and path[-1].isdigit():
            path = path[:-1]
        return path[:-1], path[-1] if path else ""
    return (), ""
