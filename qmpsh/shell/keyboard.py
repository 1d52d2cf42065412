"""Pressing keys of the guest's keyboard: one command for each chord, paced.

A command presses a chord and releases all of it, so that nothing stays pressed, whatever becomes of
the line. `send-key` is of no use here: QEMU answers it at once and types later, and a second one
mixes itself in. Without a pause a guest loses keys (measured with PS/2 and Linux: 0 and 2 ms apart
some were lost, 5 ms apart none).
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Final

from qmpsh.client.client import Client
from qmpsh.display.keys import Chord, key_events
from qmpsh.errors import QmpshError
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.shell.screen.dump import FIRST, Display
from qmpsh.shell.steps import WaitFor, Wish

KEY_COMMAND: Final = "input-send-event"

PACE_SECONDS: Final = 0.02
"""seconds from one chord to the next, where the line does not say"""

_SAID: Final = "typed {done} of {all}"


class Keyboard(NamedTuple):
    """The keyboard of one VM.

    display: whose keyboard it is; pace: seconds from one chord to the next
    """

    display: Display = FIRST
    pace: float = PACE_SECONDS

    def command(self, chord: Chord) -> Command:
        """Return the command that presses a chord and releases it."""
        return Command(KEY_COMMAND, {**self.display.arguments, "events": key_events(chord)})


class Presses:
    """Chords on their way to a guest.

    units: what is counted, each with its chords
    timeout: seconds for all of them, None for no limit
    done: how many units were typed
    """

    def __init__(
        self,
        client: Client,
        keyboard: Keyboard,
        units: Sequence[Sequence[Chord]],
        timeout: float | None = None,
    ) -> None:
        self.done = 0
        self._client = client
        self._keyboard = keyboard
        self._units = units
        self._timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def steps(self) -> Generator[Wish, str, None]:
        """Press them all. Raises CommandFailed, ReplyTimeout, ConnectionLost, which say how many
        were typed.
        """
        # An interrupt before the first wait, too, is to say how far it came.
        yield WaitFor(lambda: True, stops=True, left=self.said)
        try:
            for unit in self._units:
                for place, chord in enumerate(unit, 1):
                    yield from self._press(chord, is_last=place == len(unit))
        except QmpshError as error:
            error.add(self.said())
            raise

    def said(self) -> str:
        """Return how far the typing has come, in a sentence."""
        return _SAID.format(done=self.done, all=len(self._units))

    def _press(self, chord: Chord, *, is_last: bool) -> Generator[Wish, str, None]:
        """Press one chord, and pause. is_last: of its unit"""
        client, deadline = self._client, self._deadline
        due = time.monotonic() + self._keyboard.pace
        pending = client.submit(self._keyboard.command(chord))
        yield WaitFor(lambda: pending.done, deadline, stops=True, left=self.said, for_reply=True)
        if not pending.done:
            raise client.overdue(pending, self._timeout or 0.0)
        pending.result()
        self.done += is_last
        yield WaitFor(lambda: client.closed, due, stops=True, left=self.said)
