"""The status line at many widths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.render.theme import ASCII, UNICODE, plain
from qmpsh.shell.machine import MachineState
from qmpsh.shell.work import Work, WorkState
from qmpsh.ui.common.wrap import line_width
from qmpsh.ui.screen.status import StatusFacts, status_line
from qmpsh.ui.screen.viewport import LinePosition

FULL = StatusFacts(
    name="vm1",
    state="running",
    status="running",
    version="7.2.22",
    address="./monitor.sock",
    events=2,
)


BUSY = FULL._replace(running="migrate", seconds=64.0)
SCROLLED = FULL._replace(unseen=12, events=1234)
PLACE = LinePosition(1204, 1250, 24_310)
BACKUP = Work("backup j0", WorkState.RUNNING, 0.68, 212e6, 4.2)
WORKING = FULL._replace(works=(BACKUP,))
BROKEN = FULL._replace(state="paused", status="io-error")


@pytest.mark.parametrize(
    "facts, width, left, right",
    [
        (FULL, 80, "vm1  running  QEMU 7.2.22  ./monitor.sock", "2 events"),
        (FULL._replace(last="STOP"), 60, "vm1 running ./monitor.sock", "2 events · last STOP"),
        (FULL, 40, "vm1 running ./monitor.sock", "2 events"),
        (FULL, 30, "vm1 running", "2 events"),
        (FULL, 20, "running", "2 events"),
        (FULL, 15, "run…", "2 events"),
        (StatusFacts(address="s", events=1), 80, "s", "1 event"),
        (StatusFacts(address="s", is_replay=True), 80, "replay  s", "0 events"),
        (
            StatusFacts(address="s", is_replay=True, read_only=True),
            80,
            "replay read-only  s",
            "0 events",
        ),
        (BUSY, 80, "vm1  running  QEMU 7.2.22  ./monitor.sock   migrate 1:04", "2 events"),
        (BUSY._replace(waiting=2), 46, "vm1 running  migrate 1:04, 2 queued", "2 events"),
        (BUSY._replace(waiting=2), 40, "running  migrate 1:04 +2", "2 events"),
        (BUSY, 38, "vm1 running  migrate 1:04", "2 events"),
        (BUSY, 32, "running  migrate 1:04", "2 events"),
        (
            SCROLLED,
            100,
            "vm1  running  QEMU 7.2.22  ./monitor.sock",
            "12 new ↓ Ctrl-End   1,234 events",
        ),
        (
            SCROLLED._replace(position=PLACE),
            96,
            "vm1  running  ./monitor.sock",
            "1,204-1,250 of 24,310   12 new ↓ Ctrl-End   1,234 events",
        ),
        (
            SCROLLED._replace(position=PLACE),
            79,
            "vm1 running ./monitor.sock",
            "1,204-1,250 of 24,310   12 new ↓ Ctrl-End",
        ),
        (
            FULL._replace(position=PLACE, last="STOP"),
            60,
            "vm1 running ./monitor.sock",
            "1,204-1,250 of 24,310",
        ),
        (FULL._replace(position=PLACE), 59, "vm1 running ./monitor.sock", "2 events"),
        (
            FULL._replace(position=PLACE, last="BLOCK_IO_ERROR"),
            79,
            "vm1 running",
            "1,204-1,250 of 24,310   2 events · last BLOCK_IO_ERROR",
        ),
        (
            WORKING,
            100,
            "vm1  running  QEMU 7.2.22  ./monitor.sock   backup j0 ███████░░░ 68 % 212 MB/s 0:04",
            "2 events",
        ),
        (
            WORKING,
            90,
            "vm1  running  ./monitor.sock   backup j0 ███████░░░ 68 % 212 MB/s 0:04",
            "2 events",
        ),
        (WORKING, 80, "vm1  running  ./monitor.sock   backup j0 ███████░░░ 68 % 0:04", "2 events"),
        (
            WORKING._replace(events=123_456_789_012),
            80,
            "vm1  running   backup j0 ███████░░░ 68 % 212 MB/s 0:04",
            "123,456,789,012 events",
        ),
        (WORKING, 79, "vm1 running ./monitor.sock  backup j0 68 %", "2 events"),
        (WORKING, 50, "vm1 running  backup j0 68 %", "2 events"),
        (WORKING, 36, "vm1 running  68 %", "2 events"),
        # What the latest event was called goes first, unless the VM needs attention.
        (
            WORKING._replace(last="STOP"),
            79,
            "vm1 running ./monitor.sock  backup j0 68 %",
            "2 events · last STOP",
        ),
        (
            WORKING._replace(last="STOP"),
            62,
            "vm1 running ./monitor.sock  backup j0 68 %",
            "2 events",
        ),
        (
            FULL._replace(last="BLOCK_IO_ERROR"),
            50,
            "vm1 running",
            "2 events · last BLOCK_IO_ERROR",
        ),
        (
            FULL._replace(state="disconnected", outlook="disconnected"),
            80,
            "vm1  disconnected  ./monitor.sock",
            "2 events",
        ),
        (
            FULL._replace(state="ended", outlook="reconnecting"),
            80,
            "vm1  ended  ./monitor.sock",
            "reconnecting",
        ),
        (
            WORKING._replace(works=(Work("mirror m", WorkState.READY, 1.0), BACKUP, BACKUP)),
            100,
            "vm1  running  QEMU 7.2.22  ./monitor.sock   mirror m ██████████ 100 % ready +2",
            "2 events",
        ),
        (
            WORKING._replace(running="query-block", seconds=2),
            120,
            "vm1  running  QEMU 7.2.22  ./monitor.sock   backup j0 ███████░░░ 68 % 212 MB/s 0:04"
            "   query-block 0:02",
            "2 events",
        ),
        (BROKEN, 80, "vm1  io-error  QEMU 7.2.22  ./monitor.sock", "2 events"),
    ],
)
def test_text(facts: StatusFacts, width: int, left: str, right: str) -> None:
    gap = " " * (width - len(left) - len(right) - 2)
    assert plain(status_line(facts, width, UNICODE)) == f" {left}{gap}{right} "


@pytest.mark.parametrize(
    "state, status, shown, role",
    [
        ("running", "running", "running", "status.running"),
        ("paused", "", "paused", "status.paused"),
        ("paused", "paused", "paused", "status.paused"),
        ("paused", "prelaunch", "prelaunch", "status.paused"),
        ("paused", "inmigrate", "inmigrate", "status.paused"),
        ("paused", "postmigrate", "postmigrate", "status.paused"),
        ("paused", "io-error", "io-error", "status.ended"),
        ("paused", "guest-panicked", "guest-panicked", "status.ended"),
        ("paused", "watchdog", "watchdog", "status.ended"),
        ("paused", "a\x1b[2J", "a\\x1b[2J", "status.paused"),
        ("ended", "", "ended", "status.ended"),
        ("lost", "running", "lost", "status.ended"),
    ],
)
def test_the_true_run_state_in_its_role(
    state: MachineState, status: str, shown: str, role: str
) -> None:
    line = status_line(StatusFacts(state=state, status=status), 80, UNICODE)
    assert (role, shown) in line


def test_a_severe_event_is_seen_where_the_pane_is_not() -> None:
    line = status_line(FULL._replace(last="BLOCK_IO_ERROR"), 80, UNICODE)
    assert ("status.ended", "BLOCK_IO_ERROR") in line


def test_a_bar_without_utf8() -> None:
    assert " #######--- 68 % " in plain(status_line(WORKING, 100, ASCII))


def test_names_from_the_vm_are_made_safe() -> None:
    assert "\x1b" not in plain(status_line(FULL._replace(name="\x1b[2J"), 80, UNICODE))


@given(
    name=st.text(max_size=80),
    address=st.text(max_size=200),
    running=st.text(max_size=80),
    width=st.integers(1, 200),
    works=st.lists(st.text(max_size=200), max_size=3),
    numbers=st.tuples(*[st.integers(0, 10**9)] * 3),
)
def test_it_always_fits(
    name: str,
    address: str,
    running: str,
    works: list[str],
    width: int,
    numbers: tuple[int, int, int],
) -> None:
    unseen, events, waiting = numbers
    facts = FULL._replace(
        position=LinePosition(unseen, events, waiting),
        name=name,
        address=address,
        running=running,
        unseen=unseen,
        events=events,
        waiting=waiting,
        works=tuple(BACKUP._replace(label=label) for label in works),
    )
    assert line_width(status_line(facts, width, UNICODE)) <= width
