"""Keeps memory flat without letting Python's garbage collector delay the keys."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Protocol

from prompt_toolkit.layout import Layout
from prompt_toolkit.layout.containers import WindowRenderInfo
from prompt_toolkit.layout.screen import Screen
from prompt_toolkit.renderer import Renderer


@contextlib.contextmanager
def calm() -> Iterator[None]:
    """Leave out of collections, inside this context, what exists already.

    That is mostly what was imported, and visiting it takes a tenth of a second. What is kept of
    events and replies is few objects for the collector, so that a full collection takes 10 ms.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class Drawn(Protocol):
    """What is needed of an application."""

    @property
    def renderer(self) -> Renderer: ...

    @property
    def layout(self) -> Layout: ...


class Cells:
    """Frees the cells of a frame when the next one is drawn.

    prompt_toolkit draws with functions that refer to themselves, to the frame's Screen and to a
    table of where each cell came from: a megabyte. That is still in use when a collection comes,
    and so counts as old: left alone, it would stay until the next full collection.
    """

    def __init__(self) -> None:
        self._screen: Screen | None = None
        self._infos: list[WindowRenderInfo] = []

    def drawn(self, application: Drawn) -> None:
        """A frame was drawn: nothing reads the cells of the one before any more."""
        screen, last = application.renderer.last_rendered_screen, self._screen
        if screen is last:
            return
        if last is not None:
            last.data_buffer.clear()
            last.zero_width_escapes.clear()
            last.visible_windows_to_write_positions.clear()
        windows = application.layout.find_all_windows()
        infos = [window.render_info for window in windows if window.render_info is not None]
        current = set(map(id, infos))
        for info in self._infos:
            if id(info) not in current:
                info._rowcol_to_yx.clear()
        self._screen, self._infos = screen, infos
