"""What a hostile guest would have a terminal obey, for the tests of every front end."""

from __future__ import annotations

import re

EVIL = "e\x1b]0;pwned\x07v\x1b[2Ji\x9b31ml\u202eback\u2066\u200e"
"""A title (OSC), a cleared screen (CSI), a colour (C1 CSI), a right-to-left override, isolates"""

SEEN = r"e\x1b]0;pwned\x07v\x1b[2Ji\x9b31ml\u202eback\u2066\u200e"
"""How it is shown"""

SEEN_IN_JSON = SEEN.replace(r"\x", r"\u00")

OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def obeyed(text: str) -> list[str]:
    """What in a text a terminal would obey."""
    return OBEYED.findall(text)
