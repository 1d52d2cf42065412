"""Says why a reply does not come, from what this machine shows of the server."""

from __future__ import annotations

from qmpsh.client.client import Client
from qmpsh.client.session_errors import no_reply
from qmpsh.shell.context import Context
from qmpsh.shell.steps import WaitingNote


def note_slowness(context: Context, client: Client) -> WaitingNote:
    """Return the note on a line that waits for its reply."""
    said = context.front_end.advised(
        "slow reply", lambda: no_reply(client.address, client.fileno())
    )
    return WaitingNote(said or "no reply yet")
