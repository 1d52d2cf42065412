"""What goes over the wire, for those who want to look on: secrets masked, each message once."""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.shell.scrubbing import scrubbed, secrets_of
from qmpsh.shell.secret_rules import mask_json

Sink = Callable[[str, Json], None]
"""Gets the direction, "->" to the server or "<-" from it, and the masked message. Never raises."""


class Tracing:
    """A client's tracer. sinks: who is told; may change at any time.

    Remembers the secrets that went out: what comes back may repeat one.
    """

    def __init__(self, *sinks: Sink) -> None:
        self.sinks = list(sinks)
        self._secrets: set[str] = set()

    def __call__(self, direction: str, message: JsonObject) -> None:
        """Tell of one message."""
        if direction == "->":
            self._secrets |= secrets_of(message)
        masked = mask_json(message)
        if self._secrets and direction != "->":
            masked = scrubbed(masked, self._secrets)
        for sink in self.sinks:
            sink(direction, masked)
