"""What the options say, in one value; and the terminal's facts that their defaults rest on."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import NamedTuple

from qmpsh.shell.settings import Settings


class Options(NamedTuple):
    """files: scripts to read, "-" is stdin; color: auto, always, never;
    connect_timeout: seconds, None where it is not said;
    negotiate: wait for a greeting and answer it; oob: ask for out-of-band where offered;
    schema: a file that stands for the server's own schema, "" for none;
    config: the configuration file, "" for the usual one; logfile: of the wire, "" for none.
    """

    settings: Settings = Settings()
    files: tuple[str, ...] = ()
    connect_timeout: float | None = None
    color: str = "auto"
    plain: bool = False
    negotiate: bool = True
    oob: bool = True
    schema: str = ""
    config: str = ""
    logfile: str = ""


def wants_colour(choice: str, environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Whether to colour. Source: no-color.org, bixense.com/clicolors; an option outdoes both."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return terminal and environ.get("TERM") != "dumb"


def batch_looks(options: Options) -> tuple[Settings, bool]:
    """The settings with the layout of JSON decided, and whether to colour, of answers on stdout."""
    terminal = sys.stdout.isatty()
    settings = options.settings
    if settings.pretty is None:
        settings = settings._replace(pretty=terminal)
    return settings, wants_colour(options.color, os.environ, terminal=terminal)


def is_interactive() -> bool:
    """Whether a person sits at both ends."""
    return os.isatty(0) and sys.stdout.isatty()
