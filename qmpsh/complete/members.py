"""Candidates for members and values: from the schema, and from what the VM says of its devices.

The schema gives the members still missing and the values of enums and booleans. It declares neither
the properties of a device in `device_add`, which come from `device-list-properties`, harmless even
where listing types is not (wire.md section 6), nor the values of a property in `qom-set`: those of
booleans, enums and links are offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count

from qmpsh.complete.buses import child_kind
from qmpsh.complete.candidates import Candidate, Catalog, Form
from qmpsh.complete.line import TypedArguments, typed_arguments
from qmpsh.complete.live import LiveQuery, LiveValue, LiveValues, live_values_at
from qmpsh.complete.order import IMAGES, is_needed, place_in, property_place, value_places
from qmpsh.complete.taken import OPEN_IMAGE, open_images, place_of, taken_values
from qmpsh.complete.value_sources import names_file
from qmpsh.jsontypes import JsonObject, as_dicts, as_str
from qmpsh.language.cursor import CursorContext, KeyPart
from qmpsh.language.syntax import MemberPath
from qmpsh.patterns import LatePattern
from qmpsh.schema.describe import kind_words, type_words
from qmpsh.schema.model import AlternateType, Builtin, EnumType, Member, ObjectType, Schema, Type
from qmpsh.schema.scalars import choices_of, is_enum, property_member
from qmpsh.schema.walk import array_of, object_of

_REFERENCE = "the name of a node that exists"
_DEFINITION = "a new node, by its own members"
"""What distinguishes `file=` from `file.`."""

_PLAIN = LatePattern(r"[A-Za-z_][A-Za-z0-9_-]*")
"""A name of which several may be joined by dots and read back."""

_WORDS = {"bool": ("on", "off"), "OnOffAuto": ("on", "off", "auto")}
"""The values of the property types whose words are few and known."""

_BUSES = {
    "multifunction": "PCI PCIE CXL pxb-bus pxb-pcie-bus pxb-cxl-bus",
    "msos-desc": "usb-bus",
    "scsi-id": "SCSI",
    "nr": "virtio-serial-bus",
    "unit": "IDE floppy-bus",
    "cad": "HDA",
    "iobase": "ISA",
    "nsid": "nvme-bus",
    "address": "i2c-bus",
}
"""A property that only devices of one kind of bus have, and what `info qtree` calls such a bus: no
query says where a device fits. Source: QEMU 7.2 and 10.0, the properties of each bus's devices.
"""


def property_keys(
    line: TypedArguments, context: CursorContext, live: LiveValues
) -> Iterator[Candidate]:
    """Yield the properties of the driver that the line does not have yet; a name may hold dots."""
    if context.name != "device_add" or context.path:
        return
    declared = {member.name for member in line.root.members}
    driver = line.text_at(("driver",)) or ""
    listed = {str(item.get("name")): item for item in _properties(line, live)}
    for name in sorted(listed, key=property_place):
        item = listed[name]
        if name not in declared and not line.is_given(tuple(name.split("."))):
            doc = str(item.get("description") or "")
            start, kind = context.pieces[0].start, str(item.get("type"))
            needed = is_needed(name, driver)
            yield Candidate(name, start, kind, doc, required=needed, form=Form.KEY, tail="=")


def property_values(
    line: TypedArguments, context: CursorContext, live: LiveValues
) -> Iterator[Candidate]:
    """Yield the values of a property whose type has few."""
    if context.name != "device_add":
        return
    for item in _properties(line, live):
        if item.get("name") == ".".join(context.path):
            for word in _WORDS.get(str(item.get("type")), ()):
                yield Candidate(word, context.start, str(item.get("type")), form=Form.WORD)


def usable_filter(
    line: TypedArguments, context: CursorContext, live: LiveValues
) -> Callable[[LiveValue], bool]:
    """Return whether the line's device can use what the VM has: only buses differ."""
    if context.name != "device_add" or context.path != ("bus",):
        return lambda offered: True
    names = {str(item.get("name")) for item in _properties(line, live)}
    if not names and line.text_at(("driver",)):
        return lambda offered: False  # what it is will be known in a moment
    kinds = next((buses.split() for mark, buses in _BUSES.items() if mark in names), None)
    return lambda offered: kinds is None or offered.kind in kinds


def _properties(line: TypedArguments, live: LiveValues) -> Iterator[JsonObject]:
    driver = line.text_at(("driver",))
    if not driver:
        return
    answer = live.answer(LiveQuery("device-list-properties", (("typename", driver),)))
    for item in as_dicts(answer):
        # Children are parts that the device makes itself.
        if not child_kind(item):
            yield item


_LINK = "link<"


