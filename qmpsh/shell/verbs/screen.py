"""`.screen`: what the VM's display shows, now or once a row of it has what is waited for."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Generator
from typing import NamedTuple

from qmpsh.display.fonts import Font, load_font
from qmpsh.display.forms import AUTO, OFF
from qmpsh.display.picture import write_ppm
from qmpsh.display.png import write_png
from qmpsh.display.screen import Screen
from qmpsh.errors import (
    ConnectionLost,
    LineSyntaxError,
    QmpshError,
    ReplyTimeout,
    UsageError,
    os_reason,
)
from qmpsh.jsontypes import JsonObject
from qmpsh.language.syntax import Modifiers, VerbLine, parse_duration, prints_reply
from qmpsh.language.tokens import TIME
from qmpsh.language.verbs import Reach, Takes
from qmpsh.regular import replace_named_file
from qmpsh.shell.context import Context
from qmpsh.shell.execute import Request, defaulted, dry_run_text
from qmpsh.shell.screen.dump import Display, dump_command
from qmpsh.shell.screen.reader import ScreenReader, Shot
from qmpsh.shell.screen.session import screen_of
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, WaitFor, Wish
from qmpsh.shell.verbs.events import connected
from qmpsh.shell.verbs.table import verb
from qmpsh.shell.verbs.words import words_of

_WANTS_FILE = "expected one file whose name ends in .png, .ppm or .txt, as in .screen shot.png"
_NO_WAIT = ".screen takes no --wait: --until PATTERN waits for what the screen shows"
_TOGETHER = ".screen: {one} and {other} do not go together"
_BAD_PATTERN = "--until needs a regular expression: {why}"
_IS_PICTURE = (
    "the screen shows a picture of {width} x {height} pixels, not text: of {inked} cells {known}"
    " are characters; .screen FILE.png saves it"
)
_NO_FONTS = (
    "{unknown} of {inked} characters are not in the VM's own font, and this machine has no others:"
    " install console-setup-linux or kbd, or give one with --font"
)
_UNWRITTEN = "cannot write {path}: {why}"
_WRITTEN = "{path}: {width} x {height} pixels"
_SILENT_SECONDS = 2.0
"""seconds without an answer that say something about the VM"""
_NOT_SHOWN = ".screen: waited {timeout:g} s for {pattern}; {state}"
_LOST = ".screen: lost the connection while waiting for {pattern}"
_WATCH_LOST = ".screen: lost the connection while watching"
_UNCHANGED = "the screen has not changed since .type"
_PICTURE = "the screen shows a picture, not text"
_NOT_THERE = "it is not on the screen"

_TOO_OFTEN = "--watch takes 250ms at the least, not {given:g} s: each picture holds the VM up"

_CONTRADICTIONS = (
    ("--text", "a file"),
    ("--until", "a file"),
    ("--watch", "a file"),
    ("--until", "--watch"),
)

POLL_SECONDS = 0.25
"""between two pictures, which hold the VM up for some milliseconds each"""


class _Look(NamedTuple):
    """What a line wants to see. deadline: of `time.monotonic()`, None for no limit"""

    display: Display
    font: Font | None
    deadline: float | None


class _Row(NamedTuple):
    """A row of a screen. number: from 0"""

    number: int
    text: str


@verb(
    "screen", "[FILE.png|.ppm|.txt]",
    "show the VM's display; --text: as text; --until PATTERN: once a row has it; --watch",
    Takes.FILE, modifiers=("text", "until", "watch", "device", "head", "font"), reach=Reach.READS,
)  # fmt: skip
def show_screen(context: Context, line: VerbLine) -> Steps:
    """Look at the screen, now or until it shows something.

    Raises LineSyntaxError, UsageError, PictureError, CommandFailed, ReplyTimeout, ConnectionLost.
    """
    words = words_of(line)
    modifiers, words = _with_time(defaulted(line.modifiers, context.settings), words)
    path = _file_of(line, words)
    _refuse_together(modifiers, path)
    pattern = _pattern_of(modifiers)
    font = None if modifiers.font is None else load_font(modifiers.font)
    display = Display(modifiers.device or "", modifiers.head)
    if context.settings.dry_run:
        yield Answer("", text=dry_run_text(Request(dump_command(0, display))))
        return Outcome()
    client = connected(context, line)
    yield from context.introspection.load_commands()  # by which a storage daemon is recognised
    screen = screen_of(context, client)
    deadline = None if modifiers.timeout is None else time.monotonic() + modifiers.timeout
    look = _Look(display, font, deadline)
    line = line._replace(modifiers=modifiers)
    if pattern is not None:
        return (yield from screen.looking(_wait_for(screen, line, look, pattern), deadline))
    if modifiers.watch is not None:
        return (yield from screen.looking(_watch(context, screen, line, look), deadline))
    shot = yield from screen.looking(screen.shot(look.display, deadline, font), deadline)
    if path:
        return (yield from _save(context, shot, path))
    return (yield from _show(context, line, shot))


def _with_time(modifiers: Modifiers, words: list[str]) -> tuple[Modifiers, list[str]]:
    """Take a time that stands after `--watch` into it."""
    if modifiers.watch is None or not words or not re.fullmatch(TIME, words[0]):
        return modifiers, words
    return modifiers._replace(watch=parse_duration(words[0])), words[1:]


def _file_of(line: VerbLine, words: list[str]) -> str:
    """Return the file that a line names, "" for none. Raises LineSyntaxError for another word."""
    if not words:
        return ""
    if len(words) > 1 or os.path.splitext(words[0])[1] not in _WRITERS:
        raise LineSyntaxError(_WANTS_FILE, line.source, line.rest_span)
    return words[0]


def _refuse_together(modifiers: Modifiers, path: str) -> None:
    """Raise UsageError for what has no meaning together."""
    if modifiers.wait is not None:
        raise UsageError(_NO_WAIT)
    given = {
        "a file": bool(path),
        "--text": _wants_text(modifiers),
        "--until": modifiers.until is not None,
        "--watch": modifiers.watch is not None,
    }
    for one, other in _CONTRADICTIONS:
        if given[one] and given[other]:
            raise UsageError(_TOGETHER.format(one=one, other=other))
    if modifiers.watch is not None and modifiers.watch < POLL_SECONDS:
        raise UsageError(_TOO_OFTEN.format(given=modifiers.watch))


def _wants_text(modifiers: Modifiers) -> bool:
    return "text" in modifiers.flags


def _pattern_of(modifiers: Modifiers) -> re.Pattern[str] | None:
    if modifiers.until is None:
        return None
    try:
        return re.compile(modifiers.until)
    except re.error as error:
        raise UsageError(_BAD_PATTERN.format(why=error)) from error


# ---------------------------------------------------------------------------- now


def _save(context: Context, shot: Shot, path: str) -> Steps:
    """Write the picture, or its text, to a file; at the prompt its size is shown."""
    picture = shot.picture
    if path.endswith(".txt"):
        _refuse_picture(shot)
    data = _WRITERS[os.path.splitext(path)[1]](shot)
    try:
        replace_named_file(path, data, 0o666)
    except OSError as error:
        raise UsageError(_UNWRITTEN.format(path=path, why=os_reason(error))) from error
    if context.settings.interactive:
        yield Note(_WRITTEN.format(path=path, width=picture.width, height=picture.height))
    return Outcome()


def _ppm(shot: Shot) -> bytes:
    return write_ppm(shot.picture)


def _png(shot: Shot) -> bytes:
    return write_png(shot.picture)


def _text(shot: Shot) -> bytes:
    return "".join(f"{row}\n" for row in shot.text.lines).encode()


_WRITERS: dict[str, Callable[[Shot], bytes]] = {".png": _png, ".ppm": _ppm, ".txt": _text}
"""What writes a file, by the end of its name."""


def _show(context: Context, line: VerbLine, shot: Shot) -> Steps:
    """Show the screen: on a terminal as it is, else its text."""
    screen = _drawn(context, line, shot)
    if screen is None and not prints_reply(line.modifiers.formats):
        _refuse_picture(shot)
    if shot.misses_fonts():
        text = shot.text
        yield Note(_NO_FONTS.format(unknown=text.inked - text.known, inked=text.inked))
    yield _answer(line, shot, screen)
    return Outcome(1 if _wants_text(line.modifiers) and not shot.text.is_text else 0)


def _answer(line: VerbLine, shot: Shot, screen: Screen | None) -> Answer:
    """Return the answer of a line. screen: what a terminal draws, None for the text"""
    described = _described(shot)
    return Answer(
        "",
        value=described,
        text="\n".join(shot.text.lines) if shot.text.is_text else _picture_said(shot),
        reply=described,
        modifiers=line.modifiers,
        redirect=line.redirect,
        screen=screen,
        one_line=line.modifiers.watch is not None,
    )


def _drawn(context: Context, line: VerbLine, shot: Shot) -> Screen | None:
    """Return what a terminal draws; None where its text is wanted."""
    settings, preferences = context.settings, context.preferences
    form = AUTO if preferences is None else preferences.values.pictures
    is_seen = (settings.interactive or settings.reader) and line.redirect is None
    if _wants_text(line.modifiers) or not is_seen or form == OFF:
        return None
    return Screen(shot.picture, shot.text, form)


def _refuse_picture(shot: Shot) -> None:
    """Raise QmpshError for a screen that is not text."""
    if not shot.text.is_text:
        raise QmpshError(_picture_said(shot))


def _picture_said(shot: Shot) -> str:
    text, (width, height, _) = shot.text, shot.picture
    return _IS_PICTURE.format(width=width, height=height, known=text.known, inked=text.inked)


def _described(shot: Shot) -> JsonObject:
    """Return what `--json` prints of a screen."""
    text, (width, height, _) = shot.text, shot.picture
    return {
        "kind": "text" if text.is_text else "picture",
        "width": width,
        "height": height,
        "columns": text.grid.columns,
        "rows": text.grid.rows,
        "known": round(text.share, 4),
        "text": [*text.lines] if text.is_text else [],
    }


# ---------------------------------------------------------------------------- again


def _watch(context: Context, screen: ScreenReader, line: VerbLine, look: _Look) -> Steps:
    """Show the screen each time it has changed, until the time is over or the user ends it.

    Raises ConnectionLost.
    """
    client, deadline = screen.client, look.deadline
    interval = line.modifiers.watch or POLL_SECONDS
    last: Shot | None = None
    while True:
        due = time.monotonic() + interval
        shot = yield from screen.shot(look.display, None, look.font)
        if last is None:
            yield from _show(context, line, shot)
        elif not shot.looks_like(last):
            yield _answer(line, shot, _drawn(context, line, shot))
        last = shot
        until = due if deadline is None else min(due, deadline)
        yield WaitFor(lambda: client.closed, until, endless=True, shares=True)
        if client.closed:
            raise ConnectionLost(_WATCH_LOST)
        if until == deadline:
            return Outcome()


# ---------------------------------------------------------------------------- until


def _wait_for(screen: ScreenReader, line: VerbLine, look: _Look, pattern: re.Pattern[str]) -> Steps:
    """Look until a row has the pattern, and show that row.

    Raises ReplyTimeout, ConnectionLost.
    """
    row = yield from _awaited_row(screen, line, look, pattern)
    screen.awaited = None
    yield _row_answer(line, row)
    return Outcome()


def _awaited_row(
    screen: ScreenReader, line: VerbLine, look: _Look, pattern: re.Pattern[str]
) -> Generator[Wish, str, _Row]:
    """Return the row that has the pattern, once there is one.

    Raises ReplyTimeout, ConnectionLost.
    """
    deadline = look.deadline
    shot: Shot | None = None
    state = ""
    until: float | None = None
    late: ReplyTimeout | None = None
    try:
        while deadline is None or until != deadline:
            begun = time.monotonic()
            due = begun + POLL_SECONDS
            shot = yield from screen.shot(look.display, deadline, look.font)
            state, row = _look_for(screen, shot, pattern)
            if row is not None:
                return row
            until = due if deadline is None else min(due, deadline)
            yield from _pause(screen, until, pattern)
    except ReplyTimeout as error:
        # The time may be over in the middle of a look, which does not mean that the VM is silent.
        if shot is None or time.monotonic() - begun >= _SILENT_SECONDS:
            late = error
    # No change can follow any more: what is shown counts as it is.
    row = None if shot is None else _row_with(shot, pattern)
    if row is None:
        timeout, text = line.modifiers.timeout, pattern.pattern
        raise late or ReplyTimeout(_NOT_SHOWN.format(timeout=timeout, pattern=text, state=state))
    return row


def _pause(
    screen: ScreenReader, until: float, pattern: re.Pattern[str]
) -> Generator[Wish, str, None]:
    """Leave time between two looks. Raises ConnectionLost."""
    yield WaitFor(lambda: screen.client.closed, until, endless=True, shares=True)
    if screen.client.closed:
        raise ConnectionLost(_LOST.format(pattern=pattern.pattern))


def _look_for(
    screen: ScreenReader, shot: Shot, pattern: re.Pattern[str]
) -> tuple[str, _Row | None]:
    """Return why a row was not found, or the row."""
    if screen.awaited is not None and screen.awaited.has_come(shot):
        screen.awaited = None
    state = _NOT_THERE if screen.awaited is None else _UNCHANGED
    if screen.awaited is not None and screen.awaited.may_come:
        return state, None
    if not shot.text.is_text:
        return _PICTURE, None
    return state, _row_with(shot, pattern)


def _row_with(shot: Shot, pattern: re.Pattern[str]) -> _Row | None:
    """Return the first row of a text that has the pattern."""
    rows = shot.text.lines if shot.text.is_text else ()
    return next((_Row(at, row) for at, row in enumerate(rows) if pattern.search(row)), None)


def _row_answer(line: VerbLine, row: _Row) -> Answer:
    described: JsonObject = {"row": row.number, "text": row.text}
    return Answer(
        "",
        value=described,
        text=row.text,
        reply=described,
        modifiers=line.modifiers,
        redirect=line.redirect,
    )
