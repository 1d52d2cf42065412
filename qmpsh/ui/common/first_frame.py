"""What is left for after the first frame, so that the prompt is there earlier."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from functools import cache
from typing import TypeVar

from prompt_toolkit.application import Application, application
from prompt_toolkit.key_binding import DynamicKeyBindings, KeyBindingsBase

T = TypeVar("T")

_LOADER = "load_key_bindings"
"""the name under which prompt_toolkit's application calls what makes its own bindings"""


@contextlib.contextmanager
def late_bindings() -> Iterator[Callable[[], object]]:
    """Let applications that are made inside this context have prompt_toolkit's own key bindings
    once a key needs them: making all 690 takes as long as drawing the first frame.

    Gives what makes them now.
    """
    namespace = vars(application)
    if _LOADER not in namespace:  # a prompt_toolkit to come: it makes them before the frame
        yield lambda: None
        return
    make: Callable[[], KeyBindingsBase] = namespace[_LOADER]
    made = cache(make)
    namespace[_LOADER] = lambda: DynamicKeyBindings(made)
    try:
        yield made
    finally:
        namespace[_LOADER] = make


def after_first_frame(app: Application[T], work: Callable[[], object]) -> None:
    """Do some work once, right after the first frame of an application is drawn."""
    waiting = [work]

    def on_frame(_: object) -> None:
        if waiting and app.loop is not None:
            app.loop.call_soon(waiting.pop())

    app.after_render += on_frame


@contextlib.contextmanager
def sigint_as_key(app: Application[T]) -> Iterator[None]:
    """Let SIGINT press its key inside this context.

    prompt_toolkit does the same, and loads ctypes for those who embed it in another program.
    """
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGINT)
    loop.add_signal_handler(signal.SIGINT, app.key_processor.send_sigint)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)
