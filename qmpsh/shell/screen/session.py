"""The screen of the VM that a shell's lines go to, and what it showed before a text was typed."""

from __future__ import annotations

import time
from collections.abc import Generator

from qmpsh.client.client import Client
from qmpsh.errors import ConnectionLost, QmpshError
from qmpsh.shell.context import Context
from qmpsh.shell.screen.dump import FIRST, Display
from qmpsh.shell.screen.reader import AwaitedChange, ScreenReader
from qmpsh.shell.steps import Wish

_BEFORE_SECONDS = 2.0


def screen_of(context: Context, client: Client) -> ScreenReader:
    """Return the screen of the VM that the lines of a shell go to."""
    if context.screen is None or context.screen.client is not client:
        context.screen = ScreenReader(client)
    return context.screen


def note_before_typing(
    context: Context, client: Client, display: Display = FIRST
) -> Generator[Wish, str, None]:
    """Remember what is shown before a text is typed: `.screen --until` wants to see it change.

    Where no picture can be taken, nothing is remembered. Raises ConnectionLost.
    """
    screen = screen_of(context, client)
    screen.awaited = None
    deadline = time.monotonic() + _BEFORE_SECONDS
    try:
        shot = yield from screen.looking(screen.shot(display, deadline), deadline)
    except ConnectionLost:
        raise
    except QmpshError:  # what is typed is typed all the same
        return
    screen.awaited = AwaitedChange(shot)