def qom_values(context: CursorContext, live: LiveValues) -> Iterator[Candidate]:
    """Yield the values at `value=` of a line that has path and property."""
    if context.name != "qom-set" or context.path != ("value",):
        return
    texts = {given.path: given.text for given in context.given}
    path, name = texts.get(("path",)), texts.get(("property",))
    if not path or not name:
        return
    listed = live.answer(LiveQuery("qom-list", (("path", path),)))
    kind = str(property_member(listed, name, "type") or "")
    if kind == "bool" and not context.quote:
        yield Candidate("true", context.start, kind)
        yield Candidate("false", context.start, kind)
    elif kind.startswith(_LINK):
        yield from _objects(kind[len(_LINK) : -1], context, live)
    elif is_enum(kind):
        for word in _choices(path, name, live):
            yield Candidate(word, context.start, kind, form=Form.WORD)


def _choices(path: str, name: str, live: LiveValues) -> tuple[str, ...]:
    """Return the words of an enum, as far as the description in the object's type lists them."""
    owner = live.answer(LiveQuery("qom-get", (("path", path), ("property", "type"))))
    if not isinstance(owner, str):
        return ()
    listed = live.answer(LiveQuery("qom-list-properties", (("typename", owner),)))
    return choices_of(property_member(listed, name, "description"))


def _objects(kind: str, context: CursorContext, live: LiveValues) -> Iterator[Candidate]:
    """Yield the paths of the objects that a link may lead to, from HMP `info qom-tree /`.

    A subtype is called after its type as a rule: `memory-backend-ram` is a `memory-backend`.
    """
    tree = live.answer(LiveQuery("human-monitor-command", (("command-line", "info qom-tree /"),)))
    for path, found in _tree(as_str(tree)):
        if found == kind or found.startswith(f"{kind}-"):
            yield Candidate(path, context.start, found, form=Form.TEXT)


def _tree(text: str) -> Iterator[tuple[str, str]]:
    """Yield path and type of each line, `    /nic0 (virtio-net-pci)`, two blanks a level."""
    above: list[str] = []
    for line in text.splitlines():
        head, bracket, kind = line.rstrip().removesuffix(")").rpartition(" (")
        name = head.lstrip(" ")
        if not bracket or not name.startswith("/"):
            continue
        depth = (len(head) - len(name)) // 2
        above[depth:] = [name]
        yield "".join(above).replace("//", "/", 1), kind


