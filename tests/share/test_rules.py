"""What holds for every client of a share, row by row, on a real QEMU; see docs/dev/internals.md."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions
from qmpsh.jsontypes import JsonObject, as_dict, get_str
from qmpsh.protocol.messages import Command
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm, new_folder
from tests.share.holder import NEGOTIATE, NEGOTIATE_OOB, Holder, RawClient, Share
from tests.waiting import PATIENCE


@pytest.fixture
def holder(vm: Vm) -> Iterator[Holder]:
    holder = Holder(vm.path)
    yield holder
    holder.close_all()


def desc(answer: JsonObject) -> str:
    return get_str(answer["error"], "desc")


def test_without_out_of_band_at_the_holder_there_is_none_for_others(vm: Vm) -> None:
    holder = Holder(vm.path, options=ClientOptions(oob=False))
    client = RawClient(holder)
    client.send(NEGOTIATE_OOB, NEGOTIATE, {"exec-oob": "query-yank"})
    greeting, refused, agreed, unexpected = client.gets(4)
    assert as_dict(greeting["QMP"])["capabilities"] == []
    assert desc(refused) == "Parameter 'enable' does not accept value 'oob'"
    assert agreed == {"return": {}}
    assert desc(unexpected) == "QMP input member 'exec-oob' is unexpected"
    holder.close_all()


def test_the_own_command_of_the_holder_goes_at_once(holder: Holder) -> None:
    clients = [RawClient(holder) for _ in range(10)]
    for client in clients:
        client.negotiate()
        client.send(*[NAME] * 20)
    most = 0
    while not all(len(client.read()) == 20 for client in clients):
        holder.run_once()
        at_qemu = sum(shared.member.in_band for shared in holder.server.clients)
        most = max(most, at_qemu)
        pending = holder.client.submit(Command("query-name"))
        assert pending.written
        holder.run_until(lambda: pending.done)  # noqa: B023 - it is called at once
    assert most == holder.client.dialect.window - 1


NAME: JsonObject = {"execute": "query-name"}
READ_ONLY: list[tuple[JsonObject, bool]] = [
    ({"execute": "query-block"}, True),
    ({"execute": "qom-list", "arguments": {"path": "/"}}, True),
    ({"execute": "human-monitor-command", "arguments": {"command-line": "info version"}}, True),
    ({"execute": "human-monitor-command", "arguments": {"command-line": "stop"}}, False),
    ({"execute": "human-monitor-command", "arguments": {"command-line": " q"}}, False),
    ({"execute": "human-monitor-command", "arguments": {"command-line": ""}}, False),
    ({"execute": "human-monitor-command"}, False),
    ({"execute": "quit"}, False),
    ({"execute": "system_reset"}, False),
    ({"execute": "transaction", "arguments": {"actions": []}}, False),
    ({"execute": "no-such-command"}, False),
    ({"exec-oob": "migrate-pause"}, False),
    ({"exec-oob": "query-yank"}, True),
]


def test_what_a_read_only_share_lets_through(vm: Vm) -> None:
    holder = Holder(vm.path, read_only=True)
    client = RawClient(holder)
    client.negotiate(NEGOTIATE_OOB)
    for request, passes in READ_ONLY:
        client.send({**request, "id": "x"})
        (answer,) = client.gets(1)
        assert answer["id"] == "x"
        assert ("return" in answer) is passes, (request, answer)
        assert passes or "this share is read-only" in desc(answer)
    assert vm.is_running
    holder.close_all()


def test_a_client_that_ends_the_vm_is_named(holder: Holder) -> None:
    client = RawClient(holder)
    client.negotiate()
    client.send({"execute": "quit"})
    holder.run_until(lambda: holder.client.closed)
    assert "sent quit" in [one.text for one in holder.news]


def test_each_waits_for_its_own_job(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    folder = Path(new_folder())
    words = ["blockdev-create", "options.driver=file", "options.size=1M"]
    share = Share(vm.path)
    running = []
    for job in ("one", "two"):
        line = [*words, f"job-id={job}", f"options.filename={folder}/{job}", "--wait"]
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "qmpsh", vm.path, *line, "--timeout", f"{PATIENCE:g}"],
                cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
        )  # fmt: skip
    for process in running:
        out, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, (out, said)
    assert sorted(os.listdir(folder)) == ["one", "two"]
    assert run_qmpsh(vm.path, "query-jobs").stdout.strip() == "[]"
    share.end()


def test_the_id_of_a_job_is_that_of_all(holder: Holder, tmp_path: Path) -> None:
    options: JsonObject = {"driver": "file", "filename": str(tmp_path / "f"), "size": 1048576}
    create: JsonObject = {
        "execute": "blockdev-create",
        "arguments": {"job-id": "same", "options": options},
    }
    first, second = RawClient(holder), RawClient(holder)
    first.negotiate()
    second.negotiate()
    first.send(create)
    holder.run_until(lambda: any("return" in one for one in first.read()))
    second.send(create)
    holder.run_until(lambda: any("error" in one for one in second.read()))
    (refused,) = [one for one in second.received if "error" in one]
    assert desc(refused) == "Job ID 'same' already in use"


def test_the_folder_goes_away_under_a_share(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    folder = new_folder()
    share = Share(vm.path, "--listen", f"{folder}/s")
    there = Client.connect(UnixAddress(f"{folder}/s"))
    os.unlink(f"{folder}/s")
    os.rmdir(folder)
    assert there.execute(Command("query-name"), PATIENCE)
    assert run_qmpsh(vm.path, "query-name").returncode == 0
    there.close()
    assert share.end() == 128 + 15
