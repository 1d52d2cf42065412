"""`--wait` against a scripted server: what ends a wait, and what does not."""

from __future__ import annotations

import pytest

from qmpsh.jsontypes import JsonObject
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Note
from qmpsh.shell.waiting import wait
from tests.shell.scripted import OK, Messages, ScriptedShell, error, event

DELETED = event("DEVICE_DELETED", device="d0", path="/machine/peripheral/d0")
OTHER = event("DEVICE_DELETED", device="d1", path="/machine/peripheral/d1")
DELETE = "device_del id=d0 --wait --timeout 5"
CREATE = "blockdev-create job-id=j options={driver: file, filename: f, size: 1} --wait --timeout 5"


def listed(status: str, **more: str) -> JsonObject:
    return {"return": [{"id": "j", "status": status, "type": "create", **more}]}


def job(status: str) -> JsonObject:
    return event("JOB_STATUS_CHANGE", id="j", status=status)


@pytest.mark.parametrize("messages", [[OK, DELETED], [DELETED, OK], [OK, OTHER, DELETED]])
def test_the_event_with_the_right_id_ends_it_before_or_after_the_reply(messages: Messages) -> None:
    shell = ScriptedShell({"device_del": [messages]})
    assert shell.run(DELETE).exit_code == 0
    assert shell.answers[-1].value == DELETED["data"]
    assert shell.names in (["device_del"], ["device_del", "qom-list"])


def test_an_older_event_does_not_count() -> None:
    shell = ScriptedShell({"query-status": [[{"return": {"running": True}}]]}, before=[DELETED])
    outcome = shell.run("device_del id=d0 --wait --timeout 10ms")
    assert outcome.exit_code == 124
    assert "DEVICE_DELETED of d0" in str(outcome.error)
    assert shell.names == ["device_del", "qom-list", "query-status"]


