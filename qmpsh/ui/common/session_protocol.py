"""What the front ends use of a session: their entire interface to the shell."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from qmpsh.complete.candidates import Candidate, Catalog
from qmpsh.complete.hints import Fault
from qmpsh.language.reader import Split
from qmpsh.render.theme import Line
from qmpsh.shell.machine import Machine
from qmpsh.shell.preferences import Preferences
from qmpsh.shell.progress import Work
from qmpsh.shell.settings import Prompt
from qmpsh.shell.steps import Outcome, Show

if TYPE_CHECKING:
    from qmpsh.shell.session.session import RunningLine, SessionListener


class ConnectionProtocol(Protocol):
    """`shell.session.connection.ConnectionManager`, as far as a front end needs it."""

    def disconnect(self) -> None:
        """Disconnect until `resume`."""

    def resume(self) -> None:
        """Connect again."""


class SessionProtocol(Protocol):
    """`shell.session.session.Session`, as far as a front end needs it; see there."""

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
    def running(self) -> RunningLine | None:
        """The running line, if any."""

    @property
    def read_only(self) -> bool:
        """Whether commands that may change something are refused."""

    @property
    def works(self) -> list[Work]:
        """What the machine is working on, beginning with the one to show."""

    @property
    def prompt(self) -> Prompt:
        """What stands before the next line."""

    @property
    def asks_to_leave(self) -> bool:
        """Whether leaving asks a question, and must therefore run the line `.exit`."""

    @property
    def wants_write(self) -> bool:
        """Whether to watch the file descriptor for writing too."""

    def split(self, text: str) -> Split:
        """Return the lines of a text, and the one at its end that continues on the next row."""

    def complete(self, text: str, cursor: int, *, asked: bool = True) -> list[Candidate]:
        """Return candidates at the cursor. asked: whether the user requested them."""

    def hint(self, text: str, cursor: int) -> Line:
        """Return the signature of what is being typed, or the error in it; [] for neither."""

    def faults(self, text: str) -> list[Fault]:
        """Return the errors in the line so far."""

    def start(self, line: str, show: Show, ended: Callable[[Outcome], None]) -> None:
        """Run one logical line; only allowed while none is running."""

    def interrupt(self) -> bool:
        """Detach from the running line or drop an open transaction; False if there was neither."""

    def fileno(self) -> int:
        """Return the file descriptor to watch, -1 for none."""

    @property
    def serial(self) -> int:
        """Grows with each file descriptor, since descriptor numbers are reused."""

    @property
    def life(self) -> ConnectionProtocol:
        """What ends and restores the connection."""

    def wait(self) -> float | None:
        """Return the seconds after which poll() is due even without I/O; None for never."""

    def poll(self) -> None:
        """Do everything that can be done without blocking."""

    def close(self) -> None:
        """Close the connection."""


Connect = Callable[["SessionListener"], SessionProtocol]
"""Makes a session that reports to the watcher. Raises CannotConnect."""
