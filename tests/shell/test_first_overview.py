"""The overview on the first screen: how it comes, what it remembers, which lines it offers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from qmpsh.address import UnixAddress
from qmpsh.advice import Advice
from qmpsh.client.client import Client, ClientOptions
from qmpsh.jsontypes import JsonObject
from qmpsh.language.parser import parse_line
from qmpsh.language.syntax import Mode
from qmpsh.paths import state_file
from qmpsh.shell.context import Context
from qmpsh.shell.machine import Machine
from qmpsh.shell.overview.first import FirstOverview, shortened_rows, try_rows
from qmpsh.shell.overview.rows import OverviewRow, RowPart
from qmpsh.shell.overview.seen import MAX_MACHINES, read_sums, store_sums, sums_of
from qmpsh.shell.overview.tries import lines_to_try
from qmpsh.shell.session.overview import OverviewQueries
from qmpsh.shell.settings import Settings
from tests.client.fakes import FakeStream
from tests.overviews import answer, begun, whole
from tests.qemu import Vm, VmStarter
from tests.shell.harness import SessionHarness

UUID = "11111111-2222-3333-4444-555555555555"


def labels(overview: FirstOverview) -> list[str]:
    return [row.label for row in overview.rows]


def test_a_section_comes_when_all_of_it_is_answered() -> None:
    overview = begun()
    assert labels(overview) == []
    answer(overview, "query-target")
    assert labels(overview) == []
    answer(overview, "query-kvm")
    assert labels(overview) == ["machine"]
    answer(overview, "query-status")
    assert labels(overview) == ["machine"]
    answer(overview, "query-uuid")
    assert labels(overview) == ["machine", "state"]
    assert not overview.is_over
    assert overview.tries == []
    answer(overview)
    assert labels(overview) == [
        *("machine", "state", "cpu", "memory", "disk vda", "disk cd0", "nic nic0", "display"),
        *("chardevs", "free ports"),
    ]
    assert overview.is_whole


def test_what_is_late_is_named_when_the_time_is_over() -> None:
    overview = begun()
    answer(overview, "query-uuid")
    assert not overview.on_time(1001.9)
    assert overview.on_time(1002.0)
    assert labels(overview) == ["machine", "state", "cpu"]
    assert overview.rows[2].parts == (RowPart("no answer yet"),)
    assert (overview.is_over, overview.is_whole, overview.tries) == (True, False, [])
    assert overview.next_question() is None
    assert not overview.on_time(1003.0)


def test_nothing_moves_after_a_line_was_sent() -> None:
    overview = begun()
    answer(overview, "query-kvm")
    question = overview.next_question()
    assert question is not None
    overview.freeze()
    overview.on_value(question, {"status": "running"})
    overview.on_refusal(question, "")
    assert labels(overview) == ["machine"]
    assert overview.is_frozen
    assert not overview.on_time(1002.0)
    ended = whole()
    ended.freeze()
    assert not ended.is_frozen


def test_rows_that_are_not_as_before() -> None:
    before = whole().sums
    assert whole().changed() == set()
    assert whole(before).changed() == set()
    other = {**before, "state state": 1}
    del other["disks disk cd0"]
    assert whole(other).changed() == {"state state", "disks disk cd0"}


def test_of_many_rows_some_are_shown() -> None:
    disks = [OverviewRow("disks", f"disk {n}", (RowPart("x"),)) for n in range(5)]
    shown = shortened_rows([OverviewRow("cpu", "cpu", ()), *disks])
    assert [row.label for row in shown] == ["cpu", "disk 0", "disk 1", "disk 2", "disks"]
    assert shown[-1].parts == (RowPart("2 more; .status shows all"),)
    assert shortened_rows(disks[:4]) == disks[:4]


# -------------------------------------------------------------------- what is remembered


def test_the_rows_of_a_machine_are_remembered(private_home: Path) -> None:
    assert read_sums(UUID) is None
    store_sums(UUID, {"state state": 7})
    assert read_sums(UUID) == {"state state": 7}
    path = state_file("machines.json")
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.listdir(os.path.dirname(path)) == ["machines.json"]


def test_a_machine_without_a_uuid_is_not_remembered(private_home: Path) -> None:
    for uuid in ("", "00000000-0000-0000-0000-000000000000", "x" * 4000):
        store_sums(uuid, {"a": 1})
        assert read_sums(uuid) is None
    assert not os.path.exists(state_file("machines.json"))


def test_the_machines_seen_longest_ago_are_forgotten(private_home: Path) -> None:
    for n in range(MAX_MACHINES + 1):
        store_sums(f"{n:036}", {"a": n})
    assert read_sums(f"{0:036}") is None
    assert read_sums(f"{1:036}") == {"a": 1}
    assert read_sums(f"{MAX_MACHINES:036}") == {"a": MAX_MACHINES}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b'{"machines": 3}',
        b'{"machines": {"%s": [1]}}' % UUID.encode(),
        b" " * (3 << 20),
    ],
)
def test_a_broken_file_compares_with_nothing(private_home: Path, text: bytes) -> None:
    Path(state_file("machines.json")).write_bytes(text)
    assert read_sums(UUID) is None
    store_sums(UUID, {"a": 1})
    assert read_sums(UUID) == {"a": 1}


def test_what_is_no_number_in_it_is_left_out(private_home: Path) -> None:
    entry: JsonObject = {"a": 1, "b": "2", "c": True, "d": None}
    Path(state_file("machines.json")).write_text(json.dumps({"machines": {UUID: entry}}))
    assert read_sums(UUID) == {"a": 1}


def test_a_file_that_is_none_is_left_alone(private_home: Path) -> None:
    os.mkfifo(state_file("machines.json"))
    assert read_sums(UUID) is None
    os.unlink(state_file("machines.json"))
    os.mkdir(state_file("machines.json"))
    assert read_sums(UUID) is None
    store_sums(UUID, {"a": 1})
    assert os.listdir(os.path.dirname(state_file("x"))) == ["machines.json"]


def test_rows_of_one_label_have_one_sum() -> None:
    one, other = (OverviewRow("displays", "display", (RowPart(text),)) for text in "ab")
    assert sums_of([one, other]).keys() == {"displays display"}
    assert sums_of([one, other]) != sums_of([other, one])


# -------------------------------------------------------------------- lines to try


PAUSED: JsonObject = {"status": "paused", "running": False}
RUNNING: JsonObject = {"status": "running", "running": True}


@pytest.mark.parametrize(
    "facts, lines",
    [
        ({"state": PAUSED}, ["cont"]),
        (
            {"state": {**PAUSED, "preconfig": True}},
            ["x-exit-preconfig", "query-hotpluggable-cpus --table"],
        ),
        ({"state": {"status": "io-error", "running": False}}, ["query-block --table"]),
        ({"state": {"status": "guest-panicked", "running": False}}, ["system_reset"]),
        ({"state": {"status": "inmigrate", "running": False}}, ["query-migrate"]),
        ({"state": RUNNING}, [".watch query-status"]),
        ({"state": RUNNING, "jobs": [{"id": "j0"}]}, [".wait job=j0", ".watch query-status"]),
        ({"jobs": [{"id": "a b"}]}, ["query-jobs --table"]),
        (
            {
                "disks": [{}],
                "free-ports": ["a b", "rp1"],
                "devices": [{"id": "rng0"}],
                "nics": [],
            },
            [
                "query-block --table",
                "device_add driver=virtio-rng-pci bus=rp1 id=rng1",
                ".hmp info registers",
            ],
        ),
        ({"free-ports": ["rp0;quit"]}, []),
        ({"nodes": []}, ["query-named-block-nodes --table", "query-block-exports --table"]),
        ({"system": {}}, ["guest-get-fsinfo --table", ".exec uname -a", ".cat /etc/os-release"]),
    ],
)
def test_lines_to_try(facts: JsonObject, lines: list[str]) -> None:
    found = lines_to_try(facts)
    assert found == lines
    assert [row.parts[0].text for row in try_rows(found)] == found
    for line in found:
        parse_line(line, Mode(prompt=True))


# -------------------------------------------------------------------- on a real QEMU


def test_it_stays_frozen_however_often_that_is_asked_for() -> None:
    overview = begun()
    overview.freeze()
    overview.freeze()
    assert overview.is_frozen
    answered = whole()
    answered.freeze()
    assert not answered.is_frozen


def test_where_nothing_can_be_asked_it_is_over_at_once() -> None:
    machine = Machine("./m", None)
    machine.commands = ("quit",)
    queries = OverviewQueries(Context(None, Settings(), machine), machine, lambda: None)
    client = Client(FakeStream([]), UnixAddress("./m"), ClientOptions(negotiate=False))
    queries.poll(client, lambda *_: pytest.fail("a question"))
    client.close()
    assert not queries.is_open
    assert queries.due(0.0) is None


def test_it_comes_by_itself_and_its_lines_work(start_vm: VmStarter) -> None:
    vm = start_vm("-S", "-device", "pcie-root-port,id=rp0", machine="q35", name="vm1")
    harness = SessionHarness(vm.path)
    try:
        harness.wait(learnt=True)
        overview = harness.session.overview
        assert overview is not None
        assert overview.is_whole
        assert labels(overview)[:4] == ["machine", "state", "cpu", "memory"]
        lines = overview.tries
        assert lines == ["cont", "device_add driver=virtio-rng-pci bus=rp0 id=rng0", lines[2]]
        for line in lines:
            assert harness.run(line).exit_code == 0
    finally:
        harness.session.close()


@pytest.mark.parametrize("option", ["overview", "live"])
def test_it_can_be_switched_off(vm: Vm, option: str) -> None:
    harness = SessionHarness(vm.path)
    try:
        harness.session.preferences.change(option, "off")
        harness.wait(learnt=True)
        assert harness.session.overview is None
    finally:
        harness.session.close()


def test_a_fault_in_it_ends_it_and_nothing_else(vm: Vm, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("qmpsh.shell.overview.first.facts_of", fails)
    harness = SessionHarness(vm.path)
    said: list[str] = []
    harness.listener.advice = Advice(lambda error, kind: f"{kind}: {error}", said.append)
    try:
        harness.wait(learnt=True)
        assert said == ["overview: a fault"]
        assert harness.session.overview is None
        assert harness.run("query-status").exit_code == 0
    finally:
        harness.session.close()


def test_a_line_ends_it(vm: Vm) -> None:
    harness = SessionHarness(vm.path)
    try:
        assert harness.run("query-status").exit_code == 0
        harness.wait(learnt=True)
        overview = harness.session.overview
        assert overview is None or overview.is_frozen
    finally:
        harness.session.close()
