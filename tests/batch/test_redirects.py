"""Where answers go: files that are made before a line is sent, pipes, files that are sourced."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from tests.agents import Agent
from tests.conftest import RunQmpsh
from tests.qemu import Vm


def is_paused(vm: Vm, run_qmpsh: RunQmpsh) -> bool:
    return run_qmpsh(vm.path, "query-status").stdout.count('"paused"') == 1


@pytest.mark.parametrize("mark", [">", ">>"])
@pytest.mark.parametrize(
    "line",
    ["stop", "stop --json", '{"execute": "stop"}', ".add-fd /dev/null", "transaction( abort )"],
)
def test_a_line_whose_file_cannot_be_written_is_not_sent(
    vm: Vm, run_qmpsh: RunQmpsh, line: str, mark: str
) -> None:
    done = run_qmpsh(vm.path, f"{line} {mark} /nope/x")
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr == "qmpsh: cannot write /nope/x: No such file or directory\n"
    assert not is_paused(vm, run_qmpsh)
    assert run_qmpsh(vm.path, "query-fdsets").stdout == "[]\n"


def test_a_folder_is_no_file(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, f"stop > {vm.folder}")
    assert done.stderr == f"qmpsh: cannot write {vm.folder}: Is a directory\n"
    assert done.returncode == 2
    assert not is_paused(vm, run_qmpsh)


@pytest.mark.parametrize(
    "line, code",
    [("query-name", 0), ("nope", 1), ("stop no-such-argument=1", 2), (".exit", 0)],
)
def test_an_old_answer_is_never_left_for_a_new_one(
    vm: Vm, run_qmpsh: RunQmpsh, tmp_path: Path, line: str, code: int
) -> None:
    target, log = tmp_path / "answer", tmp_path / "log"
    for path in (target, log):
        path.write_text("old\n")
    assert run_qmpsh(vm.path, f"{line} > {target}").returncode == code
    assert target.read_text() == ""
    assert run_qmpsh(vm.path, f"{line} >> {log}").returncode == code
    assert log.read_text() == "old\n"
    assert run_qmpsh(vm.path, f"{line} > {tmp_path}/new").returncode == code
    assert (tmp_path / "new").read_text() == ""


def test_a_line_that_is_no_line_touches_no_file(
    vm: Vm, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    target = tmp_path / "answer"
    target.write_text("old\n")
    assert run_qmpsh(vm.path, f"stop id > {target}").returncode == 2
    assert target.read_text() == "old\n"


def test_a_file_that_fails_later_is_no_2(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "stop --json > /dev/full")
    assert done.stderr == "qmpsh: cannot write /dev/full: No space left on device\n"
    assert done.returncode == 1
    assert is_paused(vm, run_qmpsh)
    done = run_qmpsh("-k", vm.path, stdin="query-status > /dev/full\nquery-name --json\n")
    assert done.stderr == "stdin:1: cannot write /dev/full: No space left on device\n"
    assert (done.stdout, done.returncode) == ('{"return": {}}\n', 1)


def test_a_fifo_is_opened_once(vm: Vm, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_text()))
    reader.start()
    assert run_qmpsh(vm.path, f"query-version > {fifo}").returncode == 0
    reader.join(10)
    assert "qemu" in json.loads(read[0])


def test_a_pipe_runs_for_an_empty_answer_too(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "query-name | wc -c")
    assert (done.stdout.strip(), done.returncode) == ("0", 0)


# ------------------------------------------------------------------------ .source


@pytest.fixture
def sourced(vm: Vm) -> str:
    """A file whose lines answer, go to a file of their own, and answer with nothing."""
    own = f"{vm.folder}/own"
    path = Path(vm.folder, "o.qmp")
    path.write_text(f"query-version\nquery-status > {own}\nquery-name\nquery-kvm | tr a-z A-Z\n")
    return str(path)


def test_a_sourced_file_answers_into_a_file(vm: Vm, run_qmpsh: RunQmpsh, sourced: str) -> None:
    for mark, times in ((">", 1), (">>", 2), (">", 1)):
        done = run_qmpsh(vm.path, f".source {sourced} {mark} {vm.folder}/out")
        assert (done.returncode, done.stderr) == (0, "")
        assert "ENABLED" in done.stdout
        lines = Path(vm.folder, "out").read_text().splitlines()
        assert ["qemu" in json.loads(line) for line in lines] == [True] * times
        assert "status" in json.loads(Path(vm.folder, "own").read_text())


def test_a_sourced_file_answers_into_a_pipe(vm: Vm, run_qmpsh: RunQmpsh, sourced: str) -> None:
    done = run_qmpsh(vm.path, f".source {sourced} | wc -l")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == "1"


def test_sourced_lines_have_redirects_of_their_own(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    """Also lines of one and the same text."""
    file = Path(vm.folder, "a.qmp")
    one, two = f"{vm.folder}/one", f"{vm.folder}/two"
    file.write_text(
        f"query-version > {one}\nquery-status > {two}\nquery-kvm | wc -l\nquery-kvm | wc -l\n"
    )
    done = run_qmpsh(vm.path, ".source", str(file))
    assert done.stdout.split() == ["1", "1"]
    assert "qemu" in json.loads(Path(one).read_text())
    assert "status" in json.loads(Path(two).read_text())


def test_nothing_is_sourced_into_a_file_that_cannot_be(
    vm: Vm, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    file = tmp_path / "a.qmp"
    file.write_text("stop\n")
    assert run_qmpsh(vm.path, f".source {file} > /nope/x").returncode == 2
    assert not is_paused(vm, run_qmpsh)


# ------------------------------------------------------------------------ the guest


def test_nothing_runs_in_the_guest_for_a_file_that_cannot_be(
    agent: Agent, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    line = f".exec touch {tmp_path}/ran > /nope/x"
    done = run_qmpsh("--guest-agent", agent.path, line)
    assert done.stderr == "qmpsh: cannot write /nope/x: No such file or directory\n"
    assert done.returncode == 2
    assert not (tmp_path / "ran").exists()
