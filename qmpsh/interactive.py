"""A person's session: which front end it gets, and what both are handed.

The session itself is made by the front end, because it wants to be told from the first event on.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from qmpsh.config import Config, read_config
from qmpsh.link.client import Client
from qmpsh.options import Options, wants_colour
from qmpsh.paths import config_file
from qmpsh.schema.model import Schema
from qmpsh.shell.history import is_kept
from qmpsh.shell.own import Own
from qmpsh.shell.secrets import mask_line
from qmpsh.shell.session import Session, Watcher
from qmpsh.tui.history import LineHistory
from qmpsh.tui.keys import shown_keys
from qmpsh.tui.redirect import redirect
from qmpsh.tui.setup import Setup
from qmpsh.tui.style import color_depth
from qmpsh.view.themes import theme_names

if TYPE_CHECKING:
    from qmpsh.tui.seam import Connect


def configured(options: Options) -> tuple[Options, Config]:
    """The options with what config.toml says where they say nothing, and the rest of it.

    Raises UsageError for a file that is wrong.
    """
    path = options.config or config_file("config.toml")
    config = read_config(path, must_exist=bool(options.config))
    values, settings = config.preferences, options.settings
    if settings.timeout is not None:
        values = values._replace(timeout=settings.timeout)
    if settings.yes:
        values = values._replace(confirm=False)
    timeout = options.connect_timeout
    options = options._replace(
        settings=settings._replace(confirm=config.confirm),
        connect_timeout=config.connect_timeout if timeout is None else timeout,
        plain=options.plain or config.plain,
    )
    return options, config._replace(preferences=values)


def interact(  # noqa: PLR0913 - all that a person's session is made of
    client: Client,
    address: str,
    options: Options,
    config: Config,
    schema: Schema | None,
    own: Own | None = None,
) -> int:
    """Serve a person until they leave; the exit code.

    client: greeted and negotiated; address: as the user gave it; schema: given beforehand;
    own: the VM where it lives for this session
    """
    sessions: list[Session] = []

    def connect(watcher: Watcher) -> Session:
        session = Session(client, options.settings, watcher, address, schema)
        session.preferences.adopt(config.preferences)
        session.preferences.offers["theme"] = theme_names
        session.catalog.aliases = config.aliases
        session.own(own)
        session.shell.typed_before = history.stored
        session.shell.keys = partial(shown_keys, config.keys)
        sessions.append(session)
        return session

    def is_hmp() -> bool:
        return sessions[-1].shell.hmp if sessions else options.settings.hmp

    name = "history-guest" if options.guest_agent else "history"
    history = LineHistory(is_hmp, config.aliases, name)
    setup = Setup(
        wants_colour(options.color, os.environ, terminal=True),
        config.keys,
        config.roles,
        color_depth(os.environ),
    )
    try:
        return _serve(connect, history, setup, config.preferences.theme, options)
    except Exception as error:
        # On its way to the report of a crash: only here it is known what was typed.
        for session in sessions:
            typed = [mask_line(line) for line in session.typed if is_kept(line)]
            error.add_note("\n".join(["Typed last:", *typed]))
        raise
    finally:
        for session in sessions:
            session.close()


def _serve(
    connect: Connect, history: LineHistory, setup: Setup, theme: str, options: Options
) -> int:
    if options.plain or os.environ.get("TERM") in (None, "", "dumb"):
        from qmpsh.plain import run_plain

        return run_plain(connect, theme=theme, setup=setup, history=history, redirect=redirect)
    from qmpsh.tui.app import run_screen

    return run_screen(connect, theme=theme, setup=setup, history=history, redirect=redirect)
