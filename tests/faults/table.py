"""The table: what is told, and with which exit code, of each fault at each state.

One row is one fault at one state; `fronts` says which front ends can be there:
    1 one-shot   f script from a file   s script on stdin   w full screen   p --plain
A screen tells the same sentence and stays; where the code is that of a time limit, it has the same
limit. What comes before a session began happens to a screen while it reconnects: it says nothing of
what passes by itself, and is there again as soon as the server is.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.faults import server as s
from tests.faults.server import Act, State

ALL: Final = "1fswp"
SCRIPTS: Final = "fswp"


class Row(NamedTuple):
    """code: of one-shot and script; says: a telling part of the one sentence, "" for none;
    on_screen: where a screen says another; sent: how often at most the server gets the last line
    """

    state: State
    fault: Act
    code: int
    says: str
    fronts: str = ALL
    on_screen: str | None = None
    sent: int = 1


A, M, G = State.BEFORE_GREETING, State.MID_GREETING, State.GREETED
I, U, R = State.IDLE, State.UNANSWERED, State.MID_REPLY  # noqa: E741 - columns of a table
E, B, Q = State.EVENTS, State.BETWEEN, State.QUIT

ENDED: Final = "closed the connection before a session began"
SILENT: Final = " within 0.3 s"
FOREIGN: Final = "does not speak QMP"
SPOILT: Final = "greeted, and then sent what is not QMP"
NO_AGREEMENT: Final = "did not answer qmp_capabilities within"
LOST: Final = "the server closed the connection"
CUT: Final = "the server closed the connection in the middle of a message"
LATE: Final = "no answer to "
NO_JSON: Final = "the server sent what is not JSON"
NO_QMP: Final = "a message of no known kind"
LONG: Final = "a message of more than 67108864 bytes"
GREETS: Final = "a second greeting"
DEEP: Final = "nested"

WAITS: Final = "no greeting yet"
BACK: Final = "reconnected to vm1"

ROWS: Final = (
    # state, fault, code, says, fronts, on_screen, sent
    Row(A, s.closed, 3, ENDED, ALL, BACK, 0),
    Row(A, s.silent, 3, SILENT, ALL, WAITS, 0),
    Row(A, s.half_closed, 3, ENDED, ALL, BACK, 0),
    Row(A, s.garbage, 3, FOREIGN, ALL, FOREIGN, 0),
    Row(A, s.no_qmp, 3, NO_QMP, ALL, NO_QMP, 0),
    Row(A, s.huge, 3, LONG, "1w", LONG, 0),
    Row(A, s.drip, 3, SILENT, ALL, WAITS, 0),
    Row(A, s.nested, 3, FOREIGN, ALL, FOREIGN, 0),
    Row(A, s.no_utf8, 3, FOREIGN, ALL, FOREIGN, 0),
    Row(A, s.nul, 3, FOREIGN, ALL, FOREIGN, 0),
    Row(A, s.flood, 3, "events without a greeting", ALL, "events without a greeting", 0),
    Row(A, s.wrong_id, 3, SILENT, ALL, WAITS, 0),
    Row(M, s.closed, 3, ENDED, ALL, BACK, 0),
    Row(M, s.silent, 3, SILENT, ALL, WAITS, 0),
    Row(M, s.garbage, 3, FOREIGN, ALL, FOREIGN, 0),
    Row(M, s.huge_inside, 3, LONG, "1w", LONG, 0),
    Row(M, s.drip_inside, 3, SILENT, ALL, WAITS, 0),
    Row(M, s.nested_inside, 3, FOREIGN, ALL, FOREIGN, 0),
    Row(M, s.no_utf8_inside, 3, FOREIGN, ALL, FOREIGN, 0),
    Row(M, s.nul_inside, 3, FOREIGN, ALL, FOREIGN, 0),
    Row(G, s.closed, 3, ENDED, ALL, BACK, 0),
    Row(G, s.silent, 3, NO_AGREEMENT, ALL, WAITS, 0),
    Row(G, s.half_silent, 3, NO_AGREEMENT, ALL, WAITS, 0),
    Row(G, s.half_closed, 3, ENDED, ALL, BACK, 0),
    Row(G, s.garbage, 3, SPOILT, ALL, SPOILT, 0),
    Row(G, s.no_qmp, 3, NO_QMP, ALL, NO_QMP, 0),
    Row(G, s.greets_again, 3, NO_AGREEMENT, ALL, WAITS, 0),
    Row(G, s.huge, 3, LONG, "1w", LONG, 0),
    Row(G, s.drip, 3, NO_AGREEMENT, ALL, WAITS, 0),
    Row(G, s.nested, 3, SPOILT, ALL, SPOILT, 0),
    Row(G, s.flood, 3, NO_AGREEMENT, ALL, WAITS, 0),
    Row(G, s.wrong_id, 3, NO_AGREEMENT, ALL, WAITS, 0),
    Row(G, s.twice, 0, "", ALL, BACK, 1),
    Row(I, s.closed, 4, "not sent", "swp", LOST, 0),
    Row(I, s.half_closed, 4, "not sent", "swp", CUT, 0),
    Row(I, s.garbage, 4, NO_JSON, "swp", NO_JSON, 0),
    Row(I, s.no_qmp, 4, NO_QMP, "swp", NO_QMP, 0),
    Row(I, s.greets_again, 4, GREETS, "swp", GREETS, 0),
    Row(I, s.huge, 4, LONG, "sw", LONG, 0),
    Row(I, s.nested, 4, DEEP, "swp", DEEP, 0),
    Row(I, s.nul, 4, NO_JSON, "swp", NO_JSON, 0),
    Row(I, s.silent, 124, LATE, "swp"),
    Row(I, s.drip, 124, LATE, "swp"),
    Row(I, s.flood, 124, LATE, "swp", sent=0),
    Row(U, s.closed, 4, LOST),
    Row(U, s.half_closed, 4, CUT),
    Row(U, s.garbage, 4, NO_JSON),
    Row(U, s.no_qmp, 4, NO_QMP),
    Row(U, s.greets_again, 4, GREETS),
    Row(U, s.huge, 4, LONG, "1p"),
    Row(U, s.nested, 4, DEEP),
    Row(U, s.deep, 4, DEEP),
    Row(U, s.no_utf8, 4, NO_JSON),
    Row(U, s.nul, 4, NO_JSON),
    Row(U, s.silent, 124, LATE),
    Row(U, s.half_silent, 124, LATE),
    Row(U, s.drip, 124, LATE),
    Row(U, s.flood, 124, LATE),
    Row(U, s.wrong_id, 124, LATE),
    Row(U, s.wrong_type_of_id, 124, LATE),
    Row(U, s.twice, 0, "", ALL, "a reply that belongs to no command"),
    Row(R, s.closed, 4, CUT),
    Row(R, s.silent, 124, LATE),
    Row(R, s.garbage, 4, NO_JSON),
    Row(R, s.huge_inside, 4, LONG, "1w"),
    Row(R, s.drip_inside, 124, LATE),
    Row(R, s.nested_inside, 4, DEEP),
    Row(R, s.no_utf8_inside, 4, NO_JSON),
    Row(R, s.nul_inside, 4, NO_JSON),
    Row(E, s.closed, 4, LOST),
    Row(E, s.half_closed, 4, CUT),
    Row(E, s.silent, 124, LATE),
    Row(E, s.garbage, 4, NO_JSON),
    Row(B, s.closed, 4, "", SCRIPTS, LOST),
    Row(B, s.half_closed, 4, "", SCRIPTS, CUT),
    Row(B, s.garbage, 4, NO_JSON, SCRIPTS),
    Row(B, s.no_qmp, 4, NO_QMP, SCRIPTS),
    Row(B, s.silent, 124, LATE, SCRIPTS),
    Row(B, s.half_silent, 124, LATE, SCRIPTS),
    Row(B, s.drip, 124, LATE, SCRIPTS),
    Row(B, s.flood, 124, LATE, SCRIPTS),
    Row(B, s.late_twice, 1, "CommandNotFound", SCRIPTS),
    Row(Q, s.closed, 0, "", ALL, LOST),
    Row(Q, s.half_closed, 0, "", ALL, CUT),
    Row(Q, s.garbage, 4, NO_JSON),
    Row(Q, s.no_qmp, 4, NO_QMP),
    Row(Q, s.silent, 124, LATE),
    Row(Q, s.flood, 124, LATE),
)
