"""`.type` and `.key`: the guest's keyboard.

What is typed may be a password: no log, history, report or message repeats it.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Final

from qmpsh.display.keys import (
    ALIASES,
    Chord,
    check_layout,
    chord_names,
    chords_of_text,
    read_chord,
    read_text,
)
from qmpsh.display.layouts import DEFAULT_LAYOUT
from qmpsh.errors import ConnectionLost, LineSyntaxError, UsageError
from qmpsh.jsontypes import JsonObject
from qmpsh.language.arguments import raw_words
from qmpsh.language.syntax import VerbLine
from qmpsh.language.verbs import Reach, Takes
from qmpsh.protocol.messages import Command
from qmpsh.schema.key_codes import key_codes
from qmpsh.secrets.masker import mask_line
from qmpsh.secrets.rules import ASKED
from qmpsh.secrets.text import MASK
from qmpsh.shell.context import Context
from qmpsh.shell.execute import Request, defaulted, dry_run_text
from qmpsh.shell.keyboard import KEY_COMMAND, PACE_SECONDS, Keyboard, Presses
from qmpsh.shell.policy import refuse_unless_reading
from qmpsh.shell.screen.dump import Display
from qmpsh.shell.screen.session import note_before_typing
from qmpsh.shell.steps import Answer, AskSecret, Note, Outcome, Steps, Wish
from qmpsh.shell.verbs.table import verb
from qmpsh.shell.verbs.words import words_of
from qmpsh.suggest import did_you_mean

_WANTS_TEXT: Final = "expected a text, as in .type 'root\\n'; ? asks for one without showing it"
_WANTS_CHORD: Final = "expected keys, as in .key ctrl-alt-delete"
_NO_KEY: Final = "no key {name}{hint}"
_NO_KEYBOARD: Final = ".{verb}: {title} has no keyboard; connect to the QMP monitor of a QEMU"
_ASKS: Final = "text to type:"
_TYPED: Final = "typed {count} {what}"
_PRESSED: Final = "pressed {count} {what}"
_TYPED_SECRET: Final = "typed it"
_CHARACTERS: Final = ("character", "characters")
_KEYS: Final = ("key", "keys")

_Nouns = tuple[str, str]
"""What to call one of the things that are counted, and several."""

_MODIFIERS: Final = ("layout", "rate", "device", "head")


@verb(
    "type", "TEXT", "type a text on the guest's keyboard; \\n is Enter, ? asks for the text",
    Takes.TEXT, modifiers=_MODIFIERS, reach=Reach.CHANGES,
)  # fmt: skip
def type_text(context: Context, line: VerbLine) -> Steps:
    """`.type TEXT`: each character by the keys that the layout has for it.

    Raises UsageError before anything is sent; later CommandFailed, ReplyTimeout, ConnectionLost.
    """
    words = raw_words(line.rest) if line.words is None else line.words
    layout = yield from _layout_for(context, line, words, _WANTS_TEXT)
    is_asked = words == (ASKED,)
    if is_asked:
        text = yield AskSecret(_ASKS, ())
        units = chords_of_text(text, layout, shown=False)
    else:
        try:
            units = chords_of_text(read_text(" ".join(words)), layout)
        except UsageError as error:
            raise _masked(line, error) from error
    said = _TYPED_SECRET if is_asked else _counted(_TYPED, len(units), _CHARACTERS)
    return (yield from _press(context, line, units, said))


@verb(
    "key", "CHORD...", "press keys of the guest's keyboard, as in .key ctrl-alt-delete",
    Takes.CHORDS, modifiers=_MODIFIERS, reach=Reach.CHANGES,
)  # fmt: skip
def press_keys(context: Context, line: VerbLine) -> Steps:
    """`.key CHORD...`: one after the other.

    Raises UsageError before anything is sent; later CommandFailed, ReplyTimeout, ConnectionLost.
    """
    words = words_of(line)
    layout = yield from _layout_for(context, line, words, _WANTS_CHORD)
    yield from context.introspection.load_schema()
    try:
        _check_names(context, words)
        units = [(read_chord(word, layout),) for word in words]
    except UsageError as error:
        raise LineSyntaxError(str(error), line.source, line.rest_span) from error
    said = _counted(_PRESSED, len(units), _KEYS)
    return (yield from _press(context, line, units, said))


def _layout_for(
    context: Context, line: VerbLine, words: Sequence[str], wants: str
) -> Generator[Wish, str, str]:
    """Return the layout to type a line's words with. wants: said where there are none

    Raises UsageError for an unknown layout, where nothing may be typed, or there is no keyboard.
    """
    if not words:
        raise LineSyntaxError(wants, line.source, line.rest_span)
    layout = check_layout(line.modifiers.layout or DEFAULT_LAYOUT)
    yield from _refuse(context, line)
    return layout


def _refuse(context: Context, line: VerbLine) -> Generator[Wish, str, None]:
    """Raise UsageError where nothing may be typed, or there is no keyboard."""
    if context.settings.read_only:
        refuse_unless_reading(Command(KEY_COMMAND))
    if context.settings.dry_run or context.client is None:
        return
    yield from context.introspection.load_commands()
    names = context.introspection.commands
    if names and KEY_COMMAND not in names:
        raise UsageError(_NO_KEYBOARD.format(verb=line.name, title=context.client.dialect.title))


def _check_names(context: Context, words: Sequence[str]) -> None:
    """Raise UsageError for a key that the server does not know, where its schema says which."""
    known = key_codes(context.introspection.schema)
    names = [name for word in words for name in chord_names(word) if len(name) > 1]
    for name in names if known else ():
        if ALIASES.get(name.lower(), name.lower()) not in known:
            hint = did_you_mean(name, (*known, *ALIASES))
            raise UsageError(_NO_KEY.format(name=name, hint=hint))


def _press(context: Context, line: VerbLine, units: Sequence[Sequence[Chord]], said: str) -> Steps:
    """Press the keys. said: at the end"""
    modifiers = defaulted(line.modifiers, context.settings)
    pace = PACE_SECONDS if modifiers.rate is None else modifiers.rate
    keyboard = Keyboard(Display(modifiers.device or "", modifiers.head), pace)
    answer = Answer("", text=said, modifiers=modifiers, redirect=line.redirect)
    if context.settings.dry_run or context.client is None:
        chords = [chord for unit in units for chord in unit]
        sent = [dry_run_text(Request(keyboard.command(chord))) for chord in chords]
        yield answer._replace(text="\n".join(sent))
        return Outcome()
    client = context.client
    if not context.settings.one_shot:  # or no line follows that looks whether it has changed
        yield from note_before_typing(context, client, keyboard.display)
    presses = Presses(client, keyboard, units, modifiers.timeout)
    context.before_sending(client, Command(KEY_COMMAND))
    started = time.monotonic()
    try:
        yield from presses.steps()
    except ConnectionLost:
        if context.settings.interactive:  # where the loss is shown once, not for each line
            yield Note(presses.said())
        raise
    count: JsonObject = {"typed": presses.done}
    seconds = time.monotonic() - started
    yield answer._replace(value=count, reply=count, seconds=seconds)
    return Outcome()


def _counted(text: str, count: int, what: _Nouns) -> str:
    return text.format(count=count, what=what[count != 1])


def _masked(line: VerbLine, error: UsageError) -> LineSyntaxError:
    """Return the error of a text, whose place is named in words: it is not shown."""
    source = mask_line(line.source)
    start = source.find(MASK)
    found = LineSyntaxError(str(error), source, (start, start + len(MASK)))
    # Its words are our own: one that the text has too must not be taken out of them.
    found.is_masked = True
    return found
