"""Texts with QMP messages in them, from real runs, and small ones made here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.protocol.messages import Command
from qmpsh.replay.answers import Answers
from qmpsh.replay.pairing import pair
from qmpsh.replay.recording import Recording
from qmpsh.replay.scanner import scan
from qmpsh.shell.policy import reads_only
from tests.qemu import ROOT

FOLDER = ROOT / "tests" / "data" / "replay"

NAMES = {
    "caps.replies": ("query-migrate-capabilities", "query-status", "cont", "query-status"),
    "iotests.out": (
        *("query-status", "blockdev-add", "blockdev-add", "blockdev-mirror", "job-complete"),
        "quit",
    ),
    "libvirtd-9.0.log": (
        *("query-migrate-capabilities", "migrate-set-capabilities", "query-chardev"),
        *("query-status", "cont", "stop", "query-status"),
    ),
    "qemu-qmp.log": (
        *("query-status", "device_add", "device_add", "cont", "query-status", "stop"),
        "device_del",
    ),
}
"""The files, and the commands that were sent in each"""

GREETING: JsonObject = {
    "QMP": {
        "version": {"qemu": {"micro": 2, "minor": 0, "major": 10}, "package": ""},
        "capabilities": ["oob"],
    }
}


def sample(name: str) -> Path:
    return FOLDER / name


def sent(name: str, arguments: Json = None, **more: Json) -> JsonObject:
    return {"execute": name, **({"arguments": arguments} if arguments is not None else {}), **more}


def returned(value: Json, **more: Json) -> JsonObject:
    return {"return": value, **more}


def event(name: str, seconds: int = 0, **data: Json) -> JsonObject:
    stamp: JsonObject = {"seconds": seconds, "microseconds": 0}
    return {"event": name, "timestamp": stamp, **({"data": data} if data else {})}


def text_of(*messages: JsonObject) -> str:
    """The messages, each on a line; those without an id are paired by their order."""
    return "\n".join(map(json.dumps, messages))


def recording_of(*messages: JsonObject) -> Recording:
    """A recording of these messages."""
    return Recording(*pair(scan(text_of(*messages)), reads_only))


def logged(direction: str, message: JsonObject, monotonic: float = 0.0, **more: Json) -> JsonObject:
    """A line of a log of ours."""
    return {"monotonic": monotonic, "direction": direction, "message": message, **more}


def begun(*messages: JsonObject, speed: float = 1.0, strict: bool = False) -> Answers:
    """A replay of these messages, whose client has negotiated at the time 0."""
    answers = Answers(recording_of(*messages), speed=speed, strict=strict)
    answers.connect()
    answers.begin(0.0)
    return answers


def ask(answers: Answers, name: str, arguments: Json = None, now: float = 0.0) -> Json:
    """What a command returns, or the description of its error."""
    reply = answers.answer(Command(name, arguments), now).reply
    assert reply is not None
    error = reply.get("error")
    return error["desc"] if isinstance(error, dict) else reply["return"]


def names_of(messages: Iterable[JsonObject]) -> list[Json]:
    """The names of events."""
    return [message["event"] for message in messages]
