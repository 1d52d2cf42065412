"""What is measured is what a test means to run, and a debugger sees everything."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests.measuring import Measuring, stop_measuring, unmeasured
from tests.qemu import ROOT


class Tracer:
    """A trace function that traces nothing."""

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        return None


class CoverageTracer(Tracer):
    """The same, as coverage's own would be."""

    __module__ = "coverage.tracer"


@pytest.fixture(autouse=True)
def _trace_function() -> Iterator[None]:
    before = sys.gettrace(), threading.gettrace()
    yield
    sys.settrace(before[0])
    threading.settrace(before[1])


@pytest.mark.parametrize("tracer, meanwhile", [(CoverageTracer(), False), (Tracer(), True)])
def test_nothing_is_measured_meanwhile(tracer: Tracer, meanwhile: bool) -> None:
    sys.settrace(tracer)
    with unmeasured():
        found = sys.gettrace()
    after = sys.gettrace()
    sys.settrace(tracer)
    stop_measuring()
    stopped = sys.gettrace()
    assert found is stopped is (tracer if meanwhile else None)
    assert after is tracer


@pytest.mark.parametrize("tracer, meanwhile", [(CoverageTracer(), False), (Tracer(), True)])
def test_in_a_pause_only_what_is_meant_is_measured(tracer: Tracer, meanwhile: bool) -> None:
    sys.settrace(tracer)
    threading.settrace(tracer)
    measuring = Measuring()
    found: list[object] = []

    def look() -> None:
        found.append((sys.gettrace(), threading.gettrace()))

    with measuring.paused():
        look()
        with measuring.on():
            look()
        look()
    look()
    rest = tracer if meanwhile else None
    assert found == [(rest, rest), (tracer, tracer), (rest, rest), (tracer, tracer)]


def test_a_tracer_that_was_lost_is_there_for_the_next_test() -> None:
    tracer = CoverageTracer()
    sys.settrace(tracer)
    measuring = Measuring()
    with measuring.paused(), measuring.on():
        sys.settrace(None)
    with measuring.paused(), measuring.on():
        found = sys.gettrace()
    assert found is tracer


@pytest.mark.parametrize("saved", [True, False])
def test_what_was_saved_outlives_a_kill(tmp_path: Path, saved: bool) -> None:
    program = tmp_path / "killed.py"
    program.write_text(
        "import os, signal\nfrom tests.measuring import save_measured\n"
        f"if {saved}: save_measured()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    file = tmp_path / "data"
    words = ("coverage", "run", f"--data-file={file}", "--source=tests", str(program))
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", *words], cwd=tmp_path, env=env, check=False)
    assert file.exists() == saved


def test_the_tracers_of_coverage_are_known() -> None:
    """Those of this run, where it is measured: else nothing of it would be turned off."""
    tracers = [one for one in (sys.gettrace(), threading.gettrace()) if one is not None]
    measuring = Measuring()
    with measuring.paused():
        assert not [one for one in tracers if one in (sys.gettrace(), threading.gettrace())]
    assert [one for one in (sys.gettrace(), threading.gettrace()) if one is not None] == tracers
