"""The table of what waits: a line's command was answered, its end has not come, a fault comes.

One row is one fault at one line; the columns are those of `table`. What a line waits for is its
own event or state, so that everything else that comes is none of it.
"""

from __future__ import annotations

from functools import partial
from typing import Final, NamedTuple

from qmpsh.jsontypes import Json, JsonObject
from tests.faults import server as s
from tests.faults.server import Act, Served
from tests.faults.table import ALL, CUT, DEEP, LATE, LONG, LOST, NO_JSON, NO_QMP
from tests.waiting import PATIENCE

BATCH: Final = "1fs"
"""front ends: of the prompt `.events` is another verb"""
LIMIT: Final = 2.0  # seconds, where a time limit is to run out, and all before it is to come

_DELETED: JsonObject = {"event": "DEVICE_DELETED", "data": {"device": "x"}}


class Wait(NamedTuple):
    """asks: the command whose answer begins the waiting, None for the last that a batch learns;
    before: what comes then and is taken; out: what that prints; says: of it, by who gives up
    """

    line: str
    asks: str | None
    says: str
    before: tuple[JsonObject, ...] = ()
    out: str = ""

    @property
    def command(self) -> str:
        """What must not be sent twice; "" where asking again is the line's purpose."""
        name = self.line.split()[0]
        return "" if name.startswith(".") else name


DELETE = Wait("device_del id=x --wait", "device_del", "DEVICE_DELETED of x")
WAIT = Wait(".wait SHUTDOWN guest=true", None, ".wait: ")
NEW = Wait(".wait SHUTDOWN guest=true --new", None, ".wait: ")
EVENTS = Wait(
    ".events DEVICE_DELETED device=x --count 2",
    None,
    "1 of 2 came",
    (_DELETED,),
    '{"event": "DEVICE_DELETED", "data": {"device": "x"}}\n',
)
WATCH = Wait(
    ".watch 20ms query-status",
    "query-status",
    "query-status",
    (),
    '{"status": "running", "running": true}\n',
)
MIGRATE = Wait("migrate uri=tcp:h:1 --wait", "migrate", "the end of the migration")
JOB = Wait("job-complete id=x --wait", "job-complete", "job x to end")
QUIT = Wait("quit --wait", "quit", "the VM to end")
POWER = Wait("system_powerdown --wait", "system_powerdown", "SHUTDOWN or the end of the connection")

# ------------------------------------------------------------------------ how far it gets


def waits(wait: Wait, peer: Served) -> None:
    """The line was begun, and answered where it asks; it waits, or is about to."""
    if wait.asks is None:
        peer.server.may_fail.wait(PATIENCE)
    else:
        peer.attend(wait.asks)
        peer.answer(peer.request)
    peer.send(*wait.before)


def reach(wait: Wait, front: str) -> tuple[Act, ...]:
    """What a server does to bring a front end there: a batch learns no more than its line needs."""
    is_told_all = front in "wp" or wait.asks is None
    return (s.learnt if is_told_all else s.greet, partial(waits, wait))


# ------------------------------------------------------------------------ what happens there


def half_an_event(peer: Served) -> None:
    """The process ends in the middle of the very event."""
    peer.raw(b'{"event": "SHUTDOWN", "data": {"guest": tr')


def half_an_event_silent(peer: Served) -> None:
    half_an_event(peer)
    peer.ignore()


def list_for_data(peer: Served) -> None:
    peer.raw(b'{"event": "RESET", "data": ["x"]}\r\n')
    peer.ignore()


def odd_events(peer: Served) -> None:
    """Of the right names: without data, with members of other types, and of somebody else's."""
    values: tuple[Json, ...] = (5, ["x"], {"x": "x"})
    odd: list[JsonObject] = [{}, {"id": None}, {"id": "y", "device": "y", "status": "running"}]
    odd += [{"id": value, "device": value, "guest": value} for value in values]
    states: list[JsonObject] = [{"id": "x", "status": value} for value in values]
    for name in ("DEVICE_DELETED", "MIGRATION", "JOB_STATUS_CHANGE", "BLOCK_JOB_COMPLETED"):
        for data in odd if name == "BLOCK_JOB_COMPLETED" else odd + states:
            peer.send({"event": name}, {"event": name, "data": data})
    for data in odd:
        peer.send({"event": "SHUTDOWN", "data": data})
    peer.ignore()


def somebody_elses(peer: Served) -> None:
    """Events of the right names for other ids, and what ends no command."""
    for name in ("DEVICE_DELETED", "BLOCK_JOB_COMPLETED", "DEVICE_UNPLUG_GUEST_ERROR"):
        peer.send({"event": name, "data": {"device": "y", "path": "/x"}})
    peer.send({"event": "JOB_STATUS_CHANGE", "data": {"id": "xx", "status": "null"}})
    peer.send({"event": "POWERDOWN"}, {"event": "RESET", "data": {"guest": True}})
    peer.ignore()


class Row(NamedTuple):
    """As the rows of `table`; says: None for what the line says of its waiting."""

    wait: Wait
    fault: Act
    code: int
    says: str | None = None
    fronts: str = "1"
    on_screen: str | None = None


WRONG_DATA: Final = "an event without name or with wrong data"

