"""The differences of schemas: of captured ones, and of one that was changed in one place."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json, JsonObject, as_dicts, as_list, get_dicts, get_str
from qmpsh.schema.model import Schema
from qmpsh.schema.tools.changes import Change, ChangeKind, Side, path_text
from qmpsh.schema.tools.diff import diff_schemas
from qmpsh.schema.tools.search import find_places
from tests.fuzzing import examples
from tests.samples import SCHEMAS, entities, schema, text

K = ChangeKind


def changes(*names: str) -> list[Change]:
    return diff_schemas(schema("7.2"), schema("10.0"), names)


def told(found: list[Change]) -> list[tuple[str, str, str, str]]:
    return [(one.kind.value, one.side.value, path_text(one.where), one.name) for one in found]


# ------------------------------------------------------------------------ captured ones


@pytest.mark.parametrize("version, server", SCHEMAS)
def test_nothing_differs_from_itself(version: str, server: str) -> None:
    known = schema(version, server)
    assert diff_schemas(known, known) == []


def test_what_an_answer_lost() -> None:
    [change] = changes("query-status")
    assert told([change]) == [("member-removed", "answer", "singlestep", "")]
    assert change.breaks


def test_what_callers_lost() -> None:
    found = {path_text(one.where): (one.kind, one.breaks) for one in changes("migrate")}
    assert found == {
        "blk": (K.MEMBER_REMOVED, True),
        "inc": (K.MEMBER_REMOVED, True),
        "uri": (K.NOW_OPTIONAL, False),
        "channels": (K.MEMBER_ADDED, False),
    }


def test_whole_commands_and_events() -> None:
    whole = {one.of[0]: one.kind for one in changes() if one.side in (Side.WHOLE, Side.EVENT)}
    assert whole["x-query-rdma"] is K.COMMAND_REMOVED
    assert whole["MEM_UNPLUG_ERROR"] is K.EVENT_REMOVED
    assert whole["query-audiodevs"] is K.COMMAND_ADDED
    assert whole["VFIO_MIGRATION"] is K.EVENT_ADDED


def test_what_commands_share_is_one_change() -> None:
    [gluster] = [one for one in changes("blockdev-add", "blockdev-mirror", "blockdev-reopen")
                 if one.kind is K.DEPRECATED]  # fmt: skip
    assert gluster.of == ("blockdev-add", "blockdev-reopen")
    assert (gluster.where, gluster.name) == (("driver",), "gluster")


def test_a_member_that_moved_into_a_branch() -> None:
    moved = [one for one in changes("query-sev") if one.kind is K.MEMBER_MOVED]
    assert [(one.where, one.new, one.breaks) for one in moved] == [
        (("policy",), "[sev-type=sev]", True),
        (("handle",), "[sev-type=sev]", True),
    ]


def test_a_deep_change_has_a_way_to_it() -> None:
    paths = [path_text(one.where) for one in changes("query-block")]
    assert "[].inserted.image.format-specific[type=vmdk].data.extents[].encrypted" in paths


def test_json_leaves_out_what_is_empty() -> None:
    [change] = changes("query-status")
    assert change.as_json() == {
        "kind": "member-removed",
        "of": ["query-status"],
        "in": "answer",
        "where": ["singlestep"],
        "breaks": True,
    }


# ------------------------------------------------------------------------ types


def made(argument: JsonObject, **types: JsonObject) -> Schema:
    """A schema of one command `c`, which takes and returns a member `m`."""
    members: Json = [{"name": "m", **argument}]
    names = ("string", "int", "number", "boolean", "null", "value")
    builtins: list[Json] = [
        {"name": name, "meta-type": "builtin", "json-type": name} for name in names
    ]
    own: list[Json] = [
        {"name": "c", "meta-type": "command", "arg-type": "A", "ret-type": "A"},
        {"name": "A", "meta-type": "object", "members": members},
        *builtins,
        *({**entity, "name": name} for name, entity in types.items()),
    ]
    return Schema.from_entities(own)


ALTERNATE: JsonObject = {
    "meta-type": "alternate",
    "members": [{"type": "string"}, {"type": "null"}],
}
ENUM: JsonObject = {"meta-type": "enum", "members": [{"name": "a"}, {"name": "b"}]}
LIST: JsonObject = {"meta-type": "array", "element-type": "string"}
LOOP: JsonObject = {"meta-type": "alternate", "members": [{"type": "loop"}, {"type": "string"}]}


@pytest.mark.parametrize(
    "old, new, kind, sent, read",
    [
        ("int", "number", K.TYPE_WIDENED, False, True),
        ("number", "int", K.TYPE_NARROWED, True, False),
        ("string", "int", K.TYPE_CHANGED, True, True),
        ("string", "value", K.TYPE_WIDENED, False, True),
        ("string", "alternate", K.TYPE_WIDENED, False, True),
        ("alternate", "string", K.TYPE_NARROWED, True, False),
        ("enum", "string", K.TYPE_WIDENED, False, True),
        ("string", "enum", K.TYPE_NARROWED, True, False),
        ("string", "list", K.TYPE_CHANGED, True, True),
        ("loop", "int", K.TYPE_CHANGED, True, True),
        ("loop", "string", None, False, False),
        ("gone", "value", None, False, False),
    ],
)
def test_a_type_that_changed(
    old: str, new: str, kind: ChangeKind | None, sent: bool, read: bool
) -> None:
    types = {"alternate": ALTERNATE, "enum": ENUM, "list": LIST, "loop": LOOP}
    before, after = (made({"type": name}, **types) for name in (old, new))
    found = {one.side: one for one in diff_schemas(before, after)}
    if kind is None:
        assert found == {}
        return
    assert {one.kind for one in found.values()} == {kind}
    assert (found[Side.ARGUMENTS].breaks, found[Side.ANSWER].breaks) == (sent, read)


# ------------------------------------------------------------------------ one change anywhere


class Mutation(NamedTuple):
    """A schema with one change. entity: whose; kinds: what may be found; where: the last step"""

    schema: Schema
    entity: str
    kinds: frozenset[ChangeKind]
    name: str


def objects_of(found: list[Json], meta: str) -> list[JsonObject]:
    return [one for one in as_dicts(found) if one.get("meta-type") == meta]


@st.composite
def mutations(draw: st.DrawFn) -> Mutation:
    found = as_list(json.loads(text("query-qmp-schema-qemu-7.2.json"))["return"])
    change = draw(st.sampled_from([
        remove_member, add_member, require, feature_of_member, retype, remove_value, add_value,
        change_command,
    ]))  # fmt: skip
    entity, kinds, name = change(draw, found)
    return Mutation(Schema.from_entities(found), entity, frozenset(kinds), name)


Changed = tuple[str, set[ChangeKind], str]


def a_member(draw: st.DrawFn, found: list[Json]) -> tuple[JsonObject, JsonObject]:
    """An object and one of its members, which is not its tag."""
    pairs = [
        (one, member)
        for one in objects_of(found, "object")
        for member in get_dicts(one, "members")
        if member.get("name") != one.get("tag")
    ]
    return draw(st.sampled_from(pairs))


def remove_member(draw: st.DrawFn, found: list[Json]) -> Changed:
    owner, member = a_member(draw, found)
    owner["members"] = [one for one in get_dicts(owner, "members") if one is not member]
    return get_str(owner, "name"), {K.MEMBER_REMOVED}, get_str(member, "name")


def add_member(draw: st.DrawFn, found: list[Json]) -> Changed:
    owner, member = a_member(draw, found)
    is_optional = draw(st.booleans())
    extra: JsonObject = {"name": "x-new", "type": member["type"]}
    extra |= {"default": None} if is_optional else {}
    owner["members"] = [*get_dicts(owner, "members"), extra]
    kind = K.MEMBER_ADDED if is_optional else K.REQUIRED_ADDED
    return get_str(owner, "name"), {kind}, "x-new"


def require(draw: st.DrawFn, found: list[Json]) -> Changed:
    owner, member = a_member(draw, found)
    if "default" in member:
        del member["default"]
        kind = K.NOW_REQUIRED
    else:
        member["default"] = None
        kind = K.NOW_OPTIONAL
    return get_str(owner, "name"), {kind}, get_str(member, "name")


def feature_of_member(draw: st.DrawFn, found: list[Json]) -> Changed:
    owner, member = a_member(draw, found)
    feature = draw(st.sampled_from(["deprecated", "x-feature"]))
    before = [one for one in as_list(member.get("features")) if one != feature]
    is_new = len(before) == len(as_list(member.get("features")))
    member["features"] = [*before, feature] if is_new else before
    kinds = {True: {K.DEPRECATED, K.FEATURE_ADDED}, False: {K.MARK_REMOVED}}
    return get_str(owner, "name"), kinds[is_new], get_str(member, "name")


_KINDS = {
    ("int", "number"): K.TYPE_WIDENED,
    ("number", "int"): K.TYPE_NARROWED,
}


def retype(draw: st.DrawFn, found: list[Json]) -> Changed:
    builtins = {get_str(one, "name"): get_str(one, "json-type")
                for one in objects_of(found, "builtin")}  # fmt: skip
    pairs = [
        (one, member)
        for one in objects_of(found, "object")
        for member in get_dicts(one, "members")
        if builtins.get(get_str(member, "type")) in ("string", "int", "number", "boolean")
    ]
    owner, member = draw(st.sampled_from(pairs))
    old = builtins[get_str(member, "type")]
    new = draw(st.sampled_from([name for name in builtins if builtins[name] not in (old, "value")]))
    member["type"] = new
    kind = _KINDS.get((old, builtins[new]), K.TYPE_CHANGED)
    return get_str(owner, "name"), {kind}, get_str(member, "name")


def remove_value(draw: st.DrawFn, found: list[Json]) -> Changed:
    enum = draw(st.sampled_from(objects_of(found, "enum")))
    value = draw(st.sampled_from(get_dicts(enum, "members")))
    enum["members"] = [one for one in get_dicts(enum, "members") if one is not value]
    enum["values"] = [one["name"] for one in as_dicts(enum["members"])]
    return get_str(enum, "name"), {K.VALUE_REMOVED, K.BRANCH_REMOVED}, get_str(value, "name")


def add_value(draw: st.DrawFn, found: list[Json]) -> Changed:
    enum = draw(st.sampled_from(objects_of(found, "enum")))
    enum["members"] = [*get_dicts(enum, "members"), {"name": "x-new"}]
    return get_str(enum, "name"), {K.VALUE_ADDED, K.BRANCH_ADDED}, "x-new"


def change_command(draw: st.DrawFn, found: list[Json]) -> Changed:
    command = draw(st.sampled_from(objects_of(found, "command")))
    name = get_str(command, "name")
    what = draw(st.sampled_from(["remove", "oob", "deprecate"]))
    if what == "remove":
        found.remove(command)
        return name, {K.COMMAND_REMOVED}, ""
    if what == "oob":
        had = command.pop("allow-oob", False)
        command |= {} if had else {"allow-oob": True}
        return name, {K.OOB_REMOVED if had else K.OOB_ADDED}, ""
    had = "deprecated" in as_list(command.get("features"))
    command["features"] = [] if had else [*as_list(command.get("features")), "deprecated"]
    had_more = {K.MARK_REMOVED} if had else {K.DEPRECATED}
    return name, had_more, ""


@cache
def users(side: str) -> dict[str, frozenset[str]]:
    """For each type of 7.2 the commands or events that reach it on one side."""
    table = {get_str(one, "name"): one for one in as_dicts(list(entities("7.2")))}
    reached: dict[str, set[str]] = {}
    for name, one in table.items():
        meta, key = ("event", "arg-type") if side == "data" else ("command", _KEYS[side])
        if one.get("meta-type") == meta:
            for below in closure(table, get_str(one, key)):
                reached.setdefault(below, set()).add(name)
    return {name: frozenset(found) for name, found in reached.items()}


_KEYS = {"arguments": "arg-type", "answer": "ret-type"}
_SIDES = ("arguments", "answer", "data")


def is_used(name: str) -> bool:
    """Whether it is a command or an event, or a type that one reaches, as not all do here."""
    return not name.isdecimal() or any(name in users(side) for side in _SIDES)


def closure(table: dict[str, JsonObject], root: str) -> set[str]:
    """All types below one, and itself."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name in table and name not in found:
            found.add(name)
            waiting += references(table[name])
    return found


