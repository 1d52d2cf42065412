"""The library: one VM, in one thread, with the shell's language, types, waits and events.

`qmpsh.connect` returns a `VM`; docs/api.md is its page. It prints nothing, asks nothing, starts no
thread, and sends nothing twice. Programs import its names from `qmpsh`.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import get_ident

from qmpsh.address import find_address
from qmpsh.client.client import Client, ClientOptions, poll_until
from qmpsh.client.dialect import GUEST_AGENT, QEMU
from qmpsh.errors import CommandFailed, ConnectionLost, LineFailed, ReplyTimeout, UsageError
from qmpsh.jsontypes import Json, get_dict, get_str
from qmpsh.language.values import quote
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.messages import Command, Event, Greeting
from qmpsh.shell.context import Context, FrontEnd
from qmpsh.shell.events import EventHistory, is_named
from qmpsh.shell.interpreter import run_line, run_words
from qmpsh.shell.introspection import IntrospectionWishes
from qmpsh.shell.machine import Machine
from qmpsh.shell.policy import refuse_unless_reading
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Ask, Note, Outcome, Steps, Task, drive
from qmpsh.shell.wirelog import WireLog, WireTracer

if TYPE_CHECKING:
    from typing import Self

    from qmpsh.schema.features import SchemaFeatures

_NOT_DESCRIBED = "{title} does not describe its commands"
_NO_EVENTS = "{title} sends no events"
_NO_EVENT = "no {event} within {limit:g} s"
_ENDED = "the connection ended {when}{why}"
_NO_CONNECTION = "there is no connection"
_OTHER_THREAD = "this VM is in use by another thread; each thread needs its own"
_UNASKABLE = "a program cannot be asked ({question}): write the value"
_FAILED = "exit code {exit_code}"

Notice = Callable[[str], None]

_BARE = re.compile(r"[\w./:@%+-]+", re.ASCII)
"""A value that reads back as itself without quotes"""


def connect(  # noqa: PLR0913  # keywords, each on its own
    address: str | os.PathLike[str],
    *,
    timeout: float | None = None,
    connect_timeout: float | None = 10.0,
    guest_agent: bool = False,
    oob: bool = True,
    logfile: str | os.PathLike[str] | None = None,
    read_only: bool = False,
    notice: Notice | None = None,
) -> VM:
    """Connect to a monitor, and negotiate.

    address:         any that the command takes, such as a path, `HOST:PORT` or `ssh://HOST/PATH`
    timeout:         seconds that a command or a line may take unless it says otherwise, None for
                     no limit
    connect_timeout: seconds until greeted and negotiated, None for no limit
    guest_agent:     the server is a guest agent, which does not greet
    oob:             ask for out-of-band execution where it is offered
    logfile:         every message is appended to it, without secrets; see --logfile
    read_only:       refuse what may change something, as --read-only does
    notice:          called with each remark of qmpsh's own, one sentence; they are dropped without
    Raises CannotConnect, of which Busy, NotQmp and ConnectTimeout; AddressError; UsageError for a
    log that cannot be written.
    """
    options = ClientOptions(connect_timeout, oob=oob, dialect=GUEST_AGENT if guest_agent else QEMU)
    client = open_client(address, options, logfile, notice or ignore)
    settings = Settings(timeout=timeout, read_only=read_only, one_shot=True)
    return VM(client, settings, notice or ignore)


def open_client(
    address: str | os.PathLike[str],
    options: ClientOptions,
    logfile: str | os.PathLike[str] | None,
    notice: Notice,
) -> Client:
    """Connect as `connect` does."""
    where = find_address(os.fspath(address), agent=options.dialect.guest)
    log = None if logfile is None else WireLog(os.fspath(logfile), str(where), notice)
    tracer = None if log is None else WireTracer(log)
    return Client.connect(where, options, notice, tracer)


def ignore(text: str) -> None:
    """Drop a notice."""


class _NoticeFrontEnd(FrontEnd):
    """The front end of a program: it has nothing but a function for notices."""

    def __init__(self, notice: Notice) -> None:
        self._notice = notice

    def warn(self, text: str) -> None:
        self._notice(text)


class OpenMonitor:
    """A connection to a monitor; as a context manager it is closed at the end.

    All calls of one come from one thread at a time: another one while a call is running gets a
    RuntimeError.
    """

    def __init__(self, client: Client, settings: Settings, notice: Notice) -> None:
        self._settings = settings
        self._notice = notice
        self._machine = Machine(str(client.address), client.connection.greeting)
        self._context = Context(client, settings, self._machine, None, _NoticeFrontEnd(notice))
        self._thread = 0
        self._history()  # events are kept from the start

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def closed(self) -> bool:
        """Whether the connection has ended, on either side."""
        return self._client.closed

    @property
    def dropped(self) -> int:
        """The number of events that were dropped because too many were kept."""
        return self._history().dropped

    def fileno(self) -> int:
        """Return the file descriptor to watch in an event loop; -1 once closed."""
        return self._client.fileno()

    def poll(self, timeout: float | None = 0) -> bool:
        """Take in what has come, waiting at most `timeout` seconds (None: no limit); return
        whether anything has.
        """
        with self._in_use():
            self._history()
            return self._client.poll(timeout)

    def close(self) -> None:
        """End the connection; the VM keeps running. May be called twice."""
        self._client.close()

    @property
    def _client(self) -> Client:
        client = self._context.client  # `.reconnect` makes another one
        if client is None:
            raise ConnectionLost(_NO_CONNECTION)
        return client

    @contextlib.contextmanager
    def _in_use(self) -> Iterator[None]:
        """Hold that one thread at a time is in a call."""
        me, before = get_ident(), self._thread
        if before not in (0, me):
            raise RuntimeError(_OTHER_THREAD)
        self._thread = me
        try:
            yield
        finally:
            self._thread = before

    def _drive(self, task: Task) -> None:
        try:
            drive(task, _refuse_question, lambda _, seconds: self._client.poll(seconds))
        except BaseException:  # an interrupt included: what the line holds is put away first
            task.cancel()
            raise

    def _history(self) -> EventHistory:
        return self._context.keep_events()

    def _poll_until(self, ready: Callable[[], bool], timeout: float | None) -> None:
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        self._client.poll(0)
        poll_until(self._client, ready, deadline)

    def _lost(self, when: str) -> ConnectionLost:
        why = f": {self._client.lost}" if self._client.lost is not None else ""
        return ConnectionLost(_ENDED.format(when=when, why=why))


class VM(OpenMonitor):
    """A connection to one VM: its commands, its events, its screen and its keyboard."""

    # ------------------------------------------------------------------------ what is known

    @property
    def name(self) -> str:
        """The VM's name, "" if it has none; asked for each time."""
        if not self._client.dialect.named:
            return ""
        return get_str(self.execute("query-name"), "name")

    @property
    def greeting(self) -> Greeting | None:
        """The server's greeting; None for a guest agent."""
        return self._client.connection.greeting

    @property
    def version(self) -> str:
        """The server's version, such as "7.2.22"; "" if it is not known."""
        if self._client.dialect.guest:
            self._learn(self._context.introspection.load_commands())
        return self._machine.version

    @property
    def commands(self) -> Sequence[str]:
        """The names of the server's commands; asked for once."""
        self._learn(self._context.introspection.load_commands())
        found = self._context.introspection.commands
        if not found and self.closed:
            raise self._lost("before its commands were listed")
        return found

    @property
    def schema(self) -> SchemaFeatures:
        """What the server accepts. Raises UsageError if it does not describe that."""
        self._learn(self._context.introspection.load_schema())
        found = self._context.introspection.schema
        if found is None and self.closed:
            raise self._lost("before its schema was read")
        if found is None:
            raise UsageError(_NOT_DESCRIBED.format(title=self._client.dialect.title))
        # Imported here: few programs ask.
        from qmpsh.schema.features import SchemaFeatures

        return SchemaFeatures(found)

    # ------------------------------------------------------------------------ commands

    def execute(
        self,
        command: str | Command,
        arguments: Mapping[str, Json] | None = None,
        /,
        *,
        oob: bool = False,
        timeout: float | None = None,
        fd: int | None = None,
        **members: Json,
    ) -> Json:
        """Send one command as it stands, wait for its reply, and return the value of `return`.

        members: further arguments; `_` is not turned into `-`
        timeout: seconds, None for the one given to `connect`
        fd:      a file descriptor to pass along; it stays the caller's
        Raises CommandFailed, ReplyTimeout, ConnectionLost, UsageError.
        """
        if isinstance(command, str):
            given = {**(arguments or {}), **members}
            needs_braces = command in self._client.dialect.braced
            command = Command(command, given if given or needs_braces else None, oob)
        with self._in_use():
            self._mark(command)
            if fd is not None:
                command = command._replace(fd=os.dup(fd))
            limit = self._settings.timeout if timeout is None else timeout
            return self._client.execute(command, limit).value

    def run(
        self,
        line: str,
        *words: str,
        wait: bool | str = False,
        timeout: float | None = None,
        **members: Json,
    ) -> Json | bytes:
        """Run one line of the language, typed and checked as at the prompt; return its value.

        words:   each one word more, as on a command line, where a word needs no quotes
        wait:    follow what the line starts to its end, which becomes the value; a string names
                 the event, as --wait=EVENT does
        timeout: seconds, the wait included; None for the one given to `connect`
        members: further arguments, KEY=value, without quotes
        Returns the value of the last answer; text for the human monitor and for verbs but .status;
        bytes for what a guest wrote; None if there was no answer.
        Raises LineError, CommandFailed, ReplyTimeout, ConnectionLost, UsageError.
        """
        answers: list[Answer] = []

        def show(item: Answer | Note) -> None:
            if isinstance(item, Answer):
                answers.append(item)
            elif not item.bare:
                self._notice(item.text)

        settings = self._settings
        if timeout is not None:
            settings = settings._replace(timeout=timeout)
        if wait is not False:
            settings = settings._replace(wait="" if wait is True else wait)
        with self._in_use():
            self._context.settings = settings
            self._history()
            if words:
                more = [f"{key}={_bare(value)}" for key, value in members.items()]
                task = Task(run_words(self._context, [line, *words, *more]), show)
            else:
                more = [f"{key}={_written(value)}" for key, value in members.items()]
                task = Task(run_line(self._context, " ".join([line, *more])), show)
            self._drive(task)
        return _value(answers, task.outcome or Outcome())

    def screen_text(self, *, timeout: float | None = None) -> str:
        """Return the characters on the VM's screen: its rows, without blanks at their ends.

        timeout: seconds, None for the one given to `connect`
        Raises QmpshError for a screen that shows a picture, and what `run` raises.
        """
        text = self.run(".screen", "--text", timeout=timeout)
        return text if isinstance(text, str) else ""

    def type(
        self,
        text: str,
        layout: str = "us",
        *,
        rate: float | None = None,
        timeout: float | None = None,
    ) -> None:
        """Type a text on the guest's keyboard, as it stands: a newline is Enter.

        layout:  that the guest has set: us, gb, de, fr
        rate:    seconds from key to key, None for 0.02
        timeout: seconds for all of it, None for the one given to `connect`
        Raises UsageError before anything is sent for a character that the layout lacks;
        CommandFailed, ReplyTimeout, ConnectionLost, which say how many were typed.
        """
        # Imported here: few programs type.
        from qmpsh.display.keys import chords_of_text
        from qmpsh.shell.keyboard import KEY_COMMAND, PACE_SECONDS, Keyboard, Presses
        from qmpsh.shell.screen.session import note_before_typing

        units = chords_of_text(text, layout)
        limit = self._settings.timeout if timeout is None else timeout
        with self._in_use():
            self._mark(Command(KEY_COMMAND))
            keyboard = Keyboard(pace=PACE_SECONDS if rate is None else rate)
            presses = Presses(self._client, keyboard, units, limit)
            noting = note_before_typing(self._context, self._client)
            task = Task(_steps(noting, presses.steps()), lambda _: None)
            self._drive(task)
        _value([], task.outcome or Outcome())

    def _learn(self, asking: IntrospectionWishes) -> None:
        with self._in_use():
            self._drive(Task(_steps(asking), lambda _: None))

    def _mark(self, command: Command) -> None:
        """Let `wait` take only what comes from here on, if the command may change something."""
        if self._settings.read_only:
            refuse_unless_reading(command)
        self._context.has_sent = False
        self._context.before_sending(self._client, command)

    # ------------------------------------------------------------------------ events

    def events(
        self, *patterns: str, timeout: float | None = None, **match: Json
    ) -> Iterator[Event]:
        """Return an iterator over events, those that came since the connection included.

        patterns: of names, such as "BLOCK_*"; none for all
        timeout:  seconds until the next one, after which the iterator ends; None for no limit
        match:    members of the event's data, and their values
        Each event is returned once, by this, by `wait` or by a line that waits. Raises
        ConnectionLost after the last one if the connection has ended, UsageError where there are
        none.
        """
        while True:
            event = self._next_event(patterns, match, timeout)
            if event is None:
                return
            yield event

    def _next_event(
        self, patterns: Sequence[str], match: Mapping[str, Json], timeout: float | None
    ) -> Event | None:
        with self._in_use():
            self._need_events()
            history = self._history()
            with history.expecting(_matcher(patterns, match), 0) as taker:
                self._poll_until(lambda: taker.found is not None, timeout)
            if taker.event is None and self.closed:
                raise self._lost("while waiting for events")
            return taker.event

    def _need_events(self) -> None:
        if not self._client.dialect.events:
            raise UsageError(_NO_EVENTS.format(title=self._client.dialect.title))

    def wait(self, event: str, *, timeout: float | None = None, **match: Json) -> Event:
        """Wait for an event and return it; one that came since the last command that may have
        changed something counts, as for `.wait`.

        event:   its name, or a pattern
        timeout: seconds, None for the one given to `connect`
        match:   members of the event's data, and their values
        Raises ReplyTimeout, ConnectionLost, UsageError where there are no events.
        """
        limit = self._settings.timeout if timeout is None else timeout
        with self._in_use():
            self._need_events()
            self._client.poll(0)
            history = self._history()
            with history.expecting(_matcher([event], match), history.span.mark) as taker:
                self._poll_until(lambda: taker.found is not None, limit)
        if taker.event is not None:
            return taker.event
        if self.closed:
            raise self._lost(f"while waiting for {event}")
        raise ReplyTimeout(_NO_EVENT.format(event=event, limit=limit))


