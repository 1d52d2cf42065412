"""The differences of two schemas as text: what breaks comes first, and what is alike is one row.

A line is a list of (role, text), as `render.theme` paints it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from qmpsh.light_typing import NamedTuple
from qmpsh.schema.model import Schema
from qmpsh.schema.tools.changes import Change, ChangeKind, Side, path_text

_COUNTS: Final = "{commands} commands, {events} events"
_MORE: Final = "{text}   ({option} lists them)"
_AND_MORE: Final = "(and {count} more {branches})"

MIN_COLUMNS: Final = 40
"""columns that a report takes at least"""
_LABEL_COLUMNS: Final = 32
"""most columns of a command's name, beside which what has changed stands"""
_TITLE_COLUMNS: Final = 16
_INDENT: Final = "  "

ReportLine = list[tuple[str, str]]
"""(role, text) of one line, or of what belongs together in it, as a path and what is gone there"""

_ADDED: Final = "good"
_REMOVED: Final = "hint.error"
_CHANGED: Final = "warning"
_HEAD: Final = "event.name"
_DIM: Final = "dim"


class Compared(NamedTuple):
    """A schema in a report: its name, and the numbers of its commands and events."""

    name: str
    commands: int
    events: int


def compared(name: str, schema: Schema) -> Compared:
    """Return a schema as a report names it."""
    return Compared(name, len(schema.commands), len(schema.events))


class ReportSection(NamedTuple):
    """A part of a report. belongs: whether a change does; is_long: it is counted as a rule"""

    title: str
    belongs: Callable[[Change], bool]
    is_long: bool = False


_NEW: Final = frozenset(
    {
        ChangeKind.COMMAND_ADDED,
        ChangeKind.EVENT_ADDED,
        ChangeKind.MEMBER_ADDED,
        ChangeKind.REQUIRED_ADDED,
        ChangeKind.VALUE_ADDED,
        ChangeKind.BRANCH_ADDED,
        ChangeKind.FEATURE_ADDED,
    }
)

SECTIONS: Final = (
    ReportSection("breaks callers", lambda one: one.breaks and not one.side.is_read),
    ReportSection("answers and events have less", lambda one: one.breaks and one.side.is_read),
    ReportSection("now deprecated", lambda one: one.kind is ChangeKind.DEPRECATED),
    ReportSection("new", lambda one: not one.breaks and one.kind in _NEW, is_long=True),
    ReportSection("other changes", lambda one: True, is_long=True),
)
"""The parts of a report; a change is in the first that it belongs to."""


class SchemaReport(NamedTuple):
    """The differences of two schemas, to be laid out for any width.

    option: what lists the rest, of which only the number is said; "" to list it
    """

    old: Compared
    new: Compared
    changes: tuple[Change, ...]
    option: str = ""

    def lines(self, columns: int) -> list[ReportLine]:
        """Return the lines. columns: of the screen"""
        title = f"{self.old.name} -> {self.new.name}"
        lines: list[ReportLine] = [[(_HEAD, title), ("", _counts(self.old, self.new))]]
        left = list(self.changes)
        for section in SECTIONS:
            mine = [change for change in left if section.belongs(change)]
            left = [change for change in left if not section.belongs(change)]
            if mine and section.is_long and self.option:
                text = _MORE.format(text=_totals(mine), option=self.option)
                lines.append([(_HEAD, f"{section.title:<{_TITLE_COLUMNS}}"), ("", text)])
            elif mine:
                lines.append([(_HEAD, section.title)])
                lines += _rows(mine, max(columns, MIN_COLUMNS))
        return lines


def plain_lines(lines: Iterable[ReportLine]) -> str:
    """Return lines without their roles."""
    return "\n".join("".join(text for _, text in line).rstrip() for line in lines)


def _counts(old: Compared, new: Compared) -> str:
    commands = f"{old.commands} -> {new.commands}"
    events = f"{old.events} -> {new.events}"
    return "    " + _COUNTS.format(commands=commands, events=events)