def references(entity: JsonObject) -> Iterator[str]:
    yield get_str(entity, "element-type")
    for part in (*get_dicts(entity, "members"), *get_dicts(entity, "variants")):
        yield get_str(part, "type")


@examples(0.1)
@given(mutation=mutations())
def test_one_change_is_found_and_nothing_else(mutation: Mutation) -> None:
    found = diff_schemas(schema("7.2"), mutation.schema)
    assert {one.kind for one in found} <= mutation.kinds
    assert bool(found) is is_used(mutation.entity)
    for one in found:
        if mutation.name:
            at = one.name.removeprefix("+") if one.kind in _OF_VALUES else one.where[-1]
            assert at == mutation.name
    for side in _SIDES:
        of = {name for one in found if one.side.value == side for name in one.of}
        if mutation.entity in users(side):
            assert of == users(side)[mutation.entity]
        else:
            assert of == set()


_OF_VALUES = {K.VALUE_REMOVED, K.VALUE_ADDED, K.BRANCH_REMOVED, K.BRANCH_ADDED}


@examples(0.05)
@given(seed=st.integers(0, 2**32))
def test_the_names_of_types_mean_nothing(seed: int) -> None:
    found = list(entities("10.0"))
    own = {get_str(one, "name") for one in as_dicts(found)
           if one.get("meta-type") not in ("command", "event")}  # fmt: skip
    shuffled = sorted(own)
    random.Random(seed).shuffle(shuffled)
    names = dict(zip(sorted(own), shuffled, strict=True))
    renamed = [renamed_entity(one, names) for one in as_dicts(found)]
    assert diff_schemas(schema("10.0"), Schema.from_entities(renamed)) == []


