"""A shell whose server is a table of what it sends for each command; no process, no socket."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions
from qmpsh.jsontypes import JsonObject
from qmpsh.shell.context import Context, FrontEnd
from qmpsh.shell.interpreter import run_line, run_words
from qmpsh.shell.machine import Machine
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, Task
from tests.client.fakes import FakeStream, line
from tests.samples import schema
from tests.waiting import PATIENCE

Messages = Sequence[JsonObject | None]
"""What the server sends; None closes the connection."""

OK: JsonObject = {"return": {}}


def event(name: str, **data: str | int | bool) -> JsonObject:
    return {"event": name, "data": {**data}}


def error(desc: str) -> JsonObject:
    return {"error": {"class": "GenericError", "desc": desc}}


class ScriptedStream(FakeStream):
    """answers: by the command's name the messages of each call in turn, the last for all later
    ones; a command that is not there returns {}. before: what the server sends first
    """

    def __init__(self, answers: Mapping[str, Sequence[Messages]], before: Messages = ()) -> None:
        super().__init__([])
        self.names: list[str] = []
        self._answers = {name: list(calls) for name, calls in answers.items()}
        self._put(before, None)

    def send(self, data: bytes) -> int:
        self.sent.append(data)
        for text in filter(None, data.split(b"\n")):
            message = json.loads(text)
            name = message.get("execute", message.get("exec-oob"))
            self.names.append(name)
            calls = self._answers.get(name, [[OK]])
            self._put(calls.pop(0) if len(calls) > 1 else calls[0], message.get("id"))
        return len(data)

    def _put(self, messages: Iterable[JsonObject | None], id: object) -> None:
        for message in messages:
            has_id = message is not None and "event" not in message
            sent = {**(message or {}), **({"id": str(id)} if has_id else {})}
            self.received.append(b"" if message is None else line(sent))


class DrivenShell:
    """A shell whose lines are run to their end.

    said: answers and notes so far
    """

    def __init__(self, client: Client, context: Context) -> None:
        self.client = client
        self.context = context
        self.said: list[Answer | Note] = []

    @property
    def answers(self) -> list[Answer]:
        return [item for item in self.said if isinstance(item, Answer)]

    def run(self, text: str) -> Outcome:
        """Run a line to its end."""
        return self._finish(run_line(self.context, text))

    def run_words(self, *words: str) -> Outcome:
        """Run the words of a one-shot to their end."""
        return self._finish(run_words(self.context, words))

    def _finish(self, steps: Steps) -> Outcome:
        task = Task(steps, self.said.append)
        deadline = time.monotonic() + PATIENCE
        while not task.advance(time.monotonic()):
            assert time.monotonic() < deadline, "the line has not ended"
            if not self.client.closed:
                self.client.poll(0.001)
        assert task.outcome is not None
        return task.outcome


class ScriptedShell(DrivenShell):
    """A shell with a scripted server.

    names: of the commands that were sent
    """

    def __init__(
        self,
        answers: Mapping[str, Sequence[Messages]] | None = None,
        before: Messages = (),
        settings: Settings | None = None,
        front_end: FrontEnd | None = None,
    ) -> None:
        self.stream = ScriptedStream(answers or {}, before)
        client = Client(self.stream, UnixAddress("/m.sock"), ClientOptions(negotiate=False))
        machine = Machine("/m.sock", None)
        context = Context(client, settings or Settings(), machine, schema("10.0"), front_end)
        super().__init__(client, context)

    @property
    def names(self) -> list[str]:
        return self.stream.names
