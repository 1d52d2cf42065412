"""JSON values to text: one line, or indented; keys in the order the server sent them."""

from __future__ import annotations

import json

from qmpsh.jsontypes import Json
from qmpsh.view.safe import visible_json

# Made once: making one costs more than a small answer does.
_COMPACT = json.JSONEncoder(ensure_ascii=False)
_PRETTY = json.JSONEncoder(ensure_ascii=False, indent=2)


def compact(value: Json) -> str:
    """One line, `{"a": 1}`."""
    return visible_json(_COMPACT.encode(value))


def pretty(value: Json) -> str:
    """Two blanks an indent, a member a line."""
    return visible_json(_PRETTY.encode(value))
