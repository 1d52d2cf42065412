"""What a session reports to its front end."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from qmpsh.advice import Advice
from qmpsh.errors import QmpshError
from qmpsh.protocol.messages import ErrorReply, Event, Reply


class Tone(Enum):
    """How a remark is meant, which decides its colour."""

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
        """An event came."""

    def stray(self, reply: Reply | ErrorReply) -> None:
        """A reply came that belongs to no command of ours."""

    def refresh(self) -> None:
        """Something known of the machine changed: draw the status line again."""

    def facts(self) -> None:
        """Values of the VM came that a completion missed: it is worth trying again."""

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        """Show only events whose names match one of the patterns; all of them without one."""

    def connection_lost(self, error: QmpshError) -> None:
        """The connection ended; called once for each."""

    def remark(self, text: str, tone: Tone = Tone.QUIET) -> None:
        """Show something that no line asked for; not yet safe to show."""

    def columns(self) -> int:
        """Return the columns that a text may take."""
