"""Dumps of schemas, and where in them a name is used."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import NAME_CHARS
from qmpsh.jsontypes import Json, JsonObject, as_dicts, get_str
from qmpsh.schema.model import Schema
from qmpsh.schema.tools.diff import diff_schemas
from qmpsh.schema.tools.dump import SchemaDump, dump_text
from qmpsh.schema.tools.search import Place, find_places
from tests.fuzzing import examples
from tests.samples import SCHEMAS, entities, schema
from tests.schema.test_diff import renamed_entity


def loaded(text: str) -> list[Json]:
    found = json.loads(text)["return"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("version, server", SCHEMAS)
def test_a_dump_is_the_same_schema_and_is_stable(version: str, server: str) -> None:
    known = schema(version, server)
    text = dump_text(known)
    found = loaded(text)
    again = Schema.from_entities(found)
    assert diff_schemas(known, again) == diff_schemas(again, known) == []
    assert dump_text(again) == text
    # QEMU lists some types that only members of other builds have.
    assert len(entities(version, server)) - 8 < len(found) <= len(entities(version, server))
    assert max(len(get_str(one, "name")) for one in as_dicts(found)) <= NAME_CHARS


@examples(0.05)
@given(seed=st.integers(0, 2**32))
def test_neither_order_nor_names_of_types_matter(seed: int) -> None:
    found = as_dicts(entities("10.0"))
    own = [get_str(one, "name") for one in found]
    types = [get_str(one, "name") for one in found
             if one.get("meta-type") not in ("command", "event", "builtin")]  # fmt: skip
    draw = random.Random(seed)
    shuffled = types[:]
    draw.shuffle(shuffled)
    names = {name: name for name in own} | dict(zip(types, shuffled, strict=True))
    renamed = [renamed_entity(one, names) for one in found]
    renamed = [dict(draw.sample([*one.items()], len(one))) for one in renamed]
    draw.shuffle(renamed)
    assert dump_text(Schema.from_entities(renamed)) == dump_text(schema("10.0"))


def test_types_are_named_after_their_first_use() -> None:
    found = {get_str(one, "name"): one for one in as_dicts(loaded(dump_text(schema("10.0"))))}
    assert found["query-status"]["ret-type"] == "query-status.returns"
    assert found["cont"]["ret-type"] == "nothing"
    assert found["nothing"] == {"name": "nothing", "meta-type": "object", "members": []}
    assert found["blockdev-add"]["arg-type"] == "blockdev-add.arguments"


def test_what_a_later_qemu_says_is_kept() -> None:
    known = Schema.from_entities(
        [
            {"name": "c", "meta-type": "command", "x-later": {"b": 1, "a": 2}, "arg-type": "0"},
            {"name": "0", "meta-type": "object", "members": [{"name": "m", "x": 1, "type": "1"}]},
        ]
    )
    members: Json = [{"name": "m", "type": "1", "x": 1}]
    assert loaded(dump_text(known)) == [
        {
            "name": "c",
            "meta-type": "command",
            "arg-type": "c.arguments",
            "x-later": {"b": 1, "a": 2},
        },
        {"name": "c.arguments", "meta-type": "object", "members": members},
    ]


@given(name=st.text(max_size=300), member=st.text(max_size=300))
def test_hostile_names_end_in_a_dump_that_loads(name: str, member: str) -> None:
    known = Schema.from_entities(
        [
            {"name": name, "meta-type": "command", "arg-type": "0"},
            {"name": "0", "meta-type": "object", "members": [{"name": member, "type": "0"}] * 2},
        ]
    )
    text = dump_text(known)
    assert dump_text(Schema.from_entities(loaded(text))) == text


def test_many_members_of_one_name_are_named_at_once() -> None:
    """Each takes a number; to try all the smaller ones for each would take minutes."""
    few, many = looks_at_names(100), looks_at_names(1000)
    assert many < 20 * few


def looks_at_names(count: int) -> int:
    """Return how many names are tried where so many members have the same one."""
    members: Json = [{"name": "m", "type": f"t{number}"} for number in range(count)]
    types: list[Json] = [{"name": f"t{n}", "meta-type": "enum"} for n in range(count)]
    arguments: JsonObject = {"name": "a", "meta-type": "object", "members": members}
    command: JsonObject = {"name": "c", "meta-type": "command", "arg-type": "a"}
    dump = SchemaDump(Schema.from_entities([command, arguments, *types]))
    dump.taken = tried = TriedNames(dump.taken)
    found = [get_str(one, "name") for one in dump.entities()]
    assert found[1:4] == ["c.arguments", "c.arguments.m", "c.arguments.m-2"]
    assert found[-1] == f"c.arguments.m-{count}"
    return tried.count


class TriedNames(set[str]):
    """Names that count how often one is sought among them."""

    count = 0

    def __contains__(self, name: object) -> bool:
        self.count += 1
        return super().__contains__(name)


# ------------------------------------------------------------------------ where a name is used


def places(word: str, *, read: bool = False) -> list[Place]:
    return list(find_places(schema("10.0"), word, read=read))


def test_members_and_values() -> None:
    assert places("iothread") == [
        ("block-export-add", "iothread"),
        ("object-add", "qom-type=iothread"),
        ("object-add", "[qom-type=colo-compare].iothread"),
        ("x-blockdev-set-iothread", "iothread"),
    ]


def test_a_glob() -> None:
    found = {place.path.partition(".")[2] for place in places("*-threads")}
    assert found == {"prealloc-threads"}
    assert places("no-such-*") == []


def test_features() -> None:
    assert ("block_set_io_throttle", "device") in places("+deprecated")
    assert ("query-migrationthreads", "") in places("+deprecated")
    assert ("blockdev-add", "driver=gluster") in places("+deprecated")
    assert ("blockdev-add", "[driver=file]") in places("+dynamic-auto-read-only")


def test_what_the_server_sends() -> None:
    assert ("query-status", "running") in places("running", read=True)
    assert ("STOP", "") not in places("running", read=True)
    assert ("MIGRATION", "status") in places("status", read=True)
    assert ("query-status", "running") not in places("running")
