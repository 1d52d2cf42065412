"""The scripts for the shells, and the answers that they are given."""

from __future__ import annotations

import os
import subprocess

import pytest

from qmpsh.cli.argv import COMPLETE
from qmpsh.cli.tab.offers import PathKind, ShellCandidate
from qmpsh.cli.tab.scripts import FILES, SCRIPTS
from qmpsh.cli.tab.shells import Bash, Fish, UserShell, Zsh
from qmpsh.cli.tab.words import Splitter
from tests.conftest import RunQmpsh
from tests.programs import need
from tests.qemu import ROOT, Vm
from tests.tab.terminal import SHELLS

CHECK = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}
BREAKS = " \t\n\"'><=;|&(:"
OFFLINE = f"qmpsh -n --schema {ROOT}/tests/data/query-qmp-schema-qemu-7.2.json "


def lines(kind: type[UserShell], items: list[ShellCandidate], typed: str) -> list[list[str]]:
    """The fields of the lines for what is typed of a word."""
    shell = kind()
    word = Splitter(breaks=BREAKS if kind is Bash else "").split(f"q {typed}")[-1]
    return [line.split("\x1f") for line in shell.lines(items, word)]


# ---------------------------------------------------------------------------- the scripts


@pytest.mark.parametrize("shell", SHELLS)
def test_completions_holds_what_the_program_prints(shell: str, run_qmpsh: RunQmpsh) -> None:
    stored = (ROOT / "completions" / FILES[shell]).read_text()
    assert stored == SCRIPTS[shell], "scripts/completions.py writes them anew"
    run = run_qmpsh(env={COMPLETE: f"{shell}_source"})
    assert (run.stdout, run.stderr, run.returncode) == (stored, "", 0)


