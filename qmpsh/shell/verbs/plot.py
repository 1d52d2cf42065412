"""`.plot [TIME] QUERY PATH...`: numbers of a query's reply, drawn as they change.

Without a path it lists the numbers that moved between two replies.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from qmpsh.client.client import Client
from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json, JsonObject, as_dict
from qmpsh.language.plot_words import cut_path_words, cut_paths
from qmpsh.language.reply_paths import (
    RATE,
    ROOT,
    ReplyPath,
    moved,
    nothing_at,
    number_at,
    numbers,
    read_path,
    why_no_number,
)
from qmpsh.language.syntax import VerbLine, prints_reply
from qmpsh.language.verbs import Reach, Takes
from qmpsh.protocol.messages import HMP
from qmpsh.shell.context import Context
from qmpsh.shell.plots.series import Series, sample_object, tab_separated
from qmpsh.shell.repeat import Repetition, read_repetition, repeat
from qmpsh.shell.steps import Answer, Note, Steps
from qmpsh.shell.verbs.events import connected
from qmpsh.shell.verbs.table import verb

_EXAMPLE = ".plot 1s query-blockstats [device=vda].stats.rd_bytes/s"
_IS_TEXT = ".plot: the human monitor answers in text, which has no paths; write a QMP query"
_IN_TEXT = frozenset({".hmp", "hmp", HMP})
"""what begins a line of the human monitor"""
_MAX_PATHS = 64
_TOO_MANY = ".plot draws at most {most} paths at a time; this line has {count}"
_NOTHING_MOVED = (
    "none of the {count} numbers in the reply moved within {seconds:g} s; a longer time may show"
    " more, as in .plot 10s {command}"
)
_NO_NUMBERS = "there is no number in the reply to {command}"
_LATER = "{}; it is drawn once it is there"


@verb(
    "plot", "[TIME] QUERY [PATH...]",
    "draw numbers of a reply as they change; without PATH: list those that do; --count N",
    Takes.PATHS_LINE, bare=True, modifiers=("count",), reach=Reach.REPEATS,
)  # fmt: skip
def plot(context: Context, line: VerbLine) -> Steps:
    """Ask again and again, and draw what is at the paths.

    Raises LineSyntaxError, UsageError for a path without a number and for a line that may change
    something, ReplyTimeout, ConnectionLost.
    """
    query, words = _split(line)
    if len(words) > _MAX_PATHS:
        raise UsageError(_TOO_MANY.format(most=_MAX_PATHS, count=len(words)))
    if context.hmp or not _IN_TEXT.isdisjoint(query.rest.split(None, 1)[:1]):
        raise UsageError(_IS_TEXT)
    paths = [read_path(word) for word in words]
    repetition = yield from read_repetition(context, query, _EXAMPLE)
    name = repetition.request.command.name
    client = connected(context, line)
    if not paths and name != "qom-get":
        return (yield from _list_moving(context, client, repetition))
    # What qom-get answers is the property itself.
    run = PlotRun(paths or [read_path(ROOT)])
    count = repetition.request.modifiers.count
    repeats = count + run.has_rate if count is not None else None
    outcome = yield from repeat(context, client, repetition, repeats, run.show)
    if not outcome.exit_code:
        run.check()
    return outcome


def _split(line: VerbLine) -> tuple[VerbLine, tuple[str, ...]]:
    """Return the line without its paths, and the paths."""
    if line.words is not None and len(line.words) > 1:
        rest, paths = cut_path_words(line.words)
        return line._replace(rest=" ".join(rest), words=rest), paths
    text, paths = cut_paths(line.rest)
    return line._replace(rest=text, words=None), paths


class PlotRun:
    """The plot of one line, sample by sample."""

    def __init__(self, paths: Sequence[ReplyPath]) -> None:
        self._series = [Series(path) for path in paths]
        self._paths = tuple(path.text for path in paths)
        self._reply: Json = None
        self._has_begun = False
        self.has_rate = any(path.is_rate for path in paths)

    def show(self, answer: Answer) -> Iterator[Answer | Note]:
        """Yield what is shown of a reply: the first one begins the rates.

        Raises UsageError for a path that leads to something else than a number.
        """
        if answer.failed:
            yield answer
            return
        self._reply, at = answer.value, time.monotonic()
        if not self._has_begun:
            self._has_begun = True
            yield from self._notes()
            if self.has_rate:
                for one in self._series:
                    one.begin(self._reply, at)
                return
        values = tuple([one.add(self._reply, at) for one in self._series])
        now = time.time()
        sample = sample_object(now, self._paths, values)
        yield answer._replace(
            value=sample,
            reply=as_dict(sample),
            text=tab_separated(now, values),
            plot=tuple(one.plotted() for one in self._series),
            one_line=True,
        )

    def check(self) -> None:
        """Raise UsageError for a path that no reply had."""
        for one in self._series:
            if not one.was_found:
                raise UsageError(nothing_at(self._reply, one.path))

    def _notes(self) -> Iterator[Note]:
        for one in self._series:
            wrong = why_no_number(self._reply, one.path)
            if wrong:
                raise UsageError(wrong)
            if number_at(self._reply, one.path) is None:
                yield Note(_LATER.format(nothing_at(self._reply, one.path)))


# ---------------------------------------------------------------------------- what moves


def _list_moving(context: Context, client: Client, repetition: Repetition) -> Steps:
    """Ask twice, and list the numbers that differ, each as a path."""
    replies: list[tuple[float, Json]] = []

    def show(answer: Answer) -> Iterator[Answer | Note]:
        if answer.failed:
            yield answer
            return
        replies.append((time.monotonic(), answer.value))
        if len(replies) > 1:
            yield from _moving(answer, repetition, replies)

    return (yield from repeat(context, client, repetition, 2, show))


def _moving(
    answer: Answer, repetition: Repetition, replies: Sequence[tuple[float, Json]]
) -> Iterator[Answer | Note]:
    (begun, before), (ended, after) = replies
    seconds = max(ended - begun, 1e-6)
    is_json = prints_reply(answer.modifiers.formats)
    rows: list[Json] = [
        _row(found.path, found.value, (found.value - old) / seconds)
        for found, old in moved(before, after)
    ]
    if not rows and not is_json:
        command = repetition.request.command.name
        count = sum(1 for _ in numbers(after))
        text = _NOTHING_MOVED if count else _NO_NUMBERS
        yield Note(text.format(count=count, seconds=repetition.interval, command=command))
        return
    formats = answer.modifiers.formats
    modifiers = answer.modifiers._replace(formats=formats if is_json else formats | {"table"})
    yield answer._replace(value=rows, reply=None, modifiers=modifiers)


def _row(path: str, value: Json, change: float) -> JsonObject:
    """Return a row of the table; a number that rose may be a counter, and is offered as a rate."""
    row: JsonObject = {
        "path": f"{path}{RATE}" if change > 0 else path,
        "value": value,
        "per-second": round(change, 3),
    }
    return row
