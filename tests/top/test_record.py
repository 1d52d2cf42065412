"""What is known of one VM: states, silence, rates, events."""

from __future__ import annotations

import pytest

from qmpsh.errors import Busy, CannotConnect
from qmpsh.top.record import Link, VmRecord
from tests.top.samples import DISK, GREETING, NOW, blockstats, event, running, target, usage


def test_rates_of_a_running_vm() -> None:
    record = running("web1", cpu=0.5)
    assert record.state(NOW) == "running"
    assert (record.usage.cpu_percent, record.usage.guest_percent) == (50.0, 25.0)
    assert (record.memory, record.balloon, record.usage.resident) == (2 << 30, 1 << 30, 64_000_000)
    rates = record.usage.disk_rates
    assert rates is not None
    assert rates[:3] == (DISK[0], DISK[1], DISK[2] + DISK[3])
    assert rates.latency == pytest.approx(0.002)


def test_what_the_host_receives_the_guest_has_sent() -> None:
    assert running("web1").usage.net_rates == (70_000, 300)


def test_a_question_without_an_answer_is_silence() -> None:
    record = running("web1")
    record.asked_at = NOW - 12
    assert record.state(NOW) == "no answer"
    assert record.reason(NOW) == "no answer for 12 s"
    assert record.exit_code(NOW) == 124
    record.asked_at = NOW - 1
    assert (record.state(NOW), record.reason(NOW), record.exit_code(NOW)) == ("running", "", 0)


@pytest.mark.parametrize(
    "state, said",
    [
        ("T", "no answer for 3 s: the process is stopped, kill -CONT 4242 continues it"),
        ("D", "no answer for 3 s: process 4242 waits for a disk or the network"),
        ("S", "no answer for 3 s"),
    ],
)
def test_the_state_of_the_process_says_why(state: str, said: str) -> None:
    record = running("web1")
    record.usage.on_process(usage(NOW, 6)._replace(state=state))
    record.asked_at = NOW - 3
    assert record.reason(NOW) == said


def test_an_answer_out_of_band_alone_means_a_stuck_main_loop() -> None:
    record = running("web1")
    record.asked_at, record.is_stuck = NOW - 3, True
    assert record.reason(NOW) == (
        "no answer for 3 s: its main loop is stuck, though it reads commands"
    )


def test_a_vm_that_ended_uses_nothing() -> None:
    record = running("web1", cpu=0.5)
    record.set_link(Link.GONE, NOW, CannotConnect("gone"))
    assert (record.usage.cpu_percent, record.usage.disk_rates, record.usage.resident) == (
        None,
        None,
        None,
    )
    assert (record.state(NOW), record.exit_code(NOW)) == ("gone", 3)


def test_another_process_counts_from_its_beginning() -> None:
    record = running("web1", cpu=0.5)
    record.usage.on_process(usage(NOW + 1, 0.1, start=2))
    assert record.usage.cpu_percent is None
    record.usage.on_process(usage(NOW + 2, 0.2, start=2))
    assert record.usage.cpu_percent == pytest.approx(10)


def test_a_restart_forgets_the_vm_before() -> None:
    record = running("web1", cpu=0.5)
    record.on_event(event("JOB_STATUS_CHANGE", id="j0", status="running"), NOW)
    record.restart(GREETING, NOW)
    assert (record.progress.works(), record.usage.disks, [*record.usage.history]) == ([], (), [])
    assert record.state(NOW) == "up"


def test_a_busy_vm() -> None:
    record = VmRecord(target("web1"), NOW)
    record.set_link(Link.BUSY, NOW, Busy("held by socat"))
    assert (record.state(NOW), record.reason(NOW)) == ("busy", "held by socat")


def test_events_of_a_flood_are_counted() -> None:
    record = running("web1")
    for number in range(37):
        record.on_event(event("RTC_CHANGE"), NOW + number / 100)
    assert record.event == ("RTC_CHANGE", NOW + 0.36, 37)
    record.on_event(event("RTC_CHANGE"), NOW + 5)
    assert record.event == ("RTC_CHANGE", NOW + 5, 1)


def test_events_say_what_has_changed() -> None:
    record = running("web1")
    record.on_event(event("BALLOON_CHANGE", actual=5), NOW)
    record.on_event(event("STOP"), NOW)
    record.on_event(event("JOB_STATUS_CHANGE", id="j0", status="running"), NOW)
    assert record.balloon == 5
    assert record.state(NOW) == "paused"
    assert [work.label for work in record.progress.works()] == ["job j0"]


def test_the_reply_has_the_word_that_no_event_has() -> None:
    record = running("web1")
    record.on_event(event("STOP"), NOW)
    record.machine.on_status_query()
    record.on_reply("query-status", {"status": "io-error", "running": False}, NOW)
    assert record.state(NOW) == "io-error"


def test_disks_that_were_unplugged_have_no_rates() -> None:
    record = running("web1")
    record.on_reply("query-blockstats", [], NOW + 1)
    assert record.usage.disk_rates is None
    record.on_reply("query-blockstats", blockstats(*DISK), NOW + 2)
    assert record.usage.disk_rates is None
