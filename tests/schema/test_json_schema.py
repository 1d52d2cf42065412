"""Commands as JSON Schema: the same verdicts as our own check, on QEMU's documented examples."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json, JsonObject, as_dict
from qmpsh.language.parser import parse_line
from qmpsh.language.syntax import CommandLine, JsonLine
from qmpsh.language.untyped import guess_arguments
from qmpsh.schema.check import check_json
from qmpsh.schema.manual.examples import example_lines
from qmpsh.schema.manual.find import find_pages, load_manual
from qmpsh.schema.model import Schema
from qmpsh.schema.tools.diff import diff_schemas
from qmpsh.schema.tools.json_schema import DIALECT, json_schema
from tests.fuzzing import examples
from tests.programs import unavailable
from tests.qemu import ROOT
from tests.samples import schema
from tests.schema.strategies import commands

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")

MANPATHS = {
    "7.2": {},
    "10.0": {"QMPSH_MANPATH": str(ROOT / ".qemu-next" / "root" / "usr" / "share" / "man")},
    "10.2.50": {"QMPSH_MANPATH": str(ROOT / ".qemu-next" / "root" / "usr" / "share" / "man")},
}
"""Where the examples for each schema are: there is no manual of 10.2.50, which is much like 10.0"""

LEAST_EXAMPLES = 100
"""examples with arguments in a manual; there are 150"""


def described(known: Schema, name: str, **tags: str) -> JsonObject:
    document = json_schema(known, name, tags)
    assert document is not None
    return document


def is_valid(document: JsonObject, arguments: Json) -> bool:
    return bool(jsonschema.Draft202012Validator(document).is_valid(arguments))


def documented(manpath: dict[str, str]) -> Iterator[tuple[str, JsonObject]]:
    """The commands of the examples in a manual."""
    pages = find_pages(["qemu-qmp-ref"], {**os.environ, **manpath})
    if not pages:
        unavailable("QEMU's manual page qemu-qmp-ref is not installed")
    manual = load_manual(pages[0])
    for name in manual.names:
        entry = manual.entry(name, 78)
        for line in example_lines(entry.text, name) if entry is not None else []:
            (statement,) = parse_line(line)
            if isinstance(statement, CommandLine):
                yield name, guess_arguments(statement)
            elif isinstance(statement, JsonLine):
                yield name, as_dict(statement.arguments)


def warning(known: Schema, name: str, arguments: JsonObject) -> str:
    """What our own check says of a command, "" for nothing."""
    (statement,) = parse_line(json.dumps({"execute": name, "arguments": arguments}))
    assert isinstance(statement, JsonLine)
    return check_json(known, statement)


@pytest.mark.parametrize("version", MANPATHS)
def test_documented_examples_get_the_verdict_of_our_check(version: str) -> None:
    known = schema(version)
    count = 0
    for name, arguments in documented(MANPATHS[version]):
        if name not in known.commands:
            continue
        said = warning(known, name, arguments)
        assert is_valid(described(known, name), arguments) == (not said), (name, arguments, said)
        count += bool(arguments)
    assert count >= LEAST_EXAMPLES


@examples(0.3)
@given(data=st.data())
def test_what_the_schema_accepts_is_valid(data: st.DataObject) -> None:
    known = schema("10.0")
    name, arguments = data.draw(commands(known))
    document = described(known, name)
    assert is_valid(document, arguments)
    assert not is_valid(document, {**arguments, "x-no-such-member": 1})
    kind = known.arguments(name)
    for member in (one.name for one in kind.members if not one.optional) if kind else ():
        assert not is_valid(document, {key: one for key, one in arguments.items() if key != member})


@examples(0.5)
@given(data=st.data())
def test_what_the_diff_calls_harmless_breaks_no_caller(data: st.DataObject) -> None:
    """Arguments of 7.2 are valid in 10.2.50, if no change of their command breaks."""
    old, new = schema("7.2"), schema("10.2.50")
    name, arguments = data.draw(commands(old))
    assume(name in new.commands)
    if not any(one.breaks for one in diff_schemas(old, new, [name]) if not one.side.is_read):
        assert is_valid(described(new, name), arguments)


@pytest.mark.parametrize("returns", [False, True])
def test_documents_are_json_schema(returns: bool) -> None:
    known = schema("10.2.50")
    # Some of them: jsonschema takes a second for a large one.
    for name in (*known.commands[::5], *known.events[::5], "netdev_add", "chardev-add"):
        document = json_schema(known, name, returns=returns)
        assert document is not None
        assert (document["$schema"], document["title"]) == (DIALECT, name)
        jsonschema.Draft202012Validator.check_schema(document)


NODE: JsonObject = {"driver": "qcow2", "node-name": "a", "file": {"driver": "file"}}


def errors(document: JsonObject, arguments: Json) -> list[str]:
    found = jsonschema.Draft202012Validator(document).iter_errors(arguments)
    return [f"{one.message} at {one.json_path}" for one in found]


def test_an_error_in_a_branch_names_what_is_wrong_there() -> None:
    document = described(schema("10.0"), "blockdev-add")
    assert errors(document, NODE) == [
        "{'driver': 'file'} is not valid under any of the given schemas at $.file"
    ]
    whole = {**NODE, "file": "node0"}
    assert errors(document, whole) == []
    assert errors(document, {**whole, "lazy-refcount": True}) == [
        "Additional properties are not allowed ('lazy-refcount' was unexpected) at $"
    ]
    assert errors(document, {"driver": "qcow3"})[0].startswith("'qcow3' is not one of [")


def test_tags_select_a_branch() -> None:
    document = described(schema("10.0"), "blockdev-add", driver="null-co")
    assert document["required"] == ["driver"]
    assert "size" in as_dict(document["properties"])
    assert is_valid(document, {"driver": "null-co", "size": 5})
    assert not is_valid(document, {"driver": "qcow2"})
    with pytest.raises(UsageError, match="blockdev-add: driver is not qcow3"):
        described(schema("10.0"), "blockdev-add", driver="qcow3")


def test_features_become_deprecated() -> None:
    known = schema("10.0")
    assert "deprecated" not in described(known, "query-status")
    assert described(known, "query-migrationthreads")["deprecated"] is True
    base = as_dict(described(known, "block-commit")["properties"])["base"]
    assert base == {"type": "string", "deprecated": True}


def test_device_add_is_open() -> None:
    document = described(schema("10.0"), "device_add")
    assert is_valid(document, {"driver": "e1000", "mac": "52:54:00:00:00:01"})
    assert not is_valid(document, {"driver": 5})


def test_a_name_that_there_is_not() -> None:
    assert json_schema(schema("10.0"), "query-staus") is None


LOOP = Schema.from_entities(
    [
        {"name": "c", "meta-type": "command", "arg-type": "u"},
        {
            "name": "u",
            "meta-type": "object",
            "members": [{"name": "t", "type": "e"}],
            "tag": "t",
            "variants": [{"case": "a", "type": "u"}],
        },
        {"name": "e", "meta-type": "enum", "members": [{"name": "a"}]},
    ]
)
"""A union that is its own branch, which no server would have"""


def test_a_union_in_itself_ends() -> None:
    document = described(LOOP, "c")
    assert is_valid(document, {"t": "a"})
    assert not is_valid(document, {"t": "b"})


def union(level: int, count: int, branch: str) -> JsonObject:
    """Return a union of many members, and with as many branches."""
    members: Json = [{"name": f"t{level}", "type": "e"}] * count
    variants: Json = [{"case": str(number), "type": branch} for number in range(count)]
    tag = {"tag": f"t{level}", "variants": variants}
    return {"name": f"u{level}", "meta-type": "object", "members": members, **tag}


@pytest.mark.parametrize("levels, count", [(1000, 1), (1, 1000)])
def test_deep_and_wide_unions_are_refused(levels: int, count: int) -> None:
    """What stands once in the schema stands in the description once for each branch."""
    command: JsonObject = {"name": "c", "meta-type": "command", "arg-type": "u0"}
    unions = [union(level, count, f"u{level + 1}") for level in range(levels)]
    with pytest.raises(UsageError, match="the description of c is too large"):
        json_schema(Schema.from_entities([command, *unions]), "c")


def test_a_union_without_end_is_refused() -> None:
    values: Json = [{"name": str(number)} for number in range(300)]
    entities: list[Json] = [
        {"name": "c", "meta-type": "command", "arg-type": "u0"},
        {"name": "e", "meta-type": "enum", "members": values},
    ]
    for level in range(3):
        entities.append(
            {
                "name": f"u{level}",
                "meta-type": "object",
                "members": [{"name": f"t{level}", "type": "e"}],
                "tag": f"t{level}",
                "variants": [{"case": str(n), "type": f"u{level + 1}"} for n in range(300)],
            }
        )
    with pytest.raises(UsageError, match="the description of c is too large"):
        json_schema(Schema.from_entities(entities), "c")
