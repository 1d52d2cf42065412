"""How many inputs the readers of text are given: a few in `make test`, very many in `make fuzz`.

There are two kinds of such tests. Hypothesis draws what a property is about: it searches, and is
slow; a test that wants more or fewer examples than usual says so as a multiple: `@examples(3)`.
The cheapest readers also get what tests/mutations.py makes of known texts, twenty times as fast.

Each test counts what it was given; its report carries the number from the worker that ran it, and
`make fuzz` ends with the sum.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator, Iterable
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings


class Amount(NamedTuple):
    """How much one test is given.

    examples: of hypothesis, where a test does not say otherwise
    changed:  known texts changed at random, for each part of a quick reader
    """

    examples: int
    changed: int


PROFILES = {"default": Amount(50, 200), "fuzz": Amount(5_000, 115_000)}
"""By --hypothesis-profile. Ten million inputs in all take half an hour on two idle cores: of the
numbers of `fuzz`, hypothesis gives 1.4 million in two thirds of it, the changed texts the rest.
"""

for name, amount in PROFILES.items():
    settings.register_profile(
        name,
        max_examples=amount.examples,
        # A machine that is busy is no fault of what is tested.
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
    )


def examples(times: float) -> settings:
    """So many times the usual number of examples: fewer where one takes more than 10 ms."""
    usual = settings.default
    assert usual is not None
    return settings(max_examples=max(1, int(usual.max_examples * times)))


def is_fuzz() -> bool:
    """Whether this is `make fuzz`."""
    return settings.get_current_profile_name() == "fuzz"


def changed_texts(times: float) -> int:
    """So many times the usual number of changed texts."""
    # Hypothesis has profiles of its own, such as `ci` where the variable CI is set.
    amount = PROFILES.get(settings.get_current_profile_name(), PROFILES["default"])
    return int(amount.changed * times)


# ------------------------------------------------------------------------ what was tried

_STARTED = time.monotonic()
INPUTS = "inputs"
"""the property of a report that holds how many inputs its test was given"""


class _Tally:
    """How many inputs one test has been given."""

    def __init__(self) -> None:
        self.inputs = 0

    def counting(self, test: Callable[..., object]) -> Callable[..., object]:
        """Return the same function, which counts its calls."""

        @functools.wraps(test)
        def counted(*args: object, **named: object) -> object:
            self.inputs += 1
            return test(*args, **named)

        return counted


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Put the number of examples that hypothesis gives a test into its report."""
    handle = getattr(getattr(item, "obj", None), "hypothesis", None)
    if handle is None:
        yield
        return
    tally = _Tally()
    # Parametrized tests share one function: it is given back as it was.
    before = handle.inner_test
    handle.inner_test = tally.counting(before)
    try:
        yield
    finally:
        handle.inner_test = before
        item.user_properties.append((INPUTS, tally.inputs))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """End the run of `make fuzz` with what it comes to, after all that pytest says."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if is_fuzz() and isinstance(reporter, pytest.TerminalReporter):
        reports = [*reporter.stats.get("passed", ()), *reporter.stats.get("failed", ())]
        reporter.write_line(closing_line(reports, time.monotonic() - _STARTED))


def closing_line(reports: Iterable[pytest.TestReport], seconds: float) -> str:
    """Return what a run comes to."""
    counted = [
        (int(str(value)), report.failed)
        for report in reports
        for name, value in report.user_properties
        if name == INPUTS and report.when == "call"
    ]
    inputs = sum(number for number, _ in counted)
    failures = sum(failed for _, failed in counted)
    spent = f"{seconds / 60:.0f} min" if seconds >= 100 else f"{seconds:.0f} s"
    return f"fuzz: {inputs:,} inputs in {len(counted)} tests, {spent}, {failures} failures"
