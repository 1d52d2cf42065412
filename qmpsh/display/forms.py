"""The forms in which a terminal may show a picture: the words of `.set pictures`."""

from __future__ import annotations

from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Final

AUTO: Final = "auto"
KITTY: Final = "kitty"
ITERM: Final = "iterm"
SIXEL: Final = "sixel"
BLOCKS: Final = "blocks"
OFF: Final = "off"

FORMS: Final = (AUTO, KITTY, ITERM, SIXEL, BLOCKS, OFF)
PROTOCOLS: Final = frozenset({KITTY, ITERM, SIXEL})
"""Those that are no text, and only fit where nothing else is drawn."""