def test_a_device_that_is_gone_without_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a CPU with TCG is."""
    monkeypatch.setattr(wait, "MAX_POLL_SECONDS", 0.0)
    kind: JsonObject = {"name": "type", "type": "string"}
    there: JsonObject = {"return": [kind, {"name": "d0", "type": "child<qemu64-x86_64-cpu>"}]}
    shell = ScriptedShell({"qom-list": [[there], [{"return": [kind]}]]})
    assert shell.run(f"{DELETE} --json").exit_code == 0
    assert shell.answers[-1].value == DELETED["data"]
    assert shell.answers[-1].reply == {"return": {}, "qom-list": [kind]}
    assert shell.names == ["device_del", *["qom-list"] * 7]
    assert b'"arguments":{"path":"/machine/peripheral"}' in shell.stream.sent[-1]


def test_a_timeout_reports_that_the_vm_is_not_running() -> None:
    stopped: JsonObject = {"return": {"running": False, "status": "paused"}}
    shell = ScriptedShell({"query-status": [[stopped]]})
    outcome = shell.run("device_del id=d0 --wait --timeout 10ms")
    assert outcome.exit_code == 124
    assert "the VM does not run (paused)" in str(outcome.error)


def test_a_refused_command_is_not_waited_for() -> None:
    shell = ScriptedShell({"device_del": [[error("Device 'd0' not found")]]})
    assert shell.run(DELETE).exit_code == 1
    assert shell.answers[-1].failed


def test_an_error_that_leaves_the_end_to_come() -> None:
    refusal = error("Device d0 is already in the process of unplug")
    shell = ScriptedShell({"device_del": [[refusal, DELETED]]})
    assert shell.run(DELETE).exit_code == 0


def test_a_failure_event_is_exit_1() -> None:
    shell = ScriptedShell({"device_del": [[OK, event("DEVICE_UNPLUG_GUEST_ERROR", device="d0")]]})
    assert shell.run(DELETE).exit_code == 1
    assert str(shell.answers[-1].text).startswith("device_del d0: ")


def test_an_event_that_the_line_names() -> None:
    shell = ScriptedShell({"stop": [[OK, event("STOP"), event("RESUME")]]})
    assert shell.run("stop --wait=RESUME --timeout 5").exit_code == 0
    assert shell.answers[-1].reply == {"return": {}, "event": event("RESUME")}


ENDLESS = (
    " finishes at once: there is nothing to wait for; --wait=EVENT waits for an event, as in"
    " --wait=SHUTDOWN"
)
EXPECTED = "expected one event and KEY=value, as in .wait SHUTDOWN guest=true, not "


@pytest.mark.parametrize(
    "line, says",
    [
        ("stop --wait", f"stop{ENDLESS}"),
        ("query-status --wait", f"query-status{ENDLESS}"),
        (
            "job-cancel id=j --wait=ready",
            "no job becomes ready by job-cancel; --wait alone waits for its end",
        ),
        ("stop --wait=STPO", "no event STPO; did you mean STOP?"),
        ('stop --wait="STOP x=1"', "STOP has no 'x'; it has no data"),
        (".wait", ".wait needs an event, for example .wait SHUTDOWN"),
        (".wait A B", f"{EXPECTED}A B"),
        (".wait device=a", f"{EXPECTED}device=a"),
        (".wait SHUTDOWN nope=1", "SHUTDOWN has no 'nope'; it has guest and reason"),
        (".wait job=a job=b", "expected one job, as in .wait job=j0"),
        (".wait job={a:1}", "expected one job, as in .wait job=j0"),
        (".wait job=a --new", ".wait job=ID takes no --new: a job ends once"),
        (".events NOPE", "no event NOPE"),
        (".events --new", ".events takes no --new"),
    ],
)
def test_without_an_end_nothing_is_sent(line: str, says: str) -> None:
    shell = ScriptedShell()
    outcome = shell.run(line)
    assert (outcome.exit_code, str(outcome.error), shell.names) == (2, says, [])


def test_a_line_of_hmp_has_no_end() -> None:
    shell = ScriptedShell(settings=Settings(hmp=True, one_shot=True, wait=""))
    outcome = shell.run("stop")
    assert (outcome.exit_code, shell.names) == (2, [])
    assert str(outcome.error) == (
        "a line of the human monitor has no end to wait for; --wait is for QMP"
    )


def test_where_no_event_comes_the_state_is_polled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait, "MIN_POLL_SECONDS", 0.001)
    sizes: list[Messages] = [[{"return": {"actual": size}}] for size in (8 << 20, 4 << 20)]
    shell = ScriptedShell({"query-balloon": sizes})
    assert shell.run(f"balloon value={4 << 20} --wait --timeout 5").exit_code == 0
    assert shell.names == ["balloon", "query-balloon", "query-balloon"]
    assert shell.answers[-1].value == {"actual": 4 << 20}


@pytest.mark.parametrize("has_reply", [True, False])
def test_quit_ends_with_the_connection(has_reply: bool) -> None:
    shell = ScriptedShell({"quit": [[OK, None] if has_reply else [None]]})
    assert shell.run("quit --wait").exit_code == 0


def test_another_wait_is_lost_with_the_connection() -> None:
    shell = ScriptedShell({"device_del": [[OK, None]]})
    outcome = shell.run(DELETE)
    assert outcome.exit_code == 4
    assert "lost the connection while waiting for DEVICE_DELETED of d0" in str(outcome.error)


def test_a_job_without_an_end_event_is_asked_about_and_dismissed() -> None:
    steps: Messages = [OK, *map(job, ("created", "running", "concluded"))]
    shell = ScriptedShell({"blockdev-create": [steps], "query-jobs": [[listed("concluded")]]})
    assert shell.run(CREATE).exit_code == 0
    assert shell.names == ["blockdev-create", "query-jobs", "job-dismiss"]


def test_the_error_of_a_job_is_the_answer() -> None:
    steps: Messages = [OK, *map(job, ("created", "aborting", "concluded"))]
    entry = listed("concluded", error="no space")
    shell = ScriptedShell({"blockdev-create": [steps], "query-jobs": [[entry]]})
    assert shell.run(CREATE).exit_code == 1
    assert shell.answers[-1].text == "blockdev-create: job j: no space"


def test_a_job_that_needs_another_command_ends_the_wait_with_advice() -> None:
    ready = event("BLOCK_JOB_READY", device="j", type="mirror")
    shell = ScriptedShell({"blockdev-mirror": [[OK, job("created"), job("ready"), ready]]})
    line = "blockdev-mirror job-id=j device=a target=b sync=full --wait --timeout 5"
    assert shell.run(line).exit_code == 0
    assert Note("ready: job-complete id=j --wait finishes it") in shell.said


def test_the_option_waits_for_whatever_has_an_end() -> None:
    answers = {"device_del": [[OK, DELETED]]}
    shell = ScriptedShell(answers, settings=Settings(wait="", timeout=5.0))
    assert shell.run("stop").exit_code == 0
    assert shell.run("device_del id=d0").exit_code == 0
    assert shell.answers[-1].value == DELETED["data"]
