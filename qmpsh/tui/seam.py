"""What the front ends use of a session: the whole of the seam to the shell."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from qmpsh.complete.candidates import Candidate, Catalog
from qmpsh.complete.faults import Fault
from qmpsh.shell.machine import Machine
from qmpsh.shell.outcome import Outcome, Show
from qmpsh.shell.preferences import Preferences
from qmpsh.shell.progress import Work
from qmpsh.shell.settings import Prompt
from qmpsh.view.theme import Line

if TYPE_CHECKING:
    from qmpsh.shell.session import Running, Watcher


class Life(Protocol):
    """`qmpsh.shell.life.Life`, as far as a front end needs it."""

    def disconnect(self) -> None:
        """Let go of the connection, until `resume`."""

    def resume(self) -> None:
        """Take it again."""


class Session(Protocol):
    """`qmpsh.shell.session.Session`, as far as a front end needs it; see there."""

    @property
    def machine(self) -> Machine:
        """What is known of the VM."""

    @property
    def catalog(self) -> Catalog:
        """What completion knows."""

    @property
    def preferences(self) -> Preferences:
        """What `.set` changes."""

    @property
    def running(self) -> Running | None:
        """The line that runs."""

    @property
    def read_only(self) -> bool:
        """Whether nothing is sent that may change something."""

    @property
    def works(self) -> list[Work]:
        """What the machine is working on, the one to show first."""

    @property
    def prompt(self) -> Prompt:
        """What stands before the next line."""

    @property
    def asks_to_leave(self) -> bool:
        """Whether leaving the shell takes a line, `.exit`, since it asks something."""

    @property
    def wants_write(self) -> bool:
        """Whether the descriptor is to be watched for writing too."""

    def needs_more(self, text: str) -> bool:
        """Whether a line goes on."""

    def complete(self, text: str, cursor: int, *, asked: bool = True) -> list[Candidate]:
        """Candidates at the cursor. asked: by the user."""

    def hint(self, text: str, cursor: int) -> Line:
        """The signature of what is being typed, or the error in it; [] when there is nothing."""

    def faults(self, text: str) -> list[Fault]:
        """What is wrong with the line so far."""

    def start(self, line: str, show: Show, ended: Callable[[Outcome], None]) -> None:
        """Run one logical line; only while nothing runs."""

    def interrupt(self) -> bool:
        """Let go of the line that runs, or of an open transaction; False when there was none."""

    def fileno(self) -> int:
        """The descriptor to watch, -1 for none."""

    @property
    def serial(self) -> int:
        """Grows with each descriptor: another one may bear the number of the last."""

    @property
    def life(self) -> Life:
        """What becomes of the connection."""

    def wait(self) -> float | None:
        """Seconds until poll() is due in any case."""

    def poll(self) -> None:
        """Let everything go on that can."""

    def close(self) -> None:
        """Give up the connection."""


Connect = Callable[["Watcher"], Session]
"""Makes the session that tells a watcher what happens. Raises CannotConnect."""
