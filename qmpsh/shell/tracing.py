"""What goes over the wire, for those who want to look on: secrets masked, each message once."""

from __future__ import annotations

import json
from collections.abc import Callable

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.shell.scrubbing import scrubbed, secrets_of
from qmpsh.shell.secret_rules import mask_json, reads_secret
from qmpsh.textsecrets import MASK

Sink = Callable[[str, Json], None]
"""Gets the direction, "->" to the server or "<-" from it, and the masked message. Never raises."""


class Tracing:
    """A client's tracer. sinks: who is told; may change at any time.

    Remembers the secrets that went out: what comes back may repeat one.
    """

    def __init__(self, *sinks: Sink) -> None:
        self.sinks = list(sinks)
        self._secrets: set[str] = set()
        self._asked: set[str] = set()
        """ids of the commands whose answer is a secret, as JSON"""

    def __call__(self, direction: str, message: JsonObject) -> None:
        """Tell of one message."""
        try:
            masked = self._masked(direction, message)
        except Exception:
            # Whatever it is, no secret may get away with it: nothing at all is told of the message.
            masked = MASK
        for sink in self.sinks:
            sink(direction, masked)

    def _masked(self, direction: str, message: JsonObject) -> Json:
        if direction == "->":
            self._secrets |= secrets_of(message)
            if reads_secret(message):
                self._asked.add(json.dumps(message.get("id")))
            return mask_json(message)
        id = json.dumps(message.get("id"))
        is_secret = "id" in message and id in self._asked
        self._asked.discard(id)  # ids are used again
        masked = mask_json({**message, "return": MASK} if is_secret else message)
        return scrubbed(masked, self._secrets) if self._secrets else masked
