"""One-shots and scripts through the table: sentence, exit code, and what the server got."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import pytest

from tests.faults import fronts
from tests.faults.fronts import Process, Said
from tests.faults.server import LIMIT, REACH, Act, Server, State, server, told
from tests.faults.table import ROWS, Row

BEGIN: dict[str, Callable[[str, Sequence[str], Sequence[str]], Process]] = {
    "1": fronts.one_shot,
    "f": fronts.from_file,
    "s": fronts.from_stdin,
}

LINES = {State.QUIT: ["quit"], State.BETWEEN: ["stop", "cont"]}


def lines_of(row: Row) -> list[str]:
    return LINES.get(row.state, ["stop"])


def options_of(row: Row) -> list[str]:
    """A time limit where one is to run out, and nowhere else: nothing here may hang by itself."""
    if row.code == 124:
        return ["-t", "300ms"]
    if " within" not in row.says:
        return []
    # Greeted within that time, or it would be told of otherwise.
    return ["--connect-timeout", "1" if row.state is State.GREETED else "300ms"]


def script_of(row: Row) -> tuple[Act, ...]:
    return (*REACH[row.state], told, row.fault)


def name(row: Row) -> str:
    return f"{row.state.name}-{row.fault.__name__}".lower()


BATCH = [row for row in ROWS if set(row.fronts) & set(BEGIN)]


@pytest.mark.parametrize("row", BATCH, ids=name)
def test_row(row: Row) -> None:
    lines = lines_of(row)
    with contextlib.ExitStack() as stack:
        # All front ends at once, each with a server of its own: their waiting overlaps.
        running: list[tuple[str, Server, Process]] = []
        for front in filter(BEGIN.get, row.fronts):
            served = stack.enter_context(server(script_of(row)))
            process = BEGIN[front](served.path, options_of(row), lines)
            running.append((front, served, process))
        for front, served, process in running:
            if row.state is State.IDLE:
                assert served.faulted.wait(fronts.LONGEST)
            said = process.end("".join(f"{line}\n" for line in lines) if front == "s" else "")
            check(row, front, served, said)


def check(row: Row, front: str, served: Server, said: Said) -> None:
    assert (said.code, said.out) == (row.code, ""), f"{front}: {said}"
    assert row.says in said.err, front
    # A busy machine takes longer than the second after which a wait is explained.
    lines = [line for line in said.err.splitlines() if "; waiting up to " not in line]
    assert len(lines) == (1 if row.code else 0), f"{front}: {said.err}"
    # The fault of a server that is idle and the next line may cross on their way.
    most = max(row.sent, 1) if row.state is State.IDLE else row.sent
    assert served.got.count(lines_of(row)[-1]) <= most, f"{front}: {served.got}"
    assert served.taken <= LIMIT, front