def _totals(changes: Sequence[Change]) -> str:
    """Return `19 commands, 5 events, 120 members and values`."""
    commands = sum(change.kind is ChangeKind.COMMAND_ADDED for change in changes)
    events = sum(change.kind is ChangeKind.EVENT_ADDED for change in changes)
    others = len(changes) - commands - events
    texts = [_number(commands, "command"), _number(events, "event")]
    is_new = all(change.kind in _NEW for change in changes)
    texts.append(_number(others, "member or value" if is_new else "place"))
    return ", ".join(filter(None, texts))


def _number(count: int, what: str) -> str:
    if not count:
        return ""
    several = "members and values" if what == "member or value" else f"{what}s"
    return f"{count} {what if count == 1 else several}"


# ---------------------------------------------------------------------------- rows


def _rows(changes: Sequence[Change], columns: int) -> Iterator[ReportLine]:
    """Yield the lines of a section: first whole commands and events, then what is in them."""
    whole = [change for change in changes if _is_whole(change)]
    for kind in dict.fromkeys(change.kind for change in whole):
        yield from _wrapped(
            _INDENT, [[_of_whole(change)] for change in whole if change.kind is kind], columns
        )
    groups: dict[str, list[Change]] = {}
    for change in changes:
        if not _is_whole(change):
            groups.setdefault(_label(change.of), []).append(change)
    widest = max(map(len, groups), default=0) + 2 * len(_INDENT)
    for label, mine in groups.items():
        head = f"{_INDENT}{label}{_INDENT}".ljust(min(widest, _LABEL_COLUMNS))
        yield from _wrapped(head, _parts(mine), columns)


_WHOLE_FORMS: Final = {
    ChangeKind.COMMAND_REMOVED: (_REMOVED, "- {}"),
    ChangeKind.EVENT_REMOVED: (_REMOVED, "- event {}"),
    ChangeKind.COMMAND_ADDED: (_ADDED, "+ {}"),
    ChangeKind.EVENT_ADDED: (_ADDED, "+ event {}"),
    ChangeKind.DEPRECATED: (_CHANGED, "{}"),
}


def _is_whole(change: Change) -> bool:
    """Whether it is about a command or an event as such."""
    return change.kind in _WHOLE_FORMS and change.side in (Side.WHOLE, Side.EVENT)


def _of_whole(change: Change) -> tuple[str, str]:
    role, form = _WHOLE_FORMS[change.kind]
    return role, form.format(change.of[0])


def _label(of: tuple[str, ...]) -> str:
    return ", ".join(of) if len(of) <= 2 else f"{of[0]}, {len(of) - 1} more"


def _wrapped(head: str, parts: Iterable[ReportLine], columns: int) -> Iterator[ReportLine]:
    """Yield a head and the parts beside it, in as many lines as that takes; below it if it is
    too long.
    """
    start = len(head)
    line: ReportLine = [("", head)]
    if columns - start < MIN_COLUMNS:
        yield line
        start = 2 * len(_INDENT)
        line = [("", " " * start)]
    used = start
    for part in parts:
        for place, word in enumerate(part):
            blank = " " * (1 if place else 2) if used > start else ""
            width = len(blank) + len(word[1]) + _follower(part, place)
            if used > start and used + width > columns:
                yield line
                indent = start + (len(_INDENT) if place else 0)
                line, used, blank = [("", " " * indent)], start, ""
                used = indent
            line += [("", blank), word] if blank else [word]
            used += len(blank) + len(word[1])
    yield line


def _follower(part: ReportLine, place: int) -> int:
    """Return the columns of what stands beside a word in any case: the first after a place."""
    is_place = place == 0 and len(part) > 1 and part[0][1].endswith(":")
    return len(part[1][1]) + 1 if is_place else 0


# ---------------------------------------------------------------------------- what has changed


