"""The same lines over every road, on every emulator: nothing above a stream may notice which.

A new road is a row of `roads.ROADS`; a new check a row of CHECKS. `quit` is the last one of a road.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import missing
from tests.link.roads import NEEDS, ROADS, Laid, Lay
from tests.link.sshd import has_sshd
from tests.qemu import VmStarter
from tests.waiting import wait_until


def needs(*programs: str) -> None:
    """Skip the test, or in CI fail it, where a program is missing."""
    for program in programs:
        if not (has_sshd() if program == "sshd" else shutil.which(program)):
            missing(program)


class Way:
    """A road, laid anew whenever its VM has ended."""

    def __init__(self, lay: Lay, emulator: str) -> None:
        self._lay = lay
        self._start = VmStarter(emulator)
        self._stack = ExitStack()
        self._laid: Laid | None = None

    def laid(self) -> Laid:
        if self._laid is None or not self._laid.vm.is_running:
            self._stack.close()
            self._laid = self._lay(self._start, self._stack)
        return self._laid

    def close(self) -> None:
        self._stack.close()
        self._start.close()


@pytest.fixture(scope="module", params=ROADS)
def way(request: pytest.FixtureRequest, emulator: str) -> Iterator[Way]:
    needs(*NEEDS.get(request.param, ()))
    found = Way(ROADS[request.param], emulator)
    yield found
    found.close()


# ------------------------------------------------------------------------ the checks


def status(road: Laid) -> None:
    ran = road.run("query-status")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["status"] == "running"


def pretty(road: Laid) -> None:
    ran = road.run("--pretty", "query-status")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith('{\n  "status": "running"')


def refused(road: Laid) -> None:
    ran = road.run("qom-list", "path=/nope")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "qmpsh: DeviceNotFound: Device '/nope' not found\n"


def big_reply(road: Laid) -> None:
    ran = road.run("query-qmp-schema")
    assert (ran.code, ran.err) == (0, "")
    assert len(json.loads(ran.out)) > 900


def event(road: Laid) -> None:
    ran = road.run("--verbose", stdin="stop\ncont\n")
    assert ran.code == 0
    assert '"STOP"' in ran.err
    assert '"RESUME"' in ran.err


def human_monitor(road: Laid) -> None:
    ran = road.run("--hmp", "info status")
    assert (ran.code, ran.out, ran.err) == (0, "VM status: running\n", "")


def script(road: Laid) -> None:
    ran = road.run(stdin="query-status\nquery-qmp-schema\nstop\ncont\nquery-kvm\n")
    assert (ran.code, ran.err) == (0, "")
    first, second, third = ran.out.splitlines()
    assert json.loads(first)["running"] is True
    assert len(json.loads(second)) > 900
    assert json.loads(third)["enabled"] is False


def timeout(road: Laid) -> None:
    with road.start() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("query-status\n")
        process.stdin.flush()
        assert '"running"' in process.stdout.readline()
        road.vm.stop_process()
        try:
            _, err = process.communicate("query-status --timeout=200ms\n", timeout=30)
        finally:
            road.vm.continue_process()
    assert process.returncode == 124
    assert err.startswith("stdin:2: no answer to query-status within 0.2 s")


def whole_replies(road: Laid) -> None:
    ran = road.run("--json", "qom-list", "path=/nope")
    assert ran.code == 1
    assert json.loads(ran.out)["error"]["class"] == "DeviceNotFound"


def unknown_command(road: Laid) -> None:
    ran = road.run("nope")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "qmpsh: CommandNotFound: The command nope has not been found\n"


def arguments(road: Laid) -> None:
    ran = road.run("qom-get", "path=/machine", "property=type")
    assert (ran.code, ran.out, ran.err) == (0, '"none-machine"\n', "")


def leave(road: Laid) -> None:
    ran = road.run("quit")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    wait_until(lambda: not road.vm.is_running, what="the VM has ended")


CHECKS: tuple[Callable[[Laid], None], ...] = (
    status,
    pretty,
    refused,
    big_reply,
    event,
    human_monitor,
    script,
    timeout,
    whole_replies,
    unknown_command,
    arguments,
    leave,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_road(way: Way, check: Callable[[Laid], None]) -> None:
    check(way.laid())
