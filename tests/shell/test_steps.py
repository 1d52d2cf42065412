"""A line being run: what is left of it when it is interrupted."""

from __future__ import annotations

import pytest

from qmpsh.shell.steps import Steps, Task, WaitFor


def test_an_interrupted_step_still_says_what_goes_on() -> None:
    def steps() -> Steps:
        yield WaitFor(lambda: True, None, left=lambda: "backup j0 goes on")
        raise KeyboardInterrupt

    task = Task(steps(), lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        task.advance(0.0)
    assert task.until is not None
    assert task.until.left() == "backup j0 goes on"
