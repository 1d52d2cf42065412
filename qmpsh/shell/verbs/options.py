"""`.set`: the options of the shell, and what each of them does to it."""

from __future__ import annotations

from functools import partial

from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.language.syntax import VerbLine
from qmpsh.language.verbs import Takes
from qmpsh.shell.context import Context
from qmpsh.shell.preferences import ROWS, VIEWS, Preferences, view_of
from qmpsh.shell.steps import Outcome, Steps
from qmpsh.shell.verbs.table import text_answer, verb


@verb("set", "[OPTION [VALUE]]", "show the shell's options, or change one", Takes.OPTION)
def set_option(context: Context, line: VerbLine) -> Steps:
    """Change an option; without a value show its value, without a name all of them."""
    preferences = preferences_of(context)
    name, _, word = line.rest.strip().partition(" ")
    try:
        if word.strip():
            preferences.change(name, word.strip())
            return Outcome()
        shown = {name: preferences.word(name)} if name else {n: preferences.word(n) for n in ROWS}
    except UsageError as error:
        raise LineSyntaxError(str(error), line.source, line.rest_span) from error
    width = max(len(name) for name in shown)
    most = max(len(word) for word in shown.values())
    rows = [f"{n:<{width}} {w:<{most}}  {ROWS[n].summary}" for n, w in shown.items()]
    yield text_answer(line, "\n".join(rows))
    return Outcome()


def preferences_of(context: Context) -> Preferences:
    """Return the shell's preferences; make them from its settings at first."""
    if context.preferences is None:
        preferences = Preferences()
        settings = context.settings
        preferences.values = preferences.values._replace(
            timeout=settings.timeout,
            confirm=not settings.yes,
            live=context.introspection.live,
            view=view_of(settings.formats),
        )
        prefer(context, preferences)
        check = context.front_end.check_option
        preferences.subscribe(lambda name: check(name, preferences.word(name)))
        return preferences
    return context.preferences


def prefer(context: Context, preferences: Preferences) -> None:
    """Let a shell obey these preferences, now and when they change."""
    context.preferences = preferences
    obey = partial(_obey, context, preferences)
    preferences.subscribe(obey)
    for name in ROWS:
        obey(name)


def _obey(context: Context, preferences: Preferences, name: str) -> None:
    values, settings = preferences.values, context.settings
    match name:
        case "live":
            context.introspection.live = values.live
        case "timeout":
            context.settings = settings._replace(timeout=values.timeout)
        case "confirm":
            context.settings = settings._replace(yes=not values.confirm)
        case "view":
            context.settings = settings._replace(formats=_with_view(settings.formats, values.view))


def _with_view(formats: frozenset[str], view: str) -> frozenset[str]:
    """Return the formats with this view in place of the others."""
    return formats.difference(VIEWS[1:]).union([view] if view in VIEWS[1:] else [])
