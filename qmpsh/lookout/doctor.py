"""`qmpsh doctor [ADDRESS]`: checks whether a session works and why not, or what is installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from qmpsh.link.address import parse_address
from qmpsh.lookout.checks import as_json, has_failed, lines_of
from qmpsh.lookout.examination import examine
from qmpsh.lookout.options import Given, maybe_given
from qmpsh.lookout.surroundings import look_around
from qmpsh.options import wants_colour
from qmpsh.splitter import Words
from qmpsh.view.jsontext import compact, pretty
from qmpsh.view.safe import visible

NO_SESSION = 3


def main(words: Words) -> int:
    """Print the checks; return 0 if a session works, else 3.

    Raises UsageError for a bad address.
    """
    given = maybe_given(words)
    if given is None:
        return 0
    name = given.address or words.address
    terminal = sys.stdout.isatty()
    colour = wants_colour(given.color, os.environ, terminal=terminal)
    if name:
        checks = [*examine(name, parse_address(name), _announcer(given))]
    else:
        checks = [*look_around(colour=colour, terminal=terminal)]
    if given.json:
        print((pretty if terminal else compact)([*as_json(checks)]))
    else:
        print("\n".join(lines_of(checks, colour=colour)))
    return NO_SESSION if has_failed(checks) else 0


def _announcer(given: Given) -> Callable[[str], None]:
    """Return what announces the next step to the user; nothing is announced with --json."""

    def announce(text: str) -> None:
        if not given.json:
            print(f"qmpsh: {visible(text)}", file=sys.stderr, flush=True)

    return announce
