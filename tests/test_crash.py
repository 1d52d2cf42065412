"""A fault of our own: told in one sentence, written down without secrets."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from qmpsh.shell.crash import report
from tests.qemu import ROOT, Vm
from tests.ui.tmux import terminal
from tests.waiting import PATIENCE

FAULTY = """
import sys
from qmpsh import __main__
from qmpsh.shell import {module}
from tests.waiting import PATIENCE

def fail(*arguments, **named):
    raise ZeroDivisionError("password=hunter2")

{module}.{name} = fail
sys.exit(__main__.main())
"""


def failing() -> ZeroDivisionError:
    try:
        fail("password=hunter2")
    except ZeroDivisionError as error:
        error.add_note(
            "Typed last:\nset_password protocol=vnc password=hunter2\n"
            "object-add qom-type=secret id=s data=hunter2\nquery-status"
        )
        return error
    raise AssertionError


def fail(text: str) -> None:
    raise ZeroDivisionError(text)


def reports(home: Path) -> list[Path]:
    return sorted((home / ".local/state/qmpsh").glob("crash-*.txt"))


def test_a_report_is_private_and_holds_no_secret(private_home: Path) -> None:
    sentence = report(failing())
    (path,) = reports(private_home)
    assert sentence == f"a fault of its own (ZeroDivisionError) ended it; the report is in {path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "hunter2" not in text
    assert "set_password protocol=vnc password=********" in text
    assert "query-status" in text
    assert "if it happens again with qmpsh --record bug.jsonl, attach bug.jsonl" in text
    assert "in failing" in text


def test_a_report_is_written_where_nothing_can_be_masked(
    private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where the files of the package were replaced under a long session.
    monkeypatch.setitem(sys.modules, "qmpsh.secrets.masker", None)
    sentence = report(failing())
    (path,) = reports(private_home)
    assert sentence == f"a fault of its own (ZeroDivisionError) ended it; the report is in {path}"
    text = path.read_text()
    assert "hunter2" not in text
    assert "query-status" not in text
    places = [failing.__code__.co_firstlineno + 2, fail.__code__.co_firstlineno + 1]
    where = "".join(f"  {__file__}:{line}\n" for line in places)
    assert text.endswith(f"\nZeroDivisionError\n{where}")


def test_a_report_that_cannot_be_written_is_told(
    private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    sentence = report(failing())
    assert sentence.startswith("a fault of its own (ZeroDivisionError); no report could be written")
    assert "hunter2" not in sentence
    assert "in failing" in sentence


def test_a_one_shot_that_crashes(vm: Vm, private_home: Path) -> None:
    program = FAULTY.format(module="interpreter", name="execute")
    done = subprocess.run(
        [sys.executable, "-c", program, vm.path, "query-status"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    (path,) = reports(private_home)
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr == (
        f"qmpsh: a fault of its own (ZeroDivisionError) ended it; the report is in {path}\n"
    )


@pytest.mark.tmux
@pytest.mark.parametrize("mode", [[], ["--plain"]], ids=["screen", "plain"])
def test_a_shell_that_crashes_gives_the_terminal_back(
    vm: Vm, private_home: Path, tmp_path: Path, mode: list[str]
) -> None:
    program = tmp_path / "faulty.py"
    program.write_text(FAULTY.format(module="interpreter", name="execute"))
    with terminal() as on:
        on.start(sys.executable, str(program), *mode, vm.path)
        on.sees("(QEMU)")
        on.keys("set_password protocol=vnc password=hunter2", "Enter")
        picture = on.sees("exit 70")
        (path,) = reports(private_home)
        assert "qmpsh: a fault of its own (ZeroDivisionError) ended it" in picture
        assert "Traceback" not in picture
        assert "│" not in picture
        text = path.read_text()
        assert "hunter2" not in text
        assert "Typed last:\nset_password protocol=vnc password=********" in text


ADVICE = """
import sys
from qmpsh import __main__
import qmpsh.{module}

def fail(*arguments, **named):
    raise ZeroDivisionError("in what only advises")

qmpsh.{module}.{name} = fail
sys.exit(__main__.main())
"""


def run_with_fault(
    module: str, name: str, *argv: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ADVICE.format(module=module, name=name), *argv],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize(
    "module,name,kind,argv",
    [
        ("render.lists", "exact_lines", "table", ["query-qmp-schema", "--table"]),
        ("render.answers", "json_line", "colours", ["query-status"]),
    ],
)
def test_an_answer_is_printed_without_its_looks(
    vm: Vm, private_home: Path, module: str, name: str, kind: str, argv: list[str]
) -> None:
    done = run_with_fault(module, name, "--color", "always", vm.path, *argv)
    (path,) = reports(private_home)
    assert done.returncode == 0
    assert done.stdout.startswith(("[{", "{"))
    assert done.stderr == (
        f"qmpsh: {kind} left out: qmpsh has a fault of its own there (ZeroDivisionError);"
        f" the report is in {path}\n"
    )


def test_an_error_is_printed_without_its_carets(private_home: Path) -> None:
    done = run_with_fault("render.answers", "caret_lines", "--dry-run", "x", "stop a=[1")
    (path,) = reports(private_home)
    assert (done.returncode, done.stdout) == (2, "")
    refused, left_out = done.stderr.splitlines()
    assert refused.startswith("qmpsh: ")
    assert left_out == (
        "qmpsh: carets left out: qmpsh has a fault of its own there (ZeroDivisionError);"
        f" the report is in {path}"
    )


def test_a_fault_at_a_tab_in_the_users_shell_is_silent(private_home: Path) -> None:
    for _ in range(2):
        done = run_with_fault(
            "cli.tab.shells", "find_items", _QMPSH_COMPLETE="bash_complete", COMP_WORDS="qmpsh "
        )
        assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
        (path,) = reports(private_home)
        assert path.name == "crash-completion.txt"
        assert "ZeroDivisionError: in what only advises" in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
