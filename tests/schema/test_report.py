"""The differences of two schemas as a person reads them."""

from __future__ import annotations

import pytest

from qmpsh.schema.tools.diff import diff_schemas
from qmpsh.schema.tools.report import SchemaReport, compared, plain_lines
from tests.samples import schema

BREAKING = """\
7.2 -> 10.0    216 -> 233 commands, 52 -> 55 events
breaks callers
  - x-query-profile  - x-query-rdma
  - event MEM_UNPLUG_ERROR  - event RDMA_GID_STATUS_CHANGED
  chardev-add, chardev-change  backend.type: - console
  migrate                      - blk  - inc
  migrate-set-capabilities     capabilities[].capability: - compress - block
  migrate-set-parameters       - compress-level  - compress-threads
                               - compress-wait-thread  - decompress-threads
                               - block-incremental
  object-add                   - [qom-type=secret].loaded (and 4 more branches)
  trace-event-get-state        - vcpu
  trace-event-set-state        - vcpu
answers and events have less
"""

END = """\
new             19 commands, 5 events, 121 members and values   (-v lists them)
other changes   4 places   (-v lists them)"""


def report(columns: int, *names: str, option: str = "-v") -> str:
    old, new = schema("7.2"), schema("10.0")
    changes = tuple(diff_schemas(old, new, names))
    found = SchemaReport(compared("7.2", old), compared("10.0", new), changes, option)
    return plain_lines(found.lines(columns))


def test_what_breaks_comes_first() -> None:
    assert report(80).startswith(BREAKING)


def test_the_rest_is_counted() -> None:
    assert report(80).endswith(END)


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
@pytest.mark.parametrize("option", ["", "-v"])
def test_lines_fit(columns: int, option: str) -> None:
    """But for a single word that is longer, and a type that has become another."""
    for line in report(columns, option=option).splitlines():
        is_one = len(line.split("  ")[-1].split(" ")) <= 4 or " -> " in line
        assert len(line) <= columns or is_one


def test_without_a_limit_each_command_is_one_line() -> None:
    rows = [line for line in report(10**6).splitlines() if line.startswith("  query-block,")]
    assert len(rows) == 1
    assert rows[0].endswith("- backing-image - format-specific")


def test_everything() -> None:
    said = report(120, "migrate", "query-status", option="")
    assert said.splitlines()[1:] == [
        "breaks callers",
        "  migrate  - blk  - inc",
        "answers and events have less",
        "  query-status  - singlestep",
        "new",
        "  migrate  + channels",
        "other changes",
        "  migrate  uri optional",
    ]
