"""JSON, CSV and the text format of Prometheus."""

from __future__ import annotations

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import Busy
from qmpsh.render.formats import compact
from qmpsh.top.export import STATES, csv_text, prometheus_text, vm_object
from qmpsh.top.record import Link, VmRecord
from tests.evil import EVIL, SEEN, obeyed
from tests.top.exposition import parse
from tests.top.samples import DISK, NOW, blockstats, event, running, target

NAMES = st.lists(
    st.text(max_size=12) | st.sampled_from([EVIL, 'a"b', "a\\", "\n", "{}"]), max_size=4
)


def test_json() -> None:
    record = running("web1", cpu=0.5)
    assert vm_object(record, NOW) == {
        "vm": "web1",
        "address": "/run/vms/web1.sock",
        "up": True,
        "state": "running",
        "version": "10.0.2",
        "pid": 4242,
        "vcpus": 2,
        "cpu_percent": 50.0,
        "guest_cpu_percent": 25.0,
        "cpu_seconds_total": 5.5,
        "resident_bytes": 64_000_000,
        "memory_bytes": 2 << 30,
        "balloon_bytes": 1 << 30,
        "read_bytes_per_second": 1_200_000.0,
        "written_bytes_per_second": 340.0,
        "operations_per_second": 16.0,
        "operation_seconds": 0.002,
        "received_bytes_per_second": 70_000.0,
        "sent_bytes_per_second": 300.0,
        "disks": [
            {
                "device": "disk0",
                "read_bytes_total": 1_200_000,
                "written_bytes_total": 340,
                "reads_total": 10,
                "writes_total": 6,
            }
        ],
        "networks": [
            {"interface": "tap0", "received_bytes_total": 70_000, "sent_bytes_total": 300}
        ],
        "jobs": [],
    }


def test_a_vm_that_hangs_is_not_up() -> None:
    record = running("web1")
    record.asked_at = NOW - 12
    found = vm_object(record, NOW)
    assert (found["up"], found["state"]) == (False, "no answer")
    assert found["error"] == {"class": "ReplyTimeout", "desc": "no answer for 12 s"}


def test_a_vm_that_is_busy_says_who_holds_it() -> None:
    record = VmRecord(target("web1"), NOW)
    record.set_link(Link.BUSY, NOW, Busy("held by socat"))
    assert vm_object(record, NOW) == {
        "vm": "web1",
        "address": "/run/vms/web1.sock",
        "up": False,
        "state": "busy",
        "disks": [],
        "networks": [],
        "jobs": [],
        "error": {"class": "CannotConnect", "desc": "held by socat"},
    }


def test_jobs_in_json() -> None:
    record = running("web1")
    record.on_event(event("JOB_STATUS_CHANGE", id="j0", status="running"), NOW)
    record.on_reply(
        "query-jobs",
        [
            {
                "id": "j0",
                "type": "backup",
                "status": "running",
                "current-progress": 1,
                "total-progress": 4,
            }
        ],
        NOW,
    )
    assert vm_object(record, NOW)["jobs"] == [
        {"job": "backup j0", "state": "running", "progress_ratio": 0.25}
    ]


@given(NAMES)
def test_csv_is_read_as_it_was_written(names: list[str]) -> None:
    records = [running(name) for name in names]
    text = csv_text(records, NOW)
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == (len(records) + 1 if records else 0)
    assert all(len(row) == len(rows[0]) for row in rows)
    assert not obeyed(text)
    assert not any(field[:1] in tuple("=+-@") for row in rows for field in row)


def test_csv_without_a_header() -> None:
    assert csv_text([running("web1")], NOW, header=False).startswith("web1,/run/vms/web1.sock,true")


@given(NAMES)
def test_any_names_are_json_and_well_formed_samples(names: list[str]) -> None:
    records = [running(name, status=name) for name in names]
    for record, name in zip(records, names, strict=True):
        record.on_reply("query-blockstats", blockstats(*DISK, device=name), NOW + 1)
        text = compact(vm_object(record, NOW))
        assert json.loads(text)["vm"] == name
        assert not obeyed(text)
    text = prometheus_text(records, NOW)
    parse(text)
    assert not obeyed(text)


def test_names_that_look_alike_are_one_series() -> None:
    text = prometheus_text([running(EVIL), running(SEEN)], NOW)
    ups = [one for one in parse(text) if one.name == "qemu_up"]
    assert len(ups) == 1


def test_samples_of_a_vm() -> None:
    found = parse(prometheus_text([running('web"1', cpu=0.5)], NOW))
    place = {"vm": 'web"1', "address": "/run/vms/web1.sock"}
    samples = {
        (one.name, *(value for key, value in one.labels.items() if key not in place)): one.value
        for one in found
    }
    assert all(one.labels["vm"] == 'web"1' for one in found)
    assert samples.pop(("qemu_state", "running")) == 1
    assert {samples.pop(("qemu_state", state)) for state in STATES if state != "running"} == {0}
    assert samples == {
        ("qemu_up",): 1,
        ("qemu_info", "10.0.2", "4242"): 1,
        ("qemu_vcpus",): 2,
        ("qemu_cpu_seconds_total",): 5.5,
        ("qemu_guest_cpu_seconds_total",): 4.25,
        ("qemu_rss_bytes",): 64_000_000,
        ("qemu_memory_bytes",): 2 << 30,
        ("qemu_balloon_bytes",): 1 << 30,
        ("qemu_block_read_bytes_total", "disk0"): 1_200_000,
        ("qemu_block_written_bytes_total", "disk0"): 340,
        ("qemu_block_read_operations_total", "disk0"): 10,
        ("qemu_block_written_operations_total", "disk0"): 6,
        ("qemu_network_received_bytes_total", "tap0"): 70_000,
        ("qemu_network_sent_bytes_total", "tap0"): 300,
    }


def test_a_vm_that_is_down_has_one_sample() -> None:
    record = running("web1")
    record.set_link(Link.GONE, NOW)
    up = [one for one in parse(prometheus_text([record], NOW)) if one.name == "qemu_up"]
    assert [one.value for one in up] == [0]
    assert not any(
        one.name in ("qemu_state", "qemu_rss_bytes")
        for one in parse(prometheus_text([record], NOW))
    )
