"""The wire on stderr for `-v`: one line a message."""

from __future__ import annotations

import sys

from qmpsh.jsontypes import Json
from qmpsh.view.jsontext import compact


def echo(direction: str, message: Json) -> None:
    """Print one message, already masked. direction: "->" to the server, "<-" from it."""
    print(f"{direction} {compact(message)}", file=sys.stderr, flush=True)
