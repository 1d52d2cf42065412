"""The wire on stderr for `-v`: one line a message, secrets masked."""

from __future__ import annotations

import sys

from qmpsh.jsontypes import JsonObject
from qmpsh.shell.scrubbing import scrubbed, secrets_of
from qmpsh.shell.secret_rules import mask_json
from qmpsh.view.jsontext import compact


class Trace:
    """Remembers the secrets that went out: what comes back may repeat one."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def __call__(self, direction: str, message: JsonObject) -> None:
        """Print one message. direction: "->" to the server, "<-" from it."""
        if direction == "->":
            self._secrets |= secrets_of(message)
        masked = mask_json(message)
        if self._secrets and direction != "->":
            masked = scrubbed(masked, self._secrets)
        print(f"{direction} {compact(masked)}", file=sys.stderr, flush=True)
