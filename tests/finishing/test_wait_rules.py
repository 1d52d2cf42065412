"""Which event a `.wait` takes: scripts, files that they source and the prompt, on a real QEMU."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qmpsh.jsontypes import JsonObject
from tests.conftest import RunQmpsh
from tests.qemu import Vm
from tests.shell.harness import SessionHarness

Run = Callable[..., subprocess.CompletedProcess[str]]
NULL = "blockdev-add driver=null-co size=8M node-name="
NODES = "".join(f"{NULL}{name}\n" for name in ("s1", "t1", "s2", "t2"))
BACKUP = "blockdev-backup job-id={0} device=s{1} target=t{1} sync=full"
GONE = "".join(f"blockdev-del node-name={name}\n" for name in ("s1", "t1", "s2", "t2"))
TURNS = 10
"""A race is lost now and then: a script does the same so many times."""


@pytest.fixture
def run(fresh_q35: Vm, run_qmpsh: RunQmpsh) -> Run:
    def script(text: str) -> subprocess.CompletedProcess[str]:
        return run_qmpsh("-t", "20", fresh_q35.path, stdin=text)

    return script


def answers(done: subprocess.CompletedProcess[str]) -> list[JsonObject]:
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_query_moves_no_mark(run: Run) -> None:
    text = f"""{NODES}blockdev-mirror job-id=jw device=s1 target=t1 sync=full
# a comment
query-block-jobs
.hmp info status
.json stop
.wait BLOCK_JOB_READY --timeout 5
block-job-cancel device=jw
.wait BLOCK_JOB_COMPLETED --timeout 5
{GONE}"""
    said = [json.loads(line) for line in run(text * TURNS).stdout.splitlines() if line[0] == "{"]
    assert [answer["device"] for answer in said if "device" in answer] == ["jw", "jw"] * TURNS


def test_two_ends_in_either_order(run: Run) -> None:
    actions = ",".join(
        f"{{type: blockdev-backup, data: {{job-id: k{n}, device: s{n}, target: t{n}, sync: full}}}}"
        for n in (1, 2)
    )
    text = f"""{NODES}transaction actions=[{actions}]
.wait BLOCK_JOB_COMPLETED device=k2
.wait BLOCK_JOB_COMPLETED device=k1
{GONE}"""
    assert [answer["device"] for answer in answers(run(text * TURNS))] == ["k2", "k1"] * TURNS


def test_an_event_of_before_the_command_is_not_meant(run: Run) -> None:
    text = """cont
