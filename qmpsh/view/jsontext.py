"""JSON values to text: one line, or indented; keys in the order the server sent them."""

from __future__ import annotations

import json

from qmpsh.jsontypes import Json
from qmpsh.view.safe import visible_json


def compact(value: Json) -> str:
    """One line, `{"a": 1}`."""
    return visible_json(json.dumps(value, ensure_ascii=False))


def pretty(value: Json) -> str:
    """Two blanks an indent, a member a line."""
    return visible_json(json.dumps(value, ensure_ascii=False, indent=2))
