"""Applies the changes made by `.set` to the full screen."""

from __future__ import annotations

from prompt_toolkit.application import Application

from qmpsh.shell.preferences import Preferences
from qmpsh.tui.modes import EDITING
from qmpsh.tui.screen import Screen
from qmpsh.tui.setup import Setup
from qmpsh.tui.style import make_style


def follow(preferences: Preferences, app: Application[int], screen: Screen, setup: Setup) -> None:
    """Apply the preferences now and whenever they change; the initial theme is already set."""

    def obey(name: str) -> None:
        values = preferences.values
        match name:
            case "theme":
                app.style = make_style(values.theme, setup.roles)
            case "editing":
                app.editing_mode = EDITING[values.editing]
            case "events":
                screen.zoomed = False
        app.invalidate()

    obey("editing")
    obey("events")
    preferences.subscribe(obey)
