"""What is measured is what a test means to run, and a debugger sees everything."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType

import pytest

from tests.measuring import stop_measuring, unmeasured


class Tracer:
    """A trace function that traces nothing."""

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        return None


class CoverageTracer(Tracer):
    """The same, as coverage's own would be."""

    __module__ = "coverage.tracer"


@pytest.fixture(autouse=True)
def _trace_function() -> Iterator[None]:
    before = sys.gettrace()
    yield
    sys.settrace(before)


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
