"""The session, which both interactive front ends share: one client, its shell, the machine's state.

Knows no terminal and no event loop. The owner of the loop calls `poll()` when the descriptor is
ready or `wait()` seconds have passed; everything that happens is reported through the
SessionListener and the closures given to `start()`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from qmpsh.advice import nothing
from qmpsh.client.client import Client
from qmpsh.complete.candidates import Candidate, Catalog
from qmpsh.errors import INTERRUPTED
from qmpsh.language.reader import Split, split_lines
from qmpsh.language.syntax import Mode
from qmpsh.language.verbs import VERBS
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.messages import ErrorReply, Event, Reply
from qmpsh.schema.model import Schema
from qmpsh.shell.context import Context, FrontEnd
from qmpsh.shell.interpreter import run_line
from qmpsh.shell.machine import Machine
from qmpsh.shell.policy import NO_YES
from qmpsh.shell.preferences import completable
from qmpsh.shell.session.connection import ConnectionManager
from qmpsh.shell.session.job_watch import JobWatch
from qmpsh.shell.session.listener import SessionListener, Tone
from qmpsh.shell.session.owned_vm import OUTPUT_POLL_SECONDS, is_over, leave_shell
from qmpsh.shell.session.queries import BackgroundQueries
from qmpsh.shell.session.share import MonitorShare
from qmpsh.shell.settings import Prompt, Settings, list_paths
from qmpsh.shell.steps import Answer, Ask, Note, Outcome, Show, Steps, Task
from qmpsh.shell.verbs.options import preferences_of
from qmpsh.shell.waiting.rules import known_ends
from qmpsh.shell.wirelog import logs_of
from qmpsh.shell.work import Work

if TYPE_CHECKING:
    from qmpsh.complete.hints import Fault, HintFragment
    from qmpsh.shell.overview.first import FirstOverview

MAX_TYPED_LINES = 20
"""lines kept for the report of a crash"""

MAX_LINE_CHARACTERS = 20_000
"""characters of a line that is read at each key; a longer one was pasted"""


class SessionFrontEnd(FrontEnd):
    """The front end of a session, as a line sees it.

    typed_lines, keys: see FrontEnd; None for a front end that has no such thing
    """

    shows_events = True

    def __init__(
        self,
        listener: SessionListener,
        typed_lines: Callable[[], Sequence[str]] | None = None,
        keys: Callable[[], Iterable[tuple[str, str]]] | None = None,
    ) -> None:
        self._listener = listener
        self._typed_lines = typed_lines
        self._keys = keys

    def warn(self, text: str) -> None:
        self._listener.remark(text, Tone.ALARMING)

    def advised(self, kind: str, make: Callable[[], str]) -> str:
        return self._listener.advice.get(kind, make, str)

    def columns(self) -> int:
        return self._listener.columns()

    def keys(self) -> Iterable[tuple[str, str]]:
        return self._keys() if self._keys is not None else ()

    def typed_lines(self) -> Sequence[str] | None:
        return self._typed_lines() if self._typed_lines is not None else None

    def filter_events(self, patterns: tuple[str, ...]) -> None:
        self._listener.filter_events(patterns)

    def open_jobs(self) -> bool:
        return self._listener.open_jobs()


class RunningLine:
    """A line that was started, and the callback for its end."""

    __slots__ = ("ended", "line", "task")

    def __init__(self, line: str, task: Task, ended: Callable[[Outcome], None]) -> None:
        self.line = line
        self.task = task
        self.ended = ended


class Session:
    """An interactive session with one server.

    client: greeted and negotiated; address: as the user gave it; schema: given beforehand;
    front_end: what its lines see of the listener, None for no more than it has itself

    is_held_back: the share, the manual and the overview wait, which a first frame does not need
    """

    def __init__(  # noqa: PLR0913 - all that a session is made of
        self,
        client: Client,
        settings: Settings,
        listener: SessionListener,
        address: str,
        schema: Schema | None = None,
        front_end: FrontEnd | None = None,
    ) -> None:
        self.client = client
        self.machine = Machine(address, client.connection.greeting)
        if client.dialect.guest:
            self.machine.server = client.dialect.name
        self.machine.has_events = client.dialect.events
        self.connection = ConnectionManager(client, self.machine, listener, self._adopt)
        front_end = front_end or SessionFrontEnd(listener)
        settings = settings._replace(interactive=True)
        self.context = Context(client, settings, self.machine, schema, front_end, self.connection)
        self.typed: deque[str] = deque(maxlen=MAX_TYPED_LINES)
        self._events = self.context.keep_events()
        for log in logs_of(client):
            log.warn = front_end.warn
        self.preferences = preferences_of(self.context)
        self.catalog = Catalog()
        self.catalog.settings = completable(self.preferences)
        self.running: RunningLine | None = None
        self._faults: tuple[object, list[Fault]] = (None, [])
        self._listener = listener
        self._detached: list[RunningLine] = []
        self.is_held_back = False
        self.catalog.paths = list_paths
        self.catalog.ends = known_ends()
        self.catalog.resolve_path = self._resolve_path
        self.queries = BackgroundQueries(self.context, self.machine, self.catalog, listener)
        self.jobs = JobWatch(self.context, self.machine, self.queries)
        self.share = MonitorShare(
            listener.remark, listener.refresh, is_on=settings.share, read_only=settings.read_only
        )
        self.context.share = self.share
        self.preferences.subscribe(self._on_option)
        client.subscriber = self._on_message
        self.queries.attach(client)

    @property
    def asks_to_leave(self) -> bool:
        """Whether leaving the shell takes a line, `.exit`, since it asks something."""
        own = self.connection.own
        owns = own is not None and not is_over(own, self.machine)
        return owns or self.share.count > 0

    @property
    def prompt(self) -> Prompt:
        """The text before the next line."""
        return self.context.prompt

    @property
    def mode(self) -> Mode:
        """The mode in which the next line is read."""
        return self.context.mode

    @property
    def read_only(self) -> bool:
        """Whether nothing is sent that may change something."""
        return self.context.settings.read_only

    @property
    def overview(self) -> FirstOverview | None:
        """What the machine is and has, as far as that is known; None before it is asked for."""
        return self.queries.overview.shown

    @property
    def works(self) -> list[Work]:
        """The work of the machine, beginning with the piece to show."""
        return self.queries.works()

    def split(self, text: str) -> Split:
        """Split what was typed or pasted into lines; a rest continues on another row."""
        return split_lines(text, self.context.mode)

    def complete(self, text: str, cursor: int, *, asked: bool = True) -> list[Candidate]:
        """Return the candidates at the cursor (an offset into text, in characters).

        What the VM must be asked for first is missing; `SessionListener.facts` says when it came.
        asked: by the user; else nothing is put to the VM that could do it harm.
        """
        if len(text) > MAX_LINE_CHARACTERS:
            return []
        # Imported here: an empty line needs none of it, and the prompt is there earlier.
        from qmpsh.complete.complete import complete

        self.catalog.live.now = time.monotonic()
        found = complete(text, cursor, self.catalog, self.context.mode)
        self._ask_facts(harmless=not asked)
        return found

    def hint(self, text: str, cursor: int) -> list[HintFragment]:
        """Return the signature of what is being typed or the fault in it, as (role, text); or [].

        Also asks ahead for the values that a completion here would want.
        """
        if len(text) > MAX_LINE_CHARACTERS:
            return []
        # Imported here: as in `complete`.
        from qmpsh.complete.complete import prefetch
        from qmpsh.complete.hints import hint

        self.catalog.live.now = time.monotonic()
        prefetch(text, cursor, self.catalog, self.context.mode)
        self._ask_facts(harmless=True)
        faults = self.faults(text)
        if faults:
            return [("hint.error", faults[0].message)]
        return hint(text, cursor, self.catalog, self.context.mode)

    def faults(self, text: str) -> list[Fault]:
        """Return the faults of the line so far, for its colours."""
        if not text or len(text) > MAX_LINE_CHARACTERS:
            return []
        # Imported here: as in `complete`.
        from qmpsh.complete.hints import find_faults

        catalog, mode = self.catalog, self.context.mode
        line = (text, mode, catalog.commands, catalog.schema, catalog.aliases)
        if self._faults[0] != line:  # the colours and the hint ask for the same
            self._faults = line, find_faults(text, catalog, mode)
        return self._faults[1]

    def start(self, line: str, show: Show, ended: Callable[[Outcome], None]) -> None:
        """Run one logical line; `show` and `ended` may be called before this returns.

        Only while nothing runs (`running` is None).
        """
        self.catalog.live.forget()
        if not self.queries.overview.is_ended:
            self.queries.overview.freeze()
        self.typed.append(line)
        task = Task(self._steps(line), partial(self._show, show))
        self.running = RunningLine(line, task, ended)
        self.poll()

    def _show(self, show: Show, item: Answer | Note) -> None:
        if isinstance(item, Answer) and item.redirect is None:
            self.context.last_answer = item
        show(item)

    def interrupt(self) -> bool:
        """Detach from the running line (Ctrl-C); its reply is shown when it comes.

        Returns False when nothing was running and no transaction was open.
        """
        if self.running is None:
            return self.context.abandon_transaction()
        running = self.running
        if running.task.stops:
            running.task.interrupt()
            self.running = None
            running.ended(Outcome(INTERRUPTED))
        else:
            self.running = None
            self._detached.append(running)
        return True

    def wait(self) -> float | None:
        """Return the seconds after which poll() is due even without I/O; None for never."""
        now = time.monotonic()
        waits = [running.task.timeout(now) for running in self._lines()]
        waits.append(self.connection.wait(now))
        waits.append(None if self.client.due is None else max(0.0, self.client.due - now))
        waits += self.queries.due(now)
        waits.append(None if self.connection.own is None else OUTPUT_POLL_SECONDS)
        return min((wait for wait in waits if wait is not None), default=None)

    def poll(self) -> None:
        """Read, write, and continue every line that can go on."""
        if not self.client.closed:
            self.client.poll(0)
        self._advance()
        if not self.is_held_back:
            self.share.poll(self.client)
        if self.client.closed:
            self.queries.on_connection_lost()
            self.connection.poll(time.monotonic())
            self._advance()
        else:
            self.queries.poll(held_back=self.is_held_back)
        self._show_vm_output()

    def close(self) -> None:
        """Give up the connection; or let a process of its own keep it for those who share it."""
        if self.share.keeps_serving and self.share.hand_over(self.client):
            return
        self.share.close()
        self.client.subscriber = None
        self.connection.close()

    def _on_option(self, name: str) -> None:
        if name == "share":
            values, settings = self.preferences.values, self.context.settings
            self.share.switch(is_on=values.share and settings.share)
        elif name == "share-limit":
            self.share.set_limit(self.preferences.values.share_limit)

    def _steps(self, line: str) -> Steps:
        while (vm := self.connection.unapproved) is not None and _concerns_vm(line, self.context):
            choice = yield Ask(f"this is another VM: {vm.shown}; run it there?", NO_YES)
            if choice != "y":
                return Outcome()
            self.connection.approve(vm)
        outcome = yield from run_line(self.context, line)
        if outcome.leave and self.connection.own is not None:
            return (yield from leave_shell(self.connection.own, self.client, self.machine))
        if outcome.leave and self.share.count:
            return (yield from self.share.leave_shell())
        return outcome

    def _show_vm_output(self) -> None:
        """Report what a VM of ours has printed."""
        own = self.connection.own
        said = own.words() if own is not None else ""
        if said:
            self._listener.remark(said, Tone.PRINTED)

    def _lines(self) -> list[RunningLine]:
        return self._detached + ([self.running] if self.running else [])

    def _advance(self) -> None:
        now = time.monotonic()
        for running in self._lines():
            if running.task.advance(now) and running.task.outcome is not None:
                self.queries.on_line_ended(running.line)
                if running is self.running:
                    self.running = None
                else:
                    self._detached.remove(running)
                running.ended(running.task.outcome)

    def _resolve_path(self, path: str) -> str:
        # Imported here: few lines are about QOM.
        from qmpsh.shell.qom.place import place_of

        return place_of(self.context.place).resolve(path)

    def _on_message(self, message: Event | Reply | ErrorReply) -> None:
        if isinstance(message, Event):
            self._events.on_message(message)
            self.share.send_event(message)
            self._listener.advice.get("status", lambda: self.queries.on_event(message), nothing)
            self._listener.event(message)
            # All have looked at it; some may keep it.
            message.pack()
        else:
            self._listener.stray(message)

    def _adopt(self, client: Client, is_other: bool) -> None:
        """Go on with another connection. is_other: it may be another server."""
        self.client = client
        is_other = is_other or self.context.introspection.schema is None
        self.context.use_client(client, is_other=is_other)
        self.machine.has_events = client.dialect.events
        client.subscriber = self._on_message
        self.queries.attach(client)
        self.queries.poll(held_back=self.is_held_back)

    def _ask_facts(self, *, harmless: bool) -> None:
        """Ask for what completion missed, while the line is free."""
        if self.running is None and not self.client.closed:
            self.queries.ask_facts(harmless=harmless)


def _concerns_vm(line: str, context: Context) -> bool:
    """Whether a line acts on the VM, so that it matters which one it is."""
    word = line.split(None, 1)[0] if line.strip() else ""
    bare = frozenset() if context.hmp else context.mode.bare_verbs
    verb = VERBS.get(word.removeprefix(".")) if word.startswith(".") or word in bare else None
    return verb is None or verb.reaches_vm


Connect = Callable[[SessionListener], Session]
"""Makes a session that reports to the listener. Raises CannotConnect."""


def expand(line: str, aliases: Mapping[str, str]) -> str:
    """Replace the first word of a line if it is an alias, which stands for the beginning of a line;
    not repeatedly.
    """
    word = line.split(None, 1)[0] if line.strip() else ""
    if word not in aliases:
        return line
    at = line.index(word)
    return line[:at] + aliases[word] + line[at + len(word) :]
