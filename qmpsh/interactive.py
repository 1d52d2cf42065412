"""A person's session: which front end it gets, and what both are handed.

The session itself is made by the front end, because it wants to be told from the first event on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from qmpsh.link.client import Client
from qmpsh.options import Options, wants_colour
from qmpsh.schema.model import Schema
from qmpsh.shell.history import is_kept
from qmpsh.shell.secrets import mask_line
from qmpsh.shell.session import Session, Watcher

if TYPE_CHECKING:
    from qmpsh.tui.history import LineHistory
    from qmpsh.tui.reporter import Redirect
    from qmpsh.tui.seam import Connect

DEFAULT_THEME = "dark"


def interact(client: Client, address: str, options: Options, schema: Schema | None) -> int:
    """Serve a person until they leave; the exit code.

    client: greeted and negotiated; address: as the user gave it; schema: given beforehand
    """
    # Imported here: only a person's session loads prompt_toolkit.
    from qmpsh.tui.history import LineHistory
    from qmpsh.tui.redirect import redirect

    sessions: list[Session] = []

    def connect(watcher: Watcher) -> Session:
        sessions.append(Session(client, options.settings, watcher, address, schema))
        return sessions[-1]

    def is_hmp() -> bool:
        return sessions[-1].shell.hmp if sessions else options.settings.hmp

    history = LineHistory(is_hmp)
    try:
        return _serve(connect, history, redirect, options)
    except Exception as error:
        # On its way to the report of a crash: only here it is known what was typed.
        for session in sessions:
            typed = [mask_line(line) for line in session.typed if is_kept(line)]
            error.add_note("\n".join(["Typed last:", *typed]))
        raise
    finally:
        for session in sessions:
            session.close()


def _serve(connect: Connect, history: LineHistory, redirect: Redirect, options: Options) -> int:
    colour = wants_colour(options.color, os.environ, terminal=True)
    if options.plain or os.environ.get("TERM") in (None, "", "dumb"):
        from qmpsh.plain import run_plain

        return run_plain(connect, colour=colour, history=history, redirect=redirect)
    from qmpsh.tui.app import run_screen

    return run_screen(
        connect, colour=colour, theme=DEFAULT_THEME, history=history, redirect=redirect
    )
