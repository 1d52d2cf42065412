"""`python -m tests.patient`: the command, with all the time at a Tab that a busy machine needs.

A real shell gives up on a completion after a moment, for whoever waits there; a test waits longer.
"""

from __future__ import annotations

from qmpsh.__main__ import main
from qmpsh.cli.tab import server, shells
from tests.waiting import PATIENCE

if __name__ == "__main__":
    server.GREETING_SECONDS = server.CONNECTION_SECONDS = shells.TAB_SECONDS = PATIENCE
    main()
