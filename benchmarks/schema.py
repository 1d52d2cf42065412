"""The schema: typed one-shots, the model from a reply and from the cache, a keystroke's completion.

A bound in milliseconds stands in the place of a reference where the goal is one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.table import Row, Unit
from benchmarks.timing import medians, process_seconds
from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.complete.candidates import Catalog
from qmpsh.complete.complete import complete
from qmpsh.complete.hints import hint
from qmpsh.jsontypes import Json
from qmpsh.language.syntax import Mode
from qmpsh.protocol.messages import Command
from qmpsh.schema.cache import load_schema, store_schema
from qmpsh.schema.model import Schema
from qmpsh.schema.tools.diff import diff_schemas

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
TYPED = "qom-get path=/machine property=type"
PAIRS = 30
ROUNDS = 31
CACHED_START = 0.010  # seconds
COMPARED = 0.100
KEYSTROKE = 0.005

# Lines that are typed letter by letter, with a completion after each: all kinds of places.
LINES = (
    "blockdev-add driver=qcow2 node-name=d0 file.driver=file file.filename=/x file.locking=on ",
    "blockdev-add driver=qcow2 file={driver: luks, file: {driver: nbd, server: {type: inet, ",
    "transaction actions=[{type: blockdev-backup, data: {device: a, target: b, sync: full, ",
    "chardev-add id=c backend.type=socket backend.data.addr.type=inet backend.data.addr.data.",
    "object-add qom-type=memory-backend-file id=m mem-path=/x size=1G share=on ",
    "migrate-set-parameters max-bandwidth=1G ",
    "netdev_add type=user id=n ",
    "device_add driver=virtio-net-pci id=n1 bus=rp0 ",
    "qst",
)


def typed_rows(bench: Bench) -> Iterator[Row]:
    """A one-shot with arguments: read with the declared types, from a warm cache."""
    line = bench.folder / "typed.qmp"
    line.write_text(f"{TYPED}\n")
    ours = [bench.script("qmpsh"), bench.vm.path, *TYPED.split()]
    theirs = [bench.script("qmp-shell"), bench.vm.path]
    mine, shell = medians(
        [
            partial(process_seconds, ours, bench.env),
            partial(process_seconds, theirs, bench.env, str(line)),
        ],
        PAIRS,
    )
    what = "one-shot with typed arguments"
    yield Row(what, Unit.MILLISECONDS, mine, "qmp-shell, the line on stdin", shell, goal=0.60)


def model_rows(bench: Bench) -> Iterator[Row]:
    """The model from the reply's bytes and from the cache, first use of one command included."""
    client = Client.connect(parse_address(bench.vm.path))
    entities = answer(client, "query-qmp-schema")
    listed = answer(client, "query-commands")
    client.close()
    names = [str(entry["name"]) for entry in listed if isinstance(entry, dict)]
    text = json.dumps(entities)
    path = str(bench.folder / "schema-bench")
    store_schema(path, entities, names)

    def model() -> object:
        return Schema.from_entities(json.loads(text)).arguments("blockdev-add")

    def cached() -> object:
        schema = load_schema(path, names)
        return schema.arguments("blockdev-add") if schema is not None else None

    measures = [timed(model), timed(lambda: json.loads(text)), timed(cached)]
    fresh, plain, warm = medians(measures, ROUNDS)
    what = f"schema reply to model, {len(text) // 1000} kB"
    yield Row(what, Unit.MILLISECONDS, fresh, "json.loads of the same", plain, goal=2.0)
    what = "schema from the cache"
    yield Row(what, Unit.MILLISECONDS, warm, "the bound", CACHED_START, goal=1.0)
    yield from keystroke_rows(Schema.from_entities(entities))
    yield from diff_rows()


def diff_rows() -> Iterator[Row]:
    """All differences of two captured schemas, each type read for it."""
    old, new = (captured(version) for version in ("7.2", "10.0"))

    def compare() -> object:
        return diff_schemas(Schema.from_entities(old), Schema.from_entities(new)) or None

    (seconds,) = medians([timed(compare)], ROUNDS)
    what = "schema diff of 7.2 and 10.0"
    yield Row(what, Unit.MILLISECONDS, seconds, "the bound", COMPARED, goal=1.0)


def captured(version: str) -> list[Json]:
    """The schema of a QEMU, as captured for the tests."""
    path = DATA / f"query-qmp-schema-qemu-{version}.json"
    found: list[Json] = json.loads(path.read_text())["return"]
    return found


def answer(client: Client, name: str) -> list[Json]:
    """The list that a query returns."""
    match client.execute(Command(name)).value:
        case list() as found:
            return found
        case _:
            raise RuntimeError(f"{name} returned no list")


def keystroke_rows(schema: Schema) -> Iterator[Row]:
    """What each key of a line costs: candidates and hint."""
    catalog = Catalog()
    catalog.set_schema(schema.commands, schema)
    times = sorted(keystrokes(catalog))
    for share in (50, 99):
        value = times[len(times) * share // 100]
        what = f"keystroke, p{share} of {len(times):,}"
        yield Row(what, Unit.MILLISECONDS, value, "the bound", KEYSTROKE, goal=1.0)


def keystrokes(catalog: Catalog) -> Iterator[float]:
    """Seconds of each keystroke: the lines above, and the name of every command."""
    for line in (*LINES, *(f"{name} " for name in catalog.commands)):
        for cursor in range(1, len(line) + 1):
            text = line[:cursor]
            start = time.perf_counter()
            complete(text, cursor, catalog, Mode())
            hint(text, cursor, catalog, Mode())
            yield time.perf_counter() - start


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """A measure of some work."""

    def measure() -> float:
        start = time.perf_counter()
        if work() is None:
            raise RuntimeError("nothing was made")
        return time.perf_counter() - start

    return measure