def _parts(changes: Sequence[Change]) -> Iterator[ReportLine]:
    """Yield what has changed in a command; what is alike in several branches once, and what is
    removed or added in one place together.
    """
    places: dict[str, list[tuple[Change, int]]] = {}
    for mine in _alike(changes):
        change = mine[0]
        where = change.where if change.kind in _VALUES else change.where[:-1]
        key = path_text(where) if change.kind in _MARKS else ""
        places.setdefault(key, []).append((change, len(mine) - 1))
    for place, found in places.items():
        if place and (len(found) > 1 or found[0][0].kind in _VALUES):
            yield [("", f"{place}:"), *(word for one in found for word in _marked(*one))]
        else:
            for change, more in found:
                yield _text_of(change, more)


def _alike(changes: Sequence[Change]) -> Iterable[list[Change]]:
    """Return the changes that are the same but for the branch of a union."""
    found: dict[tuple[object, ...], list[Change]] = {}
    for change in changes:
        masked = tuple(step.partition("=")[0] for step in change.where)
        where = change.where if change.kind in _VALUES else masked
        key = (change.kind, change.side, where, change.name, change.old, change.new)
        found.setdefault(key, []).append(change)
    return found.values()


_VALUES: Final = frozenset(
    {
        ChangeKind.VALUE_REMOVED,
        ChangeKind.BRANCH_REMOVED,
        ChangeKind.VALUE_ADDED,
        ChangeKind.BRANCH_ADDED,
    }
)

_MARKS: Final = {
    ChangeKind.MEMBER_REMOVED: (_REMOVED, "- {}"),
    ChangeKind.VALUE_REMOVED: (_REMOVED, "- {}"),
    ChangeKind.BRANCH_REMOVED: (_REMOVED, "- {}"),
    ChangeKind.MEMBER_ADDED: (_ADDED, "+ {}"),
    ChangeKind.REQUIRED_ADDED: (_ADDED, "+ {}*"),
    ChangeKind.VALUE_ADDED: (_ADDED, "+ {}"),
    ChangeKind.BRANCH_ADDED: (_ADDED, "+ {}"),
}
"""What is gone or new, by its name in its place; a star as in `.help`: it must be given"""

_FORMS: Final = {
    ChangeKind.MEMBER_MOVED: (_REMOVED, "{path} only with {new}"),
    ChangeKind.NOW_REQUIRED: (_CHANGED, "{path} required"),
    ChangeKind.NOW_OPTIONAL: (_CHANGED, "{path} optional"),
    ChangeKind.TYPE_NARROWED: (_CHANGED, "{path}: {old} -> {new}"),
    ChangeKind.TYPE_WIDENED: (_CHANGED, "{path}: {old} -> {new}"),
    ChangeKind.TYPE_CHANGED: (_CHANGED, "{path}: {old} -> {new}"),
    ChangeKind.FEATURE_REMOVED: (_REMOVED, "- {path} {name}"),
    ChangeKind.FEATURE_ADDED: (_ADDED, "+ {path} {name}"),
    ChangeKind.MARK_REMOVED: (_CHANGED, "{path} not {name}"),
    ChangeKind.DEPRECATED: (_CHANGED, "{path}{value}"),
    ChangeKind.OOB_REMOVED: (_REMOVED, "not out-of-band"),
    ChangeKind.OOB_ADDED: (_ADDED, "out-of-band"),
}


def _marked(change: Change, more: int) -> ReportLine:
    """Return what is gone or new, in a place that is named before. more: as in _text_of"""
    role, form = _MARKS[change.kind]
    return [(role, form.format(change.name or change.where[-1])), *_and_more(more)]


def _text_of(change: Change, more: int) -> ReportLine:
    """Return a change in words. more: branches that have it too"""
    path = path_text(change.where)
    if change.kind in _MARKS:
        role, form = _MARKS[change.kind]
        return [(role, form.format(path or change.name)), *_and_more(more)]
    role, form = _FORMS[change.kind]
    text = form.format(
        path=path,
        name=change.name,
        value=f"={change.name}" if change.name else "",
        old=change.old,
        new=change.new,
    )
    return [(role, " ".join(text.split())), *_and_more(more)]


def _and_more(count: int) -> ReportLine:
    branches = "branch" if count == 1 else "branches"
    return [(_DIM, _AND_MORE.format(count=count, branches=branches))] if count else []
