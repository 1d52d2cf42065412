"""`.cd`, `.ls`, `.get`, `.prop` and `.find`: QEMU's object model as a file system."""

from __future__ import annotations

import time
from collections.abc import Sequence

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.syntax import VerbLine, prints_reply
from qmpsh.language.verbs import Reach, Takes
from qmpsh.shell.columns import in_columns
from qmpsh.shell.context import Context
from qmpsh.shell.execute import Request, defaulted
from qmpsh.shell.interpreter import run_request
from qmpsh.shell.qom.find import ask_matching, read_filters
from qmpsh.shell.qom.leaving import at_place, leave_if_gone
from qmpsh.shell.qom.listing import ask_members, ask_place, names_of, without_regions
from qmpsh.shell.qom.place import ROOT, place_of, places_of
from qmpsh.shell.qom.requests import VALUES, get_request, path_of, set_request
from qmpsh.shell.steps import Answer, Note, Outcome, Steps
from qmpsh.shell.trees.asking import MAX_SECONDS, ask_rounds
from qmpsh.shell.verbs.events import connected
from qmpsh.shell.verbs.table import verb
from qmpsh.shell.verbs.words import letters_and_words, words_of

NO_OBJECTS = "no such object below {path}"


@verb(
    "cd", "[PATH]", "go to an object of QOM; alone: to the root; -: back", Takes.QOM_PATH, bare=True
)
def change_place(context: Context, line: VerbLine) -> Steps:
    """Go to another working path. Raises LineFailed for one that is not there."""
    path = path_of(context, line) if words_of(line) else ROOT
    if path != ROOT:
        client = connected(context, line)
        questions = ask_place(places_of(path))
        path, _ = yield from ask_rounds(context, client, questions, _deadline(context, line))
    context.place = place_of(context.place).move(path)
    return Outcome()


@verb(
    "ls", "[-l] [-a] [PATH]",
    "list what an object has; -l: with types and values; -a: memory regions too",
    Takes.QOM_PATH, bare=True, letters="al", reach=Reach.READS,
)  # fmt: skip
def list_object(context: Context, line: VerbLine) -> Steps:
    """List children and properties: names, or a table with their values.

    Raises LineSyntaxError, ConnectionLost, ReplyTimeout, LineFailed for a path that is not there.
    """
    client, path = connected(context, line), path_of(context, line)
    letters = letters_and_words(line)[0]
    has_values, started = VALUES in letters, time.monotonic()
    steps = ask_rounds(
        context, client, ask_members(path, has_values=has_values), _deadline(context, line)
    )
    found, late = yield from at_place(context, client, steps)
    members = found if "a" in letters else without_regions(found)
    value: list[Json] = [*members]
    yield _listed(context, line, value, None if has_values else _columns(context, members), started)
    for note in late:
        yield Note(note)
    return Outcome()


@verb(
    "get", "PROPERTY|PATH.PROPERTY", "show the value of a property of QOM",
    Takes.QOM_PROPERTY, bare=True, reach=Reach.READS,
)  # fmt: skip
def get_property(context: Context, line: VerbLine) -> Steps:
    """Send the `qom-get`. Raises LineSyntaxError, and what a command raises."""
    return (yield from _send(context, get_request(context, line)))


@verb(
    "prop", "PROPERTY|PATH.PROPERTY VALUE", "set a property of QOM",
    Takes.QOM_SETTING, bare=True, reach=Reach.CHANGES,
)  # fmt: skip
def set_property(context: Context, line: VerbLine) -> Steps:
    """Send the `qom-set`, its value of the property's type. Raises LineSyntaxError, SchemaMismatch,
    and what a command raises.
    """
    return (yield from _send(context, (yield from set_request(context, line))))


@verb(
    "find", "[type=GLOB] [name=GLOB] [PROPERTY=VALUE...]",
    "find objects of QOM below the working path",
    Takes.QOM_FILTERS, bare=True, reach=Reach.READS,
)  # fmt: skip
def find_objects(context: Context, line: VerbLine) -> Steps:
    """List the objects that fit. Raises UsageError, ConnectionLost, ReplyTimeout, LineFailed."""
    client, path = connected(context, line), place_of(context.place).path
    filters = read_filters(words_of(line))
    started = time.monotonic()
    steps = ask_rounds(context, client, ask_matching(path, filters), _deadline(context, line))
    found, late = yield from at_place(context, client, steps)
    value: list[Json] = [*found]
    if found or prints_reply(defaulted(line.modifiers, context.settings).formats):
        yield _listed(context, line, value, None, started)
    else:
        yield Note(NO_OBJECTS.format(path=path))
    for note in late:
        yield Note(note)
    return Outcome()


def _send(context: Context, request: Request) -> Steps:
    """Send a command; where it fails because the working path is gone, leave that."""
    outcome = yield from run_request(context, request)
    if outcome.exit_code and context.client is not None:
        yield from leave_if_gone(context, context.client)
    return outcome


def _listed(
    context: Context, line: VerbLine, value: list[Json], text: str | None, started: float
) -> Answer:
    """Return a list as an answer: the text, or where there is none a table; JSON for a program."""
    modifiers = defaulted(line.modifiers, context.settings)
    is_json = prints_reply(modifiers.formats)
    formats = modifiers.formats if is_json or text is not None else modifiers.formats | {"table"}
    return Answer(
        "",
        value=value,
        text=None if is_json else text,
        seconds=time.monotonic() - started,
        modifiers=modifiers._replace(formats=formats),
        redirect=line.redirect,
    )


def _columns(context: Context, members: Sequence[JsonObject]) -> str:
    """Return the names, for a person in columns."""
    names = names_of(members)
    is_read = context.settings.interactive or context.settings.reader
    return "\n".join(in_columns(names, context.front_end.columns()) if is_read else names)


def _deadline(context: Context, line: VerbLine) -> float:
    """Return when all must be answered: as the line says, or the shell for every line."""
    timeout = defaulted(line.modifiers, context.settings).timeout
    return time.monotonic() + (MAX_SECONDS if timeout is None else timeout)