def key_candidates(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Return the members that the object at the cursor still lacks, required first."""
    line = typed_arguments(context, catalog)
    if line is None:
        return ()
    found: list[Candidate] = []
    # A declared name may hold dots: each cut of the typed parts into object and name is tried.
    for cut in range(len(context.pieces)):
        path = (*context.path, *(piece.text for piece in context.pieces[:cut]))
        found += _missing(line, path, context.pieces[cut], context)
    found += property_keys(line, context, catalog.live)
    return sorted(found, key=lambda candidate: not candidate.required)


def value_candidates(context: CursorContext, catalog: Catalog) -> Iterable[Candidate]:
    """Return the values of the member at the cursor: of its type, and those the VM knows."""
    line = typed_arguments(context, catalog)
    if line is None:
        return ()
    kind = line.type_at(context.path)
    found = list(_values(line.schema, kind, context)) if kind is not None else []
    if kind is None:
        found += property_values(line, context, catalog.live)
    found += qom_values(context, catalog.live)
    if names_file(context.name, context.path):
        found += _paths(context, catalog)
    found += _live_values(line, context, catalog.live)
    places = value_places(context.name, context.path)
    if places:
        found.sort(key=lambda candidate: place_in(places, candidate.text))
    if kind is not None and not context.prefix and not context.quote:
        found += _brackets(line.schema, kind, context)
    return found


def _live_values(
    line: TypedArguments, context: CursorContext, live: LiveValues
) -> Iterator[Candidate]:
    """Yield the values that the VM knows: what is free, then what is taken, with the reason."""
    usable = usable_filter(line, context, live)
    offers = list(filter(usable, live_values_at(context, live)))
    taken = taken_values(context, live)
    for offered in sorted(offers, key=lambda offer: place_of(offer.value, taken)):
        doc = taken.get(offered.value, "")
        yield Candidate(offered.value, context.start, offered.kind, doc, form=Form.TEXT)


def _paths(context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield paths of this host; the VM's folder is not known, so they begin at the root. The
    folders of its images come first, and the images that it has open last.
    """
    is_open = dict.fromkeys(open_images(catalog.live), OPEN_IMAGE)
    folders = sorted({f"{path.rpartition('/')[0]}/" for path in is_open})
    paths = catalog.paths(context.prefix or "/")
    if not context.prefix:
        paths = [*(folder for folder in folders if catalog.paths(folder)), *paths]
    for path in sorted(
        dict.fromkeys(paths), key=lambda path: (path in is_open, not path.endswith(IMAGES))
    ):
        if path.startswith("/"):
            doc = is_open.get(path, "")
            yield Candidate(path, context.start, "path", doc, form=Form.TEXT)


def _missing(
    line: TypedArguments, path: MemberPath, piece: KeyPart, context: CursorContext
) -> Iterator[Candidate]:
    below, form = _below(line, path, context)
    members = [member for member in below if not line.is_given((*path, member.name))]
    begun = [member for member in members if line.has_below((*path, member.name))]
    typed_in = piece.text if piece is not context.pieces[-1] else None
    for member in begun:
        if not context.bracketed and member.name != typed_in:
            yield from _lacking(line, (*path, member.name), len(path), piece.start)
    for member in sorted(members, key=lambda member: member.optional or member in begun):
        for tail in _tails(line.schema, member, piece, context, begun=member in begun):
            if (member.name, tail) == (typed_in, "."):
                continue  # the object that is being typed in
            kind, doc = _described(line.schema, member, tail)
            required = not member.optional and member not in begun
            found = _member(member, piece.start, form)
            yield found._replace(kind=kind, doc=doc, tail=tail, required=required)


def _lacking(line: TypedArguments, path: MemberPath, depth: int, start: int) -> Iterator[Candidate]:
    """Yield what an object in the line still lacks, by its whole name: `file.filename=`.

    depth: parts of the path that the line says otherwise
    """
    for inner, member in line.lacking(path):
        if all(map(_PLAIN.fullmatch, inner)):
            is_object = object_of(line.schema, line.schema.type(member.type)) is not None
            yield _member(member, start)._replace(
                text=".".join(inner[depth:]),
                kind=type_words(line.schema, member.type),
                tail="." if is_object else "=",
            )


def _member(member: Member, start: int, form: Form = Form.KEY) -> Candidate:
    return Candidate(
        member.name,
        start,
        required=not member.optional,
        deprecated="deprecated" in member.features,
        unstable="unstable" in member.features,
        form=form,
    )


def _described(schema: Schema, member: Member, tail: str) -> tuple[str, str]:
    """Return what follows a member's name, in words: of an alternate, the branch of this tail."""
    kind = schema.type(member.type)
    if not isinstance(kind, AlternateType) or tail not in ("=", "."):
        return type_words(schema, member.type), ""
    branches = {name: schema.type(name) for name in kind.branches}
    is_object = tail == "."
    words = " | ".join(
        type_words(schema, name)
        for name, branch in branches.items()
        if isinstance(branch, ObjectType) is is_object
    )
    owner = object_of(schema, kind)
    if owner is None or owner.tag != "driver":
        return words, ""
    return words, _DEFINITION if is_object else _REFERENCE


def _below(
    line: TypedArguments, path: MemberPath, context: CursorContext
) -> tuple[Sequence[Member], Form]:
    """Return what may be named below a path: an object's members, or a list's next index."""
    kind = line.type_at(path)
    owner = object_of(line.schema, kind) if kind is not None else None
    if owner is not None:
        # The tag first: it decides which others there are.
        tag = owner.tag
        members = sorted(line.members(owner, path), key=lambda member: member.name != tag)
        return members, Form.KEY
    array = array_of(line.schema, kind) if kind is not None else None
    if array is None or context.bracketed:
        return (), Form.INDEX
    following = next(n for n in count() if not line.has_below((*path, str(n))))
    indexes = [Member(str(n), array.element, optional=True) for n in range(following + 1)]
    return indexes, Form.INDEX


def _tails(
    schema: Schema, member: Member, piece: KeyPart, context: CursorContext, *, begun: bool
) -> tuple[str, ...]:
    """Return what may follow a member's name at once: both tails where its value may be an object
    as well as a word, and after the whole name of a list.

    begun: something below it is in the line already, so that it must be an object
    """
    if context.bracketed:
        return (": ",)
    kind = schema.type(member.type)
    is_object = object_of(schema, kind) is not None
    is_array = array_of(schema, kind) is not None
    if not (is_object or is_array):
        return ("=",)
    if begun or isinstance(kind, ObjectType):
        return (".",)
    if is_object:
        return (".", "=")
    return ("=", ".") if piece.text == member.name else ("=",)


def _values(schema: Schema, kind: Type, context: CursorContext) -> Iterator[Candidate]:
    match kind:
        case EnumType():
            for member in kind.members:
                yield Candidate(
                    member.name,
                    context.start,
                    deprecated="deprecated" in member.features,
                    unstable="unstable" in member.features,
                    form=Form.WORD,
                )
        case Builtin() if context.quote:
            return  # a quoted value is a string
        case Builtin("boolean"):
            yield Candidate("true", context.start, "bool")
            yield Candidate("false", context.start, "bool")
        case Builtin("null"):
            yield Candidate("null", context.start)
        case AlternateType():
            for branch in map(schema.type, kind.branches):
                # QAPI has no alternate inside another; a server may say that it has.
                if not isinstance(branch, AlternateType):
                    yield from _values(schema, branch, context)


def _brackets(schema: Schema, kind: Type, context: CursorContext) -> Iterator[Candidate]:
    """Yield the mark that opens a list, or an object for which no dotted key can be written."""
    if array_of(schema, kind) is not None:
        yield Candidate("[", context.start, kind_words(schema, kind))
    if context.bracketed and object_of(schema, kind) is not None:
        yield Candidate("{", context.start, kind_words(schema, kind))
