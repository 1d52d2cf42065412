"""The queue of the shell's own questions, asked between the user's commands.

One question is out at a time, and none while a command of the user's is in flight: the server works
in order, and the user must never wait behind us. An error is never shown: under -preconfig, on a
storage daemon or on StratoVirt many queries are refused (WIRE.md sections 5 and 13).

Where the server bounds its requests a second, ours are spread, so that the user's have the room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from qmpsh.advice import UNGUARDED, Advice, nothing
from qmpsh.jsontypes import Json
from qmpsh.link.client import Client, Pending
from qmpsh.wire.messages import Command, Reply

SHARE = 5
"""what part of a server's requests a second may be ours: a fifth"""


class Question(NamedTuple):
    """command: what to ask; learn: takes the value of the reply, None for a refusal."""

    command: Command
    learn: Callable[[Json], None]


class Background:
    """client: whose connection is shared with the user's commands; advice: guards what is made of
    the answers.
    """

    def __init__(self, client: Client, advice: Advice = UNGUARDED) -> None:
        self._client = client
        self._advice = advice
        self._queue: deque[Question] = deque()
        self._asked: tuple[Pending, Question] | None = None
        self._free = float("-inf")  # when the next question may go as far as its rate is concerned

    def ask(self, question: Question) -> None:
        """Put a question at the end of the queue; the same question is not queued twice."""
        if question not in self._queue:
            self._queue.append(question)

    @property
    def idle(self) -> bool:
        """Whether every question was answered."""
        return self._asked is None and not self._queue

    def due(self, now: float) -> float | None:
        """Seconds after which tick() has something to send, if time alone is in the way."""
        if self._asked is not None or not self._queue or self._client.in_flight:
            return None
        return max(0.0, self._free - now)

    def tick(self, now: float) -> bool:
        """Take in an answer that has come, send the next question if nothing is in the way.

        Returns whether an answer was taken in.
        """
        learned = self._take_in()
        if self.due(now) == 0.0:
            question = self._queue.popleft()
            self._asked = (self._client.submit(question.command), question)
            rate = self._client.dialect.rate
            self._free = now if rate is None else now + SHARE / rate
        return learned

    def _take_in(self) -> bool:
        if self._asked is None or not self._asked[0].done:
            return False
        pending, question = self._asked
        self._asked = None
        value = pending.reply.value if isinstance(pending.reply, Reply) else None
        self._advice.get("status", lambda: question.learn(value), nothing)
        return True
