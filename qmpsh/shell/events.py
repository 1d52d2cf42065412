"""Which events a line means, and the session's record of the events that came.

`EVENT key=value`, in `.wait`, `.events` and `--wait=EVENT`: the name may be a pattern
(`BLOCK_JOB_*`) and is read in any case; keys reach into the event's data at their dots. A value is
compared as what the data has: a string, a number, true or false.

Each event of the record is taken once, since what `.wait` waits for may have come already. Which of
the kept events count for a line an `EventSpan` decides. Pure: events and the time are passed in.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections import deque
from fnmatch import fnmatchcase

from qmpsh.client.queues import RING_BYTES
from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.jsontypes import Json, read_boolean, read_number
from qmpsh.language.parser import parse_argument_words, parse_arguments
from qmpsh.language.syntax import Argument, Scalar, VerbLine
from qmpsh.language.untyped import guess_value
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.patterns import LatePattern
from qmpsh.protocol.messages import ErrorReply, Event, Reply
from qmpsh.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeAlias

    from qmpsh.schema.model import Schema

_NO_EVENT = "no event {pattern}{hint}"
_NO_MATCH = "no event matches {text}"
_WANTS_JOB = "expected one job, as in .{verb} job=j0"
_WANTS_NAME = "expected the name of an event"
_WANTS_EVENT = "{verb} needs an event, for example {start}SHUTDOWN"
_WANTS_ONE = "expected one event and KEY=value, as in {start}SHUTDOWN guest=true, not {words}"
_NO_MEMBER = "{whose} {has} no '{first}'; {it} {known}"

_GLOB = LatePattern(r"[*?\[]")


class EventPattern(NamedTuple):
    """A pattern for events, as a line gives it.

    text: as typed; patterns: of the name, upper case, () for any; filters: keys and values of
    the data, source: the text in which these stand.
    """

    text: str
    patterns: tuple[str, ...]
    filters: tuple[Argument, ...] = ()
    source: str = ""

    @property
    def names_something(self) -> bool:
        """Whether it holds for some events only, so that the schema may know better."""
        return bool(self.patterns or self.filters)

    def matches(self, event: Event) -> bool:
        """Whether it is such an event."""
        return self.names(event.name) and all(
            self._fits(argument, event) for argument in self.filters
        )

    def check(self, schema: Schema | None) -> None:
        """Raise UsageError for what this server never sends, as far as its schema is known."""
        if schema is None or not schema.events:
            return
        for pattern in self.patterns:
            if not _GLOB.search(pattern) and pattern not in schema.events:
                raise UsageError(
                    _NO_EVENT.format(pattern=pattern, hint=did_you_mean(pattern, schema.events))
                )
        meant = [name for name in schema.events if self.names(name)]
        if not meant:
            raise UsageError(_NO_MATCH.format(text=self.text))
        for argument in self.filters:
            _check_key(argument, meant, schema)

    def names(self, name: str) -> bool:
        """Whether it may be an event of that name."""
        return not self.patterns or is_named(name, self.patterns)

    def _fits(self, argument: Argument, event: Event) -> bool:
        found, known = _member(event.data, [part.text for part in argument.key])
        return known and _equals(found, argument, self.source)


def is_named(name: str, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns (`BLOCK_*`, `stop`) fits an event's name, in any case."""
    name = name.upper()
    return any(fnmatchcase(name, pattern.upper()) for pattern in patterns)


def read_wanted(text: str) -> EventPattern:
    """Read one event, as in `--wait='BLOCK_JOB_COMPLETED device=j0'`. Raises LineSyntaxError."""
    return _only(_read(text, text.split(), None), "--wait=")


def verb_wanted(line: VerbLine) -> EventPattern:
    """Read the one event of a verb's line. Raises LineSyntaxError."""
    return _only(verb_patterns(line), f".{line.name} ")


def verb_job(line: VerbLine) -> str | None:
    """Return the job of `.wait job=ID`; None for an event. Raises UsageError for more."""
    wanted = verb_patterns(line)
    keys = [[part.text for part in argument.key] for argument in wanted.filters]
    if wanted.patterns or ["job"] not in keys:
        return None
    value = wanted.filters[0].value
    if len(keys) > 1 or not isinstance(value, Scalar) or not value.text:
        raise UsageError(_WANTS_JOB.format(verb=line.name))
    return value.text


def verb_patterns(line: VerbLine) -> EventPattern:
    """Read any number of patterns and filters after a verb. Raises LineSyntaxError."""
    words = line.rest.split() if line.words is None else line.words
    return _read(line.rest, words, line.words)


