"""The programs that the tests run: where they are, and what happens where one is missing.

The one place that looks for programs. Each has a row in scripts/need.sh and is named in the
Makefile (`TEST_PROGRAMS`), so that `make test` installs it; tests/test_programs.py holds that.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import NoReturn

IN_CI = os.environ.get("CI", "") == "true"


def find_program(name: str) -> str | None:
    """The path of a program, None without one. Daemons lie where only root's PATH leads."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/sbin")


def need(name: str) -> str:
    """The path of a program; without it the test is skipped, or in CI fails."""
    return find_program(name) or missing(name)


def missing(what: str) -> NoReturn:
    """Skip the test that needs a program, or fail it in CI."""
    unavailable(f"{what} is not installed (`make test` installs it)")


def unavailable(why: str) -> NoReturn:
    """Skip a test that this machine cannot run, or fail it in CI. why: one line"""
    import pytest  # which the benchmarks, who look for programs here too, do without

    if IN_CI:
        pytest.fail(f"{why}, and CI skips nothing", pytrace=False)
    pytest.skip(why)


@contextlib.contextmanager
def running(*words: str, cwd: str = "/") -> Iterator[subprocess.Popen[bytes]]:
    """A program, ended at the end."""
    process = subprocess.Popen(
        words, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
