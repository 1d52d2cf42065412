"""What a session reports to its front end."""

from __future__ import annotations

from typing import Protocol

from qmpsh.advice import Advice
from qmpsh.errors import QmpshError
from qmpsh.light_typing import Enum
from qmpsh.protocol.messages import ErrorReply, Event, Reply


class Tone(Enum):
    """The meaning of a remark, which decides its colour."""

    QUIET = "quiet"
    ALARMING = "alarming"
    PRINTED = "printed"
    """not ours: what a VM of ours has printed, whole lines"""


class SessionListener(Protocol):
    """An interactive front end, as far as its session reports to it; no call may block."""

    @property
    def advice(self) -> Advice:
        """Guards what the session does unasked."""

    def event(self, event: Event) -> None:
        """Show an event."""

    def stray(self, reply: Reply | ErrorReply) -> None:
        """Show a reply that belongs to no command of this client."""

    def refresh(self) -> None:
        """Draw the status line again: something known of the machine has changed."""

    def facts(self) -> None:
        """Complete again: values of the VM have come that a completion lacked."""

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        """Show only events whose names match one of the patterns; all of them without one."""

    def connection_lost(self, error: QmpshError) -> None:
        """Report the end of the connection; called once for each."""

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        """Show something that no line asked for; not yet safe to show."""

    def open_jobs(self) -> bool:
        """Show the list of jobs with its keys; return False where there is no such list."""

    def columns(self) -> int:
        """Return the columns that a text may take."""
