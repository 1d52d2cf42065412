"""JSON values to text, on one line or indented; keys stay in the server's order."""

from __future__ import annotations

import json

from qmpsh.jsontypes import Json
from qmpsh.render.safe import visible_json

# Made once: making an encoder takes longer than encoding a small answer.
_COMPACT = json.JSONEncoder(ensure_ascii=False)
_PRETTY = json.JSONEncoder(ensure_ascii=False, indent=2)


def compact(value: Json) -> str:
    """Return JSON on one line, `{"a": 1}`."""
    return visible_json(_COMPACT.encode(value))


def pretty(value: Json) -> str:
    """Return JSON with one member per line, indented by two spaces."""
    return visible_json(_PRETTY.encode(value))
