"""A line inside `transaction( ... )`: candidates, hint and faults are an action's."""

from __future__ import annotations

import pytest

from qmpsh.complete.candidates import Catalog
from qmpsh.complete.complete import complete
from qmpsh.complete.hints import find_faults, hint
from qmpsh.language.syntax import Mode
from tests.complete.test_complete import NODES, catalog, live

PROMPT, OPEN = Mode(), Mode(in_transaction=True)
KNOWN = catalog()


def offered(line: str, mode: Mode, known: Catalog = KNOWN) -> list[str]:
    return [candidate.text for candidate in complete(line, len(line), known, mode)]


@pytest.mark.parametrize("before,mode", [("", OPEN), ("transaction( ", PROMPT)])
@pytest.mark.parametrize(
    "line,first",
    [
        ("ab", ["abort"]),
        ("block-dirty-bitmap-m", ["block-dirty-bitmap-merge"]),
        ("query-stat", []),
        ("blockdev-backup ", ["device=", "sync=", "target="]),
        ("blockdev-backup sync=f", ["full"]),
        ("block-dirty-bitmap-add node=n name=b persistent=", ["true", "false"]),
        ("block-dirty-bitmap-add node=n name=b --w", []),
        ("abort ) --ra", ["--raw"]),
    ],
)
def test_candidates(before: str, mode: Mode, line: str, first: list[str]) -> None:
    found = offered(before + line, mode)
    assert found[: len(first)] == first
    assert found or not first


def test_actions_and_nothing_but_actions() -> None:
    assert "blockdev-snapshot" in offered("", OPEN)
    assert {"query-status", "transaction", ".help"}.isdisjoint(offered("", OPEN))
    assert "query-status" in offered("", PROMPT)
    marks = {c.text: c.deprecated for c in complete("", 0, KNOWN, OPEN)}
    assert marks["drive-backup"]
    assert not marks["blockdev-backup"]


def test_the_closing_mark() -> None:
    assert offered("", OPEN)[-1] == ")"
    assert ")" not in offered("abort ", OPEN)
    assert offered("transaction( abort ", PROMPT) == [")"]
    assert offered("transaction(", PROMPT) == []
    assert ")" not in offered("transaction( ", PROMPT)
    assert ")" not in offered("transaction( blockdev-backup device.", PROMPT)
    assert ")" not in offered("abort ", PROMPT)


def test_live_values() -> None:
    known = live({NODES: [{"node-name": "disk0"}]})
    assert offered("transaction( blockdev-backup target=", PROMPT, known) == ["disk0"]


def test_where_nothing_is_known_of_transactions() -> None:
    known = Catalog()
    known.set_schema(("query-status", "transaction"), None)
    assert offered("quer", OPEN, known) == []
    assert find_faults("query-status ", known, OPEN) == []


@pytest.mark.parametrize(
    "line,mode,begins",
    [
        ("blockdev-backup sync=full ", OPEN, "blockdev-backup  device*: str"),
        ("transaction( abort ) --wait ", PROMPT, "abort"),
        ("query-status", OPEN, ""),
    ],
)
def test_hint(line: str, mode: Mode, begins: str) -> None:
    said = "".join(text for _, text in hint(line, len(line), KNOWN, mode))
    assert said.startswith(begins)
    assert bool(said) == bool(begins)


@pytest.mark.parametrize(
    "line,mode,marked,message",
    [
        ("query-status ", OPEN, "query-status", "no action query-status"),
        ("transaction( query-status )", PROMPT, "query-status", "no action query-status"),
        ("transaction( abort foo=1 )", PROMPT, "foo", "no argument 'foo'"),
        (
            "blockdev-backup sync=ful ",
            OPEN,
            "ful",
            "'ful' is not a value of sync; did you mean full?",
        ),
        ("drive-backup ", OPEN, "drive-backup", "drive-backup is deprecated"),
    ],
)
def test_faults(line: str, mode: Mode, marked: str, message: str) -> None:
    faults = find_faults(line, KNOWN, mode)
    assert [(line[slice(*fault.span)], fault.message) for fault in faults] == [(marked, message)]


@pytest.mark.parametrize("line", ["abort", "abort )", "bloc", ")", ") --wait", "transaction( abo"])
def test_no_faults(line: str) -> None:
    assert find_faults(line, KNOWN, OPEN) == []
