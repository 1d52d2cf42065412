"""The wire on stderr for `-v`: one line a message, secrets masked."""

from __future__ import annotations

import sys

from qmpsh.jsontypes import JsonObject
from qmpsh.shell.secret_rules import mask_json
from qmpsh.view.jsontext import compact


def echo_wire(direction: str, message: JsonObject) -> None:
    """Print one message. direction: "->" to the server, "<-" from it."""
    print(f"{direction} {compact(mask_json(message))}", file=sys.stderr, flush=True)
