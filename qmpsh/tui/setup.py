"""A front end's looks and keys, as set by options and configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from prompt_toolkit.output import ColorDepth

from qmpsh.tui.keys import KEYS, Key
from qmpsh.tui.style import NO_ROLES


class Setup(NamedTuple):
    """The looks and keys.

    colour: False with NO_COLOR and the like
    keys:   the key table, as rebound
    roles:  styles that replace the theme's own
    depth:  of the colours, None for the terminal's own
    """

    colour: bool = True
    keys: tuple[Key, ...] = KEYS
    roles: Mapping[str, str] = NO_ROLES
    depth: ColorDepth | None = None


SETUP = Setup()