def renamed_entity(entity: JsonObject, names: dict[str, str]) -> JsonObject:
    found = {**entity}
    is_type = entity.get("meta-type") not in ("command", "event")
    if is_type:
        found["name"] = names[get_str(entity, "name")]
    for key in ("arg-type", "ret-type", "element-type"):
        if key in found:
            found[key] = names[get_str(found, key)]
    for key in ("members", "variants"):
        parts = get_dicts(entity, key)
        if parts and "type" in parts[0]:
            found[key] = [{**part, "type": names[get_str(part, "type")]} for part in parts]
    return found


def test_a_schema_that_is_far_too_large_is_refused() -> None:
    """Whoever makes every command reach every type cannot keep us for ever."""
    count = 1000
    found: list[Json] = []
    for number in range(count):
        member: Json = {"name": "m", "type": f"t{(number + 1) % count}"}
        found.append({"name": f"t{number}", "meta-type": "object", "members": [member]})
        found.append({"name": f"c{number}", "meta-type": "command", "arg-type": "t0"})
    known = Schema.from_entities(found)
    for work in (lambda: diff_schemas(known, known), lambda: list(find_places(known, "x"))):
        with pytest.raises(UsageError, match="the schema is too large"):
            work()


def wide(count: int, letter: str) -> Schema:
    """Return a schema whose every command has a union of many members, and as many branches."""
    members: Json = [{"name": f"{letter}{n}", "type": "t"} for n in range(count)]
    union: JsonObject = {"name": "u", "meta-type": "object", "members": members, "tag": "a0"}
    union["variants"] = [{"case": f"v{n}", "type": "b"} for n in range(count)]
    branch: Json = [{"name": f"b{n}", "type": "t"} for n in range(count)]
    commands: list[Json] = [
        {"name": f"c{n}", "meta-type": "command", "arg-type": "u"} for n in range(count)
    ]
    return Schema.from_entities(
        [*commands, union, {"name": "b", "meta-type": "object", "members": branch}]
    )


def test_members_count_as_much_as_types() -> None:
    """Few types with many members are as slow to look at as many types with few."""
    with pytest.raises(UsageError, match="the schema is too large"):
        diff_schemas(wide(800, "a"), wide(800, "b"))
    with pytest.raises(UsageError, match="the schema is too large"):
        list(find_places(wide(800, "a"), "x"))
