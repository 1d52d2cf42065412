"""The status line: which VM this is, its state, what is running, what happened. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from qmpsh.light_typing import NamedTuple
from qmpsh.render.events import role
from qmpsh.render.safe import visible_word
from qmpsh.render.theme import Glyphs, Line
from qmpsh.render.units import barest, counted, elapsed, number, progress_forms
from qmpsh.shell.work import Work
from qmpsh.ui.common.wrap import cut, line_width
from qmpsh.ui.screen.viewport import LinePosition

NARROW_COLUMNS = 80
"""columns below which the events pane and the version fold away"""

_LEAST_FOR_POSITION = 60
"""columns from which the lines in view are shown; below 80 in place of the events"""

# Run states that say why a VM has stopped, and that the user must do something about it.
_ALARMING = frozenset({"guest-panicked", "internal-error", "io-error", "watchdog"})

_CONNECTED = frozenset({"running", "paused"})


class StatusFacts(NamedTuple):
    """What the status line shows. Names come from the VM and are not yet safe to show.

    name:            of the VM
    state:           see MachineState
    status:          the word of query-status
    outlook:         what will happen to a lost connection, "" while connected
    server, version: of the program at the other end
    address:         of the monitor, as given
    works:           jobs and migration, beginning with the one to show
    running:         the running command, "" for none
    seconds:         for how long it has been running
    waiting:         lines queued after it
    position:        the lines in view if the user has scrolled back
    unseen:          new lines below the visible ones
    events:          how many came, None where none ever do
    last:            the latest event's name, "" if the events pane shows it
    is_replay:       it is a recording that answers
    read_only:       commands that may change something are refused
    through:         the qmpsh that holds the monitor and shares it, "" for none
    sharing:         how many others use the monitor through this shell
    """

    name: str = ""
    state: str = ""
    status: str = ""
    outlook: str = ""
    server: str = "QEMU"
    version: str = ""
    address: str = ""
    works: tuple[Work, ...] = ()
    running: str = ""
    seconds: float = 0.0
    waiting: int = 0
    position: LinePosition | None = None
    unseen: int = 0
    events: int | None = 0
    last: str = ""
    is_replay: bool = False
    read_only: bool = False
    through: str = ""
    sharing: int = 0


def status_line(facts: StatusFacts, width: int, glyphs: Glyphs) -> Line:
    """Return the line, `width` columns wide; the least important parts are dropped first."""
    left, right = _ends(facts, width, glyphs)
    gap = max(1, width - line_width(left) - line_width(right))
    return cut([*left, ("status", " " * gap), *right], width, glyphs.more)


def _ends(facts: StatusFacts, width: int, glyphs: Glyphs) -> tuple[Line, Line]:
    """Return both ends of the line, in the fullest forms that fit."""
    right = _right(facts, width, glyphs)
    lefts = _lefts(facts, width, glyphs)
    left = next(lefts)
    if facts.last and not _is_severe(facts.last):
        # The name of the latest event is dropped before anything else.
        if line_width(left) + line_width(right) < width:
            return left, right
        right = _right(facts._replace(last=""), width, glyphs)
    room = width - line_width(right) - 1
    while line_width(left) > room:
        shorter = next(lefts, None)
        if shorter is None:
            return cut(left, max(0, room), glyphs.more), right
        left = shorter
    return left, right


def _lefts(facts: StatusFacts, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield the left end from the fullest form to the barest."""
    version = f"{facts.server} {facts.version}" if facts.version and width >= NARROW_COLUMNS else ""
    version = "" if facts.outlook else version
    blank = "  " if width >= NARROW_COLUMNS else " "
    command = _work(facts)
    full, *shorter = _progress(facts, width, glyphs)
    kept = [facts.address]
    for parts, progress in (
        ([version, facts.address], full),
        (kept, full),
        # On a narrow screen, progress matters more than the VM's address.
        *((kept, form) for form in shorter[: width >= NARROW_COLUMNS]),
        *(([], form) for form in (full, *shorter)),
    ):
        words = [_named(facts.name), _state(facts), _mark(facts), _quiet(_shared(facts))]
        words += [_quiet(text) for text in parts]
        line = _joined([word for word in words if word], blank)
        yield line + _apart(progress, blank) + _apart(command, blank)
    bare = barest(facts.works, "status")
    line = _joined([_state(facts)] if facts.state else [], blank)
    for shown in (command, _work(facts, brief=True)):
        yield line + _apart(bare, blank) + _apart(shown, blank)


def _progress(facts: StatusFacts, width: int, glyphs: Glyphs) -> list[Line]:
    """Return progress from the fullest form to the barest; on a narrow screen without a bar."""
    forms = list(progress_forms(facts.works, glyphs, "status"))
    return forms[-2:] if width < NARROW_COLUMNS else forms


def _named(name: str) -> Line:
    return [("status", visible_word(name))] if name else []


def _quiet(text: str) -> Line:
    return [("status", visible_word(text))] if text else []


def _mark(facts: StatusFacts) -> Line:
    marks = {"replay": facts.is_replay, "read-only": facts.read_only}
    shown = " ".join(word for word, holds in marks.items() if holds)
    return [("status.paused", shown)] if shown else []


def _shared(facts: StatusFacts) -> str:
    if facts.through:
        return f"through {facts.through}"
    return f"shared {facts.sharing}" if facts.sharing else ""


def _state(facts: StatusFacts) -> Line:
    if not facts.state:
        return []
    if facts.state not in _CONNECTED:
        return [("status.ended", facts.state)]
    # What the server calls it says more than "paused": prelaunch, inmigrate, io-error.
    alarming = facts.status in _ALARMING and facts.state == "paused"
    style = "status.ended" if alarming else f"status.{facts.state}"
    return [(style, visible_word(facts.status) or facts.state)]


def _work(facts: StatusFacts, *, brief: bool = False) -> Line:
    text = ""
    if facts.running:
        text = f"{visible_word(facts.running)} {elapsed(facts.seconds)}"
    if facts.waiting:
        count = number(facts.waiting)
        text += f" +{count}" if brief else f"{', ' if text else ''}{count} queued"
    return [("status", text)] if text else []


def _joined(words: list[Line], blank: str) -> Line:
    line: Line = []
    for index, word in enumerate(words):
        line += [("status", blank if index else " "), *word]
    return line


def _apart(work: Line, blank: str) -> Line:
    return [("status", f" {blank}"), *work] if work else []


def _right(facts: StatusFacts, width: int, glyphs: Glyphs) -> Line:
    line: Line = []
    position = facts.position if width >= _LEAST_FOR_POSITION else None
    if position is not None:
        first, last, total = map(number, position)
        line.append(("status", f"{first}-{last} of {total}   "))
    if facts.unseen:
        line.append(("status.paused", f"{number(facts.unseen)} new {glyphs.down} Ctrl-End"))
        line.append(("status", "   "))
    # After a deliberate disconnect, state and outlook are the same word.
    if facts.outlook and facts.outlook != facts.state:
        return [*line, ("status", f"{facts.outlook} ")]
    if position is not None and width < NARROW_COLUMNS and not _is_severe(facts.last):
        return [*line[:-1], (line[-1][0], f"{line[-1][1].rstrip()} ")]
    if facts.events is None:
        return line
    line.append(("status", counted(facts.events, "event")))
    if facts.last:
        severe = _is_severe(facts.last)
        line.append(("status", f" {glyphs.dot} last "))
        line.append(("status.ended" if severe else "status", visible_word(facts.last)))
    return [*line, ("status", " ")]


def _is_severe(name: str) -> bool:
    return role(name) == "event.severe"