stop
cont
migrate uri="exec:cat > /dev/null"
.wait STOP
query-status
"""
    for _ in range(TURNS):  # a migration is not quite over when the VM stops for it
        *_, status = answers(run(text))
        assert status["running"] is False


def test_what_a_wait_has_taken_is_gone(run: Run) -> None:
    k1, k2 = BACKUP.format("k1", 1), BACKUP.format("k2", 2)
    done = run(f"{NODES}{k1} --wait\n{k2} speed=1\n.wait BLOCK_JOB_COMPLETED --timeout 300ms\n")
    assert (done.returncode, json.loads(done.stdout)["device"]) == (124, "k1")
    done = run(f"job-cancel id=k2 --wait\n{k1} --wait\n.wait *JOB* device=k1 --timeout 300ms\n")
    assert done.returncode == 124


def test_an_event_with_values_may_be_older_and_is_named(run: Run) -> None:
    done = run(f"{NODES}{BACKUP.format('k1', 1)}\ncont\n.wait BLOCK_JOB_COMPLETED device=k1\n")
    assert (done.returncode, json.loads(done.stdout)["device"]) == (0, "k1")
    said = "stdin:7: this BLOCK_JOB_COMPLETED came X ago, before the last command that could have"
    assert re.sub(r"came .+ ago", "came X ago", done.stderr) == f"{said} caused it\n"


def test_sourced_files_belong_to_the_script(run: Run, tmp_path: Path) -> None:
    inner = tmp_path / "inner.qmp"
    inner.write_text(f"{BACKUP.format('k1', 1)}\n")
    text = f"{NODES}.source {inner}\nstop\n.wait BLOCK_JOB_COMPLETED device=k1\n"
    assert run(text).returncode == 0
    assert run(f"cont\n.source {inner}\n.wait RESUME --timeout 300ms\n").returncode == 124
    inner.write_text(".wait RESUME\n")
    assert run(f"stop\ncont\nquery-name\n.source {inner}\n").returncode == 0


def test_a_reconnect_forgets_what_came_before(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    # No guest runs on this machine: one has events of its own. The query learns the schema, for
    # which the wait has no time on a busy machine.
    lines = ("stop", ".disconnect", ".reconnect", "qom-list path=/", ".wait STOP --timeout 300ms")
    done = run_qmpsh(vm.path, stdin="\n".join(lines))
    said = "stdin:5: .wait: waited 0.3 s for STOP; no event came\n"
    assert (done.stderr, done.returncode) == (said, 124)
    done = run_qmpsh(vm.path, stdin="stop\n.disconnect\n.reconnect\ncont\n.wait RESUME\n")
    assert done.returncode == 0


# ---------------------------------------------------------------------------- at the prompt


@pytest.fixture
def harness(fresh_q35: Vm) -> Iterator[SessionHarness]:
    harness = SessionHarness(fresh_q35.path)
    harness.wait("the schema", learnt=True)
    yield harness
    harness.session.close()


def test_the_prompt_counts_from_the_last_command_typed(harness: SessionHarness) -> None:
    harness.run("cont")
    assert harness.run("wait RESUME --timeout 60").exit_code == 0
    harness.run("stop")
    harness.run("query-status")
    assert harness.run(".wait STOP --timeout 300ms").exit_code == 124


def test_a_file_at_the_prompt_is_one_command_and_a_script_in_itself(
    harness: SessionHarness, tmp_path: Path
) -> None:
    file = tmp_path / "a.qmp"
    file.write_text("cont\nquery-name\n.wait RESUME --timeout 60\nstop\nquery-name\n")
    assert harness.run(f".source {file}").exit_code == 0
    assert harness.run(".wait STOP --timeout 60").exit_code == 0
    harness.run("cont")
    file.write_text(".wait RESUME --timeout 300ms\n")
    assert harness.run(f".source {file}").exit_code == 124


def test_a_detached_file_keeps_its_own_mark(harness: SessionHarness, tmp_path: Path) -> None:
    file = tmp_path / "a.qmp"
    file.write_text("cont\n.wait POWERDOWN\n.wait RESUME --timeout 60\n")
    outcomes: list[int] = []
    harness.session.start(
        f".source {file}", harness.shown.append, lambda o: outcomes.append(o.exit_code)
    )
    harness.poll_until(lambda: harness.listener.events)
    assert harness.session.interrupt()
    assert harness.run("stop").exit_code == 0
    assert harness.run(".wait STOP --timeout 60").exit_code == 0
    harness.run("system_powerdown", "y")
    harness.poll_until(lambda: outcomes)
    assert outcomes == [0]


def test_a_reconnect_forgets_at_the_prompt_too(harness: SessionHarness) -> None:
    harness.run("cont")
    harness.run(".disconnect")
    harness.run(".reconnect")
    assert harness.run(".wait RESUME --timeout 300ms").exit_code == 124


# ---------------------------------------------------------------------------- jobs


def test_attaching_to_a_job(run: Run) -> None:
    slow = f"{NODES}{BACKUP.format('k1', 1)} speed=1\n"
    done = run(f"{slow}.wait job=k1 --timeout 1\n")
    assert done.returncode == 124
    assert "stdin:6: .wait: waited 1 s for job k1 to end; k1 is running, 12 % done" in done.stderr
    done = run("block-job-set-speed device=k1 speed=0\n.wait job=k1\n")
    assert (answers(done)[0]["device"], done.returncode) == ("k1", 0)
    done = run(".wait job=k1\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("stdin:1: no job k1: it never was, or has ended and was dismissed\n")


def test_an_end_that_came_before_the_line(run: Run) -> None:
    k1 = BACKUP.format("k1", 1)
    done = run(f"{NODES}{k1}\nquery-jobs\nstop\n.wait job=k1\n.wait job=k1 --timeout 1\n")
    assert (done.returncode, json.loads(done.stdout.splitlines()[-1])["device"]) == (1, "k1")
    assert done.stderr.startswith("stdin:9: no job k1: ")


def test_an_older_job_of_the_same_name_is_not_meant(run: Run) -> None:
    k1 = BACKUP.format("k1", 1)
    done = run(f"{NODES}{k1}\n{k1} speed=1\n.wait job=k1 --timeout 300ms\n")
    assert (done.returncode, "k1 is running" in done.stderr) == (124, True)


def test_a_job_without_events_of_its_own_that_is_not_dismissed(run: Run, tmp_path: Path) -> None:
    create = "blockdev-create job-id=c0 options.driver=file options.size=1M options.filename="
    done = run(f"{create}{tmp_path}/x.img\n.wait job=c0\n")
    assert (answers(done)[0]["status"], done.returncode) == ("concluded", 0)
    done = run(".wait job=c0\njob-dismiss id=c0\n.wait job=c0\n")
    assert (json.loads(done.stdout)["status"], done.returncode) == ("concluded", 1)
    done = run(f"{create}/nowhere/x.img\n")
    done = run(".wait job=c0\n")
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr.startswith("stdin:1: .wait: job c0: ")
    assert "No such file or directory" in done.stderr


@pytest.mark.parametrize(
    "job, commands, code, said",
    [
        ("blockdev-mirror sync=none", "", 0, "ready: job-complete id=k1 --wait finishes it"),
        ("blockdev-backup auto-finalize=false sync=full", "", 0, "pending: job-finalize id=k1"),
        (
            "blockdev-backup sync=full speed=1",
            "job-pause id=k1\n",
            1,
            "job k1 is paused; job-resume",
        ),
    ],
)
def test_a_job_that_only_another_command_moves(
    run: Run, job: str, commands: str, code: int, said: str
) -> None:
    name, _, rest = job.partition(" ")
    assert run(f"{NODES}{name} job-id=k1 device=s1 target=t1 {rest}\n{commands}").returncode == 0
    done = run(".wait job=k1\n")
    assert (done.returncode, said in done.stderr) == (code, True)


def test_a_mirror_that_was_told_to_complete(run: Run) -> None:
    text = f"""{NODES}blockdev-mirror job-id=k1 device=s1 target=t1 sync=full
.wait BLOCK_JOB_READY device=k1
job-complete id=k1
.wait job=k1
"""
    done = run(text)
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()] == ["mirror"] * 2
    assert (done.stderr, done.returncode) == ("", 0)
