"""How the list of jobs looks: its rows, its keys and what is said of the selected job. Pure.

Names and errors come from the VM and are made safe here. Without room for all columns the type is
dropped first, then the bar, the rate and the state.
"""

from __future__ import annotations

from qmpsh.render.safe import visible_word
from qmpsh.render.tables import padded, text_columns
from qmpsh.render.theme import Glyphs, Line, plain
from qmpsh.render.units import BAR_CELLS, bar, elapsed, number, percent, size
from qmpsh.shell.work import JobEntry
from qmpsh.ui.common.style import question_line
from qmpsh.ui.common.wrap import cut, line_width
from qmpsh.ui.screen.jobs import JobList

EMPTY = "no jobs, and no migration under way"
EMPTY_TIP = "what starts is listed here as it starts; Esc goes back"

_GAP = "  "
_LEAST_NAME = 12
"""columns that an id keeps before another column is dropped"""

_MOST = {"type": 12, "status": 16}
"""columns, of the VM's own words"""

_TITLES = {
    "name": "JOB",
    "type": "TYPE",
    "status": "STATUS",
    "bar": "PROGRESS",
    "percent": "DONE",
    "rate": "RATE",
    "left": "LEFT",
}
_WIDTHS = {"bar": BAR_CELLS + 6, "percent": 5, "rate": 9, "left": 7}
_RIGHT = frozenset({"percent", "rate", "left"})
_COURSE = frozenset({"bar", "percent", "rate", "left"})
"""The columns in whose place the result of an ended job stands"""

_FORMS = (
    ("type", "status", "bar", "rate", "left"),
    ("status", "bar", "rate", "left"),
    ("status", "percent", "rate", "left"),
    ("status", "percent", "left"),
    ("percent", "left"),
)
"""Columns beside the id, from the fullest form to the barest"""

_ATTENTION = frozenset({"paused", "standby", "ready", "pending", "pre-switchover"})
"""states that only another command ends"""

_BACK = "back"


def job_rows(jobs: JobList, width: int, height: int, glyphs: Glyphs) -> list[Line]:
    """Return the header and the rows that are in view."""
    if not jobs.entries:
        return [cut([("dim", EMPTY)], width, glyphs.more)]
    widths = _columns(jobs, width)
    header: Line = [("dim", _joined({name: _TITLES[name] for name in widths}, widths))]
    rows = [cut(header, width, glyphs.more)]
    first = jobs.first_row(height - 1)
    for entry in jobs.entries[first : first + height - 1]:
        row = cut(_row(entry, widths, width, glyphs), width, glyphs.more)
        if entry is jobs.selected:
            row = [("menu.current", plain(row).ljust(width + len(plain(row)) - line_width(row)))]
        rows.append(row)
    return rows


def job_keys(jobs: JobList, width: int) -> Line:
    """Return what the keys do with the selected job, or the question; the last ones are dropped
    first, but never the way back.
    """
    if jobs.question is not None:
        return question_line(jobs.question)
    words = [(action.key, action.does) for action in jobs.actions]
    words += [("w", "wait")] if jobs.can_wait else []
    end = ("q", _BACK)
    while words and line_width(_keys([*words, end])) > width:
        words.pop()
    return _keys([*words, end])


def job_hint(jobs: JobList, busy: str, glyphs: Glyphs) -> Line:
    """Return the row below: what the last key said, else more about the selected job.

    busy: the command without an answer, and since when
    """
    if jobs.question is not None:
        return [("hint", f"Enter: {jobs.question.choices[0][1]}; Esc cancels")]
    if jobs.message:
        return [("hint.error", visible_word(jobs.message))]
    if busy:
        return [("hint", f"no answer yet to {visible_word(busy)}")]
    entry = jobs.selected
    if entry is None:
        return [("hint", EMPTY_TIP)]
    dot = f" {glyphs.dot} "
    count = f"{number(jobs.place + 1)}/{number(len(jobs.entries))}"
    return [("hint", dot.join(filter(None, (count, _details(entry)))))]


def _details(entry: JobEntry) -> str:
    """Return what has no column: how far it is in units, or how it ended."""
    name = visible_word(f"{entry.type} {entry.name}".strip())
    if entry.result:
        return f"{name}: {visible_word(entry.result)}"
    if not entry.total:
        return name
    if entry.in_bytes:
        return f"{name}: {size(entry.done)} of {size(entry.total)}"
    return f"{name}: {number(entry.done)} of {number(entry.total)}"


def _keys(words: list[tuple[str, str]]) -> Line:
    line: Line = []
    for key, does in words:
        line += [("", _GAP if line else ""), ("hint.current", key), ("", f" {does}")]
    return line


def _columns(jobs: JobList, width: int) -> dict[str, int]:
    """Return the columns that fit, and how wide they are."""
    wanted = {
        name: max(text_columns(_cell(entry, name)) for entry in jobs.entries)
        for name in ("name", "type", "status")
    }
    widths: dict[str, int] = {}
    for form in _FORMS:
        widths = {name: _width(name, wanted) for name in form}
        room = width - sum(widths.values()) - len(_GAP) * len(form)
        if room >= min(_LEAST_NAME, wanted["name"]):
            break
    name = max(len(_TITLES["name"]), min(wanted["name"], room))
    return {"name": max(1, name), **widths}


def _width(name: str, wanted: dict[str, int]) -> int:
    if name in _WIDTHS:
        return _WIDTHS[name]
    return max(len(_TITLES[name]), min(_MOST[name], wanted[name]))


def _row(entry: JobEntry, widths: dict[str, int], width: int, glyphs: Glyphs) -> Line:
    names = [name for name in widths if not (entry.result and name in _COURSE)]
    line: Line = []
    for name in names:
        if name == "bar" and entry.work.fraction is not None:
            share = percent(entry.work.fraction).rjust(_WIDTHS["percent"])
            line += [("", _GAP), ("progress", bar(entry.work.fraction, glyphs)), ("", f" {share}")]
            continue
        text = padded(_cell(entry, name), widths[name], glyphs.more, right=name in _RIGHT)
        line.append((_role(entry, name), f"{_GAP if line else ''}{text}"))
    if entry.result:
        role = "error" if entry.failed else "dim"
        line.append((role, f"{_GAP}{visible_word(entry.result)}"))
    return line


def _role(entry: JobEntry, name: str) -> str:
    if entry.result:
        return "dim"
    return "warning" if name == "status" and entry.status in _ATTENTION else ""


def _cell(entry: JobEntry, name: str) -> str:
    """Return the text of a cell, safe to show."""
    work = entry.work
    match name:
        case "name":
            return "migration" if entry.is_migration else visible_word(entry.name)
        case "type":
            return "" if entry.is_migration else visible_word(entry.type)
        case "status":
            return "ended" if entry.status in ("null", "") else visible_word(entry.status)
        case "percent":
            return "" if work.fraction is None else percent(work.fraction)
        case "rate":
            return "" if work.rate is None else f"{size(round(work.rate))}/s"
        case "left":
            return "" if work.left is None else elapsed(work.left)
    return ""


def _joined(cells: dict[str, str], widths: dict[str, int]) -> str:
    texts = [
        padded(cells[name], columns, "", right=name in _RIGHT) for name, columns in widths.items()
    ]
    return _GAP.join(texts).rstrip()
