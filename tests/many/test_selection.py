"""`--only` and `--except` on real QEMUs, and QMPSH_ALL."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import RunQmpsh
from tests.many.conftest import Crew, lines_of, start
from tests.qemu import VmStarter, new_folder


def test_by_name_tag_and_status(crew: Crew, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    def names(*options: str) -> list[str]:
        done = run_qmpsh(*options, "query-name")
        assert done.returncode == 0, done.stderr
        return [str(line["vm"]) for line in lines_of(done.stdout)]

    assert names("-a", crew.glob, "--only", "name~web", "--except", "name=web2") == ["web1", "web3"]
    listed = tmp_path / "list"
    listed.write_text(f"{crew.folder}/vm1.sock env=prod\n{crew.folder}/vm2.sock db env=test\n")
    assert names("-a", f"@{listed}", "--only=env=prod") == ["web1"]
    assert names("-a", f"@{listed}", "--except", "env=prod") == ["db"]
    first = f"{crew.folder}/vm1.sock"
    assert run_qmpsh("-a", first, "--yes", "stop").returncode == 0
    try:
        assert names("-a", crew.glob, "--only", "status=paused", "--only", "status=x") == ["web1"]
        assert names("-a", crew.glob, "--except", "status=paused") == ["web2", "web3"]
        done = run_qmpsh("-a", crew.glob, "--only", "status=paused", "--yes", "cont")
        assert (done.stderr, done.returncode) == ("qmpsh: 1 ok\n", 0)
    finally:
        run_qmpsh("-a", first, "--yes", "cont")


@pytest.mark.parametrize(
    "options,message",
    [
        (("--only", "status=paused"), "leave none of 3 VMs; nothing was sent"),
        (("--only", "name~db"), "leave none of 3 VMs; nothing was sent"),
        (("--only", "env=prod"), "no VM has a tag env; there are: name status host address"),
        (("--only", "web"), "expected KEY=VALUE or KEY~PATTERN"),
        (("--guest-agent", "--only", "status=paused"), "a guest agent has no status"),
    ],
)
def test_conditions_that_leave_no_vm(
    crew: Crew, run_qmpsh: RunQmpsh, options: tuple[str, ...], message: str
) -> None:
    done = run_qmpsh("-a", crew.glob, *options, "query-name")
    assert (done.stdout, done.returncode) == ("", 2)
    assert message in done.stderr


def test_conditions_without_many_vms(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("--only", "name=x", "/no-such", "query-name")
    assert (done.stderr, done.returncode) == (
        "qmpsh: --only and --except choose among the VMs of -a TARGET\n",
        2,
    )


def test_a_vm_whose_status_is_unknown_is_not_left_out_in_silence(
    start_vm: VmStarter, run_qmpsh: RunQmpsh
) -> None:
    folder = new_folder()
    try:
        start(start_vm, folder, 1)
        with start(start_vm, folder, 2).stopped():
            targets = ("-a", f"{folder}/*.sock", "--connect-timeout", "1")
            done = run_qmpsh(*targets, "--only", "status=running", "--yes", "stop")
        assert done.stderr == "qmpsh: 1 ok, 1 stopped\n"
        assert [line.get("code") for line in lines_of(done.stdout)] == [3, None]
        assert done.returncode == 3
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_the_targets_that_all_stands_for(crew: Crew, run_qmpsh: RunQmpsh) -> None:
    def names(defaults: str) -> list[str]:
        done = run_qmpsh("-a", "all", "query-name", env={"QMPSH_ALL": defaults})
        assert done.returncode == 0, done.stderr
        return [str(line["vm"]) for line in lines_of(done.stdout)]

    first, second = f"{crew.folder}/vm{{1..2}}.sock", f"'{crew.folder}/vm3.sock'"
    assert names(f"{first} {second}") == ["web1", "web2", "web3"]
    # Only counted: the machine may run VMs that are no part of this test.
    done = run_qmpsh("-a", "all", "-n", "query-name", env={"QMPSH_ALL": f"all {second}"})
    assert int(done.stderr.split()[-2]) >= 3
    done = run_qmpsh("-a", "all", "query-name", env={"QMPSH_ALL": "'/x"})
    assert done.returncode == 2
    assert "-a all (QMPSH_ALL), line 1: expected the closing '" in done.stderr