def _read(text: str, words: Sequence[str], argv: Sequence[str] | None) -> EventPattern:
    """Read words, of which the first that holds `=` or a quote ends the patterns."""
    patterns: list[str] = []
    for word in words:
        if re.search(r"[='\"{]", word):
            break
        if word.startswith(".") or not word.isprintable():
            raise LineSyntaxError(_WANTS_NAME, text, (0, len(text)))
        patterns.append(word.upper())
    rest = words[len(patterns) :]
    if not rest:
        return EventPattern(text, tuple(patterns))
    if argv is not None:
        return EventPattern(text, tuple(patterns), parse_argument_words(rest), " ".join(rest))
    filters = parse_arguments(text, _behind(text, len(patterns)))
    return EventPattern(text, tuple(patterns), filters, text)


def _behind(text: str, count: int) -> int:
    """Return where the words after the first ones begin."""
    found = re.match(rf"\s*(?:\S+\s+){{{count}}}", text)
    return found.end() if found and count else 0


def _only(wanted: EventPattern, start: str) -> EventPattern:
    """Return the one pattern of a line. start: how what names the event begins"""
    if len(wanted.patterns) == 1:
        return wanted
    if not wanted.text.strip():
        raise UsageError(_WANTS_EVENT.format(verb=start.strip(), start=start))
    raise UsageError(_WANTS_ONE.format(start=start, words=wanted.text.strip()))


def _member(data: Json, key: Sequence[str]) -> tuple[Json, bool]:
    """Return the member at the end of a key, and whether there is one. Names of members may contain
    dots themselves; the longest name wins.
    """
    if not key:
        return data, True
    if isinstance(data, list):
        index = int(key[0]) if key[0].isdigit() and len(key[0]) < 9 else len(data)
        return _member(data[index], key[1:]) if index < len(data) else (None, False)
    if not isinstance(data, dict):
        return None, False
    for width in range(len(key), 0, -1):
        name = ".".join(key[:width])
        if name in data:
            return _member(data[name], key[width:])
    return None, False


def _equals(found: Json, argument: Argument, source: str) -> bool:
    value = argument.value
    if not isinstance(value, Scalar):
        return guess_value(value, source) == found
    if isinstance(found, str):
        return found == value.text
    if value.quoted:
        return False
    if isinstance(found, bool):
        return read_boolean(value.text) is found
    if isinstance(found, int | float):
        return read_number(value.text) == found
    return found is None and value.text == "null"


def _check_key(argument: Argument, events: Sequence[str], schema: Schema) -> None:
    """Raise UsageError where none of the events has such a member."""
    # Imported here: the model is only at hand where a schema is.
    from qmpsh.schema.model import ObjectType

    names: list[str] = []
    for event in events:
        info = schema.event(event)
        kind = schema.type(info.arg_type) if info is not None else None
        if not isinstance(kind, ObjectType) or kind.variants:
            return
        names += [member.name for member in kind.members]
    first = argument.key[0].text
    if first not in names and not any(name.startswith(f"{first}.") for name in names):
        whose = events[0] if len(events) == 1 else "these events"
        has, it = ("has", "it has") if len(events) == 1 else ("have", "they have")
        known = _in_prose(list(dict.fromkeys(names))) or "no data"
        raise UsageError(_NO_MEMBER.format(whose=whose, has=has, first=first, it=it, known=known))


