"""The values of the options, and the facts about the terminal that their defaults depend on."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from qmpsh.errors import UsageError
from qmpsh.shell.settings import Settings

if TYPE_CHECKING:
    from qmpsh.schema.model import Schema


class Options(NamedTuple):
    """The values of all options.

    settings:        how the shell is to behave
    files:           scripts to read, "-" is stdin
    connect_timeout: seconds, None where it is not said
    color:           auto, always or never
    plain:           a line prompt, no full screen
    negotiate:       wait for a greeting and answer it
    oob:             ask for out-of-band execution where it is offered
    schema:          files that stand for the server's own schema and devices
    config:          the configuration file, "" for the usual one
    logfile:         of the wire, "" for none
    guest_agent:     the server is one
    awaited:         wait for its socket, too: --connect-timeout stands on the command line
    """

    settings: Settings = Settings()
    files: tuple[str, ...] = ()
    connect_timeout: float | None = None
    color: str = "auto"
    plain: bool = False
    negotiate: bool = True
    oob: bool = True
    schema: tuple[str, ...] = ()
    config: str = ""
    logfile: str = ""
    guest_agent: bool = False
    awaited: bool = False

    @property
    def is_traced(self) -> bool:
        """Whether the wire is traced: -v, --logfile."""
        return self.settings.verbose or bool(self.logfile)

    def given_schema(self) -> Schema | None:
        """The schema of --schema, None without. Raises UsageError."""
        if not self.schema:
            return None
        # Imported here: only --schema needs it.
        from qmpsh.schema.cache import read_schema_files

        return read_schema_files(self.schema)


def wants_colour(choice: str, environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Whether to colour. Source: no-color.org, bixense.com/clicolors; an option outdoes both."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return terminal and environ.get("TERM") != "dumb"


def for_batch(options: Options, *, one_shot: bool) -> tuple[Settings, bool]:
    """The settings of a batch, which depend on what it is to run and on where that is shown; and
    whether to colour answers.

    Raises UsageError for `--wait=EVENT` without a line.
    """
    terminal = sys.stdout.isatty()
    settings = options.settings
    if settings.wait and not one_shot:
        raise UsageError("--wait=EVENT is for one line; in a script it goes after the line")
    settings = settings._replace(
        pretty=terminal if settings.pretty is None else settings.pretty,
        one_shot=one_shot,
        bar=sys.stderr.isatty() and os.environ.get("TERM") != "dumb",
        reader=terminal,
    )
    return settings, wants_colour(options.color, os.environ, terminal=terminal)


def is_interactive() -> bool:
    """Whether a person sits at both ends."""
    return os.isatty(0) and sys.stdout.isatty()
