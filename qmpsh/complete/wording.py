"""A name or a value as it must be written at the cursor: in the quote that is open there, or in one
where a bare word would be read as something else.
"""

from __future__ import annotations

import json
import re

from qmpsh.complete.place import Piece, Place
from qmpsh.lang.values import quote

# Blanks end a bare word, these marks begin another kind of value, and inside brackets some end it.
_MUST_QUOTE = re.compile(r"""^$|^["'{\[]|[\s,{}\[\]]|^(?:true|false|null)$|^-?[0-9]""")


def value_word(value: str, place: Place) -> str:
    """A string that the VM or this host knows."""
    if place.quote:
        return _in_quotes(value, place.quote)
    return quote(value) if _MUST_QUOTE.search(value) else value


def enum_word(name: str, place: Place) -> str:
    """A word of an enum: whatever it looks like, it is read as that."""
    return _in_quotes(name, place.quote) if place.quote else name


def key_word(name: str, piece: Piece) -> str:
    """A member's name."""
    return _in_quotes(name, piece.quote) if piece.quote else name


def _in_quotes(text: str, mark: str) -> str:
    if mark == '"':
        return json.dumps(text, ensure_ascii=False)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