ROWS: Final = (
    # wait, fault, code, says, fronts, on_screen
    Row(DELETE, s.closed, 4, LOST, ALL),
    Row(DELETE, half_an_event, 4, CUT, ALL),
    Row(DELETE, s.silent, 124, None, ALL),
    Row(DELETE, half_an_event_silent, 124),
    Row(DELETE, s.garbage, 4, NO_JSON, ALL),
    Row(DELETE, s.no_qmp, 4, NO_QMP),
    Row(DELETE, s.huge, 4, LONG),
    Row(DELETE, s.no_utf8, 4, NO_JSON),
    Row(DELETE, s.nested, 4, DEEP),
    Row(DELETE, s.flood, 124, None, "w"),
    Row(DELETE, list_for_data, 4, WRONG_DATA, "1p"),
    Row(DELETE, odd_events, 124, None, "1w"),
    Row(DELETE, somebody_elses, 124, None, "1p"),
    Row(WAIT, s.closed, 4, LOST, ALL),
    Row(WAIT, half_an_event, 4, CUT, ALL),
    Row(WAIT, s.silent, 124, None, ALL),
    Row(WAIT, half_an_event_silent, 124),
    Row(WAIT, s.garbage, 4, NO_JSON),
    Row(WAIT, s.no_qmp, 4, NO_QMP, "f"),
    Row(WAIT, s.no_utf8, 4, NO_JSON, "s"),
    Row(WAIT, s.nested, 4, DEEP, "w"),
    Row(NEW, s.flood, 124),
    Row(WAIT, list_for_data, 4, WRONG_DATA, "1w"),
    Row(WAIT, odd_events, 124, None, "1f"),
    Row(WAIT, somebody_elses, 124),
    Row(EVENTS, s.closed, 4, LOST, BATCH),
    Row(EVENTS, half_an_event, 4, CUT, BATCH),
    Row(EVENTS, s.silent, 124, None, BATCH),
    Row(EVENTS, half_an_event_silent, 124),
    Row(EVENTS, s.garbage, 4, NO_JSON),
    Row(EVENTS, s.no_qmp, 4, NO_QMP, "s"),
    Row(EVENTS, s.no_utf8, 4, NO_JSON, "f"),
    Row(EVENTS, s.nested, 4, DEEP),
    Row(EVENTS, s.flood, 124),
    Row(EVENTS, list_for_data, 4, WRONG_DATA),
    Row(EVENTS, odd_events, 124),
    Row(EVENTS, somebody_elses, 124, None, "s"),
    Row(WATCH, s.closed, 4, LOST, ALL),
    Row(WATCH, half_an_event, 4, CUT, "1fp"),
    Row(WATCH, s.silent, 124, LATE, "1sw"),
    Row(WATCH, s.garbage, 4, NO_JSON),
    Row(WATCH, s.no_qmp, 4, NO_QMP, "f"),
    Row(WATCH, s.nested, 4, DEEP, "w"),
    Row(WATCH, s.flood, 124, LATE, "p"),
    Row(WATCH, list_for_data, 4, WRONG_DATA, "s"),
    Row(WATCH, odd_events, 124, LATE),
    Row(MIGRATE, s.closed, 4, LOST, ALL),
    Row(MIGRATE, half_an_event, 4, CUT, "1s"),
    Row(MIGRATE, s.silent, 124, None, "fsp"),
    Row(MIGRATE, s.garbage, 4, NO_JSON, "1f"),
    Row(MIGRATE, s.no_qmp, 4, NO_QMP, "p"),
    Row(MIGRATE, s.nested, 4, DEEP, "s"),
    Row(MIGRATE, s.flood, 124),
    Row(MIGRATE, list_for_data, 4, WRONG_DATA, "w"),
    Row(MIGRATE, odd_events, 124),
    Row(JOB, s.closed, 4, LOST, "1fp"),
    Row(JOB, half_an_event, 4, CUT, "sw"),
    Row(JOB, s.silent, 124, None, "1p"),
    Row(JOB, s.garbage, 4, NO_JSON),
    Row(JOB, list_for_data, 4, WRONG_DATA),
    Row(JOB, odd_events, 124),
    Row(JOB, somebody_elses, 124),
    Row(QUIT, s.closed, 0, "", ALL, LOST),
    Row(QUIT, half_an_event, 0, "", "1sp", CUT),
    Row(QUIT, s.silent, 124, None, ALL),
    Row(QUIT, half_an_event_silent, 124),
    Row(QUIT, s.garbage, 4, NO_JSON, ALL),
    Row(QUIT, s.no_qmp, 4, NO_QMP),
    Row(QUIT, s.no_utf8, 4, NO_JSON, "f"),
    Row(QUIT, s.nested, 4, DEEP, "s"),
    Row(QUIT, s.flood, 124),
    Row(QUIT, list_for_data, 4, WRONG_DATA),
    Row(QUIT, odd_events, 124),
    Row(POWER, s.closed, 0, "", ALL, LOST),
    Row(POWER, half_an_event, 0, "", "1w", CUT),
    Row(POWER, s.silent, 124, None, "1w"),
    Row(POWER, s.garbage, 4, NO_JSON, "sp"),
    Row(POWER, s.no_qmp, 4, NO_QMP, "s"),
    Row(POWER, s.nested, 4, DEEP, "f"),
    Row(POWER, list_for_data, 4, WRONG_DATA),
    Row(POWER, somebody_elses, 124, None, "1p"),
)
