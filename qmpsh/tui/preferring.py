"""The full screen follows what `.set` changes."""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.application import Application
from prompt_toolkit.enums import EditingMode

from qmpsh.shell.preferences import Preferences
from qmpsh.tui.screen import Screen
from qmpsh.tui.setup import Setup
from qmpsh.tui.style import make_style

EDITING = {"emacs": EditingMode.EMACS, "vi": EditingMode.VI}


def follow(
    preferences: Preferences,
    app: Application[int],
    screen: Screen,
    setup: Setup,
    set_vi: Callable[[bool], None],
) -> None:
    """Obey the preferences now and whenever they change; the theme that stands is right already.

    set_vi: edits as vi does, or as Emacs does
    """

    def obey(name: str) -> None:
        values = preferences.values
        match name:
            case "theme":
                app.style = make_style(values.theme, setup.roles)
            case "editing":
                set_vi(values.editing == "vi")
            case "events":
                screen.zoomed = False
        app.invalidate()

    obey("editing")
    obey("events")
    preferences.subscribe(obey)
