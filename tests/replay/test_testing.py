"""`qmpsh.testing.replay` and the fixture `qmp_replay`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import qmpsh
from qmpsh import testing
from qmpsh.pytest_plugin import StartReplay
from tests.replay.samples import GREETING, event, returned, sample, sent, text_of

MESSAGES = (GREETING, sent("stop"), event("STOP"), returned({}), event("LATE"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "r"
    path.write_text(text_of(*MESSAGES))
    return path


def test_a_session_as_recorded(qmp_replay: StartReplay, file: Path) -> None:
    vm = qmp_replay(file, strict=True)
    assert vm.version == "10.0.2"
    assert vm.execute("stop") == {}
    assert [one.name for one in vm.events(timeout=1, stop="none") or ()] == []
    vm.close()
    assert vm.differences == ()
    assert not os.path.exists(vm.path)
    vm.close()


def test_events_at_once(qmp_replay: StartReplay, file: Path) -> None:
    vm = qmp_replay(file)
    vm.execute("stop")
    assert (vm.wait("STOP").name, vm.wait("LATE").name) == ("STOP", "LATE")


def test_differences(file: Path) -> None:
    vm = testing.replay(file, strict=True)
    with pytest.raises(qmpsh.CommandFailed, match="The command cont has not been found"):
        vm.execute("cont")
    vm.close()
    assert vm.differences == (
        "qmpsh: --strict: cont: The command cont has not been found",
        "qmpsh: --strict: never asked for: stop",
    )


def test_a_line_by_the_schema_and_a_session_of_several(qmp_replay: StartReplay) -> None:
    vm = qmp_replay(sample("qemu-qmp.log"), session=1)
    assert vm.run("query-status") == {"status": "paused", "singlestep": False, "running": False}


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(qmpsh.CannotConnect, match=r"nothing is replayed: .* No such file"):
        testing.replay(tmp_path / "none")