def _in_prose(names: Sequence[str]) -> str:
    """Return `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


MAX_EVENTS = 4096
"""events kept, of all names; a guest can raise 2,000 a second (wire.md section 7)"""

MAX_NAMES = 256
"""names of which events are kept; a QEMU has about 80"""

EventMatch: TypeAlias = "Callable[[Event], bool]"
Follow: TypeAlias = "Callable[[Event], bool]"
"""Gets each event; returns whether it is one that it waits for."""


class Kept(NamedTuple):
    """A received event that no line has taken.

    number: counts all events of the session; when: it was read, by the history's clock.
    """

    number: int
    when: float
    event: Event


class EventSpan:
    """The range of events that count for a line without --new.

    The prompt has one, and so has each script, which the files that it sources share.

    is_script: else each command that is sent moves the mark, even one that only reads
    start:     number of the first event of the script
    mark:      number of the first event since the last line that could change something
    """

    __slots__ = ("is_script", "mark", "start")

    def __init__(self, start: int = 0, *, is_script: bool) -> None:
        self.is_script = is_script
        self.start = self.mark = start

    def since(self, *, exact: bool) -> int:
        """Return the number of the first event that counts. exact: the line names values too."""
        return self.start if exact and self.is_script else self.mark


class EventTaker:
    """A line's wait for one event.

    found: the event, and when it came; seen: how many others came meanwhile; last: of those.
    """

    __slots__ = ("found", "last", "matches", "seen")

    def __init__(self, matches: EventMatch) -> None:
        self.matches = matches
        self.found: Kept | None = None
        self.seen = 0
        self.last: Event | None = None

    @property
    def event(self) -> Event | None:
        """The event that was waited for, None before it came."""
        return None if self.found is None else self.found.event

    def takes(self, kept: Kept) -> bool:
        """Whether it is the event that was waited for; taken then."""
        if self.found is not None:
            return False
        if self.matches(kept.event):
            self.found = kept
            return True
        self.seen += 1
        self.last = kept.event
        return False


class _Queue:
    """The events of one name, oldest first.

    size: bytes on the wire; newest: number of the last that came; lost: of the last that gave way,
    -1 for none.
    """

    __slots__ = ("kept", "lost", "newest", "size")

    def __init__(self) -> None:
        self.kept: deque[Kept] = deque()
        self.size = 0
        self.newest = self.lost = -1

    def append(self, kept: Kept) -> None:
        self.kept.append(kept)
        self.size += kept.event.size
        self.newest = kept.number

    def give_way(self) -> Kept:
        oldest = self.kept.popleft()
        self.size -= oldest.event.size
        self.lost = oldest.number
        return oldest


class EventHistory:
    """The events of a session that no line has taken yet.

    span:  of the lines outside any file that is sourced
    limit: how many events are kept, if they are small; then the oldest of the name that has the
           most give way, so that a flood of one name costs no event of another
    """

    def __init__(
        self, span: EventSpan, limit: int = MAX_EVENTS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.span = span
        self._limit = limit
        self._clock = clock
        self._queues: dict[str, _Queue] = {}
        self._takers: list[EventTaker] = []
        self._followers: list[Follow] = []
        self._count = self._size = 0
        self.next = 0
        """the number of the next event"""
        self.dropped = 0
        """how many events gave way to newer ones"""

    def on_message(self, message: Event | Reply | ErrorReply) -> None:
        """Keep an event; ignore a reply that matches no command."""
        if not isinstance(message, Event):
            return
        kept = Kept(self.next, self._clock(), message)
        self.next += 1
        is_followed = [follower(message) for follower in self._followers]
        is_taken = any(taker.takes(kept) for taker in self._takers)
        if not (is_taken or any(is_followed)):
            self._keep(kept)

    def clear(self) -> None:
        """Forget all: the server is another one, or its events of the meantime are missing."""
        self._queues.clear()
        self._count = self._size = 0

    def age(self, kept: Kept) -> float:
        """Return the seconds since an event was read."""
        return self._clock() - kept.when

    def has_lost(self, names: Callable[[str], bool], since: int) -> bool:
        """Whether events of such a name gave way that would count from there on."""
        return any(queue.lost >= since and names(name) for name, queue in self._queues.items())

    @contextlib.contextmanager
    def expecting(self, matches: EventMatch, since: int | None) -> Iterator[EventTaker]:
        """Wait for the first event that matches and that no line has taken.

        since: the number of the first that counts; None for those to come
        """
        taker = EventTaker(matches)
        for kept in () if since is None else self.kept(since):
            if taker.takes(kept):
                self.remove(kept)
                break
        self._takers.append(taker)
        try:
            yield taker
        finally:
            self._takers.remove(taker)

    @contextlib.contextmanager
    def followed(self, follower: Follow) -> Iterator[None]:
        """Pass on every event; those that it waits for are taken."""
        self._followers.append(follower)
        try:
            yield
        finally:
            self._followers.remove(follower)

    def kept(self, since: int = 0) -> list[Kept]:
        """Return the events that no line has taken, from a number on, in the order in which they
        came.
        """
        queues = self._queues.values()
        found = [kept for queue in queues for kept in queue.kept if kept.number >= since]
        return sorted(found, key=lambda kept: kept.number)

    def remove(self, kept: Kept) -> None:
        """Take an event, unless it has given way meanwhile."""
        queue = self._queues.get(kept.event.name)
        if queue is not None and kept in queue.kept:
            queue.kept.remove(kept)
            queue.size -= kept.event.size
            self._count -= 1
            self._size -= kept.event.size

    def _keep(self, kept: Kept) -> None:
        self._queue(kept.event.name).append(kept)
        self._count += 1
        self._size += kept.event.size
        while self._count > self._limit:
            self._give_way(lambda queue: len(queue.kept))
        while self._size > RING_BYTES:
            self._give_way(lambda queue: queue.size)

    def _queue(self, name: str) -> _Queue:
        """Return the queue of a name; of too many, drop the one that was quiet longest."""
        queue = self._queues.get(name)
        if queue is None:
            if len(self._queues) == MAX_NAMES:
                quiet = self._queues.pop(min(self._queues, key=self._newest))
                self._count -= len(quiet.kept)
                self.dropped += len(quiet.kept)
                self._size -= quiet.size
            queue = self._queues[name] = _Queue()
        return queue

    def _newest(self, name: str) -> int:
        return self._queues[name].newest

    def _give_way(self, share: Callable[[_Queue], int]) -> None:
        oldest = max(self._queues.values(), key=share).give_way()
        self._count -= 1
        self.dropped += 1
        self._size -= oldest.event.size
