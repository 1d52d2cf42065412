"""What is said of a program that a user names and this machine does not have."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from qmpsh.language.syntax import Redirect
from qmpsh.shell.pipes import pipe_status
from qmpsh.system.programs import not_started, shell_refusal


def refusal(program: str) -> str:
    try:
        subprocess.run([program], check=False)
    except OSError as error:
        return not_started(program, error)
    raise AssertionError(f"{program} ran")


def script(path: Path, text: str, mode: int) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_why_a_program_did_not_start(tmp_path: Path) -> None:
    assert refusal("no-such-pager") == "no-such-pager was not found"
    assert refusal("/no/such") == "/no/such was not found"
    assert refusal("x" * 300) == f"{'x' * 200}... cannot be started: File name too long"
    orphan = script(tmp_path / "orphan", "#!/no/such/python\n", 0o755)
    why = "cannot be started: the interpreter that its first line names was not found"
    assert refusal(orphan) == f"{orphan} {why}"
    plain = script(tmp_path / "plain", "#!/bin/sh\n", 0o644)
    assert refusal(plain) == f"{plain} cannot be started: Permission denied"


def test_what_a_shell_did_not_run(tmp_path: Path) -> None:
    plain = script(tmp_path / "plain", "#!/bin/sh\n", 0o644)
    for program, status, why in (
        ("no-such-pager", 127, "no-such-pager was not found"),
        ("/no/such", 127, "/no/such was not found"),
        (plain, 126, f"{plain} cannot be started: it is not executable"),
        ("no-such-pager", 1, ""),
        # Their own status: what they ran was not there.
        ("sh", 127, ""),
        ("exit", 127, ""),
        ("env", 126, ""),
        # Not for us to read.
        ("$PAGER", 127, ""),
        ("-v", 127, "-v was not found"),
    ):
        assert shell_refusal(program, status) == why


@pytest.mark.parametrize(
    "command, status, said",
    [
        ("no-such -S", 127, "no-such was not found; install it, or pipe into another program"),
        ("cat | A=1 no-such", 127,
         "no-such was not found; install it, or pipe into another program"),
        ("no-such https://u:hunter2@h/", 127,
         "no-such was not found; install it, or pipe into another program"),
        ("no-such | cat; exit 127", 127, None),
        ("exit 127", 127, None),
        ("sh -c no-such", 127, None),
        ("'", 2, None),
    ],
)  # fmt: skip
def test_the_end_of_a_pipe(command: str, status: int, said: str | None) -> None:
    """What it says of a program is masked as well."""
    told = pipe_status(status, Redirect("|", command, (0, 0)))
    shown = command.replace("hunter2", "********")
    assert told == (f"| {shown}: {said}" if said else f"| {shown} ended with {status}")
