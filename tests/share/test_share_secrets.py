"""A secret of the VM's, looked for by every road; keys, which may be a password."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client
from qmpsh.errors import CommandFailed
from qmpsh.jsontypes import Json, JsonObject, as_dict
from qmpsh.protocol.messages import Command
from qmpsh.shell.wirelog import WireTracer
from tests.conftest import RunQmpsh
from tests.qemu import Vm, VmStarter
from tests.share.holder import Holder, RawClient

SECRET = "hunter2"
GET = '{"execute":"qom-get","arguments":{"path":"/objects/s","property":"data"}}'
HMP_GET = (
    '{"execute":"human-monitor-command","arguments":{"command-line":"qom-get /objects/s data"}}'
)


@pytest.fixture
def safe(start_vm: VmStarter) -> Vm:
    return start_vm("-object", f"secret,id=s,data={SECRET}")


@pytest.fixture
def holder(safe: Vm) -> Iterator[Holder]:
    holder = Holder(safe.path, read_only=True)
    yield holder
    holder.close_all()


@pytest.mark.parametrize(
    "words",
    [
        ("qom-get", "path=/objects/s", "property=data"),
        (GET,),
        ("--hmp", "qom-get /objects/s data"),
        (HMP_GET,),
    ],
)
def test_no_road_of_the_shell(words: tuple[str, ...], safe: Vm, run_qmpsh: RunQmpsh) -> None:
    log = Path(safe.folder, "log.jsonl")
    for options, code in ((("--read-only",), 2), (("-v", "--logfile", str(log)), 0)):
        ran = run_qmpsh(*options, safe.path, *words)
        assert ran.returncode == code
        assert SECRET not in ran.stdout + ran.stderr
    assert SECRET not in log.read_text()


@pytest.mark.parametrize("request_", [GET, HMP_GET])
def test_no_road_of_a_read_only_share(request_: str, holder: Holder) -> None:
    client = RawClient(holder)
    client.negotiate()
    client.send(request_)
    (answer,) = client.gets(1)
    assert "error" in answer
    assert SECRET not in str(answer)


def test_who_reads_it_through_a_share_leaves_no_trace_at_the_holder(safe: Vm) -> None:
    seen: list[Json] = []
    holder = Holder(safe.path)
    holder.client.tracer = WireTracer(lambda _, message: seen.append(message))
    client = RawClient(holder)
    client.negotiate()
    client.send(GET)
    (answer,) = client.gets(1)
    assert answer == {"return": SECRET}
    assert len(seen) == 2
    assert all(as_dict(one)["via"] == client.who for one in seen)
    assert SECRET not in str(seen)
    holder.close_all()


KEYS: Json = [{"type": "qcode", "data": "q"}, {"type": "qcode", "data": "x"}]
KEY_EVENTS: Json = [{"type": "key", "data": {"down": True, "key": {"type": "qcode", "data": "q"}}}]


def test_keys_are_in_no_log(safe: Vm) -> None:
    seen: list[Json] = []
    client = Client.connect(UnixAddress(safe.path))
    client.tracer = WireTracer(lambda _, message: seen.append(message))
    for command in (
        Command("send-key", {"keys": KEYS}),
        Command("input-send-event", {"events": KEY_EVENTS}),
        Command("human-monitor-command", {"command-line": " sendkey q-x 20"}),
    ):
        with contextlib.suppress(CommandFailed):  # this machine has no keyboard
            client.execute(command)
    client.close()
    assert all(key not in str(seen) for key in ("'q'", "'x'", "q-x"))
    assert "sendkey ********" in str(seen)


def test_a_run_of_keys_is_one_line(holder: Holder, safe: Vm) -> None:
    holder.close()
    holder = Holder(safe.path)
    client = RawClient(holder)
    client.negotiate()
    typed: JsonObject = {"execute": "send-key", "arguments": {"keys": KEYS}}
    client.send(typed, typed, typed, {"execute": "stop"})
    client.gets(5)
    assert [one.text for one in holder.news if one.text] == ["types keys", "sent stop"]
    holder.close_all()
