"""`.set`, and what the options mean for the shell itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qmpsh.complete.candidates import Setting
from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.lang.syntax import VerbLine
from qmpsh.shell.preferences import ROWS, Preferences

if TYPE_CHECKING:
    from qmpsh.shell.shell import Shell


def prefer(shell: Shell, preferences: Preferences) -> None:
    """Let a shell obey these preferences, now and when they change."""
    shell.preferences = preferences
    obey = partial(_obey, shell, preferences)
    preferences.subscribe(obey)
    for name in ROWS:
        obey(name)


def preferences_of(shell: Shell) -> Preferences:
    """The shell's preferences; made from its settings where it had none yet."""
    if shell.preferences is None:
        preferences = Preferences()
        settings = shell.settings
        preferences.values = preferences.values._replace(
            timeout=settings.timeout, confirm=not settings.yes, live=shell.introspection.live
        )
        prefer(shell, preferences)
        for name, check in shell.checks.items():
            preferences.subscribe(partial(_check, preferences, name, check))
        return preferences
    return shell.preferences


def completable(preferences: Preferences) -> dict[str, Setting]:
    """The options as completion wants them."""
    return {
        name: Setting(
            row.summary, partial(preferences.word, name), partial(preferences.choices, name)
        )
        for name, row in ROWS.items()
    }


def set_option(shell: Shell, line: VerbLine) -> str:
    """Run `.set`: one option; without a value its value, without a name all of them.

    Returns the text to show, "" for none. Raises LineSyntaxError.
    """
    preferences = preferences_of(shell)
    name, _, word = line.rest.strip().partition(" ")
    try:
        if word.strip():
            preferences.change(name, word.strip())
            return ""
        shown = {name: preferences.word(name)} if name else {n: preferences.word(n) for n in ROWS}
    except UsageError as error:
        raise LineSyntaxError(str(error), line.source, line.rest_span) from error
    width = max(len(name) for name in shown)
    most = max(len(word) for word in shown.values())
    return "\n".join(f"{n:<{width}} {w:<{most}}  {ROWS[n].summary}" for n, w in shown.items())


def _check(
    preferences: Preferences, name: str, check: Callable[[str], object], changed: str
) -> None:
    if changed == name:
        check(preferences.word(name))


def _obey(shell: Shell, preferences: Preferences, name: str) -> None:
    values, settings = preferences.values, shell.settings
    match name:
        case "live":
            shell.introspection.live = values.live
        case "timeout":
            shell.settings = settings._replace(timeout=values.timeout)
        case "confirm":
            shell.settings = settings._replace(yes=not values.confirm)
        case "view":
            shell.settings = settings._replace(table=values.view == "table")