@pytest.mark.parametrize("wanted", ["tcsh_source", "bash_", "bash", ""])
def test_what_no_script_asks_for_is_not_answered(wanted: str, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh(env={COMPLETE: wanted})
    assert (run.stdout, run.returncode) == ("", 1)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_of_the_shells(shell: str) -> None:
    need(shell)
    command = [*CHECK[shell], str(ROOT / "completions" / FILES[shell])]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


# ---------------------------------------------------------------------------- the answers

RESET = [ShellCandidate("reboot=reset", 7), ShellCandidate("reboot=shutdown", 7)]
PATH = ShellCandidate("path=/m", 5, ends=False)
OPEN = ShellCandidate("file={driver: null-co", 14, ends=False)


@pytest.mark.parametrize(
    "items,typed,expected",
    [
        (RESET, "reboot=", [["word", "reset"], ["word", "shutdown"]]),
        (RESET, "reboot=re", [["word", "reset"]]),
        (RESET, "'reboot=re", [["word", "reboot=reset"]]),
        (RESET, "'reboot='re", [["word", "reboot=reset"]]),
        ([ShellCandidate("a=b c'$d", 2)], "a=", [["word", "b\\ c\\'\\$d"]]),
        ([ShellCandidate("a=b c'$d", 2)], "a='b", [["word", "b c'\\''$d"]]),
        ([ShellCandidate('a=b"$d', 2)], 'a="b', [["word", 'b\\"\\$d']]),
        ([ShellCandidate("driver=", ends=False)], "dri", [["open", "driver="]]),
        # Only one would have its quote closed behind it.
        (
            [ShellCandidate("x driver=", 2, ends=False)],
            "'x d",
            [["open", "x driver="], ["open", "x driver=…"]],
        ),
        (
            [ShellCandidate("unix:/tm", 5, files=PathKind.SOCKETS)],
            "unix:/tm",
            [["sockets", "/tm", ""]],
        ),
        (
            [ShellCandidate("unix:/tm", 5, files=PathKind.SOCKETS)],
            "'unix:/tm",
            [["sockets", "/tm", "unix:"]],
        ),
        ([ShellCandidate("/tm", files=PathKind.ALL)], "/tm", [["files", "/tm", ""]]),
    ],
)
def test_bash(items: list[ShellCandidate], typed: str, expected: list[list[str]]) -> None:
    assert lines(Bash, items, typed) == expected


@pytest.mark.parametrize(
    "items,typed,expected",
    [
        (
            [ShellCandidate("id=rng0", 3, "virtio-rng-pci"), ShellCandidate("id=x", 3)],
            "id=",
            [["skip", "3"], ["word", "rng0", "virtio-rng-pci"], ["word", "x", ""]],
        ),
        ([ShellCandidate("driver=", ends=False)], "dri", [["skip", "0"], ["open", "driver=", ""]]),
        # What stands before may be typed in other ways than it reads.
        ([ShellCandidate("a b=c", 4)], "'a b='", [["skip", "0"], ["word", "a b=c", ""]]),
        (
            [ShellCandidate("unix:/", 5, files=PathKind.SOCKETS)],
            "unix:/",
            [["skip", "5"], ["sockets"]],
        ),
        ([], "", [["skip", "0"]]),
    ],
)
def test_zsh(items: list[ShellCandidate], typed: str, expected: list[list[str]]) -> None:
    assert lines(Zsh, items, typed) == expected


@pytest.mark.parametrize(
    "items,typed,expected",
    [
        (
            [ShellCandidate("id=rng0", 3, "virtio-rng-pci")],
            "id=",
            [["word", "id=rng0", "virtio-rng-pci"]],
        ),
        ([ShellCandidate("driver=", ends=False)], "dri", [["word", "driver=", ""]]),
        ([OPEN], "'file={d", [["word", f"{OPEN.text},", ""], ["word", f"{OPEN.text}}}", ""]]),
        ([OPEN, OPEN], "'file={d", [["word", OPEN.text, ""]] * 2),
        ([PATH], "path=", [["word", "path=/m", ""], ["word", "path=/m/", ""]]),
        ([ShellCandidate("unix:/t", 5, files=PathKind.ALL)], "unix:/t", [["files", "/t", "unix:"]]),
    ],
)  # fmt: skip
def test_fish(items: list[ShellCandidate], typed: str, expected: list[list[str]]) -> None:
    assert lines(Fish, items, typed) == expected


def test_a_note_stays_on_its_line() -> None:
    assert lines(Fish, [ShellCandidate("x", note="a\nb\x1bc\x1fd")], "") == [
        ["word", "x", "a\\nb\\x1bc\\x1fd"]
    ]


def answers(kind: type[UserShell], before: str, **environ: str) -> list[str]:
    shell = kind()
    return shell.answers({"COMP_WORDS": before, **environ})


def test_the_words_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QMPSH_MANPATH", "/nowhere")  # no notes from a manual
    assert answers(Bash, f"{OFFLINE}set-action reboot=re", COMP_BREAKS=BREAKS) == ["word\x1freset"]
    rest = "nope driver=qcow2 'node-name=a b'"
    assert answers(Zsh, f"{OFFLINE}blockdev-add lazy", COMP_REST=rest)[1:] == [
        "open\x1flazy-refcounts=\x1fbool"
    ]
    variables = {"COMP_VARIABLES": f"F={OFFLINE.split()[3]}\x1f"}
    assert answers(Fish, 'qmpsh --schema "$F" stop > x', **variables) == ["files\x1fx\x1f"]
    assert answers(Fish, 'A=b qmpsh --schema "$F" -n sto', **variables)[0] == "word\x1fstop\x1f"
    first = answers(Bash, "")  # the monitors that run here just now among them
    verbs = ["word\x1frun", "word\x1fls", "word\x1fdoctor"]
    assert (first[:3], first[-1]) == (verbs, "sockets\x1f\x1f")


# ---------------------------------------------------------------------------- the process


def test_a_tab_is_never_disturbed(run_qmpsh: RunQmpsh) -> None:
    for shell, words in (
        ("bash", "qmpsh ./nothing st"),
        ("zsh", "qmpsh --schema ./nothing -n st"),
        ("fish", "qmpsh h:1 '{["),
        ("bash", ""),
    ):
        environ = {COMPLETE: f"{shell}_complete", "COMP_WORDS": words}
        run = run_qmpsh(env=environ, module="tests.patient")
        assert (run.stderr, run.returncode) == ("", 0)
        assert "stop" not in run.stdout


@pytest.mark.parametrize("instruction", ["", "bash", "nope_source", "nope_complete", "bash_nope"])
def test_unknown_instructions(instruction: str, run_qmpsh: RunQmpsh) -> None:
    run = run_qmpsh("stop", env={COMPLETE: instruction})
    assert (run.stdout, run.stderr, run.returncode) == ("", "", 1)


def test_a_pipe_is_no_schema_and_is_not_waited_for(
    run_qmpsh: RunQmpsh, tmp_path: os.PathLike[str]
) -> None:
    pipe = os.path.join(tmp_path, "pipe")
    os.mkfifo(pipe)  # has no writer, ever
    environ = {COMPLETE: "bash_complete", "COMP_WORDS": f"qmpsh -n --schema {pipe} sto"}
    run = run_qmpsh(env=environ)
    assert run.stderr == ""
    assert "stop" not in run.stdout


def test_the_process_answers_for_a_server(run_qmpsh: RunQmpsh, vm: Vm) -> None:
    environ = {COMPLETE: "zsh_complete", "COMP_WORDS": f"qmpsh {vm.path} set-action reboot="}
    run = run_qmpsh(env=environ, module="tests.patient")
    assert run.stdout == "skip\x1f7\nword\x1freset\x1f\nword\x1fshutdown\x1f\n"
    assert (run.stderr, run.returncode) == ("", 0)