def _refuse_question(asking: Ask) -> str:
    raise UsageError(_UNASKABLE.format(question=asking.question))


def _steps(*all_of: IntrospectionWishes) -> Steps:
    for asking in all_of:
        yield from asking
    return Outcome()


def _bare(value: Json) -> str:
    """Return a value as a word of a command line."""
    return value if isinstance(value, str) else json.dumps(value)


def _written(value: Json) -> str:
    """Return a value as a line holds it."""
    text = _bare(value)
    return text if not isinstance(value, str) or _BARE.fullmatch(text) else quote(text)


def _matcher(patterns: Sequence[str], match: Mapping[str, Json]) -> Callable[[Event], bool]:
    def matches(event: Event) -> bool:
        if patterns and not is_named(event.name, patterns):
            return False
        data = event.data if match else {}
        return all(name in data and data[name] == value for name, value in match.items())

    return matches


def _value(answers: Sequence[Answer], outcome: Outcome) -> Json | bytes:
    """Return the value of a line. Raises what it failed with."""
    if outcome.error is not None:
        raise outcome.error
    failed = next((answer for answer in answers if answer.failed), None)
    if failed is not None:
        raise failed.error or _failure(failed)
    if outcome.exit_code:
        said = [answer.text for answer in answers if answer.aside and answer.text]
        raise LineFailed("\n".join([_FAILED.format(exit_code=outcome.exit_code), *said]))
    data = [answer.data for answer in answers if answer.data is not None and not answer.aside]
    if data:
        return b"".join(data)
    if not answers:
        return None
    last = answers[-1]
    return last.value if last.text is None or last.rows else last.text


def _failure(answer: Answer) -> CommandFailed:
    error = get_dict(answer.reply, "error")
    if error:
        return CommandFailed(get_str(error, "class"), get_str(error, "desc"))
    return LineFailed(answer.text or "")
