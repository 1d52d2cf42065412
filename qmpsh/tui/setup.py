"""What the options and the configuration say about the looks and the keys of a front end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from prompt_toolkit.output import ColorDepth

from qmpsh.tui.keys import KEYS, Key
from qmpsh.tui.style import NO_ROLES


class Setup(NamedTuple):
    """colour: False with NO_COLOR and its like; keys: the table of keys, as rebound; roles: styles
    in the place of the theme's own; depth: of the colours, None for what the terminal says.
    """

    colour: bool = True
    keys: tuple[Key, ...] = KEYS
    roles: Mapping[str, str] = NO_ROLES
    depth: ColorDepth | None = None


SETUP = Setup()
