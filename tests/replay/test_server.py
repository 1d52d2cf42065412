"""A client that asks for more than it reads."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from pathlib import Path

from qmpsh.client.dialect import RECORDING
from qmpsh.protocol.messages import Command
from qmpsh.replay.answers import Answers, RecordedAnswer
from qmpsh.replay.server import ReplayServer
from qmpsh.share.door import listen_door
from tests.replay.samples import GREETING, recording_of, returned, sent
from tests.waiting import PATIENCE

ASKED, AHEAD = 600, 50
"""how many commands are sent at once; of those how many more than the replies read are answered"""


class CountedAnswers(Answers):
    """count: of the answers so far."""

    count = 0

    def answer(self, command: Command, now: float) -> RecordedAnswer:
        self.count += 1
        return super().answer(command, now)


def test_no_more_is_answered_than_is_read(tmp_path: Path) -> None:
    answers = CountedAnswers(recording_of(GREETING, sent("query-x"), returned("x" * 100_000)))
    path = str(tmp_path / "qmp.sock")
    door = listen_door(path, read_only=False, mode=0o600)
    watched, end = os.pipe()
    with (
        contextlib.closing(ReplayServer(door, answers, RECORDING, renews=False)) as server,
        socket.socket(socket.AF_UNIX) as client,
    ):
        is_over = threading.Event()
        serving = threading.Thread(target=server.serve, args=(is_over.is_set, watched))
        serving.start()
        try:
            client.settimeout(PATIENCE)
            client.connect(path)
            client.sendall(b'{"execute": "qmp_capabilities"}' + b'{"execute": "query-x"}' * ASKED)
            lines = client.makefile()
            assert "QMP" in json.loads(lines.readline())
            assert json.loads(lines.readline()) == returned({})
            for number in range(ASKED):
                assert json.loads(lines.readline()) == returned("x" * 100_000)
                assert answers.count <= number + AHEAD
        finally:
            is_over.set()
            os.close(end)
            serving.join(PATIENCE)
    os.close(watched)
