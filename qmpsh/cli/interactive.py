"""Starts an interactive session: chooses the front end and gathers what either of them needs.

The front end creates the session itself, because it has to receive everything from the first event.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from functools import partial

from qmpsh.cli.argv import Options
from qmpsh.cli.config import Config, read_config
from qmpsh.client.client import Client
from qmpsh.display.forms import AUTO
from qmpsh.errors import SIGNALLED
from qmpsh.paths import config_file
from qmpsh.render.environment import Environment
from qmpsh.render.picture_form import picture_questions, stated_form
from qmpsh.render.terminal_answers import (
    BACKGROUND,
    TerminalAnswers,
    TerminalQuestion,
    may_be_asked,
)
from qmpsh.render.theme import THEMES, stated_background, terminal_colours, theme_names
from qmpsh.schema.model import Schema
from qmpsh.secrets.masker import mask_line
from qmpsh.shell.history import is_kept
from qmpsh.shell.preferences import VIEWS, PreferenceValues, view_of
from qmpsh.shell.session.listener import SessionListener
from qmpsh.shell.session.owned_vm import OwnedVm
from qmpsh.shell.session.session import Connect, Session, SessionFrontEnd
from qmpsh.ui.common.front_end import TerminalEnv
from qmpsh.ui.common.history import LineHistory
from qmpsh.ui.common.keys import shown_keys
from qmpsh.ui.common.runner import redirect
from qmpsh.ui.common.terminal_input import TerminalInput


def own_config() -> Config:
    """Return the user's configuration. Raises UsageError for a file that is wrong."""
    return read_config(config_file("config.toml"))


def configured(options: Options) -> tuple[Options, Config]:
    """Return the options completed from config.toml, and the rest of the configuration.

    Raises UsageError for a file that is wrong.
    """
    path = options.config or config_file("config.toml")
    config = read_config(path, must_exist=bool(options.config))
    values, settings = config.preferences, options.settings
    if settings.timeout is not None:
        values = values._replace(timeout=settings.timeout)
    if view_of(settings.formats) != VIEWS[0]:
        values = values._replace(view=view_of(settings.formats))
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
    own: OwnedVm | None = None,
) -> int:
    """Run the shell until the user leaves; return the exit code.

    client: greeted and negotiated; address: as the user gave it; schema: given beforehand;
    own: the VM where it lives for this session
    """
    sessions: list[Session] = []

    def connect(listener: SessionListener) -> Session:
        front_end = SessionFrontEnd(listener, history.stored, partial(shown_keys, config.keys))
        session = Session(client, options.settings, listener, address, schema, front_end)
        session.preferences.adopt(config.preferences)
        session.preferences.offers["theme"] = theme_names
        session.catalog.aliases = config.aliases
        session.connection.own = own
        sessions.append(session)
        return session

    def is_hmp() -> bool:
        return sessions[-1].context.hmp if sessions else options.settings.hmp

    name = "history-guest" if options.guest_agent else "history"
    history = LineHistory(is_hmp, config.aliases, name)
    try:
        with terminal(config, Environment(options.color)) as env:
            exit_code = _serve(connect, history, env, options)
            for session in sessions:
                # Those who use the monitor through it did not close their terminals.
                session.share.keeps_serving |= exit_code == SIGNALLED + signal.SIGHUP
            return exit_code
    except Exception as error:
        # On its way to the report of a crash: only here it is known what was typed.
        for session in sessions:
            typed = [mask_line(line) for line in session.typed if is_kept(line)]
            error.add_note("\n".join(["Typed last:", *typed]))
        raise
    finally:
        for session in sessions:
            session.close()


@contextlib.contextmanager
def terminal(config: Config, environment: Environment) -> Iterator[TerminalEnv]:
    """The terminal, asked what its looks depend on; it answers while the front end is loaded."""
    theme = config.preferences.theme
    questions = _questions(config.preferences, environment)
    answers = TerminalAnswers(questions or ())
    input = TerminalInput(sys.stdin, answers) if sys.stdin.isatty() else None
    try:
        if input is not None:
            input.keep()
            if questions is not None:
                input.ask(sys.stdout)
        yield TerminalEnv(
            theme,
            environment.has_colours,
            config.keys,
            config.roles,
            terminal_colours(environment.variables),
            input=input,
        )
    finally:
        if input is not None:
            input.restore()


def _questions(
    preferences: PreferenceValues, environment: Environment
) -> tuple[TerminalQuestion, ...] | None:
    """Return what the terminal is to be asked besides its attributes; None for nothing at all."""
    variables = environment.variables
    may_ask = environment.is_interactive and may_be_asked(variables.get("TERM", ""))
    if not (may_ask and environment.has_colours):
        return None
    is_known = preferences.theme in THEMES or bool(stated_background(variables))
    for_pictures = preferences.pictures == AUTO and not stated_form(variables)
    if is_known and not for_pictures:
        return None
    return (
        *(() if is_known else (BACKGROUND,)),
        *(picture_questions(variables) if for_pictures else ()),
    )


def _serve(connect: Connect, history: LineHistory, env: TerminalEnv, options: Options) -> int:
    if options.plain or not Environment().has_screen:
        from qmpsh.ui.line.app import run_line_prompt

        return run_line_prompt(connect, history, redirect, env)
    from qmpsh.ui.screen.app import run_screen

    return run_screen(connect, history, redirect, env)
