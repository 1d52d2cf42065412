"""Leaving a working path that is gone: its device was unplugged, or another VM answers."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TypeVar

from qmpsh.client.client import Client
from qmpsh.errors import LineFailed
from qmpsh.shell.context import Context
from qmpsh.shell.qom.place import ROOT, parent_of, place_of
from qmpsh.shell.steps import Note, Wish
from qmpsh.shell.trees.asking import MAX_SECONDS, ask_round
from qmpsh.shell.trees.qom import qom_listing

GONE = "{path} is gone, unplugged or of another VM; the working path is {place} now"

Found = TypeVar("Found")


def at_place(
    context: Context, client: Client, steps: Generator[Wish, str, Found]
) -> Generator[Wish, str, Found]:
    """Run the steps; where they fail because the working path is gone, leave it."""
    try:
        return (yield from steps)
    except LineFailed:
        yield from leave_if_gone(context, client)
        raise


def leave_if_gone(context: Context, client: Client) -> Generator[Wish, str, None]:
    """Go to what is left above the working path, if that is gone."""
    place = place_of(context.place)
    path, deadline = place.path, time.monotonic() + MAX_SECONDS
    while path != ROOT:
        asked = yield from ask_round(context, client, [qom_listing(path)], deadline)
        if not any(asked.errors):
            break
        path = parent_of(path)
    if path != place.path:
        context.place = place.move(path)
        yield Note(GONE.format(path=place.path, place=path))
